/* SPDX-License-Identifier: Apache-2.0 */
/* daemons_fuzz: any document is a heartbeat or a claim, or refused; and
 * whatever daemons say, a source has one owner or none. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "backupd/claim.h"
#include "backupd/daemons.h"
#include "base/err.h"
#include "tests/fuzz/mended.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "0123456789abcdef"
#define OTHER "fedcba9876543210"

static void
share(struct heartbeat *h)
{
	struct err e = {0};
	struct daemons *d = daemons_new(100, 50, &e);
	struct heartbeat own = { .id = OTHER, .jobs = h->jobs };
	uint64_t source = h->nsources > 0 ? h->sources[0] : 0;
	unsigned jobs = h->jobs;
	const struct daemons_one *one;

	assert(d != NULL);
	daemons_begin(d, 0);
	assert(daemons_see(d, ID, 1, 1, 0, &e) == 0);
	assert(daemons_see(d, OTHER, 1, 1, 0, &e) == 0);
	assert(daemons_end(d, 0));
	daemons_learn(d, OTHER, &own, false);
	daemons_learn(d, ID, h, false);
	one = daemons_owner(d, source, CLAIMS_ARCHIVE);
	assert(one == NULL || ((jobs & CLAIMS_ARCHIVE) != 0 &&
	    strcmp(one->beat.id, ID) == 0));
	daemons_free(d);
}

static void
parse(const char *text, size_t n)
{
	struct heartbeat h;
	struct claim c;
	struct err e = {0};
	size_t i;

	if (heartbeat_parse(text, n, ID, &h, &e) == 0) {
		assert(strcmp(h.id, ID) == 0 && (h.jobs & ~CLAIMS_ALL) == 0);
		for (i = 1; i < h.nsources; i++)
			assert(h.sources[i - 1] < h.sources[i]);
		share(&h);
	} else {
		assert((e.code == ERR_CORRUPT || e.code == ERR_USAGE) &&
		    e.msg[0] != '\0' && h.sources == NULL);
	}
	heartbeat_free(&h);
	e = (struct err){0};
	if (claim_parse(text, n, "s", 7, &c, &e) == 0)
		assert(c.n == 7 && strlen(c.daemon) <= CLAIMS_ID_LEN);
	else
		assert((e.code == ERR_CORRUPT || e.code == ERR_USAGE) &&
		    e.msg[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mended(data, size, parse);
	return 0;
}
