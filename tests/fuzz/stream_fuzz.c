/* SPDX-License-Identifier: Apache-2.0 */
/* stream_fuzz: whatever a server sends as its binary log: events one after
 * another, as their headers cut them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "backupd/stream.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stream s = {0};
	struct stream_event ev;
	struct err e = {0};
	uint64_t offset;
	size_t size;

	/* The first byte says what was agreed, and where the dump begins. */
	if (n == 0 || stream_begin(&s, "b.000001", data[0] & 2 ? 500 : 0,
	    data[0] & 1, &e) != 0)
		return 0;
	for (data++, n--; n >= EVENT_HEADER; data += size, n -= size) {
		size = event_size(data);
		if (size == 0 || size > n)
			size = n;
		offset = s.offset;
		if (stream_take(&s, data, size, &ev, &e) != 0)
			break;
		/* Only bytes of the file move it on, and by their own size. */
		if (ev.what == STREAM_BYTES) {
			if (s.offset != ev.offset + size ||
			    !stream_is_bytes(data, size))
				abort();
		} else if (s.offset != offset)
			abort();
		if (ev.what == STREAM_FILE)
			stream_file_next(&s, ev.name);
	}
	stream_fini(&s);
	return 0;
}
