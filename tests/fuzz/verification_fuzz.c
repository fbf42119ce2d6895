/* SPDX-License-Identifier: Apache-2.0 */
/* verification_fuzz: any document is what was verified when, or refused; what
 * was read is the same when it is written and read again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/verification.h"
#include "codec/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "20261122T181500Z-7c1e"

static void
parse(const char *text, size_t n)
{
	struct verification v, back;
	struct buf out = {0};
	struct err e = {0};

	if (verification_parse(text, n, "a", ID, &v, &e) != 0) {
		assert((e.code == ERR_CORRUPT || e.code == ERR_USAGE) &&
		    e.msg[0] != '\0' && v.all == NULL);
		return;
	}
	if (verification_write(&v, "a", &out, &e) == 0) {
		assert(verification_parse(out.data, out.len, "a", ID, &back,
		    &e) == 0);
		assert(back.n == v.n && back.balance == v.balance);
		verification_free(&back);
	}
	verification_free(&v);
	buf_free(&out);
}

/* As it is, and as a document whose sum is right. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct buf text = {0};

	buf_add(&text, data, size);
	parse(buf_str(&text), text.len);
	while (text.len > 0 && (text.data[text.len - 1] == '\n' ||
	    text.data[text.len - 1] == '}'))
		text.len--;
	sha256_of(buf_str(&text), text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(&text, ",\"sum\":\"%s\"}", hex);
	parse(buf_str(&text), text.len);
	buf_free(&text);
	return 0;
}
