/* SPDX-License-Identifier: Apache-2.0 */
/* replay_plan: what a replay would do, as text and JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/feed.h"
#include "restore/scheduled.h"

#include "restore/replay_impl.h"

/* A guess, measured on two cores with a target that syncs no commit. */
#define TRANSACTIONS_S 1000u
#define BYTES_S ((uint64_t)8 << 20)
#define LATE_MAX 10u		/* listed */

/* --- the walk --- */

static void
describe(const struct transaction *t, char *out, size_t n)
{
	static const char *const kinds[] = {
		[TRANSACTION_ROWS] = "rows",
		[TRANSACTION_STATEMENT] = "a statement",
		[TRANSACTION_DDL] = "a definition",
		[TRANSACTION_XA_PREPARE] = "XA PREPARE",
		[TRANSACTION_XA_COMMIT] = "XA COMMIT",
		[TRANSACTION_XA_ROLLBACK] = "XA ROLLBACK",
		[TRANSACTION_EMPTY] = "empty",
	};

	if (t->sql[0] != '\0')
		(void)snprintf(out, n, "%s: %.100s%s", kinds[t->kind], t->sql,
		    strlen(t->sql) > 100 ? "..." : "");
	else if (t->ntables > 0)
		(void)snprintf(out, n, "%s of %s.%s%s", kinds[t->kind],
		    t->tables[0].schema, t->tables[0].table, t->ntables > 1 ?
		    " and others" : "");
	else
		(void)snprintf(out, n, "%s", kinds[t->kind]);
}

static int
skip_found(struct replay_skip *s, const struct transaction *t,
    struct err *e)
{
	const struct event_gtid *g = &t->gtid;
	char text[GTID_TEXT];

	s->found = true;
	describe(t, s->what, sizeof(s->what));
	if (g->start_alter == 0 && g->commit_alter == 0 &&
	    g->rollback_alter == 0)
		return 0;
	gtid_text(&s->gtid, text);
	return err_set(e, ERR_USAGE, 0, "--skip=%s: it is half of an ALTER in "
	    "two steps, of which the other half would wait for it", text);
}

/* A restore into the live server leaves its notes in the log. */
static bool
has_notes(const struct transaction *t)
{
	static const char notes[] = "kura_restore";
	size_t i;

	for (i = 0; i < t->ntables; i++)
		if (strcmp(t->tables[i].schema, notes) == 0)
			return true;
	return t->kind == TRANSACTION_DDL && strstr(t->sql, notes) != NULL;
}

/* One more that is skipped, though nobody named it. */
static int
leave_out(struct replay *r, const struct transaction *t, struct err *e)
{
	struct gtid *wider;

	if (!t->gtid.gtid.set)
		return err_set(e, ERR_USAGE, 0, "%.120s: it cannot be left "
		    "out of a log without GTIDs", t->sql);
	wider = realloc(r->gtids, (r->ngtids + 1) * sizeof(*wider));
	if (wider == NULL)
		return err_set(e, ERR_NOMEM, 0, "--skip");
	r->gtids = wider;
	wider[r->ngtids++] = t->gtid.gtid;
	return 0;
}

static int
walk_one(void *arg, uint32_t seq, const struct transaction *t, struct err *e)
{
	struct replay *r = arg;
	size_t i;
	int rc;

	(void)seq;
	r->transactions++;
	r->own_met = r->own_met || (r->own.set && t->gtid.gtid.set &&
	    memcmp(r->own.uuid, t->gtid.gtid.uuid, sizeof(r->own.uuid)) == 0);
	r->notes = r->notes || has_notes(t);
	if (t->gtid.gtid.set && t->gtid.gtid.kind == FLAVOUR_MYSQL &&
	    gtid_set_add(r->route_gtids, &t->gtid.gtid, e) != 0)
		return -1;
	for (i = 0; i < r->opts.nskip; i++)
		if (t->gtid.gtid.set && gtid_equal(&t->gtid.gtid,
		    &r->skips[i].gtid))
			return skip_found(&r->skips[i], t, e);
	for (; i < r->ngtids; i++)
		if (t->gtid.gtid.set && gtid_equal(&t->gtid.gtid,
		    &r->gtids[i]))
			return 0;
	if (t->kind != TRANSACTION_DDL)
		return 0;
	if (r->opts.definition != NULL) {
		rc = r->opts.definition(r->opts.definition_arg, t->schema,
		    t->sql, e);
		if (rc != 0)
			return rc < 0 ? -1 : leave_out(r, t, e);
	}
	return scheduled_statement(r->scheduled, t->schema, t->sql, e);
}

int
replay_walk(struct replay *r, struct err *e)
{
	size_t i;

	r->transactions = 0;
	gtid_set_free(r->route_gtids);
	r->route_gtids = gtid_set_new(FLAVOUR_MYSQL, e);
	if (r->route_gtids == NULL)
		return -1;
	for (i = 0; i < r->route.nlegs; i++)
		if (leg_each(r->opts.store, &r->timeline, &r->route.legs[i],
		    walk_one, r, e) < 0)
			return -1;
	for (i = 0; i < r->opts.nskip; i++)
		if (!r->skips[i].found)
			return err_set(e, ERR_NOTFOUND, 0, "--skip=%.80s: no "
			    "such transaction between the backup and the "
			    "moment", r->opts.skip[i]);
	return 0;
}

/* Transactions after the end that bear earlier times. */
static int
late_one(void *arg, uint32_t seq, const struct transaction *t, struct err *e)
{
	struct replay *r = arg;
	char gtid[GTID_TEXT] = "", when[CLOCK_TEXT], what[160];

	(void)seq;
	(void)e;
	if (r->moment.before ? t->time_us >= r->moment.time_us :
	    t->time_us > r->moment.time_us)
		return 0;
	if (t->gtid.gtid.set)
		gtid_text(&t->gtid.gtid, gtid);
	clock_rfc3339(t->time_us, when);
	describe(t, what, sizeof(what));
	buf_addf(&r->late, "%s%s%s, %s\n", gtid, gtid[0] != '\0' ? " of " :
	    "", when, what);
	r->nlate++;
	return r->nlate == r->route.late || r->nlate == LATE_MAX;
}

int
replay_late(struct replay *r, struct err *e)
{
	const struct route_leg *last;
	const struct timeline_history *h;
	const struct timeline_file *f;
	struct route_leg rest;

	if (r->route.late == 0 || r->route.nlegs == 0)
		return 0;
	last = &r->route.legs[r->route.nlegs - 1];
	h = &r->timeline.histories[last->history];
	f = &h->files[h->nfiles - 1];
	rest = (struct route_leg){ .history = last->history,
	    .from_seq = last->to_seq, .from_offset = last->to_offset,
	    .to_seq = f->file.seq,
	    .to_offset = f->live ? f->end : f->file.size };
	return leg_each(r->opts.store, &r->timeline, &rest, late_one, r,
	    e) < 0 ? -1 : buf_check(&r->late, "plan", e);
}

/* --- text --- */

static void
print_lines(const char *first, const struct buf *text, FILE *out)
{
	const char *p = buf_str(text), *lf;

	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		(void)fprintf(out, "%s%.*s\n", first, (int)(lf - p), p);
		first = "          ";
	}
}

static void
print_transaction(const char *word, const struct transaction *t, FILE *out)
{
	char gtid[GTID_TEXT] = "", when[CLOCK_TEXT], what[160];

	if (t->size == 0)
		return;
	if (t->gtid.gtid.set)
		gtid_text(&t->gtid.gtid, gtid);
	clock_rfc3339(t->time_us, when);
	describe(t, what, sizeof(what));
	(void)fprintf(out, "%s %s%s%s, %s\n", word, gtid, gtid[0] != '\0' ?
	    " of " : "", when, what);
}

static uint64_t
seconds(const struct replay *r)
{
	uint64_t a = r->transactions / TRANSACTIONS_S, b = r->bytes / BYTES_S;

	return (a > b ? a : b) + 1;
}

static void
print_apply(const struct replay *r, FILE *out)
{
	(void)fprintf(out, "way       %s%s%s\n", buf_str(&r->how),
	    r->why.len > 0 ? "; not served: " : "", buf_str(&r->why));
	if (r->filter != NULL)
		(void)fprintf(out, "takes     %" PRIu64 " transactions of the "
		    "part, leaves %" PRIu64 "\n", r->report.taken,
		    r->report.left);
	print_lines("notes     ", &r->report.notes, out);
	print_lines("cannot be ", &r->report.refused, out);
}

void
replay_print(const struct replay *r, FILE *out)
{
	char text[160], gtid[GTID_TEXT];
	size_t i;

	moment_text(&r->moment, text, sizeof(text));
	(void)fprintf(out, "moment    %s%s\n", r->moment.before ?
	    "everything " : "", text);
	if (r->route.nlegs == 0 || r->bytes == 0) {
		(void)fprintf(out, "replays   nothing: the backup is the "
		    "moment\n");
		return;
	}
	(void)fprintf(out, "replays   %" PRIu64 " transactions, %" PRIu64
	    " bytes of binary log in %" PRIu64 " files (%" PRIu64
	    " objects, %" PRIu64 " bytes stored)\n", r->transactions,
	    r->bytes, r->files, r->objects, r->stored);
	if (r->nprepared > 0)
		(void)fprintf(out, "          %zu of them were prepared when "
		    "the backup was taken and come from before it\n",
		    r->nprepared);
	print_transaction("last in  ", &r->route.last, out);
	print_transaction("first out", &r->route.first_not, out);
	if (r->route.late > 0)
		(void)fprintf(out, "out, too  %" PRIu64 " later transactions "
		    "that bear earlier times\n", r->route.late);
	print_lines("          ", &r->late, out);
	for (i = 0; i < r->opts.nskip; i++) {
		gtid_text(&r->skips[i].gtid, gtid);
		(void)fprintf(out, "skips     %s, %s\n", gtid,
		    r->skips[i].what);
	}
	if (!r->settled)
		return;
	if (r->way == REPLAY_SERVE)
		(void)fprintf(out, "way       serve: the target replicates "
		    "from %s%s%s\n", r->at, r->by[0] != '\0' ? ", by " : "",
		    r->by);
	else
		print_apply(r, out);
	print_lines("sets      ", &r->settings, out);
	if (r->settings.len > 0)
		(void)fprintf(out, "          (put back at the end)\n");
	(void)fprintf(out, "time      about %" PRIu64 ":%02" PRIu64
	    " for the replay (a guess)\n", seconds(r) / 60, seconds(r) % 60);
}

/* --- progress --- */

#define LOG_MS	30000

unsigned
replay_draw_ms(void)
{
	return log_is_terminal() ? 500 : feed_is_open() ? 1000 : LOG_MS;
}

void
replay_draw(const struct replay *r, const struct replay_place *at,
    uint64_t begun, int64_t started, int64_t *logged)
{
	struct feed_state now = { .bytes = at->bytes, .total = r->bytes,
	    .left_s = -1, .transactions = at->transactions,
	    .at_us = at->time_us };
	int64_t ms = clock_mono_ms() - started;
	char line[240], eta[48] = "", when[CLOCK_TEXT] = "-";

	if (ms > 0 && at->bytes > begun)
		now.rate = (at->bytes - begun) * 1000 / (uint64_t)ms;
	if (now.rate > 0 && ms > 2000 && r->bytes > at->bytes)
		now.left_s = (int64_t)((r->bytes - at->bytes) / now.rate);
	feed_progress(&now);
	if (!log_is_terminal() && started + ms < *logged + LOG_MS)
		return;
	*logged = started + ms;
	if (now.left_s >= 0)
		(void)snprintf(eta, sizeof(eta), ", about %" PRId64 ":%02"
		    PRId64 " left", now.left_s / 60, now.left_s % 60);
	if (at->time_us != 0)
		clock_rfc3339(at->time_us, when);
	(void)snprintf(line, sizeof(line), "at %s, %" PRIu64 " of %" PRIu64
	    " transactions, %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64
	    " KiB/s%s", when, at->transactions, r->transactions,
	    at->bytes >> 20, r->bytes >> 20, now.rate >> 10, eta);
	if (log_is_terminal())
		log_progress(line);
	else
		log_event(LOG_INFO_, "progress", "done", line, NULL);
}

/* --- JSON --- */

static json_t *
transaction_json(const struct transaction *t)
{
	char gtid[GTID_TEXT] = "", when[CLOCK_TEXT], what[160];

	if (t->size == 0)
		return json_null();
	if (t->gtid.gtid.set)
		gtid_text(&t->gtid.gtid, gtid);
	clock_rfc3339(t->time_us, when);
	describe(t, what, sizeof(what));
	return json_pack("{s:s, s:s, s:s}", "gtid", gtid, "time", when,
	    "what", what);
}

int
replay_json(const struct replay *r, json_t *doc, struct err *e)
{
	char when[CLOCK_TEXT] = "", text[160];
	json_t *one;

	moment_text(&r->moment, text, sizeof(text));
	if (r->moment.kind == MOMENT_TIME)
		clock_rfc3339(r->moment.time_us, when);
	one = json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o,"
	    " s:o, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I}",
	    "to", r->opts.to, "moment", text, "utc", when,
	    "before", r->moment.before,
	    "transactions", (json_int_t)r->transactions,
	    "bytes", (json_int_t)r->bytes, "files", (json_int_t)r->files,
	    "objects", (json_int_t)r->objects,
	    "stored", (json_int_t)r->stored,
	    "last", transaction_json(&r->route.last),
	    "first_not", transaction_json(&r->route.first_not),
	    "late", (json_int_t)r->route.late,
	    "late_first", buf_str(&r->late),
	    "way", r->way == REPLAY_SERVE ? "serve" : "apply",
	    "by", r->way == REPLAY_SERVE ? r->by : "",
	    "why", buf_str(&r->why),
	    "notes", buf_str(&r->report.notes),
	    "refused", buf_str(&r->report.refused), "seconds", (json_int_t)seconds(r));
	if (one == NULL || json_object_set_new(doc, "replay", one) != 0)
		return err_set(e, ERR_NOMEM, 0, "plan");
	if (r->given > 0 && json_object_set_new(doc, "replayed", json_pack(
	    "{s:I, s:I, s:s, s:b, s:I, s:I}",
	    "transactions", (json_int_t)r->given,
	    "emptied", (json_int_t)r->emptied, "last", r->last,
	    "proven", r->proven, "rows", (json_int_t)r->rows,
	    "tables", (json_int_t)r->tables)) != 0)
		return err_set(e, ERR_NOMEM, 0, "plan");
	return 0;
}
