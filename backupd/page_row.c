/* SPDX-License-Identifier: Apache-2.0 */
/* page_row: the table of all sources, what needs somebody first. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"

#include "backupd/page_impl.h"

#define DENSE 60		/* with more sources, rows have one line */

const char *
page_state(const json_t *source)
{
	const char *state = facts_word(source, "state");

	if (strcmp(state, "failing") == 0)
		return "failing";
	if (strcmp(state, "warning") == 0)
		return "warning";
	if (facts_true(source, "paused"))
		return "paused";
	return strcmp(state, "ok") == 0 ? "ok" : "unknown";
}

static int
rank(const json_t *source)
{
	static const char *const order[] = { "failing", "warning", "unknown",
	    "paused" };
	const char *state = page_state(source);
	int i;

	for (i = 0; i < 4; i++)
		if (strcmp(state, order[i]) == 0)
			return i;
	return 4;
}

static int
by_need(const void *a, const void *b)
{
	const json_t *const *one = a, *const *two = b;
	int order = rank(*one) - rank(*two);

	return order != 0 ? order : strcmp(facts_word(*one, "name"),
	    facts_word(*two, "name"));
}

static void
add_name(struct buf *out, const json_t *source)
{
	const char *name = facts_word(source, "name");
	const char *host = facts_word(source, "host");
	const char *store = facts_word(source, "store");
	const char *owner = facts_text(source, "owner");
	const char *state = page_state(source);

	buf_adds(out, "<th scope=\"row\" role=\"rowheader\">");
	page_put(out, "<a href=\"/sources/", name, "\">");
	page_put(out, "", name, "</a>");
	buf_addf(out, " <span class=\"state\">%s</span>", state);
	page_put(out, "<span class=\"sub\">", host, "");
	if (store[0] != '\0')
		page_put(out, host[0] != '\0' ? " \xe2\x86\x92 " : "", store,
		    "");
	if (owner == NULL)
		buf_adds(out, ", nobody's turn");
	else if (!facts_true(source, "ours"))
		page_put(out, ", by ", owner, "");
	buf_adds(out, "</span></th>");
}

/* Is it the backups that are in trouble? */
static bool
lacks_backup(const json_t *source)
{
	const json_t *problems = facts_array(source, "problems");
	size_t i;

	for (i = 0; i < json_array_size(problems); i++)
		if (strncmp(facts_word(json_array_get(problems, i), "kind"),
		    "dump_", 5) == 0)
			return true;
	return false;
}

static void
add_backup(struct buf *out, const json_t *source, const json_t *backup,
    int64_t now)
{
	buf_addf(out, "<td role=\"cell\" data-l=\"Last backup\"><b%s>",
	    lacks_backup(source) ? " class=\"bad\"" : "");
	page_age(out, now, backup != NULL ? facts_time(backup, "at") :
	    FACTS_UNKNOWN);
	buf_adds(out, "</b>");
	if (backup != NULL) {
		buf_adds(out, "<span class=\"sub\">");
		if (!facts_true(backup, "proven"))
			buf_adds(out, "not proven, ");
		if (facts_true(backup, "partial"))
			buf_adds(out, "partial, ");
		page_count(out, facts_amount(backup, "rows"));
		buf_addf(out, " row%s</span>", facts_amount(backup, "rows") ==
		    1 ? "" : "s");
	}
	buf_adds(out, "</td>");
}

/* What can be restored, and how far the archive is. */
static void
add_window(struct buf *out, const json_t *source, int64_t now)
{
	const json_t *archive = facts_object(source, "archive");
	const json_t *window = facts_newest(facts_array(source, "windows"),
	    "to");
	const char *state = facts_word(archive, "state");
	double lag;

	buf_adds(out, "<td role=\"cell\" data-l=\"Any moment since\">");
	if (window != NULL)
		page_date(out, facts_time(window, "from"));
	else
		buf_adds(out, archive != NULL ? "not yet" :
		    "<span class=\"mute\">no archive</span>");
	if (archive != NULL) {
		buf_adds(out, "<span class=\"sub\">");
		if (strcmp(state, "following") != 0)
			page_put(out, "archive ", state, "");
		else if (facts_number(archive, "lag_s", &lag) && lag >= 1) {
			page_seconds(out, lag);
			buf_adds(out, " behind");
		} else {
			buf_adds(out, "up to date");
		}
		buf_adds(out, "</span>");
	} else if (window != NULL) {
		buf_adds(out, "<span class=\"sub\">until ");
		page_age(out, now, facts_time(window, "to"));
		buf_adds(out, "</span>");
	}
	buf_adds(out, "</td>");
}

static void
add_spark(struct buf *out, const json_t *source, const json_t *backup,
    const char *key, const char *label,
    void (*say)(struct buf *, double), int64_t now)
{
	double value;

	buf_addf(out, "<td role=\"cell\" data-l=\"%s\" class=\"sp\">", label);
	if (facts_number(backup, key, &value)) {
		buf_adds(out, "<span class=\"v\">");
		say(out, value);
		buf_adds(out, "</span>");
	}
	page_spark(out, source, key, label, say, now);
	buf_adds(out, "</td>");
}

/* The job that runs now, or the one that is due next. */
static void
add_next(struct buf *out, const json_t *source, int64_t now)
{
	const json_t *jobs = facts_array(source, "jobs"), *job, *next = NULL;
	int64_t at, first = 0;
	size_t i;

	buf_adds(out, "<td role=\"cell\" data-l=\"Next\">");
	for (i = 0; i < json_array_size(jobs); i++) {
		job = json_array_get(jobs, i);
		if (facts_object(job, "running") != NULL) {
			page_put(out, "<b class=\"now\">", facts_word(job,
			    "job"), " runs</b></td>");
			return;
		}
		at = facts_time(job, "next");
		if (at != FACTS_UNKNOWN && (next == NULL || at < first)) {
			next = job;
			first = at;
		}
	}
	if (facts_true(source, "paused")) {
		buf_adds(out, "paused");
	} else if (next != NULL) {
		page_age(out, now, first);
		page_put(out, "<span class=\"sub\">", facts_word(next, "job"),
		    "</span>");
	} else {
		buf_adds(out, "<span class=\"mute\">nothing planned</span>");
	}
	buf_adds(out, "</td>");
}

static void
add_row(struct buf *out, const json_t *source, int64_t now)
{
	const json_t *backup = facts_newest(facts_array(source, "backups"),
	    "at");

	buf_addf(out, "<tr role=\"row\" class=\"is-%s\">", page_state(source));
	add_name(out, source);
	add_backup(out, source, backup, now);
	add_window(out, source, now);
	buf_adds(out, "<td role=\"cell\" data-l=\"30 days\" class=\"tl\">");
	page_timeline(out, source, now);
	buf_adds(out, "</td>");
	add_spark(out, source, backup, "raw", "Size", page_bytes, now);
	add_spark(out, source, backup, "seconds", "Duration", page_seconds,
	    now);
	add_next(out, source, now);
	buf_adds(out, "</tr>\n");
}

static void
add_head(struct buf *out, size_t n)
{
	static const char *const columns[] = { "Source", "Last backup",
	    "Any moment since", NULL, "Size", "Duration", "Next" };
	size_t i;

	buf_addf(out, "<table role=\"table\" class=\"sources%s\"><thead "
	    "role=\"rowgroup\"><tr role=\"row\">", n > DENSE ? " dense" : "");
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		buf_adds(out, "<th scope=\"col\" role=\"columnheader\">");
		buf_adds(out, columns[i] != NULL ? columns[i] :
		    "<span class=\"axis\"><span>30 days ago</span>"
		    "<span>now</span></span>");
		buf_adds(out, "</th>");
	}
	buf_adds(out, "</tr></thead><tbody role=\"rowgroup\">\n");
}

void
page_legend(struct buf *out)
{
	buf_adds(out, "<p class=\"legend\">"
	    "<span><i class=\"k win\"></i>any moment can be restored</span>"
	    "<span><i class=\"k dotk\"></i>backup</span>"
	    "<span><i class=\"k poork\"></i>partial or not proven</span>"
	    "<span><i class=\"k gap\"></i>gap</span>"
	    "<span><i class=\"tick\">\xe2\x9c\x93</i>drill</span>"
	    "<span><i class=\"cross\">\xe2\x9c\x95</i>failed drill</span>"
	    "</p>\n");
}

void
page_sources(struct buf *out, const json_t *status, int64_t now)
{
	const json_t *sources = facts_array(status, "sources");
	size_t n = json_array_size(sources), i;
	const json_t **sorted = calloc(n + 1, sizeof(*sorted));

	if (sorted == NULL) {
		out->failed = true;
		return;
	}
	for (i = 0; i < n; i++)
		sorted[i] = json_array_get(sources, i);
	qsort(sorted, n, sizeof(*sorted), by_need);
	buf_adds(out, "<section><h2>Sources</h2>");
	page_legend(out);
	add_head(out, n);
	for (i = 0; i < n; i++)
		add_row(out, sorted[i], now);
	buf_adds(out, "</tbody></table>");
	if (n == 0)
		buf_adds(out, "<p class=\"more\">There are no sources in the "
		    "configuration: see kura.conf(5).</p>");
	buf_adds(out, "</section>");
	free(sorted);
}
