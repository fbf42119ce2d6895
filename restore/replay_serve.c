/* SPDX-License-Identifier: Apache-2.0 */
/* replay_serve: the target replicates from us up to the moment. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "mysql/connect.h"
#include "restore/ledger.h"
#include "restore/memo.h"
#include "restore/plan.h"
#include "restore/proof.h"
#include "restore/replica.h"
#include "restore/serve.h"
#include "restore/target.h"

#include "restore/replay_impl.h"

#define LOST_MS 120000		/* without a connection to us */
#define LOOK_MS 200u

/* One run. */
struct serving {
	struct replay *r;
	struct target *t;
	struct replica replica;		/* its own connection */
	struct gtid_set *held;
	struct ledger *ledger;
	struct proof *proof;
	struct serve *serve;
	char host[64];			/* as the target reaches us */
	uint64_t begun;			/* bytes, when this run began */
	int64_t started, drawn, logged, seen;	/* monotonic; seen: connected */
	struct replica_status status;
	struct ledger_totals applied;
};

static void
draw(struct serving *v)
{
	const struct replay_place at = { .bytes = v->applied.bytes,
	    .transactions = v->applied.transactions,
	    .time_us = v->applied.time_us };
	int64_t now = clock_mono_ms();

	if (now - v->drawn < (int64_t)replay_draw_ms())
		return;
	v->drawn = now;
	replay_draw(v->r, &at, v->begun, v->started, &v->logged);
}

/* --- the run --- */

static int
take_first(void *arg, uint32_t seq, const struct transaction *t,
    struct err *e)
{
	char gtid[GTID_TEXT];
	struct buf *out = arg;

	(void)seq;
	(void)e;
	if (t->gtid.gtid.set) {
		gtid_text(&t->gtid.gtid, gtid);
		buf_addf(out, " at transaction %s", gtid);
	}
	if (t->ntables > 0)
		buf_addf(out, " of %s.%s", t->tables[0].schema,
		    t->tables[0].table);
	return 1;
}

/* Which transaction comes after all that is applied: the one that failed. */
static void
name_next(struct serving *v, struct buf *out)
{
	const struct replica_status *st = &v->status;
	struct err none = {0};
	struct route_leg leg;
	size_t i;

	if (!stream_find(&v->r->timeline, v->r->route.legs,
	    v->r->route.nlegs, st->file, st->position, &i, &leg))
		return;
	(void)leg_each(v->r->opts.store, &v->r->timeline, &leg, take_first,
	    out, &none);
}

static int
stopped(struct serving *v, struct err *e)
{
	const struct replica_status *st = &v->status;
	struct buf which = {0};

	/* MySQL's words name it. */
	if (st->applier_error != 0 && v->t->flavour.kind == FLAVOUR_MARIADB)
		name_next(v, &which);
	(void)err_set(e, ERR_IO, 0, "the target stopped%s: error %u: %s",
	    buf_str(&which), st->applier_error != 0 ? st->applier_error :
	    st->connection_error, st->error);
	buf_free(&which);
	return -1;
}

/* Has the target done all that it was given? */
static int
finished(struct serving *v, bool *all, struct err *e)
{
	struct ledger_totals given;
	struct buf text = {0};
	int rc = 0;

	ledger_totals(v->ledger, &given);
	if (!v->r->gtid) {
		*all = v->applied.transactions >= given.transactions;
		return 0;
	}
	rc = replica_gtids(&v->replica, &text, e);
	if (rc == 0)
		rc = ledger_gtids(v->ledger, buf_str(&text), all, e);
	buf_free(&text);
	return rc;
}

static int
look(struct serving *v, bool *done, struct err *e)
{
	struct serve_state state;
	int64_t now = clock_mono_ms();

	if (serve_look(v->serve, &state, e) != 0 ||
	    replica_status(&v->replica, &v->status, e) != 0)
		return -1;
	if (v->status.applier_error != 0 || !v->status.applier ||
	    !v->status.connection)
		return stopped(v, e);
	if (v->status.connection_error == 0 && state.asked)
		v->seen = now;
	if (now - v->seen > LOST_MS)
		return stopped(v, e);
	if (ledger_place(v->ledger, v->status.file, v->status.position,
	    &v->applied))
		serve_applied(v->serve, v->applied.bytes);
	*done = false;
	return state.given ? finished(v, done, e) : 0;
}

static int
watch(struct serving *v, struct err *e)
{
	bool done = false;

	v->started = v->drawn = v->logged = v->seen =
	    clock_mono_ms();
	while (look(v, &done, e) == 0) {
		if (done)
			return 0;
		draw(v);
		if (cancel_wait(v->r->opts.cancel, LOOK_MS, e) != 0)
			return -1;
	}
	return -1;
}

static uint32_t
free_id(const struct target *t)
{
	uint32_t id;

	/* Far from the small numbers that people choose; an event that bears
	 * it all the same stops the stream. */
	do {
		random_bytes(&id, sizeof(id));
		id |= 0x40000000u;
		id &= 0x7fffffffu;
	} while (id == t->flavour.server_id);
	return id;
}

static int
open_books(struct serving *v, const struct restore_plan *p, struct err *e)
{
	enum flavour_kind kind = v->r->timeline.kind;
	struct gtid_set *now = NULL;
	struct buf text = {0};
	int rc = -1;

	v->held = gtid_set_new(kind, e);
	now = gtid_set_new(kind, e);
	if (v->held == NULL || now == NULL ||
	    replay_gtids(v->r, p, &text, e) != 0 ||
	    gtid_set_parse(v->held, buf_str(&text), e) != 0)
		goto out;
	buf_clear(&text);
	if (v->r->gtid && (replica_gtids(&v->replica, &text, e) != 0 ||
	    gtid_set_parse(now, buf_str(&text), e) != 0))
		goto out;
	v->ledger = ledger_new(now, e);
	v->proof = proof_new(&v->t->flavour, e);
	if (v->ledger == NULL || v->proof == NULL)
		goto out;
	buf_clear(&v->r->unproven);
	rc = proof_begin(v->proof, v->replica.conn, &v->r->unproven, e);
out:	buf_free(&text);
	gtid_set_free(now);
	return rc;
}

static int
spoilt(const char *id, struct err *e)
{
	(void)err_set(e, ERR_CORRUPT, 0, "the target was started again while "
	    "it replicated, and has the source's server id %s: it may have "
	    "passed over transactions", id);
	(void)err_hint(e, "begin anew with --restart --overwrite");
	return -1;
}

/* A channel that a killed run has left goes on with what it had fetched.  If
 * the server itself was started again since, it did so under its own server
 * id, and passed over events that bear it: that is noted, for the channel
 * goes. */
static int
settle_left(struct serving *v, struct err *e)
{
	struct conn *c = v->replica.conn;
	struct buf was = {0}, now = {0};
	int got = memo_get(c, "spoilt", &now, e), rc = -1;

	if (got == 1)
		rc = spoilt(buf_str(&now), e);
	else if (got == 0)
		got = replica_left(&v->replica, e);
	if (got < 0 || e->code != ERR_NONE)
		goto out;
	if (got == 0) {
		rc = 0;
		goto out;
	}
	if (replica_stop(&v->replica, e) != 0 ||
	    conn_value(c, "SELECT @@GLOBAL.server_id", &now, e) != 0 ||
	    memo_get(c, "server_id", &was, e) < 0)
		goto out;
	rc = 0;
	if (was.len > 0 && strcmp(buf_str(&was), buf_str(&now)) != 0 &&
	    replay_bears(v->r, strtoull(buf_str(&now), NULL, 10)))
		rc = memo_set(c, "spoilt", buf_str(&now), e) != 0 ? -1 :
		    spoilt(buf_str(&now), e);
out:	buf_free(&was);
	buf_free(&now);
	return rc;
}

/* Without GTIDs only the channel knows the place: it is noted before the
 * channel goes, or a run that dies then has the next one begin too early. */
static int
keep_place(const struct serving *v, struct err *e)
{
	struct replica_status st;
	char text[640];

	if (v->r->gtid)
		return 0;
	if (replica_status(&v->replica, &st, e) != 0)
		return -1;
	if (st.file[0] == '\0')
		return 0;
	(void)snprintf(text, sizeof(text), "%s:%" PRIu64, st.file,
	    st.position);
	return memo_set(v->replica.conn, "place", text, e);
}

static int
remove_channel(const struct serving *v, struct err *e)
{
	int left = replica_left(&v->replica, e);

	if (left < 0 || (left == 1 && (replica_stop(&v->replica, e) != 0 ||
	    keep_place(v, e) != 0)))
		return -1;
	return replica_end(&v->replica, e);
}

/* What the target holds now, for whoever looks at it and for the next run. */
static int
note_place(struct serving *v, struct err *e)
{
	struct conn *c = v->replica.conn;
	char when[CLOCK_TEXT] = "";
	struct buf stands = {0};
	int rc = 0;

	if (v->applied.time_us != 0) {
		clock_rfc3339(v->applied.time_us, when);
		rc = memo_set(c, "reached", when, e);
	}
	if (rc == 0)
		rc = replica_stands(&v->replica, &stands, e);
	if (rc == 0)
		rc = memo_set(c, "stands", buf_str(&stands), e);
	buf_free(&stands);
	return rc;
}

static int
begin(struct serving *v, const struct restore_plan *p, struct err *e)
{
	struct replay *r = v->r;
	uint32_t id = v->t->procedures.used ?
	    (uint32_t)v->t->flavour.server_id : free_id(v->t);
	struct stream_opts stream;
	char file[512], note[16];
	uint64_t position;

	(void)snprintf(note, sizeof(note), "%u", (unsigned)id);
	v->replica.flavour = &v->t->flavour;
	v->replica.procedures = &v->t->procedures;
	v->replica.conn = replay_connect(v->t, e);
	if (v->replica.conn == NULL || memo_open(v->replica.conn, e) != 0 ||
	    replay_where_to(r, v->host, e) != 0 ||
	    replay_note_skips(r, v->replica.conn, e) != 0 ||
	    settle_left(v, e) != 0 ||
	    remove_channel(v, e) != 0 ||
	    replay_place(r, v->replica.conn, file, &position, e) != 0 ||
	    memo_set(v->replica.conn, "server_id", note, e) != 0 ||
	    replica_settings(&v->replica, replay_workers(r), id, e) != 0 ||
	    open_books(v, p, e) != 0)
		return -1;
	stream = (struct stream_opts){
		.store = r->opts.store, .timeline = &r->timeline,
		.legs = r->route.legs, .nlegs = r->route.nlegs,
		.held = v->held, .skip = r->gtids, .nskip = r->ngtids,
		.ledger = v->ledger, .proof = v->proof,
	};
	if (replay_start(r, v->t, id, &stream, &v->serve, e) != 0)
		return -1;
	log_event(LOG_INFO_, "serving the archive", "host", v->host, NULL);
	return replay_attach(r, &v->replica, v->serve, v->host, file, position,
	    true, e);
}

/* The channel goes, settings come back, and what was reached is noted; the
 * first failure counts. */
static int
finish(struct serving *v, int rc, struct err *e)
{
	struct err last = {0};

	log_progress(NULL);
	if (v->replica.conn == NULL)
		return rc;
	if (v->serve != NULL) {
		/* Stopped, but still there, it tells its place best. */
		(void)replica_stop(&v->replica, &last);
		(void)replica_status(&v->replica, &v->status, &last);
		(void)ledger_place(v->ledger, v->status.file,
		    v->status.position, &v->applied);
		if (rc == 0)
			ledger_totals(v->ledger, &v->applied);
	}
	last = (struct err){0};
	if (remove_channel(v, &last) != 0 ||
	    (v->serve != NULL && note_place(v, &last) != 0)) {
		if (rc == 0)
			*e = last;
		else
			log_event(LOG_ERROR_, "could not clean up", "why",
			    last.msg, NULL);
		return -1;
	}
	return rc;
}

static int
prove(struct serving *v, struct err *e)
{
	struct replay *r = v->r;
	struct ledger_totals given;

	ledger_totals(v->ledger, &given);
	r->given = given.transactions;
	r->emptied = given.emptied;
	r->last_us = given.time_us;
	memcpy(r->last, given.last, sizeof(r->last));
	if (proof_check(v->proof, v->replica.conn, &r->rows, &r->tables,
	    e) != 0)
		return -1;
	r->proven = r->unproven.len == 0;
	return 0;
}

int
replay_serve(struct replay *r, struct target *t, const struct restore_plan *p,
    struct err *e)
{
	struct serving v = { .r = r, .t = t };
	int rc;

	rc = begin(&v, p, e);
	if (rc == 0)
		rc = watch(&v, e);
	if (rc == 0)
		rc = prove(&v, e);
	rc = finish(&v, rc, e);
	serve_stop(v.serve);
	proof_free(v.proof);
	ledger_free(v.ledger);
	gtid_set_free(v.held);
	conn_close(v.replica.conn);
	return rc == 0 ? 0 : err_wrap(e, "replay");
}
