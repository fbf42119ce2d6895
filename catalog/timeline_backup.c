/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline_backup: where a backup stands in the archive.
 *
 * Names of binary log files come again after a RESET, on another server and
 * in a cloned one.  So a name says nothing by itself: the server, the GTIDs
 * and, without those, the times must fit as well; what fits more than once or
 * not at all gets no window.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "catalog/expiring.h"

#include "catalog/timeline_impl.h"

/* Room for what a server writes at a file's end without a transaction. */
#define TRAILER 600

struct gtid_set *
timeline_set(const struct timeline *t, const char *a, const char *b)
{
	struct err ignored = {0};
	struct gtid_set *set = gtid_set_new(t->kind, &ignored);

	if (set != NULL && (gtid_set_parse(set, a != NULL ? a : "",
	    &ignored) != 0 || gtid_set_parse(set, b != NULL ? b : "",
	    &ignored) != 0)) {
		gtid_set_free(set);
		set = NULL;
	}
	return set;
}

/* The backup that is being placed. */
struct placing {
	struct store *store;
	const struct timeline *t;
	const struct head *head;
	struct timeline_backup *b;
	struct gtid_set *has;	/* its GTIDs; NULL: none known */
	char why[160];		/* of the last history that did not fit */
};

static void
unfit(struct placing *p, const char *why)
{
	(void)snprintf(p->why, sizeof(p->why), "%s", why);
}

static bool
same_server(const struct placing *p, const struct history *h)
{
	const char *uuid = head_text(p->head->server, "uuid");

	if (uuid[0] != '\0' && h->uuid[0] != '\0')
		return strcmp(uuid, h->uuid) == 0;
	return head_count(p->head->server, "server_id") == h->server_id;
}

/* 1: all of text's GTIDs are in the backup; 0: not; -1: nothing is known. */
static int
includes(const struct placing *p, const char *text)
{
	struct gtid_set *set;
	int yes;

	if (text == NULL || p->has == NULL)
		return -1;
	set = timeline_set(p->t, text, NULL);
	if (set == NULL)
		return -1;
	yes = gtid_set_includes(p->has, set);
	gtid_set_free(set);
	return yes;
}

/* Do transactions stand after the backup's position in this file, as far as
 * one can say without reading it? */
static bool
more_follows(const struct placing *p, const struct timeline_file *f)
{
	return f->end > p->b->position + TRAILER;
}

static bool
gtids_fit(struct placing *p, const struct timeline_history *h,
    const struct timeline_file *f)
{
	const struct timeline_file *next = timeline_file_of(h,
	    f->file.seq + 1);

	if (includes(p, f->file.gtid_before) == 0) {
		unfit(p, "GTIDs before its file are not in it: another "
		    "history of the same file names");
		return false;
	}
	/* What comes after it must not be in it already. */
	if ((more_follows(p, f) && f->file.transactions > 0 &&
	    f->file.gtids != NULL && f->file.gtids[0] != '\0' &&
	    includes(p, f->file.gtids) == 1) || (next != NULL &&
	    next->file.transactions > 0 && next->file.gtids != NULL &&
	    next->file.gtids[0] != '\0' &&
	    includes(p, next->file.gtids) == 1)) {
		unfit(p, "GTIDs after its position are in it: another "
		    "history of the same file names");
		return false;
	}
	return true;
}

/* The latest time of a file, 0 when it is not known. */
static int64_t
latest_of(const struct timeline_history *h, const struct timeline_file *f)
{
	return f == NULL ? 0 : f->live ? h->last_us : f->file.last_us;
}

static bool
times_fit(struct placing *p, const struct timeline_history *h,
    const struct timeline_file *f)
{
	const struct timeline_file *before = f->file.seq > 1 ?
	    timeline_file_of(h, f->file.seq - 1) : NULL;
	const struct timeline_file *next = timeline_file_of(h,
	    f->file.seq + 1);
	int64_t at = p->b->at_us, end = latest_of(h, f);

	if ((before != NULL && before->file.last_us > at +
	    TIMELINE_SLACK_US) || (more_follows(p, f) && end != 0 &&
	    end < at - TIMELINE_SLACK_US) || (next != NULL && !next->live &&
	    next->file.last_us != 0 && next->file.last_us < at -
	    TIMELINE_SLACK_US)) {
		unfit(p, "the times of its file are others: another history "
		    "of the same file names");
		return false;
	}
	return true;
}

/* Its file in this run, when all fits. */
static const struct timeline_file *
fits(struct placing *p, const struct timeline_history *h)
{
	const struct timeline_file *f = NULL;
	size_t i;

	for (i = 0; i < h->nfiles; i++)
		if (strcmp(h->files[i].file.name, p->b->file) == 0)
			f = &h->files[i];
	if (f == NULL || !same_server(p, &h->history))
		return NULL;
	if (p->b->position > f->end) {
		unfit(p, "its position is not archived (yet)");
		return NULL;
	}
	if (p->has != NULL && f->file.gtid_before != NULL)
		return gtids_fit(p, h, f) ? f : NULL;
	return times_fit(p, h, f) ? f : NULL;
}

/* --- of another server: by GTIDs alone --- */

/* Is any of the file's GTIDs in the backup? */
static bool
overlaps(const struct placing *p, const struct timeline_file *f)
{
	struct err ignored = {0};
	struct gtid_set *all, *rest = NULL;
	bool some = includes(p, f->file.gtids) == 1 &&
	    f->file.gtids[0] != '\0';

	/* MariaDB's sets know no difference. */
	if (some || p->t->kind == FLAVOUR_MARIADB || f->file.gtids == NULL)
		return some;
	all = timeline_set(p->t, f->file.gtids, NULL);
	if (all != NULL)
		rest = gtid_set_copy(all, &ignored);
	if (rest != NULL && gtid_set_subtract(rest, p->has, &ignored) == 0)
		some = !gtid_set_equal(all, rest);
	gtid_set_free(all);
	gtid_set_free(rest);
	return some;
}

/* The last file of the run before which nothing is that the backup lacks. */
static const struct timeline_file *
joins(struct placing *p, const struct timeline_history *h)
{
	const struct timeline_file *f = NULL;
	size_t i;

	if (p->has == NULL || gtid_set_empty(p->has) ||
	    same_server(p, &h->history))
		return NULL;
	for (i = 0; i < h->nfiles; i++)
		if (includes(p, h->files[i].file.gtid_before) == 1)
			f = &h->files[i];
	if (f == NULL)
		return NULL;
	/* GTIDs come again after a RESET; then what the backup is thought to
	 * have was committed after it. */
	if (f->file.first_us > p->b->at_us + TIMELINE_SLACK_US &&
	    overlaps(p, f)) {
		unfit(p, "its GTIDs came again after it");
		return NULL;
	}
	/* That nothing comes before is no sign of anything in common. */
	if (f->file.gtid_before[0] == '\0' && !overlaps(p, f)) {
		unfit(p, "it is of a server that is not archived");
		return NULL;
	}
	return f;
}

/* --- all together --- */

/* A fail-over repeats what the old primary had: of many the first is as good
 * as any. */
static void
place_by_gtid(struct placing *p)
{
	const struct timeline_file *f;
	size_t i;

	for (i = 0; i < p->t->nhistories && p->b->history < 0; i++) {
		f = joins(p, &p->t->histories[i]);
		if (f == NULL)
			continue;
		p->b->history = (long)i;
		p->b->seq = f->file.seq;
		p->b->by_gtid = true;
	}
}

/* Is a place in `parent`, up to where both are the same, one in `child`? */
static bool
is_shared(const struct placing *p, size_t parent, size_t child, uint32_t seq)
{
	const struct history *h = &p->t->histories[child].history;

	return strcmp(h->parent, p->t->histories[parent].history.id) == 0 &&
	    (seq < h->fork_seq || (seq == h->fork_seq &&
	    p->b->position <= h->fork_offset));
}

/* Several fit by what their documents say: their indexes say it exactly.  What
 * a rolled back server has in common with what it was before is in both. */
static int
place_exactly(struct placing *p, const size_t *fit, size_t n, struct err *e)
{
	struct timeline_backup *b = p->b;
	uint32_t seq = 0;
	long found = -1;
	size_t i;
	int yes;

	unfit(p, "its position is not between two transactions of which it "
	    "has those before alone");
	for (i = 0; i < n; i++) {
		b->history = (long)fit[i];
		b->seq = fits(p, &p->t->histories[fit[i]])->file.seq;
		yes = route_fits(p->store, p->t, b, NULL, e);
		if (yes < 0)
			return -1;
		if (yes == 0)
			continue;
		if (found >= 0 && !is_shared(p, (size_t)found, fit[i], seq)) {
			unfit(p, "it fits more than one history");
			found = -1;
			break;
		}
		found = b->history;
		seq = b->seq;
	}
	b->history = found;
	b->seq = seq;
	return 0;
}

static int
place(struct placing *p, struct err *e)
{
	struct timeline_backup *b = p->b;
	size_t *fit = calloc(p->t->nhistories + 1, sizeof(*fit)), n = 0, i;
	int rc = 0;

	if (fit == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	unfit(p, "its binary log file is not archived");
	for (i = 0; i < p->t->nhistories; i++)
		if (fits(p, &p->t->histories[i]) != NULL)
			fit[n++] = i;
	if (n == 1) {
		b->history = (long)fit[0];
		b->seq = fits(p, &p->t->histories[fit[0]])->file.seq;
	} else if (n > 1) {
		rc = place_exactly(p, fit, n, e);
	} else {
		place_by_gtid(p);
	}
	if (b->history >= 0)
		p->why[0] = '\0';
	free(fit);
	return rc;
}

static int
set_window(const struct timeline *t, struct timeline_backup *b, struct err *e)
{
	struct route_leg *legs;
	size_t n, i;

	if (route_line(t, b, SIZE_MAX, &legs, &n, e) != 0)
		return -1;
	b->until_us = b->at_us;
	for (i = 0; i < n; i++)
		if (t->histories[legs[i].history].last_us > b->until_us)
			b->until_us = t->histories[legs[i].history].last_us;
	route_line_free(legs, n);
	return 0;
}

static int
copy_texts(struct timeline_backup *b, const struct head *h, struct err *e)
{
	const char *at = head_text(h->snapshot, "at");

	(void)snprintf(b->id, sizeof(b->id), "%s", h->id);
	if (clock_parse(at, &b->at_us) != 0)
		b->at_us = h->started_us;
	b->proven = head_proven(h);
	b->partial = !json_is_null(h->partial);
	b->file = strdup(head_text(h->coordinates, "file"));
	b->position = head_count(h->coordinates, "position");
	b->gtid = strdup(head_text(h->coordinates, "gtid"));
	return b->file != NULL && b->gtid != NULL ? 0 :
	    err_set(e, ERR_NOMEM, 0, "timeline");
}

static int
find_window(struct store *s, struct timeline *t, const struct head *h,
    struct timeline_backup *b, struct err *e)
{
	struct placing p = { .store = s, .t = t, .head = h, .b = b };
	int rc = 0;

	if (b->file[0] == '\0') {
		unfit(&p, "its server wrote no binary log");
	} else if (!b->proven) {
		unfit(&p, "it is unproven: its data may not be that of its "
		    "coordinates");
	} else {
		if (b->gtid[0] != '\0')
			p.has = timeline_set(t, b->gtid, NULL);
		rc = place(&p, e);
		gtid_set_free(p.has);
	}
	memcpy(b->why_not, p.why, sizeof(b->why_not));
	return rc != 0 || b->history < 0 ? rc : set_window(t, b, e);
}

/* Commits were stopped for the later backup, and all up to there is in the
 * same unbroken run: between the last transaction and it nothing was
 * committed, so those moments can be restored as well.  A replica's snapshot
 * says nothing of its primary's moments. */
static void
stretch(struct timeline_backup *b, const struct timeline_backup *later)
{
	if (later->history == b->history && !later->by_gtid &&
	    later->at_us > b->until_us)
		b->until_us = later->at_us;
}

static void
stretch_all(struct timeline *t, struct timeline_backup *b)
{
	size_t i;

	for (i = 0; i < t->nbackups && b->history >= 0; i++) {
		stretch(&t->backups[i], b);
		stretch(b, &t->backups[i]);
	}
}

int
timeline_add(struct store *s, struct timeline *t, const struct head *h,
    struct err *e)
{
	struct timeline_backup *all;

	all = realloc(t->backups, (t->nbackups + 1) * sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	t->backups = all;
	all += t->nbackups++;
	*all = (struct timeline_backup){ .history = -1 };
	if (copy_texts(all, h, e) != 0 || find_window(s, t, h, all, e) != 0)
		return -1;
	stretch_all(t, all);
	return 0;
}

int
timeline_hide_marked(struct store *s, struct timeline *t, struct err *e)
{
	struct expiring *list;
	struct timeline_backup *b;
	size_t n, i;

	if (expiring_list(s, t->source, &list, &n, e) != 0)
		return -1;
	for (i = 0; i < t->nbackups; i++) {
		b = &t->backups[i];
		if (expiring_of(list, n, b->id) == NULL)
			continue;
		b->history = -1;
		b->until_us = 0;
		(void)snprintf(b->why_not, sizeof(b->why_not),
		    "it is marked to expire");
	}
	expiring_free(list, n);
	return 0;
}

const struct timeline_backup *
timeline_backup_of(const struct timeline *t, const char *id)
{
	size_t i;

	for (i = 0; i < t->nbackups; i++)
		if (strcmp(t->backups[i].id, id) == 0)
			return &t->backups[i];
	return NULL;
}
