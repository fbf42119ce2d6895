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
#include "tests/fuzz/mended.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mended(data, size, parse);
	return 0;
}
