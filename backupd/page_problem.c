/* SPDX-License-Identifier: Apache-2.0 */
/* page_problem: what is wrong, in plain words. */
#include <stdbool.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"

#include "backupd/page_impl.h"

#define SHOWN_MAX 30		/* of the worst; the table has the others */

static bool
is_error(const json_t *problem)
{
	return strcmp(facts_word(problem, "severity"), "error") == 0;
}

/* "dump_failed" is "dump failed" for people. */
static void
add_kind(struct buf *out, const char *kind)
{
	char c[2] = { 0 };

	for (; *kind != '\0'; kind++)
		if (*kind == '_') {
			buf_addc(out, ' ');
		} else if ((unsigned char)*kind < 0x80) {
			c[0] = *kind;
			page_escape(out, c);
		}
}

void
page_problem(struct buf *out, const json_t *source, const json_t *problem,
    int64_t now)
{
	const char *name = facts_word(source, "name");
	int64_t since = facts_time(problem, "since");

	buf_adds(out, is_error(problem) ? "<li class=\"p error\">" :
	    "<li class=\"p warning\">");
	if (name[0] != '\0') {
		page_put(out, "<a href=\"/sources/", name, "\">");
		page_put(out, "", name, "</a> ");
	}
	buf_adds(out, "<span class=\"kind\">");
	add_kind(out, facts_word(problem, "kind"));
	buf_adds(out, "</span>");
	if (since != FACTS_UNKNOWN) {
		buf_adds(out, " <span class=\"when\">");
		page_age(out, now, since);
		buf_adds(out, "</span>");
	}
	page_put(out, "<p>", facts_word(problem, "text"), "</p></li>");
}

/* Those of a source, or of the daemon itself (the whole document), of one
 * severity; *left is how many more may be shown. */
static size_t
add_of(struct buf *out, const json_t *source, bool errors, size_t *left,
    int64_t now)
{
	const json_t *problems = facts_array(source, "problems"), *problem;
	size_t i, hidden = 0;

	for (i = 0; i < json_array_size(problems); i++) {
		problem = json_array_get(problems, i);
		if (is_error(problem) != errors)
			continue;
		if (*left == 0) {
			hidden++;
			continue;
		}
		(*left)--;
		page_problem(out, source, problem, now);
	}
	return hidden;
}

static size_t
add_those(struct buf *out, const json_t *status, bool errors, size_t *left,
    int64_t now)
{
	const json_t *sources = facts_array(status, "sources");
	size_t i, hidden = add_of(out, status, errors, left, now);

	for (i = 0; i < json_array_size(sources); i++)
		hidden += add_of(out, json_array_get(sources, i), errors,
		    left, now);
	return hidden;
}

void
page_problems(struct buf *out, const json_t *status, int64_t now)
{
	size_t left = SHOWN_MAX, hidden;
	struct buf list = {0};

	hidden = add_those(&list, status, true, &left, now);
	hidden += add_those(&list, status, false, &left, now);
	if (left < SHOWN_MAX) {
		buf_adds(out, "<section><h2>What is wrong</h2>"
		    "<ul class=\"problems\">");
		buf_add(out, buf_str(&list), list.len);
		buf_adds(out, "</ul>");
		if (hidden > 0)
			buf_addf(out, "<p class=\"more\">And %zu more: see "
			    "the sources below.</p>", hidden);
		buf_adds(out, "</section>");
	}
	if (list.failed)
		out->failed = true;
	buf_free(&list);
}
