/* SPDX-License-Identifier: Apache-2.0 */
/* page_detail: all that is known of one source. */
#include <stdbool.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"

#include "backupd/page_impl.h"

#define BACKUPS_SHOWN 60

static void
add_columns(struct buf *out, const char *title, const char *const *columns)
{
	buf_addf(out, "<section><h2>%s</h2><table role=\"table\" "
	    "class=\"facts\"><thead role=\"rowgroup\"><tr role=\"row\">",
	    title);
	for (; *columns != NULL; columns++)
		buf_addf(out, "<th scope=\"col\" role=\"columnheader\">%s"
		    "</th>", *columns);
	buf_adds(out, "</tr></thead><tbody role=\"rowgroup\">");
}

static void
add_problems(struct buf *out, const json_t *source, int64_t now)
{
	const json_t *problems = facts_array(source, "problems");
	size_t i;

	if (json_array_size(problems) == 0)
		return;
	buf_adds(out, "<section><h2>What is wrong</h2><ul class=\"problems\">");
	for (i = 0; i < json_array_size(problems); i++)
		page_problem(out, source, json_array_get(problems, i), now);
	buf_adds(out, "</ul></section>");
}

static void
add_job(struct buf *out, const json_t *job, int64_t now)
{
	const json_t *last = facts_object(job, "last");
	const char *schedule = facts_text(job, "schedule");
	double seconds;

	page_put(out, "<tr role=\"row\"><th scope=\"row\" "
	    "role=\"rowheader\">", facts_word(job, "job"), "</th>");
	page_put(out, "<td role=\"cell\" data-l=\"Schedule\">",
	    schedule != NULL ? schedule : "none", "</td>");
	buf_adds(out, "<td role=\"cell\" data-l=\"Last success\">");
	page_age(out, now, facts_time(job, "last_success"));
	buf_addf(out, "</td><td role=\"cell\" data-l=\"Last run\" "
	    "class=\"%s\">", last == NULL ? "" : page_class(last));
	if (last != NULL) {
		buf_addf(out, "%s ", page_result(last));
		page_age(out, now, facts_time(last, "finished"));
		if (facts_number(last, "seconds", &seconds)) {
			buf_adds(out, " in ");
			page_seconds(out, seconds);
		}
		page_put(out, "<span class=\"sub\">", facts_word(last,
		    "message"), "</span>");
	}
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Next\">");
	if (facts_object(job, "running") != NULL)
		buf_adds(out, "<b class=\"now\">runs now</b>");
	else if (facts_time(job, "next") != FACTS_UNKNOWN)
		page_age(out, now, facts_time(job, "next"));
	else
		buf_adds(out, schedule != NULL && strcmp(schedule,
		    "after-dump") == 0 ? "after each dump" : "not planned");
	if (facts_true(job, "overdue"))
		buf_adds(out, " <b class=\"bad\">overdue</b>");
	buf_adds(out, "</td></tr>");
}

static void
add_jobs(struct buf *out, const json_t *source, int64_t now)
{
	static const char *const columns[] = { "Job", "Schedule",
	    "Last success", "Last run", "Next", NULL };
	const json_t *jobs = facts_array(source, "jobs");
	size_t i;

	if (json_array_size(jobs) == 0)
		return;
	add_columns(out, "Jobs", columns);
	for (i = 0; i < json_array_size(jobs); i++)
		add_job(out, json_array_get(jobs, i), now);
	buf_adds(out, "</tbody></table></section>");
}

static void
add_fact(struct buf *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	buf_addf(out, "<dt>%s</dt>", label);
	page_put(out, "<dd>", text, "</dd>");
}

static void
add_archive(struct buf *out, const json_t *source, int64_t now)
{
	const json_t *a = facts_object(source, "archive");

	if (a == NULL)
		return;
	buf_adds(out, "<section><h2>Archive of binary logs</h2><dl>");
	add_fact(out, "State", facts_word(a, "state"));
	add_fact(out, "Error", facts_word(a, "error"));
	add_fact(out, "Server", facts_word(a, "server"));
	add_fact(out, "History", facts_word(a, "history"));
	add_fact(out, "File", facts_word(a, "file"));
	buf_adds(out, "<dt>Position</dt><dd>");
	page_count(out, facts_amount(a, "position"));
	buf_adds(out, "</dd><dt>Behind by</dt><dd>");
	page_seconds(out, facts_amount(a, "lag_s"));
	buf_adds(out, ", ");
	page_bytes(out, facts_amount(a, "lag_bytes"));
	buf_adds(out, "</dd><dt>Last commit</dt><dd>");
	page_age(out, now, facts_time(a, "last_commit"));
	buf_adds(out, "</dd><dt>Stored</dt><dd>");
	page_bytes(out, facts_amount(a, "stored_bytes"));
	buf_adds(out, "</dd>");
	add_fact(out, "Commits wait for the store", facts_word(a, "ack"));
	buf_adds(out, "</dl></section>");
}

static void
add_backup(struct buf *out, const json_t *b, int64_t now)
{
	page_put(out, "<tr role=\"row\"><th scope=\"row\" "
	    "role=\"rowheader\"><code>", facts_word(b, "id"), "</code></th>");
	buf_adds(out, "<td role=\"cell\" data-l=\"Moment\">");
	page_age(out, now, facts_time(b, "at"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Rows\">");
	page_count(out, facts_amount(b, "rows"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Size\">");
	page_bytes(out, facts_amount(b, "raw"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Stored\">");
	page_bytes(out, facts_amount(b, "stored"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Took\">");
	page_seconds(out, facts_amount(b, "seconds"));
	buf_addf(out, "</td><td role=\"cell\" data-l=\"Proof\" class=\"%s\">"
	    "%s%s</td></tr>", facts_true(b, "proven") ? "good" : "poor",
	    facts_true(b, "proven") ? "proven" : "not proven",
	    facts_true(b, "partial") ? ", partial" : "");
}

static void
add_backups(struct buf *out, const json_t *source, int64_t now)
{
	static const char *const columns[] = { "Backup", "Moment", "Rows",
	    "Size", "Stored", "Took", "Proof", NULL };
	const json_t *backups = facts_array(source, "backups");
	size_t n = json_array_size(backups), i;

	if (n == 0)
		return;
	add_columns(out, "Backups of the last 30 days", columns);
	for (i = n; i > 0 && n - i < BACKUPS_SHOWN; i--)
		add_backup(out, json_array_get(backups, i - 1), now);
	buf_adds(out, "</tbody></table></section>");
}

static void
add_title(struct buf *out, const json_t *source)
{
	const char *state = page_state(source);

	buf_addf(out, "<div class=\"head is-%s\"><h1>", state);
	page_escape(out, facts_word(source, "name"));
	buf_addf(out, " <span class=\"state\">%s</span></h1><p class=\"sub\">",
	    state);
	page_put(out, "", facts_word(source, "host"), "");
	page_put(out, " \xe2\x86\x92 ", facts_word(source, "store"), "");
	if (facts_text(source, "owner") != NULL)
		page_put(out, ", the turn of ", facts_word(source, "owner"),
		    "");
	buf_adds(out, "</p></div>");
}

void
page_detail(struct buf *out, const json_t *status, const json_t *source,
    int64_t now)
{
	add_title(out, source);
	add_problems(out, source, now);
	buf_adds(out, "<section><h2>The last 30 days</h2>");
	page_legend(out);
	buf_adds(out, "<div class=\"draw\" tabindex=\"0\">");
	page_timeline_large(out, source, now);
	buf_adds(out, "</div></section>");
	add_jobs(out, source, now);
	add_archive(out, source, now);
	add_backups(out, source, now);
	page_history(out, status, facts_word(source, "name"), now);
}
