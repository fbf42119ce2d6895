/* SPDX-License-Identifier: Apache-2.0 */
/* settings of backupd: its verbs and its own options. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backupd/run.h"
#include "base/err.h"
#include "catalog/settings.h"

#include "backupd/settings.h"

static const struct settings_verb verbs[] = {
	{ "run", "SOURCE", 1, 1, "back up one source now" },
	{ "grants", "", 0, 0, "print CREATE USER and the least GRANTs that "
	    "backups need" },
	{ "config", "[SOURCE]", 0, 1, "print the effective settings and where "
	    "each comes from" },
	{ 0 },
};

static const struct setting own[] = {
	{ "include", SETTING_STRING, SETTING_IN_SOURCE | SETTING_REPEATED,
	    NULL, "PATTERN", NULL, " run config ",
	    "dump only schemas or tables (schema, schema.table; * and ?) that "
	    "match; the backup is marked partial" },
	{ "exclude", SETTING_STRING, SETTING_IN_SOURCE | SETTING_REPEATED,
	    NULL, "PATTERN", NULL, " run config ",
	    "leave these schemas or tables out; the backup is marked "
	    "partial" },
	{ "workers", SETTING_UINT, SETTING_IN_SOURCE, NULL, "N", NULL,
	    " run config ",
	    "connections that read at the same time, 1 to 64 (default: the "
	    "cores of this host, at most 8)" },
	{ "level", SETTING_UINT, SETTING_IN_SOURCE, "1", "N", NULL,
	    " run config ", "zstd level, 1 to 19" },
	{ "accounts", SETTING_FLAG, SETTING_IN_SOURCE, "yes", NULL, NULL,
	    " run config ", "dump accounts, roles and grants as well" },
	{ "adopt", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " run ",
	    "accept a server that does not belong to the source, as the "
	    "begin of a new lineage" },
	{ "allow-unproven", SETTING_FLAG, SETTING_IN_SOURCE, "no", NULL, NULL,
	    " run config ", "go on when no consistent snapshot can be proven; "
	    "the catalog says so" },
	{ "lock-hold", SETTING_DURATION, SETTING_IN_SOURCE, "5s", "TIME", NULL,
	    " run config ", "longest time that commits may be stopped" },
	{ "lock-wait", SETTING_DURATION, SETTING_IN_SOURCE, "60s", "TIME",
	    NULL, " run config ", "how long to try to get the locks, in short "
	    "attempts" },
	{ "snapshot-wait", SETTING_DURATION, SETTING_IN_SOURCE, "10s", "TIME",
	    NULL, " run config ", "how long to try to prove a snapshot "
	    "without locks" },
	{ "ddl-wait", SETTING_DURATION, SETTING_IN_SOURCE, "30s", "TIME", NULL,
	    " run config ", "give the dump up when a session has waited this "
	    "long for a metadata lock of ours; 0: never" },
	{ "time-limit", SETTING_DURATION, SETTING_IN_SOURCE, "24h", "TIME",
	    NULL, " run config ", "a run that takes longer commits nothing" },
	{ "undo-soft", SETTING_UINT, SETTING_IN_SOURCE, "0", "N", NULL,
	    " run config ", "slow down when InnoDB's undo history is longer; "
	    "0: never" },
	{ "undo-hard", SETTING_UINT, SETTING_IN_SOURCE, "0", "N", NULL,
	    " run config ", "give up when InnoDB's undo history is longer; "
	    "0: never" },
	{ "threads-soft", SETTING_UINT, SETTING_IN_SOURCE, "0", "N", NULL,
	    " run config ", "slow down when more threads are running; 0: "
	    "never" },
	{ "threads-hard", SETTING_UINT, SETTING_IN_SOURCE, "0", "N", NULL,
	    " run config ", "give up when more threads are running; 0: "
	    "never" },
	{ "lag-soft", SETTING_DURATION, SETTING_IN_SOURCE, "0", "TIME", NULL,
	    " run config ", "slow down when a replica lags further behind; "
	    "0: never" },
	{ "lag-hard", SETTING_DURATION, SETTING_IN_SOURCE, "0", "TIME", NULL,
	    " run config ", "give up when a replica lags further behind; 0: "
	    "never" },
	{ "for", SETTING_CHOICE, SETTING_NO_ENV, "mysql", "KIND",
	    "mysql|mariadb|rds|aurora", " grants ", "the kind of server" },
	{ "effective", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " config ", "show values and their origin (the only form today)" },
#ifdef KURA_TEST_HOOKS
	{ "lock-path", SETTING_CHOICE, 0, "auto", "METHOD",
	    "auto|ftwrl|backup_stage|lock_tables|lock_free|none", " run ",
	    "test build: force the way to the snapshot" },
	{ "range-bytes", SETTING_SIZE, 0, "0", "SIZE", NULL, " run ",
	    "test build: size of a range" },
	{ "late-snapshot", SETTING_DURATION, 0, "0", "TIME", NULL, " run ",
	    "test build: open one snapshot this long after the locks" },
#endif
	{ 0 },
};

static const struct setting *const tables[] = {
	own, settings_common, settings_connection, NULL,
};

const struct settings_program backupd_program = {
	.name = "backupd",
	.purpose = "consistent, parallel backups of MySQL and MariaDB to S3 "
	    "or a directory",
	.verbs = verbs,
	.tables = tables,
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
	o->test_late_ms = (unsigned)settings_ms(s, "late-snapshot");
}
#endif

int
run_opts_from(const struct settings *s, struct run_opts *o, struct err *e)
{
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

void
run_opts_free(struct run_opts *o)
{
	free((void *)(uintptr_t)o->scope.include);
	free((void *)(uintptr_t)o->scope.exclude);
}
