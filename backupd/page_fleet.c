/* SPDX-License-Identifier: Apache-2.0 */
/* page_fleet: daemons, stores, and the last jobs. */
#include <stdbool.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"

#include "backupd/page_impl.h"

#define JOBS_SHOWN 20

static void
add_daemons(struct buf *out, const json_t *daemons)
{
	const json_t *d;
	bool alive;
	size_t i;

	if (json_array_size(daemons) == 0)
		return;
	buf_adds(out, "<section><h2>Daemons</h2><table role=\"table\" "
	    "class=\"facts\"><thead role=\"rowgroup\"><tr role=\"row\">"
	    "<th scope=\"col\" role=\"columnheader\">Daemon</th>"
	    "<th scope=\"col\" role=\"columnheader\">Heartbeat</th>"
	    "<th scope=\"col\" role=\"columnheader\">Sources</th>"
	    "<th scope=\"col\" role=\"columnheader\">Program</th></tr></thead>"
	    "<tbody role=\"rowgroup\">");
	for (i = 0; i < json_array_size(daemons); i++) {
		d = json_array_get(daemons, i);
		alive = facts_true(d, "alive");
		page_put(out, "<tr role=\"row\"><th scope=\"row\" "
		    "role=\"rowheader\">", facts_word(d, "id"), "");
		page_put(out, "<span class=\"sub\">", facts_word(d, "host"),
		    "</span></th>");
		buf_addf(out, "<td role=\"cell\" data-l=\"Heartbeat\" "
		    "class=\"%s\">%s</td><td role=\"cell\" data-l=\"Sources\">",
		    alive ? "good" : "bad", alive ? "alive" : "silent");
		page_count(out, facts_amount(d, "sources"));
		page_put(out, "</td><td role=\"cell\" data-l=\"Program\">",
		    facts_word(d, "tool"), "</td></tr>");
	}
	buf_adds(out, "</tbody></table></section>");
}

static void
add_store(struct buf *out, const json_t *store)
{
	json_t *requests = json_object_get(store, "requests"), *n;
	const char *kind;
	double all = 0;

	json_object_foreach(requests, kind, n)
		all += json_number_value(n);
	page_put(out, "<tr role=\"row\"><th scope=\"row\" "
	    "role=\"rowheader\">", facts_word(store, "name"), "");
	page_put(out, "<span class=\"sub\">", facts_word(store, "url"),
	    "</span></th><td role=\"cell\" data-l=\"Requests\">");
	page_count(out, all);
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Made again\">");
	page_count(out, facts_amount(store, "retries"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Written\">");
	page_bytes(out, facts_amount(store, "bytes_out"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Read\">");
	page_bytes(out, facts_amount(store, "bytes_in"));
	buf_adds(out, "</td></tr>");
}

static void
add_stores(struct buf *out, const json_t *stores)
{
	static const char *const columns[] = { "Store", "Requests",
	    "Made again", "Written", "Read" };
	size_t i;

	if (json_array_size(stores) == 0)
		return;
	buf_adds(out, "<section><h2>Stores</h2><table role=\"table\" "
	    "class=\"facts\"><thead role=\"rowgroup\"><tr role=\"row\">");
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		buf_addf(out, "<th scope=\"col\" role=\"columnheader\">%s"
		    "</th>", columns[i]);
	buf_adds(out, "</tr></thead><tbody role=\"rowgroup\">");
	for (i = 0; i < json_array_size(stores); i++)
		add_store(out, json_array_get(stores, i));
	buf_adds(out, "</tbody></table></section>");
}

void
page_fleet(struct buf *out, const json_t *status, int64_t now)
{
	buf_adds(out, "<div class=\"pair\">");
	add_daemons(out, facts_array(status, "daemons"));
	add_stores(out, facts_array(status, "stores"));
	buf_adds(out, "</div>");
	page_history(out, status, NULL, now);
}

static void
add_past(struct buf *out, const json_t *job, bool named, int64_t now)
{
	int64_t started = facts_time(job, "started");
	int64_t finished = facts_time(job, "finished");

	buf_adds(out, "<tr role=\"row\"><td role=\"cell\" data-l=\"Ended\">");
	page_age(out, now, finished);
	buf_adds(out, "</td>");
	if (named)
		page_put(out, "<td role=\"cell\" data-l=\"Source\">",
		    facts_word(job, "source"), "</td>");
	page_put(out, "<td role=\"cell\" data-l=\"Job\">", facts_word(job,
	    "job"), "</td>");
	buf_addf(out, "<td role=\"cell\" data-l=\"Result\" class=\"%s\">%s",
	    page_class(job), page_result(job));
	if (facts_amount(job, "exit") != 0)
		buf_addf(out, " (exit %.0f)", facts_amount(job, "exit"));
	buf_adds(out, "</td><td role=\"cell\" data-l=\"Took\">");
	if (started != FACTS_UNKNOWN && finished >= started)
		page_span(out, finished - started);
	page_put(out, "</td><td role=\"cell\" data-l=\"Message\" "
	    "class=\"msg\">", facts_word(job, "message"), "</td></tr>");
}

void
page_history(struct buf *out, const json_t *status, const char *source,
    int64_t now)
{
	const json_t *history = facts_array(status, "history"), *job;
	size_t i, n = json_array_size(history), shown = 0;

	for (i = 0; i < n && shown < JOBS_SHOWN; i++) {
		job = json_array_get(history, i);
		if (source != NULL && strcmp(facts_word(job, "source"),
		    source) != 0)
			continue;
		if (shown++ == 0)
			buf_addf(out, "<section><h2>Last jobs</h2><table "
			    "role=\"table\" class=\"facts\"><thead "
			    "role=\"rowgroup\"><tr role=\"row\">"
			    "<th scope=\"col\" role=\"columnheader\">Ended"
			    "</th>%s<th scope=\"col\" role=\"columnheader\">"
			    "Job</th><th scope=\"col\" role=\"columnheader\">"
			    "Result</th><th scope=\"col\" "
			    "role=\"columnheader\">Took</th><th scope=\"col\" "
			    "role=\"columnheader\">Message</th></tr></thead>"
			    "<tbody role=\"rowgroup\">", source == NULL ?
			    "<th scope=\"col\" role=\"columnheader\">Source"
			    "</th>" : "");
		add_past(out, job, source == NULL, now);
	}
	if (shown > 0)
		buf_adds(out, "</tbody></table></section>");
}
