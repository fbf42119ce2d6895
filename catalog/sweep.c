/* SPDX-License-Identifier: Apache-2.0 */
/* sweep: what was marked a grace period ago, and is wanted by nobody, goes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/expire.h"
#include "catalog/leftovers.h"
#include "catalog/removal.h"
#include "store/store.h"

#include "catalog/sweep.h"

/* No run is longer than a week (begun.h); an upload of one is dead a day
 * after. */
#define UPLOAD_US (INT64_C(8) * 24 * 3600 * 1000000)

/* --- the look --- */

int
sweep_is_late(const struct expire *x, struct err *e)
{
	int64_t now;

	if (store_time(x->store, &now, e) != 0)
		return -1;
	return now + x->opts.ahead_us - x->now_us > SWEEP_LOOK_US;
}

/* --- backups --- */

struct due {
	char id[BACKUP_ID_LEN + 1];
	bool done;
};

struct sweeping {
	const struct expire *x;		/* what was seen first */
	struct expire again;		/* and right before */
	struct due *due;
	size_t ndue;
	struct sweep_result *out;
};

static bool
is_due(const struct expire *x, const struct expiring *m)
{
	size_t i = expire_find(x, m->backup);

	/* A mark without a backup is of a sweep that did not end. */
	return i == SIZE_MAX || x->states[i].state == EXPIRE_DUE;
}

/* Look at all again, unless that was just now. */
static int
look(struct sweeping *w, struct err *e)
{
	const struct expire *x = w->x;
	int late = 1;

	if (w->again.store != NULL)
		late = sweep_is_late(&w->again, e);
	if (late != 1)
		return late;
	expire_free(&w->again);
	return expire_load(x->store, x->source, &x->opts, &w->again, e);
}

static bool
is_swept(const struct sweeping *w, const char *id)
{
	size_t i;

	for (i = 0; i < w->ndue; i++)
		if (w->due[i].done && strcmp(w->due[i].id, id) == 0)
			return true;
	return false;
}

/* Whose chunks are these, too?  NULL: nobody's that is still there. */
static const char *
borrower_of(const struct sweeping *w, const char *id)
{
	const struct retention_backup *b;
	size_t i, k;

	for (i = 0; i < w->again.nbackups; i++) {
		b = &w->again.backups[i];
		for (k = 0; k < b->nlenders; k++)
			if (strcmp(b->lenders[k], id) == 0 &&
			    strcmp(b->id, id) != 0 && !is_swept(w, b->id))
				return b->id;
	}
	return NULL;
}

/* Why it stays for now, or NULL. */
static const char *
objection(const struct sweeping *w, const struct expiring *mark, size_t i)
{
	const struct expire *a = &w->again;

	if (mark == NULL)
		return "its mark was taken away";
	if (mark->sweeping)
		return NULL;
	if (a->fates[i].keep)
		return a->fates[i].why[0];
	if (a->states[i].state != EXPIRE_DUE)
		return "its time has not come";
	if (borrower_of(w, mark->backup) != NULL)
		return "one that borrowed from it is still there";
	return NULL;
}

/* Look, and give the verdict: *why is NULL when it goes. */
static int
decide(struct sweeping *w, const char *id, const char **why, struct err *e)
{
	const struct expire *a = &w->again;
	const struct expiring *mark;
	bool go = true;
	size_t i;
	int late;

	*why = NULL;
	if (look(w, e) != 0)
		return -1;
	i = expire_find(a, id);
	if (i == SIZE_MAX)
		return 0;
	mark = expiring_of(a->marks, a->nmarks, id);
	*why = objection(w, mark, i);
	if (*why != NULL)
		return 0;
	late = sweep_is_late(a, e);
	if (late == 0 && expiring_sweep(a->store, a->source, mark, &go,
	    e) != 0)
		return -1;
	if (late == 1)
		*why = "the look at all took too long";
	else if (!go)
		*why = "its mark was taken away";
	return late < 0 ? -1 : 0;
}

static int
delete_backup(const struct expire *x, const char *id, struct err *e)
{
	static const char *const folders[] = { "holds", "notes" };
	char key[STORE_KEY_MAX], prefix[STORE_KEY_MAX];
	const char *keys[1] = { key };
	size_t i;

	(void)snprintf(key, sizeof(key), "sources/%s/heads/%s.json",
	    x->source, id);
	if (store_delete(x->store, keys, 1, e) != 0 ||
	    leftovers_remove(x->store, x->source, id, e) != 0)
		return -1;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(prefix, sizeof(prefix), "sources/%s/%s/%s/",
		    x->source, folders[i], id);
		if (removal_prefix(x->store, prefix, e) != 0)
			return -1;
	}
	return expiring_end(x->store, x->source, id, e);
}

static int
sweep_one(struct sweeping *w, struct due *d, struct err *e)
{
	const char *why;

	if (decide(w, d->id, &why, e) != 0)
		return -1;
	if (why != NULL) {
		log_event(LOG_INFO_, "a backup is not swept", "source",
		    w->x->source, "id", d->id, "why", why, NULL);
		w->out->left++;
		return 0;
	}
	if (delete_backup(w->x, d->id, e) != 0)
		return err_wrap(e, "sweep %s/%s", w->x->source, d->id);
	d->done = true;
	w->out->backups++;
	log_event(LOG_INFO_, "a backup is swept", "source", w->x->source,
	    "id", d->id, NULL);
	return 0;
}

static int
sweep_backups(const struct expire *x, struct sweep_result *out,
    struct err *e)
{
	struct sweeping w = { .x = x, .out = out };
	struct due *due;
	size_t i;
	int rc = 0;

	due = calloc(x->nmarks + 1, sizeof(*due));
	if (due == NULL)
		return err_set(e, ERR_NOMEM, 0, "sweep");
	w.due = due;
	for (i = 0; i < x->nmarks; i++)
		if (is_due(x, &x->marks[i]))
			memcpy(due[w.ndue++].id, x->marks[i].backup,
			    sizeof(due[0].id));
	/* The newest first: who borrowed before who lent. */
	for (i = w.ndue; i > 0 && rc == 0; i--)
		rc = sweep_one(&w, &due[i - 1], e);
	expire_free(&w.again);
	free(due);
	return rc;
}

/* --- all together --- */

int
sweep_run(const struct expire *x, struct sweep_result *out, struct err *e)
{
	char prefix[STORE_KEY_MAX];

	*out = (struct sweep_result){0};
	if (sweep_backups(x, out, e) != 0 || sweep_logs(x, out, e) != 0 ||
	    sweep_keys(x, out, e) != 0 ||
	    leftovers_clean(x->store, x->source, e) != 0)
		return -1;
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/", x->source);
	return store_abort_old_uploads(x->store, prefix, x->now_us -
	    UPLOAD_US, e);
}
