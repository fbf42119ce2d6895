/* SPDX-License-Identifier: Apache-2.0 */
/* replay_apply: the archive up to the moment, run on the target as SQL. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "restore/memo.h"
#include "restore/plan.h"
#include "restore/replica.h"
#include "restore/target.h"

#include "restore/replay_impl.h"

#define ADDS_GTIDS 80000	/* MySQL: gtid_purged='+...' */

int
replay_apply_look(struct replay *r, struct target *t,
    const struct restore_plan *p, bool gtid, struct err *e)
{
	bool gtids;

	/* Legs of single transactions from before the backup are nothing that
	 * apply could find its place by. */
	if (r->nprepared > 0) {
		(void)err_set(e, ERR_USAGE, 0, "the backup was taken while %zu "
		    "XA transactions were prepared: it can go on only by "
		    "--replay=serve", r->nprepared);
		return err_hint(e, "restore another backup");
	}
	buf_clear(&r->how);
	if (apply_probe(t->conn, &t->flavour, &r->mode, &gtids, &r->how,
	    e) != 0)
		return -1;
	if (p->part) {
		r->filter = filter_new(p, json_integer_value(json_object_get(
		    p->head.server, "lower_case_table_names")) != 0, e);
		if (r->filter == NULL || filter_plan(r->filter,
		    r->opts.store, &r->timeline, &r->route, &r->report,
		    e) != 0)
			return -1;
	}
	r->own_gtids = gtid && gtids && !p->part &&
	    r->mode == APPLY_BINLOG && t->flavour.kind == r->timeline.kind;
	/* What is not logged there needs no transaction for each GTID, where
	 * GTIDs can be added to those the target has. */
	r->gtids_last = r->own_gtids && !t->procedures.used &&
	    (t->binlog_off || !t->flavour.log_bin) &&
	    (t->flavour.kind == FLAVOUR_MARIADB ||
	    t->flavour.version >= ADDS_GTIDS);
	return 0;
}

int
replay_refused(const struct replay *r, struct err *e)
{
	const char *text = buf_str(&r->report.refused);

	if (text[0] == '\0')
		return 0;
	(void)err_set(e, ERR_USAGE, 0, "%.*s", (int)strcspn(text, "\n"),
	    text);
	if (strchr(text, '\n')[1] != '\0')
		(void)err_hint(e, "the plan lists what else is in the way");
	return -1;
}

/* --- progress --- */

struct watcher {
	const struct replay *r;
	const struct apply_totals *totals;
	int64_t started;
	struct cancel *stop;	/* ours: ends the thread */
	pthread_t thread;
};

static void *
run(void *arg)
{
	struct watcher *w = arg;
	struct replay_place place;
	struct err e = {0};
	int64_t logged = w->started;

	while (cancel_wait(w->stop, replay_draw_ms(), &e) == 0) {
		place = (struct replay_place){
			.transactions = w->totals->transactions,
			.bytes = w->totals->bytes,
			.time_us = w->totals->time_us,
		};
		replay_draw(w->r, &place, 0, w->started, &logged);
	}
	log_progress(NULL);
	return NULL;
}

static int
watch(struct watcher *w, struct err *e)
{
	int error;

	w->started = clock_mono_ms();
	w->stop = cancel_new(e);
	if (w->stop == NULL)
		return -1;
	error = pthread_create(&w->thread, NULL, run, w);
	if (error == 0)
		return 0;
	cancel_free(w->stop);
	return err_set(e, ERR_NOMEM, error, "a thread");
}

static void
unwatch(struct watcher *w)
{
	cancel_request(w->stop, "end");
	(void)pthread_join(w->thread, NULL);
	cancel_free(w->stop);
}

/* --- the run --- */

/* Events that statements make are enabled here: none may run before the
 * end. */
static int
stop_scheduler(const struct replica *replica, struct err *e)
{
	struct err denied = {0};
	struct buf value = {0};
	int rc = conn_value(replica->conn, "SELECT @@GLOBAL.event_scheduler",
	    &value, e);

	if (rc == 0 && strcmp(buf_str(&value), "ON") == 0 &&
	    replica_set(replica, "event_scheduler", "OFF", "ON",
	    &denied) != 0) {
		if (denied.code == ERR_DENIED) {
			log_event(LOG_WARN_, "the event scheduler stays on: "
			    "events made by replayed statements may run",
			    NULL);
		} else {
			*e = denied;
			rc = -1;
		}
	}
	buf_free(&value);
	return rc;
}

/* GTIDs of what the target did without them, in this run or one before: it has
 * these transactions, and its binary log does not. */
static int
add_purged(const struct replay *r, const struct target *t, struct conn *c,
    struct err *e)
{
	const struct replica replica = { .conn = c, .flavour = &t->flavour,
	    .procedures = &t->procedures };
	struct gtid_set *has = gtid_set_new(FLAVOUR_MYSQL, e);
	struct gtid_set *more = gtid_set_copy(r->route_gtids, e);
	struct buf text = {0}, sql = {0};
	int rc = -1;

	if (has == NULL || more == NULL || replica_gtids(&replica, &text,
	    e) != 0 || gtid_set_parse(has, buf_str(&text), e) != 0 ||
	    gtid_set_subtract(more, has, e) != 0)
		goto out;
	rc = 0;
	if (gtid_set_empty(more))
		goto out;
	buf_adds(&sql, "SET GLOBAL gtid_purged='+");
	gtid_set_text(more, &sql);
	buf_addc(&sql, '\'');
	rc = buf_check(&sql, "SET", e) != 0 ? -1 : conn_exec(c, buf_str(&sql),
	    e);
out:	gtid_set_free(has);
	gtid_set_free(more);
	buf_free(&text);
	buf_free(&sql);
	return rc == 0 ? 0 : err_wrap(e, "set the GTID state");
}

/* MariaDB notes what it took from others as a position of its own; what was
 * run as SQL is not in it. */
static int
set_position(struct replay *r, const struct target *t, struct conn *c,
    const struct restore_plan *p, struct err *e)
{
	struct apply_place place;
	struct gtid_set *set = NULL;
	struct buf text = {0}, sql = {0};
	int rc = -1, got;

	if (!r->own_gtids)
		return 0;
	if (t->flavour.kind == FLAVOUR_MYSQL)
		return t->flavour.version < ADDS_GTIDS ? 0 :
		    add_purged(r, t, c, e);
	set = gtid_set_new(FLAVOUR_MARIADB, e);
	got = apply_where(c, &place, e);
	if (set == NULL || got < 0 || gtid_set_parse(set, head_text(
	    p->head.coordinates, "gtid"), e) != 0 || (got == 1 &&
	    gtid_set_parse(set, place.gtid, e) != 0))
		goto out;
	gtid_set_position(set, &text);
	buf_adds(&sql, "SET GLOBAL gtid_slave_pos=");
	sql_string(&sql, buf_str(&text), text.len);
	if (buf_check(&sql, "SET", e) == 0)
		rc = conn_exec(c, buf_str(&sql), e);
out:	gtid_set_free(set);
	buf_free(&text);
	buf_free(&sql);
	return rc;
}

static int
apply(struct replay *r, struct target *t, struct conn *c, struct err *e)
{
	struct apply_place place;
	struct apply_totals totals = {0};
	struct watcher w = { .r = r, .totals = &totals };
	const struct apply_opts opts = {
		.store = r->opts.store, .timeline = &r->timeline,
		.route = &r->route, .target = t->opts,
		.flavour = &t->flavour, .mode = r->mode,
		.own_gtids = r->own_gtids && !r->gtids_last,
		.binlog_off = t->binlog_off,
		.skip = r->gtids, .nskip = r->ngtids, .filter = r->filter,
		.totals = &totals, .cancel = r->opts.cancel,
	};
	int rc;

	if (watch(&w, e) != 0)
		return -1;
	rc = apply_run(&opts, e);
	unwatch(&w);
	/* A MariaDB position of several domains is no GTID to show. */
	if (rc == 0 && apply_where(c, &place, e) == 1 &&
	    strchr(place.gtid, ',') == NULL)
		(void)snprintf(r->last, sizeof(r->last), "%.*s",
		    (int)sizeof(r->last) - 1, place.gtid);
	r->given = totals.transactions;
	r->emptied = totals.skipped;
	r->left_out = totals.left;
	r->last_us = totals.time_us;
	r->rows = totals.rows;
	return rc;
}

int
replay_apply(struct replay *r, struct target *t, const struct restore_plan *p,
    struct err *e)
{
	struct replica replica = { .flavour = &t->flavour,
	    .procedures = &t->procedures };
	struct err last = {0};
	int rc;

	replica.conn = replay_connect(t, e);
	if (replica.conn == NULL)
		return -1;
	rc = memo_open(replica.conn, e);
	if (rc == 0)
		rc = replica_end(&replica, e);
	if (rc == 0)
		rc = replay_note_skips(r, replica.conn, e);
	if (rc == 0 && !p->part)
		rc = stop_scheduler(&replica, e);
	if (rc == 0)
		rc = apply(r, t, replica.conn, e);
	if (rc == 0)
		rc = set_position(r, t, replica.conn, p, e);
	if (replica_end(&replica, &last) != 0 && rc == 0) {
		*e = last;
		rc = -1;
	}
	conn_close(replica.conn);
	return rc == 0 ? 0 : err_wrap(e, "replay");
}
