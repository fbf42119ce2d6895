/* SPDX-License-Identifier: Apache-2.0 */
/* zone_fuzz: any file is a time zone or refused; what local times mean agrees
 * with the offsets at the times that they are. */
#include <assert.h>
#include <stdint.h>

#include "base/err.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct zone *z, int64_t local)
{
	int64_t first, second;
	enum zone_fit fit = zone_utc(z, local, &first, &second);

	if (fit == ZONE_GAP) {
		assert(first == second);
		return;
	}
	assert(first + zone_offset(z, first) == local);
	assert(second + zone_offset(z, second) == local);
	assert(fit == ZONE_DOUBLE ? first < second : first == second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct zone *z = zone_parse("X", data, size, &e);
	char text[ZONE_TEXT];
	int64_t t, next;
	int i;

	if (z == NULL) {
		assert(e.code == ERR_CORRUPT || e.code == ERR_NOMEM);
		return 0;
	}
	for (i = 0, t = INT64_C(-5000000000); i < 40; i++, t = next) {
		next = zone_change(z, t);
		assert(next > t);
		ask(z, t + zone_offset(z, t));
		zone_text(z, t, text);
		if (next == ZONE_NEVER)
			break;
		ask(z, next + zone_offset(z, next) - 1);
		ask(z, next + zone_offset(z, next - 1));
		ask(z, next + zone_offset(z, next - 1) - 1);
	}
	for (t = INT64_C(-10000000000); t < INT64_C(30000000000);
	    t += 1234567890)
		ask(z, t);
	/* Beyond all dates there only must be an answer. */
	(void)zone_utc(z, INT64_MAX, &t, &next);
	(void)zone_utc(z, INT64_MIN, &t, &next);
	zone_text(z, INT64_MAX, text);
	zone_free(z);
	return 0;
}
