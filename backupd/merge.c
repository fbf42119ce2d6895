/* SPDX-License-Identifier: Apache-2.0 */
/* merge: the objects and the index of a finished file. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/stream.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/frame.h"
#include "mysql/gtid.h"
#include "store/store.h"

#include "backupd/merge.h"

#define LEVEL 3			/* written once, and kept */
#define GTIDS_MAX 1024		/* bytes of a text in the file's document */

struct part {
	uint64_t start, end;
	bool kept;
	uint8_t sha256[SHA256_SIZE];	/* of the stored bytes, if not kept */
};

struct merge {
	struct store *store;
	const char *source, *history;
	uint32_t seq;
	uint64_t end, at;
	struct part *parts;
	size_t nparts, now;	/* now: the part that at lies in */
	struct object *object;	/* of that part, or NULL */
	struct object *index;
	struct frame_writer *frame, *index_frame;
	struct sha256 *raw;
	uint8_t sha256[SHA256_SIZE];
	struct buf line;
	struct buf lines;	/* of a part that is read as a live segment
				 * until the file's document is there */
	struct gtid_set *before, *gtids;
	uint64_t transactions, index_size;
	int64_t first_us, last_us;
};

/* --- which objects --- */

/* As many segments as go into one object. */
static int
plan(struct merge *m, const struct stored *s, struct err *e)
{
	struct part *p = NULL;
	uint64_t end;
	size_t i;

	m->parts = calloc(s->n + 1, sizeof(*m->parts));
	if (m->parts == NULL)
		return err_set(e, ERR_NOMEM, 0, "objects of a file");
	for (i = 0; i < s->n && s->segments[i].start < m->end; i++) {
		end = s->segments[i].end < m->end ? s->segments[i].end :
		    m->end;
		if (p != NULL && end - p->start <= SEGMENT_MAX) {
			p->end = end;
			p->kept = false;
			continue;
		}
		p = &m->parts[m->nparts++];
		*p = (struct part){ .start = i == 0 ? 0 : p[-1].end,
		    .end = end };
		p->kept = p->start == s->segments[i].start &&
		    p->end == s->segments[i].end;
	}
	return 0;
}

struct merge *
merge_new(const struct stored *s, uint64_t end, struct err *e)
{
	struct merge *m = calloc(1, sizeof(*m));
	char key[STORE_KEY_MAX];

	if (m == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "finish a file");
		return NULL;
	}
	m->store = s->store;
	m->source = s->source;
	m->history = s->history;
	m->seq = s->segments[0].seq;
	m->end = end;
	m->raw = sha256_new(e);
	m->frame = frame_writer_new(LEVEL, e);
	m->index_frame = frame_writer_new(LEVEL, e);
	if (m->raw == NULL || m->frame == NULL || m->index_frame == NULL ||
	    plan(m, s, e) != 0)
		goto fail;
	index_key(m->source, m->history, m->seq, key);
	m->index = object_create(m->store, key, e);
	if (m->index != NULL)
		return m;

fail:	merge_free(m);
	return NULL;
}

void
merge_free(struct merge *m)
{
	if (m == NULL)
		return;
	object_abort(m->object);
	object_abort(m->index);
	frame_writer_free(m->frame);
	frame_writer_free(m->index_frame);
	sha256_free(m->raw);
	gtid_set_free(m->before);
	gtid_set_free(m->gtids);
	buf_free(&m->line);
	buf_free(&m->lines);
	free(m->parts);
	free(m);
}

/* --- bytes --- */

static int
to_object(void *arg, const void *data, size_t n, struct err *e)
{
	struct merge *m = arg;

	return object_write(m->object, data, n, e);
}

static int
begin_part(struct merge *m, struct err *e)
{
	const struct part *p = &m->parts[m->now];
	char key[STORE_KEY_MAX];

	if (p->kept)
		return 0;
	segment_key(m->source, m->history, m->seq, p->start, p->end, key);
	m->object = object_create(m->store, key, e);
	if (m->object == NULL)
		return -1;
	frame_writer_begin(m->frame, to_object, m);
	return 0;
}

static bool
is_live(const struct part *p)
{
	return p->end - p->start <= SEGMENT_LIVE;
}

/* Its last transaction's line comes behind its bytes: so this is called with
 * the next part's first bytes, or at the end. */
static int
end_part(struct merge *m, struct err *e)
{
	struct part *p = &m->parts[m->now++];
	struct object *o = m->object;
	struct buf frame = {0};
	int rc = 0;

	if (p->kept)
		goto out;
	rc = frame_writer_end(m->frame, e);
	if (rc == 0 && is_live(p)) {
		rc = segment_index_write(&m->lines, &frame, e);
		if (rc == 0)
			rc = object_write(o, frame.data, frame.len, e);
	}
	if (rc == 0) {
		m->object = NULL;
		rc = object_commit(o, p->sha256, e);
	}
	buf_free(&frame);
out:	buf_clear(&m->lines);
	return rc;
}

int
merge_bytes(struct merge *m, const void *data, size_t n, struct err *e)
{
	const char *p = data;
	uint64_t left;
	size_t len;

	if (n > m->end - m->at)
		n = (size_t)(m->end - m->at);
	sha256_add(m->raw, data, n);
	for (; n > 0; n -= len, p += len) {
		if (m->at == m->parts[m->now].end && end_part(m, e) != 0)
			return -1;
		if (m->at == m->parts[m->now].start && begin_part(m, e) != 0)
			return -1;
		left = m->parts[m->now].end - m->at;
		len = left < n ? (size_t)left : n;
		if (m->object != NULL && frame_write(m->frame, p, len, e) != 0)
			return -1;
		m->at += len;
	}
	return 0;
}

/* --- events --- */

static int
to_index(void *arg, const void *data, size_t n, struct err *e)
{
	struct merge *m = arg;

	m->index_size += n;
	return object_write(m->index, data, n, e);
}

static int
add_transaction(struct merge *m, const struct transaction *t, struct err *e)
{
	if (m->transactions++ == 0)
		frame_writer_begin(m->index_frame, to_index, m);
	buf_clear(&m->line);
	transaction_line(t, &m->line);
	if (buf_check(&m->line, "index line", e) != 0 ||
	    frame_write(m->index_frame, m->line.data, m->line.len, e) != 0)
		return -1;
	if (is_live(&m->parts[m->now]))
		buf_add(&m->lines, m->line.data, m->line.len);
	if (m->first_us == 0 || t->time_us < m->first_us)
		m->first_us = t->time_us;
	if (t->time_us > m->last_us)
		m->last_us = t->time_us;
	if (!t->gtid.gtid.set)
		return 0;
	if (m->gtids == NULL)
		m->gtids = gtid_set_new(t->gtid.gtid.kind, e);
	return m->gtids == NULL ? -1 : gtid_set_add(m->gtids,
	    &t->gtid.gtid, e);
}

int
merge_event(struct merge *m, const struct stream_event *ev, struct err *e)
{
	bool maria = ev->ev.type == EVENT_MARIA_GTID_LIST;

	if ((maria || ev->ev.type == EVENT_PREVIOUS_GTIDS) &&
	    m->before == NULL) {
		m->before = gtid_set_new(maria ? FLAVOUR_MARIADB :
		    FLAVOUR_MYSQL, e);
		if (m->before == NULL ||
		    event_gtid_set(&ev->ev, m->before, e) != 0)
			return -1;
	}
	if (ev->done == NULL || ev->done->offset + ev->done->size > m->end)
		return 0;
	return add_transaction(m, ev->done, e);
}

/* --- the end --- */

static char *
gtid_text_of(const struct gtid_set *set)
{
	struct buf text = {0};
	char *copy;

	if (set != NULL)
		gtid_set_text(set, &text);
	copy = text.len > GTIDS_MAX ? NULL : strdup(buf_str(&text));
	buf_free(&text);
	return copy;
}

static int
end_index(struct merge *m, struct err *e)
{
	struct object *o = m->index;

	if (m->transactions == 0)
		frame_writer_begin(m->index_frame, to_index, m);
	if (frame_writer_end(m->index_frame, e) != 0)
		return -1;
	m->index = NULL;
	return object_commit(o, NULL, e);
}

int
merge_end(struct merge *m, const uint8_t *sha256, struct binlog_file *f,
    struct err *e)
{
	size_t i;

	if (m->at != m->end)
		return err_set(e, ERR_CORRUPT, 0, "the file has %llu bytes, "
		    "not %llu", (unsigned long long)m->at,
		    (unsigned long long)m->end);
	sha256_finish(m->raw, m->sha256);
	if (sha256 != NULL && memcmp(m->sha256, sha256, SHA256_SIZE) != 0)
		return 0;
	if (end_part(m, e) != 0 || end_index(m, e) != 0)
		return -1;
	f->seq = m->seq;
	f->size = m->end;
	hex_encode(m->sha256, SHA256_SIZE, f->sha256);
	f->first_us = m->first_us;
	f->last_us = m->last_us;
	f->transactions = m->transactions;
	f->index_size = m->index_size;
	f->gtid_before = gtid_text_of(m->before);
	f->gtids = gtid_text_of(m->gtids);
	f->objects = calloc(m->nparts, sizeof(*f->objects));
	if (f->objects == NULL)
		return err_set(e, ERR_NOMEM, 0, "objects of a file");
	f->nobjects = m->nparts;
	for (i = 0; i < m->nparts; i++) {
		f->objects[i].start = m->parts[i].start;
		f->objects[i].end = m->parts[i].end;
	}
	return 1;
}

bool
merge_uses(const struct merge *m, uint64_t start, uint64_t end)
{
	size_t i;

	for (i = 0; i < m->nparts; i++)
		if (m->parts[i].start == start && m->parts[i].end == end)
			return true;
	return false;
}

static int
to_digest(void *arg, const void *data, size_t n, struct err *e)
{
	(void)e;
	sha256_add(arg, data, n);
	return 0;
}

/* One object: its stored bytes, and those that are in it. */
static int
verify_part(const struct merge *m, const struct part *p,
    struct frame_reader *frame, struct sha256 *raw, struct file_object *out,
    struct err *e)
{
	struct sha256 *stored = sha256_new(e);
	struct object_reader *o = NULL;
	uint8_t digest[SHA256_SIZE];
	char key[STORE_KEY_MAX];
	const void *data;
	size_t n;
	int rc = -1;

	segment_key(m->source, m->history, m->seq, p->start, p->end, key);
	if (stored == NULL || (o = object_open(m->store, key, 0, UINT64_MAX,
	    e)) == NULL)
		goto out;
	frame_reader_begin(frame, to_digest, raw);
	out->size = 0;
	do {
		if (object_read(o, &data, &n, e) != 0)
			goto out;
		sha256_add(stored, data, n);
		out->size += n;
		if (n > 0 && frame_read(frame, data, n, e) != 0)
			goto wrap;
	} while (n > 0);
	if (frame_reader_end(frame, e) != 0)
		goto wrap;
	sha256_finish(stored, digest);
	hex_encode(digest, SHA256_SIZE, out->sha256);
	rc = p->kept || memcmp(digest, p->sha256, SHA256_SIZE) == 0 ? 0 :
	    err_set(e, ERR_CORRUPT, 0, "reads back as other bytes than were "
	    "written");
wrap:	if (rc != 0)
		(void)err_wrap(e, "%s/%s", store_name(m->store), key);
out:	object_close(o);
	sha256_free(stored);
	return rc;
}

int
merge_verify(const struct merge *m, struct binlog_file *f, struct err *e)
{
	struct frame_reader *frame = frame_reader_new(e);
	struct sha256 *raw = sha256_new(e);
	uint8_t digest[SHA256_SIZE];
	size_t i;
	int rc = frame == NULL || raw == NULL ? -1 : 0;

	for (i = 0; i < m->nparts && rc == 0; i++)
		rc = verify_part(m, &m->parts[i], frame, raw, &f->objects[i],
		    e);
	if (rc == 0) {
		sha256_finish(raw, digest);
		if (memcmp(digest, m->sha256, SHA256_SIZE) != 0)
			rc = err_set(e, ERR_CORRUPT, 0, "the objects of file "
			    "%u do not read back as its bytes",
			    (unsigned)m->seq);
	}
	sha256_free(raw);
	frame_reader_free(frame);
	return rc;
}
