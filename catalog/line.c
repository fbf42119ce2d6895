/* SPDX-License-Identifier: Apache-2.0 */
/* line: one line of a list, checked before anybody believes it. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/head.h"
#include "catalog/member.h"

#include "catalog/list.h"

#define COLUMNS_MAX 4096

static const struct {
	const char *name;
	enum line_kind kind;
} kinds[] = {
	{ "schema", LINE_SCHEMA }, { "account", LINE_ACCOUNT },
	{ "role", LINE_ROLE }, { "grant", LINE_GRANT },
	{ "sequence", LINE_SEQUENCE }, { "table", LINE_TABLE },
	{ "chunk", LINE_CHUNK }, { "member", LINE_MEMBER },
	{ "view", LINE_VIEW }, { "routine", LINE_ROUTINE },
	{ "trigger", LINE_TRIGGER }, { "event", LINE_EVENT },
};

const char *
line_kind_name(enum line_kind kind)
{
	return kinds[kind].name;
}

static int
sum(const json_t *json, const char *name, struct rowsum *out, struct err *e)
{
	const char *hex;

	if (member_text(json, name, 32, &hex, e) != 0)
		return -1;
	return rowsum_parse(hex, out) == 0 ? 0 : member_bad(e, name);
}

/* data/<id>/... with nothing in it that could lead elsewhere: the store checks
 * the rest of a key. */
static int
data_key(const char *key)
{
	char id[BACKUP_ID_LEN + 1];

	if (strncmp(key, "data/", 5) != 0 ||
	    strlen(key) < 5 + BACKUP_ID_LEN + 2)
		return -1;
	memcpy(id, key + 5, BACKUP_ID_LEN);
	id[BACKUP_ID_LEN] = '\0';
	if (!backup_id_valid(id) || key[5 + BACKUP_ID_LEN] != '/' ||
	    strstr(key, "..") != NULL || strstr(key, "//") != NULL)
		return -1;
	return 0;
}

static int
place(const json_t *json, const char *name, struct place *out, struct err *e)
{
	const json_t *p = json_object_get(json, name);
	const char *bundle;

	if (!json_is_object(p) || member_text(p, "bundle",
	    sizeof(out->bundle) - 1, &bundle, e) != 0 ||
	    data_key(bundle) != 0)
		return member_bad(e, name);
	memcpy(out->bundle, bundle, strlen(bundle) + 1);
	if (member_count(p, "offset", BUNDLE_SIZE_MAX * 64, &out->offset,
	    e) != 0 ||
	    member_count(p, "length", (uint64_t)1 << 31, &out->length, e) != 0)
		return -1;
	return member_digest(p, "sha256", out->sha256, e);
}

static int
parse_table(const json_t *json, struct line *l, struct err *e)
{
	const json_t *columns = json_object_get(json, "columns"), *one;
	enum conversion as;
	const char *name;
	size_t i;

	if (member_count(json, "n", UINT32_MAX, &l->n, e) != 0 ||
	    member_text(json, "schema", 256, &l->schema, e) != 0 ||
	    member_text(json, "name", 256, &l->name, e) != 0 ||
	    member_text(json, "engine", 64, &l->engine, e) != 0 ||
	    place(json, "ddl", &l->place, e) != 0 ||
	    member_count(json, "rows", INT64_MAX, &l->rows, e) != 0 ||
	    member_count(json, "raw", INT64_MAX, &l->raw, e) != 0 ||
	    member_count(json, "chunks", UINT32_MAX, &l->chunks, e) != 0 ||
	    member_count(json, "json_changed", INT64_MAX, &l->json_changed,
	    e) != 0 || sum(json, "digest", &l->digest, e) != 0 ||
	    sum(json, "digest_reload", &l->digest_reload, e) != 0)
		return -1;
	l->has_digest_reload = true;
	if (!json_is_array(columns) ||
	    json_array_size(columns) > COLUMNS_MAX)
		return member_bad(e, "columns");
	for (i = 0; i < json_array_size(columns); i++) {
		one = json_array_get(columns, i);
		if (member_text(one, "name", 256, &name, e) != 0 ||
		    member_text(one, "as", 32, &name, e) != 0)
			return -1;
		if (conversion_parse(name, &as) != 0)
			return err_set(e, ERR_USAGE, 0, "unknown conversion "
			    "'%.32s': it needs a newer Kura", name);
	}
	return 0;
}

static bool
is_base64(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
	    "uvwxyz0123456789+/"), pad = strspn(text + n, "=");

	return text[n + pad] == '\0' && pad < 3 && (n + pad) % 4 == 0;
}

static int
parse_chunk(const json_t *json, struct line *l, struct err *e)
{
	if (member_count(json, "table", UINT32_MAX, &l->table, e) != 0 ||
	    member_count(json, "n", UINT32_MAX, &l->n, e) != 0 ||
	    member_text(json, "object", 300, &l->object, e) != 0 ||
	    member_count(json, "size", INT64_MAX, &l->size, e) != 0 ||
	    member_count(json, "rows", INT64_MAX, &l->rows, e) != 0 ||
	    member_count(json, "raw", INT64_MAX, &l->raw, e) != 0 ||
	    member_count(json, "enum0", INT64_MAX, &l->enum0, e) != 0 ||
	    member_digest(json, "stored_sha256", l->stored_sha256, e) != 0 ||
	    member_digest(json, "frame_sha256", l->frame_sha256, e) != 0 ||
	    sum(json, "digest", &l->digest, e) != 0 ||
	    member_text(json, "first_b64", LIST_LINE_MAX, &l->first_b64,
	    e) != 0 ||
	    member_text(json, "last_b64", LIST_LINE_MAX, &l->last_b64, e) != 0)
		return -1;
	if (!is_base64(l->first_b64) || !is_base64(l->last_b64))
		return member_bad(e, "first_b64 or last_b64");
	return data_key(l->object) == 0 ? 0 : member_bad(e, "object");
}

static int
parse_member(const json_t *json, struct line *l, struct err *e)
{
	if (member_count(json, "table", UINT32_MAX, &l->table, e) != 0 ||
	    place(json, "place", &l->place, e) != 0 ||
	    member_count(json, "rows", INT64_MAX, &l->rows, e) != 0 ||
	    member_count(json, "raw", INT64_MAX, &l->raw, e) != 0 ||
	    member_count(json, "enum0", INT64_MAX, &l->enum0, e) != 0)
		return -1;
	return sum(json, "digest", &l->digest, e);
}

/* Definitions that stand in the line itself: none is empty. */
static int
inline_ddl(const json_t *json, struct line *l, struct err *e)
{
	if (member_text(json, "ddl", LIST_LINE_MAX, &l->ddl, e) != 0)
		return -1;
	return l->ddl[0] != '\0' ? 0 : member_bad(e, "ddl");
}

static int
parse_object(const json_t *json, struct line *l, struct err *e)
{
	if (member_text(json, "schema", 256, &l->schema, e) != 0 ||
	    member_text(json, "name", 256, &l->name, e) != 0)
		return -1;
	if (l->kind == LINE_SEQUENCE)
		return inline_ddl(json, l, e);
	if (l->kind == LINE_ROUTINE &&
	    member_text(json, "type", 32, &l->type, e) != 0)
		return -1;
	if (l->kind == LINE_TRIGGER &&
	    member_text(json, "table", 256, &l->table_name, e) != 0)
		return -1;
	return place(json, "ddl", &l->place, e);
}

int
line_parse(const json_t *json, struct line *l, struct err *e)
{
	const char *kind;
	size_t i;

	*l = (struct line){ .json = json, .schema = "", .name = "",
	    .engine = "", .type = "", .table_name = "", .ddl = "",
	    .object = "", .first_b64 = "", .last_b64 = "" };
	if (member_text(json, "kind", 32, &kind, e) != 0)
		return -1;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return err_set(e, ERR_USAGE, 0, "unknown kind of line "
		    "'%.32s': it needs a newer Kura", kind);
	l->kind = kinds[i].kind;
	switch (l->kind) {
	case LINE_SCHEMA:
	case LINE_ACCOUNT:
	case LINE_ROLE:
	case LINE_GRANT:
		if (member_text(json, "name", 1024, &l->name, e) != 0)
			return -1;
		return inline_ddl(json, l, e);
	case LINE_TABLE:
		return parse_table(json, l, e);
	case LINE_CHUNK:
		return parse_chunk(json, l, e);
	case LINE_MEMBER:
		return parse_member(json, l, e);
	case LINE_SEQUENCE:
	case LINE_VIEW:
	case LINE_ROUTINE:
	case LINE_TRIGGER:
	case LINE_EVENT:
		break;
	}
	return parse_object(json, l, e);
}

size_t
line_columns(const struct line *l)
{
	return json_array_size(json_object_get(l->json, "columns"));
}

const char *
line_column(const struct line *l, size_t i, enum conversion *as)
{
	const json_t *one = json_array_get(json_object_get(l->json,
	    "columns"), i);

	(void)conversion_parse(head_text(one, "as"), as);
	return head_text(one, "name");
}

json_t *
place_json(const struct place *p)
{
	return json_pack("{s:s, s:I, s:I, s:s}", "bundle", p->bundle,
	    "offset", (json_int_t)p->offset, "length",
	    (json_int_t)p->length, "sha256", p->sha256);
}
