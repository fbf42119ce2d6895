/* SPDX-License-Identifier: Apache-2.0 */
/* spool_fixture: a spool beside a store, and records in it. */
#ifndef TESTS_BACKUPD_SPOOL_FIXTURE_H
#define TESTS_BACKUPD_SPOOL_FIXTURE_H

#include "backupd/spool.h"
#include "catalog/segment.h"
#include "tests/unit/catalog/fixture.h"

static char spool_dir[80];

static inline struct spool *
spool_of(uint64_t limit)
{
	const struct spool_opts o = { .dir = spool_dir, .store_id = "id",
	    .source = "a", .limit = limit };
	struct err e = {0};
	struct spool *s;

	(void)snprintf(spool_dir, sizeof(spool_dir), "%s/spool",
	    fixture_root);
	s = spool_open(&o, &e);
	if (s == NULL)
		fail_msg("%s", e.msg);
	return s;
}

/* A record of n bytes, each its offset modulo 251, as one transaction if it is
 * whole. */
static inline void
spool_add(struct buf *out, uint32_t seq, uint64_t start, size_t n, bool whole)
{
	struct transaction t = { .kind = TRANSACTION_EMPTY, .time_us = 1000000,
	    .offset = start, .size = n };
	struct spool_record r = { .seq = seq, .start = start,
	    .whole = whole ? start + n : start, .n = n };
	struct buf data = {0}, line = {0};
	size_t i;

	for (i = 0; i < n; i++)
		buf_addc(&data, (char)((start + i) % 251));
	if (whole)
		transaction_line(&t, &line);
	r.data = buf_str(&data);
	r.lines = buf_str(&line);
	r.nlines = line.len;
	spool_record_write(&r, out);
	buf_free(&data);
	buf_free(&line);
}

static inline int
spool_put(struct spool *s, const char *history, uint32_t seq, uint64_t start,
    size_t n, bool whole)
{
	struct buf out = {0};
	struct err e = {0};
	int rc;

	spool_add(&out, seq, start, n, whole);
	rc = spool_write(s, history, &out, &e);
	if (rc < 0)
		fail_msg("%s", e.msg);
	buf_free(&out);
	return rc;
}

#endif /* !TESTS_BACKUPD_SPOOL_FIXTURE_H */
