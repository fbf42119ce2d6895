/* SPDX-License-Identifier: Apache-2.0 */
/* expire: what of a source stays and what goes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/begun.h"
#include "store/store.h"

#include "catalog/expire.h"

/* --- time --- */

static int
take_time(struct expire *x, struct err *e)
{
	int64_t here, apart;

	if (store_time(x->store, &x->now_us, e) != 0)
		return -1;
	here = clock_now_us();
	apart = here > x->now_us ? here - x->now_us : x->now_us - here;
	x->now_us += x->opts.ahead_us;
	if (apart <= EXPIRE_SLACK_US)
		return 0;
	(void)err_set(e, ERR_IO, 0, "%s: its clock and that of this host "
	    "differ by %" PRId64 " s: nothing expires", store_name(x->store),
	    apart / 1000000);
	return err_hint(e, "set the clocks right");
}

static int
check_past(const struct expire *x, const char *what, const char *id,
    int64_t at_us, struct err *e)
{
	char when[CLOCK_TEXT];

	if (at_us <= x->now_us + EXPIRE_SLACK_US)
		return 0;
	clock_rfc3339(at_us, when);
	(void)err_set(e, ERR_IO, 0, "%s/%s: its %s is of the future (%s): "
	    "nothing expires", x->source, id, what, when);
	return err_hint(e, "see which clock is wrong");
}

static int64_t
time_of_id(const char *id)
{
	char when[17];
	int64_t us = 0;

	memcpy(when, id, 16);
	when[16] = '\0';
	return clock_parse(when, &us) == 0 ? us : 0;
}

/* --- backups --- */

static int
take_lenders(const struct head *h, struct retention_backup *b, struct err *e)
{
	size_t n = json_array_size(h->lenders), i;
	char **ids = calloc(n + 1, sizeof(*ids));
	const char *id;

	if (ids == NULL)
		return err_set(e, ERR_NOMEM, 0, "lenders");
	b->lenders = (const char *const *)ids;
	for (i = 0; i < n; i++) {
		id = json_string_value(json_array_get(h->lenders, i));
		if (id == NULL || !backup_id_valid(id))
			return err_set(e, ERR_CORRUPT, 0, "head: member "
			    "'lenders' is not what it must be");
		ids[i] = strdup(id);
		if (ids[i] == NULL)
			return err_set(e, ERR_NOMEM, 0, "lenders");
		b->nlenders++;
	}
	return 0;
}

static void
free_lenders(struct retention_backup *b)
{
	char **ids = (char **)(void *)(uintptr_t)b->lenders;

	while (b->nlenders > 0)
		free(ids[--b->nlenders]);
	free(ids);
	b->lenders = NULL;
}

static int
take_head(struct expire *x, const struct head *h, struct retention_backup *b,
    struct err *e)
{
	const struct verified *v = verification_find(&x->verified, h->id, 0);
	const struct timeline_backup *t;

	if (take_lenders(h, b, e) != 0)
		return -1;
	if (timeline_add(x->store, &x->timeline, h, e) != 0)
		return -1;
	t = &x->timeline.backups[x->timeline.nbackups - 1];
	memcpy(b->lineage, h->lineage, sizeof(b->lineage));
	b->at_us = t->at_us;
	if (v != NULL)
		x->states[b - x->backups].damaged = v->damaged;
	b->good = t->proven && !t->partial && (v == NULL ||
	    v->damaged == 0);
	b->logs_until_us = t->history >= 0 ? t->until_us : 0;
	if (check_past(x, "snapshot", h->id, b->at_us, e) != 0)
		return -1;
	return check_past(x, "end", h->id, h->finished_us, e);
}

static int
add_backup(struct expire *x, const char *id, struct err *e)
{
	struct retention_backup *b = &x->backups[x->nbackups];
	struct expire_backup *state = &x->states[x->nbackups];
	struct err why = {0};
	struct head h;
	int rc = 0;

	memcpy(b->id, id, sizeof(b->id));
	b->at_us = time_of_id(id);
	if (check_past(x, "id", id, b->at_us, e) != 0)
		return -1;
	if (head_load(x->store, x->source, id, &h, &why) == 0) {
		state->stored = head_count(h.totals, "stored");
		x->nbackups++;
		rc = take_head(x, &h, b, &why);
		head_free(&h);
	} else if (why.code == ERR_NOTFOUND) {
		return 0;	/* another sweep was quicker */
	} else {
		x->nbackups++;
		rc = -1;
	}
	if (rc != 0 && why.code != ERR_CORRUPT && why.code != ERR_USAGE) {
		*e = why;
		return -1;
	}
	if (rc != 0) {
		free_lenders(b);
		b->unreadable = strdup(why.msg);
		x->unreadable++;
		if (b->unreadable == NULL)
			return err_set(e, ERR_NOMEM, 0, "expire");
	}
	return 0;
}

static int
load_backups(struct expire *x, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0, i;
	int rc = backups_list(x->store, x->source, &refs, &n, e);

	x->backups = calloc(n + 1, sizeof(*x->backups));
	x->states = calloc(n + 1, sizeof(*x->states));
	if (rc == 0 && (x->backups == NULL || x->states == NULL))
		rc = err_set(e, ERR_NOMEM, 0, "expire");
	for (i = 0; i < n && rc == 0; i++)
		rc = add_backup(x, refs[i].id, e);
	free(refs);
	return rc;
}

/* --- what else there is --- */

static int
add_run(void *arg, const char *id, const char *lender, struct err *e)
{
	struct expire *x = arg;
	struct retention_run *all;

	all = realloc(x->runs, (x->nruns + 1) * sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "expire");
	x->runs = all;
	all += x->nruns++;
	(void)snprintf(all->id, sizeof(all->id), "%s", id);
	(void)snprintf(all->lender, sizeof(all->lender), "%s", lender);
	return 0;
}

static int
check_marks(const struct expire *x, struct err *e)
{
	size_t i;

	for (i = 0; i < x->nmarks; i++)
		if (check_past(x, "mark", x->marks[i].backup,
		    x->marks[i].marked_us, e) != 0)
			return -1;
	for (i = 0; i < x->nfloors; i++)
		if (check_past(x, "mark", x->floors[i].history,
		    x->floors[i].marked_us, e) != 0)
			return -1;
	return 0;
}

/* --- the decision --- */

static int
decide(struct expire *x, struct err *e)
{
	struct retention_set set = { .rules = x->opts.rules,
	    .backups = x->backups, .nbackups = x->nbackups,
	    .nholds = x->nholds, .runs = x->runs, .nruns = x->nruns };
	struct retention_hold *holds = calloc(x->nholds + 1, sizeof(*holds));
	size_t i;

	if (holds == NULL)
		return err_set(e, ERR_NOMEM, 0, "expire");
	for (i = 0; i < x->nholds; i++) {
		memcpy(holds[i].backup, x->holds[i].backup,
		    sizeof(holds[i].backup));
		holds[i].name = x->holds[i].name;
		holds[i].owner = x->holds[i].owner;
		holds[i].until_us = x->holds[i].until_us;
	}
	set.holds = holds;
	x->fates = retention_decide(&set, x->now_us, e);
	free(holds);
	return x->fates != NULL ? 0 : -1;
}

/* A mark is due when its time has come, and it has stood for the grace that is
 * wanted now, if that is longer. */
static int64_t
due_at(const struct expire *x, int64_t marked_us, int64_t after_us)
{
	return after_us > marked_us + x->opts.grace_us ? after_us :
	    marked_us + x->opts.grace_us;
}

static void
set_states(struct expire *x)
{
	const struct expiring *mark;
	struct expire_backup *s;
	size_t i;

	for (i = 0; i < x->nbackups; i++) {
		s = &x->states[i];
		mark = expiring_of(x->marks, x->nmarks, x->backups[i].id);
		/* On what goes for certain no rule has a word any more. */
		if (mark != NULL && mark->sweeping) {
			s->sweep_after_us = mark->sweep_after_us;
			s->state = EXPIRE_DUE;
			continue;
		}
		if (x->fates[i].keep) {
			s->state = mark != NULL ? EXPIRE_UNMARK :
			    EXPIRE_STAYS;
			continue;
		}
		/* One that is void or cannot be read is written again. */
		if (mark == NULL || mark->stays || mark->unreadable) {
			s->state = EXPIRE_MARK;
			s->sweep_after_us = x->now_us + x->opts.grace_us;
			continue;
		}
		s->sweep_after_us = due_at(x, mark->marked_us,
		    mark->sweep_after_us);
		s->state = s->sweep_after_us <= x->now_us ? EXPIRE_DUE :
		    EXPIRE_WAITS;
	}
}

int
expire_load(struct store *s, const char *source,
    const struct expire_opts *opts, struct expire *x, struct err *e)
{
	*x = (struct expire){ .store = s, .source = source, .opts = *opts };
	/* Heads before holds, runs and marks: what stands against a sweep is
	 * looked for last. */
	if (take_time(x, e) != 0 ||
	    verification_load(s, source, &x->verified, e) != 0 ||
	    timeline_load_marked(s, source, &x->timeline, e) != 0 ||
	    load_backups(x, e) != 0 ||
	    begun_borrows(s, source, add_run, x, e) != 0 ||
	    expiring_list(s, source, &x->marks, &x->nmarks, e) != 0 ||
	    floors_list(s, source, &x->floors, &x->nfloors, e) != 0 ||
	    holds_list(s, source, NULL, &x->holds, &x->nholds, e) != 0 ||
	    check_marks(x, e) != 0 || decide(x, e) != 0) {
		expire_free(x);
		return -1;
	}
	set_states(x);
	if (expire_logs(x, e) != 0) {
		expire_free(x);
		return -1;
	}
	return 0;
}

/* --- marks --- */

static int
mark_backup(struct expire *x, size_t i, struct err *e)
{
	const char *id = x->backups[i].id;
	const struct expiring *mark = expiring_of(x->marks, x->nmarks, id);
	char after[CLOCK_TEXT];

	if (mark != NULL && expiring_unmark(x->store, x->source, id, e) != 0)
		return -1;
	if (expiring_mark(x->store, x->source, id, x->fates[i].why[0],
	    x->now_us, x->opts.grace_us, e) != 0)
		return -1;
	clock_rfc3339(x->states[i].sweep_after_us, after);
	log_event(LOG_INFO_, "a backup expires", "source", x->source, "id",
	    id, "why", x->fates[i].why[0], "sweep_after", after, NULL);
	return 0;
}

static int
unmark_backup(struct expire *x, size_t i, struct err *e)
{
	const char *id = x->backups[i].id;

	if (expiring_unmark(x->store, x->source, id, e) == 0) {
		log_event(LOG_INFO_, "a backup stays after all", "source",
		    x->source, "id", id, "why", x->fates[i].why[0], NULL);
		return 0;
	}
	if (e->code != ERR_BUSY)
		return -1;
	log_event(LOG_WARN_, "a backup is being swept by another", "source",
	    x->source, "id", id, NULL);
	*e = (struct err){0};
	return 0;
}

static const struct expire_logs *
logs_of(const struct expire *x, const char *history)
{
	size_t i;

	for (i = 0; i < x->nlogs; i++)
		if (strcmp(x->logs[i].history, history) == 0)
			return &x->logs[i];
	return NULL;
}

static int
mark_logs(struct expire *x, struct err *e)
{
	const struct expire_logs *l;
	char before[16];
	size_t i;

	for (i = 0; i < x->nfloors; i++) {
		l = logs_of(x, x->floors[i].history);
		if (!x->floors[i].gone && l != NULL &&
		    x->floors[i].before > l->before &&
		    floor_lift(x->store, x->source, &x->floors[i], e) != 0)
			return -1;
	}
	for (i = 0; i < x->nlogs; i++) {
		l = &x->logs[i];
		if (l->state != EXPIRE_MARK)
			continue;
		if (floor_mark(x->store, x->source, l->history, l->before,
		    x->now_us, x->opts.grace_us, e) != 0)
			return -1;
		(void)snprintf(before, sizeof(before), "%u",
		    (unsigned)l->before);
		log_event(LOG_INFO_, "binary logs expire", "source",
		    x->source, "history", l->history, "before", before,
		    "file", l->until[0] != '\0' ? l->until : NULL, NULL);
	}
	return 0;
}

int
expire_mark(struct expire *x, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < x->nbackups && rc == 0; i++)
		if (x->states[i].state == EXPIRE_UNMARK)
			rc = unmark_backup(x, i, e);
	for (i = 0; i < x->nbackups && rc == 0; i++)
		if (x->states[i].state == EXPIRE_MARK)
			rc = mark_backup(x, i, e);
	return rc == 0 ? mark_logs(x, e) : -1;
}

size_t
expire_find(const struct expire *x, const char *id)
{
	size_t i;

	for (i = 0; i < x->nbackups; i++)
		if (strcmp(x->backups[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

void
expire_free(struct expire *x)
{
	retention_free(x->fates, x->nbackups);
	while (x->nbackups > 0) {
		free_lenders(&x->backups[--x->nbackups]);
		free((void *)(uintptr_t)x->backups[x->nbackups].unreadable);
	}
	free(x->backups);
	free(x->states);
	holds_free(x->holds, x->nholds);
	expiring_free(x->marks, x->nmarks);
	free(x->floors);
	free(x->runs);
	free(x->logs);
	timeline_free(&x->timeline);
	verification_free(&x->verified);
	*x = (struct expire){0};
}
