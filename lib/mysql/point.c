/* SPDX-License-Identifier: Apache-2.0 */
/* point: values between two values of a key's column. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "mysql/connect.h"
#include "mysql/schema.h"

#include "mysql/point.h"

#define DECIMAL_DIGITS 18	/* of a number that fits into 64 bits */

static bool
is_date(const struct schema_column *c)
{
	return strcmp(c->type, "date") == 0 ||
	    strcmp(c->type, "datetime") == 0 ||
	    strcmp(c->type, "timestamp") == 0;
}

static bool
is_decimal(const struct schema_column *c)
{
	return strcmp(c->type, "decimal") == 0;
}

bool
point_can(const struct schema_column *c)
{
	return c->key_number || is_date(c) || is_decimal(c) ||
	    (c->key_text && c->charset != NULL &&
	    strcmp(c->type, "enum") != 0 && strcmp(c->type, "set") != 0) ||
	    strcmp(c->type, "binary") == 0 ||
	    strcmp(c->type, "varbinary") == 0;
}

static uint64_t
between(uint64_t a, uint64_t b, unsigned i, unsigned n)
{
	return b < a ? a : a + (b - a) / n * i + (b - a) % n * i / n;
}

/* Signed numbers in the order of unsigned ones. */
static uint64_t
shifted(int64_t v)
{
	return (uint64_t)v ^ UINT64_C(1) << 63;
}

static void
number_between(const struct schema_column *c, const char *low,
    const char *high, unsigned i, unsigned n, struct buf *out)
{
	uint64_t v;

	if (c->is_unsigned) {
		v = between(strtoull(low, NULL, 10), strtoull(high, NULL, 10),
		    i, n);
		buf_addf(out, "%llu", (unsigned long long)v);
	} else {
		v = between(shifted(strtoll(low, NULL, 10)),
		    shifted(strtoll(high, NULL, 10)), i, n);
		buf_addf(out, "%lld", (long long)(int64_t)shifted((int64_t)v));
	}
}

/* --- decimals: integers of their first digits, the point put back --- */

static size_t
count_digits(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text >= '0' && *text <= '9';
	return n;
}

/* The number without its point and its last digits. */
static int64_t
first_digits(const char *text, size_t dropped)
{
	size_t n = count_digits(text);
	bool minus = *text == '-';
	int64_t v = 0;

	for (; n > dropped; text++)
		if (*text >= '0' && *text <= '9') {
			v = v * 10 + (*text - '0');
			n--;
		}
	return minus ? -v : v;
}

static void
decimal_between(const char *low, const char *high, unsigned i, unsigned n,
    struct buf *out)
{
	size_t a = count_digits(low), b = count_digits(high), dropped, whole;
	const char *dot = strchr(low, '.');
	size_t scale = dot != NULL ? strlen(dot + 1) : 0, width, len, k;
	char text[64];
	int64_t v;

	a = a > b ? a : b;
	dropped = a > DECIMAL_DIGITS ? a - DECIMAL_DIGITS : 0;
	v = (int64_t)shifted((int64_t)between(shifted(first_digits(low,
	    dropped)), shifted(first_digits(high, dropped)), i, n));
	/* At least one digit before the point. */
	width = scale + 1 > dropped ? scale + 1 - dropped : 1;
	len = (size_t)snprintf(text, sizeof(text), "%0*llu", (int)width,
	    (unsigned long long)(v < 0 ? -v : v));
	whole = len + dropped - scale;
	buf_adds(out, v < 0 ? "-" : "");
	for (k = 0; k < len + dropped; k++) {
		if (k == whole)
			buf_addc(out, '.');
		buf_addc(out, k < len ? text[k] : '0');
	}
}

/* --- dates: as microseconds since the year 1 --- */

#define YEAR_1	INT64_C(-62135596800)	/* its first second as a time_t */

struct date {
	struct tm tm;		/* year, month and day as they are written */
	unsigned us;
};

/* Digits at *p, no more than n; past them and the character behind. */
static int
field(const char **p, unsigned n)
{
	int v = 0;

	for (; n > 0 && **p >= '0' && **p <= '9'; n--, ++*p)
		v = v * 10 + (**p - '0');
	*p += **p != '\0';
	return v;
}

/* "2026-11-24 18:15:00.5": what is not there is 0. */
static struct date
date_read(const char *text)
{
	struct date d = {0};
	const char *p = text, *fraction;

	d.tm.tm_year = field(&p, 4);
	d.tm.tm_mon = field(&p, 2);
	d.tm.tm_mday = field(&p, 2);
	d.tm.tm_hour = field(&p, 2);
	d.tm.tm_min = field(&p, 2);
	d.tm.tm_sec = field(&p, 2);
	fraction = p;
	d.us = (unsigned)field(&p, 6);
	for (p = fraction + strspn(fraction, "0123456789"); p < fraction + 6;
	    p++)
		d.us *= 10;
	return d;
}

static uint64_t
date_number(const char *text)
{
	struct date d = date_read(text);
	int64_t s;

	/* Dates may have a month 0, a day 0, a day 31 of any month. */
	d.tm.tm_year -= 1900;
	d.tm.tm_mon -= d.tm.tm_mon > 0;
	d.tm.tm_mday += d.tm.tm_mday == 0;
	s = (int64_t)timegm(&d.tm);
	return s < YEAR_1 ? 0 : (uint64_t)(s - YEAR_1) * 1000000 + d.us;
}

static void
date_between(const struct schema_column *c, const char *low,
    const char *high, unsigned i, unsigned n, struct buf *out)
{
	uint64_t v = between(date_number(low), date_number(high), i, n);
	time_t s = (time_t)((int64_t)(v / 1000000) + YEAR_1);
	struct tm tm = {0};

	(void)gmtime_r(&s, &tm);
	buf_addf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday);
	if (strcmp(c->type, "date") != 0)
		buf_addf(out, " %02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min,
		    tm.tm_sec, (unsigned)(v % 1000000));
}

bool
point_usable(const struct schema_column *c, const char *value, size_t n)
{
	struct date d;
	time_t s;

	/* These stand in a condition as they are. */
	if ((c->key_number || is_decimal(c) || is_date(c)) &&
	    strspn(value, "0123456789-:. ") != n)
		return false;
	if (!is_date(c))
		return true;
	/* Columns may hold dates such as 2026-02-31 or 0000-00-00, which no
	 * condition may: there are enough others. */
	d = date_read(value);
	if (d.tm.tm_year == 0 || d.tm.tm_mon == 0)
		return false;
	s = (time_t)((int64_t)(date_number(value) / 1000000) + YEAR_1);
	return gmtime_r(&s, &d.tm) != NULL &&
	    date_read(value).tm.tm_mday == d.tm.tm_mday;
}

/* --- bytes and text --- */

/* What both share, then four bytes between.  In text the points keep to
 * ASCII. */
static void
bytes_between(const struct schema_column *c, const struct buf *low,
    const struct buf *high, unsigned i, unsigned n, struct buf *out)
{
	uint64_t base = c->key_text ? 95 : 256, first = c->key_text ? 32 : 0;
	uint64_t a = 0, b = 0, v, d;
	unsigned char digits[4];
	size_t same = 0, k;

	while (same < low->len && same < high->len &&
	    low->data[same] == high->data[same])
		same++;
	for (k = same; k < same + 4; k++) {
		d = k < low->len ? (unsigned char)low->data[k] : first;
		d = d < first ? 0 : d - first;
		a = a * base + (d < base ? d : base - 1);
		d = k < high->len ? (unsigned char)high->data[k] : first;
		d = d < first ? 0 : d - first;
		b = b * base + (d < base ? d : base - 1);
	}
	v = b > a ? a + (b - a) * i / n : a;
	for (k = 4; k-- > 0; v /= base)
		digits[k] = (unsigned char)(v % base + first);
	buf_add(out, low->data, same);
	buf_add(out, digits, sizeof(digits));
}

void
point_between(const struct schema_column *c, const struct buf *low,
    const struct buf *high, unsigned i, unsigned n, struct buf *out)
{
	if (c->key_number)
		number_between(c, buf_str(low), buf_str(high), i, n, out);
	else if (is_decimal(c))
		decimal_between(buf_str(low), buf_str(high), i, n, out);
	else if (is_date(c))
		date_between(c, buf_str(low), buf_str(high), i, n, out);
	else
		bytes_between(c, low, high, i, n, out);
}

void
point_literal(const struct schema_column *c, const char *value, size_t n,
    struct buf *out)
{
	if (c->key_number || is_decimal(c)) {
		buf_add(out, value, n);
	} else if (is_date(c)) {
		buf_adds(out, strcmp(c->type, "date") == 0 ? "DATE'" :
		    "TIMESTAMP'");
		buf_add(out, value, n);
		buf_addc(out, '\'');
	} else {
		if (c->key_text)
			buf_addf(out, "_%s ", c->charset);
		sql_hex(out, value, n);
	}
}
