/* SPDX-License-Identifier: Apache-2.0 */
/* spool_fuzz: a spool file is records, and then nothing that is read. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "backupd/spool_record.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spool_record r;
	struct buf again = {0};
	size_t at = 0, n;

	while (at < size && spool_record_parse(data + at, size - at, &r,
	    &n) == 1) {
		assert(n >= SPOOL_HEADER && n <= size - at);
		assert(r.n + r.nlines + SPOOL_HEADER == n);
		spool_record_write(&r, &again);
		at += n;
	}
	assert(again.len == at && memcmp(buf_str(&again), data, at) == 0);
	buf_free(&again);
	return 0;
}
