/* SPDX-License-Identifier: Apache-2.0 */
/* rows_number: numbers and times of row images as text. */
#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "mysql/rows_impl.h"

/* Beyond these the servers print an exponent. */
#define POINT_MAX 15
#define POINT_MIN (-14)

#define DIGITS_PER_WORD 9

/* "1.2345e-06" of d, as short as reads back; false for what is no number. */
static bool
shortest(double d, char *text, size_t size)
{
	/* Fifteen digits are enough for what was fifteen or fewer; numbers
	 * near zero have fewer that count. */
	int digits = fabs(d) < DBL_MIN ? 0 : 14;

	if (!isfinite(d))
		return false;
	for (; digits < 17; digits++) {
		(void)snprintf(text, size, "%.*e", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	return true;
}

/* As the servers print a DOUBLE: without an exponent where that is short. */
bool
rows_double_text(double d, struct buf *out)
{
	char text[40], digits[24], *e;
	int exponent, n = 0, point;
	const char *p;

	if (!shortest(d, text, sizeof(text)))
		return false;
	e = strchr(text, 'e');
	assert(e != NULL);
	exponent = (int)strtol(e + 1, NULL, 10);
	for (p = text; p < e; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (text[0] == '-')
		buf_addc(out, '-');
	/* A negative zero must not be read as an integer. */
	if (digits[0] == '0') {
		buf_adds(out, text[0] == '-' ? "0e0" : "0");
		return true;
	}
	/* Where the point stands among the digits. */
	point = exponent + 1;
	if (point > POINT_MAX || point < POINT_MIN) {
		buf_addc(out, digits[0]);
		if (n > 1) {
			buf_addc(out, '.');
			buf_add(out, digits + 1, (size_t)n - 1);
		}
		buf_addf(out, "e%d", exponent);
		return true;
	}
	if (point <= 0)
		buf_addf(out, "0.%.*s%.*s", -point, "00000000000000", n,
		    digits);
	else if (point >= n)
		buf_addf(out, "%.*s%.*s", n, digits, point - n,
		    "00000000000000");
	else
		buf_addf(out, "%.*s.%.*s", point, digits, n - point,
		    digits + point);
	return true;
}

/* The next word of a DECIMAL: digits in as few bytes as they need, most
 * significant first; negative numbers are turned over. */
static bool
decimal_word(struct bytes *b, unsigned digits, uint8_t flip, uint8_t sign,
    uint32_t *word)
{
	static const uint8_t bytes[] = { 0, 1, 1, 2, 2, 3, 3, 4, 4, 4 };
	static const uint32_t limits[] = { 1, 10, 100, 1000, 10000, 100000,
		1000000, 10000000, 100000000, 1000000000 };
	const uint8_t *p = bytes_take(b, bytes[digits]);
	unsigned i;

	*word = 0;
	for (i = 0; p != NULL && i < bytes[digits]; i++)
		*word = *word << 8 | (uint8_t)(p[i] ^ flip ^
		    (i == 0 ? sign : 0));
	return p != NULL && *word < limits[digits];
}

bool
rows_decimal_text(struct bytes *b, unsigned precision, unsigned scale,
    struct buf *out)
{
	unsigned left = precision - scale, digits;
	uint8_t sign = 0x80, flip;
	uint32_t word;
	bool any = false;

	if (scale > precision || b->left == 0)
		return false;
	/* The first bit is set in positive numbers. */
	flip = (b->at[0] & 0x80) != 0 ? 0 : 0xff;
	if (flip != 0)
		buf_addc(out, '-');
	while (left > 0) {
		digits = left % DIGITS_PER_WORD == 0 ? DIGITS_PER_WORD :
		    left % DIGITS_PER_WORD;
		if (!decimal_word(b, digits, flip, sign, &word))
			return false;
		if (any)
			buf_addf(out, "%09" PRIu32, word);
		else if (word != 0)
			buf_addf(out, "%" PRIu32, word);
		any |= word != 0;
		left -= digits;
		sign = 0;
	}
	if (!any)
		buf_addc(out, '0');
	if (scale > 0)
		buf_addc(out, '.');
	while (scale > 0) {
		digits = scale < DIGITS_PER_WORD ? scale : DIGITS_PER_WORD;
		if (!decimal_word(b, digits, flip, sign, &word))
			return false;
		buf_addf(out, "%0*" PRIu32, (int)digits, word);
		scale -= digits;
		sign = 0;
	}
	return true;
}

/* ".000001", of microseconds, cut to so many digits. */
static void
fraction(uint64_t us, unsigned digits, struct buf *out)
{
	char text[24];

	if (digits == 0)
		return;
	(void)snprintf(text, sizeof(text), ".%06" PRIu64, us % 1000000);
	buf_add(out, text, digits + 1);
}

bool
rows_packed_time(bool negative, uint64_t packed, unsigned digits,
    struct buf *out)
{
	uint64_t us = packed & 0xffffff, v = packed >> 24;

	if (us >= 1000000 || v >> 22 != 0)
		return false;
	buf_addf(out, "%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
	    negative ? "-" : "", v >> 12, v >> 6 & 63, v & 63);
	fraction(us, digits, out);
	return true;
}

bool
rows_packed_date(uint64_t packed, struct buf *out)
{
	uint64_t day = packed >> 24 >> 17, month = day >> 5;

	if (month / 13 > 9999)
		return false;
	buf_addf(out, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64, month / 13,
	    month % 13, day & 31);
	return true;
}

bool
rows_packed_datetime(uint64_t packed, unsigned digits, struct buf *out)
{
	uint64_t us = packed & 0xffffff, v = packed >> 24;

	if (us >= 1000000 || !rows_packed_date(packed, out))
		return false;
	buf_addf(out, " %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
	    v >> 12 & 31, v >> 6 & 63, v & 63);
	fraction(us, digits, out);
	return true;
}
