/* SPDX-License-Identifier: Apache-2.0 */
/* show_rows: the rows that archived transactions changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "catalog/columns.h"
#include "catalog/show_transaction.h"
#include "codec/digest.h"
#include "mysql/rows.h"
#include "mysql/transaction.h"

#include "catalog/show_rows.h"

#define MAPS_MAX 4096		/* tables of one statement */
#define SHOWN_BYTES 64		/* of a value that is no text, for people */

struct show_rows {
	struct columns *columns;
	bool json;
	struct route_place place;	/* of the transaction */
	struct rows_table *maps;	/* of the statement at hand */
	size_t nmaps;
	uint64_t shown;			/* rows of the transaction */
	struct buf room, text;
};

struct show_rows *
show_rows_new(struct store *s, const struct timeline *t,
    const struct route_whole *w, bool json, struct err *e)
{
	struct show_rows *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "rows");
		return NULL;
	}
	r->json = json;
	buf_init(&r->room, EVENT_MAX);
	r->columns = columns_new(s, t, w, e);
	if (r->columns != NULL)
		return r;
	free(r);
	return NULL;
}

static void
clear_maps(struct show_rows *r)
{
	while (r->nmaps > 0)
		rows_table_free(&r->maps[--r->nmaps]);
}

void
show_rows_free(struct show_rows *r)
{
	if (r == NULL)
		return;
	clear_maps(r);
	free(r->maps);
	columns_free(r->columns);
	buf_free(&r->room);
	buf_free(&r->text);
	free(r);
}

int
show_rows_prepare(struct show_rows *r, size_t leg, uint32_t seq,
    const struct transaction *all, size_t n, struct err *e)
{
	return columns_prepare(r->columns, leg, seq, all, n, e);
}

void
show_rows_begin(struct show_rows *r, size_t leg, uint32_t seq,
    uint64_t offset)
{
	r->place = (struct route_place){ leg, seq, offset };
	r->shown = 0;
	clear_maps(r);
	if (r->json)
		(void)fputs(",\"rows\":[", stdout);
}

void
show_rows_end(struct show_rows *r)
{
	if (r->json)
		(void)putchar(']');
}

/* --- values --- */

/* Room for n bytes' base64 or hex is the caller's matter. */
static void
add_base64(struct buf *out, const char *data, size_t n)
{
	if (buf_reserve(out, (n + 2) / 3 * 4 + 1) != 0)
		return;
	base64_encode(data, n, out->data + out->len);
	out->len += (n + 2) / 3 * 4;
}

/* Changes of a JSON document, a step after another. */
static int
add_changes(struct buf *out, const struct rows_value *v, struct err *e)
{
	static const char *const steps[] = { "replace", "insert", "remove" };
	const char *data = v->data, *path;
	struct buf value = {0};
	size_t n = v->len, path_len;
	enum rows_step step;
	int rc;

	while ((rc = rows_change_next(&data, &n, &step, &path, &path_len,
	    &value, e)) == 1) {
		buf_addf(out, "%s%s %.*s %s", out->len > 0 ? ", " : "",
		    steps[step], (int)path_len, path, buf_str(&value));
		buf_clear(&value);
	}
	buf_free(&value);
	return rc;
}

/* In r->text; *is_text: it may be quoted as it is. */
static int
take_value(struct show_rows *r, const struct rows_value *v, bool *is_text,
    struct err *e)
{
	buf_clear(&r->text);
	if (v->form == ROWS_CHANGE) {
		*is_text = true;
		return add_changes(&r->text, v, e);
	}
	buf_add(&r->text, v->data, v->len);
	*is_text = v->form != ROWS_GEOMETRY && memchr(v->data, '\0',
	    v->len) == NULL && utf8_valid(buf_str(&r->text));
	return buf_check(&r->text, "a value", e);
}

static int
value_json(struct show_rows *r, const struct rows_value *v, struct buf *out,
    struct err *e)
{
	bool is_text;

	if (v->form == ROWS_NULL) {
		buf_adds(out, "null");
		return 0;
	}
	if (take_value(r, v, &is_text, e) != 0)
		return -1;
	if (is_text) {
		/* Numbers too: none may lose a digit. */
		utf8_json(buf_str(&r->text), out);
	} else {
		buf_adds(out, "{\"base64\":\"");
		add_base64(out, v->data, v->len);
		buf_adds(out, "\"}");
	}
	return 0;
}

static int
value_text(struct show_rows *r, const struct rows_value *v, struct buf *out,
    struct err *e)
{
	const char *p;
	bool is_text;
	size_t i;

	if (v->form == ROWS_NULL) {
		buf_adds(out, "NULL");
		return 0;
	}
	if (take_value(r, v, &is_text, e) != 0)
		return -1;
	if (v->form == ROWS_NUMBER || v->form == ROWS_CHANGE) {
		buf_adds(out, buf_str(&r->text));
	} else if (is_text) {
		buf_addc(out, '\'');
		for (p = buf_str(&r->text); *p != '\0'; p++)
			buf_addf(out, *p == '\'' || *p == '\\' ? "\\%c" :
			    "%c", *p);
		buf_addc(out, '\'');
	} else {
		buf_adds(out, "0x");
		for (i = 0; i < v->len && i < SHOWN_BYTES; i++)
			buf_addf(out, "%02x", (unsigned char)v->data[i]);
		if (v->len > SHOWN_BYTES)
			buf_addf(out, "... (%zu bytes)", v->len);
	}
	return 0;
}

/* --- rows --- */

static int
add_image(struct show_rows *r, const struct rows_table *t,
    const struct rows_value *image, struct buf *out, struct err *e)
{
	const struct column *known = columns_of(r->columns, &r->place,
	    t->schema, t->table, t->ncolumns);
	char number[24];
	const char *name, *gap = "";
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		if (image[i].form == ROWS_ABSENT)
			continue;
		(void)snprintf(number, sizeof(number), "@%zu", i + 1);
		name = t->columns[i].name != NULL ? t->columns[i].name :
		    known != NULL ? known[i].name : number;
		buf_adds(out, gap);
		if (r->json)
			utf8_json(name, out);
		else
			buf_adds(out, name);
		buf_addc(out, r->json ? ':' : '=');
		if ((r->json ? value_json : value_text)(r, &image[i], out,
		    e) != 0)
			return -1;
		gap = r->json ? "," : ", ";
	}
	return 0;
}

static int
row_json(struct show_rows *r, const struct rows_table *t,
    enum rows_kind kind, const struct rows_value *before,
    const struct rows_value *after, struct buf *out, struct err *e)
{
	static const char *const kinds[] = { "insert", "update", "delete" };

	buf_addf(out, "%s{\"kind\":\"%s\",\"schema\":", r->shown > 0 ? "," :
	    "", kinds[kind]);
	utf8_json(t->schema, out);
	buf_adds(out, ",\"table\":");
	utf8_json(t->table, out);
	if (before != NULL) {
		buf_adds(out, ",\"before\":{");
		if (add_image(r, t, before, out, e) != 0)
			return -1;
		buf_addc(out, '}');
	}
	if (after != NULL) {
		buf_adds(out, ",\"after\":{");
		if (add_image(r, t, after, out, e) != 0)
			return -1;
		buf_addc(out, '}');
	}
	buf_addc(out, '}');
	return 0;
}

static int
row_text(struct show_rows *r, const struct rows_table *t,
    enum rows_kind kind, const struct rows_value *before,
    const struct rows_value *after, struct buf *out, struct err *e)
{
	buf_addf(out, "  %c %s.%s ", "+~-"[kind], t->schema, t->table);
	if (before != NULL && add_image(r, t, before, out, e) != 0)
		return -1;
	if (before != NULL && after != NULL)
		buf_adds(out, " -> ");
	return after == NULL ? 0 : add_image(r, t, after, out, e);
}

static const struct rows_table *
map_of(const struct show_rows *r, uint64_t id)
{
	size_t i;

	/* The last one with the number is the one that counts. */
	for (i = r->nmaps; i-- > 0;)
		if (r->maps[i].id == id)
			return &r->maps[i];
	return NULL;
}

static int
show_all(struct show_rows *r, const struct rows_table *t,
    const struct rows_event *rows, struct err *e)
{
	const struct column *known = columns_of(r->columns, &r->place,
	    t->schema, t->table, t->ncolumns);
	const struct rows_value *before, *after;
	struct rows_reader *reader;
	bool *unsigned_columns;
	struct buf out = {0};
	int rc = -1;
	size_t i;

	unsigned_columns = calloc(t->ncolumns + 1, sizeof(bool));
	for (i = 0; unsigned_columns != NULL && known != NULL &&
	    i < t->ncolumns; i++)
		unsigned_columns[i] = known[i].is_unsigned;
	reader = unsigned_columns == NULL ? NULL : rows_reader_new(t, rows,
	    unsigned_columns, e);
	if (unsigned_columns == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "rows");
	while (reader != NULL &&
	    (rc = rows_next(reader, &before, &after, e)) == 1) {
		buf_clear(&out);
		if ((r->json ? row_json : row_text)(r, t, rows->kind, before,
		    after, &out, e) != 0 || buf_check(&out, "a row", e) != 0) {
			rc = -1;
			break;
		}
		if (r->json) {
			(void)fputs(buf_str(&out), stdout);
		} else {
			show_flat(buf_str(&out));
			(void)putchar('\n');
		}
		r->shown++;
	}
	buf_free(&out);
	rows_reader_free(reader);
	free(unsigned_columns);
	return rc;
}

static int
rows_event(struct show_rows *r, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	const struct rows_table *t;
	struct rows_event rows;
	int rc;

	if (rows_event_parse(ev, f, &rows, e) != 0)
		return -1;
	t = map_of(r, rows.table_id);
	if (t == NULL)
		return err_set(e, ERR_CORRUPT, 0, "%s event: no table has the "
		    "number %" PRIu64, event_name(ev->type), rows.table_id);
	rc = show_all(r, t, &rows, e);
	if ((rows.flags & 1) != 0)
		clear_maps(r);
	return rc;
}

static int
add_map(struct show_rows *r, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct rows_table *maps;

	if (r->nmaps == MAPS_MAX)
		return err_set(e, ERR_CORRUPT, 0, "a statement of over %d "
		    "tables", MAPS_MAX);
	maps = realloc(r->maps, (r->nmaps + 1) * sizeof(*maps));
	if (maps == NULL)
		return err_set(e, ERR_NOMEM, 0, "rows");
	r->maps = maps;
	if (rows_table_parse(ev, f, &maps[r->nmaps], e) != 0)
		return -1;
	r->nmaps++;
	return 0;
}

static int
payload(struct show_rows *r, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct event_payload *p = event_payload_open(ev, f, e);
	struct event inner;
	int rc;

	if (p == NULL)
		return -1;
	while ((rc = event_payload_next(p, &inner, e)) == 1)
		if (show_rows_event(r, &inner, event_payload_format(p),
		    e) != 0) {
			rc = -1;
			break;
		}
	event_payload_close(p);
	return rc;
}

static int
compressed(struct show_rows *r, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct event_format plain;
	struct event inner;

	return event_uncompress(ev, f, &r->room, &inner, &plain, e) != 0 ?
	    -1 : rows_event(r, &inner, &plain, e);
}

int
show_rows_event(struct show_rows *r, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	switch (ev->type) {
	case EVENT_TABLE_MAP:
		return add_map(r, ev, f, e);
	case EVENT_WRITE_V1: case EVENT_UPDATE_V1: case EVENT_DELETE_V1:
	case EVENT_WRITE: case EVENT_UPDATE: case EVENT_DELETE:
	case EVENT_PARTIAL_UPDATE:
		return rows_event(r, ev, f, e);
	case EVENT_MARIA_WRITE_COMPRESSED_V1:
	case EVENT_MARIA_UPDATE_COMPRESSED_V1:
	case EVENT_MARIA_DELETE_COMPRESSED_V1:
	case EVENT_MARIA_WRITE_COMPRESSED:
	case EVENT_MARIA_UPDATE_COMPRESSED:
	case EVENT_MARIA_DELETE_COMPRESSED:
		return compressed(r, ev, f, e);
	case EVENT_PAYLOAD:
		return payload(r, ev, f, e);
	default:
		return 0;
	}
}
