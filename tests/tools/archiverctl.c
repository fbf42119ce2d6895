/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archiverctl: the daemon's archive by hand.
 *
 *   archiverctl STORE-URL RETRY-MS [ENDPOINT]
 *
 * Reads lines: "follow NAME SOCKET [ack]", "leave NAME", "list"; answers a
 * list with one JSON array, and writes an object for each event.  Ends with
 * its input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "backupd/archiver.h"
#include "backupd/follow.h"
#include "base/cancel.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "store/store.h"

static void
print(json_t *doc)
{
	flockfile(stdout);
	(void)json_dumpf(doc, stdout, JSON_COMPACT);
	(void)putchar('\n');
	(void)fflush(stdout);
	funlockfile(stdout);
	json_decref(doc);
}

static void
event(void *arg, enum archiver_event kind, const char *source,
    const char *text)
{
	(void)arg;
	print(json_pack("{s:s, s:s, s:s}", "event", archiver_event_text(kind),
	    "source", source, "text", text));
}

static void
list(struct archiver *a)
{
	json_t *all = json_array();
	struct archiver_source *s;
	size_t n, i;

	s = archiver_list(a, &n);
	for (i = 0; i < n; i++)
		(void)json_array_append_new(all, json_pack("{s:s, s:s, s:s, "
		    "s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:s}",
		    "name", s[i].name,
		    "state", archiver_state_text(s[i].state),
		    "ack", archiver_ack_text(s[i].ack),
		    "history", s[i].history, "server", s[i].server,
		    "file", s[i].file, "position", (json_int_t)s[i].position,
		    "lag_s", (json_int_t)s[i].lag_s,
		    "lag_bytes", (json_int_t)s[i].lag_bytes,
		    "last_commit_us", (json_int_t)s[i].last_commit_us,
		    "stored", (json_int_t)s[i].stored_bytes,
		    "gaps", (int)s[i].gaps, "error", s[i].error));
	free(s);
	print(all);
}

static void
obey(struct archiver *a, char *line)
{
	char verb[16] = "", name[64] = "", socket[256] = "", ack[8] = "";
	struct conn_opts conn = { .socket = socket, .user = "root",
	    .program = "archiverctl" };
	struct follow_opts o = { .source = name, .conn = &conn,
	    .age_ms = 200 };
	struct err e = {0};

	(void)sscanf(line, "%15s %63s %255s %7s", verb, name, socket, ack);
	o.ack = ack[0] != '\0';
	if (strcmp(verb, "follow") == 0 && archiver_follow(a, &o, &e) != 0)
		(void)fprintf(stderr, "archiverctl: %s\n", e.msg);
	if (strcmp(verb, "leave") == 0)
		archiver_leave(a, name);
	if (strcmp(verb, "list") == 0)
		list(a);
}

int
main(int argc, char **argv)
{
	static char id[] = "0123456789abcdef0123456789abcdef";
	struct store_opts so = { .create = true };
	struct archiver_opts o = { .store_id = id, .event = event };
	struct archiver *a = NULL;
	struct err e = {0};
	char line[1024];

	if (argc < 3)
		return 2;
	so.url = argv[1];
	so.endpoint = argc > 3 ? argv[3] : NULL;
	o.retry_ms = (unsigned)strtoul(argv[2], NULL, 10);
	if (conn_library_init(&e) == 0 &&
	    (o.store_cancel = so.cancel = cancel_new(&e)) != NULL &&
	    (o.store = store_open(&so, &e)) != NULL &&
	    (a = archiver_start(&o, &e)) != NULL)
		while (fgets(line, sizeof(line), stdin) != NULL)
			obey(a, line);
	archiver_stop(a);
	store_close(o.store);
	cancel_free(so.cancel);
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "archiverctl: %s\n", e.msg);
	return e.code == ERR_NONE ? 0 : 1;
}
