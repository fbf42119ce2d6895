/* SPDX-License-Identifier: Apache-2.0 */
/* settings of backupd: its verbs and its own options. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "backupd/follow.h"
#include "backupd/http.h"
#include "backupd/run.h"
#include "backupd/window.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/settings.h"

#include "backupd/settings.h"

static const struct settings_verb verbs[] = {
	{ "run", "SOURCE", 1, 1, "back up one source now" },
	{ "archive", "SOURCE [SOURCE...]", 1, 1000, "archive the binary logs "
	    "of sources as they are written" },
	{ "serve", "", 0, 0, "watch over all sources of the configuration" },
	{ "grants", "", 0, 0, "print CREATE USER and the least GRANTs that "
	    "backups need" },
	{ "check", "[SOURCE...]", 0, 1000, "find what would stop a job: in "
	    "the configuration, on the servers, in the stores" },
	{ "config", "[SOURCE]", 0, 1, "print the effective settings and where "
	    "each comes from" },
	{ "next", "[SOURCE] [N]", 0, 2, "show the next runs of the schedules "
	    "(default: 10)" },
	{ "notify", "[NAME]", 0, 1, "try the notifiers, all or one" },
	{ "status", "[SOURCE]", 0, 1, "show what the running daemon does, "
	    "and what is wrong" },
	{ "start", "SOURCE [JOB]", 1, 2, "tell the daemon to start a job "
	    "(default: dump) now" },
	{ "cancel", "SOURCE [JOB]", 1, 2, "tell the daemon to stop a job "
	    "(default: all of the source)" },
	{ "pause", "SOURCE", 1, 1, "tell the daemon to start no job of a "
	    "source until it is resumed" },
	{ "resume", "SOURCE", 1, 1, "tell the daemon to go on with a paused "
	    "source" },
	{ "drain", "", 0, 0, "tell the daemon to finish what runs, start "
	    "nothing more, and end" },
	{ "reload", "", 0, 0, "tell the daemon to read its configuration "
	    "again" },
	{ 0 },
};

static const struct setting own[] = {
	{ "adopt", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run archive ", "accept a server that does not belong to the "
	    "source, as the begin of a new lineage or history" },
	{ "unless-since", SETTING_STRING, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " run ", "keep nothing if another run begun at TIME or later has "
	    "made a good backup" },
	{ "stop-at-end", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " archive ", "archive all that there is now, and end" },
	{ "for", SETTING_CHOICE, SETTING_NO_ENV, "mysql", "KIND",
	    "mysql|mariadb|rds|aurora", " grants ", "the kind of server" },
	{ "offline", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " check ", "look at the configuration alone" },
	{ "effective", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " config ", "show values and their origin (the only form today)" },
	{ "test", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " notify ", "send a test and say what came back" },
#ifdef KURA_TEST_HOOKS
	{ "lock-path", SETTING_CHOICE, 0, "auto", "METHOD",
	    "auto|ftwrl|backup_stage|lock_tables|lock_free|none", " run ",
	    "test build: force the way to the snapshot" },
	{ "range-bytes", SETTING_SIZE, 0, "0", "SIZE", NULL, " run ",
	    "test build: size of a part that one query reads" },
	{ "chunk-bytes", SETTING_SIZE, 0, "0", "SIZE", NULL, " run ",
	    "test build: size of a chunk" },
	{ "late-snapshot", SETTING_DURATION, 0, "0", "TIME", NULL, " run ",
	    "test build: open one snapshot this long after the locks" },
	{ "between", SETTING_STRING, 0, NULL, "SQL", NULL, " run ",
	    "test build: run this between the definitions and the snapshot" },
#endif
	{ 0 },
};

static const struct setting *const tables[] = {
	own, settings_dump, settings_common, settings_connection,
	settings_daemon, settings_schedule, settings_retention,
	settings_drill, settings_notify, NULL,
};

static int
check_window(const char *text, struct err *e)
{
	struct window w;

	return window_parse(text, &w, e);
}

static int
check_listen(const char *text, struct err *e)
{
	return strcmp(text, "none") == 0 ? 0 : http_listen_check(text, e);
}

/* Where restore listens for a drill's server; the name by which it is reached
 * is a setting of its own. */
static int
check_drill_listen(const char *text, struct err *e)
{
	struct err why = {0};

	if ((text[0] == '[' || (text[0] >= '0' && text[0] <= '9')) &&
	    http_listen_check(text, &why) == 0)
		return 0;
	(void)err_set(e, ERR_USAGE, 0, "'%.100s' is not ADDRESS:PORT", text);
	return err_hint(e, "such as 10.0.0.5:3307, or [::1]:0 for any free "
	    "port");
}

static int
check_web(const char *text, struct err *e)
{
	const char *host = strncmp(text, "https://", 8) == 0 ? text + 8 :
	    strncmp(text, "http://", 7) == 0 ? text + 7 : "";

	return host[0] != '\0' && host[0] != '/' ? 0 : err_set(e, ERR_USAGE,
	    0, "'%.100s' is not https://HOST/...", text);
}

static int
check_endpoint(const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	unsigned long port = 1;
	char *end = NULL;

	/* An IPv6 address has colons of its own, but within brackets. */
	if (colon != NULL && strchr(colon, ']') == NULL) {
		port = colon[1] >= '0' && colon[1] <= '9' ?
		    strtoul(colon + 1, &end, 10) : 0;
		if (port > 65535 || (end != NULL && *end != '\0'))
			port = 0;
	}
	return port > 0 && text != colon ? 0 : err_set(e, ERR_USAGE, 0,
	    "'%.100s' is not HOST[:PORT]", text);
}

static const struct settings_check checks[] = {
	{ "window", SETTING_IN_SOURCE, check_window },
	{ "host", SETTING_IN_SOURCE, settings_host_check },
	{ "drill-host", SETTING_IN_SOURCE, settings_host_check },
	{ "drill-listen", SETTING_IN_SOURCE, check_drill_listen },
	{ "endpoints", SETTING_IN_SOURCE, check_endpoint },
	{ "ping-dump", SETTING_IN_SOURCE, check_web },
	{ "ping-archive", SETTING_IN_SOURCE, check_web },
	{ "ping-expire", SETTING_IN_SOURCE, check_web },
	{ "ping-verify", SETTING_IN_SOURCE, check_web },
	{ "ping-drill", SETTING_IN_SOURCE, check_web },
	{ "listen", SETTING_IN_DAEMON, check_listen },
	{ "page", SETTING_IN_DAEMON, check_web },
	{ .name = NULL },
};

const struct settings_program backupd_program = {
	.name = "backupd",
	.purpose = "consistent, parallel backups of MySQL and MariaDB to S3 "
	    "or a directory",
	.verbs = verbs,
	.tables = tables,
	.checks = checks,
};

static int
list_from(const struct settings *s, const char *name,
    const char *const **list, size_t *n, struct err *e)
{
	const char **items;
	size_t i;

	*n = settings_count(s, name);
	*list = NULL;
	if (*n == 0)
		return 0;
	items = calloc(*n, sizeof(*items));
	if (items == NULL)
		return err_set(e, ERR_NOMEM, 0, "--%s", name);
	for (i = 0; i < *n; i++) {
		items[i] = settings_item(s, name, i);
		if (items[i][0] == '\0') {
			free(items);
			return err_set(e, ERR_USAGE, 0, "--%s: an empty "
			    "pattern", name);
		}
	}
	*list = items;
	return 0;
}

static unsigned
default_workers(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > 8 ? 8 : (unsigned)n;
}

static int
number(const struct settings *s, const char *name, uint64_t low,
    uint64_t high, unsigned *out, struct err *e)
{
	uint64_t v = settings_uint(s, name);

	if (v < low || v > high)
		return err_set(e, ERR_USAGE, 0, "--%s %llu: not %llu to %llu",
		    name, (unsigned long long)v, (unsigned long long)low,
		    (unsigned long long)high);
	*out = (unsigned)v;
	return 0;
}

#ifdef KURA_TEST_HOOKS
static void
test_hooks(const struct settings *s, struct run_opts *o)
{
	static const struct { const char *name; enum snapshot_method m; }
	    methods[] = {
		{ "ftwrl", SNAPSHOT_FTWRL },
		{ "backup_stage", SNAPSHOT_BACKUP_STAGE },
		{ "lock_tables", SNAPSHOT_LOCK_TABLES },
		{ "lock_free", SNAPSHOT_LOCK_FREE },
		{ "none", SNAPSHOT_NONE },
	};
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(settings_str(s, "lock-path"), methods[i].name) == 0)
			o->method = methods[i].m;
	o->range_bytes = settings_size(s, "range-bytes");
	o->chunk_bytes = settings_size(s, "chunk-bytes");
	o->test_between = settings_str(s, "between");
	o->test_late_ms = (unsigned)settings_ms(s, "late-snapshot");
}
#endif

int
run_opts_from(const struct settings *s, struct run_opts *o, struct err *e)
{
	const char *since = settings_str(s, "unless-since");
	unsigned level = 1;

	o->workers = default_workers();
	if ((settings_str(s, "workers") != NULL &&
	    number(s, "workers", 1, 64, &o->workers, e) != 0) ||
	    number(s, "level", 1, 19, &level, e) != 0 ||
	    list_from(s, "include", &o->scope.include, &o->scope.includes,
	    e) != 0 ||
	    list_from(s, "exclude", &o->scope.exclude, &o->scope.excludes,
	    e) != 0)
		return -1;
	o->level = (int)level;
	o->accounts = settings_flag(s, "accounts");
	o->adopt = settings_flag(s, "adopt");
	if (since != NULL && clock_parse(since, &o->unless_us) != 0) {
		(void)err_set(e, ERR_USAGE, 0, "--unless-since: '%.60s' is no "
		    "time", since);
		return err_hint(e, "such as 2026-11-22T02:15:00Z");
	}
	o->allow_unproven = settings_flag(s, "allow-unproven");
	o->lock_hold_ms = settings_ms(s, "lock-hold");
	o->lock_wait_ms = settings_ms(s, "lock-wait");
	o->snapshot_wait_ms = settings_ms(s, "snapshot-wait");
	o->ddl_wait_ms = settings_ms(s, "ddl-wait");
	o->time_limit_ms = settings_ms(s, "time-limit");
	o->undo_soft = settings_uint(s, "undo-soft");
	o->undo_hard = settings_uint(s, "undo-hard");
	o->threads_soft = settings_uint(s, "threads-soft");
	o->threads_hard = settings_uint(s, "threads-hard");
	o->lag_soft_s = settings_ms(s, "lag-soft") / 1000;
	o->lag_hard_s = settings_ms(s, "lag-hard") / 1000;
	if (o->lock_hold_ms < 100)
		return err_set(e, ERR_USAGE, 0,
		    "--lock-hold: less than 100 ms is not enough to open a "
		    "snapshot");
	if (o->time_limit_ms < 60000 || o->time_limit_ms > 7 * 86400000ull)
		return err_set(e, ERR_USAGE, 0,
		    "--time-limit: not 1 minute to 7 days");
#ifdef KURA_TEST_HOOKS
	test_hooks(s, o);
#endif
	return 0;
}

int
follow_opts_from(const struct settings *s, struct follow_opts *o,
    struct err *e)
{
	const char *ack = settings_str(s, "ack");
	bool spool = strcasecmp(ack, "spool") == 0;

	o->age_ms = settings_ms(s, "segment-age");
	o->adopt = settings_flag(s, "adopt");
	o->ack = strcasecmp(ack, "off") != 0;
	o->spool = spool ? settings_str(s, "spool") : NULL;
	o->spool_limit = settings_size(s, "spool-limit");
	if (endpoint_list(s, &o->endpoints, e) != 0)
		return -1;
	if (spool && (o->spool == NULL || o->spool[0] == '\0'))
		return err_set(e, ERR_USAGE, 0, "--ack=spool needs --spool, "
		    "a folder that survives a crash");
	if (spool && o->spool_limit < (uint64_t)16 << 20)
		return err_set(e, ERR_USAGE, 0, "--spool-limit: less than "
		    "16MiB");
	return 0;
}

void
run_opts_free(struct run_opts *o)
{
	free((void *)(uintptr_t)o->scope.include);
	free((void *)(uintptr_t)o->scope.exclude);
}
