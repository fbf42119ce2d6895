/* SPDX-License-Identifier: Apache-2.0 */
/* cron_fuzz: any text is a cron expression or refused in one line; slots
 * ascend, and looking back finds the one before. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/cron.h"
#include "base/err.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *zones[3];
	/* Late in March 2026, and in the November before. */
	int64_t t = size > 0 && (data[0] & 1) != 0 ?
	    INT64_C(1774738800000000) : INT64_C(1763900000123456), next;
	char *text = malloc(size + 1);
	struct err e = {0};
	struct cron *c;
	int i;

	assert(text != NULL);
	if (zones[0] == NULL) {
		zones[0] = zone_open("UTC", &e);
		zones[1] = zone_open("Europe/Berlin", &e);
		zones[2] = zone_open("Australia/Lord_Howe", &e);
		assert(zones[2] != NULL);
	}
	memcpy(text, data, size);
	text[size] = '\0';
	c = cron_parse(text, &e);
	if (c == NULL) {
		assert(e.code == ERR_USAGE && strchr(e.msg, '\n') == NULL);
		free(text);
		return 0;
	}
	for (i = 0; i < 3; i++) {
		next = cron_next(c, zones[i], t);
		assert(next > t && next != CRON_NEVER);
		assert(cron_last(c, zones[i], t, next) == next);
		assert(cron_last(c, zones[i], t, next - 1) == 0);
		assert(cron_next(c, zones[i], next) > next);
	}
	cron_free(c);
	free(text);
	return 0;
}
