/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: reading foreign bytes from the front, never past their end.
 *
 * A failure is sticky: once something was asked for that is not there, bad is
 * true, nothing is left, and all that is read later is 0 or NULL, so that a
 * caller may check once after several reads.  Borrows what it reads.
 */
#ifndef MYSQL_BYTES_H
#define MYSQL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static inline struct bytes
bytes_of(const void *data, size_t n)
{
	return (struct bytes){ .at = data, .left = n };
}

/* The next n bytes, NULL when there are fewer. */
static inline const uint8_t *
bytes_take(struct bytes *b, uint64_t n)
{
	const uint8_t *at = b->at;

	if (b->bad || n > b->left) {
		b->bad = true;
		b->left = 0;
		return NULL;
	}
	if (n > 0) {
		b->at += n;
		b->left -= (size_t)n;
	}
	return at;
}

/* An unsigned number of n bytes (at most 8) at p, least or most significant
 * byte first. */
static inline uint64_t
bytes_le_at(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static inline uint64_t
bytes_be_at(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static inline void
bytes_put_le(uint8_t *p, uint64_t v, unsigned n)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = (uint8_t)v;
}

/* The same, taken from the front. */
static inline uint64_t
bytes_le(struct bytes *b, unsigned n)
{
	const uint8_t *p = bytes_take(b, n);

	return p == NULL ? 0 : bytes_le_at(p, n);
}

static inline uint64_t
bytes_be(struct bytes *b, unsigned n)
{
	const uint8_t *p = bytes_take(b, n);

	return p == NULL ? 0 : bytes_be_at(p, n);
}

/* The protocol's length-encoded integer; its NULL (251) is bad. */
static inline uint64_t
bytes_lenenc(struct bytes *b)
{
	uint64_t first = bytes_le(b, 1);

	switch (first) {
	case 0xfc:
		return bytes_le(b, 2);
	case 0xfd:
		return bytes_le(b, 3);
	case 0xfe:
		return bytes_le(b, 8);
	case 0xfb:
	case 0xff:
		(void)bytes_take(b, (uint64_t)-1);
		return 0;
	default:
		return first;
	}
}

#endif /* !MYSQL_BYTES_H */
