/* SPDX-License-Identifier: Apache-2.0 */
/* resume_any: with which of a source's servers the archive goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"

#include "backupd/resume_impl.h"

/* What is known of the servers of a source. */
struct choice {
	const struct resume_opts *opts;
	const struct history *newest;	/* NULL: there is none yet */
	struct endpoint own;	/* the one that it came from, */
	bool found;		/* if it answered; */
	struct err unfit;	/* and why it will not do */
	bool silent;		/* not all answered */
	size_t n;		/* how many there are */
};

/* A server, as it is now. */
struct face {
	struct conn *conn;
	struct flavour flavour;
};

static int
look(const struct choice *c, const struct endpoint *x, struct face *f,
    struct err *e)
{
	struct conn_opts o;

	endpoint_conn(c->opts->conn, x, &o);
	f->conn = conn_open(&o, e);
	return f->conn == NULL ? -1 : flavour_probe(f->conn, &f->flavour, e);
}

static int
is_fit(const struct choice *c, const struct face *f, struct err *e)
{
	return endpoint_archivable(f->conn, &f->flavour,
	    c->opts->endpoints->max_lag_s, e);
}

/* Is it the one that the newest history came from?  1 yes, 0, -1 unknown. */
static int
try_own(struct choice *c, const struct endpoint *x, struct err *e)
{
	struct face f = {0};
	int rc = look(c, x, &f, e) != 0 ? -1 :
	    !resume_is_stranger(&f.flavour, c->newest);

	if (rc == 1) {
		c->own = *x;
		c->found = true;
		(void)is_fit(c, &f, &c->unfit);
	}
	c->silent |= rc == -1;
	conn_close(f.conn);
	return rc;
}

/* The one that was followed first: mostly it is there.  -1: cancelled; *why:
 * the first that does not answer. */
static int
find_own(struct choice *c, struct err *why)
{
	struct endpoint x = c->opts->at;
	struct err e = {0};
	size_t i;
	int rc = x.host[0] == '\0' && c->opts->endpoints->alone ? 0 :
	    try_own(c, &x, why);

	for (i = 0; rc != 1 && why->code != ERR_CANCELLED &&
	    endpoint_at(c->opts->endpoints, i, &x); i++) {
		if (endpoint_same(&x, &c->opts->at))
			continue;
		e = (struct err){0};
		rc = try_own(c, &x, &e);
		if (rc == -1 && (why->code == ERR_NONE ||
		    e.code == ERR_CANCELLED))
			*why = e;
	}
	return why->code == ERR_CANCELLED ? -1 : 0;
}

static int
go_on_at(const struct choice *c, const struct endpoint *x, struct resume *r,
    struct err *e)
{
	struct resume_opts o = *c->opts;
	struct conn_opts conn;

	endpoint_conn(c->opts->conn, x, &conn);
	o.conn = &conn;
	if (resume(&o, r, e) != 0)
		return -1;
	r->at = *x;
	return 0;
}

/* By what it says of itself. */
static int
can_take_over(const struct choice *c, const struct endpoint *x, struct err *e)
{
	struct face f = {0};
	int rc = look(c, x, &f, e);

	if (rc == 0 && c->newest != NULL && !f.flavour.gtid)
		rc = err_set(e, ERR_AGAIN, 0, "the source has no GTIDs, and "
		    "by them alone its archive finds where to go on at "
		    "another server");
	if (rc == 0)
		rc = is_fit(c, &f, e);
	conn_close(f.conn);
	return rc;
}

static int
take_over(const struct choice *c, struct resume *r, struct err *e)
{
	struct endpoint x;
	char where[300];
	size_t i;

	for (i = 0; endpoint_at(c->opts->endpoints, i, &x); i++) {
		if (c->found && endpoint_same(&x, &c->own))
			continue;
		*e = (struct err){0};
		if (can_take_over(c, &x, e) == 0 &&
		    go_on_at(c, &x, r, e) == 0) {
			if (c->newest != NULL)
				log_event(LOG_WARN_, "the archive moves",
				    "source", c->opts->source, "to", r->where,
				    NULL);
			return 0;
		}
		resume_free(r);
		if (e->code == ERR_CANCELLED)
			return -1;
		(void)snprintf(where, sizeof(where), "%s:%u", x.host, x.port ==
		    0 ? 3306 : x.port);
		log_event(LOG_WARN_, "an endpoint is passed over", "source",
		    c->opts->source, "endpoint", x.host[0] != '\0' ? where :
		    "host", "why", e->msg, NULL);
	}
	return -1;
}

/* What is wrong with the one that should be gone on with comes first, then
 * why no other does. */
static int
fail(const struct choice *c, const struct err *why, const struct err *last,
    struct err *e)
{
	*e = (struct err){0};
	if (last->code == ERR_CANCELLED) {
		*e = *last;
		return -1;
	}
	if (why->code == ERR_NONE)
		return err_set(e, ERR_AGAIN, 0, "none of %zu servers will do; "
		    "the last: %s", c->n, last->msg);
	(void)err_set(e, ERR_AGAIN, 0, "%.160s", why->msg);
	if (last->code != ERR_NONE && c->n > 1) {
		*e = (struct err){0};
		(void)err_set(e, ERR_AGAIN, 0, "%.160s; none of %zu others "
		    "takes over; the last: %.160s", why->msg, c->n - 1,
		    last->msg);
	}
	return err_hint(e, "%s", why->hint);
}

static int
choose(struct choice *c, struct resume *r, struct err *e)
{
	struct err why = {0}, last = {0};
	bool move = c->opts->move || c->newest == NULL;

	if (c->newest != NULL && find_own(c, &why) != 0) {
		*e = why;
		return -1;
	}
	if (c->found) {
		why = (struct err){0};
		if ((c->unfit.code == ERR_NONE || !move) &&
		    go_on_at(c, &c->own, r, &why) == 0)
			return 0;
		/* Nor is a server gone that another archiver follows. */
		if (why.code == ERR_CANCELLED || why.code == ERR_BUSY ||
		    (why.code != ERR_NONE && !move)) {
			*e = why;
			return -1;
		}
	}
	/* Where all answer and none is the one, it is surely gone. */
	if (!c->found && c->silent && !move)
		return fail(c, &why, &last, e);
	resume_free(r);
	if (take_over(c, r, &last) == 0)
		return 0;
	/* One that is not fit is better than none. */
	if (c->found && c->unfit.code != ERR_NONE &&
	    last.code != ERR_CANCELLED)
		return go_on_at(c, &c->own, r, e);
	return fail(c, &why, &last, e);
}

/* With what there is to choose from. */
static size_t
count(const struct endpoints *all)
{
	struct endpoint x;
	size_t n = 0;

	while (endpoint_at(all, n, &x))
		n++;
	return n;
}

int
resume_any(const struct resume_opts *o, struct resume *r, struct err *e)
{
	struct choice c = { .opts = o };
	struct history *list = NULL;
	size_t n = 0;
	int rc = -1;

	*r = (struct resume){0};
	if (o->endpoints == NULL || o->endpoints->list[0] == '\0')
		return resume(o, r, e);
	c.n = count(o->endpoints);
	if (histories_list(o->store, o->source, &list, &n, e) == 0) {
		c.newest = n > 0 ? &list[n - 1] : NULL;
		rc = choose(&c, r, e);
	}
	histories_free(list, n);
	return rc;
}

bool
resume_has_other(const struct resume_opts *o)
{
	const struct history any = {0};
	struct choice c = { .opts = o, .newest = &any };
	struct endpoint x;
	bool found = false;
	size_t i;

	for (i = 0; !found && endpoint_at(o->endpoints, i, &x); i++)
		found = !endpoint_same(&x, &o->at) &&
		    can_take_over(&c, &x, &(struct err){0}) == 0;
	return found;
}
