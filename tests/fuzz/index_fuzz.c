/* SPDX-License-Identifier: Apache-2.0 */
/* index_fuzz: lines are transactions or refused, and so are indexes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written, and then the same is read. */
static int
look(void *arg, const struct transaction *t, struct err *e)
{
	struct buf line = {0}, again = {0};
	struct transaction back;

	(void)arg;
	assert(t->size > 0 && t->offset <= INT64_MAX - t->size);
	assert(transaction_kind_text(t->kind) != NULL);
	assert(t->ntables <= TRANSACTION_TABLES_MAX);
	transaction_line(t, &line);
	assert(line.len <= TRANSACTION_LINE_MAX);
	assert(transaction_line_parse(line.data, line.len, &back, e) == 0);
	transaction_line(&back, &again);
	assert(line.len == again.len &&
	    memcmp(line.data, again.data, line.len) == 0);
	transaction_line_free(&back);
	buf_free(&line);
	buf_free(&again);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf lines = {0}, back = {0}, frame = {0};
	struct err e = {0};

	/* as a whole index, as a frame, and in a frame */
	buf_add(&lines, data, size);
	if (index_lines(&lines, look, NULL, &e) != 0)
		assert((e.code == ERR_CORRUPT || e.code == ERR_USAGE) &&
		    e.msg[0] != '\0');
	e = (struct err){0};
	if (segment_index_parse(data, size, &back, &e) != 0)
		assert(e.code == ERR_CORRUPT && e.msg[0] != '\0');
	e = (struct err){0};
	assert(segment_index_write(&lines, &frame, &e) == 0);
	if (segment_index_parse(frame.data, frame.len, &back, &e) == 0)
		assert(back.len == size);
	else
		assert(size > 0 && data[size - 1] != '\n');
	buf_free(&lines);
	buf_free(&back);
	buf_free(&frame);
	return 0;
}
