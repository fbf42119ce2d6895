/* SPDX-License-Identifier: Apache-2.0 */
/* page: the status document as HTML for people. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/digest.h"

#include "backupd/page_impl.h"
#include "backupd/page.h"

#define MANY 200		/* sources: then pages fetch themselves less */

/* How many sources are in each state, and is the daemon itself well? */
struct tally {
	size_t failing, warning, ok, paused, unknown, all;
	bool daemon_well;
};

static struct tally
count(const json_t *status)
{
	const json_t *sources = facts_array(status, "sources");
	struct tally t = { .all = json_array_size(sources) };
	const char *state;
	size_t i;

	t.daemon_well = json_array_size(facts_array(status, "problems")) == 0;
	for (i = 0; i < t.all; i++) {
		state = page_state(json_array_get(sources, i));
		if (strcmp(state, "failing") == 0)
			t.failing++;
		else if (strcmp(state, "warning") == 0)
			t.warning++;
		else if (strcmp(state, "ok") == 0)
			t.ok++;
		else if (strcmp(state, "paused") == 0)
			t.paused++;
		else
			t.unknown++;
	}
	return t;
}

/* --- the shell --- */

/* A disc of the state's colour, for the browser's tab. */
static const char *
icon(const char *state)
{
	if (strcmp(state, "failing") == 0)
		return "c62828";
	if (strcmp(state, "warning") == 0)
		return "c98a00";
	return strcmp(state, "ok") == 0 ? "2e8b57" : "888888";
}

static void
begin(struct buf *out, const char *title, const char *state, size_t sources)
{
	unsigned every = sources > MANY ? 60 : 10;

	page_put(out, "<!doctype html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"><title>", title, "</title>"
	    "<meta name=\"viewport\" content=\"width=device-width, "
	    "initial-scale=1\"><meta name=\"color-scheme\" "
	    "content=\"light dark\">");
	buf_addf(out, "<link rel=\"icon\" href=\"data:image/svg+xml,"
	    "%%3Csvg xmlns='http://www.w3.org/2000/svg' "
	    "viewBox='0 0 8 8'%%3E%%3Ccircle cx='4' cy='4' r='4' "
	    "fill='%%23%s'/%%3E%%3C/svg%%3E\">", icon(state));
	buf_addf(out, "<noscript><meta http-equiv=\"refresh\" content=\"%u\">"
	    "</noscript><style>", every * 3);
	buf_adds(out, page_css);
	buf_addf(out, "</style></head>\n<body data-every=\"%u\">", every);
}

static void
top(struct buf *out, const json_t *status, int64_t now)
{
	const json_t *daemon = facts_object(status, "daemon");
	char rfc[CLOCK_TEXT];

	/* A storehouse: its roof, walls and door. */
	buf_adds(out, "<header><a class=\"brand\" href=\"/\">"
	    "<svg class=\"mark\" viewBox=\"0 0 24 24\" width=\"24\" "
	    "height=\"24\" aria-hidden=\"true\"><path d=\"M1.5 10L12 "
	    "3l10.5 7M4 9v12h16V9M9.5 21v-7h5v7\"/></svg>Kura</a>"
	    "<span class=\"who\">");
	page_put(out, "", facts_word(daemon, "host"), "");
	page_put(out, "<span class=\"tool\">, ", facts_word(daemon, "tool"),
	    "</span>");
	if (strcmp(facts_word(daemon, "state"), "draining") == 0)
		buf_adds(out, " <b class=\"warn\">draining</b>");
	buf_adds(out, "</span><input id=\"find\" type=\"search\" "
	    "placeholder=\"Find a source\" aria-label=\"Find a source\" "
	    "hidden><span id=\"live\" role=\"status\">");
	if (now != FACTS_UNKNOWN) {
		clock_rfc3339(now, rfc);
		buf_addf(out, "as of %.8s UTC", rfc + 11);
	}
	buf_adds(out, "</span></header>\n");
}

static void
end(struct buf *out)
{
	buf_adds(out, "</main>\n<footer><a href=\"/metrics\">metrics</a> "
	    "<a href=\"/api/v1/status\">status as JSON</a> "
	    "<span>All times are UTC.</span></footer>\n<script>");
	buf_adds(out, page_js);
	buf_adds(out, "</script></body></html>\n");
}

/* --- what is said first --- */

static const char *
worst(const struct tally *t)
{
	if (t->failing > 0 || !t->daemon_well)
		return "failing";
	return t->warning > 0 ? "warning" : t->ok > 0 ? "ok" : "unknown";
}

static void
headline(struct buf *out, const struct tally *t)
{
	buf_addf(out, "<div class=\"head is-%s\"><h1>", worst(t));
	if (t->failing > 0)
		buf_addf(out, "%zu of %zu source%s %s failing", t->failing,
		    t->all, t->all == 1 ? "" : "s", t->failing == 1 ? "is" :
		    "are");
	else if (!t->daemon_well)
		buf_adds(out, "The daemon itself is in trouble");
	else if (t->warning > 0)
		buf_addf(out, "%zu of %zu source%s want%s a look", t->warning,
		    t->all, t->all == 1 ? "" : "s", t->warning == 1 ? "s" :
		    "");
	else if (t->all == 0)
		buf_adds(out, "No sources yet");
	else if (t->unknown > 0)
		buf_addf(out, "Nothing is wrong; of %zu source%s nothing is "
		    "known yet", t->unknown, t->unknown == 1 ? "" : "s");
	else
		buf_addf(out, "All is well with %s%zu source%s",
		    t->all == 1 ? "" : "all ", t->all, t->all == 1 ? "" :
		    "s");
	buf_adds(out, "</h1>");
}

static void
tile(struct buf *out, const char *class, const char *word, double n)
{
	buf_addf(out, "<li class=\"%s%s\"><b>", class, n > 0 ? "" : " none");
	page_count(out, n);
	buf_addf(out, "</b> %s</li>", word);
}

static void
tiles(struct buf *out, const json_t *status, const struct tally *t)
{
	const json_t *limits = facts_object(status, "limits");

	buf_adds(out, "<ul class=\"tiles\">");
	tile(out, "is-failing", "failing", (double)t->failing);
	tile(out, "is-warning", "warning", (double)t->warning);
	tile(out, "is-ok", "ok", (double)t->ok);
	if (t->paused > 0)
		tile(out, "is-paused", "paused", (double)t->paused);
	if (t->unknown > 0)
		tile(out, "is-unknown", "unknown", (double)t->unknown);
	tile(out, "jobs", "running", facts_amount(limits, "running"));
	tile(out, "jobs", "queued", facts_amount(limits, "queued"));
	buf_adds(out, "</ul></div>\n");
}

int
page_write(const json_t *status, struct buf *out, struct err *e)
{
	struct tally t = count(status);
	int64_t now = facts_time(status, "now");
	char title[80];

	if (t.failing > 0)
		(void)snprintf(title, sizeof(title), "Kura: %zu failing",
		    t.failing);
	else if (!t.daemon_well)
		(void)snprintf(title, sizeof(title), "Kura: in trouble");
	else if (t.warning > 0)
		(void)snprintf(title, sizeof(title), "Kura: %zu warning",
		    t.warning);
	else
		(void)snprintf(title, sizeof(title), "Kura: all is well");
	begin(out, title, worst(&t), t.all);
	top(out, status, now);
	buf_adds(out, "<main>");
	headline(out, &t);
	tiles(out, status, &t);
	page_problems(out, status, now);
	page_running(out, status, now);
	page_sources(out, status, now);
	page_fleet(out, status, now);
	end(out);
	return buf_check(out, "page", e);
}

int
page_source(const json_t *status, const json_t *source, struct buf *out,
    struct err *e)
{
	int64_t now = facts_time(status, "now");
	char title[160];

	(void)snprintf(title, sizeof(title), "%s: Kura", facts_word(source,
	    "name"));
	begin(out, title, page_state(source), 1);
	top(out, status, now);
	buf_adds(out, "<main>");
	page_detail(out, status, source, now);
	end(out);
	return buf_check(out, "page", e);
}

void
page_policy(char *out, size_t n)
{
	uint8_t style[SHA256_SIZE], script[SHA256_SIZE];
	char style_text[48], script_text[48];

	sha256_of(page_css, strlen(page_css), style);
	sha256_of(page_js, strlen(page_js), script);
	base64_encode(style, sizeof(style), style_text);
	base64_encode(script, sizeof(script), script_text);
	(void)snprintf(out, n, "default-src 'none'; style-src 'sha256-%s'; "
	    "script-src 'sha256-%s'; connect-src 'self'; img-src data:; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	    style_text, script_text);
}
