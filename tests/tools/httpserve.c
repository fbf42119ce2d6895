/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpserve: the daemon's HTTP side alone, over a status document in a file.
 *
 *   httpserve [OPTION...] STATUS.json
 *
 * Prints the port; reads the document anew whenever it is asked; a file named
 * STATUS.json.sick makes it unhealthy, STATUS.json.busy not ready.  SIGHUP
 * reads its files again (and prints "reloaded" or the error), SIGTERM ends it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backupd/http.h"
#include "base/err.h"
#include "base/log.h"

static json_t *
status(void *arg)
{
	return json_load_file(arg, 0, NULL);
}

static bool
lacks(const char *path, const char *ending)
{
	char name[4096];

	(void)snprintf(name, sizeof(name), "%s%s", path, ending);
	return access(name, F_OK) != 0;
}

static bool
healthy(void *arg)
{
	return lacks(arg, ".sick");
}

static bool
ready(void *arg)
{
	return lacks(arg, ".busy");
}

static bool
take_options(int argc, char **argv, struct http_opts *o)
{
	int c;

	while ((c = getopt(argc, argv, "l:t:c:k:h:a:")) != -1)
		switch (c) {
		case 'l': o->listen = optarg; break;
		case 't': o->token_file = optarg; break;
		case 'c': o->tls_cert = optarg; break;
		case 'k': o->tls_key = optarg; break;
		case 'h': o->head_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'a': o->answer_ms = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default: return false;
		}
	o->arg = argv[optind];
	return optind + 1 == argc;
}

static int
say(struct err *e)
{
	fprintf(stderr, "httpserve: %s%s%s\n", e->msg, e->hint[0] != '\0' ?
	    "; " : "", e->hint);
	return err_exit_status(e->code);
}

int
main(int argc, char **argv)
{
	struct http_opts o = { .listen = "127.0.0.1:0", .status = status,
	    .healthy = healthy, .ready = ready };
	struct log_opts log = { .program = "httpserve", .level = LOG_INFO_ };
	struct err e = {0};
	struct http *h;
	sigset_t set;
	int signal_number = 0;

	if (!take_options(argc, argv, &o))
		return 2;
	log_setup(&log);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	h = http_start(&o, &e);
	if (h == NULL)
		return say(&e);
	printf("%u\n", http_port(h));
	(void)fflush(stdout);
	while (sigwait(&set, &signal_number) == 0 && signal_number == SIGHUP) {
		e = (struct err){0};
		if (http_reload(h, &o, &e) == 0)
			printf("reloaded\n");
		else
			printf("%s\n", e.msg);
		(void)fflush(stdout);
	}
	http_stop(h);
	return 0;
}
