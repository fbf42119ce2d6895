/* SPDX-License-Identifier: Apache-2.0 */
/* serve_store: opening stores, beginning archives, a configuration read anew. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/follow.h"
#include "backupd/settings.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/settings.h"

#include "backupd/serve_impl.h"

#define ASSIGN_MS 5000
#define FOLLOW_MS 30000		/* an archive that could not begin */

bool
serve_mine(const struct source *x, enum claims_job job)
{
	return x->depot != NULL && x->depot->open && claims_mine(
	    x->depot->claims, x->name, job);
}

/* --- the archive --- */

static int
follow(struct source *x, struct err *e)
{
	struct follow_opts o = { .source = x->name };
	struct conn_opts conn = {0};
	struct optfile files = {0};
	int rc = settings_connect(x->settings, "backupd", &conn, &files, e);

	if (rc == 0) {
		o.conn = &conn;
		rc = follow_opts_from(x->settings, &o, e);
	}
	if (rc == 0)
		rc = archiver_follow(x->depot->archiver, &o, e);
	optfile_free(&files);
	return rc;
}

/* Its settings do not do, such as a password file that is not there. */
static void
cannot_follow(struct source *x, const struct err *e, int64_t now_ms)
{
	if (x->follow_us == 0)
		x->follow_us = clock_now_us();
	x->follow_ms = now_ms + FOLLOW_MS;
	x->follow_err = *e;
	log_event(LOG_ERROR_, "cannot archive", "source", x->name, "why",
	    e->msg, "do", e->hint[0] != '\0' ? e->hint : NULL, NULL);
}

static void
assign_archive(struct source *x)
{
	int64_t now_ms = clock_mono_ms();
	char owner[CLAIMS_ID_LEN + 1];
	enum claims_owner who = x->gone || !x->archive ? CLAIMS_OTHERS :
	    claims_owner(x->depot->claims, x->name, CLAIMS_ARCHIVE, owner);
	struct err e = {0};

	if (who == CLAIMS_OTHERS && x->following) {
		archiver_leave(x->depot->archiver, x->name);
		x->following = false;
	}
	if (who != CLAIMS_OURS)
		x->follow_us = 0;
	if (who != CLAIMS_OURS || (x->following && !x->renew) ||
	    x->follow_ms > now_ms)
		return;
	if (follow(x, &e) != 0) {
		cannot_follow(x, &e, now_ms);
		return;
	}
	x->follow_us = 0;
	x->renew = false;
	if (!x->following)
		claims_taken(x->depot->claims, x->name, "archives");
	x->following = true;
}

/* While it was another's, that one may have done what we think is due. */
static void
assign_jobs(struct source *x)
{
	unsigned mine = 0;
	enum task_kind k;

	for (k = 0; k < TASK_KINDS; k++)
		if (serve_mine(x, task_claim(k)))
			mine |= (unsigned)task_claim(k);
	if ((mine & ~x->mine) != 0) {
		x->looked = false;
		x->look_wanted = true;
		x->look_stale = x->looking;
	}
	x->mine = mine;
}

/* Has an owner changed, as far as the claims of all stores know? */
static bool
owners_changed(struct serve *s)
{
	const struct fleet *f = s->fleet;
	struct pollfd p = { .events = POLLIN };
	bool changed = false;
	size_t i;

	for (i = 0; i < f->ndepots; i++) {
		if (!f->depots[i]->open)
			continue;
		p.fd = claims_fd(f->depots[i]->claims);
		if (poll(&p, 1, 0) == 1) {
			claims_ack(f->depots[i]->claims);
			changed = true;
		}
	}
	return changed;
}

/* Where logs ended goes into the heartbeats. */
static void
tell_stands(const struct fleet *f)
{
	struct stand *all;
	size_t i, n;

	for (i = 0; i < f->ndepots; i++) {
		if (!f->depots[i]->open)
			continue;
		all = archiver_stands(f->depots[i]->archiver, &n);
		claims_stands(f->depots[i]->claims, all, n);
	}
}

void
serve_assign(struct serve *s, int64_t now_ms)
{
	bool changed = owners_changed(s);
	struct source *x;
	size_t i;

	/* What failed is tried again now and then. */
	if (!changed && s->assign_ms != 0 && now_ms < s->assign_ms + ASSIGN_MS)
		return;
	s->assign_ms = now_ms;
	if (changed)
		serve_forget_due(s);
	for (i = 0; i < s->fleet->nsources; i++) {
		x = &s->fleet->sources[i];
		if (x->depot == NULL || !x->depot->open)
			continue;
		assign_archive(x);
		assign_jobs(x);
	}
	tell_stands(s->fleet);
}

/* --- stores --- */

struct opening {
	struct job job;		/* first */
	struct serve *serve;
	struct depot *depot;	/* held */
	struct err err;
};

static void
close_run(struct job *j)
{
	struct opening *o = (struct opening *)j;

	depot_close(o->depot);
}

static void
close_done(struct job *j)
{
	free(j);
}

void
serve_close(void *arg, struct depot *d)
{
	struct serve *s = arg;
	struct opening *o = s->stopping ? NULL : calloc(1, sizeof(*o));

	/* At the end no thread of the pool may be left to do it. */
	if (o == NULL) {
		depot_close(d);
		return;
	}
	*o = (struct opening){ .job = { .run = close_run,
	    .done = close_done }, .serve = s, .depot = d };
	pool_submit(s->pool, &o->job);
}

void
serve_drop(struct serve *s, struct depot *d)
{
	if (depot_drop(d))
		serve_close(s, d);
}

static int
begin(struct serve *s, struct depot *d, struct err *e)
{
	const struct settings *all = s->fleet->settings;
	const struct archiver_opts archive = { .store = d->store,
	    .store_id = d->store_id, .store_cancel = d->cancel,
	    .memory = d->memory,
	    .event = serve_hear, .arg = s };
	const struct claims_opts claims = { .store = d->store,
	    .store_cancel = d->cancel, .id = s->id,
	    .jobs = s->fleet->jobs,
	    .heartbeat_ms = (unsigned)settings_ms(all, "heartbeat"),
	    .stale_ms = (unsigned)settings_ms(all, "claim-stale") };

	d->archiver = archiver_start(&archive, e);
	if (d->archiver == NULL)
		return -1;
	d->claims = claims_start(&claims, e);
	return d->claims != NULL ? 0 : -1;
}

/* The sources of a depot that are ours to work for. */
static int
set_claims(struct serve *s, const struct depot *d, struct err *e)
{
	const struct fleet *f = s->fleet;
	const char **names = calloc(f->nsources + 1, sizeof(*names));
	size_t n = 0, i;
	int rc;

	if (names == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	for (i = 0; i < f->nsources; i++)
		if (f->sources[i].depot == d && !f->sources[i].gone)
			names[n++] = f->sources[i].name;
	rc = claims_set(d->claims, names, n, e);
	free(names);
	return rc;
}

static void
failed(struct depot *d, const struct err *e)
{
	unsigned wait = clock_backoff_ms(++d->failures, SERVE_RETRY_BASE_MS,
	    SERVE_RETRY_CAP_MS);

	if (d->err.code == ERR_NONE)
		d->failed_us = clock_now_us();
	d->err = *e;
	d->retry_ms = clock_mono_ms() + wait;
	log_event(LOG_ERROR_, "the store cannot be used", "store", d->name,
	    "why", e->msg, "do", e->hint[0] != '\0' ? e->hint : NULL, NULL);
}

static void
open_run(struct job *j)
{
	struct opening *o = (struct opening *)j;

	(void)depot_open(o->depot, &o->err);
}

static void
open_done(struct job *j)
{
	struct opening *o = (struct opening *)j;
	struct depot *d = o->depot;

	d->opening = false;
	if (o->err.code == ERR_NONE && !o->serve->stopping &&
	    begin(o->serve, d, &o->err) == 0 &&
	    set_claims(o->serve, d, &o->err) == 0) {
		d->open = true;
		o->serve->assign_ms = 0;
		o->serve->expiry_ms = 0;	/* its credentials */
		d->failures = 0;
		d->err = (struct err){0};
		log_event(LOG_INFO_, "store opened", "store", d->name, NULL);
	} else if (o->err.code != ERR_NONE) {
		archiver_stop(d->archiver);
		claims_stop(d->claims);
		store_close(d->store);
		d->archiver = NULL;
		d->claims = NULL;
		d->store = NULL;
		failed(d, &o->err);
	}
	serve_drop(o->serve, d);
	free(o);
}

static void
open_depot(struct serve *s, struct depot *d)
{
	struct opening *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return;
	*o = (struct opening){ .job = { .run = open_run, .done = open_done },
	    .serve = s, .depot = d };
	depot_hold(d);
	d->opening = true;
	pool_submit(s->pool, &o->job);
}

void
serve_stores(struct serve *s, int64_t now_ms)
{
	struct depot *d;
	size_t i;

	if (s->stopping)
		return;
	for (i = 0; i < s->fleet->ndepots; i++) {
		d = s->fleet->depots[i];
		if (!d->open && !d->opening && d->retry_ms <= now_ms)
			open_depot(s, d);
	}
	serve_looks(s, now_ms);
}

/* --- a configuration read anew --- */

/* A store that stays open. */
static void
renew(struct serve *s, const struct depot *d)
{
	const struct settings *all = s->fleet->settings;
	struct err e = {0};

	archiver_memory(d->archiver, d->memory);
	claims_pace(d->claims, (unsigned)settings_ms(all, "heartbeat"),
	    (unsigned)settings_ms(all, "claim-stale"));
	claims_jobs(d->claims, s->fleet->jobs);
	if (set_claims(s, d, &e) != 0)
		log_event(LOG_ERROR_, "sources that are new are not claimed",
		    "store", d->name, "why", e.msg, NULL);
}

int
serve_reload(struct serve *s, struct fleet *fresh, struct err *e)
{
	struct fleet *old = s->fleet;
	const struct source *x, *y;
	const struct depot *d;
	size_t i;

	if (fleet_inherit(fresh, old, e) != 0)
		return -1;
	/* Archives of sources that are no more, or are elsewhere now, end. */
	for (i = 0; i < old->nsources; i++) {
		x = &old->sources[i];
		y = fleet_find(fresh, x->name);
		if (x->following && (y == NULL || y->depot != x->depot))
			archiver_leave(x->depot->archiver, x->name);
	}
	s->fleet = fresh;
	fleet_free(old, serve_close, s);
	for (i = 0; i < fresh->ndepots; i++) {
		d = fresh->depots[i];
		if (d->open)
			renew(s, d);
	}
	/* Those that go on may have other options now. */
	for (i = 0; i < fresh->nsources; i++)
		fresh->sources[i].renew = true;
	s->assign_ms = 0;
	serve_assign(s, clock_mono_ms());
	return 0;
}
