/* SPDX-License-Identifier: Apache-2.0 */
/* list_fuzz: any line of a list is what it must be, or refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "catalog/head.h"
#include "catalog/list.h"
#include "catalog/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_place(const struct place *p)
{
	struct place back = {0};
	json_t *json = place_json(p);

	assert(json != NULL);
	assert(memcmp(p->bundle, "data/", 5) == 0);
	assert(strlen(p->bundle) < sizeof(p->bundle));
	assert(strstr(p->bundle, "..") == NULL);
	assert(strlen(p->sha256) == 64);
	back.offset = head_count(json, "offset");
	back.length = head_count(json, "length");
	assert(back.offset == p->offset && back.length == p->length);
	json_decref(json);
}

/* What a parsed line promises to those who use it. */
static void
look(const struct line *l)
{
	enum conversion as = CONVERSION_PLAIN;
	char key[STORE_KEY_MAX];
	size_t i;

	assert(strcmp(head_text(l->json, "kind"), line_kind_name(l->kind)) ==
	    0);
	switch (l->kind) {
	case LINE_TABLE:
		assert(l->n <= UINT32_MAX && l->chunks <= UINT32_MAX);
		for (i = 0; i < line_columns(l); i++) {
			assert(strlen(line_column(l, i, &as)) <= 256);
			assert(conversion_name(as) != NULL);
		}
		look_place(&l->place);
		chunk_key("20261122T181500Z-7c1e", (uint32_t)l->n, l->schema,
		    l->name, 1, key);
		assert(strchr(key + 27, '/') == strrchr(key, '/'));
		break;
	case LINE_CHUNK:
		assert(memcmp(l->object, "data/", 5) == 0);
		assert(strstr(l->object, "..") == NULL);
		assert(strlen(l->stored_sha256) == 64);
		assert(source_key("a", l->object, key) == 0);
		break;
	case LINE_MEMBER:
	case LINE_VIEW:
	case LINE_ROUTINE:
	case LINE_TRIGGER:
	case LINE_EVENT:
		look_place(&l->place);
		break;
	case LINE_SCHEMA:
	case LINE_ACCOUNT:
	case LINE_ROLE:
	case LINE_GRANT:
	case LINE_SEQUENCE:
		assert(l->ddl[0] != '\0');
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *lf;
	struct line line;
	struct err e;
	json_t *json;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		json = json_loadb(p, (size_t)(lf - p), JSON_REJECT_DUPLICATES,
		    NULL);
		if (json == NULL)
			continue;
		e = (struct err){0};
		if (line_parse(json, &line, &e) == 0)
			look(&line);
		else
			assert((e.code == ERR_CORRUPT ||
			    e.code == ERR_USAGE) && e.msg[0] != '\0');
		json_decref(json);
		if (lf == end)
			break;
	}
	return 0;
}
