/* SPDX-License-Identifier: Apache-2.0 */
/* rows_value: values of row images as SQL understands them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/rows_impl.h"

/* zlib makes at most 1032 bytes of one. */
#define ZLIB_RATIO 1032
#define COLUMN_MAX ((uint64_t)1 << 30)

static const uint32_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };

static void
integer(const uint8_t *p, unsigned n, bool is_unsigned, struct buf *out)
{
	uint64_t v = bytes_le_at(p, n), sign = (uint64_t)1 << (8 * n - 1);

	if (is_unsigned || (v & sign) == 0)
		buf_addf(out, "%" PRIu64, v);
	else
		buf_addf(out, "-%" PRIu64, (sign << 1) - v);
}

/* A FLOAT is written as short as a reader of doubles, who then rounds, gets
 * it back. */
static bool
float_text(const uint8_t *p, struct buf *out)
{
	uint32_t bits = (uint32_t)bytes_le_at(p, 4);
	char text[40];
	float f;
	int digits;

	memcpy(&f, &bits, sizeof(f));
	if (!isfinite(f))
		return false;
	for (digits = 6; digits < 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, (double)f);
		if ((float)strtod(text, NULL) == f)
			break;
	}
	return rows_double_text(strtod(text, NULL), out);
}

static bool
double_text(const uint8_t *p, struct buf *out)
{
	uint64_t bits = bytes_le_at(p, 8);
	double d;

	memcpy(&d, &bits, sizeof(d));
	return rows_double_text(d, out);
}

/* Fractions of seconds are numbers of two, four or six digits. */
static uint64_t
microseconds(uint64_t v, unsigned digits)
{
	return v * tens[6 - (digits + 1) / 2 * 2];
}

/* Seconds since 1970 in UTC; 0 is the servers' zero date. */
static bool
timestamp(uint64_t seconds, uint64_t us, unsigned digits, struct buf *out)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[32];

	if (us >= 1000000 || gmtime_r(&t, &tm) == NULL)
		return false;
	if (seconds == 0 && us == 0)
		buf_adds(out, "0000-00-00 00:00:00");
	else
		buf_addf(out, "%04d-%02d-%02d %02d:%02d:%02d",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
	(void)snprintf(text, sizeof(text), ".%06" PRIu64, us);
	if (digits > 0)
		buf_add(out, text, digits + 1);
	return true;
}

/* A time or date of n bytes with the highest bit as its sign, its whole
 * seconds above the fraction. */
static bool
packed(const struct rows_column *c, const uint8_t *p, unsigned n,
    struct buf *out)
{
	unsigned digits = c->meta, part = (digits + 1) / 2 * 8;
	uint64_t v = bytes_be_at(p, n), zero = (uint64_t)1 << (8 * n - 1);
	bool negative = v < zero;

	v = negative ? zero - v : v - zero;
	v = (v >> part) << 24 |
	    microseconds(v & (((uint64_t)1 << part) - 1), digits);
	if (c->type == TYPE_TIME2)
		return rows_packed_time(negative, v, digits, out);
	return !negative && rows_packed_datetime(v, digits, out);
}

/* DATE, and the formats of TIME and DATETIME before fractions: digits of a
 * decimal number. */
static bool
old_time(const struct rows_column *c, const uint8_t *p, struct buf *out)
{
	uint64_t v = bytes_le_at(p, c->type == TYPE_DATETIME ? 8 : 3);
	bool negative = false;

	if (c->type == TYPE_DATETIME) {
		if (v / 10000000000 > 9999)
			return false;
		buf_addf(out, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64
		    " %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
		    v / 10000000000, v / 100000000 % 100, v / 1000000 % 100,
		    v / 10000 % 100, v / 100 % 100, v % 100);
		return true;
	}
	if (c->type == TYPE_TIME) {
		negative = (v & 0x800000) != 0;
		if (negative)
			v = 0x1000000 - v;
		buf_addf(out, "%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
		    negative ? "-" : "", v / 10000, v / 100 % 100, v % 100);
		return true;
	}
	buf_addf(out, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64, v >> 9,
	    v >> 5 & 15, v & 31);
	return v >> 9 <= 9999;
}

/* MariaDB's own fractions before it had MySQL's formats: a count of the
 * smallest unit, of TIME from the least one. */
static bool
old_fraction(const struct rows_column *c, const uint8_t *p, unsigned n,
    struct buf *out)
{
	static const uint64_t least = 838 * 3600 + 59 * 60 + 59 + 1;
	unsigned digits = c->meta;
	uint64_t v, us, day;
	bool negative;

	if (c->type == TYPE_TIMESTAMP)
		return timestamp(bytes_be_at(p, 4),
		    bytes_be_at(p + 4, n - 4) * tens[6 - digits], digits, out);
	v = bytes_be_at(p, n);
	negative = c->type == TYPE_TIME && v < least * tens[digits];
	if (c->type == TYPE_TIME)
		v = negative ? least * tens[digits] - v :
		    v - least * tens[digits];
	us = v % tens[digits] * tens[6 - digits];
	v /= tens[digits];
	if (c->type == TYPE_TIME)
		return v < 3600 * 1024 && rows_packed_time(negative,
		    (v / 3600 << 12 | v / 60 % 60 << 6 | v % 60) << 24 | us,
		    digits, out);
	day = v / 86400;
	return day / 32 / 13 <= 9999 && rows_packed_datetime((day << 17 |
	    v / 3600 % 24 << 12 | v / 60 % 60 << 6 | v % 60) << 24 | us,
	    digits, out);
}

static bool
time_text(const struct rows_column *c, const uint8_t *p, size_t n,
    struct buf *out)
{
	switch (c->type) {
	case TYPE_TIME:
	case TYPE_DATETIME:
		if (c->meta > 0)
			return old_fraction(c, p, (unsigned)n, out);
		return old_time(c, p, out);
	case TYPE_TIMESTAMP:
		if (c->meta > 0)
			return old_fraction(c, p, (unsigned)n, out);
		return timestamp(bytes_le_at(p, 4), 0, 0, out);
	case TYPE_TIMESTAMP2:
		return timestamp(bytes_be_at(p, 4), microseconds(
		    bytes_be_at(p + 4, (unsigned)n - 4), c->meta), c->meta,
		    out);
	case TYPE_TIME2:
	case TYPE_DATETIME2:
		return packed(c, p, (unsigned)n, out);
	default:
		return old_time(c, p, out);
	}
}

static bool
number_text(const struct rows_column *c, const uint8_t *p, size_t n,
    bool is_unsigned, struct buf *out)
{
	struct bytes b = bytes_of(p, n);

	switch (c->type) {
	case TYPE_FLOAT:
		return float_text(p, out);
	case TYPE_DOUBLE:
		return double_text(p, out);
	case TYPE_DECIMAL:
		return rows_decimal_text(&b, c->meta >> 8, c->meta & 0xff,
		    out);
	case TYPE_YEAR:
		buf_addf(out, "%04d", p[0] == 0 ? 0 : 1900 + p[0]);
		return true;
	case TYPE_BIT:
		buf_addf(out, "%" PRIu64, bytes_be_at(p, (unsigned)n));
		return n <= 8;
	case TYPE_ENUM:
	case TYPE_SET:
		is_unsigned = true;
		/* FALLTHROUGH */
	default:
		integer(p, (unsigned)n, is_unsigned, out);
		return true;
	}
}

/* MariaDB's compressed columns: empty; or a head, 0 before plain bytes, else
 * 0x80, 8 for a deflate stream without zlib's frame, and the length of the
 * length that follows. */
static bool
uncompress_column(const uint8_t *p, size_t n, struct rows_value *v,
    struct buf *out)
{
	struct bytes b = bytes_of(p, n);
	unsigned head = n == 0 ? 0 : (unsigned)bytes_le(&b, 1);
	z_stream z = {0};
	uint64_t len;
	int rc;

	if (head == 0) {
		v->data = (const char *)b.at;
		v->len = b.left;
		return true;
	}
	if ((head & 0xf0) != 0x80 || (head & 7) < 1 || (head & 7) > 4)
		return false;
	len = bytes_be(&b, head & 7);
	if (b.bad || len == 0 || len > COLUMN_MAX ||
	    len > (uint64_t)b.left * ZLIB_RATIO ||
	    buf_reserve(out, (size_t)len) != 0 ||
	    inflateInit2(&z, (head & 8) != 0 ? -MAX_WBITS : MAX_WBITS) != Z_OK)
		return false;
	/* zlib does not write through next_in. */
	z.next_in = (Bytef *)(uintptr_t)b.at;
	z.avail_in = (uInt)b.left;
	z.next_out = (Bytef *)out->data + out->len;
	z.avail_out = (uInt)len;
	rc = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	if (rc != Z_STREAM_END || z.avail_out != 0)
		return false;
	out->len += (size_t)len;
	out->data[out->len] = '\0';
	return true;
}

/* A string, BINARY with the zeros that were cut off. */
static bool
string(const struct rows_column *c, const uint8_t *p, size_t n,
    struct rows_value *v, struct buf *out)
{
	size_t i;

	v->form = c->collation == 0 || c->collation == ROWS_BINARY ?
	    ROWS_BYTES : ROWS_TEXT;
	if (c->type == TYPE_MARIA_BLOB_COMPRESSED ||
	    c->type == TYPE_MARIA_VARCHAR_COMPRESSED)
		return uncompress_column(p, n, v, out);
	if (c->type != TYPE_STRING || c->collation != ROWS_BINARY ||
	    n >= c->meta) {
		v->data = (const char *)p;
		v->len = n;
		return true;
	}
	buf_add(out, p, n);
	for (i = n; i < c->meta; i++)
		buf_addc(out, '\0');
	return true;
}

int
rows_value(const struct rows_column *c, const uint8_t *p, size_t n,
    bool is_unsigned, struct rows_value *v, struct buf *room, struct err *e)
{
	size_t at = room->len;
	bool good = true;

	*v = (struct rows_value){ .form = ROWS_NUMBER };
	switch (c->type) {
	case TYPE_NULL:
		v->form = ROWS_NULL;
		return 0;
	case TYPE_DATE:
	case TYPE_NEWDATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_TIMESTAMP:
	case TYPE_TIME2:
	case TYPE_DATETIME2:
	case TYPE_TIMESTAMP2:
		v->form = ROWS_TEXT;
		good = time_text(c, p, n, room);
		break;
	case TYPE_GEOMETRY:
	case TYPE_VECTOR:
		*v = (struct rows_value){ c->type == TYPE_VECTOR ? ROWS_BYTES :
		    ROWS_GEOMETRY, (const char *)p, n };
		break;
	case TYPE_JSON:
		v->form = ROWS_JSON;
		if (rows_json_text(p, n, room, e) != 0)
			return -1;
		break;
	case TYPE_VARCHAR:
	case TYPE_VAR_STRING:
	case TYPE_STRING:
	case TYPE_TINY_BLOB:
	case TYPE_MEDIUM_BLOB:
	case TYPE_LONG_BLOB:
	case TYPE_BLOB:
	case TYPE_MARIA_BLOB_COMPRESSED:
	case TYPE_MARIA_VARCHAR_COMPRESSED:
		good = string(c, p, n, v, room);
		break;
	default:
		good = number_text(c, p, n, is_unsigned, room);
		break;
	}
	if (buf_check(room, "row", e) != 0)
		return -1;
	if (!good)
		return err_set(e, ERR_CORRUPT, 0,
		    "no value of its type (%u)", c->type);
	if (v->data == NULL)
		v->len = room->len - at;
	return 0;
}
