/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_logs: archived binary logs before their floor. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/expire.h"
#include "catalog/removal.h"
#include "store/store.h"

#include "catalog/sweep.h"

/* --- objects of files before one --- */

struct below {
	struct removal *removal;
	size_t skip;		/* length of the prefix */
	uint32_t before;
	bool documents;		/* "<seq>[-<seq>].json" or a floor */
	uint64_t swept;
};

/* Is this whole object before the floor? */
static bool
is_below(const struct below *b, const char *name)
{
	unsigned long last;
	uint32_t before;
	bool gone;

	if (strspn(name, "0123456789") != 8)
		return false;
	if (b->documents && floor_name(name, &before, &gone))
		return before < b->before || (before == b->before && !gone);
	last = strtoul(name, NULL, 10);
	if (b->documents && name[8] == '-' &&
	    strspn(name + 9, "0123456789") == 8)
		last = strtoul(name + 9, NULL, 10);
	return last < b->before;
}

static int
add(void *arg, const struct store_entry *entry, struct err *e)
{
	struct below *b = arg;

	if (!is_below(b, entry->key + b->skip)) {
		/* Objects come in order: of these no more is below. */
		return b->documents ? 0 : err_set(e, ERR_EXISTS, 0, "enough");
	}
	b->swept++;
	return removal_add(b->removal, entry->key, e);
}

static int
sweep_below(const struct expire *x, const char *history, uint32_t before,
    const char *folder, char joint, uint64_t *swept, struct err *e)
{
	struct below b = { .before = before,
	    .documents = strcmp(folder, "files") == 0 };
	char prefix[STORE_KEY_MAX];
	int rc;

	b.removal = removal_new(x->store, e);
	if (b.removal == NULL)
		return -1;
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/%s/%s%c",
	    x->source, folder, history, joint);
	b.skip = strlen(prefix);
	rc = store_list(x->store, prefix, add, &b, e);
	if (rc != 0 && e->code == ERR_EXISTS) {
		*e = (struct err){0};
		rc = 0;
	}
	if (rc == 0)
		rc = removal_flush(b.removal, e);
	*swept += b.swept;
	removal_free(b.removal);
	return rc;
}

/* Verdicts on marks that are no more. */
static int
sweep_verdicts(const struct expire *x, const char *history, uint32_t before,
    struct err *e)
{
	char name[HISTORY_ID_LEN + 8], prefix[STORE_KEY_MAX];
	uint64_t ignored = 0;

	(void)snprintf(name, sizeof(name), "floor-%s", history);
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/marks/%s-%08u-",
	    x->source, name, (unsigned)before);
	return sweep_below(x, name, before, "marks", '-', &ignored, e) == 0 ?
	    removal_prefix(x->store, prefix, e) : -1;
}

/* Its marks go last, with the documents of the files. */
static int
sweep_history(const struct expire *x, const char *history, uint32_t before,
    struct err *e)
{
	struct floor all = { .before = FLOOR_ALL, .gone = true };
	char key[STORE_KEY_MAX], count[24];
	const char *keys[1] = { key };
	uint64_t swept = 0;

	if (sweep_below(x, history, before, "binlog", '/', &swept, e) != 0 ||
	    sweep_below(x, history, before, "index", '-', &swept, e) != 0)
		return -1;
	if (before == FLOOR_ALL) {
		(void)snprintf(key, sizeof(key), "sources/%s/histories/%s"
		    ".json", x->source, history);
		if (store_delete(x->store, keys, 1, e) != 0)
			return -1;
	}
	if (sweep_below(x, history, before, "files", '-', &swept, e) != 0 ||
	    sweep_verdicts(x, history, before, e) != 0)
		return -1;
	if (before == FLOOR_ALL) {
		memcpy(all.history, history, sizeof(all.history));
		if (floor_drop(x->store, x->source, &all, e) != 0)
			return -1;
	}
	(void)snprintf(count, sizeof(count), "%" PRIu64, swept);
	if (swept > 0)
		log_event(LOG_INFO_, "binary logs are swept", "source",
		    x->source, "history", history, "objects", count, NULL);
	return 0;
}

/* --- which --- */

static bool
is_due(const struct expire *x, const struct floor *f)
{
	size_t i;

	if (f->gone || f->sweep_after_us == 0 ||
	    f->sweep_after_us > x->now_us ||
	    f->marked_us + x->opts.grace_us > x->now_us ||
	    f->before <= floors_gone(x->floors, x->nfloors, f->history))
		return false;
	for (i = 0; i < x->nlogs; i++)
		if (strcmp(x->logs[i].history, f->history) == 0)
			return x->logs[i].before >= f->before;
	return false;
}

/* Its mark, as it is now; NULL: it is no more. */
static const struct floor *
mark_of(const struct expire *again, const struct floor *f)
{
	size_t i;

	for (i = 0; i < again->nfloors; i++)
		if (!again->floors[i].gone &&
		    again->floors[i].before == f->before &&
		    strcmp(again->floors[i].history, f->history) == 0)
			return &again->floors[i];
	return NULL;
}

/* Look at all again, and give the verdict: 1; 0: it stays for now; -1. */
static int
decide(const struct expire *x, const struct floor *f, struct err *e)
{
	const struct floor *mark;
	struct expire again;
	bool go = false;
	int rc = 0;

	if (expire_load(x->store, x->source, &x->opts, &again, e) != 0)
		return -1;
	mark = mark_of(&again, f);
	if (mark != NULL && is_due(&again, mark)) {
		rc = sweep_is_late(&again, e);
		if (rc == 0)
			rc = floor_sweep(x->store, x->source, mark, &go, e);
	}
	expire_free(&again);
	return rc < 0 ? -1 : go;
}

int
sweep_logs(const struct expire *x, struct sweep_result *out, struct err *e)
{
	const struct floor *f;
	size_t i;
	int rc = 0;

	for (i = 0; i < x->nfloors && rc == 0; i++) {
		f = &x->floors[i];
		if (f->gone && f->before == floors_gone(x->floors,
		    x->nfloors, f->history))
			rc = sweep_history(x, f->history, f->before, e);
	}
	for (i = 0; i < x->nfloors && rc == 0; i++) {
		f = &x->floors[i];
		if (!is_due(x, f))
			continue;
		rc = decide(x, f, e);
		if (rc == 0)
			out->left++;
		if (rc == 1) {
			rc = sweep_history(x, f->history, f->before, e);
			out->floors++;
		}
	}
	return rc;
}
