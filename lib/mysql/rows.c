/* SPDX-License-Identifier: Apache-2.0 */
/* rows: rows events, and the values of their rows one after another. */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/rows_impl.h"

static int
corrupt(const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "rows event: %s", what);
}

int
rows_event_parse(const struct event *ev, const struct event_format *f,
    struct rows_event *r, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	uint64_t mask;

	(void)f;
	*r = (struct rows_event){0};
	switch (ev->type) {
	case EVENT_WRITE:
	case EVENT_WRITE_V1:
		r->kind = ROWS_WRITE;
		break;
	case EVENT_PARTIAL_UPDATE:
		r->partial = true;
		/* FALLTHROUGH */
	case EVENT_UPDATE:
	case EVENT_UPDATE_V1:
		r->kind = ROWS_UPDATE;
		break;
	default:
		assert(ev->type == EVENT_DELETE ||
		    ev->type == EVENT_DELETE_V1);
		r->kind = ROWS_DELETE;
		break;
	}
	r->table_id = bytes_le(&b, 6);
	r->flags = (uint16_t)bytes_le(&b, 2);
	if (ev->type >= EVENT_WRITE) {
		/* The length of extra data counts itself. */
		mask = bytes_le(&b, 2);
		if (mask < 2)
			return corrupt("wrong extra data", e);
		(void)bytes_take(&b, mask - 2);
	}
	r->ncolumns = bytes_lenenc(&b);
	if (b.bad || r->ncolumns > UINT16_MAX)
		return corrupt("wrong number of columns", e);
	mask = (r->ncolumns + 7) / 8;
	r->before_mask = r->after_mask = bytes_take(&b, mask);
	if (r->kind == ROWS_UPDATE)
		r->after_mask = bytes_take(&b, mask);
	if (b.bad)
		return corrupt("ends within its masks", e);
	r->rows = b.at;
	r->end = b.at + b.left;
	return 0;
}

unsigned
rows_decimal_size(unsigned precision, unsigned scale)
{
	/* Nine digits are four bytes; bytes of what is left over. */
	static const uint8_t bytes[] = { 0, 1, 1, 2, 2, 3, 3, 4, 4 };
	unsigned whole = precision - scale;

	return whole / 9 * 4 + bytes[whole % 9] + scale / 9 * 4 +
	    bytes[scale % 9];
}

/* Bytes of a value of fixed length; -1: of its own. */
static int
fixed_size(const struct rows_column *c)
{
	/* MariaDB's old formats, by digits of the fraction. */
	static const uint8_t time_size[] = { 3, 4, 4, 5, 5, 5, 6 };
	static const uint8_t datetime_size[] = { 8, 6, 6, 7, 7, 7, 8 };

	switch (c->type) {
	case TYPE_NULL:
		return 0;
	case TYPE_TINY:
	case TYPE_YEAR:
		return 1;
	case TYPE_SHORT:
		return 2;
	case TYPE_INT24:
	case TYPE_DATE:
	case TYPE_NEWDATE:
		return 3;
	case TYPE_LONG:
	case TYPE_FLOAT:
		return 4;
	case TYPE_LONGLONG:
	case TYPE_DOUBLE:
		return 8;
	case TYPE_TIME:
		return time_size[c->meta];
	case TYPE_TIMESTAMP:
		return 4 + (c->meta + 1) / 2;
	case TYPE_DATETIME:
		return datetime_size[c->meta];
	case TYPE_TIME2:
		return 3 + (c->meta + 1) / 2;
	case TYPE_TIMESTAMP2:
		return 4 + (c->meta + 1) / 2;
	case TYPE_DATETIME2:
		return 5 + (c->meta + 1) / 2;
	case TYPE_DECIMAL:
		return (int)rows_decimal_size(c->meta >> 8, c->meta & 0xff);
	case TYPE_BIT:
		return (c->meta >> 8) + ((c->meta & 0xff) > 0);
	case TYPE_ENUM:
	case TYPE_SET:
		return c->meta;
	default:
		return -1;
	}
}

const uint8_t *
rows_field(const struct rows_column *c, struct bytes *b, size_t *n)
{
	int fixed = fixed_size(c);
	uint64_t len;

	if (fixed >= 0)
		len = (uint64_t)fixed;
	else if (c->type == TYPE_VARCHAR || c->type == TYPE_VAR_STRING ||
	    c->type == TYPE_STRING || c->type == TYPE_MARIA_VARCHAR_COMPRESSED)
		len = bytes_le(b, c->meta > 255 ? 2 : 1);
	else
		len = bytes_le(b, c->meta);
	*n = (size_t)len;
	return bytes_take(b, len);
}

static bool
bit(const uint8_t *mask, size_t i)
{
	return (mask[i / 8] >> i % 8 & 1) != 0;
}

/* Which of the present columns are NULL: a bit each. */
static const uint8_t *
take_nulls(struct bytes *b, const uint8_t *mask, size_t ncolumns)
{
	size_t i, present = 0;

	for (i = 0; i < ncolumns; i++)
		present += bit(mask, i);
	return bytes_take(b, (present + 7) / 8);
}

static int
check_columns(const struct rows_table *t, const struct rows_event *r,
    struct err *e)
{
	if (t->id != r->table_id || t->ncolumns != r->ncolumns)
		return err_set(e, ERR_CORRUPT, 0, "rows event: does not "
		    "belong to the map of %s.%s", t->schema, t->table);
	return 0;
}

/* The after image of a partial update begins with options; the first says
 * that a bit follows for each JSON column, whether its value is a change.
 * NULL when there are no such bits. */
static const uint8_t *
take_changes(const struct rows_table *t, struct bytes *b)
{
	size_t i, json = 0;

	if ((bytes_lenenc(b) & 1) == 0)
		return NULL;
	for (i = 0; i < t->ncolumns; i++)
		json += t->columns[i].type == TYPE_JSON;
	return bytes_take(b, (json + 7) / 8);
}

/* Step over one image. */
static void
skip_image(const struct rows_table *t, const uint8_t *mask, struct bytes *b)
{
	const uint8_t *nulls = take_nulls(b, mask, t->ncolumns);
	size_t i, k = 0, n;

	for (i = 0; !b->bad && i < t->ncolumns; i++) {
		if (!bit(mask, i))
			continue;
		if (!bit(nulls, k))
			(void)rows_field(&t->columns[i], b, &n);
		k++;
	}
}

int
rows_count(const struct rows_table *t, const struct rows_event *r,
    uint64_t *n, struct err *e)
{
	struct bytes b = bytes_of(r->rows, (size_t)(r->end - r->rows));
	size_t left;

	*n = 0;
	if (check_columns(t, r, e) != 0)
		return -1;
	while (b.left > 0) {
		left = b.left;
		skip_image(t, r->before_mask, &b);
		if (r->kind == ROWS_UPDATE) {
			if (r->partial)
				(void)take_changes(t, &b);
			skip_image(t, r->after_mask, &b);
		}
		/* Rows without any byte would never end. */
		if (b.bad || b.left == left)
			return corrupt("ends within a row", e);
		(*n)++;
	}
	return 0;
}

struct rows_reader {
	const struct rows_table *table;
	const struct rows_event *event;
	const bool *unsigned_columns;
	struct bytes left;
	struct rows_value *before, *after;
	struct buf room;	/* values that had to be made */
};

struct rows_reader *
rows_reader_new(const struct rows_table *t, const struct rows_event *r,
    const bool *unsigned_columns, struct err *e)
{
	struct rows_reader *reader;

	if (check_columns(t, r, e) != 0)
		return NULL;
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		goto nomem;
	reader->before = calloc(t->ncolumns + 1, sizeof(*reader->before));
	reader->after = calloc(t->ncolumns + 1, sizeof(*reader->after));
	if (reader->before == NULL || reader->after == NULL)
		goto nomem;
	reader->table = t;
	reader->event = r;
	reader->unsigned_columns = unsigned_columns;
	reader->left = bytes_of(r->rows, (size_t)(r->end - r->rows));
	return reader;
nomem:
	rows_reader_free(reader);
	(void)err_set(e, ERR_NOMEM, 0, "rows of %s.%s", t->schema, t->table);
	return NULL;
}

static int
read_value(struct rows_reader *reader, size_t i, bool change,
    struct rows_value *v, struct err *e)
{
	const struct rows_table *t = reader->table;
	const struct rows_column *c = &t->columns[i];
	bool is_unsigned = c->is_unsigned;
	const uint8_t *p;
	size_t n;

	p = rows_field(c, &reader->left, &n);
	if (p == NULL)
		return corrupt("ends within a row", e);
	if (change) {
		*v = (struct rows_value){ ROWS_CHANGE, (const char *)p, n };
		return 0;
	}
	if (!t->signedness && reader->unsigned_columns != NULL)
		is_unsigned = reader->unsigned_columns[i];
	if (rows_value(c, p, n, is_unsigned, v, &reader->room, e) == 0)
		return 0;
	if (c->name != NULL)
		return err_wrap(e, "%s.%s, column %s", t->schema, t->table,
		    c->name);
	return err_wrap(e, "%s.%s, column %zu", t->schema, t->table, i + 1);
}

static int
read_image(struct rows_reader *reader, const uint8_t *mask, bool partial,
    struct rows_value *values, struct err *e)
{
	const struct rows_table *t = reader->table;
	const uint8_t *changes = NULL, *nulls;
	size_t i, k = 0, json = 0;
	bool change;

	if (partial)
		changes = take_changes(t, &reader->left);
	nulls = take_nulls(&reader->left, mask, t->ncolumns);
	if (nulls == NULL)
		return corrupt("ends within a row", e);
	for (i = 0; i < t->ncolumns; i++) {
		change = t->columns[i].type == TYPE_JSON && changes != NULL &&
		    bit(changes, json);
		json += t->columns[i].type == TYPE_JSON;
		values[i] = (struct rows_value){ .form = ROWS_ABSENT };
		if (!bit(mask, i))
			continue;
		if (bit(nulls, k++))
			values[i].form = ROWS_NULL;
		else if (read_value(reader, i, change, &values[i], e) != 0)
			return -1;
	}
	return 0;
}

/* A change without a step: the document is what it was. */
static void
keep_unchanged(const struct rows_reader *reader)
{
	size_t i;

	for (i = 0; i < reader->table->ncolumns; i++)
		if (reader->after[i].form == ROWS_CHANGE &&
		    reader->after[i].len == 0 &&
		    reader->before[i].form != ROWS_ABSENT)
			reader->after[i] = reader->before[i];
}

/* Values that were made stand in the room one after another: now that it
 * moves no more, say where. */
static const char *
place(struct rows_value *values, size_t n, const char *at)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (values[i].form <= ROWS_NULL || values[i].data != NULL)
			continue;
		values[i].data = at;
		at += values[i].len;
	}
	return at;
}

int
rows_next(struct rows_reader *reader, const struct rows_value **before,
    const struct rows_value **after, struct err *e)
{
	const struct rows_event *r = reader->event;
	size_t n = reader->table->ncolumns, left = reader->left.left;
	const char *at;

	*before = r->kind == ROWS_WRITE ? NULL : reader->before;
	*after = r->kind == ROWS_DELETE ? NULL : reader->after;
	if (left == 0)
		return 0;
	buf_clear(&reader->room);
	if ((*before != NULL && read_image(reader, r->before_mask, false,
	    reader->before, e) != 0) || (*after != NULL && read_image(reader,
	    r->after_mask, r->partial, reader->after, e) != 0))
		return -1;
	/* Rows without any byte would never end. */
	if (reader->left.left == left)
		return corrupt("ends within a row", e);
	if (buf_check(&reader->room, "row", e) != 0)
		return -1;
	at = buf_str(&reader->room);
	if (*before != NULL)
		at = place(reader->before, n, at);
	if (*after != NULL)
		(void)place(reader->after, n, at);
	if (r->partial)
		keep_unchanged(reader);
	return 1;
}

void
rows_reader_free(struct rows_reader *reader)
{
	if (reader == NULL)
		return;
	free(reader->before);
	free(reader->after);
	buf_free(&reader->room);
	free(reader);
}
