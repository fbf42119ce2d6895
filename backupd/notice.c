/* SPDX-License-Identifier: Apache-2.0 */
/* notice: one thing that people are told of, and the forms in which. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "backupd/notice.h"

/* PagerDuty's limit is 1024; ours leaves room for the rest. */
#define SUMMARY_MAX 900

static const char *const names[NOTICE_KINDS] = {
	[NOTICE_FAILURE] = "failure",
	[NOTICE_OVERDUE] = "overdue",
	[NOTICE_GAP] = "gap",
	[NOTICE_PURGE_AHEAD] = "purge-ahead",
	[NOTICE_LAG] = "lag",
	[NOTICE_DAMAGE] = "damage",
	[NOTICE_DRILL_FAILED] = "drill-failed",
	[NOTICE_SPOOL_FILLING] = "spool-filling",
	[NOTICE_SPOOL_FULL] = "spool-full",
	[NOTICE_ACK_LOST] = "ack-lost",
	[NOTICE_CREDENTIALS] = "credentials-expire",
};

/* --- kinds --- */

const char *
notice_kind_name(enum notice_kind kind)
{
	return kind < NOTICE_KINDS ? names[kind] : "failure";
}

/* '_' and '-' are one. */
static bool
same(const char *a, const char *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (a[i] != b[i] && !(a[i] == '_' && b[i] == '-'))
			return false;
	return true;
}

static bool
ends(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n > t && same(name + n - t, tail, t);
}

static bool
is_name(const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < NOTICE_KINDS; i++)
		if (n == strlen(names[i]) && same(name, names[i], n))
			return true;
	return false;
}

int
notice_kind_parse(const char *name, enum notice_kind *kind)
{
	size_t i, n = strlen(name);

	for (i = 0; i < NOTICE_KINDS; i++)
		if (n == strlen(names[i]) && same(name, names[i], n)) {
			*kind = (enum notice_kind)i;
			return 0;
		}
	if (ends(name, "-failed"))
		*kind = NOTICE_FAILURE;
	else if (ends(name, "-overdue"))
		*kind = NOTICE_OVERDUE;
	else if (ends(name, "-lag"))
		*kind = NOTICE_LAG;
	else
		return -1;
	return 0;
}

/* "dump" of "dump_failed": one of our jobs. */
static bool
job_of(const char *word, char job[16])
{
	static const char *const jobs[] = { "dump", "archive", "expire",
	    "verify", "drill" };
	size_t i, n = strcspn(word, "-_");

	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		if (word[n] != '\0' && strlen(jobs[i]) == n &&
		    strncmp(word, jobs[i], n) == 0) {
			(void)snprintf(job, 16, "%s", jobs[i]);
			return true;
		}
	return false;
}

int
notice_filter_parse(const char *word, struct notice_filter *filter,
    struct err *e)
{
	const char *near = NULL;
	size_t i, n, best = 1;

	*filter = (struct notice_filter){0};
	if (notice_kind_parse(word, &filter->kind) == 0 &&
	    (is_name(word) || job_of(word, filter->job)))
		return 0;
	if (strcmp(word, "recovery") == 0) {
		(void)err_set(e, ERR_USAGE, 0, "'recovery' is no kind");
		return err_hint(e, "leave it out: the end is told wherever "
		    "the trouble was");
	}
	for (i = 0; i < NOTICE_KINDS; i++) {
		for (n = 0; word[n] != '\0' && word[n] == names[i][n]; n++)
			continue;
		if (n > best) {
			best = n;
			near = names[i];
		}
	}
	(void)err_set(e, ERR_USAGE, 0, "'%.60s' is no kind", word);
	if (near != NULL)
		return err_hint(e, "did you mean %s?", near);
	return err_hint(e, "kinds are failure, overdue, gap, purge-ahead, lag, "
	    "damage, drill-failed, spool-filling, spool-full, ack-lost, "
	    "credentials-expire, or as dump_failed");
}

bool
notice_filter_fits(const struct notice_filter *filter, const struct notice *n)
{
	return filter->kind == n->kind && (filter->job[0] == '\0' ||
	    strcmp(filter->job, n->job) == 0);
}

void
notice_default_key(struct notice *n)
{
	if (n->key[0] == '\0')
		(void)snprintf(n->key, sizeof(n->key), "%s/%s/%s",
		    n->source[0] != '\0' ? n->source : "-",
		    n->job[0] != '\0' ? n->job : "-",
		    notice_kind_name(n->kind));
}

/* --- bodies --- */

/* jansson takes UTF-8 only; servers and paths may hold anything. */
static json_t *
string(const char *text)
{
	json_t *value = text[0] != '\0' ? json_string(text) : json_null();
	char *copy;
	size_t i;

	if (value != NULL)
		return value;
	copy = strdup(text);
	for (i = 0; copy != NULL && copy[i] != '\0'; i++)
		if ((unsigned char)copy[i] >= 0x80)
			copy[i] = '?';
	value = copy != NULL ? json_string(copy) : NULL;
	free(copy);
	return value;
}

static json_t *
when(int64_t us)
{
	char text[CLOCK_TEXT];

	if (us <= 0)
		return json_null();
	clock_rfc3339(us, text);
	return json_string(text);
}

static const char *
severity(const struct notice *n)
{
	return n->error ? "error" : "warning";
}

static json_t *
form_json(const struct notice *n, const struct notice_origin *o,
    int64_t sent_us)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o, "
	    "s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1, "id", n->id,
	    "kind", notice_kind_name(n->kind),
	    "state", n->recovered ? "recovered" : "firing",
	    "test", n->test ? 1 : 0, "severity", severity(n),
	    "source", string(n->source), "job", string(n->job),
	    "key", string(n->key), "text", string(n->text),
	    "since", when(n->since_us), "time", when(n->at_us),
	    "sent", when(sent_us), "host", string(o->host),
	    "daemon", string(o->daemon != NULL ? o->daemon : ""),
	    "page", string(o->page != NULL ? o->page : ""));
}

/* "orders: dump: TEXT", what a person reads first. */
static void
summary(const struct notice *n, struct buf *out)
{
	if (n->test)
		buf_adds(out, "TEST: ");
	if (n->recovered)
		buf_adds(out, "recovered: ");
	if (n->source[0] != '\0')
		buf_addf(out, "%s: ", n->source);
	if (n->job[0] != '\0')
		buf_addf(out, "%s: ", n->job);
	buf_adds(out, n->text[0] != '\0' ? n->text :
	    notice_kind_name(n->kind));
	if (out->len > SUMMARY_MAX && out->data != NULL) {
		/* Not within a character. */
		out->len = SUMMARY_MAX;
		while (out->len > 0 &&
		    ((unsigned char)out->data[out->len] & 0xc0) == 0x80)
			out->len--;
		out->data[out->len] = '\0';
	}
}

/* Slack takes these three for mark-up. */
static void
escape(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			buf_adds(out, "&amp;");
			break;
		case '<':
			buf_adds(out, "&lt;");
			break;
		case '>':
			buf_adds(out, "&gt;");
			break;
		default:
			buf_addc(out, *text);
		}
}

static json_t *
form_slack(const struct notice *n, const struct notice_origin *o)
{
	char since[CLOCK_TEXT];
	struct buf plain = {0}, text = {0};
	json_t *doc;

	summary(n, &plain);
	buf_adds(&text, n->recovered ? ":large_green_circle: " : n->error ?
	    ":red_circle: " : ":warning: ");
	escape(buf_str(&plain), &text);
	if (n->since_us > 0) {
		clock_rfc3339(n->since_us, since);
		buf_addf(&text, "\n_since %.19sZ, told by ", since);
		escape(o->host, &text);
		buf_addc(&text, '_');
	}
	if (o->page != NULL) {
		buf_addc(&text, '\n');
		escape(o->page, &text);
	}
	doc = json_pack("{s:o}", "text", string(buf_str(&text)));
	buf_free(&plain);
	buf_free(&text);
	return doc;
}

static json_t *
form_pagerduty(const struct notice *n, const struct notice_origin *o,
    const char *secret, int64_t sent_us)
{
	struct buf text = {0}, key = {0};
	json_t *doc, *links = json_array();

	summary(n, &text);
	/* The same for each daemon: another one may resolve it. */
	buf_addf(&key, "kura:%s", n->key);
	doc = json_pack("{s:s, s:s, s:o, s:s, s:{s:o, s:o, s:s, s:o, s:o, "
	    "s:s, s:o}}", "routing_key", secret, "event_action",
	    n->recovered ? "resolve" : "trigger",
	    "dedup_key", string(buf_str(&key)), "client", "kura",
	    "payload", "summary", string(buf_str(&text)),
	    "source", string(n->source[0] != '\0' ? n->source : o->host),
	    "severity", n->error ? "error" : "warning",
	    "timestamp", when(n->at_us),
	    "component", string(n->job[0] != '\0' ? n->job : "backupd"),
	    "class", notice_kind_name(n->kind),
	    "custom_details", form_json(n, o, sent_us));
	if (doc != NULL && o->page != NULL) {
		(void)json_array_append_new(links, json_pack("{s:o, s:s}",
		    "href", string(o->page), "text", "Kura"));
		(void)json_object_set(doc, "links", links);
	}
	json_decref(links);
	buf_free(&text);
	buf_free(&key);
	return doc;
}

int
notice_body(const struct notice *n, enum notice_form form,
    const struct notice_origin *origin, const char *secret, int64_t sent_us,
    struct buf *out, struct err *e)
{
	json_t *doc = form == NOTICE_SLACK ? form_slack(n, origin) :
	    form == NOTICE_PAGERDUTY ? form_pagerduty(n, origin,
	    secret != NULL ? secret : "", sent_us) :
	    form_json(n, origin, sent_us);
	char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL;

	json_decref(doc);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "notice");
	buf_adds(out, text);
	free(text);
	return buf_check(out, "notice", e);
}
