/* SPDX-License-Identifier: Apache-2.0 */
/* define: read each object's definition as the server prints it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "codec/frame.h"
#include "mysql/connect.h"

#include "backupd/plan.h"

/* One CREATE statement; the server's own limit is max_allowed_packet. */
#define DDL_MAX ((size_t)256 << 20)

struct define {
	struct plan *plan;
	struct conn *conn;
	struct bundle_writer *bundle;
	struct buf ddl, packed;
	unsigned others;	/* objects so far that are no tables */
	long long next;		/* of the sequence at hand */
	int level;
};

static int
keep_json(struct plan *p, json_t *line, struct err *e)
{
	char *text = line == NULL ? NULL :
	    json_dumps(line, JSON_COMPACT);

	json_decref(line);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "list line");
	return plan_keep_line(p, text, e);
}

static json_t *
context_json(const struct schema_context *x, const struct plan_item *it)
{
	return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}",
	    "sql_mode", x->sql_mode, "charset", x->charset,
	    "collation", x->collation, "db_collation", x->db_collation,
	    "time_zone", x->time_zone, "definer", x->definer,
	    "order", (json_int_t)it->order);
}

/* Store the text in d->ddl as a member of the bundle. */
static int
store_ddl(struct define *d, const struct plan_item *it, struct place *place,
    struct err *e)
{
	char tail[NAME_TAIL_SIZE], member[NAME_TAIL_SIZE + 32];

	buf_clear(&d->packed);
	if (frame_compress(buf_str(&d->ddl), d->ddl.len, d->level, &d->packed,
	    e) != 0)
		return -1;
	name_tail(it->schema, it->name, tail);
	if (it->kind == SCHEMA_TABLE)
		(void)snprintf(member, sizeof(member), "%05u-%s.sql.zst",
		    (unsigned)it->n, tail);
	else
		(void)snprintf(member, sizeof(member), "o%05u-%s.sql.zst",
		    ++d->others, tail);
	return bundle_add(d->bundle, member, d->packed.data, d->packed.len,
	    place, e);
}

static const char *
kind_name(enum schema_kind kind)
{
	switch (kind) {
	case SCHEMA_SCHEMA: return "schema";
	case SCHEMA_TABLE: return "table";
	case SCHEMA_VIEW: return "view";
	case SCHEMA_SEQUENCE: return "sequence";
	case SCHEMA_ROUTINE: return "routine";
	case SCHEMA_TRIGGER: return "trigger";
	case SCHEMA_EVENT: return "event";
	}
	return "";
}

static json_t *
line_json(const struct plan_item *it, const struct define *d,
    const struct place *place, const struct schema_context *x)
{
	json_t *line = json_pack("{s:s}", "kind", kind_name(it->kind));
	int rc = 0;

	if (it->kind == SCHEMA_SCHEMA) {
		rc |= json_object_set_new(line, "name",
		    json_string(it->schema));
	} else {
		rc |= json_object_set_new(line, "schema",
		    json_string(it->schema));
		rc |= json_object_set_new(line, "name",
		    json_string(it->name));
	}
	if (it->kind == SCHEMA_ROUTINE)
		rc |= json_object_set_new(line, "type",
		    json_string(it->type));
	if (it->kind == SCHEMA_TRIGGER)
		rc |= json_object_set_new(line, "table",
		    json_string(it->table));
	if (it->kind == SCHEMA_SEQUENCE)
		rc |= json_object_set_new(line, "next",
		    json_integer((json_int_t)d->next));
	if (it->kind == SCHEMA_SCHEMA || it->kind == SCHEMA_SEQUENCE) {
		rc |= json_object_set_new(line, "ddl",
		    json_stringn(buf_str(&d->ddl), d->ddl.len));
	} else {
		rc |= json_object_set_new(line, "ddl", place_json(place));
		rc |= json_object_set_new(line, "context",
		    context_json(x, it));
	}
	if (rc != 0) {
		json_decref(line);
		return NULL;
	}
	return line;
}

/* The value that a sequence gives next, past what the server has cached. */
static int
sequence_value(struct define *d, const struct plan_item *it, struct err *e)
{
	struct buf sql = {0}, value = {0};
	int rc = -1;

	buf_adds(&sql, "SELECT next_not_cached_value FROM ");
	sql_ident(&sql, it->schema);
	buf_addc(&sql, '.');
	sql_ident(&sql, it->name);
	if (buf_check(&sql, "SELECT", e) == 0)
		rc = conn_value(d->conn, buf_str(&sql), &value, e);
	d->next = strtoll(buf_str(&value), NULL, 10);
	buf_free(&sql);
	buf_free(&value);
	return rc;
}

static int
define_item(struct define *d, struct plan_item *it, struct err *e)
{
	const struct schema_item item = {
		.kind = it->kind, .schema = it->schema, .name = it->name,
		.type = it->type, .table = it->table, .order = it->order,
		.transactional = it->transactional,
	};
	struct schema_context context = {0};
	struct place place = {0};
	int rc = -1;

	buf_clear(&d->ddl);
	if (schema_ddl(d->conn, d->plan->flavour, &item, &d->ddl, &context,
	    e) != 0)
		goto out;
	if (it->kind == SCHEMA_SEQUENCE && sequence_value(d, it, e) != 0)
		goto out;
	if (it->kind != SCHEMA_SCHEMA && it->kind != SCHEMA_SEQUENCE &&
	    store_ddl(d, it, &place, e) != 0)
		goto out;
	if (it->kind == SCHEMA_TABLE) {
		it->ddl = place;
		plan_ddl_digest(buf_str(&d->ddl), d->ddl.len, it->ddl_digest);
		rc = 0;
	} else {
		rc = keep_json(d->plan, line_json(it, d, &place, &context),
		    e);
	}
out:	schema_context_free(&context);
	if (rc != 0)
		(void)err_wrap(e, "%s %s%s%s", kind_name(it->kind),
		    it->schema, it->name[0] != '\0' ? "." : "", it->name);
	return rc;
}

static int
add_account(void *arg, const char *kind, const char *name, const char *sql,
    struct err *e)
{
	struct define *d = arg;

	d->plan->accounts += strcmp(kind, "grant") != 0;
	return keep_json(d->plan, json_pack("{s:s, s:s, s:s}", "kind", kind,
	    "name", name, "ddl", sql), e);
}

int
plan_define(struct plan *p, struct conn *c, struct bundle_writer *b,
    bool accounts, int level, struct err *e)
{
	struct define d = { .plan = p, .conn = c, .bundle = b,
	    .level = level };
	size_t i;
	int rc = 0;

	buf_init(&d.ddl, DDL_MAX);
	buf_init(&d.packed, DDL_MAX);
	/* Schemas come first in the scan: their lines lead the list. */
	for (i = 0; i < p->nitems && rc == 0; i++)
		rc = define_item(&d, &p->items[i], e);
	if (rc == 0 && accounts) {
		rc = schema_accounts(c, p->flavour, add_account, &d, e);
		if (rc != 0)
			(void)err_wrap(e, "accounts");
	}
	buf_free(&d.ddl);
	buf_free(&d.packed);
	return rc;
}
