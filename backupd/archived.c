/* SPDX-License-Identifier: Apache-2.0 */
/* archived: what the store holds of a history. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/floor.h"
#include "mysql/event.h"

#include "backupd/archived.h"

#define MAGIC_LEN 4
#define BEGIN_MAX ((size_t)64 << 20)	/* of a file: a list of GTIDs is long */

void
archived_name(const struct archived *a, uint32_t seq,
    char name[STREAM_NAME_MAX])
{
	stream_name_add(a->history->first_file, (int64_t)seq - 1, name);
}

int
archived_cover(const struct archived *a, uint32_t seq, struct segment **list,
    struct stored *stored, uint64_t *end, struct err *e)
{
	size_t i, n = 0;

	*list = calloc(a->nsegments + 1, sizeof(**list));
	if (*list == NULL)
		return err_set(e, ERR_NOMEM, 0, "segments");
	for (i = 0; i < a->nsegments; i++)
		if (a->segments[i].seq == seq)
			(*list)[n++] = a->segments[i];
	*stored = (struct stored){ .store = a->store, .source = a->source,
	    .history = a->history->id, .segments = *list };
	stored->n = segments_cover(*list, n, 0, end);
	return 0;
}

/* --- the last file --- */

static int
take_first(void *arg, const struct transaction *t, struct err *e)
{
	uint64_t *offset = arg;

	(void)e;
	*offset = t->offset;
	return 1;
}

int
archived_last(const struct stored *s, uint64_t *offset, struct err *e)
{
	struct buf lines = {0};
	size_t i;
	int rc = 0;

	*offset = MAGIC_LEN;
	for (i = s->n; i > 0 && rc == 0; i--) {
		rc = segment_index_read(s->store, s->source, s->history,
		    &s->segments[i - 1], &lines, e);
		if (rc == 0)
			rc = index_lines(&lines, take_first, offset, e);
	}
	buf_free(&lines);
	return rc < 0 ? -1 : 0;
}

/* Goes from header to header. */
struct walk {
	uint8_t header[EVENT_HEADER];
	size_t have;
	uint64_t skip;
	uint8_t type;		/* of the last event; 0: it is not whole */
};

static int
walk(void *arg, const void *data, size_t n, struct err *e)
{
	struct walk *w = arg;
	const uint8_t *p = data;
	size_t len, size;

	for (; n > 0; n -= len, p += len) {
		if (w->skip > 0) {
			len = w->skip < n ? (size_t)w->skip : n;
			w->skip -= len;
			if (w->skip == 0)
				w->type = w->header[4];
			continue;
		}
		w->type = 0;
		len = EVENT_HEADER - w->have < n ? EVENT_HEADER - w->have : n;
		memcpy(w->header + w->have, p, len);
		w->have += len;
		if (w->have < EVENT_HEADER)
			continue;
		size = event_size(w->header);
		if (size == 0)
			return err_set(e, ERR_CORRUPT, 0, "stored binary log: "
			    "an event has no size");
		w->have = 0;
		w->skip = size - EVENT_HEADER;
		if (w->skip == 0)
			w->type = w->header[4];
	}
	return 0;
}

int
archived_closed(const struct stored *s, uint64_t from, struct err *e)
{
	struct walk w = {0};

	if (stored_read(s, from, walk, &w, e) != 0)
		return -1;
	return w.type == EVENT_ROTATE || w.type == EVENT_STOP;
}

/* The last file whose bytes surely go on where the one before ends. */
static int
find_last(struct archived *a, struct err *e)
{
	struct segment *list = NULL;
	struct stored stored;
	uint64_t from;
	size_t i = 0;
	int rc = 1;

	for (a->seq = a->finished + 1;; a->seq++) {
		free(list);
		if (archived_cover(a, a->seq, &list, &stored, &a->end, e) != 0)
			return -1;
		while (i < a->nsegments && a->segments[i].seq <= a->seq)
			i++;
		if (i == a->nsegments || a->end == 0 ||
		    a->segments[i].seq != a->seq + 1 ||
		    a->segments[i].start != 0)
			break;
		rc = archived_last(&stored, &from, e);
		if (rc == 0)
			rc = archived_closed(&stored, from, e);
		if (rc != 1)
			break;
	}
	free(list);
	return rc < 0 ? -1 : 0;
}

/* What is before has expired. */
static int
find_first(struct archived *a, struct err *e)
{
	struct floor *floors = NULL;
	size_t n = 0;

	if (floors_list(a->store, a->source, &floors, &n, e) != 0)
		return -1;
	a->first = floors_gone(floors, n, a->history->id);
	free(floors);
	return 0;
}

int
archived_load(struct store *s, const char *source, const struct history *h,
    struct archived *a, struct err *e)
{
	*a = (struct archived){ .store = s, .source = source, .history = h };
	if (find_first(a, e) != 0 || files_last(s, source, h->id, &a->finished, e) != 0 ||
	    segments_list(s, source, h->id, a->finished + 1, &a->segments,
	    &a->nsegments, e) != 0 || find_last(a, e) != 0) {
		archived_free(a);
		return -1;
	}
	return 0;
}

void
archived_free(struct archived *a)
{
	free(a->segments);
	*a = (struct archived){0};
}

/* --- GTIDs --- */

/* The whole events at a file's begin, up to its list of GTIDs. */
struct begin {
	struct buf bytes;
	size_t at;		/* of the next event */
	struct event_format format;
	struct gtid_set *set;
	bool found;
};

static int
take_head(void *arg, const void *data, size_t n, struct err *e)
{
	struct begin *h = arg;
	const uint8_t *p;
	struct event ev;
	size_t size;

	buf_add(&h->bytes, data, n);
	if (buf_check(&h->bytes, "file's head", e) != 0)
		return -1;
	while (h->bytes.len - h->at >= EVENT_HEADER) {
		p = (const uint8_t *)h->bytes.data + h->at;
		size = event_size(p);
		if (size == 0)
			return err_set(e, ERR_CORRUPT, 0, "stored binary log: "
			    "an event has no size");
		if (h->bytes.len - h->at < size)
			return 0;
		if (event_parse(p, size, &h->format, &ev, e) != 0)
			return -1;
		h->at += size;
		h->found = ev.type == EVENT_PREVIOUS_GTIDS ||
		    ev.type == EVENT_MARIA_GTID_LIST;
		if (h->found && event_gtid_set(&ev, h->set, e) != 0)
			return -1;
		/* Enough was seen, and no more is to be read. */
		if (h->found || h->at > BEGIN_MAX)
			return err_set(e, ERR_EXISTS, 0, "found");
	}
	return 0;
}

static int
before_of_head(const struct stored *stored, struct gtid_set *set,
    struct err *e)
{
	struct begin h = { .set = set, .format.known = true };
	int rc = stored_read(stored, MAGIC_LEN, take_head, &h, e);

	if (rc != 0 && h.found) {
		*e = (struct err){0};
		rc = 0;
	}
	buf_free(&h.bytes);
	return rc;
}

/* What a finished file's document says, and where its bytes are. */
static int
before_of_document(const struct archived *a, uint32_t seq,
    struct gtid_set *set, struct err *e)
{
	struct binlog_file *files = NULL;
	struct segment g;
	struct stored stored = { .store = a->store, .source = a->source,
	    .history = a->history->id, .segments = &g, .n = 1 };
	size_t n = 0;
	int rc = -1;

	if (files_list(a->store, a->source, a->history->id, seq, &files, &n,
	    e) != 0)
		return -1;
	if (n == 0 || files[0].seq != seq) {
		(void)err_set(e, ERR_CORRUPT, 0, "history %s: file %u is not "
		    "listed", a->history->id, (unsigned)seq);
	} else if (files[0].gtid_before != NULL) {
		rc = gtid_set_parse(set, files[0].gtid_before, e);
	} else {
		g = (struct segment){ .seq = seq, .start = 0,
		    .end = files[0].objects[0].end };
		rc = before_of_head(&stored, set, e);
	}
	files_free(files, n);
	return rc;
}

int
archived_before(const struct archived *a, uint32_t seq, struct gtid_set *set,
    struct err *e)
{
	struct segment *list = NULL;
	struct stored stored;
	uint64_t end;
	int rc;

	if (seq == 1)
		return gtid_set_parse(set, a->history->gtid_before, e);
	if (seq <= a->finished)
		return before_of_document(a, seq, set, e);
	rc = archived_cover(a, seq, &list, &stored, &end, e);
	if (rc == 0 && end > 0)
		rc = before_of_head(&stored, set, e);
	free(list);
	return rc;
}

/* Segments may overlap: what was there before is left out. */
struct joined {
	int (*each)(void *, const struct transaction *, struct err *);
	void *arg;
	uint64_t end;
};

static int
join(void *arg, const struct transaction *t, struct err *e)
{
	struct joined *j = arg;

	if (t->offset < j->end)
		return 0;
	j->end = t->offset + t->size;
	return j->each(j->arg, t, e);
}

int
archived_each(const struct archived *a, uint32_t seq,
    int (*each)(void *, const struct transaction *, struct err *), void *arg,
    struct err *e)
{
	struct joined j = { .each = each, .arg = arg };
	struct segment *list = NULL;
	struct buf lines = {0};
	struct stored stored;
	uint64_t end;
	size_t i;
	int rc;

	if (seq <= a->finished)
		return index_each(a->store, a->source, a->history->id, seq,
		    each, arg, e);
	rc = archived_cover(a, seq, &list, &stored, &end, e);
	for (i = 0; rc == 0 && i < stored.n; i++) {
		rc = segment_index_read(a->store, a->source, a->history->id,
		    &list[i], &lines, e);
		if (rc == 0)
			rc = index_lines(&lines, join, &j, e);
	}
	buf_free(&lines);
	free(list);
	return rc;
}
