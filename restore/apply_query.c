/* SPDX-License-Identifier: Apache-2.0 */
/* apply_query: statements of the log, under the state they were run with. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "mysql/bytes.h"
#include "mysql/connect.h"
#include "restore/ddl.h"
#include "restore/filter.h"
#include "restore/trace.h"
#include "restore/xid.h"

#include "restore/apply_impl.h"

/* --- what it is --- */

static enum query_kind
xa_kind(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r);

	return ddl_is(&t, "START") || ddl_is(&t, "BEGIN") ? KIND_XA_START :
	    ddl_is(&t, "END") ? KIND_XA_END :
	    ddl_is(&t, "COMMIT") ? KIND_XA_COMMIT :
	    ddl_is(&t, "ROLLBACK") ? KIND_XA_ROLLBACK : KIND_WRITE;
}

static enum query_kind
definition_kind(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r);

	if (ddl_is(&t, "OR")) {
		(void)ddl_next(r);
		t = ddl_next(r);
	}
	return ddl_is(&t, "TEMPORARY") ? KIND_TEMPORARY : KIND_DEFINITION;
}

static enum query_kind
kind_of(const char *sql, size_t n, bool begun)
{
	static const char *const definitions[] = { "CREATE", "DROP", "ALTER",
		"RENAME", "TRUNCATE" };
	struct ddl_reader r;
	struct ddl_token t, next;
	size_t i;

	ddl_reader_init(&r, sql, n);
	t = ddl_next(&r);
	for (i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++)
		if (ddl_is(&t, definitions[i]))
			return definition_kind(&r);
	if (ddl_is(&t, "XA"))
		return xa_kind(&r);
	next = ddl_next(&r);
	if (ddl_is(&t, "BEGIN") && next.kind == DDL_END)
		return KIND_BEGIN;
	if (ddl_is(&t, "COMMIT") && next.kind == DDL_END)
		return KIND_COMMIT;
	if (ddl_is(&t, "ROLLBACK"))
		return next.kind == DDL_END ? KIND_ROLLBACK : KIND_SAVEPOINT;
	if (ddl_is(&t, "SAVEPOINT") || ddl_is(&t, "RELEASE"))
		return KIND_SAVEPOINT;
	/* GRANT, ANALYZE, a write to tables without transactions. */
	return begun ? KIND_WRITE : KIND_DEFINITION;
}

/* "CREATE TABLE ... START TRANSACTION": MySQL's CREATE ... SELECT.  After it
 * only BINLOG statements may follow, so rows by SQL go without its tail. */
static bool
is_atomic(const char *sql, size_t *n, enum apply_mode mode)
{
	static const char tail[] = "START TRANSACTION";
	size_t len = *n;

	while (len > 0 && (sql[len - 1] == ' ' || sql[len - 1] == '\n'))
		len--;
	if (len < sizeof(tail) - 1 || strncasecmp(sql + len - (sizeof(tail) -
	    1), tail, sizeof(tail) - 1) != 0)
		return false;
	if (mode == APPLY_ROWS)
		*n = len - (sizeof(tail) - 1);
	return mode == APPLY_BINLOG;
}

/* --- the session's state --- */

void
query_state(struct apply *a, const struct statement_state *to)
{
	struct buf set = {0};
	struct buf *sql;

	statement_set(&a->state, to, a->o->flavour->kind, &set);
	if (set.len > 0) {
		sql = batch_add(&a->batch);
		buf_add(sql, set.data, set.len);
		sql->failed |= set.failed;
	}
	buf_free(&set);
	a->state = *to;
}

static bool
is_ascii(const char *p, size_t n)
{
	while (n > 0 && (unsigned char)*p < 0x80)
		p++, n--;
	return n == 0;
}

void
query_utf8(struct apply *a)
{
	buf_adds(batch_add(&a->batch), "SET NAMES utf8mb4");
	a->state.client = 0;
}

static void
use_schema(struct apply *a, const struct apply_query *x)
{
	if ((x->ev->flags & STATEMENT_NO_USE) != 0 || x->home[0] == '\0' ||
	    strcmp(a->schema, x->home) == 0)
		return;
	if (!is_ascii(x->home, strlen(x->home)))
		query_utf8(a);
	buf_adds(batch_add(&a->batch), "USE ");
	sql_ident(&a->batch.sql, x->home);
	memcpy(a->schema, x->home, sizeof(a->schema));
	/* USE sets it to the schema's own. */
	a->state.database = 0;
}

static void
set_time(struct apply *a, const struct apply_query *x, uint32_t micros)
{
	struct buf *sql = batch_add(&a->batch);

	buf_addf(sql, "SET SESSION timestamp=%" PRIu32 ".%06" PRIu32,
	    x->ev->time, micros > 999999 ? 0 : micros);
	if ((x->ev->flags & STATEMENT_THREAD) != 0)
		buf_addf(sql, ",SESSION pseudo_thread_id=%" PRIu32,
		    x->q.thread);
}

/* All that goes before the statement. */
static int
prepare(struct apply *a, const struct apply_query *x, struct err *e)
{
	struct statement_state to;

	if (statement_state(x->q.status, x->q.status_len, &to, e) != 0)
		return -1;
	use_schema(a, x);
	if (a->variables.len > 0) {
		if (!is_ascii(a->variables.data, a->variables.len))
			query_utf8(a);
		buf_adds(batch_add(&a->batch), "SET ");
		buf_add(&a->batch.sql, a->variables.data, a->variables.len);
		buf_clear(&a->variables);
	}
	set_time(a, x, to.micros);
	query_state(a, &to);
	return 0;
}

/* "ALTER TABLE shop.orders": its first words, never its data. */
static int
name_statement(const struct apply_query *x, struct err *e)
{
	struct buf text = {0};
	struct ddl_reader r;
	struct ddl_token t;
	const char *last = NULL;
	unsigned i;

	ddl_reader_init(&r, x->sql, x->n);
	for (i = 0; i < 6; i++) {
		t = ddl_next(&r);
		if (t.kind != DDL_WORD && t.kind != DDL_NAME &&
		    !ddl_is_punct(&t, '.'))
			break;
		if (last != NULL && last < t.at)
			buf_addc(&text, ' ');
		ddl_name(&t, &text);
		if (t.kind == DDL_PUNCT)
			buf_addc(&text, '.');
		last = t.at + t.len;
	}
	(void)err_wrap(e, "%s", buf_str(&text));
	buf_free(&text);
	return -1;
}

/* Run it; where it failed on the source it must fail alike. */
static int
run_text(struct apply *a, const struct apply_query *x, struct err *e)
{
	struct err one = {0};
	int rc;

	if (batch_flush(&a->batch, e) != 0)
		return -1;
	rc = batch_alone(&a->batch, x->sql, x->n, &one);
	if (rc == 0 && x->q.error == 0)
		return 0;
	if (rc != 0 && one.sys != 0 && one.sys == x->q.error)
		return 0;
	if (rc == 0)
		(void)err_set(&one, ERR_CORRUPT, 0, "it failed with error %u "
		    "on the source and did not here", x->q.error);
	*e = one;
	return name_statement(x, e);
}

/* --- statements --- */

/* Within a transaction of the log. */
static int
write_statement(struct apply *a, const struct apply_query *x, struct err *e)
{
	if (binlog_flush(a, e) != 0 || group_alone(a, e) != 0 ||
	    group_transaction(a, e) != 0 || prepare(a, x, e) != 0)
		return -1;
	if (x->ev->type == EVENT_EXECUTE_LOAD_QUERY)
		return blocks_load(a, x, e);
	if (run_text(a, x, e) != 0)
		return -1;
	return x->kind == KIND_TEMPORARY ? temporary_follow(a, x, e) : 0;
}

/* SAVEPOINT a, ROLLBACK TO [SAVEPOINT] a, RELEASE SAVEPOINT a.  One that comes
 * before all that is wanted is set, too, or a ROLLBACK TO it would find none,
 * or that of another group in the same transaction. */
static int
savepoint(struct apply *a, const struct apply_query *x, struct err *e)
{
	if (binlog_flush(a, e) != 0 || group_alone(a, e) != 0 ||
	    group_transaction(a, e) != 0 || prepare(a, x, e) != 0)
		return -1;
	return run_text(a, x, e);
}

/* A write outside of a transaction, so on tables that have none. */
static bool
writes_rows(const struct apply_query *x)
{
	static const char *const words[] = { "INSERT", "UPDATE", "DELETE",
		"REPLACE", "LOAD", "WITH", "CALL", "DO", "SELECT" };
	struct ddl_reader r;
	struct ddl_token t;
	size_t i;

	ddl_reader_init(&r, x->sql, x->n);
	t = ddl_next(&r);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ddl_is(&t, words[i]))
			return true;
	return false;
}

/* What commits by itself, between two notes. */
static int
definition(struct apply *a, const struct apply_query *x, struct err *e)
{
	char proof[SHA256_HEX] = "";
	bool did = a->done;

	if (group_alone(a, e) != 0 || trace_take(a->side, x->home, x->sql,
	    x->n, proof, e) != 0)
		return -1;
	if (!did && a->resumed == NOTE_DDL)
		did = strcmp(proof, a->proof) != 0;
	a->resumed = NOTE_DONE;
	if (!did) {
		if (group_note(a, writes_rows(x) ? NOTE_PLAIN : NOTE_DDL,
		    proof, e) != 0)
			return -1;
		buf_clear(&a->text);
		apply_where_text(a, NULL, NULL, &a->text);
		batch_where(&a->batch, buf_str(&a->text));
		/* For the rows that follow in its transaction. */
		if (x->atomic && !a->format_sent)
			binlog_send_format(a);
		group_gtid(a);
		if (prepare(a, x, e) != 0 ||
		    (x->ev->type == EVENT_EXECUTE_LOAD_QUERY ?
		    blocks_load(a, x, e) : run_text(a, x, e)) != 0)
			return -1;
	}
	a->changes = true;
	shapes_clear(a->shapes);
	/* The default schema may be gone. */
	a->schema[0] = '\0';
	if (x->kind == KIND_TEMPORARY && !did)
		return temporary_follow(a, x, e);
	return 0;
}

/* A definition that is a transaction of its own. */
static int
definition_alone(struct apply *a, const struct apply_query *x, struct err *e)
{
	if (definition(a, x, e) != 0)
		return -1;
	return group_noted(a, e);
}

/* CREATE ... SELECT: its rows come after.  MySQL commits both at once, so no
 * note can stand between; on MariaDB the table is there first. */
static int
definition_with_rows(struct apply *a, const struct apply_query *x, struct err *e)
{
	bool resumed = a->resumed == NOTE_DDL;

	if (definition(a, x, e) != 0)
		return -1;
	if (x->atomic && resumed && a->note.state != NOTE_DDL)
		a->done = true;
	else if (x->atomic)
		a->sql = a->atomic = true;
	else
		a->changes = false;
	return 0;
}

/* --- one QUERY event --- */

/* What the filter makes of it; *take false: nothing is to be done. */
static int
filter(struct apply *a, struct apply_query *x, bool *take, struct err *e)
{
	*take = true;
	if (ddl_names(x->sql, x->n, "kura_restore")) {
		*take = false;
		return 0;
	}
	if (a->o->filter == NULL)
		return 0;
	switch (filter_statement(a->o->filter, x->home, x->sql, x->n,
	    &x->renamed)) {
	case FILTER_LEAVE:
		*take = false;
		return 0;
	case FILTER_TAKE:
		/* The target may have no schema of that name. */
		x->home[0] = '\0';
		/* FALLTHROUGH */
	case FILTER_KEEP:
		if (buf_check(&x->renamed, "statement", e) != 0)
			return -1;
		x->sql = buf_str(&x->renamed);
		x->n = x->renamed.len;
		return 0;
	case FILTER_REFUSE:
		break;
	}
	return err_set(e, ERR_USAGE, 0, "%s", buf_str(&x->renamed));
}

static int
act(struct apply *a, struct apply_query *x, struct err *e)
{
	bool pass = a->left || a->skipped, take = true;

	switch (x->kind) {
	case KIND_BEGIN:
		a->begun = true;
		return 0;
	case KIND_COMMIT:
		return group_commit(a, e);
	case KIND_ROLLBACK:
		return group_rollback(a, e);
	case KIND_SAVEPOINT:
		return pass || a->done ? 0 : savepoint(a, x, e);
	case KIND_XA_START:
		a->begun = true;
		if (!pass) {
			buf_clear(&a->room);
			if (xid_of_text(x->sql, x->n, &a->room, e) != 0)
				return -1;
			return xa_start(a, buf_str(&a->room), e);
		}
		return 0;
	case KIND_XA_END:
		/* Goes with what ends it: that may be in one phase. */
		return 0;
	case KIND_XA_COMMIT:
	case KIND_XA_ROLLBACK:
		return pass ? group_commit(a, e) : xa_finish(a, x, e);
	default:
		break;
	}
	if (!pass && filter(a, x, &take, e) != 0)
		return -1;
	if (pass || !take)
		return a->begun ? 0 : group_commit(a, e);
	if (x->kind == KIND_WRITE || (x->kind == KIND_TEMPORARY && a->begun))
		return a->done ? 0 : write_statement(a, x, e);
	return a->begun || x->atomic ? definition_with_rows(a, x, e) :
	    definition_alone(a, x, e);
}

int
query_run(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct apply_query x = { .ev = ev };
	struct buf room = {0};
	int rc = -1;

	if (event_query(ev, f, &x.q, &room, e) != 0)
		goto out;
	x.sql = x.q.sql;
	x.n = x.q.sql_len;
	if (x.q.schema_len >= sizeof(x.home)) {
		(void)err_set(e, ERR_CORRUPT, 0, "Query event: a schema's name "
		    "of %zu bytes", x.q.schema_len);
		goto out;
	}
	memcpy(x.home, x.q.schema, x.q.schema_len);
	x.atomic = !a->maria && is_atomic(x.sql, &x.n, a->o->mode);
	x.kind = kind_of(x.sql, x.n, a->begun);
	rc = act(a, &x, e);
	buf_clear(&a->variables);
out:	buf_free(&x.renamed);
	buf_free(&room);
	return rc;
}

/* --- variables --- */

/* Since MariaDB 10.10 a collation may be of several character sets, and the
 * number is that of the pair: COLLATIONS has none for it. */
static int
collation_name(void *arg, unsigned number, struct statement_collation *c,
    struct err *e)
{
	struct apply *a = arg;
	const struct flavour *f = a->o->flavour;
	bool pairs = f->kind == FLAVOUR_MARIADB && f->version >= 101000;
	struct result *r = conn_queryf(a->side, e, "SELECT CHARACTER_SET_NAME,"
	    " %sCOLLATION_NAME FROM information_schema.%s WHERE ID=%u",
	    pairs ? "FULL_" : "", pairs ?
	    "COLLATION_CHARACTER_SET_APPLICABILITY" : "COLLATIONS", number);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1 && len[0] < sizeof(c->charset) &&
	    len[1] < sizeof(c->collation)) {
		memcpy(c->charset, row[0], len[0] + 1);
		memcpy(c->collation, row[1], len[1] + 1);
	} else if (got >= 0) {
		got = err_set(e, ERR_USAGE, 0, "the target has no collation "
		    "of number %u, which a variable of the log has", number);
	}
	result_free(r);
	return got == 1 ? 0 : -1;
}

int
query_variable(struct apply *a, const struct event *ev, struct err *e)
{
	return statement_variable(ev, collation_name, a, &a->variables, e);
}
