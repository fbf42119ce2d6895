/* SPDX-License-Identifier: Apache-2.0 */
/* settings of restore: its verbs and its own options. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "catalog/settings.h"
#include "restore/drill.h"
#include "restore/run.h"
#include "restore/undo.h"

#include "restore/settings.h"

static const struct settings_verb verbs[] = {
	{ "plan", "SOURCE", 1, 1, "say what a restore would do, and change "
	    "nothing" },
	{ "run", "SOURCE", 1, 1, "restore a backup into a server, and go on "
	    "to a moment after it" },
	{ "drill", "SOURCE", 1, 1, "restore a backup and what is archived into "
	    "a throw-away server, to prove that it can be done" },
	{ "extract", "SOURCE", 1, 1, "write a backup out as .sql and .tsv "
	    "files" },
	{ "undo", "SOURCE", 1, 1, "reverse chosen transactions on the live "
	    "server, or write the SQL that does" },
	{ 0 },
};

static const struct setting own[] = {
	{ "backup", SETTING_STRING, SETTING_NO_ENV, "latest", "ID|latest",
	    NULL, " run plan drill extract ", "which backup of the source" },
	{ "to", SETTING_STRING, SETTING_NO_ENV, NULL, "MOMENT", NULL,
	    " run plan ", "on from the backup to a time, a GTID, FILE:POS or "
	    "latest, that transaction included" },
	{ "before", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "stop before what --to names" },
	{ "skip", SETTING_STRING, SETTING_REPEATED | SETTING_NO_ENV, NULL,
	    "GTID", NULL, " run plan ", "leave this transaction out: an empty "
	    "one takes its GTID" },
	{ "replay", SETTING_CHOICE, SETTING_NO_ENV, "auto", "HOW",
	    "auto|serve|apply", " run plan drill ", "how the target gets what "
	    "follows the backup: as our replica, or by SQL" },
	{ "listen", SETTING_STRING, SETTING_NO_ENV, NULL, "ADDR:PORT", NULL,
	    " run plan drill ", "where the target, as a replica, reaches restore "
	    "(default: 127.0.0.1, any free port)" },
	{ "advertise", SETTING_STRING, SETTING_NO_ENV, NULL, "HOST", NULL,
	    " run plan drill ", "the name by which the target reaches it (default: "
	    "the address of --listen)" },
	{ "schema", SETTING_STRING, SETTING_REPEATED | SETTING_NO_ENV, NULL,
	    "A|A=B", NULL, " run plan extract ", "only this schema, or under another name" },
	{ "table", SETTING_STRING, SETTING_REPEATED | SETTING_NO_ENV, NULL,
	    "A.T|A.T=B.U", NULL, " run plan extract undo ", "only this table, or under another "
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
	{ "workers", SETTING_UINT, 0, NULL, "N", NULL, " run plan drill ",
	    "connections that load at the same time, 1 to 64 (default: the "
	    "cores of this host, at most 8)" },
	{ "overwrite", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "drop objects of the backup that the target has "
	    "already" },
	{ "into-existing", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "fill tables that are there, empty and alike, "
	    "and make nothing" },
	{ "keep-names", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "restore routines, triggers and events that name a "
	    "renamed schema as they stand" },
	{ "check", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run plan ", "read the target back and compare every table's "
	    "digest" },
	{ "restart", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " run ",
	    "forget an interrupted restore that the target notes" },
	{ "yes", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " run undo ", "do what the plan says without asking" },
	{ "yes", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " drill ",
	    "clear what a drill that failed left to be looked at" },
	{ "gtid", SETTING_STRING, SETTING_REPEATED | SETTING_NO_ENV, NULL,
	    "GTID", NULL, " undo ", "undo this transaction" },
	{ "from", SETTING_STRING, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " undo ", "undo all from this time on" },
	{ "to", SETTING_STRING, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " undo ", "up to this one, included" },
	{ "out", SETTING_STRING, SETTING_NO_ENV, NULL, "FILE", NULL,
	    " undo ", "write the statements to this new file" },
	{ "apply", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " undo ",
	    "run them, in one transaction" },
	{ "keep-conflicts", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " undo ", "leave rows that changed since as they are, and undo "
	    "the others" },
	{ "into", SETTING_STRING, SETTING_NO_ENV, NULL, "DIR", NULL,
	    " extract ", "the folder to write to: new or empty" },
	{ 0 },
};

static const struct setting *const tables[] = {
	own, settings_common, settings_connection, settings_drill, NULL,
};

static const struct setting *const elsewhere[] = { settings_dump,
	settings_schedule, settings_retention,
	settings_daemon, settings_notify, NULL };

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
	const char *replay = settings_str(s, "replay");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	o->to = settings_str(s, "to");
	o->before = settings_flag(s, "before");
	if (o->before && o->to != NULL && strcmp(o->to, "latest") == 0)
		return err_set(e, ERR_USAGE, 0, "--before --to=latest: latest "
		    "names no transaction to stop before");
	o->replay = strcmp(replay, "serve") == 0 ? REPLAY_SERVE :
	    strcmp(replay, "apply") == 0 ? REPLAY_APPLY : REPLAY_AUTO;
	o->listen = settings_str(s, "listen");
	o->advertise = settings_str(s, "advertise");
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
	o->existing = settings_flag(s, "into-existing");
	o->keep_names = settings_flag(s, "keep-names");
	o->check = settings_flag(s, "check");
	o->restart = settings_flag(s, "restart");
	o->yes = settings_flag(s, "yes");
	o->json = settings_flag(s, "json");
	o->plan_only = strcmp(settings_verb(s), "plan") == 0;
	if (o->to == NULL && strcmp(settings_verb(s), "drill") != 0 && (o->before || settings_count(s, "skip") > 0 ||
	    o->replay != REPLAY_AUTO || o->listen != NULL ||
	    o->advertise != NULL))
		return err_set(e, ERR_USAGE, 0, "--before, --skip, --replay, "
		    "--listen and --advertise need --to");
	if (o->existing && (o->overwrite || settings_count(s, "table") == 0 ||
	    settings_count(s, "schema") > 0))
		return err_set(e, ERR_USAGE, 0, "--into-existing goes with "
		    "--table, and not with --schema or --overwrite");
	if (list_from(s, "skip", &o->skip, &o->nskip, e) != 0 ||
	    list_from(s, "schema", &o->schemas, &o->nschemas, e) != 0 ||
	    list_from(s, "table", &o->tables, &o->ntables, e) != 0)
		return -1;
	return 0;
}

int
drill_opts_from(const struct settings *s, struct drill_opts *o, struct err *e)
{
	if (restore_opts_from(s, &o->restore, e) != 0)
		return -1;
	/* What a schedule needs stands in the file. */
	if (o->restore.listen == NULL)
		o->restore.listen = settings_str(s, "drill-listen");
	if (o->restore.advertise == NULL)
		o->restore.advertise = settings_str(s, "drill-advertise");
	return list_from(s, "drill-assert", &o->asserts, &o->nasserts, e);
}

void
drill_opts_free(struct drill_opts *o)
{
	restore_opts_free(&o->restore);
	free((void *)(uintptr_t)o->asserts);
}

void
restore_opts_free(struct restore_opts *o)
{
	free((void *)(uintptr_t)o->skip);
	free((void *)(uintptr_t)o->schemas);
	free((void *)(uintptr_t)o->tables);
}

int
undo_opts_from(const struct settings *s, struct undo_opts *o, struct err *e)
{
	bool times;

	o->from = settings_str(s, "from");
	o->to = settings_str(s, "to");
	o->out = settings_str(s, "out");
	o->apply = settings_flag(s, "apply");
	o->keep_conflicts = settings_flag(s, "keep-conflicts");
	o->yes = settings_flag(s, "yes");
	o->json = settings_flag(s, "json");
	times = o->from != NULL || o->to != NULL;
	if (times ? o->from == NULL || o->to == NULL ||
	    settings_count(s, "gtid") > 0 : settings_count(s, "gtid") == 0)
		return err_set(e, ERR_USAGE, 0, "undo needs --gtid, or --from "
		    "and --to");
	if (o->out != NULL && o->apply)
		return err_set(e, ERR_USAGE, 0, "--out and --apply: one of "
		    "them");
	return list_from(s, "gtid", &o->gtids, &o->ngtids, e) != 0 ? -1 :
	    list_from(s, "table", &o->tables, &o->ntables, e);
}

void
undo_opts_free(struct undo_opts *o)
{
	free((void *)(uintptr_t)o->gtids);
	free((void *)(uintptr_t)o->tables);
}
