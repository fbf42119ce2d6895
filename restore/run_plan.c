/* SPDX-License-Identifier: Apache-2.0 */
/* run_plan: what a restore would do, as text and JSON. */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/run_plan.h"

static const char *
accounts_word(const struct steps *s)
{
	return s->accounts == ACCOUNTS_ALL ? "all" :
	    s->accounts == ACCOUNTS_MISSING ? "missing" : "none";
}

static void
lines(FILE *out, const char *indent, const struct buf *text)
{
	const char *p = buf_str(text), *lf;

	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1)
		(void)fprintf(out, "%s%.*s\n", indent, (int)(lf - p), p);
}

void
run_plan_print(const struct steps *s, FILE *out)
{
	const struct restore_plan *p = &s->plan;
	const struct head *h = &p->head;
	char when[CLOCK_TEXT];

	clock_rfc3339(h->started_us, when);
	(void)fprintf(out, "backup    %s/%s of %s, %s%s\n", h->source, h->id,
	    when, head_text(h->server, "version"), head_proven(h) ? "" :
	    ", UNPROVEN: its tables may be of different moments");
	(void)fprintf(out, "target    %s, %s, %s\n",
	    conn_where(s->target.conn), s->target.flavour.version_text,
	    s->target.empty ? "empty" : "holds other schemas");
	(void)fprintf(out, "restores  %s%zu tables, %" PRIu64 " rows, %" PRIu64
	    " bytes of rows (%" PRIu64 " stored), %zu other objects\n",
	    p->part ? "a part: " : "", p->ntables, p->rows, p->raw, p->stored,
	    p->nobjects);
	if (p->existing)
		(void)fprintf(out, "into      tables that are there: nothing "
		    "is made, no trigger either\n");
	(void)fprintf(out, "space     about %" PRIu64 " MiB with indexes\n",
	    (p->raw + p->raw / 2) >> 20);
	(void)fprintf(out, "accounts  %s\n", accounts_word(s));
	(void)fprintf(out, "gtid      %s\n", s->set_gtid ?
	    "set to the backup's" : "left as it is");
	(void)fprintf(out, "binlog    %s\n", s->target.flavour.log_bin ?
	    s->target.binlog_off ? "off: replicas of the target will not get "
	    "the rows" : "on: replicas of the target get all of it" :
	    "the target writes none");
	if (s->replay != NULL)
		replay_print(s->replay, out);
	if (s->missing.len > 0) {
		(void)fprintf(out, "missing\n");
		lines(out, "  ", &s->missing);
	}
	if (s->target.resume)
		(void)fprintf(out, "goes on   where an interrupted restore "
		    "stopped\n");
	else if (s->conflicts.len > 0) {
		(void)fprintf(out, "%s\n", s->opts->overwrite ?
		    "drops first" : "in the way");
		lines(out, "  ", &s->conflicts);
	}
}

void
run_plan_json(const struct steps *s, FILE *out, const char *state)
{
	struct err e = {0};
	json_t *doc = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I,"
	    " s:s, s:b, s:b, s:s, s:s, s:I}", "version", 1, "state", state,
	    "source", s->plan.head.source, "id", s->plan.head.id,
	    "tables", (json_int_t)s->plan.ntables,
	    "objects", (json_int_t)s->plan.nobjects,
	    "rows", (json_int_t)s->plan.rows, "raw", (json_int_t)s->plan.raw,
	    "stored", (json_int_t)s->plan.stored,
	    "accounts", accounts_word(s), "gtid", s->set_gtid,
	    "binlog_off", s->target.binlog_off,
	    "missing", buf_str(&s->missing),
	    "conflicts", buf_str(&s->conflicts),
	    "checked", (json_int_t)s->checked);

	if (s->replay != NULL)
		(void)replay_json(s->replay, doc, &e);
	(void)json_dumpf(doc, out, JSON_INDENT(2));
	(void)fputc('\n', out);
	json_decref(doc);
}
