/* SPDX-License-Identifier: Apache-2.0 */
/* ddl: definitions that come from a store, taken apart. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"

#include "restore/ddl.h"

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
		x->whole |= ddl_has_comment(last, t.at) || (r.in_versioned &&
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
		return ddl_is(&t, "FOREIGN") && r.versioned == 0 ?
		    PART_FOREIGN : PART_STAYS;
	}
	if (ddl_is(&t, "FOREIGN"))
		return r.versioned == 0 ? PART_FOREIGN : PART_STAYS;
	if (ddl_is(&t, "UNIQUE"))
		t = ddl_next(&r);
	if (!ddl_is(&t, "KEY") && !ddl_is(&t, "INDEX"))
		return PART_STAYS;
	t = ddl_next(&r);
	return t.kind == DDL_NAME && r.versioned == 0 ? PART_INDEX :
	    PART_STAYS;
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

static int
split_table(const char *text, size_t n, bool indexes, struct buf *create,
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

int
ddl_split_table(const char *text, size_t n, bool indexes, struct buf *create,
    struct buf *later, struct buf *keys, struct err *e)
{
	/* A second wall: not only what was read is checked, but what is run. */
	if (split_table(text, n, indexes, create, later, keys, e) != 0 ||
	    ddl_check(buf_str(create), create->len, "TABLE", e) != 0 ||
	    ddl_check_added(buf_str(later), later->len, e) != 0)
		return -1;
	return ddl_check_added(buf_str(keys), keys->len, e);
}
