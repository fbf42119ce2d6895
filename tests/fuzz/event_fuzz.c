/* SPDX-License-Identifier: Apache-2.0 */
/* event_fuzz: any file of events is read to its end or refused: frames,
 * transactions, maps, rows and JSON; maps come back under another name. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "mysql/bytes.h"
#include "tests/unit/mysql/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Events claim their own sizes, and no fuzzer guesses checksums: cut sizes to
 * what is there and make the checksums right. */
static void
mend(uint8_t *data, size_t size)
{
	struct event_format f = {0};
	struct event ev;
	struct err e = {0};
	size_t at, n;

	for (at = 4; size - at >= EVENT_HEADER + 4; at += n) {
		n = event_size(data + at);
		if (n < EVENT_HEADER + 4 || n > size - at) {
			n = size - at;
			bytes_put_le(data + at + 9, n, 4);
		}
		if (f.checksum || data[at + 4] == EVENT_FORMAT)
			event_seal(data + at, n);
		e = (struct err){0};
		(void)event_parse(data + at, n, &f, &ev, &e);
	}
}

/* Under another name, and back again. */
static void
rename_maps(const uint8_t *data, size_t size)
{
	struct event_format f = {0};
	struct event ev, other;
	struct rows_table t, u;
	struct buf out = {0};
	struct err e = {0};
	size_t at, n;

	for (at = 4; size - at >= EVENT_HEADER; at += n) {
		n = event_size(data + at);
		if (n == 0 || n > size - at || event_parse(data + at, n, &f,
		    &ev, &e) != 0)
			break;
		if (ev.type != EVENT_TABLE_MAP || rows_table_parse(&ev, &f,
		    &t, &e) != 0) {
			e = (struct err){0};
			continue;
		}
		buf_clear(&out);
		assert(rows_table_rename(&ev, &f, "a", "b", &out, &e) == 0);
		assert(event_parse((const uint8_t *)out.data, out.len, &f,
		    &other, &e) == 0);
		assert(rows_table_parse(&other, &f, &u, &e) == 0);
		assert(u.ncolumns == t.ncolumns && u.id == t.id);
		assert(strcmp(u.schema, "a") == 0 &&
		    strcmp(u.table, "b") == 0);
		rows_table_free(&u);
		rows_table_free(&t);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listing *l = calloc(1, sizeof(*l));
	uint8_t *copy = malloc(size + 1);
	struct err e = {0};

	assert(l != NULL && copy != NULL);
	memcpy(copy, data, size);
	if (size < 4 || memcmp(data, EVENT_MAGIC, 4) != 0)
		(void)rows_json_text(data, size, &l->out, &e);
	else {
		mend(copy, size);
		l->rows = true;
		if (listing_file(l, copy, size, &e) != 0)
			assert(e.code == ERR_CORRUPT || e.code == ERR_NOMEM);
		rename_maps(copy, size);
	}
	listing_free(l);
	free(copy);
	free(l);
	return 0;
}
