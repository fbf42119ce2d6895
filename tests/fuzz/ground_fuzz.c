/* SPDX-License-Identifier: Apache-2.0 */
/* ground_fuzz: the note of a drill as its target gives it back, and statements
 * of a log judged by it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/ground_note.h"
#include "restore/ground_statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the note, each other one a statement. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *end = p + n, *lf;
	struct ground_note note = {0}, again = {0};
	struct buf schema = {0}, text = {0};
	struct err e = {0};

	lf = n > 0 ? memchr(p, '\n', n) : NULL;
	if (lf == NULL || ground_note_parse(&note, p, (size_t)(lf - p),
	    &e) != 0)
		return 0;
	if (ground_note_text(&note, &text, &e) != 0 ||
	    ground_note_parse(&again, buf_str(&text), text.len, &e) != 0)
		abort();
	for (p = lf + 1; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		buf_clear(&schema);
		(void)ground_statement(&note, p, (size_t)(lf - p), false,
		    &schema);
		(void)ground_note_has_schema(&note, buf_str(&schema), true);
		(void)ground_note_made_account(&note, buf_str(&schema), "%");
	}
	ground_note_free(&note);
	ground_note_free(&again);
	buf_free(&schema);
	buf_free(&text);
	return 0;
}
