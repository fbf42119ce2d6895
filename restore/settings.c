/* SPDX-License-Identifier: Apache-2.0 */
/* settings of restore: its verbs and its own options. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "catalog/settings.h"
#include "restore/run.h"

#include "restore/settings.h"

static const struct settings_verb verbs[] = {
	{ "plan", "SOURCE", 1, 1, "say what a restore would do, and change "
	    "nothing" },
	{ "run", "SOURCE", 1, 1, "restore a backup into a server" },
	{ "extract", "SOURCE", 1, 1, "write a backup out as .sql and .tsv "
	    "files" },
	{ 0 },
};

static const struct setting own[] = {
	{ "backup", SETTING_STRING, SETTING_NO_ENV, "latest", "ID|latest",
	    NULL, NULL, "which backup of the source" },
	{ "schema", SETTING_STRING, SETTING_REPEATED | SETTING_NO_ENV, NULL,
	    "A|A=B", NULL, NULL, "only this schema, or under another name" },
	{ "table", SETTING_STRING, SETTING_REPEATED | SETTING_NO_ENV, NULL,
	    "A.T|A.T=B.U", NULL, NULL, "only this table, or under another "
	    "name" },
	{ "accounts", SETTING_CHOICE, SETTING_NO_ENV, "auto", "WHICH",
	    "auto|none|missing|all", " run plan ", "auto: all for a whole "
	    "server into an empty target, else none" },
	{ "gtid", SETTING_CHOICE, SETTING_NO_ENV, "auto", "WHAT",
	    "auto|set|none", " run plan ", "auto: set the backup's GTID set "
	    "on an empty target" },
	{ "binlog", SETTING_CHOICE, SETTING_NO_ENV, "auto", "WHAT",
	    "auto|on|off", " run plan ", "auto: off on an empty target where "
	    "allowed" },
	{ "workers", SETTING_UINT, 0, NULL, "N", NULL, " run plan ",
	    "connections that load at the same time, 1 to 64 (default: the "
	    "cores of this host, at most 8)" },
	{ "overwrite", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "drop objects of the backup that the target has "
	    "already" },
	{ "keep-names", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "restore routines, triggers and events that name a "
	    "renamed schema as they stand" },
	{ "check", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "read the target back and compare every table's "
	    "digest" },
	{ "restart", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " run ",
	    "forget an interrupted restore that the target notes" },
	{ "yes", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " run ",
	    "do what the plan says without asking" },
	{ "into", SETTING_STRING, SETTING_NO_ENV, NULL, "DIR", NULL,
	    " extract ", "the folder to write to: new or empty" },
	{ 0 },
};

static const struct setting *const tables[] = {
	own, settings_common, settings_connection, NULL,
};

/* Keys that only backupd knows. */
static const char *const elsewhere[] = { "include", "exclude", "workers",
	"level", "accounts",
	"allow-unproven", "lock-hold", "lock-wait", "snapshot-wait",
	"ddl-wait", "time-limit", "undo-soft", "undo-hard", "threads-soft",
	"threads-hard", "lag-soft", "lag-hard", NULL };

const struct settings_program restore_program = {
	.name = "restore",
	.purpose = "brings a server, a schema or a table back from a Kura "
	    "store",
	.verbs = verbs,
	.tables = tables,
	.elsewhere = elsewhere,
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
	for (i = 0; i < *n; i++)
		items[i] = settings_item(s, name, i);
	*list = items;
	return 0;
}

int
restore_opts_from(const struct settings *s, struct restore_opts *o,
    struct err *e)
{
	const char *accounts = settings_str(s, "accounts");
	const char *gtid = settings_str(s, "gtid");
	const char *binlog = settings_str(s, "binlog");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	o->backup = settings_str(s, "backup");
	o->accounts = strcmp(accounts, "none") == 0 ? ACCOUNTS_NONE :
	    strcmp(accounts, "missing") == 0 ? ACCOUNTS_MISSING :
	    strcmp(accounts, "all") == 0 ? ACCOUNTS_ALL : ACCOUNTS_AUTO;
	o->gtid = strcmp(gtid, "set") == 0 ? SWITCH_ON :
	    strcmp(gtid, "none") == 0 ? SWITCH_OFF : SWITCH_AUTO;
	o->binlog = strcmp(binlog, "on") == 0 ? SWITCH_ON :
	    strcmp(binlog, "off") == 0 ? SWITCH_OFF : SWITCH_AUTO;
	o->workers = cores < 1 ? 1 : cores > 8 ? 8 : (unsigned)cores;
	if (settings_str(s, "workers") != NULL) {
		if (settings_uint(s, "workers") < 1 ||
		    settings_uint(s, "workers") > 64)
			return err_set(e, ERR_USAGE, 0, "--workers: not 1 to "
			    "64");
		o->workers = (unsigned)settings_uint(s, "workers");
	}
	o->overwrite = settings_flag(s, "overwrite");
	o->keep_names = settings_flag(s, "keep-names");
	o->check = settings_flag(s, "check");
	o->restart = settings_flag(s, "restart");
	o->yes = settings_flag(s, "yes");
	o->json = settings_flag(s, "json");
	o->plan_only = strcmp(settings_verb(s), "plan") == 0;
	if (list_from(s, "schema", &o->schemas, &o->nschemas, e) != 0 ||
	    list_from(s, "table", &o->tables, &o->ntables, e) != 0)
		return -1;
	return 0;
}

void
restore_opts_free(struct restore_opts *o)
{
	free((void *)(uintptr_t)o->schemas);
	free((void *)(uintptr_t)o->tables);
}
