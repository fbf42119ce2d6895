/* SPDX-License-Identifier: Apache-2.0 */
/* cut: where a chunk ends. */
#include <stddef.h>

#include "base/buf.h"
#include "codec/digest.h"

#include "backupd/cut.h"

#define CUT_MAX		((uint64_t)64 << 20)
#define KEYLESS_MAX	((uint64_t)32 << 20)
#define CUT_AIM		((uint64_t)20 << 20)
#define BITS_MAX	24u

unsigned
cut_bits(uint64_t mean)
{
	unsigned bits = 0;

	while (bits < BITS_MAX && CUT_AIM >> (bits + 1) >= mean)
		bits++;
	return bits;
}

const char *
cut_here(uint64_t raw, unsigned bits, const struct buf *key)
{
	if (raw < CUT_MIN)
		return NULL;
	if (raw >= (key != NULL ? CUT_MAX : KEYLESS_MAX))
		return "size";
	if (key != NULL && (xxh3_64(buf_str(key), key->len) &
	    (((uint64_t)1 << bits) - 1)) == 0)
		return "hash";
	return NULL;
}
