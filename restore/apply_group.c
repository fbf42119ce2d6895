/* SPDX-License-Identifier: Apache-2.0 */
/* apply_group: transactions of the log become transactions of the target. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/apply_impl.h"

#define SEND_STATEMENTS	400	/* at once at most */
/* What is put into one transaction of the target at most. */
#define MERGE_GROUPS	500
#define MERGE_BYTES	((size_t)1 << 20)
/* Of small transactions in one BINLOG statement: MariaDB, when it writes a
 * binary log, takes a time that grows with the square of their number. */
#define EVENTS_BYTES	((size_t)8 << 10)

/* --- beginning --- */

static bool
is_skipped(const struct apply *a)
{
	size_t i;

	for (i = 0; a->gtid.gtid.set && i < a->o->nskip; i++)
		if (gtid_equal(&a->o->skip[i], &a->gtid.gtid))
			return true;
	/* Of a two-phase ALTER only the end does anything. */
	return a->gtid.start_alter != 0 || a->gtid.rollback_alter != 0;
}

/* A transaction whose GTID the target has would be passed over there in
 * silence. */
static int
check_known(struct apply *a, struct err *e)
{
	bool known = a->known != NULL && a->gtid.gtid.set &&
	    gtid_set_contains(a->known, &a->gtid.gtid);

	if (!known)
		return 0;
	if (a->resumed == NOTE_DDL || a->resumed == NOTE_XA) {
		a->done = true;
		return 0;
	}
	(void)err_set(e, ERR_EXISTS, 0, "the target has a transaction of this "
	    "GTID already and would do nothing");
	return err_hint(e, "restore into another server or without GTIDs");
}

int
group_begin(struct apply *a, const struct event *ev,
    const struct event_format *f, uint64_t offset, struct err *e)
{
	if (a->open)
		return err_set(e, ERR_CORRUPT, 0, "it has no end: the next one "
		    "begins at %" PRIu64, offset);
	a->open = true;
	a->begun = a->left = a->skipped = a->own = a->done = a->xa = false;
	a->alone = a->changes = a->atomic = a->plain = false;
	a->gtid = (struct event_gtid){0};
	a->offset = offset;
	a->time_us = clock_from_system((int64_t)ev->time * 1000000);
	a->server_id = ev->server_id;
	if (ev->type != EVENT_GTID && ev->type != EVENT_ANONYMOUS &&
	    ev->type != EVENT_GTID_TAGGED && ev->type != EVENT_MARIA_GTID)
		return 0;
	if (event_gtid(ev, f, &a->gtid, e) != 0)
		return -1;
	if (a->gtid.commit_us != 0)
		a->time_us = clock_from_system(a->gtid.commit_us);
	if (a->gtid.original_us != 0)
		a->time_us = clock_from_system(a->gtid.original_us);
	a->begun = ev->type == EVENT_MARIA_GTID && !a->gtid.standalone;
	a->left = a->have != NULL && a->gtid.gtid.set &&
	    gtid_set_contains(a->have, &a->gtid.gtid);
	a->skipped = is_skipped(a);
	if (check_known(a, e) != 0)
		return -1;
	if (a->gtid.xa_prepare && !a->left && !a->skipped && !a->done)
		return xa_start_gtid(a, ev, e);
	return 0;
}

/* --- statements around it --- */

void
group_gtid(struct apply *a)
{
	const struct gtid *g = &a->gtid.gtid;
	char text[GTID_TEXT];
	struct buf *sql;

	if (!a->o->own_gtids || !g->set) {
		/* A format description leaves MySQL's undetermined. */
		if (!a->maria && a->o->mode == APPLY_BINLOG)
			buf_adds(batch_add(&a->batch),
			    "SET SESSION gtid_next='AUTOMATIC'");
		return;
	}
	a->own = true;
	if (a->maria && a->o->binlog_off)
		return;
	sql = batch_add(&a->batch);
	if (a->maria) {
		buf_addf(sql, "SET SESSION server_id=%" PRIu32
		    ",gtid_domain_id=%" PRIu32 ",gtid_seq_no=%" PRIu64,
		    g->server, g->domain, g->number);
		return;
	}
	gtid_text(g, text);
	buf_adds(sql, "SET ");
	/* The GTID last: with it the session is bound to its transaction. */
	if (a->gtid.original_us > 0)
		buf_addf(sql, "SESSION original_commit_timestamp=%" PRId64
		    ",", a->gtid.original_us);
	buf_addf(sql, "SESSION gtid_next='%s'", text);
}

static bool
merges(const struct apply *a)
{
	return !a->o->own_gtids && !a->alone && !a->careful;
}

static void
label(struct apply *a)
{
	buf_clear(&a->text);
	apply_where_text(a, NULL, NULL, &a->text);
	batch_where(&a->batch, buf_str(&a->text));
}

int
group_transaction(struct apply *a, struct err *e)
{
	bool format = a->o->mode == APPLY_BINLOG && !a->format_sent;

	if (a->changes)
		return 0;
	/* A format description must not come within a transaction. */
	if (format && a->sql && group_settle(a, e) != 0)
		return -1;
	a->changes = true;
	label(a);
	if (a->sql)
		return 0;
	if (format)
		binlog_send_format(a);
	group_gtid(a);
	/* Not BEGIN: that opens a block under sql_mode=ORACLE. */
	buf_adds(batch_add(&a->batch), "START TRANSACTION");
	a->sql = true;
	return 0;
}

/* --- ending --- */

/* The place after the group. */
static int
advance(struct apply *a, struct err *e)
{
	struct buf text = {0};
	int rc = 0;

	(void)snprintf(a->note.history, sizeof(a->note.history), "%s",
	    a->history);
	a->note.seq = a->seq;
	a->note.offset = a->next;
	a->note.state = NOTE_DONE;
	a->note.proof[0] = '\0';
	if (a->gtid.gtid.set && a->maria) {
		if (gtid_set_add(a->position, &a->gtid.gtid, e) != 0)
			return -1;
		gtid_set_position(a->position, &text);
		if (text.len >= sizeof(a->note.gtid))
			rc = err_set(e, ERR_USAGE, 0, "too many GTID domains");
		else
			(void)snprintf(a->note.gtid, sizeof(a->note.gtid),
			    "%s", buf_str(&text));
		buf_free(&text);
	} else if (a->gtid.gtid.set) {
		gtid_text(&a->gtid.gtid, a->note.gtid);
	}
	return rc;
}

/* Statements with checked counts are committed only once these are known. */
static int
commit(struct apply *a, struct err *e)
{
	if (binlog_flush(a, e) != 0)
		return -1;
	note_write(&a->note, batch_add(&a->batch));
	if (a->o->mode == APPLY_ROWS && batch_flush(&a->batch, e) != 0)
		return -1;
	buf_adds(batch_add(&a->batch), "COMMIT");
	a->sql = a->shared = false;
	a->ended = 0;
	a->bytes = 0;
	return 0;
}

static void
count(struct apply *a)
{
	struct apply_totals *t = a->o->totals;

	a->open = false;
	a->resumed = NOTE_DONE;
	rows_clear(a);
	if (t == NULL)
		return;
	t->transactions++;
	t->skipped += a->skipped;
	t->left += a->o->filter != NULL && !a->changes && !a->skipped &&
	    !a->done;
	t->time_us = a->time_us;
}

/* A transaction for the note alone. */
static void
begin_note(struct apply *a)
{
	if (!a->maria && a->o->mode == APPLY_BINLOG)
		buf_adds(batch_add(&a->batch),
		    "SET SESSION gtid_next='AUTOMATIC'");
	buf_adds(batch_add(&a->batch), "START TRANSACTION");
	a->sql = true;
}

int
group_settle(struct apply *a, struct err *e)
{
	/* Groups that changed nothing moved the note all the same. */
	if (!a->sql && a->ended > 0)
		begin_note(a);
	if (a->sql && commit(a, e) != 0)
		return -1;
	return batch_flush(&a->batch, e);
}

int
group_alone(struct apply *a, struct err *e)
{
	if (!merges(a) || a->changes)
		return 0;
	a->alone = true;
	return group_settle(a, e);
}

static int
send_some(struct apply *a, struct err *e)
{
	if (a->batch.sql.len < a->send_max / 2 &&
	    a->batch.statements < SEND_STATEMENTS)
		return 0;
	return batch_flush(&a->batch, e);
}

int
group_commit(struct apply *a, struct err *e)
{
	bool mine = !a->left && !a->done;

	if (a->atomic || a->plain) {
		if (binlog_flush(a, e) != 0)
			return -1;
		buf_adds(batch_add(&a->batch), "COMMIT");
		a->sql = false;
		return group_noted(a, e);
	}
	/* One that is empty here has its GTID all the same, so that nobody
	 * hands it back later. */
	if (mine && a->o->own_gtids && a->gtid.gtid.set &&
	    group_transaction(a, e) != 0)
		return -1;
	if (advance(a, e) != 0)
		return -1;
	if (merges(a)) {
		a->shared |= a->changes;
		a->ended++;
		if (a->events.len >= EVENTS_BYTES && binlog_flush(a, e) != 0)
			return -1;
		count(a);
		return a->ended >= MERGE_GROUPS || a->bytes >= MERGE_BYTES ?
		    group_settle(a, e) : send_some(a, e);
	}
	if (!a->sql)
		begin_note(a);
	if (commit(a, e) != 0)
		return -1;
	count(a);
	return send_some(a, e);
}

int
group_rollback(struct apply *a, struct err *e)
{
	if (a->changes) {
		if (a->shared) {
			a->again = true;
			return err_set(e, ERR_USAGE, 0, "its rows end with "
			    "ROLLBACK and stand with those of others");
		}
		if (binlog_flush(a, e) != 0)
			return -1;
		buf_adds(batch_add(&a->batch), "ROLLBACK");
		a->sql = a->changes = false;
	}
	return group_commit(a, e);
}

/* --- notes on the side --- */

static int
write_note(struct apply *a, struct err *e)
{
	struct buf sql = {0};
	int rc;

	note_write(&a->note, &sql);
	rc = buf_check(&sql, "note", e);
	if (rc == 0)
		rc = conn_exec(a->side, buf_str(&sql), e);
	buf_free(&sql);
	return rc;
}

int
group_note(struct apply *a, enum note_state state, const char *proof,
    struct err *e)
{
	if (!a->changes && group_settle(a, e) != 0)
		return -1;
	a->note.state = state;
	(void)snprintf(a->note.proof, sizeof(a->note.proof), "%s", proof);
	return write_note(a, e);
}

/* What the target did not log (sql_log_bin=0, statements that change nothing
 * there) may not have taken its GTID: an empty transaction does, and is passed
 * over where it is known. */
static void
claim_gtid(struct apply *a)
{
	char text[GTID_TEXT];

	if (!a->own || a->maria)
		return;
	gtid_text(&a->gtid.gtid, text);
	buf_addf(batch_add(&a->batch), "SET SESSION gtid_next='%s'", text);
	buf_adds(batch_add(&a->batch), "START TRANSACTION");
	buf_adds(batch_add(&a->batch), "COMMIT");
}

int
group_noted(struct apply *a, struct err *e)
{
	claim_gtid(a);
	if (advance(a, e) != 0 || batch_flush(&a->batch, e) != 0 ||
	    write_note(a, e) != 0)
		return -1;
	count(a);
	return 0;
}
