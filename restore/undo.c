/* SPDX-License-Identifier: Apache-2.0 */
/* undo: the reverse of chosen transactions, as SQL. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/audit.h"
#include "mysql/connect.h"
#include "restore/batch.h"
#include "restore/filter.h"
#include "restore/rowsql.h"

#include "restore/undo_impl.h"

#define LINES_MAX	20
#define SEND_BYTES	((size_t)256 << 10)

/* --- what was asked for --- */

static int
read_time(const struct undo *u, const char *name, const char *text,
    int64_t *us, struct err *e)
{
	struct moment m;

	if (moment_parse(text, u->timeline.kind, &m, e) != 0)
		return err_wrap(e, "--%s", name);
	if (m.kind != MOMENT_TIME)
		return err_set(e, ERR_USAGE, 0, "--%s=%.80s: not a time", name,
		    text);
	*us = m.time_us;
	return 0;
}

static int
read_options(struct undo *u, struct err *e)
{
	const struct undo_opts *o = u->o;
	size_t i;

	for (i = 0; i < o->ntables; i++)
		if (strchr(o->tables[i], '=') != NULL)
			return err_set(e, ERR_USAGE, 0, "--table %.80s: undo "
			    "works on the table itself", o->tables[i]);
		else if (restore_plan_pick(&u->picks, o->tables[i], true,
		    e) != 0)
			return -1;
	if (o->ngtids == 0)
		return read_time(u, "from", o->from, &u->from_us, e) != 0 ?
		    -1 : read_time(u, "to", o->to, &u->to_us, e);
	u->gtids = calloc(o->ngtids, sizeof(*u->gtids));
	u->found = calloc(o->ngtids, sizeof(*u->found));
	if (u->gtids == NULL || u->found == NULL)
		return err_set(e, ERR_NOMEM, 0, "GTIDs");
	for (i = 0; i < o->ngtids; i++)
		if (gtid_parse(o->gtids[i], u->timeline.kind, &u->gtids[i],
		    e) != 0)
			return err_wrap(e, "--gtid=%.80s", o->gtids[i]);
	return 0;
}

/* --- what would be done --- */

static void
print_lines(const char *first, const struct buf *text, FILE *out)
{
	const char *p = buf_str(text), *lf;
	unsigned n = 0;

	for (; (lf = strchr(p, '\n')) != NULL && n < LINES_MAX; p = lf + 1) {
		(void)fprintf(out, "%s%.*s\n", n++ == 0 ? first :
		    "          ", (int)(lf - p), p);
	}
}

static void
print_transactions(const struct undo *u, FILE *out)
{
	const struct undo_transaction *t;
	char gtid[GTID_TEXT], when[CLOCK_TEXT];
	size_t i;

	for (i = u->ntransactions; i > 0 && u->ntransactions - i < LINES_MAX;
	    i--) {
		t = &u->transactions[i - 1];
		gtid[0] = '\0';
		if (t->gtid.set)
			gtid_text(&t->gtid, gtid);
		clock_rfc3339(t->time_us, when);
		(void)fprintf(out, "%s%s%s%s, %s:%" PRIu64 "\n", i ==
		    u->ntransactions ? "undoes    " : "          ", gtid,
		    gtid[0] != '\0' ? " of " : "", when, t->file, t->offset);
	}
	if (i > 0)
		(void)fprintf(out, "          and %zu more\n", i);
}

static void
print(const struct undo *u, FILE *out)
{
	const struct undo_table *t;

	print_transactions(u, out);
	for (t = u->tables; t < u->tables + u->ntables; t++)
		(void)fprintf(out, "table     %s.%s: %" PRIu64 " rows come "
		    "back, %" PRIu64 " change back, %" PRIu64 " go\n",
		    t->map.schema, t->map.table, t->deletes, t->updates,
		    t->inserts);
	print_lines("cannot be ", &u->refused, out);
	print_lines("conflicts ", &u->named, out);
}

static void
print_json(const struct undo *u, const char *state, FILE *out)
{
	json_t *doc = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:s, s:s}",
	    "version", 1, "state", state, "source", u->o->source,
	    "transactions", (json_int_t)u->ntransactions,
	    "rows", (json_int_t)u->nrows,
	    "conflicts", (json_int_t)u->nconflicts,
	    "refused", buf_str(&u->refused), "named", buf_str(&u->named));

	(void)json_dumpf(doc, out, JSON_INDENT(2));
	(void)fputc('\n', out);
	json_decref(doc);
}

/* --- the script --- */

struct script {
	const struct undo *u;
	FILE *file;
	size_t transaction;	/* the last one named, SIZE_MAX: none */
	bool keys_off;
};

static int
write_one(void *arg, const struct undo_event *ev, bool keys_off,
    const struct buf *sql, unsigned warnings, struct err *e)
{
	struct script *s = arg;
	const struct undo_transaction *t =
	    &s->u->transactions[ev->transaction];
	char gtid[GTID_TEXT] = "", when[CLOCK_TEXT];

	(void)warnings;
	if (s->transaction != ev->transaction) {
		if (t->gtid.set)
			gtid_text(&t->gtid, gtid);
		clock_rfc3339(t->time_us, when);
		(void)fprintf(s->file, "\n-- transaction %s of %s, %s:%" PRIu64
		    "\n", gtid, when, t->file, t->offset);
		s->transaction = ev->transaction;
	}
	if (s->keys_off != keys_off)
		(void)fprintf(s->file, "SET foreign_key_checks=%d;\n",
		    !keys_off);
	s->keys_off = keys_off;
	if (fprintf(s->file, "%s;\n", buf_str(sql)) < 0)
		return err_set(e, ERR_IO, errno, "%s", s->u->o->out);
	return 0;
}

static int
write_script(struct undo *u, struct err *e)
{
	struct script s = { .u = u, .transaction = SIZE_MAX };
	int rc;

	s.file = fopen(u->o->out, "wx");
	if (s.file == NULL)
		return err_set(e, errno == EEXIST ? ERR_EXISTS : ERR_IO,
		    errno, "%s", u->o->out);
	(void)fprintf(s.file, "-- undo of %zu transactions of %s, newest "
	    "first: %" PRIu64 " rows\n-- each statement must find one row: "
	    "one that finds none was changed since\nSET NAMES utf8mb4;\nSET "
	    "time_zone='+00:00', foreign_key_checks=1, sql_mode="
	    "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,STRICT_TRANS_TABLES,"
	    "NO_ENGINE_SUBSTITUTION';\nSTART TRANSACTION;\n",
	    u->ntransactions, u->o->source, (uint64_t)u->nrows -
	    u->nconflicts);
	rc = undo_make(u, true, write_one, &s, e);
	if (rc == 0)
		(void)fprintf(s.file, "\nCOMMIT;\n");
	if (rc == 0 && (fflush(s.file) != 0 || fsync(fileno(s.file)) != 0))
		rc = err_set(e, ERR_IO, errno, "%s", u->o->out);
	(void)fclose(s.file);
	if (rc != 0)
		(void)unlink(u->o->out);
	return rc;
}

/* --- doing it --- */

struct doing {
	const struct undo *u;
	struct batch batch;
	bool keys_off;
};

static int
do_one(void *arg, const struct undo_event *ev, bool keys_off,
    const struct buf *sql, unsigned warnings, struct err *e)
{
	struct doing *d = arg;
	const struct undo_table *t = &d->u->tables[ev->table];
	struct buf where = {0};
	struct buf *to;

	buf_addf(&where, "%s.%s", t->map.schema, t->map.table);
	batch_where(&d->batch, buf_str(&where));
	buf_free(&where);
	if (d->keys_off != keys_off)
		buf_addf(batch_add(&d->batch), "SET foreign_key_checks=%d",
		    !keys_off);
	d->keys_off = keys_off;
	to = batch_rows(&d->batch, 1, warnings);
	buf_add(to, sql->data, sql->len);
	return d->batch.sql.len >= SEND_BYTES ? batch_flush(&d->batch, e) : 0;
}

static int
apply(struct undo *u, struct err *e)
{
	struct doing d = { .u = u };
	struct buf set = {0};
	int rc;

	batch_init(&d.batch, u->conn);
	statement_set(&statement_unknown, &rowsql_state, u->flavour.kind,
	    &set);
	buf_add(batch_add(&d.batch), set.data, set.len);
	buf_adds(batch_add(&d.batch), "START TRANSACTION");
	rc = undo_make(u, false, do_one, &d, e);
	if (rc == 0)
		rc = batch_flush(&d.batch, e);
	if (rc != 0) {
		(void)err_hint(e, "nothing was changed");
	} else if (conn_exec(u->conn, "COMMIT", e) != 0) {
		/* Not before every count was seen to be right.  Its answer
		 * may be what was lost. */
		rc = err_wrap(e, "COMMIT");
		(void)err_hint(e, "it may be done or not: look with the same "
		    "command, without --apply");
	}
	buf_free(&set);
	batch_free(&d.batch);
	return rc;
}

static int
consent(const struct undo_opts *o, struct err *e)
{
	char answer[16];

	if (o->yes)
		return 0;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
		(void)err_set(e, ERR_USAGE, 0, "nothing was done");
		return err_hint(e, "add --yes to undo it");
	}
	(void)fprintf(stderr, "Undo it? Type yes: ");
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return 0;
	return err_set(e, ERR_USAGE, 0, "nothing was done");
}

static int
connect_live(struct undo *u, struct err *e)
{
	struct conn_opts opts = *u->o->conn;
	struct buf set = {0};
	int rc = -1;

	opts.found_rows = true;
	u->conn = conn_open(&opts, e);
	u->shapes = shapes_new(e);
	if (u->conn == NULL || u->shapes == NULL ||
	    flavour_probe(u->conn, &u->flavour, e) != 0)
		return -1;
	statement_set(&statement_unknown, &rowsql_state, u->flavour.kind,
	    &set);
	if (u->flavour.kind != u->timeline.kind)
		(void)err_set(e, ERR_USAGE, 0, "%s: not the kind of server "
		    "that the archive is of", conn_where(u->conn));
	/* It waits while the log is read, and for consent. */
	else if (buf_check(&set, "session", e) == 0 && conn_exec(u->conn,
	    "SET SESSION wait_timeout=86400", e) == 0)
		rc = conn_execn(u->conn, set.data, set.len, e);
	buf_free(&set);
	return rc;
}

static int
look(struct undo *u, struct err *e)
{
	/* How names are compared is for the server to say: it comes first. */
	if (timeline_load_archive(u->store, u->o->source, &u->timeline,
	    e) != 0 || read_options(u, e) != 0 || connect_live(u, e) != 0)
		return -1;
	u->filter = filter_new(&u->picks,
	    u->flavour.lower_case_table_names != 0, e);
	if ((u->filter == NULL && u->o->ntables > 0) ||
	    undo_choose(u, e) != 0 || undo_read(u, e) != 0 ||
	    undo_look(u, e) != 0)
		return -1;
	return u->nrefused > 0 ? 0 : undo_check(u, e);
}

static int
settle(struct undo *u, FILE *out, struct err *e)
{
	if (u->nrefused > 0)
		return err_set(e, ERR_USAGE, 0, "%.*s", (int)strcspn(
		    buf_str(&u->refused), "\n"), buf_str(&u->refused));
	if (u->nconflicts > 0 && !u->o->keep_conflicts) {
		(void)err_set(e, ERR_EXISTS, 0, "%" PRIu64 " of %zu rows were "
		    "changed since", u->nconflicts, u->nrows);
		return err_hint(e, "nothing was done; with --keep-conflicts "
		    "they stay as they are and the others are undone");
	}
	if (u->o->out != NULL)
		return write_script(u, e);
	if (!u->o->apply)
		return 0;
	(void)fflush(out);
	if (consent(u->o, e) != 0)
		return -1;
	audit_begun(u->o->audit);
	return apply(u, e);
}

static void
fini(struct undo *u)
{
	size_t i;

	undo_rows_free(u);
	for (i = 0; i < u->ntables; i++) {
		rows_table_free(&u->tables[i].map);
		buf_free(&u->tables[i].guard);
	}
	free(u->tables);
	free(u->list);
	free(u->transactions);
	free(u->gtids);
	free(u->found);
	buf_free(&u->events);
	buf_free(&u->refused);
	buf_free(&u->named);
	shapes_free(u->shapes);
	conn_close(u->conn);
	filter_free(u->filter);
	restore_plan_free(&u->picks);
	route_whole_free(&u->whole);
	timeline_free(&u->timeline);
}

int
undo_run(struct store *s, const struct undo_opts *o, FILE *out, struct err *e)
{
	struct undo u = { .o = o, .store = s };
	int rc = look(&u, e);

	if (rc == 0) {
		if (!o->json)
			print(&u, out);
		rc = settle(&u, out, e);
		if (o->json)
			print_json(&u, rc != 0 ? "refused" : o->apply ?
			    "done" : o->out != NULL ? "written" : "planned",
			    out);
		else if (rc == 0 && (o->apply || o->out != NULL))
			(void)fprintf(out, "%s: %" PRIu64 " rows\n", o->apply ?
			    "undone" : "written", (uint64_t)u.nrows -
			    u.nconflicts);
	}
	fini(&u);
	return rc;
}
