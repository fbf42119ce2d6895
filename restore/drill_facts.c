/* SPDX-License-Identifier: Apache-2.0 */
/* drill_facts: what a drill found, as text and JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "catalog/drill_note.h"
#include "mysql/connect.h"

#include "restore/drill_impl.h"

static double
seconds(const struct drill *d, enum drill_phase phase)
{
	return (double)d->ms[phase] / 1000;
}

double
drill_recover_s(const struct drill *d)
{
	return seconds(d, DRILL_PLAN) + seconds(d, DRILL_LOAD) +
	    seconds(d, DRILL_REPLAY);
}

static double
total_s(const struct drill *d)
{
	double all = 0;
	size_t i;

	for (i = 0; i < DRILL_PHASES; i++)
		all += seconds(d, (enum drill_phase)i);
	return all;
}

/* Bytes of rows a second, while they were loaded. */
static uint64_t
rate(const struct drill *d)
{
	uint64_t raw = d->steps.totals.raw, ms = d->ms[DRILL_LOAD];

	return ms > 0 ? raw * 1000 / ms : 0;
}

static int64_t
behind_s(const struct drill *d)
{
	int64_t us = d->began_us - d->recovered_us;

	return us > 0 ? us / 1000000 : 0;
}

/* What a server or a user said may be no UTF-8. */
static json_t *
any_text(const char *text)
{
	struct buf quoted = {0};
	json_t *value;

	utf8_json(text, &quoted);
	value = json_loads(buf_str(&quoted), JSON_DECODE_ANY, NULL);
	buf_free(&quoted);
	return value != NULL ? value : json_null();
}

static json_t *
assertions(const struct drill *d)
{
	json_t *list = json_array();
	const struct assertion *a;
	size_t i;

	for (i = 0; i < d->asked; i++) {
		a = &d->asserts[i];
		(void)json_array_append_new(list, json_pack(
		    "{s:o, s:b, s:o, s:o, s:f}", "sql", any_text(a->sql),
		    "ok", a->ok, "value", a->null ? json_null() :
		    any_text(a->value), "error", a->error[0] == '\0' ?
		    json_null() : any_text(a->error), "seconds",
		    a->seconds));
	}
	return list;
}

static json_t *
times(const struct drill *d)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
	    "plan", seconds(d, DRILL_PLAN), "load", seconds(d, DRILL_LOAD),
	    "check", seconds(d, DRILL_CHECK),
	    "replay", seconds(d, DRILL_REPLAY),
	    "assert", seconds(d, DRILL_ASSERT),
	    "recover", drill_recover_s(d), "total", total_s(d));
}

json_t *
drill_facts(const struct drill *d, const char *failed)
{
	const struct steps *s = &d->steps;
	char when[CLOCK_TEXT] = "", began[CLOCK_TEXT];
	struct err none = {0};
	json_t *doc;

	if (d->recovered_us != 0)
		clock_rfc3339(d->recovered_us, when);
	clock_rfc3339(d->began_us, began);
	doc = json_pack("{s:i, s:s, s:s, s:s, s:b, s:o, s:b, s:s, s:o, s:o, "
	    "s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "version", 1, "source", d->how.source, "backup", d->head.id,
	    "began", began, "ok", d->ok,
	    "error", failed != NULL ? any_text(failed) : json_null(),
	    "kept", d->kept, "target", conn_where(s->target.conn),
	    "recovered_to", when[0] != '\0' ? json_string(when) : json_null(),
	    "behind_s", when[0] != '\0' ? json_integer(behind_s(d)) :
	    json_null(),
	    "archive", s->replay != NULL,
	    "why_no_archive", s->replay != NULL ? json_null() :
	    any_text(d->why_not),
	    "seconds", times(d),
	    "tables", (json_int_t)s->totals.tables,
	    "rows", (json_int_t)s->totals.rows,
	    "bytes", (json_int_t)s->totals.raw,
	    "stored", (json_int_t)s->plan.stored, "rate", (json_int_t)rate(d),
	    "checked", (json_int_t)s->checked,
	    "left_out", (json_int_t)d->ground.left_out,
	    "assertions", assertions(d));
	if (doc != NULL && s->target.broken_views > 0)
		(void)json_object_set_new(doc, "broken_views",
		    json_integer(s->target.broken_views));
	if (doc != NULL && s->replay != NULL)
		(void)replay_json(s->replay, doc, &none);
	return doc;
}

void
drill_tell(const struct drill *d, int status)
{
	struct drill_note n = {
		.began_us = d->began_us, .ended_us = clock_now_us(),
		.ok = d->ok, .status = (uint64_t)status,
		.archive = d->steps.replay != NULL,
		.recovered_us = d->recovered_us,
		.recover_ms = (uint64_t)(drill_recover_s(d) * 1000),
		.total_ms = (uint64_t)(total_s(d) * 1000),
		.rows = d->steps.totals.rows, .bytes = d->steps.totals.raw,
		.checked = d->steps.checked, .asserted = d->asked,
	};
	struct err e = {0};
	size_t i;

	for (i = 0; i < d->asked; i++)
		n.untrue += !d->asserts[i].ok;
	memcpy(n.backup, d->head.id, sizeof(n.backup));
	if (drill_note_create(d->store, d->how.source, &n, &e) != 0)
		log_event(LOG_WARN_, "could not note the drill in the store",
		    "why", e.msg, NULL);
}

static void
print_recovered(const struct drill *d, FILE *out)
{
	char when[CLOCK_TEXT];

	if (d->recovered_us == 0)
		return;
	clock_rfc3339(d->recovered_us, when);
	(void)fprintf(out, "reached   %s, %" PRId64 " s behind the begin of "
	    "the drill\n", when, behind_s(d));
	if (d->steps.replay == NULL)
		(void)fprintf(out, "          no archive leads on from the "
		    "backup: %s\n", d->why_not);
}

void
drill_print(const struct drill *d, FILE *out)
{
	const struct steps *s = &d->steps;
	const struct assertion *a;
	size_t i;

	(void)fprintf(out, "drill     %s/%s, restored into %s\n",
	    d->how.source, d->head.id, conn_where(s->target.conn));
	print_recovered(d, out);
	(void)fprintf(out, "loaded    %" PRIu64 " tables, %" PRIu64 " rows, %"
	    PRIu64 " bytes in %.1f s (%" PRIu64 " bytes/s)\n",
	    (uint64_t)s->totals.tables, (uint64_t)s->totals.rows,
	    (uint64_t)s->totals.raw, seconds(d, DRILL_LOAD), rate(d));
	if (s->checked > 0)
		(void)fprintf(out, "checked   %" PRIu64 " tables in %.1f s\n",
		    s->checked, seconds(d, DRILL_CHECK));
	if (s->replay != NULL && d->ms[DRILL_REPLAY] > 0)
		replay_done(s->replay, out);
	if (d->ground.left_out > 0)
		(void)fprintf(out, "left out  %u statements about accounts "
		    "that the server has\n", d->ground.left_out);
	for (i = 0; i < d->asked; i++) {
		a = &d->asserts[i];
		(void)fprintf(out, "assertion %s: %s: %s\n", a->ok ? "true" :
		    "FAILED", a->sql, a->error[0] != '\0' ? a->error :
		    a->null ? "NULL" : a->value);
	}
	(void)fprintf(out, "recovery  %.1f s; with its proof %.1f s\n",
	    drill_recover_s(d), total_s(d));
	if (d->ok)
		(void)fprintf(out, "proven    the server is empty again\n");
}
