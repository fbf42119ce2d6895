/* SPDX-License-Identifier: Apache-2.0 */
/* tail: the open segment of a source, and the blocks that all tails share. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#include "backupd/tail.h"

/* NULL when the memory is used up. */
static struct tail_block *
take_block(struct tail_memory *m)
{
	struct tail_block *b = m->used < m->limit ? malloc(sizeof(*b)) : NULL;

	if (b == NULL)
		return NULL;
	m->used++;
	b->next = NULL;
	b->from = b->to = 0;
	return b;
}

static void
free_blocks(struct tail_memory *m, struct tail_block *b)
{
	struct tail_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
		m->used--;
	}
}

void
tail_clear(struct tail *t)
{
	free_blocks(t->memory, t->first);
	t->first = t->last = NULL;
	buf_free(&t->lines);
	t->end = t->boundary = t->start;
	t->since_ms = t->commit_us = t->last_us = 0;
}

void
tail_begin(struct tail *t, uint32_t seq, uint64_t offset)
{
	tail_clear(t);
	t->seq = seq;
	t->start = t->end = t->boundary = offset;
}

size_t
tail_add(struct tail *t, const void *data, size_t n)
{
	struct tail_block *b = t->last;
	size_t done = 0, len;

	if (n > TAIL_MAX - (t->end - t->start))
		n = (size_t)(TAIL_MAX - (t->end - t->start));
	t->starved = false;
	while (done < n) {
		if (b == NULL || b->to == TAIL_BLOCK) {
			b = take_block(t->memory);
			if (b == NULL) {
				t->starved = true;
				break;
			}
			if (t->last == NULL)
				t->first = b;
			else
				t->last->next = b;
			t->last = b;
		}
		len = TAIL_BLOCK - b->to;
		if (len > n - done)
			len = n - done;
		memcpy(b->data + b->to, (const char *)data + done, len);
		b->to += len;
		done += len;
	}
	t->end += done;
	if (done > 0 && t->since_ms == 0)
		t->since_ms = clock_mono_ms();
	return done;
}

void
tail_line(struct tail *t, const struct buf *line, int64_t commit_us)
{
	buf_add(&t->lines, line->data, line->len);
	if (t->commit_us == 0)
		t->commit_us = commit_us;
	if (t->last_us < commit_us)
		t->last_us = commit_us;
}

/* Part the block that holds the byte at offset into two; what is from there
 * on gets a block of its own, over the limit if need be. */
static int
part(struct tail *t, struct tail_block *b, size_t offset, struct err *e)
{
	struct tail_block *rest = malloc(sizeof(*rest));

	if (rest == NULL)
		return err_set(e, ERR_NOMEM, 0, "open segment");
	t->memory->used++;
	rest->next = b->next;
	rest->from = 0;
	rest->to = b->to - offset;
	memcpy(rest->data, b->data + offset, rest->to);
	b->next = rest;
	b->to = offset;
	if (t->last == b)
		t->last = rest;
	return 0;
}

int
tail_cut(struct tail *t, uint64_t at, struct tail_cut *cut, struct err *e)
{
	struct tail_block *b = t->first;
	uint64_t left = at - t->start;

	assert(at > t->start && (at == t->end || at == t->boundary));
	if (buf_check(&t->lines, "index of a segment", e) != 0)
		return -1;
	while (left > b->to - b->from) {
		left -= b->to - b->from;
		b = b->next;
	}
	if (left < b->to - b->from &&
	    part(t, b, b->from + (size_t)left, e) != 0)
		return -1;
	*cut = (struct tail_cut){ .seq = t->seq, .start = t->start, .end = at,
	    .first = t->first, .lines = t->lines,
	    .commit_us = t->commit_us, .last_us = t->last_us };
	t->first = b->next;
	if (t->first == NULL)
		t->last = NULL;
	b->next = NULL;
	t->lines = (struct buf){0};
	t->commit_us = t->last_us = 0;
	t->start = at;
	if (t->boundary < at)
		t->boundary = at;
	t->since_ms = t->first == NULL ? 0 : clock_mono_ms();
	return 0;
}

void
tail_cut_free(struct tail_memory *m, struct tail_cut *cut)
{
	free_blocks(m, cut->first);
	buf_free(&cut->lines);
	*cut = (struct tail_cut){0};
}
