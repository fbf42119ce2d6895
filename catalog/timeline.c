/* SPDX-License-Identifier: Apache-2.0 */
/* timeline: to which moments can a source be restored? */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/floor.h"

#include "catalog/timeline_impl.h"

/* --- damage --- */

/* What others wrote may be damaged, or too new: that is noted.  All else, so
 * an unreachable store, is a failure. */
static int
note_damage(void *arg, struct err *why, struct err *e)
{
	struct timeline *t = arg;
	char **all;

	if (why->code != ERR_CORRUPT && why->code != ERR_USAGE) {
		*e = *why;
		return -1;
	}
	all = realloc(t->damage, (t->ndamage + 1) * sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	t->damage = all;
	all[t->ndamage] = strdup(why->msg);
	if (all[t->ndamage] == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	t->ndamage++;
	*why = (struct err){0};
	return 0;
}

/* --- runs of files --- */

/* One history, as it is put together. */
struct loading {
	struct store *store;
	struct timeline *timeline;
	const struct history *history;	/* copied into each run */
	struct timeline_history *run;	/* the last one, or NULL */
	uint32_t finished;		/* the last finished file */
};

static void
free_run(struct timeline_history *h)
{
	while (h->nfiles > 0) {
		h->nfiles--;
		binlog_file_free(&h->files[h->nfiles].file);
		free(h->files[h->nfiles].segments);
	}
	free(h->files);
	history_free(&h->history);
}

static int
copy_history(const struct history *from, struct history *to, struct err *e)
{
	*to = *from;
	to->flavour = strdup(from->flavour);
	to->uuid = strdup(from->uuid);
	to->version = strdup(from->version);
	to->first_file = strdup(from->first_file);
	to->gtid_before = strdup(from->gtid_before);
	to->fork_gtid = strdup(from->fork_gtid);
	to->marked = strdup(from->marked);
	to->head_bytes = (struct buf){0};
	buf_add(&to->head_bytes, buf_str(&from->head_bytes),
	    from->head_bytes.len);
	if (to->flavour == NULL || to->uuid == NULL || to->version == NULL ||
	    to->first_file == NULL || to->gtid_before == NULL ||
	    to->fork_gtid == NULL || to->marked == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	return buf_check(&to->head_bytes, "timeline", e);
}

static int
add_run(struct loading *l, struct err *e)
{
	struct timeline *t = l->timeline;
	struct timeline_history *all;

	all = realloc(t->histories, (t->nhistories + 1) * sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	t->histories = all;
	l->run = &all[t->nhistories++];
	*l->run = (struct timeline_history){0};
	return copy_history(l->history, &l->run->history, e);
}

/* The run ends here, for this reason; what comes begins another. */
static int
break_run(struct loading *l, const char *why, struct err *e)
{
	if (l->run->nfiles == 0)
		return 0;
	l->run->broken = true;
	(void)snprintf(l->run->broken_what, sizeof(l->run->broken_what), "%s",
	    why);
	return add_run(l, e);
}

static struct timeline_file *
last_file(const struct loading *l)
{
	return l->run->nfiles == 0 ? NULL :
	    &l->run->files[l->run->nfiles - 1];
}

/* The file becomes the run's last, or begins a run after a hole; it is taken
 * on success. */
static int
add_file(struct loading *l, struct timeline_file *f, struct err *e)
{
	const struct timeline_file *before = last_file(l);
	struct timeline_file *files;
	char why[256];

	assert(l->run != NULL);
	if (before != NULL && f->file.seq != before->file.seq + 1) {
		(void)snprintf(why, sizeof(why), "after %.160s: %u of the "
		    "history's files missing", before->file.name,
		    (unsigned)(f->file.seq - before->file.seq - 1));
		if (break_run(l, why, e) != 0)
			return -1;
	}
	files = l->run->files;
	if ((l->run->nfiles & (l->run->nfiles - 1)) == 0) {
		files = realloc(files, (l->run->nfiles == 0 ? 1 :
		    l->run->nfiles * 2) * sizeof(*files));
		if (files == NULL)
			return err_set(e, ERR_NOMEM, 0, "timeline");
		l->run->files = files;
	}
	if (f->file.last_us > l->run->last_us)
		l->run->last_us = f->file.last_us;
	files[l->run->nfiles++] = *f;
	*f = (struct timeline_file){0};
	return 0;
}

static int
add_finished(struct loading *l, struct err *e)
{
	struct timeline_file f;
	struct binlog_file *list;
	size_t n, i;
	int rc = 0;

	if (files_load(l->store, l->timeline->source, l->history->id,
	    l->timeline->marked, note_damage, l->timeline, &list, &n, &l->finished, e) != 0)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		f = (struct timeline_file){ .file = list[i],
		    .end = list[i].size };
		rc = add_file(l, &f, e);
		if (rc == 0)
			list[i] = (struct binlog_file){0};
	}
	files_free(list, n);
	return rc;
}

/* --- live files --- */

/* "binlog.000042" by so many: the name that the server gives. */
static char *
name_after(const char *name, uint32_t by)
{
	const char *dot = strrchr(name, '.');
	size_t n = strlen(name) + 24;
	char *out = malloc(n);

	if (out != NULL && dot != NULL && by > 0)
		(void)snprintf(out, n, "%.*s.%0*llu", (int)(dot - name), name,
		    (int)strlen(dot + 1), strtoull(dot + 1, NULL, 10) + by);
	else if (out != NULL)
		(void)snprintf(out, n, "%s", name);
	return out;
}

/* What is known of a live file without reading it. */
static int
describe(struct loading *l, struct timeline_file *f, struct err *e)
{
	const struct timeline_file *before = last_file(l);
	const char *from = before != NULL ? before->file.name :
	    l->history->first_file;
	uint32_t by = f->file.seq - (before != NULL ? before->file.seq : 1);
	struct gtid_set *set;
	struct buf text = {0};

	f->file.name = name_after(from, by);
	if (f->file.name == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	if (f->file.seq == 1) {
		f->file.gtid_before = strdup(l->history->gtid_before);
	} else if (by == 1 && before != NULL &&
	    before->file.gtid_before != NULL && before->file.gtids != NULL) {
		set = timeline_set(l->timeline, before->file.gtid_before,
		    before->file.gtids);
		if (set != NULL)
			gtid_set_text(set, &text);
		f->file.gtid_before = set != NULL && !text.failed ?
		    strdup(buf_str(&text)) : NULL;
		gtid_set_free(set);
		buf_free(&text);
	}
	return 0;
}

/* The segments of one file: n of them, in order. */
static int
add_live_file(struct loading *l, const struct segment *list, size_t n,
    struct err *e)
{
	struct timeline_file f = { .live = true,
	    .file = { .seq = list[0].seq } };
	const struct timeline_file *before = last_file(l);
	struct err damage = {0};
	char why[256];
	int rc = -1, whole;

	f.segments = malloc(n * sizeof(*list));
	if (f.segments == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	memcpy(f.segments, list, n * sizeof(*list));
	f.nsegments = segments_cover(f.segments, n, 0, &f.end);
	f.file.size = f.end;
	if (before != NULL && before->live) {
		/* Nothing but its last event says that a file has ended. */
		whole = timeline_ended(l->store, l->timeline,
		    (size_t)(l->run - l->timeline->histories), before,
		    &damage);
		if (whole < 0 && note_damage(l->timeline, &damage, e) != 0)
			goto out;
		(void)snprintf(why, sizeof(why), "after %.100s:%" PRIu64
		    ": its end is not archived", before->file.name,
		    before->end);
		if (whole != 1 && break_run(l, why, e) != 0)
			goto out;
	}
	if (f.nsegments == 0) {
		(void)err_set(&damage, ERR_CORRUPT, 0, "history %s: file %u "
		    "lacks its first %" PRIu64 " bytes", l->history->id,
		    (unsigned)list[0].seq, list[0].start);
		rc = note_damage(l->timeline, &damage, e);
		goto out;
	}
	rc = describe(l, &f, e);
	if (rc == 0)
		rc = add_file(l, &f, e);
out:	binlog_file_free(&f.file);
	free(f.segments);
	return rc;
}

static int
add_live(struct loading *l, struct err *e)
{
	const struct timeline_file *last;
	struct segment *list;
	struct err why = {0};
	char text[256];
	size_t n, i, k;
	uint64_t end = 0;
	int64_t time, stored = 0;
	int rc = 0;

	if (segments_list(l->store, l->timeline->source, l->history->id,
	    l->finished + 1, &list, &n, &why) != 0)
		return note_damage(l->timeline, &why, e);
	for (i = 0; i < n && rc == 0; i = k) {
		for (k = i; k < n && list[k].seq == list[i].seq; k++) {
			if (list[k].end > end || k == i)
				end = list[k].end;
			if (list[k].stored_us > stored)
				stored = list[k].stored_us;
		}
		rc = add_live_file(l, list + i, k - i, e);
	}
	free(list);
	l->run->stored_us = stored;
	last = last_file(l);
	if (rc != 0 || last == NULL || !last->live)
		return rc;
	if (end > last->end) {
		(void)snprintf(text, sizeof(text), "after %.100s:%" PRIu64
		    ": a hole before the bytes up to %" PRIu64,
		    last->file.name, last->end, end);
		l->run->broken = true;
		memcpy(l->run->broken_what, text, sizeof(text));
	}
	if (timeline_last_time(l->store, l->timeline,
	    (size_t)(l->run - l->timeline->histories), last, &time, &why) != 0)
		return note_damage(l->timeline, &why, e);
	if (time > l->run->last_us)
		l->run->last_us = time;
	return 0;
}

/* --- loading --- */

/* A source that became another kind of server: nothing leads from the one to
 * the other, so what was before is told of and left out. */
static void
drop_other_kinds(struct timeline *t)
{
	size_t i, kept = 0;
	bool mariadb;

	for (i = 0; i < t->nhistories; i++) {
		mariadb = strcmp(t->histories[i].history.flavour,
		    "mariadb") == 0;
		if (mariadb == (t->kind == FLAVOUR_MARIADB)) {
			t->histories[kept++] = t->histories[i];
			continue;
		}
		log_event(LOG_WARN_, "a history of another kind of server "
		    "than the newest is left out", "source", t->source,
		    "history", t->histories[i].history.id, NULL);
		free_run(&t->histories[i]);
	}
	t->nhistories = kept;
}

static int
add_history(struct store *s, struct timeline *t, const struct history *h,
    struct err *e)
{
	struct loading l = { .store = s, .timeline = t, .history = h };
	int rc;

	t->kind = strcmp(h->flavour, "mariadb") == 0 ? FLAVOUR_MARIADB :
	    FLAVOUR_MYSQL;
	rc = add_run(&l, e);
	if (rc == 0)
		rc = add_finished(&l, e);
	if (rc == 0)
		rc = add_live(&l, e);
	/* Of what has expired nothing is told. */
	if (rc == 0 && l.finished >= FLOOR_ALL - 1 && l.run->nfiles == 0) {
		free_run(&t->histories[--t->nhistories]);
		return 0;
	}
	/* After a hole nothing may have come. */
	if (rc == 0 && l.run->nfiles == 0 && t->nhistories > 1 &&
	    strcmp(l.run[-1].history.id, h->id) == 0)
		free_run(&t->histories[--t->nhistories]);
	return rc;
}

/* The documents that can be read, oldest first. */
static int
load_histories(struct store *s, struct timeline *t, struct history **list,
    size_t *n, struct err *e)
{
	struct backup_ref *refs = NULL;
	struct err why = {0};
	size_t found = 0, i;
	int rc = backups_ids(s, t->source, "histories", &refs, &found, e);

	*n = 0;
	*list = calloc(found + 1, sizeof(**list));
	if (rc == 0 && *list == NULL)
		rc = err_set(e, ERR_NOMEM, 0, "timeline");
	for (i = 0; i < found && rc == 0; i++) {
		if (history_load(s, t->source, refs[i].id, &(*list)[*n],
		    &why) == 0)
			++*n;
		else if (why.code == ERR_NOTFOUND)
			why = (struct err){0};
		else
			rc = note_damage(t, &why, e);
	}
	free(refs);
	histories_sort(*list, *n);
	return rc;
}

static int
load_archive(struct store *s, const char *source, bool marked,
    struct timeline *t, struct err *e)
{
	struct history *list;
	size_t n, i;
	int rc;

	*t = (struct timeline){ .source = strdup(source), .marked = marked };
	if (t->source == NULL)
		return err_set(e, ERR_NOMEM, 0, "timeline");
	rc = load_histories(s, t, &list, &n, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = add_history(s, t, &list[i], e);
	histories_free(list, n);
	drop_other_kinds(t);
	if (rc != 0)
		timeline_free(t);
	return rc;
}

int
timeline_load_archive(struct store *s, const char *source,
    struct timeline *t, struct err *e)
{
	return load_archive(s, source, false, t, e);
}

int
timeline_load_marked(struct store *s, const char *source,
    struct timeline *t, struct err *e)
{
	return load_archive(s, source, true, t, e);
}

static int
by_time(const void *a, const void *b)
{
	const struct timeline_backup *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return strcmp(x->id, y->id);
}

int
timeline_load(struct store *s, const char *source, struct timeline *t,
    struct err *e)
{
	struct backup_ref *refs = NULL;
	struct err why = {0};
	size_t n = 0, i;
	struct head h;
	int rc;

	if (timeline_load_archive(s, source, t, e) != 0)
		return -1;
	rc = backups_list(s, source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		if (head_load(s, source, refs[i].id, &h, &why) != 0) {
			/* One that has expired since it was listed. */
			if (why.code == ERR_NOTFOUND)
				why = (struct err){0};
			else
				rc = note_damage(t, &why, e);
			continue;
		}
		rc = timeline_add(s, t, &h, e);
		head_free(&h);
	}
	free(refs);
	if (rc == 0)
		rc = timeline_hide_marked(s, t, e);
	if (rc == 0 && t->nbackups > 0)
		qsort(t->backups, t->nbackups, sizeof(*t->backups), by_time);
	if (rc != 0)
		timeline_free(t);
	return rc;
}

const struct timeline_file *
timeline_file_of(const struct timeline_history *h, uint32_t seq)
{
	if (h->nfiles == 0 || seq < h->files[0].file.seq ||
	    seq - h->files[0].file.seq >= h->nfiles)
		return NULL;
	return &h->files[seq - h->files[0].file.seq];
}

void
timeline_free(struct timeline *t)
{
	while (t->nhistories > 0)
		free_run(&t->histories[--t->nhistories]);
	while (t->nbackups > 0) {
		t->nbackups--;
		free(t->backups[t->nbackups].file);
		free(t->backups[t->nbackups].gtid);
	}
	while (t->ndamage > 0)
		free(t->damage[--t->ndamage]);
	free(t->histories);
	free(t->backups);
	free(t->damage);
	free(t->source);
	*t = (struct timeline){0};
}
