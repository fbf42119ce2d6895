/* SPDX-License-Identifier: Apache-2.0 */
/* tsv: rows as LOAD DATA reads them. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

#include "codec/tsv.h"

#define ONES	UINT64_C(0x0101010101010101)
#define HIGHS	UINT64_C(0x8080808080808080)

/* Nonzero if any byte of v is zero (exact for that question). */
static inline uint64_t
zero_byte(uint64_t v)
{
	return (v - ONES) & ~v & HIGHS;
}

/* True if one of eight bytes must be escaped. */
static inline bool
special8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (zero_byte(v) | zero_byte(v ^ ONES * '\t') |
	    zero_byte(v ^ ONES * '\n') | zero_byte(v ^ ONES * '\\')) != 0;
}

static inline char *
put_one(char *out, char c)
{
	switch (c) {
	case '\t':
		*out++ = '\\';
		*out++ = 't';
		break;
	case '\n':
		*out++ = '\\';
		*out++ = 'n';
		break;
	case '\0':
		*out++ = '\\';
		*out++ = '0';
		break;
	case '\\':
		*out++ = '\\';
		*out++ = '\\';
		break;
	default:
		*out++ = c;
	}
	return out;
}

char *
tsv_put(char *out, const char *field, size_t n)
{
	const char *end = field + n;
	int i;

	/* Eight bytes at a time: most hold nothing special. */
	while (end - field >= 8) {
		if (!special8(field)) {
			memcpy(out, field, 8);
			out += 8;
			field += 8;
			continue;
		}
		for (i = 0; i < 8; i++)
			out = put_one(out, *field++);
	}
	while (field < end)
		out = put_one(out, *field++);
	return out;
}

/* Decode one field that ends at end; -1 on an escape nobody writes. */
static int
decode(char *field, const char *end, struct tsv_field *f)
{
	const char *from = field;
	char *to = field;

	if (end - field == 2 && field[0] == '\\' && field[1] == 'N') {
		f->data = NULL;
		f->len = 0;
		return 0;
	}
	while (from < end) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (++from == end)
			return -1;
		switch (*from++) {
		case 't':
			*to++ = '\t';
			break;
		case 'n':
			*to++ = '\n';
			break;
		case '0':
			*to++ = '\0';
			break;
		case '\\':
			*to++ = '\\';
			break;
		default:
			return -1;
		}
	}
	f->data = field;
	f->len = (size_t)(to - field);
	return 0;
}

int
tsv_split(char *line, size_t n, struct tsv_field *fields, size_t count,
    struct err *e)
{
	char *p = line, *end = line + n, *tab;
	size_t i;

	for (i = 0; i < count; i++) {
		tab = memchr(p, '\t', (size_t)(end - p));
		if ((tab == NULL) != (i == count - 1))
			return err_set(e, ERR_CORRUPT, 0,
			    "a row has %s than %zu columns", tab == NULL ?
			    "fewer" : "more", count);
		if (decode(p, tab == NULL ? end : tab, &fields[i]) != 0)
			return err_set(e, ERR_CORRUPT, 0,
			    "column %zu of a row: unknown escape", i + 1);
		p = tab == NULL ? end : tab + 1;
	}
	return 0;
}
