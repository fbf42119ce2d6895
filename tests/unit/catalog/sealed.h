/* SPDX-License-Identifier: Apache-2.0 */
/* sealed: documents with a right sum, made of a good one by changing text. */
#ifndef TESTS_CATALOG_SEALED_H
#define TESTS_CATALOG_SEALED_H

#include "tests/unit/catalog/fixture.h"

/* text ("{...}") with its sum, appended. */
static inline void
sealed(const char *text, struct buf *out)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	size_t n = strlen(text) - 1;

	sha256_of(text, n, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_add(out, text, n);
	buf_addf(out, ",\"sum\":\"%s\"}\n", hex);
}

/* good with the one place `from` replaced, and its sum, appended. */
static inline void
sealed_with(const char *good, const char *from, const char *to,
    struct buf *out)
{
	const char *at = strstr(good, from);
	struct buf text = {0};

	assert_non_null(at);
	assert_null(strstr(at + 1, from));
	buf_add(&text, good, (size_t)(at - good));
	buf_adds(&text, to);
	buf_adds(&text, at + strlen(from));
	sealed(buf_str(&text), out);
	buf_free(&text);
}

/* The object at key, without its sum. */
static inline void
sealed_open(const char *key, struct buf *out)
{
	struct err e = {0};

	fixture_ok(store_get(fixture_store, key, (size_t)1 << 24, out, &e),
	    &e);
	assert_true(out->len > 75);
	out->len -= 75;		/* ,"sum":"...64..."}\n */
	out->data[out->len++] = '}';
	out->data[out->len] = '\0';
}

#endif /* !TESTS_CATALOG_SEALED_H */
