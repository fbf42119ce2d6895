/* SPDX-License-Identifier: Apache-2.0 */
/* xid: identifiers of XA transactions, as SQL text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/bytes.h"
#include "mysql/connect.h"
#include "mysql/event.h"
#include "restore/ddl.h"

#include "restore/xid.h"

#define PART_MAX 64	/* bytes of either part */

static void
add(struct buf *out, const void *gtrid, size_t ngtrid, const void *bqual,
    size_t nbqual, uint64_t format)
{
	sql_hex(out, gtrid, ngtrid);
	buf_addc(out, ',');
	sql_hex(out, bqual, nbqual);
	buf_addf(out, ",%" PRIu64, format);
}

/* X'..' as two tokens, x and a string of hex digits; appended as bytes. */
static bool
hex_part(struct ddl_reader *r, struct buf *out)
{
	struct ddl_token x = ddl_next(r), t = ddl_next(r);
	char pair[3] = {0};
	char *end;
	size_t i;

	if (!ddl_is(&x, "X") || t.kind != DDL_STRING || t.len % 2 != 0 ||
	    t.len > 2 + 2 * PART_MAX)
		return false;
	for (i = 1; i + 2 < t.len; i += 2) {
		memcpy(pair, t.at + i, 2);
		buf_addc(out, (char)strtoul(pair, &end, 16));
		if (end != pair + 2)
			return false;
	}
	return true;
}

static bool
is_comma(struct ddl_reader *r)
{
	struct ddl_token t = ddl_next(r);

	return ddl_is_punct(&t, ',');
}

static bool
number_part(struct ddl_reader *r, uint64_t *format)
{
	struct ddl_token t = ddl_next(r);
	char text[12] = {0}, *end;

	if (t.kind != DDL_WORD || t.len >= sizeof(text))
		return false;
	memcpy(text, t.at, t.len);
	*format = strtoull(text, &end, 10);
	return end == text + t.len && *format <= INT32_MAX;
}

int
xid_of_text(const char *sql, size_t n, struct buf *out, struct err *e)
{
	struct buf gtrid = {0}, bqual = {0};
	struct ddl_reader r;
	uint64_t format;
	bool good;

	ddl_reader_init(&r, sql, n);
	(void)ddl_next(&r);
	(void)ddl_next(&r);
	good = hex_part(&r, &gtrid) && is_comma(&r) && hex_part(&r, &bqual) &&
	    is_comma(&r) && number_part(&r, &format);
	if (good)
		add(out, gtrid.data, gtrid.len, bqual.data, bqual.len, format);
	buf_free(&gtrid);
	buf_free(&bqual);
	if (!good)
		return err_set(e, ERR_CORRUPT, 0, "Query event: an XA "
		    "statement whose identifier cannot be read");
	return buf_check(out, "XID", e);
}

int
xid_of_gtid(const struct event *ev, struct buf *out, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	const uint8_t *gtrid, *bqual;
	size_t ngtrid, nbqual;
	uint64_t format;
	unsigned flags;

	(void)bytes_take(&b, 12);
	flags = (unsigned)bytes_le(&b, 1);
	if ((flags & 2) != 0)		/* group commit id */
		(void)bytes_take(&b, 8);
	format = bytes_le(&b, 4);
	ngtrid = (size_t)bytes_le(&b, 1);
	nbqual = (size_t)bytes_le(&b, 1);
	gtrid = bytes_take(&b, ngtrid);
	bqual = bytes_take(&b, nbqual);
	if (b.bad || ngtrid > PART_MAX || nbqual > PART_MAX)
		return err_set(e, ERR_CORRUPT, 0, "Gtid event: an XA "
		    "identifier that cannot be read");
	add(out, gtrid, ngtrid, bqual, nbqual, format);
	return buf_check(out, "XID", e);
}

int
xid_prepared(struct conn *c, const char *xid, struct err *e)
{
	struct result *r = conn_query(c, "XA RECOVER", true, e);
	struct buf text = {0};
	unsigned long *len;
	size_t ngtrid, nbqual;
	char **row;
	int got, found = 0;

	if (r == NULL)
		return err_hint(e, "grant XA_RECOVER_ADMIN to the user");
	while ((got = result_next(r, &row, &len, e)) == 1) {
		ngtrid = strtoul(row[1], NULL, 10);
		nbqual = strtoul(row[2], NULL, 10);
		if (ngtrid + nbqual != len[3])
			continue;
		buf_clear(&text);
		add(&text, row[3], ngtrid, row[3] + ngtrid, nbqual,
		    strtoull(row[0], NULL, 10));
		found |= strcmp(buf_str(&text), xid) == 0;
	}
	result_free(r);
	buf_free(&text);
	return got < 0 ? -1 : found;
}
