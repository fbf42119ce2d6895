/* SPDX-License-Identifier: Apache-2.0 */
/* head_fuzz: any document is a head or refused, and heads come back. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/head.h"
#include "tests/fuzz/mended.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a parsed head promises to those who use it. */
static void
look(const struct head *h)
{
	size_t i;

	assert(backup_id_valid(h->id) && backup_id_valid(h->lineage));
	assert(source_name_valid(h->source) && h->tool != NULL);
	assert(json_is_object(h->server) && json_is_object(h->snapshot) &&
	    json_is_object(h->coordinates) && json_is_object(h->settings) &&
	    json_is_object(h->totals) && json_is_object(h->codec));
	assert(json_is_array(h->inexact) && json_is_array(h->lenders));
	for (i = 0; i < h->nlists; i++) {
		assert(memcmp(h->lists[i].key, "data/", 5) == 0);
		assert(memcmp(h->lists[i].key + 5, h->id, BACKUP_ID_LEN) == 0);
		assert(strlen(h->lists[i].sha256) == 64);
	}
	(void)head_proven(h);
}

static void
parse(const char *text, size_t n)
{
	struct buf one = {0}, two = {0};
	struct head h, back;
	struct err e = {0};

	if (head_parse(text, n, &h, &e) != 0) {
		assert((e.code == ERR_CORRUPT || e.code == ERR_USAGE) &&
		    e.msg[0] != '\0' && h.source == NULL);
		return;
	}
	look(&h);
	if (head_write(&h, &one, &e) == 0) {
		assert(head_parse(one.data, one.len, &back, &e) == 0);
		assert(head_write(&back, &two, &e) == 0);
		assert(one.len == two.len &&
		    memcmp(one.data, two.data, one.len) == 0);
		head_free(&back);
	}
	buf_free(&one);
	buf_free(&two);
	head_free(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mended(data, size, parse);
	return 0;
}
