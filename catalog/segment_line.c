/* SPDX-License-Identifier: Apache-2.0 */
/* segment_line: one transaction as a line of an index, and back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "catalog/member.h"
#include "codec/digest.h"

#include "catalog/segment.h"

#define IDENTIFIER_MAX 255	/* bytes of a schema's or table's name */

static const char *const kinds[] = { "rows", "statement", "ddl", "xa-prepare",
	"xa-commit", "xa-rollback", "empty" };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *
transaction_kind_text(enum transaction_kind kind)
{
	return kinds[kind];
}

/* --- writing --- */

/* What is no UTF-8 stands as base64 in a member of another name. */
static void
add_text(struct buf *out, const char *name, const char *text)
{
	char base64[(TRANSACTION_SQL_MAX + 2) / 3 * 4 + 1];
	size_t n = strlen(text);

	buf_addf(out, "\"%s", name);
	if (utf8_valid(text)) {
		buf_adds(out, "\":");
		utf8_json(text, out);
		return;
	}
	base64_encode(text, n < TRANSACTION_SQL_MAX ? n : TRANSACTION_SQL_MAX,
	    base64);
	buf_addf(out, "_b64\":\"%s\"", base64);
}

static void
add_count(struct buf *out, const char *name, uint64_t n)
{
	if (n > 0)
		buf_addf(out, ",\"%s\":%" PRIu64, name, n);
}

static void
add_tables(struct buf *out, const struct transaction *t)
{
	const struct transaction_table *one;
	size_t i;

	buf_adds(out, ",\"tables\":[");
	for (i = 0; i < t->ntables; i++) {
		one = &t->tables[i];
		buf_addc(out, i == 0 ? '{' : ',');
		if (i > 0)
			buf_addc(out, '{');
		add_text(out, "schema", one->schema);
		buf_addc(out, ',');
		add_text(out, "table", one->table);
		add_count(out, "writes", one->writes);
		add_count(out, "updates", one->updates);
		add_count(out, "deletes", one->deletes);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

void
transaction_line(const struct transaction *t, struct buf *out)
{
	char when[CLOCK_TEXT], gtid[GTID_TEXT];

	clock_rfc3339(t->time_us, when);
	buf_addf(out, "{\"time\":\"%s\"", when);
	if (t->gtid.commit_us != 0 && t->gtid.commit_us != t->time_us) {
		clock_rfc3339(t->gtid.commit_us, when);
		buf_addf(out, ",\"committed\":\"%s\"", when);
	}
	if (t->gtid.gtid.set) {
		gtid_text(&t->gtid.gtid, gtid);
		buf_addf(out, ",\"gtid\":\"%s\"", gtid);
	}
	buf_addf(out, ",\"offset\":%" PRIu64 ",\"size\":%" PRIu64
	    ",\"kind\":\"%s\"", t->offset, t->size, kinds[t->kind]);
	add_count(out, "row_events", t->row_events);
	add_count(out, "start_alter", t->gtid.start_alter);
	add_count(out, "commit_alter", t->gtid.commit_alter);
	add_count(out, "rollback_alter", t->gtid.rollback_alter);
	if (t->ntables > 0)
		add_tables(out, t);
	if (t->tables_cut)
		buf_adds(out, ",\"tables_cut\":true");
	if (t->uncounted)
		buf_adds(out, ",\"uncounted\":true");
	if (t->mixed)
		buf_adds(out, ",\"mixed\":true");
	if (t->incident)
		buf_adds(out, ",\"incident\":true");
	if (t->schema[0] != '\0') {
		buf_addc(out, ',');
		add_text(out, "schema", t->schema);
	}
	if (t->sql[0] != '\0') {
		buf_addc(out, ',');
		add_text(out, "sql", t->sql);
	}
	buf_adds(out, "}\n");
}

/* --- reading --- */

/* The member, or its _b64 form, ended by NUL in room[max + 1]. */
static int
take_text(const json_t *json, const char *name, size_t max, char *room,
    struct err *e)
{
	char other[40], base64[(TRANSACTION_SQL_MAX + 2) / 3 * 4 + 1];
	const char *text;
	long n;

	(void)snprintf(other, sizeof(other), "%s_b64", name);
	if (json_object_get(json, other) == NULL) {
		if (member_text(json, name, max, &text, e) != 0)
			return -1;
		memcpy(room, text, strlen(text) + 1);
		return 0;
	}
	if (member_text(json, other, sizeof(base64) - 1, &text, e) != 0)
		return -1;
	n = base64_decode(text, base64);
	if (n < 0 || (size_t)n > max || memchr(base64, '\0', (size_t)n) !=
	    NULL)
		return member_bad(e, other);
	memcpy(room, base64, (size_t)n);
	room[n] = '\0';
	return 0;
}

static bool
has(const json_t *json, const char *name)
{
	char other[40];

	(void)snprintf(other, sizeof(other), "%s_b64", name);
	return json_object_get(json, name) != NULL ||
	    json_object_get(json, other) != NULL;
}

/* 0 when it is not there. */
static int
take_count(const json_t *json, const char *name, uint64_t *out,
    struct err *e)
{
	*out = 0;
	return has(json, name) ? member_count(json, name, INT64_MAX, out, e) :
	    0;
}

static int
take_table(const json_t *json, struct transaction_table *one, struct err *e)
{
	char name[IDENTIFIER_MAX + 1];

	if (!json_is_object(json))
		return member_bad(e, "tables");
	if (take_text(json, "schema", IDENTIFIER_MAX, name, e) != 0)
		return -1;
	one->schema = strdup(name);
	if (take_text(json, "table", IDENTIFIER_MAX, name, e) != 0)
		return -1;
	one->table = strdup(name);
	if (one->schema == NULL || one->table == NULL)
		return err_set(e, ERR_NOMEM, 0, "index");
	if (take_count(json, "writes", &one->writes, e) != 0 ||
	    take_count(json, "updates", &one->updates, e) != 0)
		return -1;
	return take_count(json, "deletes", &one->deletes, e);
}

static int
take_tables(const json_t *json, struct transaction *t, struct err *e)
{
	const json_t *tables = json_object_get(json, "tables");
	size_t n = json_array_size(tables), i;

	if (tables == NULL)
		return 0;
	if (!json_is_array(tables) || n == 0 || n > TRANSACTION_TABLES_MAX)
		return member_bad(e, "tables");
	t->tables = calloc(n, sizeof(*t->tables));
	if (t->tables == NULL)
		return err_set(e, ERR_NOMEM, 0, "index");
	t->ntables = n;
	for (i = 0; i < n; i++)
		if (take_table(json_array_get(tables, i), &t->tables[i],
		    e) != 0)
			return -1;
	return 0;
}

static int
take_gtid(const json_t *json, struct transaction *t, struct err *e)
{
	struct err ignored = {0};
	const char *text;

	if (!has(json, "gtid"))
		return 0;
	if (member_text(json, "gtid", GTID_TEXT - 1, &text, e) != 0)
		return -1;
	/* MySQL's alone have a colon. */
	return gtid_parse(text, strchr(text, ':') != NULL ? FLAVOUR_MYSQL :
	    FLAVOUR_MARIADB, &t->gtid.gtid, &ignored) == 0 ? 0 :
	    member_bad(e, "gtid");
}

static int
take_kind(const json_t *json, struct transaction *t, struct err *e)
{
	const char *text;
	size_t i;

	if (member_text(json, "kind", 32, &text, e) != 0)
		return -1;
	for (i = 0; i < KINDS; i++)
		if (strcmp(kinds[i], text) == 0) {
			t->kind = (enum transaction_kind)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, 0, "unknown kind of transaction "
	    "'%.32s': it needs a newer Kura", text);
}

static int
take_all(const json_t *json, struct transaction *t, struct err *e)
{
	if (member_time(json, "time", &t->time_us, e) != 0 ||
	    (has(json, "committed") && member_time(json, "committed",
	    &t->gtid.commit_us, e) != 0) ||
	    take_gtid(json, t, e) != 0 ||
	    member_count(json, "offset", INT64_MAX, &t->offset, e) != 0 ||
	    member_count(json, "size", INT64_MAX - t->offset, &t->size,
	    e) != 0 || take_kind(json, t, e) != 0 ||
	    take_count(json, "row_events", &t->row_events, e) != 0 ||
	    take_count(json, "start_alter", &t->gtid.start_alter, e) != 0 ||
	    take_count(json, "commit_alter", &t->gtid.commit_alter, e) != 0 ||
	    take_count(json, "rollback_alter", &t->gtid.rollback_alter,
	    e) != 0 || take_tables(json, t, e) != 0)
		return -1;
	/* A transaction of no bytes would stand for "none" elsewhere. */
	if (t->size == 0)
		return member_bad(e, "size");
	t->tables_cut = json_is_true(json_object_get(json, "tables_cut"));
	t->uncounted = json_is_true(json_object_get(json, "uncounted"));
	t->mixed = json_is_true(json_object_get(json, "mixed"));
	t->incident = json_is_true(json_object_get(json, "incident"));
	if (has(json, "schema") && take_text(json, "schema",
	    sizeof(t->schema) - 1, t->schema, e) != 0)
		return -1;
	return !has(json, "sql") ? 0 : take_text(json, "sql",
	    TRANSACTION_SQL_MAX, t->sql, e);
}

int
transaction_line_parse(const char *line, size_t n, struct transaction *t,
    struct err *e)
{
	json_error_t why;
	json_t *json;
	int rc = -1;

	*t = (struct transaction){0};
	if (n > TRANSACTION_LINE_MAX)
		return err_set(e, ERR_CORRUPT, 0, "a line of over %zu bytes",
		    TRANSACTION_LINE_MAX);
	json = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(json))
		(void)err_set(e, ERR_CORRUPT, 0, "no JSON object: %s",
		    json == NULL ? why.text : "another type");
	else
		rc = take_all(json, t, e);
	json_decref(json);
	if (rc != 0)
		transaction_line_free(t);
	return rc;
}

int
transaction_line_copy(const struct transaction *from, struct transaction *to,
    struct err *e)
{
	size_t i;

	*to = *from;
	to->tables = NULL;
	to->ntables = 0;
	if (from->ntables == 0)
		return 0;
	to->tables = calloc(from->ntables, sizeof(*to->tables));
	for (i = 0; to->tables != NULL && i < from->ntables; i++) {
		to->tables[i] = from->tables[i];
		to->tables[i].schema = strdup(from->tables[i].schema);
		to->tables[i].table = strdup(from->tables[i].table);
		to->ntables++;
		if (to->tables[i].schema == NULL ||
		    to->tables[i].table == NULL)
			break;
	}
	if (to->tables != NULL && i == from->ntables)
		return 0;
	transaction_line_free(to);
	return err_set(e, ERR_NOMEM, 0, "index");
}

void
transaction_line_free(struct transaction *t)
{
	while (t->ntables > 0) {
		t->ntables--;
		free(t->tables[t->ntables].schema);
		free(t->tables[t->ntables].table);
	}
	free(t->tables);
	*t = (struct transaction){0};
}
