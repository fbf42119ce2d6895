/* SPDX-License-Identifier: Apache-2.0 */
/* spool_record: bytes of a binary log as they stand in a spool file. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "codec/digest.h"
#include "mysql/bytes.h"

#include "backupd/spool_record.h"

static const char magic[8] = "kuraspl1";

void
spool_record_write(const struct spool_record *r, struct buf *out)
{
	uint8_t h[SPOOL_HEADER];
	size_t at = out->len;

	assert(r->n + r->nlines <= SPOOL_RECORD_MAX);
	memset(h, 0, sizeof(h));
	buf_add(out, h, sizeof(h));
	buf_add(out, r->data, r->n);
	buf_add(out, r->lines, r->nlines);
	if (out->failed)
		return;
	memcpy(h, magic, sizeof(magic));
	bytes_put_le(h + 8, r->seq, 4);
	bytes_put_le(h + 12, r->nlines, 4);
	bytes_put_le(h + 16, r->start, 8);
	bytes_put_le(h + 24, r->n, 8);
	bytes_put_le(h + 32, r->whole, 8);
	bytes_put_le(h + 40, xxh3_64(out->data + at + SPOOL_HEADER,
	    r->n + r->nlines), 8);
	bytes_put_le(h + 48, xxh3_64(h, 48), 8);
	memcpy(out->data + at, h, sizeof(h));
}

int
spool_record_parse(const void *data, size_t n, struct spool_record *r,
    size_t *size)
{
	const uint8_t *h = data;
	uint64_t len, lines;

	*r = (struct spool_record){0};
	if (n < SPOOL_HEADER || memcmp(h, magic, sizeof(magic)) != 0 ||
	    bytes_le_at(h + 48, 8) != xxh3_64(h, 48))
		return 0;
	len = bytes_le_at(h + 24, 8);
	lines = bytes_le_at(h + 12, 4);
	if (len > SPOOL_RECORD_MAX || lines > SPOOL_RECORD_MAX ||
	    len + lines > n - SPOOL_HEADER)
		return 0;
	*r = (struct spool_record){ .seq = (uint32_t)bytes_le_at(h + 8, 4),
	    .start = bytes_le_at(h + 16, 8), .whole = bytes_le_at(h + 32, 8),
	    .data = (const char *)h + SPOOL_HEADER, .n = (size_t)len,
	    .nlines = (size_t)lines };
	r->lines = r->data + r->n;
	*size = SPOOL_HEADER + r->n + r->nlines;
	return r->seq > 0 && r->start <= INT64_MAX &&
	    r->whole <= r->start + r->n && bytes_le_at(h + 40, 8) ==
	    xxh3_64(r->data, r->n + r->nlines);
}
