/* SPDX-License-Identifier: Apache-2.0 */
/* gtid_fuzz: any text or bytes are a set of GTIDs or refused, and sets come
 * back as they were. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/gtid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is the same when it is written and read again. */
static void
again(const struct gtid_set *s)
{
	enum flavour_kind kind = gtid_set_kind(s);
	struct gtid_set *back;
	struct buf out = {0};
	struct err e = {0};

	back = gtid_set_new(kind, &e);
	gtid_set_text(s, &out);
	assert(gtid_set_parse(back, buf_str(&out), &e) == 0);
	assert(gtid_set_equal(s, back));
	assert(gtid_set_includes(s, back) && gtid_set_includes(back, s));
	assert(gtid_set_union(back, s, &e) == 0 && gtid_set_equal(s, back));
	buf_clear(&out);
	gtid_set_position(s, &out);
	assert(gtid_set_parse(back, buf_str(&out), &e) == 0);
	if (kind == FLAVOUR_MYSQL) {
		assert(gtid_set_subtract(back, s, &e) == 0);
		assert(gtid_set_empty(back) && gtid_set_count(back) == 0);
		buf_clear(&out);
		assert(gtid_set_encode(s, &out, &e) == 0);
		assert(gtid_set_decode(back, out.data, out.len, &e) == 0);
		assert(gtid_set_equal(s, back));
	}
	gtid_set_free(back);
	buf_free(&out);
}

static void
text(enum flavour_kind kind, const char *in)
{
	struct err e = {0};
	struct gtid_set *s = gtid_set_new(kind, &e);
	char out[GTID_TEXT];
	struct gtid g, back;

	if (gtid_set_parse(s, in, &e) == 0)
		again(s);
	else
		assert(e.code == ERR_CORRUPT && gtid_set_empty(s));
	e = (struct err){0};
	if (gtid_parse(in, kind, &g, &e) == 0) {
		gtid_text(&g, out);
		assert(gtid_parse(out, kind, &back, &e) == 0);
		assert(gtid_equal(&g, &back));
		assert(gtid_set_contains(s, &g));
		assert(gtid_set_add(s, &g, &e) == 0);
		assert(gtid_set_contains(s, &g));
	} else
		assert(e.code == ERR_USAGE);
	gtid_set_free(s);
}

static void
binary(enum flavour_kind kind, const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct gtid_set *s = gtid_set_new(kind, &e);

	if (gtid_set_decode(s, data, size, &e) == 0)
		again(s);
	else
		assert(e.code == ERR_CORRUPT && gtid_set_empty(s));
	gtid_set_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in = {0};

	buf_add(&in, data, size);
	text(FLAVOUR_MYSQL, buf_str(&in));
	text(FLAVOUR_MARIADB, buf_str(&in));
	binary(FLAVOUR_MYSQL, data, size);
	binary(FLAVOUR_MARIADB, data, size);
	buf_free(&in);
	return 0;
}
