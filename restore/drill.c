/* SPDX-License-Identifier: Apache-2.0 */
/* drill: a restore into a throw-away server that proves a backup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/feed.h"
#include "catalog/timeline.h"
#include "mysql/connect.h"

#include "restore/drill_impl.h"

/* The backup, and whether the archive leads on from it. */
static int
choose(struct drill *d, struct err *e)
{
	const struct timeline_backup *b;
	struct timeline t;

	if (backup_find(d->store, d->how.source, d->how.backup, &d->head,
	    e) != 0 || timeline_load(d->store, d->how.source, &t, e) != 0)
		return -1;
	d->how.backup = d->head.id;
	b = timeline_backup_of(&t, d->head.id);
	if (b != NULL && b->history >= 0)
		d->how.to = "latest";
	else
		(void)snprintf(d->why_not, sizeof(d->why_not), "%s",
		    b != NULL && b->why_not[0] != '\0' ? b->why_not :
		    "nothing is archived");
	timeline_free(&t);
	return 0;
}

/* A server that is fit, and empty when this returns 0. */
static int
take_ground(struct drill *d, struct err *e)
{
	const char *failed;

	if (steps_open(&d->steps, e) != 0 ||
	    ground_look(&d->ground, &d->steps.target, &d->head, e) != 0)
		return -1;
	if (!d->ground.left)
		return 0;
	failed = ground_note_failed(&d->ground.note);
	if (failed != NULL && !d->how.yes) {
		(void)err_set(e, ERR_EXISTS, 0, "%s keeps what the drill of "
		    "%s/%s left that failed (begun %s: %.160s)",
		    conn_where(d->steps.target.conn), d->how.source,
		    ground_note_backup(&d->ground.note),
		    ground_note_began(&d->ground.note), failed);
		return err_hint(e, "once you have looked at it, --yes clears "
		    "it and begins anew");
	}
	log_event(LOG_INFO_, "clearing what an earlier drill left",
	    "backup", ground_note_backup(&d->ground.note), "begun",
	    ground_note_began(&d->ground.note), NULL);
	feed_phase("clear");
	return ground_clear(&d->ground, e);
}

static int
plan(struct drill *d, struct err *e)
{
	struct steps *s = &d->steps;

	d->how.definition = ground_definition;
	d->how.definition_arg = &d->ground;
	if (ground_prepare(&d->ground, &d->head, e) != 0 ||
	    steps_look(s, e) != 0 || (s->replay != NULL &&
	    replay_refused(s->replay, e) != 0) || steps_refused(s, e) != 0)
		return -1;
	/* Accounts that the target has are its own. */
	if (s->accounts == ACCOUNTS_ALL)
		s->accounts = ACCOUNTS_MISSING;
	return 0;
}

/* --- the steps, timed --- */

static int
load(struct drill *d, struct err *e)
{
	struct steps *s = &d->steps;

	if (ground_begin(&d->ground, &s->plan, e) != 0)
		return -1;
	d->begun = true;
	if (steps_begin(s, e) != 0)
		return -1;
	/* None may run here, ever: they are made, and that is all. */
	s->create.events_off = true;
	return steps_load(s, e) != 0 ? -1 : s->replay != NULL ? 0 :
	    create_events(&s->create, e);
}

static int
check(struct drill *d, struct err *e)
{
	return steps_check(&d->steps, e);
}

static int
replay(struct drill *d, struct err *e)
{
	int64_t reached;

	if (clock_parse(head_text(d->head.snapshot, "at"),
	    &d->recovered_us) != 0)
		d->recovered_us = d->head.started_us;
	if (d->steps.replay == NULL)
		return 0;
	if (steps_replay(&d->steps, e) != 0)
		return -1;
	reached = replay_reached_us(d->steps.replay);
	if (reached > d->recovered_us)
		d->recovered_us = reached;
	return 0;
}

/* All of them, whatever the first one says. */
static int
assert_all(struct drill *d, struct err *e)
{
	struct err first = {0};
	struct assertion *a;
	size_t i;

	if (d->o->nasserts == 0)
		return 0;
	feed_phase("assert");
	d->asserts = calloc(d->o->nasserts, sizeof(*d->asserts));
	if (d->asserts == NULL)
		return err_set(e, ERR_NOMEM, 0, "assertions");
	for (i = 0; i < d->o->nasserts; i++) {
		a = &d->asserts[i];
		a->sql = d->o->asserts[i];
		if (assertion_ask(a, d->how.conn, &d->steps.target.flavour,
		    e) != 0)
			return err_wrap(e, "assertions");
		d->asked++;
		if (!a->ok)
			(void)assertion_failed(a, &first);
	}
	*e = first;
	return first.code == ERR_NONE ? 0 : -1;
}

static int
timed(struct drill *d, enum drill_phase phase,
    int (*step)(struct drill *, struct err *), struct err *e)
{
	int64_t began = clock_mono_ms();
	int rc = step(d, e);

	d->ms[phase] += (uint64_t)(clock_mono_ms() - began);
	return rc;
}

/* --- the end --- */

/* What failed is kept to be looked at; what was stopped is not worth it. */
static int
keep(struct drill *d, struct err *e)
{
	struct err late = {0};

	if (cancel_requested(d->how.cancel)) {
		*e = (struct err){0};
		(void)cancel_check(d->how.cancel, e);
		if (d->begun)
			(void)err_hint(e, "the next drill clears what this "
			    "one left on its server");
		return -1;
	}
	if (!d->begun)
		return -1;
	d->kept = ground_keep(&d->ground, e->msg, &late) == 0;
	if (!d->kept)
		log_event(LOG_WARN_, "could not note that the drill failed",
		    "why", late.msg, NULL);
	/* What to do is first of all to look. */
	e->hint[0] = '\0';
	return err_hint(e, "the drill's server is kept as it is, to be looked "
	    "at; the next drill with --yes clears it");
}

static int
work(struct drill *d, struct err *e)
{
	if (choose(d, e) != 0 || take_ground(d, e) != 0 ||
	    timed(d, DRILL_PLAN, plan, e) != 0 ||
	    timed(d, DRILL_LOAD, load, e) != 0 ||
	    timed(d, DRILL_CHECK, check, e) != 0 ||
	    timed(d, DRILL_REPLAY, replay, e) != 0 ||
	    timed(d, DRILL_ASSERT, assert_all, e) != 0)
		return keep(d, e);
	feed_phase("clear");
	if (ground_clear(&d->ground, e) != 0)
		return keep(d, e);
	d->ok = true;
	return 0;
}

static void
show(const struct drill *d, const struct err *e, FILE *out)
{
	json_t *doc;

	if (!d->how.json) {
		drill_print(d, out);
		return;
	}
	doc = drill_facts(d, d->ok ? NULL : e->msg);
	(void)json_dumpf(doc, out, JSON_INDENT(2));
	(void)fputc('\n', out);
	json_decref(doc);
}

static int
check_asserts(const struct drill_opts *o, struct err *e)
{
	size_t i;

	for (i = 0; i < o->nasserts; i++)
		if (assertion_check(o->asserts[i], e) != 0)
			return -1;
	return 0;
}

int
drill_run(struct store *s, const struct drill_opts *opts, FILE *out,
    struct err *e)
{
	struct drill d = { .o = opts, .store = s, .how = opts->restore,
	    .began_us = clock_now_us() };
	int rc;

	d.how.accounts = ACCOUNTS_AUTO;
	d.how.check = true;
	d.steps.opts = &d.how;
	d.steps.store = s;
	feed_phase("plan");
	rc = check_asserts(opts, e) != 0 ? -1 : work(&d, e);
	/* Facts there are once something was restored; but a drill that was
	 * stopped proves nothing, one way or the other. */
	if (d.begun)
		show(&d, e, out);
	if (d.begun && e->code != ERR_CANCELLED)
		drill_tell(&d, err_exit_status(e->code));
	steps_free(&d.steps);
	ground_free(&d.ground);
	head_free(&d.head);
	free(d.asserts);
	return rc;
}
