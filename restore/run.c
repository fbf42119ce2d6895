/* SPDX-License-Identifier: Apache-2.0 */
/* run: a restore, step by step. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/progress.h"
#include "codec/digest.h"
#include "mysql/connect.h"
#include "restore/accounts.h"
#include "restore/check.h"
#include "restore/create.h"
#include "restore/load.h"
#include "restore/plan.h"
#include "restore/target.h"
#include "store/store.h"

#include "restore/run.h"

struct run {
	const struct restore_opts *opts;
	struct store *store;
	struct restore_plan plan;
	struct target target;
	struct conn *conn;		/* restore session for definitions */
	struct buf conflicts, missing;
	char digest[SHA256_HEX];	/* of the plan */
	enum restore_accounts accounts;
	bool set_gtid;
	uint64_t checked;
	struct progress_totals totals;
};

static bool
same_kind(const struct run *r)
{
	bool from = strcmp(head_text(r->plan.head.server, "flavour"),
	    "mariadb") == 0 || strstr(head_text(r->plan.head.server,
	    "version"), "MariaDB") != NULL;

	return from == (r->target.flavour.kind == FLAVOUR_MARIADB);
}

/* --- the plan --- */

static void
decide(struct run *r)
{
	const struct restore_opts *o = r->opts;
	bool whole = !r->plan.part && r->target.empty;

	r->accounts = o->accounts;
	if (r->accounts == ACCOUNTS_AUTO)
		r->accounts = whole && same_kind(r) ? ACCOUNTS_ALL :
		    ACCOUNTS_NONE;
	r->set_gtid = o->gtid == SWITCH_ON || (o->gtid == SWITCH_AUTO &&
	    whole && same_kind(r) && r->target.flavour.gtid &&
	    head_text(r->plan.head.coordinates, "gtid")[0] != '\0');
	/* Rows must not make GTIDs of their own where the set is given. */
	r->target.binlog_off = o->binlog == SWITCH_OFF ||
	    (o->binlog == SWITCH_AUTO && r->target.empty &&
	    r->target.flavour.log_bin);
}

static int
look_for_missing(struct run *r, struct err *e)
{
	struct err one = {0};

	if (!r->target.local_infile)
		buf_adds(&r->missing, "local_infile is off: it is switched on "
		    "meanwhile if that is allowed; else rows go in by INSERT, "
		    "which is slower\n");
	if (r->target.binlog_off) {
		one = (struct err){0};
		if (conn_exec(r->target.conn, "SET SESSION sql_log_bin=0",
		    &one) != 0) {
			if (one.code != ERR_DENIED ||
			    r->opts->binlog == SWITCH_OFF) {
				*e = one;
				return err_wrap(e, "--binlog=off");
			}
			r->target.binlog_off = false;
			buf_adds(&r->missing, "the right to switch the binary "
			    "log off: the rows are logged\n");
		}
	}
	return buf_check(&r->missing, "plan", e);
}

static const char *
accounts_word(const struct run *r)
{
	return r->accounts == ACCOUNTS_ALL ? "all" :
	    r->accounts == ACCOUNTS_MISSING ? "missing" : "none";
}

static void
lines(FILE *out, const char *indent, const struct buf *text)
{
	const char *p = buf_str(text), *lf;

	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1)
		(void)fprintf(out, "%s%.*s\n", indent, (int)(lf - p), p);
}

static void
print_plan(const struct run *r, FILE *out)
{
	const struct restore_plan *p = &r->plan;
	const struct head *h = &p->head;
	char when[CLOCK_TEXT];

	clock_rfc3339(h->started_us, when);
	(void)fprintf(out, "backup    %s/%s of %s, %s%s\n", h->source, h->id,
	    when, head_text(h->server, "version"), head_proven(h) ? "" :
	    ", UNPROVEN: its tables may be of different moments");
	(void)fprintf(out, "target    %s, %s, %s\n",
	    conn_where(r->target.conn), r->target.flavour.version_text,
	    r->target.empty ? "empty" : "holds other schemas");
	(void)fprintf(out, "restores  %s%zu tables, %" PRIu64 " rows, %" PRIu64
	    " bytes of rows (%" PRIu64 " stored), %zu other objects\n",
	    p->part ? "a part: " : "", p->ntables, p->rows, p->raw, p->stored,
	    p->nobjects);
	(void)fprintf(out, "space     about %" PRIu64 " MiB with indexes\n",
	    (p->raw + p->raw / 2) >> 20);
	(void)fprintf(out, "accounts  %s\n", accounts_word(r));
	(void)fprintf(out, "gtid      %s\n", r->set_gtid ?
	    "set to the backup's" : "left as it is");
	(void)fprintf(out, "binlog    %s\n", r->target.flavour.log_bin ?
	    r->target.binlog_off ? "off: replicas of the target will not get "
	    "the rows" : "on: replicas of the target get all of it" :
	    "the target writes none");
	if (r->missing.len > 0) {
		(void)fprintf(out, "missing\n");
		lines(out, "  ", &r->missing);
	}
	if (r->target.resume)
		(void)fprintf(out, "goes on   where an interrupted restore "
		    "stopped\n");
	else if (r->conflicts.len > 0) {
		(void)fprintf(out, "%s\n", r->opts->overwrite ?
		    "drops first" : "in the way");
		lines(out, "  ", &r->conflicts);
	}
}

static void
print_json(const struct run *r, FILE *out, const char *state)
{
	json_t *doc = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I,"
	    " s:s, s:b, s:b, s:s, s:s, s:I}", "version", 1, "state", state,
	    "source", r->plan.head.source, "id", r->plan.head.id,
	    "tables", (json_int_t)r->plan.ntables,
	    "objects", (json_int_t)r->plan.nobjects,
	    "rows", (json_int_t)r->plan.rows, "raw", (json_int_t)r->plan.raw,
	    "stored", (json_int_t)r->plan.stored,
	    "accounts", accounts_word(r), "gtid", r->set_gtid,
	    "binlog_off", r->target.binlog_off,
	    "missing", buf_str(&r->missing),
	    "conflicts", buf_str(&r->conflicts),
	    "checked", (json_int_t)r->checked);

	(void)json_dumpf(doc, out, JSON_INDENT(2));
	(void)fputc('\n', out);
	json_decref(doc);
}

static int
pick(struct run *r, struct err *e)
{
	size_t i;

	for (i = 0; i < r->opts->nschemas; i++)
		if (restore_plan_pick(&r->plan, r->opts->schemas[i], false,
		    e) != 0)
			return -1;
	for (i = 0; i < r->opts->ntables; i++)
		if (restore_plan_pick(&r->plan, r->opts->tables[i], true,
		    e) != 0)
			return -1;
	return 0;
}

/* What two runs must share to be one restore. */
static void
plan_digest(const struct run *r, char hex[SHA256_HEX])
{
	uint8_t digest[SHA256_SIZE];
	struct buf text = {0};
	size_t i;

	buf_addf(&text, "%s/%s accounts=%d gtid=%d overwrite=%d",
	    r->plan.head.source, r->plan.head.id, (int)r->opts->accounts,
	    (int)r->opts->gtid, r->opts->overwrite);
	for (i = 0; i < r->opts->nschemas; i++)
		buf_addf(&text, " schema=%s", r->opts->schemas[i]);
	for (i = 0; i < r->opts->ntables; i++)
		buf_addf(&text, " table=%s", r->opts->tables[i]);
	sha256_of(buf_str(&text), text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_free(&text);
}

static int
look(struct run *r, struct err *e)
{
	if (pick(r, e) != 0 || backup_find(r->store, r->opts->source,
	    r->opts->backup, &r->plan.head, e) != 0 ||
	    restore_plan_read(r->store, &r->plan, e) != 0 ||
	    target_open(&r->target, r->opts->conn, e) != 0)
		return -1;
	plan_digest(r, r->digest);
	if (!r->opts->restart && target_notes_find(&r->target, &r->plan,
	    r->digest, e) != 0)
		return -1;
	decide(r);
	return look_for_missing(r, e);
}

/* --- doing it --- */

static int
ask(const struct run *r, struct err *e)
{
	char answer[16];

	if (r->opts->yes)
		return 0;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
		(void)err_set(e, ERR_USAGE, 0, "nothing was done");
		return err_hint(e, "add --yes to do what the plan says");
	}
	(void)fprintf(stderr, "Go on? Type yes: ");
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return 0;
	return err_set(e, ERR_USAGE, 0, "nothing was done");
}

static int
set_gtid(struct run *r, struct err *e)
{
	const char *gtid = head_text(r->plan.head.coordinates, "gtid");
	struct conn *c = r->target.conn;
	struct buf sql = {0};
	int rc = -1;

	if (r->target.flavour.kind == FLAVOUR_MARIADB) {
		buf_adds(&sql, "SET GLOBAL gtid_slave_pos=");
	} else {
		/* What the target made of itself must not stand beside. */
		if (conn_exec(c, r->target.flavour.version >= 80200 ?
		    "RESET BINARY LOGS AND GTIDS" : "RESET MASTER", e) != 0)
			goto out;
		buf_adds(&sql, "SET GLOBAL gtid_purged=");
	}
	sql_string(&sql, gtid, strlen(gtid));
	if (buf_check(&sql, "SET", e) == 0)
		rc = conn_exec(c, buf_str(&sql), e);
out:	buf_free(&sql);
	return rc == 0 ? 0 : err_wrap(e, "set the GTID state");
}

static void
print_attach(const struct run *r, FILE *out)
{
	const struct head *h = &r->plan.head;
	const char *host = head_text(h->server, "host");
	bool mariadb = r->target.flavour.kind == FLAVOUR_MARIADB;

	if (!r->set_gtid || r->opts->json)
		return;
	(void)fprintf(out, "to attach this target as a replica of its "
	    "source:\n");
	if (mariadb)
		(void)fprintf(out, "  CHANGE MASTER TO MASTER_HOST='%s', "
		    "MASTER_USER='...', MASTER_PASSWORD='...', "
		    "MASTER_USE_GTID=slave_pos; START SLAVE;\n", host);
	else
		(void)fprintf(out, "  CHANGE REPLICATION SOURCE TO "
		    "SOURCE_HOST='%s', SOURCE_USER='...', SOURCE_PASSWORD="
		    "'...', SOURCE_AUTO_POSITION=1; START REPLICA;\n", host);
}

static int
load_all(struct run *r, struct err *e)
{
	const struct load_opts opts = {
		.store = r->store, .plan = &r->plan, .target = &r->target,
		.workers = r->opts->workers, .totals = &r->totals,
		.cancel = r->opts->cancel,
	};
	struct progress *p = progress_start(&r->totals, r->plan.raw, e);
	int rc;

	if (p == NULL)
		return -1;
	rc = load_run(&opts, e);
	progress_stop(p);
	return rc;
}

static int
load(struct run *r, struct err *e)
{
	struct err denied = {0};
	int rc;

	if (r->target.local_infile)
		return load_all(r, e);
	r->target.local_infile = conn_exec(r->target.conn,
	    "SET GLOBAL local_infile=1", &denied) == 0;
	if (!r->target.local_infile && denied.code != ERR_DENIED) {
		*e = denied;
		return -1;
	}
	rc = load_all(r, e);
	if (r->target.local_infile && conn_exec(r->target.conn,
	    "SET GLOBAL local_infile=0", rc == 0 ? e : &denied) != 0)
		return -1;
	return rc;
}

static int
work(struct run *r, struct err *e)
{
	const struct create_opts create = {
		.store = r->store, .plan = &r->plan, .target = &r->target,
		.conn = r->conn, .defer_indexes = true,
		.overwrite = r->opts->overwrite,
		.keep_names = r->opts->keep_names,
	};

	log_event(LOG_INFO_, r->target.resume ? "restore goes on" :
	    "restore begun", "backup", r->plan.head.id, NULL);
	if (create_tables(&create, e) != 0 || load(r, e) != 0 ||
	    create_rest(&create, e) != 0)
		return -1;
	if (r->accounts != ACCOUNTS_NONE && accounts_create(&create,
	    r->accounts == ACCOUNTS_MISSING, e) != 0)
		return -1;
	if (r->opts->check) {
		log_event(LOG_INFO_, "reading the target back", NULL);
		if (check_run(&r->plan, &r->target, r->opts->workers,
		    &r->checked, e) != 0)
			return -1;
	}
	if (create_events(&create, e) != 0)
		return -1;
	/* The notes go last, so that whatever happens can be gone on with;
	 * but where the drop is logged it must not follow the set. */
	if (r->set_gtid && r->target.binlog_off && set_gtid(r, e) != 0)
		return -1;
	if (target_notes_drop(&r->target, e) != 0)
		return -1;
	return r->set_gtid && !r->target.binlog_off ? set_gtid(r, e) : 0;
}

static int
prepare(struct run *r, struct err *e)
{
	const struct create_opts names = { .store = r->store,
	    .plan = &r->plan, .keep_names = r->opts->keep_names };
	const char *text = buf_str(&r->conflicts);

	if (create_check_names(&names, e) != 0)
		return -1;
	/* Of a restore that goes on they are its own. */
	if (text[0] != '\0' && !r->opts->overwrite && !r->target.resume) {
		(void)err_set(e, ERR_EXISTS, 0, "the target already has %.*s%s",
		    (int)strcspn(text, "\n"), text, strchr(text, '\n')[1] !=
		    '\0' ? " and other objects of the backup" : "");
		return err_hint(e, "use --overwrite to drop them first, or "
		    "restore under other names");
	}
	if (ask(r, e) != 0)
		return -1;
	if (r->target.resume)
		return 0;
	/* Notes come first of all writes. */
	if (r->opts->restart && target_notes_drop(&r->target, e) != 0)
		return -1;
	return target_notes_make(&r->target, &r->plan, r->digest, e);
}

int
restore_run(struct store *s, const struct restore_opts *opts, FILE *out,
    struct err *e)
{
	struct run r = { .opts = opts, .store = s };
	int rc = -1;

	if (look(&r, e) != 0 ||
	    target_conflicts(&r.target, &r.plan, &r.conflicts, e) != 0)
		goto out;
	if (!opts->json)
		print_plan(&r, out);
	if (opts->plan_only) {
		if (opts->json)
			print_json(&r, out, "planned");
		rc = 0;
		goto out;
	}
	(void)fflush(out);
	if (prepare(&r, e) != 0)
		goto out;
	r.conn = target_connect(&r.target, e);
	if (r.conn == NULL)
		goto out;
	rc = work(&r, e);
	if (rc != 0) {
		(void)err_hint(e, "the same command goes on where this one "
		    "stopped");
		goto out;
	}
	if (opts->json) {
		print_json(&r, out, "done");
	} else {
		(void)fprintf(out, "done: %" PRIu64 " rows loaded%s\n",
		    (uint64_t)r.totals.rows, "");
		if (opts->check)
			(void)fprintf(out, "checked: %" PRIu64 " tables, all "
			    "equal to the backup\n", r.checked);
		print_attach(&r, out);
	}
out:	if (rc != 0 && cancel_requested(opts->cancel)) {
		*e = (struct err){0};
		(void)cancel_check(opts->cancel, e);
		if (r.conn != NULL)
			(void)err_hint(e, "the same command goes on where "
			    "this one stopped");
	}
	conn_close(r.conn);
	target_close(&r.target);
	restore_plan_free(&r.plan);
	buf_free(&r.conflicts);
	buf_free(&r.missing);
	return rc;
}
