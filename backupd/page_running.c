/* SPDX-License-Identifier: Apache-2.0 */
/* page_running: jobs at work, with their progress. */
#include <math.h>
#include <stdbool.h>

#include "backupd/facts.h"
#include "base/buf.h"

#include "backupd/page_impl.h"

static void
add_bar(struct buf *out, const json_t *running, const char *label)
{
	double done = fmax(facts_amount(running, "bytes"), 0);
	double total = facts_amount(running, "total");

	/* A total is an estimate: what is beyond it is nearly done. */
	if (total > 0)
		buf_addf(out, "<progress max=\"1000\" value=\"%.0f\" ",
		    fmin(done / total, 0.999) * 1000);
	else
		buf_adds(out, "<progress ");
	page_put(out, "aria-label=\"", label, "\"></progress>");
	buf_adds(out, "<span class=\"pct\">");
	if (total > 0)
		buf_addf(out, "%.0f%%", floor(fmin(done / total, 0.999) *
		    100));
	buf_adds(out, "</span>");
}

static void
add_numbers(struct buf *out, const json_t *running, int64_t now)
{
	double left, rate = facts_amount(running, "rate");
	double total = facts_amount(running, "total");

	page_bytes(out, facts_amount(running, "bytes"));
	if (total > 0) {
		buf_adds(out, " of ");
		page_bytes(out, total);
	}
	if (rate > 0) {
		buf_adds(out, ", ");
		page_bytes(out, rate);
		buf_adds(out, "/s");
	}
	if (facts_amount(running, "rows") > 0) {
		buf_adds(out, ", ");
		page_count(out, facts_amount(running, "rows"));
		buf_adds(out, " rows");
	}
	if (facts_number(running, "left_s", &left) && left >= 0) {
		buf_adds(out, ", ");
		page_seconds(out, left);
		buf_adds(out, " left");
	}
	if (facts_time(running, "started") != FACTS_UNKNOWN) {
		buf_adds(out, "; began ");
		page_age(out, now, facts_time(running, "started"));
	}
}

static void
add_job(struct buf *out, const json_t *source, const json_t *job,
    const json_t *running, int64_t now)
{
	const char *name = facts_word(source, "name");
	const char *phase = facts_word(running, "phase");

	page_put(out, "<li><a href=\"/sources/", name, "\">");
	page_put(out, "", name, "</a> <span class=\"kind\">");
	page_put(out, "", facts_word(job, "job"), "</span>");
	if (phase[0] != '\0')
		page_put(out, " <span class=\"phase\">", phase, "</span>");
	buf_adds(out, "<div class=\"bar\">");
	add_bar(out, running, name);
	buf_adds(out, "</div><div class=\"sub\">");
	add_numbers(out, running, now);
	buf_adds(out, "</div></li>");
}

void
page_running(struct buf *out, const json_t *status, int64_t now)
{
	const json_t *sources = facts_array(status, "sources"), *source;
	const json_t *jobs, *running;
	size_t i, k, n = 0;

	for (i = 0; i < json_array_size(sources); i++) {
		source = json_array_get(sources, i);
		jobs = facts_array(source, "jobs");
		for (k = 0; k < json_array_size(jobs); k++) {
			running = facts_object(json_array_get(jobs, k),
			    "running");
			if (running == NULL)
				continue;
			if (n++ == 0)
				buf_adds(out, "<section><h2>Running now</h2>"
				    "<ul class=\"running\">");
			add_job(out, source, json_array_get(jobs, k), running,
			    now);
		}
	}
	if (n > 0)
		buf_adds(out, "</ul></section>");
}
