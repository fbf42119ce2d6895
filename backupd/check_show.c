/* SPDX-License-Identifier: Apache-2.0 */
/* check_show: what a check saw, as text or as one JSON document. */
#include <inttypes.h>
#include <string.h>

#include "backupd/check_online.h"
#include "backupd/finding.h"
#include "catalog/show.h"

#include "backupd/check_show.h"

static const char *
verdict(const struct check_source *c, unsigned stopped, unsigned job)
{
	return (c->jobs & job) == 0 ? "-" : (stopped & job) != 0 ? "no" :
	    "ok";
}

/* --- text --- */

static void
print_store(const struct check_store *s, FILE *out)
{
	char room[SHOW_SIZE];

	(void)fprintf(out, "store %s: ", s->label);
	if (!s->reached) {
		(void)fprintf(out, "not reached\n");
		return;
	}
	(void)fprintf(out, "%s, %s, %s; a write takes %" PRIu64 " ms",
	    s->writes ? "writes" : "DOES NOT WRITE", s->reads ? "reads" :
	    "DOES NOT READ", s->deletes ? "deletes" : "DOES NOT DELETE",
	    s->put_ms);
	if (s->file && s->free > 0)
		(void)fprintf(out, "; %s free", show_size(s->free, room));
	(void)fprintf(out, "%s\n", s->exists ? "" : "; holds nothing yet");
}

static void
print_table(const struct check_shown *c, FILE *out)
{
	const struct check_source *s;
	size_t i, k, name = 6, store = 5;
	unsigned stopped;

	for (i = 0; i < c->nsources; i++) {
		s = &c->sources[i];
		if (strlen(s->name) > name)
			name = strlen(s->name);
		if (strlen(s->store->label) > store)
			store = strlen(s->store->label);
	}
	(void)fprintf(out, "%-*s  %-*s", (int)name, "SOURCE", (int)store,
	    "STORE");
	for (k = 0; k < FINDING_JOBS; k++)
		(void)fprintf(out, "  %-7s", finding_jobs[k]);
	(void)fprintf(out, "  server\n");
	for (i = 0; i < c->nsources; i++) {
		s = &c->sources[i];
		stopped = findings_stopped(c->findings, s->name);
		(void)fprintf(out, "%-*s  %-*s", (int)name, s->name,
		    (int)store, s->store->label);
		for (k = 0; k < FINDING_JOBS; k++)
			(void)fprintf(out, "  %-7s", verdict(s, stopped,
			    1u << k));
		(void)fprintf(out, "  %s\n", s->reached ? s->server :
		    "not reached");
	}
}

/* --- JSON --- */

static const char *
answer(enum bucket_answer a)
{
	return a == BUCKET_YES ? "yes" : a == BUCKET_NO ? "no" : NULL;
}

static json_t *
store_json(const struct check_store *s)
{
	return json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:f, s:o, "
	    "s:s?, s:s?, s:s?}", "name", s->label, "reached", s->reached,
	    "exists", s->exists, "writes", s->writes, "create_only",
	    s->create_only, "reads", s->reads, "deletes", s->deletes,
	    "put_ms", (json_int_t)s->put_ms, "clock_skew_s",
	    (double)s->skew_us / 1e6, "free", s->file && s->reached ?
	    json_integer((json_int_t)s->free) : json_null(), "lifecycle",
	    answer(s->bucket.lifecycle), "versions",
	    answer(s->bucket.versions), "object_lock",
	    answer(s->bucket.lock));
}

static json_t *
source_json(const struct check_source *s, unsigned stopped)
{
	json_t *jobs = json_object();
	const char *text;
	unsigned k;

	for (k = 0; k < FINDING_JOBS; k++) {
		text = verdict(s, stopped, 1u << k);
		(void)json_object_set_new(jobs, finding_jobs[k],
		    text[0] == '-' ? json_null() : json_string(text));
	}
	return json_pack("{s:s, s:s, s:s?, s:o}", "name", s->name, "store",
	    s->store->label, "server", s->reached ? s->server : NULL, "jobs",
	    jobs);
}

static void
print_json(const struct check_shown *c, FILE *out)
{
	json_t *stores = json_array(), *sources = json_array(), *doc;
	size_t i;

	for (i = 0; i < c->nstores; i++)
		(void)json_array_append_new(stores,
		    store_json(&c->stores[i]));
	for (i = 0; i < c->nsources; i++)
		(void)json_array_append_new(sources, source_json(
		    &c->sources[i], findings_stopped(c->findings,
		    c->sources[i].name)));
	doc = json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "stores",
	    stores, "sources", sources, "findings",
	    findings_json(c->findings));
	(void)json_dumpf(doc, out, JSON_INDENT(2));
	(void)fputc('\n', out);
	json_decref(doc);
}

void
check_show(const struct check_shown *c, FILE *out)
{
	size_t i;

	if (c->json) {
		print_json(c, out);
		return;
	}
	for (i = 0; i < c->nstores; i++)
		print_store(&c->stores[i], out);
	if (c->nsources > 0)
		print_table(c, out);
	findings_print(c->findings, out);
}
