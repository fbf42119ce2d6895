/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_fuzz: tokens lie in the text; what was checked stays what it is. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/ddl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
tokens(const char *text, size_t n, int how)
{
	const char *last = text;
	struct ddl_reader r;
	struct ddl_token t;

	ddl_reader_init(&r, text, n);
	r.no_escapes = how == 1;
	r.dollars = how == 2;
	while ((t = ddl_next(&r)).kind != DDL_END) {
		assert(t.len > 0 && t.at >= last && t.at + t.len <= text + n);
		last = t.at + t.len;
		if (t.kind == DDL_BAD)
			break;
		if (t.kind == DDL_NAME)
			assert(t.len >= 2 && *t.at == '`' && last[-1] == '`');
	}
}

static const char *
same_schema(void *arg, const char *schema)
{
	(void)arg;
	return schema;
}

static const char *
same_table(void *arg, const char *schema, const char *table)
{
	(void)arg;
	assert(schema != NULL);
	return table;
}

/* Renamed to the same names it is still one statement of its kind. */
static void
rename_same(const char *text, size_t n, const char *kind)
{
	const struct ddl_map map = { same_schema, same_table, NULL, "home" };
	struct buf out = {0};
	struct err e = {0};

	if (ddl_rename(text, n, &map, &out, &e) != 0)
		assert(e.code == ERR_CORRUPT);
	else if (kind != NULL)
		assert(ddl_check(buf_str(&out), out.len, kind, &e) == 0);
	buf_free(&out);
}

/* A table that was checked brings no rows, whatever is taken out of it. */
static void
split(const char *text, size_t n, bool checked)
{
	struct buf parts[3] = {{0}, {0}, {0}};
	struct err e = {0};
	struct ddl_reader r;
	struct ddl_token t;
	size_t i;
	int rc = ddl_split_table(text, n, true, &parts[0], &parts[1],
	    &parts[2], &e);

	assert(rc == 0 || (e.code == ERR_CORRUPT && e.msg[0] != '\0'));
	assert(rc == 0 || !checked);
	if (rc == 0)
		assert(ddl_check(buf_str(&parts[0]), parts[0].len, "TABLE",
		    &e) == 0 && ddl_check_added(buf_str(&parts[1]),
		    parts[1].len, &e) == 0 && ddl_check_added(
		    buf_str(&parts[2]), parts[2].len, &e) == 0);
	for (i = 0; i < 3 && rc == 0; i++) {
		ddl_reader_init(&r, buf_str(&parts[i]), parts[i].len);
		while ((t = ddl_next(&r)).kind != DDL_END) {
			assert(t.kind != DDL_BAD && !ddl_is(&t, "SELECT"));
			assert(!ddl_is_punct(&t, ';'));
		}
	}
	for (i = 0; i < 3; i++)
		buf_free(&parts[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = { "TABLE", "DATABASE", "SEQUENCE",
		"VIEW", "USER", "ROLE", "PROCEDURE", "FUNCTION", "TRIGGER",
		"EVENT", "PACKAGE", "PACKAGE BODY", "LIBRARY" };
	char *text = malloc(size > 0 ? size : 1);
	struct err e;
	size_t i;
	int good = 0;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	tokens(text, size, 0);
	tokens(text, size, 1);
	tokens(text, size, 2);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		e = (struct err){0};
		if (ddl_check(text, size, kinds[i], &e) != 0) {
			assert(e.code == ERR_CORRUPT && e.msg[0] != '\0');
			continue;
		}
		/* of one kind alone, and no grant */
		good += strcmp(kinds[i], "PACKAGE BODY") != 0;
		assert(ddl_check_grant(text, size, &e) != 0);
		if (strcmp(kinds[i], "TABLE") == 0)
			rename_same(text, size, kinds[i]);
	}
	assert(good <= 1);
	e = (struct err){0};
	split(text, size, ddl_check(text, size, "TABLE", &e) == 0);
	rename_same(text, size, NULL);
	e = (struct err){0};
	(void)ddl_check_script(text, size, &e);
	(void)ddl_names(text, size, "shop");
	free(text);
	return 0;
}
