/* SPDX-License-Identifier: Apache-2.0 */
/* mended: any bytes as a document whose sum is right. */
#ifndef TESTS_FUZZ_MENDED_H
#define TESTS_FUZZ_MENDED_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "codec/digest.h"

/* Show the bytes as they are, and with a sum that is right: without their last
 * member, if that is a sum, and their brace. */
static inline void
mended(const uint8_t *data, size_t size, void (*look)(const char *text,
    size_t n))
{
	static const char mark[] = ",\"sum\":\"";
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct buf text = {0};

	buf_add(&text, data, size);
	look(buf_str(&text), text.len);
	while (text.len > 0 && (text.data[text.len - 1] == '\n' ||
	    text.data[text.len - 1] == '}'))
		text.len--;
	if (text.len > sizeof(mark) + 64 && memcmp(text.data + text.len - 65 -
	    (sizeof(mark) - 1), mark, sizeof(mark) - 1) == 0)
		text.len -= 65 + sizeof(mark) - 1;
	sha256_of(buf_str(&text), text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(&text, "%s%s\"}", mark, hex);
	look(buf_str(&text), text.len);
	buf_free(&text);
}

#endif /* !TESTS_FUZZ_MENDED_H */
