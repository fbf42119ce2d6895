/* SPDX-License-Identifier: Apache-2.0 */
/* client_test: what a person is told of a daemon's answer, or of none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backupd/client.h"
#include "backupd/control.h"
#include "backupd/settings.h"
#include "base/cancel.h"
#include "base/err.h"

static char dir[64], path[96];
static const char *code;	/* of what the daemon answers, or NULL: ok */

static json_t *
handle(void *arg, const json_t *request, uid_t peer)
{
	json_t *reply;

	(void)arg;
	(void)peer;
	if (code != NULL)
		return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code,
		    "message", "not now");
	reply = control_ok();
	if (strcmp(control_verb(request), "status") == 0)
		(void)json_object_set_new(reply, "status", json_pack(
		    "{s:i, s:[{s:s}]}", "version", 1, "sources", "name",
		    "orders"));
	if (control_job(request) != NULL)
		(void)json_object_set_new(reply, "message", json_string(
		    "dump of orders: queued"));
	return reply;
}

static atomic_bool stop;

static void *
serve(void *arg)
{
	struct control *c = arg;
	struct pollfd p = { .fd = control_fd(c), .events = POLLIN };

	while (!atomic_load(&stop)) {
		(void)poll(&p, 1, 20);
		control_ready(c);
	}
	return NULL;
}

static struct control *control;
static pthread_t thread;

static void
start(void)
{
	const struct control_opts opts = { .path = path, .handle = handle };
	struct err e = {0};

	control = control_new(&opts, &e);
	assert_non_null(control);
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, serve, control), 0);
}

static void
end(void)
{
	atomic_store(&stop, true);
	(void)pthread_join(thread, NULL);
	control_free(control);
}

static char *shown;

static int
run(const char *verb, const char *source, const char *job, bool json,
    struct err *e)
{
	char option[128];
	char *argv[] = { (char *)"backupd", (char *)(uintptr_t)verb, option,
	    json ? (char *)"--json" : (char *)"--log-level=info",
	    (char *)(uintptr_t)source, (char *)(uintptr_t)job };
	struct settings *s = settings_new(&backupd_program, e);
	size_t n;
	FILE *out = open_memstream(&shown, &n);
	int rc;

	(void)snprintf(option, sizeof(option), "--socket=%s", path);
	rc = settings_parse(s, 4 + (source != NULL) + (job != NULL), argv,
	    e) == 0 ? client_run(s, NULL, out, e) : -1;
	(void)fclose(out);
	settings_free(s);
	return rc;
}

static void
test_client_verbs(void **state)
{
	struct err e = {0};

	(void)state;
	assert_true(client_knows("status") && client_knows("reload"));
	assert_false(client_knows("run"));
	start();
	assert_int_equal(run("pause", "orders", NULL, false, &e), 0);
	assert_string_equal(shown, "pause orders: done\n");
	free(shown);
	assert_int_equal(run("start", "orders", "dump", false, &e), 0);
	assert_string_equal(shown, "dump of orders: queued\n");
	free(shown);
	assert_int_equal(run("drain", NULL, NULL, true, &e), 0);
	assert_string_equal(shown, "{\n  \"ok\": true\n}\n");
	free(shown);
	assert_int_equal(run("status", "orders", NULL, false, &e), 0);
	assert_non_null(strstr(shown, "orders"));
	free(shown);
	assert_int_equal(run("status", "none", NULL, true, &e), -1);
	assert_string_equal(e.msg, "the daemon has no source 'none'");
	free(shown);
	end();
}

static void
test_client_refused(void **state)
{
	static const struct { const char *code; enum err_code want; } all[] = {
		{ "usage", ERR_USAGE }, { "notfound", ERR_NOTFOUND },
		{ "busy", ERR_BUSY }, { "denied", ERR_DENIED },
		{ "failed", ERR_IO }, { "new", ERR_IO },
	};
	struct err e;
	size_t i;

	(void)state;
	start();
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		code = all[i].code;
		e = (struct err){0};
		assert_int_equal(run("start", "orders", NULL, false, &e), -1);
		assert_string_equal(e.msg, "the daemon says: not now");
		assert_int_equal(e.code, all[i].want);
		assert_string_equal(shown, "");
		free(shown);
	}
	code = NULL;
	end();
}

static void
test_client_no_daemon(void **state)
{
	struct err e = {0};
	char why[200];
	json_t *request = json_object();

	(void)state;
	assert_null(client_ask(path, request, NULL, &e));
	(void)snprintf(why, sizeof(why), "%s: no daemon listens there", path);
	assert_string_equal(e.msg, why);
	assert_string_equal(e.hint, "start 'backupd serve', or name its "
	    "socket by --socket or --config");
	assert_int_equal(e.code, ERR_IO);
	e = (struct err){0};
	assert_null(client_ask("", request, NULL, &e));
	assert_string_equal(e.msg, "socket : its path has 0 bytes, not 1 to "
	    "107");
	json_decref(request);
}

/* A daemon that takes the request and dies, or says half. */
static void *
die(void *arg)
{
	const char *half = arg;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char some[512];
	int l = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l, 1), 0);
	atomic_store(&stop, true);
	fd = accept(l, NULL, NULL);
	(void)recv(fd, some, sizeof(some), 0);
	(void)send(fd, half, strlen(half), MSG_NOSIGNAL);
	(void)close(fd);
	(void)close(l);
	(void)unlink(path);
	return NULL;
}

static void
broken(const char *half)
{
	json_t *request = json_object();
	struct err e = {0};
	char why[200];

	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, die,
	    (void *)(uintptr_t)half), 0);
	while (!atomic_load(&stop))
		(void)poll(NULL, 0, 1);
	assert_null(client_ask(path, request, NULL, &e));
	(void)pthread_join(thread, NULL);
	(void)snprintf(why, sizeof(why), "%s: the daemon broke off its "
	    "answer", path);
	assert_string_equal(e.msg, why);
	json_decref(request);
}

static void
test_client_broken_answer(void **state)
{
	(void)state;
	broken("");
	broken("{\"ok\":true,");
	broken("[]\n");
}

static void
test_client_cancelled(void **state)
{
	struct err e = {0};
	struct cancel *cancel = cancel_new(&e);
	json_t *request = json_object();

	(void)state;
	start();
	cancel_request(cancel, "SIGTERM");
	assert_null(client_ask(path, request, cancel, &e));
	assert_string_equal(e.msg, "stopped by SIGTERM");
	cancel_free(cancel);
	json_decref(request);
	end();
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/client-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int
tear_down(void **state)
{
	char lock[128];

	(void)state;
	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	(void)unlink(lock);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_verbs),
		cmocka_unit_test(test_client_refused),
		cmocka_unit_test(test_client_no_daemon),
		cmocka_unit_test(test_client_broken_answer),
		cmocka_unit_test(test_client_cancelled),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
