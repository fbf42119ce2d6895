/* SPDX-License-Identifier: Apache-2.0 */
/* tsv_fuzz: any line splits or is refused, and what splits comes back. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/tsv.h"

#define FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
copy(const void *data, size_t n)
{
	/* Exactly as long as the line: one byte more read is seen. */
	char *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		abort();
	if (n > 0)
		memcpy(p, data, n);
	return p;
}

static void
same(const struct tsv_field *a, const struct tsv_field *b)
{
	assert((a->data == NULL) == (b->data == NULL));
	assert(a->len == b->len);
	assert(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Fields written and split again are the same fields. */
static void
round_trip(const struct tsv_field *fields, size_t count, size_t n)
{
	char *line = malloc(2 * n + 2 * count + 1), *p = line, *cut;
	struct tsv_field again[FIELDS_MAX];
	struct err e = {0};
	size_t i;

	if (line == NULL)
		abort();
	for (i = 0; i < count; i++) {
		if (i > 0)
			*p++ = '\t';
		if (fields[i].data == NULL) {
			*p++ = '\\';
			*p++ = 'N';
		} else {
			p = tsv_put(p, fields[i].data, fields[i].len);
		}
	}
	cut = copy(line, (size_t)(p - line));
	assert(memchr(cut, '\n', (size_t)(p - line)) == NULL);
	assert(tsv_split(cut, (size_t)(p - line), again, count, &e) == 0);
	for (i = 0; i < count; i++)
		same(&fields[i], &again[i]);
	free(cut);
	free(line);
}

/* The first byte tells how many columns are expected. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tsv_field fields[FIELDS_MAX], whole;
	struct err e = {0};
	size_t count;
	char *line;

	if (size == 0)
		return 0;
	count = data[0] % FIELDS_MAX + 1;
	line = copy(data + 1, size - 1);
	whole = (struct tsv_field){ line, size - 1 };
	round_trip(&whole, 1, size);
	if (tsv_split(line, size - 1, fields, count, &e) == 0)
		round_trip(fields, count, size);
	else
		assert(e.code == ERR_CORRUPT && e.msg[0] != '\0');
	free(line);
	return 0;
}
