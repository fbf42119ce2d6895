/* SPDX-License-Identifier: Apache-2.0 */
/* follow_spool: commits of a source that wait until they are in a folder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/spool.h"
#include "backupd/spool_recover.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include "backupd/follow_impl.h"
#include "backupd/follow_spool.h"

#define RECORD ((size_t)1 << 20)	/* bytes of a record, or one event */
#define WAITING ((size_t)8 << 20)	/* bytes that wait, at most */
#define FAILED_MS 60000		/* before what failed is tried again */

struct place {
	uint32_t seq;
	uint64_t offset;
};

struct follow_spool {
	struct job job;		/* first */
	struct follow *follow;
	struct spool *spool;	/* NULL: not opened yet */

	bool running;
	struct place start;	/* of the run */
	struct place safe;	/* the run is in the spool up to here */
	bool filling, full;	/* and said so */
	int64_t failed_ms;	/* when it could not be written; 0: it can */

	/* The record that is being made, and those that are. */
	struct buf bytes, lines, records;
	struct place from;	/* of bytes */
	uint64_t whole;		/* the last place between two transactions */

	bool unsaid;		/* the server is to be told of this: */
	struct place safe_ack;

	/* With the pool. */
	bool asked, stale;	/* stale: the run is over */
	struct buf writing;
	struct place to, ack;	/* what it will be; ack.seq 0: nothing waits */
	struct place stored, removed;	/* is in the store; and files are gone */
	char history[HISTORY_ID_LEN + 1];
	int written;		/* as spool_write */
	struct err err;
};

static bool
before(struct place a, struct place b)
{
	return a.seq != b.seq ? a.seq < b.seq : a.offset < b.offset;
}

/* --- life --- */

int
follow_spool_start(struct follow *f, struct err *e)
{
	const struct spool_opts o = { .dir = f->opts.spool,
	    .store_id = f->shared->store_id, .source = f->opts.source,
	    .limit = f->opts.spool_limit };

	if (f->opts.spool == NULL)
		return 0;
	if (f->spool == NULL) {
		f->spool = calloc(1, sizeof(*f->spool));
		if (f->spool == NULL)
			return err_set(e, ERR_NOMEM, 0, "spool");
		f->spool->follow = f;
	}
	f->spool->stored = f->spool->removed = (struct place){0};
	if (f->spool->spool == NULL)
		f->spool->spool = spool_open(&o, e);
	return f->spool->spool == NULL ? -1 : spool_recover(f->spool->spool,
	    f->shared->store, f->opts.source, e);
}

static void
end_run(struct follow_spool *s)
{
	s->running = s->unsaid = false;
	s->stale = s->asked;
	buf_free(&s->bytes);
	buf_free(&s->lines);
	buf_free(&s->records);
}

void
follow_spool_stop(struct follow *f)
{
	if (f->spool != NULL)
		end_run(f->spool);
}

void
follow_spool_free(struct follow *f)
{
	if (f->spool == NULL)
		return;
	end_run(f->spool);
	buf_free(&f->spool->writing);
	spool_close(f->spool->spool);
	free(f->spool);
	f->spool = NULL;
}

bool
follow_spool_running(const struct follow *f)
{
	return f->spool != NULL && f->spool->running;
}

bool
follow_spool_asked(const struct follow *f)
{
	return f->spool != NULL && f->spool->asked;
}

bool
follow_spool_busy(const struct follow *f)
{
	return follow_spool_running(f) && f->spool->asked &&
	    f->spool->bytes.len + f->spool->records.len >= WAITING;
}

/* --- what is read --- */

static void
seal(struct follow_spool *s)
{
	struct spool_record r = { .seq = s->from.seq,
	    .start = s->from.offset, .whole = s->whole, .data =
	    buf_str(&s->bytes), .n = s->bytes.len, .lines =
	    buf_str(&s->lines), .nlines = s->lines.len };

	if (s->bytes.len == 0)
		return;
	spool_record_write(&r, &s->records);
	s->from.offset += s->bytes.len;
	buf_clear(&s->bytes);
	buf_clear(&s->lines);
}

void
follow_spool_bytes(struct follow *f, const void *data, size_t n)
{
	if (!follow_spool_running(f))
		return;
	/* Not behind the last bytes of a transaction, whose line is to stand
	 * in the same record. */
	if (f->spool->bytes.len >= RECORD)
		seal(f->spool);
	buf_add(&f->spool->bytes, data, n);
}

void
follow_spool_line(struct follow *f, const struct buf *line)
{
	if (follow_spool_running(f))
		buf_add(&f->spool->lines, line->data, line->len);
}

void
follow_spool_between(struct follow *f)
{
	if (follow_spool_running(f))
		f->spool->whole = f->tail.end;
}

void
follow_spool_turn(struct follow *f)
{
	struct follow_spool *s = f->spool;

	if (!follow_spool_running(f))
		return;
	seal(s);
	s->from = (struct place){ .seq = f->tail.seq + 1 };
	s->whole = 0;
}

/* --- a run --- */

/* Half of it is free. */
static void
has_room(struct follow *f)
{
	struct follow_spool *s = f->spool;

	if (!s->filling && !s->full)
		return;
	log_event(LOG_WARN_, "the spool has room again: commits wait for it "
	    "alone", "source", f->opts.source, NULL);
	follow_tell(f, FOLLOW_SPOOL_FREE, "the spool has room again");
	s->filling = s->full = false;
}

/* Tell in time that the store does not keep up, and when it does again. */
static void
watch_room(struct follow *f)
{
	struct follow_spool *s = f->spool;
	uint64_t size = spool_size(s->spool), limit = f->opts.spool_limit;
	char text[160];

	if (size <= limit / 2 && !s->full)
		has_room(f);
	if (s->filling || s->full || size < limit / 5 * 4)
		return;
	s->filling = true;
	(void)snprintf(text, sizeof(text), "the spool holds %" PRIu64 " of %"
	    PRIu64 " MiB that it may: the store does not keep up", size >> 20,
	    limit >> 20);
	log_event(LOG_WARN_, text, "source", f->opts.source, NULL);
	follow_tell(f, FOLLOW_SPOOL_FILLING, text);
}

void
follow_spool_wanted(struct follow *f)
{
	struct follow_spool *s = f->spool;
	const struct tail_block *b;

	if (s == NULL || s->running || s->asked || s->spool == NULL)
		return;
	/* Half of it is free: no run is so short that it only costs. */
	if (spool_size(s->spool) > f->opts.spool_limit / 2 ||
	    (s->failed_ms != 0 &&
	    clock_mono_ms() < s->failed_ms + FAILED_MS))
		return;
	has_room(f);
	s->running = true;
	s->start = s->safe = s->from = (struct place){ f->tail.seq,
	    f->tail.start };
	s->whole = f->tail.boundary;
	for (b = f->tail.first; b != NULL; b = b->next)
		buf_add(&s->bytes, b->data + b->from, b->to - b->from);
	buf_add(&s->lines, f->tail.lines.data, f->tail.lines.len);
}

/* The spool takes no more. */
static void
full(struct follow *f, const struct err *e)
{
	struct follow_spool *s = f->spool;
	char bytes[32];

	end_run(s);
	s->failed_ms = e->code == ERR_NONE ? 0 : clock_mono_ms();
	if (s->full)
		return;
	s->full = true;
	(void)snprintf(bytes, sizeof(bytes), "%" PRIu64,
	    spool_size(s->spool));
	log_event(LOG_ERROR_, e->code == ERR_NONE ? "the spool is full: "
	    "commits wait for the store" : "the spool cannot be written: "
	    "commits wait for the store", "source", f->opts.source, "bytes",
	    bytes, "why", e->code == ERR_NONE ? NULL : e->msg, NULL);
	follow_tell(f, FOLLOW_SPOOL_FULL, e->code == ERR_NONE ? "the spool is "
	    "full: commits wait for the store" : "the spool cannot be "
	    "written: commits wait for the store");
}

/* Is all before the run in the store? */
static bool
joins(const struct follow *f)
{
	const struct follow_upload *u;

	for (u = f->first; u != NULL; u = u->next)
		if (!u->sent && !before(f->spool->start,
		    (struct place){ u->seq, u->end }))
			return false;
	return true;
}

static int
say(struct follow *f, struct err *e)
{
	struct follow_spool *s = f->spool;

	if (!s->running || !s->unsaid || f->state != FOLLOW_RUNNING ||
	    !joins(f))
		return 0;
	s->unsaid = false;
	if (f->ack_seq == s->safe_ack.seq &&
	    f->ack_offset == s->safe_ack.offset)
		f->ack_offset = 0;
	return follow_ack_say(f, s->safe_ack.seq, s->safe_ack.offset, e);
}

static void
write_run(struct job *j)
{
	struct follow_spool *s = (struct follow_spool *)j;

	s->err = (struct err){0};
	s->written = 0;
	spool_stored(s->spool, s->history, s->removed.seq,
	    s->removed.offset);
	if (s->writing.len > 0)
		s->written = spool_write(s->spool, s->history, &s->writing,
		    &s->err);
}

static void
write_done(struct job *j)
{
	struct follow_spool *s = (struct follow_spool *)j;
	struct follow *f = s->follow;
	struct err e = {0};

	s->asked = false;
	buf_free(&s->writing);
	if (!s->stale && s->running && s->written != 0) {
		full(f, &s->err);
	} else if (!s->stale && s->running) {
		s->safe = s->to;
		s->unsaid |= s->ack.seq != 0;
		if (s->ack.seq != 0)
			s->safe_ack = s->ack;
		watch_room(f);
		follow_unload(f);
		if (say(f, &e) != 0)
			follow_lost(f, &e);
	}
	s->stale = false;
	if (f->state == FOLLOW_RUNNING && f->opts.ack &&
	    follow_ack_due(f, &e) != 0)
		follow_lost(f, &e);
	follow_spool_due(f);
	follow_sent(f);
}

static bool
is_due(const struct follow_spool *s)
{
	const struct follow *f = s->follow;
	const struct place ack = { f->ack_seq, f->ack_offset };

	if (before(s->removed, s->stored))
		return true;
	return s->running && (s->records.len > 0 ||
	    (f->ack_offset != 0 && before(s->safe, ack)));
}

void
follow_spool_due(struct follow *f)
{
	struct follow_spool *s = f->spool;

	if (s == NULL || s->spool == NULL || s->asked || !is_due(s))
		return;
	s->ack = (struct place){0};
	if (s->running) {
		seal(s);
		if (buf_check(&s->records, "spool", &s->err) != 0) {
			full(f, &s->err);
			return;
		}
		s->writing = s->records;
		s->records = (struct buf){0};
		s->to = s->from;
		if (f->ack_offset != 0)
			s->ack = (struct place){ f->ack_seq, f->ack_offset };
	}
	s->removed = s->stored;
	memcpy(s->history, f->history, sizeof(s->history));
	s->job = (struct job){ .run = write_run, .done = write_done };
	s->asked = true;
	pool_submit(f->shared->spools, &s->job);
}

int
follow_spool_stored(struct follow *f, uint32_t seq, uint64_t offset,
    struct err *e)
{
	if (f->spool == NULL)
		return 0;
	f->spool->stored = (struct place){ seq, offset };
	follow_spool_due(f);
	return say(f, e);
}

void
follow_spool_empty(struct follow *f)
{
	if (f->spool != NULL && f->spool->spool != NULL)
		spool_stored(f->spool->spool, "", 0, 0);
}

/* --- back from it --- */

bool
follow_spool_has(const struct follow *f, uint32_t seq, uint64_t start,
    uint64_t end)
{
	return follow_spool_running(f) &&
	    !before((struct place){ seq, start }, f->spool->start) &&
	    !before(f->spool->safe, (struct place){ seq, end });
}

int
follow_spool_read(const struct follow *f, struct tail_cut *cut,
    struct err *e)
{
	struct tail_memory memory = { .limit = SIZE_MAX };
	struct tail t = { .memory = &memory };
	struct buf data = {0};
	int rc;

	tail_begin(&t, cut->seq, cut->start);
	rc = spool_read(f->spool->spool, f->history, cut->seq, cut->start,
	    cut->end, &data, &t.lines, e);
	if (rc == 0 && tail_add(&t, data.data, data.len) < data.len)
		rc = err_set(e, ERR_NOMEM, 0, "segment");
	buf_free(&data);
	if (rc == 0)
		rc = tail_cut(&t, cut->end, cut, e);
	tail_clear(&t);
	return rc;
}
