/* SPDX-License-Identifier: Apache-2.0 */
/* replay: from a backup on to a moment. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/bundle.h"
#include "mysql/connect.h"
#include "restore/memo.h"
#include "restore/plan.h"
#include "restore/replica.h"
#include "restore/scheduled.h"
#include "restore/stream.h"
#include "restore/target.h"

#include "restore/replay_impl.h"

/* --- the store's part --- */

static int
take_skips(struct replay *r, struct err *e)
{
	size_t i, n = r->opts.nskip;

	if (n == 0)
		return 0;
	r->gtids = calloc(n, sizeof(*r->gtids));
	r->skips = calloc(n, sizeof(*r->skips));
	if (r->gtids == NULL || r->skips == NULL)
		return err_set(e, ERR_NOMEM, 0, "--skip");
	for (i = 0; i < n; i++) {
		if (gtid_parse(r->opts.skip[i], r->timeline.kind,
		    &r->gtids[i], e) != 0)
			return err_wrap(e, "--skip=%.80s", r->opts.skip[i]);
		r->skips[i].gtid = r->gtids[i];
	}
	r->ngtids = n;
	return 0;
}

static void
count(struct replay *r)
{
	const struct timeline_history *h;
	const struct timeline_file *f;
	const struct route_leg *leg;
	size_t i, k, x;

	for (i = 0; i < r->route.nlegs; i++) {
		leg = &r->route.legs[i];
		h = &r->timeline.histories[leg->history];
		r->bytes += stream_bytes(&r->timeline, leg, leg->to_seq,
		    leg->to_offset);
		/* Legs of single transactions are in files of others. */
		for (k = 0; k < h->nfiles && i >= r->nprepared; k++) {
			f = &h->files[k];
			if (f->file.seq < leg->from_seq ||
			    f->file.seq > leg->to_seq)
				continue;
			r->files++;
			r->objects += f->live ? f->nsegments :
			    f->file.nobjects;
			for (x = 0; f->live && x < f->nsegments; x++)
				r->stored += f->segments[x].size;
			for (x = 0; !f->live && x < f->file.nobjects; x++)
				r->stored += f->file.objects[x].size;
		}
	}
}

struct replay *
replay_find(const struct replay_opts *opts, struct err *e)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "replay");
		return NULL;
	}
	r->opts = *opts;
	r->scheduled = scheduled_new(e);
	if (r->scheduled == NULL ||
	    timeline_load(opts->store, opts->source, &r->timeline, e) != 0)
		goto failed;
	if (moment_parse(opts->to, r->timeline.kind, &r->moment, e) != 0) {
		(void)err_wrap(e, "--to=%.80s", opts->to);
		goto failed;
	}
	r->moment.before = opts->before;
	if (r->moment.kind == MOMENT_TIME && timeline_stands(opts->store,
	    &r->timeline, e) != 0)
		goto failed;
	if (take_skips(r, e) != 0 || route_find(opts->store, &r->timeline,
	    opts->backup, &r->moment, &r->route, e) != 0)
		goto failed;
	return r;
failed:	replay_free(r);
	return NULL;
}

const char *
replay_backup(const struct replay *r)
{
	return r->route.backup;
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	route_free(&r->route);
	timeline_free(&r->timeline);
	scheduled_free(r->scheduled);
	gtid_set_free(r->prepared);
	free(r->gtids);
	free(r->skips);
	filter_free(r->filter);
	filter_report_free(&r->report);
	gtid_set_free(r->route_gtids);
	buf_free(&r->how);
	buf_free(&r->why);
	buf_free(&r->settings);
	buf_free(&r->unproven);
	buf_free(&r->left);
	buf_free(&r->late);
	free(r);
}

/* --- the target's part --- */

/* What the backup's own definitions say of its events. */
static int
backup_events(struct replay *r, const struct restore_plan *p, struct err *e)
{
	enum scheduled_state state;
	const struct plan_object *x;
	struct buf text = {0};
	int rc = 0;
	size_t i;

	for (i = 0; i < p->nobjects && rc == 0; i++) {
		x = &p->objects[i];
		if (x->kind != LINE_EVENT)
			continue;
		buf_clear(&text);
		rc = place_read(r->opts.store, p->head.source, &x->place,
		    &text, e);
		if (rc == 0)
			rc = scheduled_text(buf_str(&text), text.len, &state,
			    NULL, e);
		if (rc == 0)
			rc = scheduled_add(r->scheduled, x->to_schema,
			    x->name, state, e);
		if (rc != 0)
			(void)err_wrap(e, "event %s.%s", x->schema, x->name);
	}
	buf_free(&text);
	return rc;
}

/* Why the target cannot be served, from what is known without asking it. */
static void
known_reasons(struct replay *r, const struct target *t,
    const struct restore_plan *p, bool gtid)
{
	bool mariadb = t->flavour.kind == FLAVOUR_MARIADB;

	if (p->part)
		buf_adds(&r->why, "only a part of the server is restored");
	else if (t->flavour.kind != r->timeline.kind)
		buf_addf(&r->why, "the target is %s, the log is %s's",
		    mariadb ? "MariaDB" : "MySQL", mariadb ? "MySQL" :
		    "MariaDB");
	else if (!t->empty)
		buf_adds(&r->why, "the target holds other schemas: GTIDs that "
		    "it knows would be passed over in silence");
	else if (r->gtid && !gtid)
		buf_adds(&r->why, "the target does not get the backup's "
		    "GTIDs");
	else if (r->own_met)
		buf_adds(&r->why, "the log has transactions of the target "
		    "itself, which it would pass over");
	else if (!r->gtid && t->flavour.gtid && !mariadb)
		buf_adds(&r->why, "the target wants GTIDs, the log has none");
	else if (r->notes)
		buf_adds(&r->why, "the log holds an earlier restore's notes, "
		    "in whose place the target has its own");
	else if (t->flavour.log_bin && !t->binlog_off)
		buf_adds(&r->why, "the target logs what is restored under "
		    "GTIDs of its own");
}

/* Transactions that an earlier run left out stay out: for the states of
 * events, and should the target ask for them again. */
static int
skipped_before(struct replay *r, const struct target *t, struct err *e)
{
	struct buf text = {0};
	struct gtid *wider;
	const char *p;
	char one[GTID_TEXT];
	size_t n;
	int rc = memo_get(t->conn, "skipped", &text, e) < 0 ? -1 : 0;

	for (p = buf_str(&text); rc == 0 && *p != '\0'; p += n) {
		p += *p == ' ' ? 1 : 0;
		n = strcspn(p, " ");
		if (n == 0 || n >= sizeof(one))
			continue;
		memcpy(one, p, n);
		one[n] = '\0';
		wider = realloc(r->gtids, (r->ngtids + 1) * sizeof(*wider));
		if (wider == NULL) {
			rc = err_set(e, ERR_NOMEM, 0, "--skip");
			break;
		}
		r->gtids = wider;
		rc = gtid_parse(one, r->timeline.kind, &wider[r->ngtids], e);
		r->ngtids += rc == 0 ? 1 : 0;
	}
	buf_free(&text);
	return rc;
}

/* Where an earlier run has left the target, and that it is still there. */
static int
where_it_stands(struct replay *r, const struct target *t, struct err *e)
{
	const struct replica replica = { .conn = t->conn,
	    .flavour = &t->flavour, .procedures = &t->procedures };
	const struct gtid *not = &r->route.first_not.gtid.gtid;
	struct buf was = {0}, now = {0};
	struct gtid_set *set = NULL;
	char text[GTID_TEXT];
	int got, rc = -1;

	set = gtid_set_new(r->timeline.kind, e);
	got = memo_get(t->conn, "stands", &was, e);
	if (set == NULL || got < 0 || replica_stands(&replica, &now, e) != 0)
		goto out;
	if (strcmp(t->state, "done") == 0 && got == 1 &&
	    strcmp(buf_str(&was), buf_str(&now)) != 0) {
		(void)err_set(e, ERR_EXISTS, 0, "the target was written to "
		    "since it was brought to its moment: it stood at %s, now "
		    "at %s", buf_str(&was), buf_str(&now));
		(void)err_hint(e, "begin anew with --restart --overwrite");
		goto out;
	}
	buf_clear(&now);
	if (r->gtid && (replica_gtids(&replica, &now, e) != 0 ||
	    gtid_set_parse(set, buf_str(&now), e) != 0))
		goto out;
	if (not->set && gtid_set_contains(set, not)) {
		gtid_text(not, text);
		(void)err_set(e, ERR_EXISTS, 0, "the target is past this "
		    "moment already: it has %s", text);
		(void)err_hint(e, "begin anew with --restart --overwrite");
		goto out;
	}
	rc = 0;
out:	buf_free(&was);
	buf_free(&now);
	gtid_set_free(set);
	return rc;
}

/* Nothing resets the GTIDs of a target that is used by procedures. */
static int
own_gtid(struct replay *r, const struct target *t, struct err *e)
{
	char text[GTID_TEXT];

	(void)snprintf(text, sizeof(text), "%s:1", t->flavour.uuid);
	return gtid_parse(text, FLAVOUR_MYSQL, &r->own, e);
}

int
replay_look(struct replay *r, struct target *t, const struct restore_plan *p,
    bool gtid, struct err *e)
{
	bool begun = t->resume && strcmp(t->state, "planned") != 0;

	r->gtid = head_text(p->head.coordinates, "gtid")[0] != '\0';
	/* Of a part nobody's GTIDs tell anything. */
	if (begun && (skipped_before(r, t, e) != 0 || (!p->part &&
	    where_it_stands(r, t, e) != 0)))
		return -1;
	if (replay_prepared(r, &p->head, e) != 0 || (t->procedures.used &&
	    t->flavour.kind == FLAVOUR_MYSQL && own_gtid(r, t, e) != 0))
		return -1;
	count(r);
	if (backup_events(r, p, e) != 0 || replay_walk(r, e) != 0 ||
	    replay_late(r, e) != 0)
		return -1;
	if (r->route.nlegs == 0 || r->bytes == 0) {
		r->way = REPLAY_SERVE;
		r->settled = true;
		return 0;
	}
	r->way = r->opts.way;
	if (r->way != REPLAY_APPLY) {
		known_reasons(r, t, p, gtid);
		if (r->why.len == 0 && replay_try(r, t, e) != 0)
			return -1;
		r->way = r->why.len == 0 ? REPLAY_SERVE : REPLAY_APPLY;
	}
	if (buf_check(&r->why, "plan", e) != 0)
		return -1;
	if (r->way == REPLAY_APPLY && r->opts.way == REPLAY_SERVE)
		return err_set(e, ERR_USAGE, 0, "--replay=serve: %s",
		    buf_str(&r->why));
	r->settled = true;
	return r->way == REPLAY_SERVE ? 0 : replay_apply_look(r, t, p, gtid,
	    e);
}

int
replay_gtids(const struct replay *r, const struct restore_plan *p,
    struct buf *out, struct err *e)
{
	struct gtid_set *set = gtid_set_new(r->timeline.kind, e);
	int rc = -1;

	if (set == NULL || gtid_set_parse(set, head_text(p->head.coordinates,
	    "gtid"), e) != 0)
		goto out;
	/* A MariaDB position cannot leave one out, nor need it: the target
	 * takes what it is given. */
	if (r->prepared != NULL && r->timeline.kind == FLAVOUR_MYSQL &&
	    gtid_set_subtract(set, r->prepared, e) != 0)
		goto out;
	if (r->timeline.kind == FLAVOUR_MARIADB)
		gtid_set_position(set, out);
	else
		gtid_set_text(set, out);
	rc = buf_check(out, "GTIDs", e);
out:	gtid_set_free(set);
	return rc;
}

int
replay_run(struct replay *r, struct target *t, const struct restore_plan *p,
    struct err *e)
{
	if (r->route.nlegs == 0 || r->bytes == 0)
		return 0;
	if (r->way == REPLAY_SERVE)
		return replay_serve(r, t, p, e);
	return replay_apply(r, t, p, e);
}

bool
replay_keeps_gtids(const struct replay *r)
{
	return r->way == REPLAY_SERVE || r->own_gtids;
}

bool
replay_fires_triggers(const struct replay *r)
{
	return r->way == REPLAY_APPLY && r->mode == APPLY_ROWS;
}

struct conn *
replay_connect(const struct target *t, struct err *e)
{
	struct conn_opts opts = *t->opts;
	struct conn *c;

	opts.cancel = NULL;
	c = conn_open(&opts, e);
	if (c != NULL && t->binlog_off && conn_exec(c,
	    "SET SESSION sql_log_bin=0", e) != 0) {
		conn_close(c);
		return NULL;
	}
	return c;
}

int
replay_note_skips(const struct replay *r, struct conn *c, struct err *e)
{
	char gtid[GTID_TEXT];
	struct buf text = {0};
	int rc;
	size_t i;

	for (i = 0; i < r->ngtids; i++) {
		gtid_text(&r->gtids[i], gtid);
		buf_addf(&text, "%s%s", i > 0 ? " " : "", gtid);
	}
	rc = buf_check(&text, "--skip", e);
	if (rc == 0 && text.len > 0)
		rc = memo_set(c, "skipped", buf_str(&text), e);
	buf_free(&text);
	return rc;
}

int
replay_clean(const struct target *t, struct err *e)
{
	struct replica replica = { .flavour = &t->flavour,
	    .procedures = &t->procedures };
	int rc;

	replica.conn = replay_connect(t, e);
	rc = replica.conn != NULL ? replica_end(&replica, e) : -1;
	conn_close(replica.conn);
	return rc;
}

int
replay_events(struct replay *r, const struct target *t,
    const struct restore_plan *p, struct err *e)
{
	struct conn *c = target_connect(t, e);
	const char *line, *lf;
	int rc;

	(void)p;
	if (c == NULL)
		return -1;
	rc = scheduled_set(r->scheduled, c, &r->left, e);
	conn_close(c);
	for (line = buf_str(&r->left); (lf = strchr(line, '\n')) != NULL;
	    line = lf + 1) {
		struct buf one = {0};

		buf_add(&one, line, (size_t)(lf - line));
		log_event(LOG_WARN_, "stays disabled", "event",
		    buf_str(&one), NULL);
		buf_free(&one);
	}
	return rc;
}

int64_t
replay_reached_us(const struct replay *r)
{
	return r->last_us;
}

void
replay_done(const struct replay *r, FILE *out)
{
	char when[CLOCK_TEXT] = "";

	if (r->route.nlegs == 0 || r->bytes == 0) {
		(void)fprintf(out, "replayed: nothing, the backup is the "
		    "moment\n");
		return;
	}
	if (r->last_us != 0)
		clock_rfc3339(r->last_us, when);
	(void)fprintf(out, "replayed: %" PRIu64 " transactions", r->given);
	if (r->emptied > 0)
		(void)fprintf(out, ", %" PRIu64 " of them emptied",
		    r->emptied);
	if (r->left_out > 0)
		(void)fprintf(out, ", %" PRIu64 " left out as not of the "
		    "part", r->left_out);
	if (when[0] != '\0')
		(void)fprintf(out, ", the last %s%sof %s", r->last,
		    r->last[0] != '\0' ? " " : "", when);
	(void)fputc('\n', out);
	if (r->proven)
		(void)fprintf(out, "proven: %" PRIu64 " row changes in %"
		    PRIu64 " tables were given and made\n", r->rows,
		    r->tables);
	else if (r->given > 0 && r->way == REPLAY_SERVE)
		(void)fprintf(out, "row changes were not counted: %s\n",
		    buf_str(&r->unproven));
}
