/* SPDX-License-Identifier: Apache-2.0 */
/* rows_table: TABLE_MAP events. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/rows_impl.h"

#define COLUMNS_MAX 65535	/* the servers stop at 4096 */
#define NAME_MAX_BYTES 255
#define DECIMAL_DIGITS 81	/* more than either server's 65 */
#define DECIMAL_SCALE 38
#define FRACTION_MAX 6

enum {
	META_SIGNEDNESS = 1, META_DEFAULT_CHARSET = 2, META_CHARSET = 3,
	META_NAMES = 4, META_ENUM_DEFAULT_CHARSET = 10,
	META_ENUM_CHARSET = 11,
};

static int
corrupt(const char *field, struct err *e)
{
	return err_set(e, ERR_CORRUPT, 0, "Table_map event: wrong %s", field);
}

/* A name of n bytes; NULL when they are not there or hold a NUL. */
static char *
take_name(struct bytes *b, uint64_t n)
{
	const uint8_t *p = bytes_take(b, n);

	if (p == NULL || memchr(p, '\0', (size_t)n) != NULL) {
		b->bad = true;
		return NULL;
	}
	return strndup((const char *)p, (size_t)n);
}

/* Schema or table: length, name, NUL. */
static int
parse_name(struct bytes *b, const char *what, char **name, struct err *e)
{
	uint64_t n = bytes_le(b, 1);

	*name = take_name(b, n);
	if (*name == NULL && !b->bad)
		return err_set(e, ERR_NOMEM, 0, "Table_map event");
	if (bytes_le(b, 1) != 0 || b->bad)
		return corrupt(what, e);
	return 0;
}

/* CHAR, ENUM and SET are all told as STRING: the first byte has the real type
 * and, upside down, two bits of a length that does not fit the second. */
static bool
parse_string(struct bytes *m, struct rows_column *c)
{
	unsigned first = (unsigned)bytes_le(m, 1);
	unsigned second = (unsigned)bytes_le(m, 1);

	if ((first & 0x30) != 0x30) {
		second |= ((first & 0x30) ^ 0x30) << 4;
		first |= 0x30;
	}
	c->type = (uint8_t)first;
	c->meta = (uint16_t)second;
	switch (first) {
	case TYPE_STRING:
		return true;
	case TYPE_ENUM:
		return second == 1 || second == 2;
	case TYPE_SET:
		return second >= 1 && second <= 8;
	default:
		return false;
	}
}

/* A column's type with its metadata. */
static bool
parse_type(struct bytes *m, struct rows_column *c)
{
	unsigned high, low;

	switch (c->type) {
	case TYPE_STRING:
	case TYPE_ENUM:
	case TYPE_SET:
		return parse_string(m, c);
	case TYPE_VARCHAR:
	case TYPE_VAR_STRING:
	case TYPE_MARIA_VARCHAR_COMPRESSED:
		c->meta = (uint16_t)bytes_le(m, 2);
		return true;
	case TYPE_BIT:
		c->meta = (uint16_t)bytes_le(m, 2);
		return (c->meta & 0xff) < 8 && (c->meta >> 8) <= 8;
	case TYPE_DECIMAL:
		high = (unsigned)bytes_le(m, 1);
		low = (unsigned)bytes_le(m, 1);
		c->meta = (uint16_t)(high << 8 | low);
		return high > 0 && high <= DECIMAL_DIGITS &&
		    low <= DECIMAL_SCALE && low <= high;
	case TYPE_FLOAT:
		c->meta = (uint16_t)bytes_le(m, 1);
		return c->meta == 4;
	case TYPE_DOUBLE:
		c->meta = (uint16_t)bytes_le(m, 1);
		return c->meta == 8;
	case TYPE_TINY_BLOB:
	case TYPE_MEDIUM_BLOB:
	case TYPE_LONG_BLOB:
	case TYPE_BLOB:
	case TYPE_MARIA_BLOB_COMPRESSED:
	case TYPE_GEOMETRY:
	case TYPE_JSON:
	case TYPE_VECTOR:
		c->meta = (uint16_t)bytes_le(m, 1);
		return c->meta >= 1 && c->meta <= 4;
	case TYPE_TIMESTAMP2:
	case TYPE_DATETIME2:
	case TYPE_TIME2:
		c->meta = (uint16_t)bytes_le(m, 1);
		return c->meta <= FRACTION_MAX;
	case TYPE_TINY:
	case TYPE_SHORT:
	case TYPE_LONG:
	case TYPE_NULL:
	case TYPE_TIMESTAMP:
	case TYPE_LONGLONG:
	case TYPE_INT24:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_DATETIME:
	case TYPE_YEAR:
	case TYPE_NEWDATE:
		return true;
	default:
		return false;
	}
}

static int
parse_columns(struct bytes *b, struct rows_table *t, struct err *e)
{
	uint64_t n = bytes_lenenc(b), i, size;
	const uint8_t *types, *nulls, *meta;
	struct bytes m;

	types = n > COLUMNS_MAX ? NULL : bytes_take(b, n);
	if (types == NULL || b->bad)
		return corrupt("number of columns", e);
	size = bytes_lenenc(b);
	meta = bytes_take(b, size);
	nulls = bytes_take(b, (n + 7) / 8);
	if (b->bad)
		return corrupt("size", e);
	m = bytes_of(meta, (size_t)size);
	t->columns = calloc(n > 0 ? (size_t)n : 1, sizeof(*t->columns));
	if (t->columns == NULL)
		return err_set(e, ERR_NOMEM, 0, "Table_map event");
	t->ncolumns = (size_t)n;
	for (i = 0; i < n; i++) {
		t->columns[i].type = types[i];
		t->columns[i].nullable = (nulls[i / 8] >> i % 8 & 1) != 0;
		if (!parse_type(&m, &t->columns[i]) || m.bad)
			return err_set(e, ERR_CORRUPT, 0, "Table_map event: "
			    "column %zu of %s.%s has type %u, which Kura "
			    "cannot read", (size_t)i + 1, t->schema, t->table,
			    types[i]);
	}
	return m.left == 0 ? 0 : corrupt("metadata", e);
}

static bool
is_number(const struct rows_column *c)
{
	switch (c->type) {
	case TYPE_TINY:
	case TYPE_SHORT:
	case TYPE_INT24:
	case TYPE_LONG:
	case TYPE_LONGLONG:
	case TYPE_DECIMAL:
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return true;
	default:
		return false;
	}
}

static bool
is_text(const struct rows_column *c)
{
	switch (c->type) {
	case TYPE_STRING:
	case TYPE_VAR_STRING:
	case TYPE_VARCHAR:
	case TYPE_BLOB:
	case TYPE_MARIA_BLOB_COMPRESSED:
	case TYPE_MARIA_VARCHAR_COMPRESSED:
		return true;
	default:
		return false;
	}
}

static bool
is_enum(const struct rows_column *c)
{
	return c->type == TYPE_ENUM || c->type == TYPE_SET;
}

/* Bits of the numeric columns, from the highest of each byte. */
static void
parse_signedness(struct bytes *b, struct rows_table *t)
{
	unsigned bits = 0, left = 0;
	size_t i;

	for (i = 0; i < t->ncolumns; i++) {
		if (!is_number(&t->columns[i]))
			continue;
		if (left == 0) {
			bits = (unsigned)bytes_le(b, 1);
			left = 8;
		}
		t->columns[i].is_unsigned = (bits >> --left & 1) != 0;
	}
	t->signedness = true;
}

/* The first column of its kind at or after i. */
static size_t
next_of(const struct rows_table *t, bool (*is)(const struct rows_column *),
    size_t i)
{
	while (i < t->ncolumns && !is(&t->columns[i]))
		i++;
	return i;
}

/* A collation for each column of a kind. */
static void
parse_charsets(struct bytes *b, struct rows_table *t,
    bool (*is)(const struct rows_column *))
{
	size_t i;

	for (i = next_of(t, is, 0); i < t->ncolumns; i = next_of(t, is, i + 1))
		t->columns[i].collation = (uint32_t)bytes_lenenc(b);
}

/* One for all of a kind; then those that differ, by their number among the
 * columns of the kind, rising. */
static void
parse_default_charset(struct bytes *b, struct rows_table *t,
    bool (*is)(const struct rows_column *))
{
	uint32_t collation = (uint32_t)bytes_lenenc(b);
	uint64_t number, k = 0;
	size_t i;

	for (i = next_of(t, is, 0); i < t->ncolumns; i = next_of(t, is, i + 1))
		t->columns[i].collation = collation;
	i = next_of(t, is, 0);
	while (b->left > 0) {
		number = bytes_lenenc(b);
		collation = (uint32_t)bytes_lenenc(b);
		for (; k < number && i < t->ncolumns; k++)
			i = next_of(t, is, i + 1);
		if (k != number || i == t->ncolumns) {
			b->bad = true;
			return;
		}
		t->columns[i].collation = collation;
	}
}

static int
parse_names(struct bytes *b, struct rows_table *t, struct err *e)
{
	struct rows_column *c = t->columns;

	for (; c < t->columns + t->ncolumns; c++) {
		free(c->name);
		c->name = take_name(b, bytes_lenenc(b));
		if (c->name == NULL && !b->bad)
			return err_set(e, ERR_NOMEM, 0, "Table_map event");
	}
	return 0;
}

/* What row metadata tells besides: type, length, value. */
static int
parse_optional(struct bytes *b, struct rows_table *t, struct err *e)
{
	const uint8_t *p;
	struct bytes v;
	unsigned type;
	uint64_t n;

	while (b->left > 0) {
		type = (unsigned)bytes_le(b, 1);
		n = bytes_lenenc(b);
		p = bytes_take(b, n);
		if (p == NULL)
			return corrupt("optional metadata", e);
		v = bytes_of(p, (size_t)n);
		if (type == META_SIGNEDNESS)
			parse_signedness(&v, t);
		else if (type == META_CHARSET)
			parse_charsets(&v, t, is_text);
		else if (type == META_DEFAULT_CHARSET)
			parse_default_charset(&v, t, is_text);
		else if (type == META_ENUM_CHARSET)
			parse_charsets(&v, t, is_enum);
		else if (type == META_ENUM_DEFAULT_CHARSET)
			parse_default_charset(&v, t, is_enum);
		else if (type == META_NAMES && parse_names(&v, t, e) != 0)
			return -1;
		if (v.bad)
			return corrupt("optional metadata", e);
	}
	return 0;
}

static int
parse_names_of_table(struct bytes *b, struct rows_table *t, struct err *e)
{
	(void)bytes_take(b, 2);
	if (parse_name(b, "schema", &t->schema, e) != 0)
		return -1;
	return parse_name(b, "table", &t->table, e);
}

int
rows_table_names(const struct event *ev, char **schema, char **table,
    struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	struct rows_table t = {0};

	(void)bytes_take(&b, 6);
	if (parse_names_of_table(&b, &t, e) != 0) {
		rows_table_free(&t);
		return -1;
	}
	*schema = t.schema;
	*table = t.table;
	return 0;
}

int
rows_table_parse(const struct event *ev, const struct event_format *f,
    struct rows_table *t, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);

	(void)f;
	assert(ev->type == EVENT_TABLE_MAP);
	*t = (struct rows_table){0};
	t->id = bytes_le(&b, 6);
	if (parse_names_of_table(&b, t, e) != 0 || parse_columns(&b, t, e) != 0 ||
	    parse_optional(&b, t, e) != 0) {
		rows_table_free(t);
		return -1;
	}
	return 0;
}

void
rows_table_free(struct rows_table *t)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		free(t->columns[i].name);
	free(t->columns);
	free(t->schema);
	free(t->table);
	*t = (struct rows_table){0};
}

static void
add_name(struct buf *out, const char *name)
{
	size_t n = strlen(name);

	assert(n <= NAME_MAX_BYTES);
	buf_addc(out, (char)n);
	buf_add(out, name, n + 1);
}

int
rows_table_rename(const struct event *ev, const struct event_format *f,
    const char *schema, const char *table, struct buf *out, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	static const uint8_t room[4];
	size_t at = out->len, size;
	uint8_t *data;

	assert(ev->type == EVENT_TABLE_MAP);
	(void)bytes_take(&b, 8);
	(void)bytes_take(&b, bytes_le(&b, 1) + 1);
	(void)bytes_take(&b, bytes_le(&b, 1) + 1);
	if (b.bad)
		return corrupt("size", e);
	buf_add(out, ev->data, EVENT_HEADER + 8);
	add_name(out, schema);
	add_name(out, table);
	buf_add(out, b.at, b.left);
	if (f->checksum)
		buf_add(out, room, sizeof(room));
	if (buf_check(out, "Table_map event", e) != 0)
		return -1;
	data = (uint8_t *)out->data + at;
	size = out->len - at;
	bytes_put_le(data + 9, size, 4);
	if (f->checksum)
		event_seal(data, size);
	return 0;
}
