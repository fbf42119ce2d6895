/* SPDX-License-Identifier: Apache-2.0 */
/* metrics: the status document as Prometheus reads it. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

#include "backupd/metrics_impl.h"

static const char gauge[] = "gauge", counter[] = "counter";

/* --- samples --- */

/* A label's value: three characters are escaped, the rest is UTF-8. */
static void
add_label(struct buf *out, const char *name, const char *value, bool first)
{
	size_t n;

	buf_addf(out, "%s%s=\"", first ? "{" : ",", name);
	while (*value != '\0') {
		n = utf8_length(value);
		if (n == 0) {
			buf_adds(out, "\xef\xbf\xbd");
			n = 1;
		} else if (*value == '\n') {
			buf_adds(out, "\\n");
		} else if (*value == '"' || *value == '\\') {
			buf_addf(out, "\\%c", *value);
		} else {
			buf_add(out, value, n);
		}
		value += n;
	}
	buf_addc(out, '"');
}

static void
add_value(struct buf *out, double value)
{
	/* Whole numbers are exact to 2^53, as Prometheus keeps them. */
	if (fabs(value) < 9007199254740992.0 && value == floor(value))
		buf_addf(out, " %.0f\n", value);
	else
		buf_addf(out, " %.15g\n", value);
}

static void
add_head(struct buf *out, const char *name, const char *type,
    const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* What the metric says of an object; false: nothing. */
static bool
value_of(const struct metric *m, const json_t *object, const json_t *status,
    double *value)
{
	int64_t at, now;

	switch (m->as) {
	case AS_NUMBER:
		return facts_number(object, m->key, value);
	case AS_TIME:
		at = facts_time(object, m->key);
		*value = (double)at / 1e6;
		return at != FACTS_UNKNOWN;
	case AS_AGE:
		at = facts_time(object, m->key);
		now = facts_time(status, "now");
		*value = at != FACTS_UNKNOWN && now > at ?
		    ((double)now - (double)at) / 1e6 : 0;
		return at != FACTS_UNKNOWN && now != FACTS_UNKNOWN;
	case AS_PRESENT:
		*value = object != NULL ? 1 : 0;
		return true;
	case AS_FAILED:
		*value = facts_true(object, m->key) ? 0 : 1;
		return json_is_boolean(json_object_get(object, m->key));
	}
	return false;
}

static void
add_sample(const struct metric *m, const json_t *status, const json_t *object,
    const char *const labels[][2], struct buf *out)
{
	double value;
	size_t i;

	if (!value_of(m, object, status, &value))
		return;
	buf_adds(out, m->name);
	for (i = 0; labels[i][0] != NULL; i++)
		add_label(out, labels[i][0], labels[i][1], i == 0);
	if (i > 0)
		buf_addc(out, '}');
	add_value(out, value);
}

static const json_t *
inner(const json_t *object, const char *in)
{
	return in != NULL ? facts_object(object, in) : object;
}

static void
add_jobs(const struct metric *m, const json_t *status, const json_t *source,
    struct buf *out)
{
	const json_t *jobs = facts_array(source, "jobs"), *job;
	size_t i;

	for (i = 0; i < json_array_size(jobs); i++) {
		job = json_array_get(jobs, i);
		add_sample(m, status, inner(job, m->in),
		    (const char *const [][2]){
			{ "source", facts_word(source, "name") },
			/* "job" would hide Prometheus's own label. */
			{ "job_type", facts_word(job, "job") },
			{ NULL, NULL } }, out);
	}
}

static void
add_source(const struct metric *m, const json_t *status,
    const json_t *source, struct buf *out)
{
	const char *const labels[][2] = {
		{ "source", facts_word(source, "name") }, { NULL, NULL } };
	const json_t *array;

	switch (m->of) {
	case OF_SOURCE:
		add_sample(m, status, inner(source, m->in), labels, out);
		break;
	case OF_NEWEST:
		add_sample(m, status, facts_newest(facts_array(source, m->in),
		    m->order), labels, out);
		break;
	case OF_COUNT:
		array = facts_array(source, m->in);
		if (array == NULL)
			break;
		buf_adds(out, m->name);
		add_label(out, labels[0][0], labels[0][1], true);
		buf_addc(out, '}');
		add_value(out, (double)json_array_size(array));
		break;
	case OF_JOB:
		add_jobs(m, status, source, out);
		break;
	case OF_DAEMON:
	case OF_STORE:
	case OF_NOTIFIER:
		break;
	}
}

static void
add_metric(const struct metric *m, const json_t *status, struct buf *out)
{
	const json_t *list = facts_array(status, m->of == OF_STORE ?
	    "stores" : m->of == OF_NOTIFIER ? "notifiers" : "sources"), *item;
	size_t i;

	add_head(out, m->name, m->type, m->help);
	if (m->of == OF_DAEMON) {
		add_sample(m, status, inner(status, m->in),
		    (const char *const [][2]){ { NULL, NULL } }, out);
		return;
	}
	for (i = 0; i < json_array_size(list); i++) {
		item = json_array_get(list, i);
		if (m->of == OF_STORE || m->of == OF_NOTIFIER)
			add_sample(m, status, item, (const char *const [][2]){
			    { m->of == OF_STORE ? "store" : "notifier",
			    facts_word(item, "name") }, { NULL, NULL } }, out);
		else
			add_source(m, status, item, out);
	}
}

/* --- metrics whose labels are facts themselves --- */

static bool
same(const json_t *a, const json_t *b, const char *key)
{
	return key == NULL || strcmp(facts_word(a, key), facts_word(b, key)) ==
	    0;
}

/* Is there an element before the nth with the same words? */
static bool
same_before(const json_t *array, size_t n, const char *one, const char *two)
{
	const json_t *p = json_array_get(array, n), *q;
	size_t i;

	for (i = 0; i < n; i++) {
		q = json_array_get(array, i);
		if (same(p, q, one) && same(p, q, two))
			return true;
	}
	return false;
}

static void
add_build(const json_t *status, struct buf *out)
{
	const json_t *daemon = facts_object(status, "daemon");
	const char *state = facts_word(daemon, "state");

	add_head(out, "kura_build_info", gauge, "1; which program this is.");
	buf_adds(out, "kura_build_info");
	add_label(out, "version", KURA_VERSION, true);
	add_label(out, "tool", facts_word(daemon, "tool"), false);
	add_label(out, "daemon", facts_word(daemon, "id"), false);
	buf_adds(out, "} 1\n");
	add_head(out, "kura_draining", gauge, "1 while the daemon takes no "
	    "new dumps.");
	buf_addf(out, "kura_draining %d\n", strcmp(state, "draining") == 0);
}

static void
add_fleet(const json_t *status, struct buf *out)
{
	const json_t *sources = facts_array(status, "sources");
	const json_t *daemons = facts_array(status, "daemons");
	size_t i, ours = 0, all = 0, alive = 0;

	for (i = 0; i < json_array_size(sources); i++)
		ours += facts_true(json_array_get(sources, i), "ours");
	for (i = 0; i < json_array_size(daemons); i++) {
		if (same_before(daemons, i, "id", NULL))
			continue;	/* it uses several stores */
		all++;
		alive += facts_true(json_array_get(daemons, i), "alive");
	}
	add_head(out, "kura_sources", gauge, "Sources of the configuration.");
	buf_addf(out, "kura_sources %zu\n", json_array_size(sources));
	add_head(out, "kura_claims", gauge, "Sources whose turn this daemon "
	    "has.");
	buf_addf(out, "kura_claims %zu\n", ours);
	add_head(out, "kura_daemons", gauge, "Daemons that share the store.");
	buf_addf(out, "kura_daemons %zu\n", all);
	add_head(out, "kura_daemons_alive", gauge, "Those whose heartbeat "
	    "goes on.");
	buf_addf(out, "kura_daemons_alive %zu\n", alive);
}

static void
add_requests(const json_t *status, struct buf *out)
{
	const json_t *stores = facts_array(status, "stores"), *store;
	json_t *requests, *n;
	const char *kind;
	size_t i;

	add_head(out, "kura_store_requests_total", counter, "Requests to the "
	    "store, by kind.");
	for (i = 0; i < json_array_size(stores); i++) {
		store = json_array_get(stores, i);
		requests = json_object_get(store, "requests");
		json_object_foreach(requests, kind, n) {
			if (!json_is_number(n))
				continue;
			buf_adds(out, "kura_store_requests_total");
			add_label(out, "store", facts_word(store, "name"),
			    true);
			add_label(out, "kind", kind, false);
			buf_addc(out, '}');
			add_value(out, json_number_value(n));
		}
	}
}

static void
add_state(const json_t *source, struct buf *out)
{
	static const char *const states[] = { "ok", "warning", "failing",
	    "unknown" };
	const char *state = facts_word(source, "state");
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		buf_adds(out, "kura_source_state");
		add_label(out, "source", facts_word(source, "name"), true);
		add_label(out, "state", states[i], false);
		buf_addf(out, "} %d\n", strcmp(state, states[i]) == 0);
	}
}

static void
add_archive(const json_t *source, struct buf *out)
{
	const json_t *archive = facts_object(source, "archive");

	if (archive == NULL)
		return;
	buf_adds(out, "kura_archive_following");
	add_label(out, "source", facts_word(source, "name"), true);
	buf_addf(out, "} %d\n", strcmp(facts_word(archive, "state"),
	    "following") == 0);
}

static void
add_ack(const json_t *source, struct buf *out)
{
	const char *ack = facts_text(facts_object(source, "archive"), "ack");

	if (ack == NULL || strcmp(ack, "off") == 0)
		return;
	buf_adds(out, "kura_archive_acknowledging");
	add_label(out, "source", facts_word(source, "name"), true);
	buf_addf(out, "} %d\n", strcmp(ack, "on") == 0);
}

/* Problems of a source; those of the daemon are of none. */
static void
add_problems(const json_t *source, struct buf *out)
{
	const json_t *problems = facts_array(source, "problems"), *p;
	const char *name = facts_text(source, "name");
	size_t i;

	for (i = 0; i < json_array_size(problems); i++) {
		p = json_array_get(problems, i);
		/* A series is written once. */
		if (same_before(problems, i, "kind", "severity"))
			continue;
		buf_adds(out, "kura_problem");
		if (name != NULL)
			add_label(out, "source", name, true);
		add_label(out, "kind", facts_word(p, "kind"), name == NULL);
		add_label(out, "severity", facts_word(p, "severity"), false);
		buf_adds(out, "} 1\n");
	}
}

static void
add_each(const json_t *status, const char *name, const char *help,
    void (*add)(const json_t *, struct buf *), struct buf *out)
{
	const json_t *sources = facts_array(status, "sources");
	size_t i;

	add_head(out, name, gauge, help);
	for (i = 0; i < json_array_size(sources); i++)
		add(json_array_get(sources, i), out);
	if (add == add_problems)
		add(status, out);
}

int
metrics_write(const json_t *status, struct buf *out, struct err *e)
{
	size_t i;

	add_build(status, out);
	add_fleet(status, out);
	add_requests(status, out);
	add_each(status, "kura_source_state", "1 for the state that the "
	    "source is in.", add_state, out);
	add_each(status, "kura_problem", "1 for each kind of problem that "
	    "there is.", add_problems, out);
	add_each(status, "kura_archive_following", "1 while binary logs are "
	    "archived as they are written.", add_archive, out);
	add_each(status, "kura_archive_acknowledging", "1 while commits wait "
	    "until they are stored; 0 when the server gave up waiting.",
	    add_ack, out);
	for (i = 0; metrics_table[i].name != NULL; i++)
		add_metric(&metrics_table[i], status, out);
	return buf_check(out, "metrics", e);
}
