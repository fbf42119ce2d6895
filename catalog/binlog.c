/* SPDX-License-Identifier: Apache-2.0 */
/* binlog: archived binary logs read back as events, in log order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/fetch.h"
#include "codec/digest.h"
#include "codec/frame.h"

#include "catalog/binlog_impl.h"
#include "catalog/timeline_impl.h"

#define THREADS 4
#define CHUNK ((size_t)256 << 10)	/* plain bytes at a time */
#define MAGIC_SIZE 4
/* Of an object that is read for its format description alone. */
#define HEAD_STORED ((uint64_t)256 << 10)

struct binlog {
	struct store *store;
	const struct timeline *timeline;
	const struct timeline_history *history;
	struct route_leg leg;
	struct binlog_part *parts;
	size_t nparts, part;	/* part: the one at hand */
	struct fetch *fetch;
	struct frame_reader *frame;
	struct sha256 *sha;	/* of the part's stored bytes */
	const void *stored;	/* of the part, not yet decompressed */
	size_t nstored;
	bool full;		/* more may come without stored bytes */
	bool opened;		/* the part's first byte was asked for */
	uint64_t plain;		/* offset of the next byte that comes out */
	struct buf window;	/* from `used` on: the file's bytes at `at` */
	size_t used;
	uint64_t at;
	uint32_t seq;		/* of the file at hand */
	bool begun;		/* its magic was seen */
	bool torn;		/* it ends within an event */
	bool in_head;		/* of its first object, the rest of which is
				 * not wanted */
	struct event_format format;
	struct event event;
};

/* --- objects --- */

static void
part_key(const struct binlog *b, const struct binlog_part *p,
    char key[STORE_KEY_MAX])
{
	segment_key(b->timeline->source, b->history->history.id, p->seq,
	    p->start, p->end, key);
}

static void
object_of(void *arg, size_t i, struct fetch_object *o)
{
	const struct binlog *b = arg;

	part_key(b, &b->parts[i], o->key);
	o->offset = 0;
	o->length = UINT64_MAX;
	if (b->parts[i].head)
		o->length = b->parts[i].size < HEAD_STORED ?
		    b->parts[i].size : HEAD_STORED;
}

struct binlog *
binlog_open(struct store *s, const struct timeline *t,
    const struct route_leg *leg, struct err *e)
{
	struct binlog *b = calloc(1, sizeof(*b));
	struct fetch_opts opts = { .store = s, .threads = THREADS,
	    .object = object_of, .arg = b };

	if (b == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "binary log");
		return NULL;
	}
	b->store = s;
	b->timeline = t;
	b->history = &t->histories[leg->history];
	b->leg = *leg;
	b->leg.have = NULL;
	b->seq = leg->from_seq;
	buf_init(&b->window, EVENT_MAX + 2 * CHUNK);
	b->frame = frame_reader_new(e);
	b->sha = sha256_new(e);
	if (b->frame == NULL || b->sha == NULL || binlog_parts(b->history, leg, &b->parts,
	    &b->nparts, e) != 0)
		goto fail;
	opts.n = b->nparts;
	b->fetch = fetch_open(&opts, e);
	if (b->fetch != NULL)
		return b;

fail:	binlog_close(b);
	return NULL;
}

bool
binlog_torn(const struct binlog *b)
{
	return b->torn;
}

void
binlog_close(struct binlog *b)
{
	if (b == NULL)
		return;
	fetch_close(b->fetch);
	frame_reader_free(b->frame);
	sha256_free(b->sha);
	buf_free(&b->window);
	free(b->parts);
	free(b);
}

/* --- bytes --- */

/* Name the object that the bytes at hand came from. */
static int
wrap(const struct binlog *b, struct err *e)
{
	size_t i = b->part < b->nparts ? b->part : b->nparts - 1;
	char key[STORE_KEY_MAX];

	if (b->nparts == 0)
		return -1;
	part_key(b, &b->parts[i], key);
	return err_wrap(e, "%s/%s", store_name(b->store), key);
}

/* All of an object was read: is it what it must be? */
static int
check_part(struct binlog *b, const struct binlog_part *p, struct err *e)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256_finish(b->sha, digest);
	hex_encode(digest, sizeof(digest), hex);
	if (frame_reader_end(b->frame, e) != 0)
		return -1;
	if (b->plain != p->end)
		return err_set(e, ERR_CORRUPT, 0, "holds the bytes up to %"
		    PRIu64 ", not to %" PRIu64, b->plain, p->end);
	if (p->sha256 != NULL && strcmp(p->sha256, hex) != 0)
		return err_set(e, ERR_CORRUPT, 0, "its digest is not that of "
		    "the file's document");
	return 0;
}

static int
end_part(struct binlog *b, struct err *e)
{
	const struct binlog_part *p = &b->parts[b->part];

	if (!p->head && check_part(b, p, e) != 0)
		return wrap(b, e);
	b->part++;
	b->opened = false;
	return 0;
}

/* Stored bytes of the part at hand: 1; 0 when there are no more, and the part
 * is the next one. */
static int
more_stored(struct binlog *b, struct err *e)
{
	if (!b->opened) {
		uint8_t ignored[SHA256_SIZE];

		frame_reader_begin(b->frame, NULL, NULL);
		sha256_finish(b->sha, ignored);	/* begins anew */
		b->plain = b->parts[b->part].start;
		b->opened = true;
		b->full = false;
	}
	if (fetch_next(b->fetch, &b->stored, &b->nstored, e) < 0) {
		/* The store has named the object: the archive says that it is
		 * there. */
		if (e->code == ERR_NOTFOUND)
			e->code = ERR_CORRUPT;
		return -1;
	}
	if (b->nstored == 0)
		return end_part(b, e);
	sha256_add(b->sha, b->stored, b->nstored);
	return 1;
}

/* What lies before the bytes that are wanted next was read already, or is not
 * wanted: parts may overlap, and legs begin inside them. */
static int
take_plain(struct binlog *b, size_t got, struct err *e)
{
	uint64_t want = b->at + (b->window.len - b->used);
	char *new = b->window.data + b->window.len;
	size_t drop = 0;

	if (b->plain > want) {
		(void)err_set(e, ERR_CORRUPT, 0, "bytes %" PRIu64 " to %"
		    PRIu64 " are in no segment", want, b->plain);
		return wrap(b, e);
	}
	if (b->plain < want)
		drop = want - b->plain < got ? (size_t)(want - b->plain) :
		    got;
	b->plain += got;
	memmove(new, new + drop, got - drop);
	b->window.len += got - drop;
	return 0;
}

/* More of the file at hand in the window: 1; 0: it has no more. */
static int
fill(struct binlog *b, struct err *e)
{
	size_t got;
	int rc;

	if (b->used > 0) {
		b->window.len -= b->used;
		memmove(b->window.data, b->window.data + b->used,
		    b->window.len);
		b->used = 0;
	}
	for (;;) {
		if (b->part == b->nparts ||
		    b->parts[b->part].seq != b->seq ||
		    b->parts[b->part].head != b->in_head)
			return 0;
		if (b->nstored == 0 && !b->full) {
			rc = more_stored(b, e);
			if (rc < 0)
				return -1;
			if (rc == 0)
				continue;
		}
		if (buf_reserve(&b->window, CHUNK) != 0)
			return buf_check(&b->window, "an event", e);
		if (frame_pull(b->frame, &b->stored, &b->nstored,
		    b->window.data + b->window.len, CHUNK, &got, e) != 0)
			return wrap(b, e);
		b->full = got == CHUNK;
		if (take_plain(b, got, e) != 0)
			return -1;
		if (got > 0)
			return 1;
	}
}

/* At least n bytes at hand: 1; 0: the file ends before. */
static int
need(struct binlog *b, size_t n, struct err *e)
{
	int rc = 1;

	while (rc == 1 && b->window.len - b->used < n)
		rc = fill(b, e);
	return rc;
}

static void
advance(struct binlog *b, size_t n)
{
	b->used += n;
	b->at += n;
}

/* --- events --- */

static int
damaged(struct binlog *b, const char *what, struct err *e)
{
	(void)err_set(e, ERR_CORRUPT, 0, "%s at %" PRIu64, what, b->at);
	return wrap(b, e);
}

static int
begin_file(struct binlog *b, struct err *e)
{
	int rc;

	b->in_head = b->part < b->nparts && b->parts[b->part].head;
	rc = need(b, MAGIC_SIZE, e);
	if (rc < 0)
		return -1;
	if (rc == 0 || memcmp(b->window.data + b->used, EVENT_MAGIC,
	    MAGIC_SIZE) != 0)
		return damaged(b, "no binary log", e);
	advance(b, MAGIC_SIZE);
	b->format = (struct event_format){0};
	b->begun = true;
	return 0;
}

/* The whole next event in b->event: 1; 0 at the file's end. */
static int
next_event(struct binlog *b, struct err *e)
{
	const uint8_t *p;
	size_t size;
	int rc = need(b, 1, e);

	if (rc <= 0)
		return rc;
	rc = need(b, EVENT_HEADER, e);
	if (rc < 0)
		return -1;
	if (rc == 0 && b->in_head)
		return 0;
	p = (const uint8_t *)b->window.data + b->used;
	size = rc == 0 ? 0 : event_size(p);
	b->torn = rc == 0;
	if (size == 0)
		return damaged(b, "no event", e);
	rc = need(b, size, e);
	if (rc < 0)
		return -1;
	b->torn = rc == 0 && !b->in_head;
	if (rc == 0)
		return b->in_head ? 0 : damaged(b, "the file ends within the "
		    "event", e);
	p = (const uint8_t *)b->window.data + b->used;
	if (event_parse(p, size, &b->format, &b->event, e) != 0) {
		(void)err_wrap(e, "event at %" PRIu64, b->at);
		return wrap(b, e);
	}
	/* The position is one of 32 bits, and zero where nobody knew it. */
	if (b->event.next != 0 && b->event.next != (uint32_t)(b->at + size))
		return damaged(b, "an event of another place", e);
	return 1;
}

/* Before the leg's first event: what a reader must know of the file. */
static bool
is_of_file(unsigned type)
{
	return type == EVENT_FORMAT || type == EVENT_PREVIOUS_GTIDS ||
	    type == EVENT_MARIA_GTID_LIST;
}

/* What is left of an object that was read for its beginning. */
static int
end_head(struct binlog *b, struct err *e)
{
	const void *data;
	size_t n;

	while (b->part < b->nparts && b->parts[b->part].head) {
		do {
			if (fetch_next(b->fetch, &data, &n, e) < 0)
				return -1;
		} while (n > 0);
		b->nstored = 0;
		b->full = false;
		if (end_part(b, e) != 0)
			return -1;
	}
	b->in_head = false;
	return 0;
}

/* From the file's head to the leg's first event. */
static int
skip_to_leg(struct binlog *b, struct err *e)
{
	uint64_t left = b->leg.from_offset - b->at;
	bool jump = b->in_head;

	if (!b->format.known)
		return damaged(b, "no format description", e);
	if (jump && end_head(b, e) != 0)
		return -1;
	if (!jump && left <= b->window.len - b->used) {
		advance(b, (size_t)left);
		return 0;
	}
	/* Nothing of what is at hand, nor of what comes until then: it is
	 * dropped as it comes. */
	b->window.len = b->used = 0;
	b->at = b->leg.from_offset;
	return 0;
}

static int
past_end(struct binlog *b, struct err *e)
{
	const struct timeline_file *f = timeline_file_of(b->history, b->seq);

	if (b->seq < b->leg.to_seq && b->at != f->end)
		return damaged(b, "the file ends", e);
	if (b->seq == b->leg.to_seq && b->at != b->leg.to_offset)
		return damaged(b, "the archive ends", e);
	return 0;
}

static bool
at_leg_end(const struct binlog *b)
{
	return b->seq > b->leg.to_seq || (b->seq == b->leg.to_seq &&
	    (b->at >= b->leg.to_offset || b->leg.to_offset <= MAGIC_SIZE));
}

static void
give(struct binlog *b, bool replayed, struct binlog_item *item)
{
	const struct timeline_file *f = timeline_file_of(b->history, b->seq);

	*item = (struct binlog_item){ .seq = b->seq, .file = f->file.name,
	    .offset = b->at, .replayed = replayed, .event = &b->event,
	    .format = &b->format };
	advance(b, b->event.size);
}

/* A whole file that stands in another's place has other GTIDs before it: that
 * is found before anything of it is given away. */
static int
check_before(struct binlog *b, struct err *e)
{
	const struct timeline_file *f = timeline_file_of(b->history, b->seq);
	struct gtid_set *said, *has = NULL;
	int rc = 0;

	if (f == NULL || f->live || f->file.gtid_before == NULL ||
	    (b->event.type != EVENT_PREVIOUS_GTIDS &&
	    b->event.type != EVENT_MARIA_GTID_LIST) ||
	    (b->event.flags & EVENT_FLAG_ARTIFICIAL) != 0)
		return 0;
	said = timeline_set(b->timeline, f->file.gtid_before, NULL);
	has = gtid_set_new(b->timeline->kind, e);
	if (has == NULL || event_gtid_set(&b->event, has, e) != 0)
		rc = -1;
	else if (said != NULL && !gtid_set_equal(said, has))
		rc = damaged(b, "the list of another file's GTIDs", e);
	gtid_set_free(said);
	gtid_set_free(has);
	return rc;
}

int
binlog_next(struct binlog *b, struct binlog_item *item, struct err *e)
{
	bool before;
	int rc;

	for (;;) {
		if (at_leg_end(b))
			return 0;
		if (!b->begun && begin_file(b, e) != 0)
			return -1;
		before = b->seq == b->leg.from_seq &&
		    b->at < b->leg.from_offset;
		if (b->in_head && !before && end_head(b, e) != 0)
			return -1;
		rc = next_event(b, e);
		if (rc < 0)
			return -1;
		if (rc == 1 && before && !is_of_file(b->event.type)) {
			if (skip_to_leg(b, e) != 0)
				return -1;
			continue;
		}
		if (rc == 1)
			break;
		if (before) {
			/* Only the beginning of its first object was read. */
			if (skip_to_leg(b, e) != 0)
				return -1;
			continue;
		}
		if (past_end(b, e) != 0)
			return -1;
		b->seq++;
		b->at = 0;
		b->begun = false;
	}
	if (check_before(b, e) != 0)
		return -1;
	if (b->seq == b->leg.to_seq &&
	    b->event.size > b->leg.to_offset - b->at) {
		b->torn = true;
		return damaged(b, "the leg ends within the event", e);
	}
	give(b, !before, item);
	return 1;
}
