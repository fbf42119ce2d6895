/* SPDX-License-Identifier: Apache-2.0 */
/* scheduled_fuzz: statements on events from a log, and definitions of events
 * from a store. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/scheduled.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum scheduled_state state, again;
	struct scheduled *s;
	struct buf off = {0};
	struct err e = {0};
	char *text = malloc(n + 1), *p, *lf;

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	/* Switched off it is still the definition of an event. */
	if (scheduled_text(text, n, &state, &off, &e) == 0 &&
	    (scheduled_text(buf_str(&off), off.len, &again, NULL, &e) != 0 ||
	    again != SCHEDULED_OFF))
		abort();
	e = (struct err){0};
	s = scheduled_new(&e);
	for (p = text; s != NULL && p != NULL; p = lf) {
		lf = strchr(p, '\n');
		if (lf != NULL)
			*lf++ = '\0';
		(void)scheduled_statement(s, "d", p, &e);
	}
	scheduled_free(s);
	buf_free(&off);
	free(text);
	return 0;
}
