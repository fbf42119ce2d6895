/* SPDX-License-Identifier: Apache-2.0 */
/* ddl: statements as tokens. */
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#include "mysql/ddl.h"

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

void
ddl_name(const struct ddl_token *t, struct buf *out)
{
	size_t i;

	if (t->kind == DDL_WORD)
		buf_add(out, t->at, t->len);
	for (i = 1; t->kind != DDL_WORD && i + 1 < t->len; i++) {
		buf_addc(out, t->at[i]);
		if (t->at[i] == *t->at && i + 2 < t->len)
			i++;
	}
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

bool
ddl_has_comment(const char *p, const char *end)
{
	for (; p < end; p++)
		if (is_line_comment(p, end) || (begins(p, end, "/*") &&
		    !begins(p, end, "/*!") && !begins(p, end, "/*M!")))
			return true;
	return false;
}
