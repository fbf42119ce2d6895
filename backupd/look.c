/* SPDX-License-Identifier: Apache-2.0 */
/* look: what the store holds of a source, for its schedule and its status. */
#include <stdlib.h>

#include "base/err.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "catalog/head.h"
#include "catalog/timeline.h"

#include "backupd/look.h"

static json_t *
backup_json(const struct head *h, int64_t at_us)
{
	return json_pack("{s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:f}", "id",
	    h->id, "at", document_time(at_us), "proven",
	    head_bool(h->snapshot, "proven"), "partial",
	    !json_is_null(h->partial), "raw",
	    (json_int_t)head_count(h->totals, "raw"), "stored",
	    (json_int_t)head_count(h->totals, "stored"), "rows",
	    (json_int_t)head_count(h->totals, "rows"), "seconds",
	    (double)(h->finished_us - h->started_us) / 1e6);
}

/* One backup; one that cannot be read is counted. */
static int
take(struct store *s, struct timeline *t, const char *id, int64_t since_us,
    struct look *l, struct err *e)
{
	struct err why = {0};
	struct head h;
	int rc;

	if (head_load(s, t->source, id, &h, &why) != 0) {
		/* One that was expired meanwhile is none. */
		if (why.code == ERR_CORRUPT || why.code == ERR_USAGE)
			l->damage++;
		else if (why.code != ERR_NOTFOUND)
			*e = why;
		return e->code == ERR_NONE ? 0 : -1;
	}
	if (h.started_us > l->last_dump_us)
		l->last_dump_us = h.started_us;
	if (head_proven(&h) && h.started_us > l->last_good_us)
		l->last_good_us = h.started_us;
	if (h.finished_us >= since_us)
		(void)json_array_append_new(l->backups, backup_json(&h,
		    h.started_us));
	rc = timeline_add(s, t, &h, e);
	head_free(&h);
	return rc;
}

static int
take_windows(const struct timeline *t, int64_t since_us, struct look *l,
    struct err *e)
{
	struct timeline_window *all;
	size_t n, i;

	if (timeline_windows(t, &all, &n, e) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (all[i].to_us < since_us)
			continue;
		(void)json_array_append_new(l->windows, json_pack(
		    "{s:o, s:o}", "from", document_time(all[i].from_us), "to",
		    document_time(all[i].to_us)));
		if (i > 0)
			(void)json_array_append_new(l->gaps, json_pack(
			    "{s:o, s:o}", "from", document_time(
			    all[i - 1].to_us), "to", document_time(
			    all[i].from_us)));
	}
	free(all);
	return 0;
}

int
look_at(struct store *s, const char *source, int64_t since_us,
    struct look *out, struct err *e)
{
	struct look l = { .backups = json_array(), .windows = json_array(),
	    .gaps = json_array() };
	struct backup_ref *refs = NULL;
	struct timeline t;
	size_t n = 0, i;
	int rc;

	if (timeline_load_archive(s, source, &t, e) != 0) {
		look_free(&l);
		return -1;
	}
	l.damage = t.ndamage;
	if (t.nhistories > 0)
		l.known_us = t.histories[0].history.opened_us;
	rc = backups_list(s, source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = take(s, &t, refs[i].id, since_us, &l, e);
	l.apart = t.nhistories > 0 && t.nbackups > 0 &&
	    t.backups[t.nbackups - 1].history < 0;
	if (rc == 0)
		rc = take_windows(&t, since_us, &l, e);
	free(refs);
	timeline_free(&t);
	if (rc != 0) {
		look_free(&l);
		return -1;
	}
	look_free(out);
	*out = l;
	return 0;
}

void
look_free(struct look *l)
{
	json_decref(l->backups);
	json_decref(l->windows);
	json_decref(l->gaps);
	*l = (struct look){0};
}
