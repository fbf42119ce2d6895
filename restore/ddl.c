/* SPDX-License-Identifier: Apache-2.0 */
/* ddl: reads definitions that come from a store, as tokens. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/ddl.h"

void
ddl_reader_init(struct ddl_reader *r, const char *text, size_t n)
{
	*r = (struct ddl_reader){ .p = text, .end = text + n };
}

static bool
is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '$' || c >= 0x80;
}

/* Two dashes begin a comment before white space, a control character or the
 * end: so do the servers' lexers. */
static bool
is_line_comment(const char *p, const char *end)
{
	return *p == '#' || (end - p >= 2 && p[0] == '-' && p[1] == '-' &&
	    (end - p == 2 || (unsigned char)p[2] <= ' ' || p[2] == 0x7f));
}

static bool
begins(const char *p, const char *end, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(end - p) >= n && memcmp(p, text, n) == 0;
}

/* Skip blanks and comments; the head of a versioned comment is skipped, its
 * text is code. */
static void
skip(struct ddl_reader *r)
{
	const char *p = r->p, *end = r->end;

	while (p < end) {
		if (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
			p++;
		} else if (is_line_comment(p, end)) {
			r->nested |= r->in_versioned;
			while (p < end && *p != '\n')
				p++;
		} else if (begins(p, end, "/*!") || begins(p, end, "/*M!")) {
			r->nested |= r->in_versioned;
			p += p[2] == '!' ? 3 : 4;
			while (p < end && *p >= '0' && *p <= '9')
				p++;
			r->in_versioned = true;
			r->versioned++;
		} else if (begins(p, end, "/*")) {
			r->nested |= r->in_versioned;
			for (p += 2; p < end && !begins(p, end, "*/"); p++)
				continue;
			p = p < end ? p + 2 : end;
		} else if (r->in_versioned && begins(p, end, "*/")) {
			r->in_versioned = false;
			p += 2;
		} else {
			break;
		}
	}
	r->p = p;
}

/* Past $tag$ ... $tag$, or NULL where there is no such string. */
static const char *
dollar_string(const char *p, const char *end)
{
	const char *tag = p++;
	size_t n;

	while (p < end && *p != '$' && is_word((unsigned char)*p))
		p++;
	if (p == end || *p != '$')
		return NULL;
	n = (size_t)(++p - tag);
	for (; (size_t)(end - p) >= n; p++)
		if (memcmp(p, tag, n) == 0)
			return p + n;
	return NULL;
}

struct ddl_token
ddl_next(struct ddl_reader *r)
{
	struct ddl_token t = { DDL_END, NULL, 0 };
	const char *p;
	char quote;

	skip(r);
	t.at = p = r->p;
	if (p == r->end)
		return t;
	if (*p == '`' || *p == '\'' || *p == '"') {
		quote = *p++;
		t.kind = quote == '`' ? DDL_NAME : DDL_STRING;
		for (;; p++) {
			if (p == r->end) {
				t.kind = DDL_BAD;
				break;
			}
			if (*p == '\\' && quote != '`' && !r->no_escapes &&
			    r->end - p >= 2)
				p++;
			else if (*p == quote && r->end - p >= 2 &&
			    p[1] == quote)
				p++;
			else if (*p == quote) {
				p++;
				break;
			}
		}
	} else if (r->dollars && *p == '$' &&
	    dollar_string(p, r->end) != NULL) {
		t.kind = DDL_STRING;
		p = dollar_string(p, r->end);
	} else if (is_word((unsigned char)*p)) {
		t.kind = DDL_WORD;
		while (p < r->end && is_word((unsigned char)*p))
			p++;
	} else {
		t.kind = DDL_PUNCT;
		p++;
	}
	t.len = (size_t)(p - t.at);
	r->p = p;
	return t;
}

bool
ddl_is(const struct ddl_token *t, const char *word)
{
	return t->kind == DDL_WORD && strlen(word) == t->len &&
	    strncasecmp(t->at, word, t->len) == 0;
}

bool
ddl_is_punct(const struct ddl_token *t, char c)
{
	return t->kind == DDL_PUNCT && *t->at == c;
}

/* --- taking a table's definition apart --- */

/* One comma-separated part between the outer parentheses. */
struct part {
	const char *at;
	size_t len;
};

struct table_text {
	const char *open, *close;	/* the outer parentheses */
	struct part *parts;
	size_t n;
	bool whole;		/* comments reach over its parts */
};

static int
add_part(struct table_text *x, const char *from, const char *to,
    struct err *e)
{
	struct part *parts = realloc(x->parts, (x->n + 1) * sizeof(*parts));

	if (parts == NULL)
		return err_set(e, ERR_NOMEM, 0, "definition");
	while (from < to && (*from == ' ' || *from == '\n'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\n'))
		to--;
	x->parts = parts;
	parts[x->n++] = (struct part){ from, (size_t)(to - from) };
	return 0;
}

/* Is there a comment that is no code between two tokens? */
static bool
has_comment(const char *p, const char *end)
{
	for (; p < end; p++)
		if (is_line_comment(p, end) || (begins(p, end, "/*") &&
		    !begins(p, end, "/*!") && !begins(p, end, "/*M!")))
			return true;
	return false;
}

static int
read_parts(const char *text, size_t n, struct table_text *x, struct err *e)
{
	struct ddl_reader r;
	struct ddl_token t;
	const char *from = NULL, *last = text;
	int depth = 0;

	ddl_reader_init(&r, text, n);
	for (; (t = ddl_next(&r)).kind != DDL_END; last = t.at + t.len) {
		if (t.kind == DDL_BAD)
			return err_set(e, ERR_CORRUPT, 0, "the stored "
			    "definition of the table cannot be read");
		x->whole |= has_comment(last, t.at) || (r.in_versioned &&
		    ((depth == 0 && ddl_is_punct(&t, '(')) || (depth == 1 &&
		    (ddl_is_punct(&t, ',') || ddl_is_punct(&t, ')')))));
		if (ddl_is_punct(&t, '(') && depth++ == 0) {
			x->open = t.at;
			from = t.at + 1;
		} else if (ddl_is_punct(&t, ')') && --depth == 0) {
			x->close = t.at;
			return add_part(x, from, t.at, e);
		} else if (ddl_is_punct(&t, ',') && depth == 1) {
			if (add_part(x, from, t.at, e) != 0)
				return -1;
			from = t.at + 1;
		}
		if (depth < 0)
			return err_set(e, ERR_CORRUPT, 0, "the stored "
			    "definition of the table cannot be read");
	}
	return err_set(e, ERR_CORRUPT, 0, "the stored "
			    "definition of the table cannot be read");
}

enum part_kind { PART_STAYS, PART_INDEX, PART_FOREIGN };

/* Plain and unique secondary indexes by name, and foreign keys, may come
 * later; whatever else stays. */
static enum part_kind
part_kind(const struct part *p)
{
	struct ddl_reader r;
	struct ddl_token t;

	ddl_reader_init(&r, p->at, p->len);
	t = ddl_next(&r);
	if (ddl_is(&t, "CONSTRAINT")) {
		(void)ddl_next(&r);
		t = ddl_next(&r);
		return ddl_is(&t, "FOREIGN") ? PART_FOREIGN : PART_STAYS;
	}
	if (ddl_is(&t, "FOREIGN"))
		return PART_FOREIGN;
	if (ddl_is(&t, "UNIQUE"))
		t = ddl_next(&r);
	if (!ddl_is(&t, "KEY") && !ddl_is(&t, "INDEX"))
		return PART_STAYS;
	t = ddl_next(&r);
	return t.kind == DDL_NAME ? PART_INDEX : PART_STAYS;
}

/* A name of the index's columns, or of any column with AUTO_INCREMENT: such an
 * index must be there from the start. */
static bool
part_has_word(const struct part *p, const char *word)
{
	struct ddl_reader r;
	struct ddl_token t;

	ddl_reader_init(&r, p->at, p->len);
	while ((t = ddl_next(&r)).kind != DDL_END && t.kind != DDL_BAD)
		if (ddl_is(&t, word))
			return true;
	return false;
}

/* The AUTO_INCREMENT column's quoted name, or none. */
static struct ddl_token
counter_column(const struct table_text *x)
{
	struct ddl_token none = { DDL_END, NULL, 0 }, t;
	struct ddl_reader r;
	size_t i;

	for (i = 0; i < x->n; i++) {
		ddl_reader_init(&r, x->parts[i].at, x->parts[i].len);
		t = ddl_next(&r);
		if (t.kind == DDL_NAME &&
		    part_has_word(&x->parts[i], "AUTO_INCREMENT"))
			return t;
	}
	return none;
}

static bool
part_names(const struct part *p, const struct ddl_token *name)
{
	struct ddl_reader r;
	struct ddl_token t;

	if (name->kind == DDL_END)
		return false;
	ddl_reader_init(&r, p->at, p->len);
	while ((t = ddl_next(&r)).kind != DDL_END && t.kind != DDL_BAD)
		if (t.kind == DDL_NAME && t.len == name->len &&
		    memcmp(t.at, name->at, t.len) == 0)
			return true;
	return false;
}

static bool
is_part(const struct part *p, const char *first)
{
	struct ddl_reader r;
	struct ddl_token t;

	ddl_reader_init(&r, p->at, p->len);
	t = ddl_next(&r);
	return ddl_is(&t, first);
}

int
ddl_split_table(const char *text, size_t n, bool indexes, struct buf *create,
    struct buf *later, struct buf *keys, struct err *e)
{
	struct table_text x = {0};
	struct ddl_token counter;
	bool primary = false, first = true;
	struct part *p;
	size_t i;
	int rc = -1;

	if (read_parts(text, n, &x, e) != 0)
		goto out;
	/* A comment that is cut apart would end elsewhere, and what it hid
	 * would be code: the definition is run as it was checked. */
	if (x.whole) {
		buf_add(create, text, n);
		rc = buf_check(create, "definition", e);
		goto out;
	}
	counter = counter_column(&x);
	for (i = 0; i < x.n; i++)
		primary |= is_part(&x.parts[i], "PRIMARY");
	/* Without a primary key InnoDB clusters by the first unique one: it
	 * must not come later.  Then nothing is taken out. */
	indexes = indexes && primary;
	buf_add(create, text, (size_t)(x.open + 1 - text));
	for (i = 0; i < x.n; i++) {
		enum part_kind kind = part_kind(&x.parts[i]);
		struct buf *to = create;

		p = &x.parts[i];
		if (kind == PART_FOREIGN)
			to = keys;
		else if (kind == PART_INDEX && indexes &&
		    !part_names(p, &counter))
			to = later;
		if (to != create) {
			buf_adds(to, to->len > 0 ? ", ADD " : "ADD ");
		} else {
			buf_adds(to, first ? "\n  " : ",\n  ");
			first = false;
		}
		buf_add(to, p->at, p->len);
	}
	buf_addc(create, '\n');
	buf_add(create, x.close, (size_t)(text + n - x.close));
	rc = buf_check(create, "definition", e) != 0 ||
	    buf_check(later, "definition", e) != 0 ||
	    buf_check(keys, "definition", e) != 0 ? -1 : 0;
out:	free(x.parts);
	return rc;
}

/* --- renaming --- */

/* A quoted name without its quotes; owned. */
static char *
unquote(const struct ddl_token *t)
{
	char *out = malloc(t->len), *to = out;
	size_t i;

	if (out == NULL)
		return NULL;
	for (i = 1; i + 1 < t->len; i++) {
		*to++ = t->at[i];
		if (t->at[i] == '`' && i + 2 < t->len)
			i++;
	}
	*to = '\0';
	return out;
}

/* Write `a`.`b`, both mapped, with all that stands between: a comment may
 * begin or end there. */
static int
put_pair(const struct ddl_token *a, const struct ddl_token *b,
    const struct ddl_map *map, struct buf *out)
{
	char *schema = unquote(a), *name = unquote(b);

	if (schema != NULL && name != NULL) {
		sql_ident(out, map->schema(map->arg, schema));
		buf_add(out, a->at + a->len, (size_t)(b->at - a->at) - a->len);
		sql_ident(out, map->table(map->arg, schema, name));
	} else {
		out->failed = true;
	}
	free(schema);
	free(name);
	return out->failed ? -1 : 0;
}

static void
put_home(const struct ddl_token *t, const struct ddl_map *map,
    struct buf *out)
{
	char *name = unquote(t);

	if (name == NULL) {
		out->failed = true;
		return;
	}
	sql_ident(out, map->table(map->arg, map->home, name));
	free(name);
}

int
ddl_rename(const char *text, size_t n, const struct ddl_map *map,
    struct buf *out, struct err *e)
{
	struct ddl_token t, second, dot;
	struct ddl_reader r, ahead;
	const char *copied = text;
	bool expect = false;	/* a table's name comes next */

	ddl_reader_init(&r, text, n);
	while ((t = ddl_next(&r)).kind != DDL_END) {
		if (t.kind == DDL_BAD)
			return err_set(e, ERR_CORRUPT, 0, "the stored "
			    "definition cannot be read");
		if (t.kind != DDL_NAME) {
			expect = ddl_is(&t, "TABLE") ||
			    ddl_is(&t, "REFERENCES") ||
			    (expect && (ddl_is(&t, "IF") ||
			    ddl_is(&t, "NOT") || ddl_is(&t, "EXISTS")));
			continue;
		}
		ahead = r;
		dot = ddl_next(&ahead);
		second = ddl_is_punct(&dot, '.') ? ddl_next(&ahead) : dot;
		if (ddl_is_punct(&dot, '.') && second.kind == DDL_NAME) {
			buf_add(out, copied, (size_t)(t.at - copied));
			(void)put_pair(&t, &second, map, out);
			copied = second.at + second.len;
			r = ahead;
		} else if (expect) {
			buf_add(out, copied, (size_t)(t.at - copied));
			put_home(&t, map, out);
			copied = t.at + t.len;
		}
		expect = false;
	}
	buf_add(out, copied, (size_t)(text + n - copied));
	return buf_check(out, "definition", e);
}

bool
ddl_names(const char *text, size_t n, const char *schema)
{
	struct ddl_reader r;
	struct ddl_token t;
	size_t len = strlen(schema);
	char *name;
	bool same;

	ddl_reader_init(&r, text, n);
	while ((t = ddl_next(&r)).kind != DDL_END && t.kind != DDL_BAD) {
		if (t.kind == DDL_WORD && t.len == len &&
		    strncasecmp(t.at, schema, len) == 0)
			return true;
		if (t.kind != DDL_NAME)
			continue;
		name = unquote(&t);
		same = name != NULL && strcasecmp(name, schema) == 0;
		free(name);
		if (same)
			return true;
	}
	return false;
}
