/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_fuzz: any settings of a bucket are read or refused. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "store/bucket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct bucket b = {0};
	struct err e = {0};

	assert((bucket_lifecycle(&b, "backups/", text, size, &e) == 0) ==
	    (e.code == ERR_NONE && b.lifecycle != BUCKET_UNKNOWN));
	assert(strlen(b.expires) < BUCKET_RULE &&
	    strlen(b.archives) < BUCKET_RULE);
	e = (struct err){0};
	assert((bucket_versioning(&b, text, size, &e) == 0) ==
	    (b.versions != BUCKET_UNKNOWN));
	e = (struct err){0};
	assert((bucket_object_lock(&b, text, size, &e) == 0) ==
	    (b.lock != BUCKET_UNKNOWN));
	assert(strlen(b.lock_mode) < sizeof(b.lock_mode));
	return 0;
}
