/* SPDX-License-Identifier: Apache-2.0 */
/* status: the daemon's status document as a person reads it in a terminal. */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "catalog/show.h"

#include "backupd/status.h"

#define CELL 80
#define COLUMNS 6

struct row {
	char cell[COLUMNS][CELL];
};

/* --- members, whatever they are --- */

static const char *
text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static int64_t
number(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_real(v) ? (int64_t)json_real_value(v) :
	    (int64_t)json_integer_value(v);
}

/* 0: none. */
static int64_t
when(const json_t *o, const char *name)
{
	int64_t us = 0;

	return clock_parse(text(o, name), &us) == 0 ? us : 0;
}

/* Words of others on a terminal: no control characters. */
static void
put(FILE *out, const char *s)
{
	for (; *s != '\0'; s++)
		(void)fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s,
		    out);
}

static void
span(int64_t us, char cell[CELL])
{
	int64_t s = (us < 0 ? -us : us) / 1000000;

	if (s < 120)
		(void)snprintf(cell, CELL, "%" PRId64 " s", s);
	else if (s < 7200)
		(void)snprintf(cell, CELL, "%" PRId64 " min", s / 60);
	else if (s < 2 * 86400)
		(void)snprintf(cell, CELL, "%" PRId64 " h", s / 3600);
	else
		(void)snprintf(cell, CELL, "%" PRId64 " d", s / 86400);
}

/* --- the cells of a source --- */

static int64_t
last_good(const json_t *source)
{
	const json_t *one;
	int64_t best = 0, at;
	size_t i;

	json_array_foreach(json_object_get(source, "jobs"), i, one) {
		at = when(one, "last_success");
		if (strcmp(text(one, "job"), "dump") == 0 && at > best)
			best = at;
	}
	json_array_foreach(json_object_get(source, "backups"), i, one) {
		at = when(one, "at");
		if (json_is_true(json_object_get(one, "proven")) &&
		    !json_is_true(json_object_get(one, "partial")) &&
		    at > best)
			best = at;
	}
	return best;
}

static void
backup_cell(const json_t *source, int64_t now, char cell[CELL])
{
	int64_t at = last_good(source);

	(void)snprintf(cell, CELL, "none");
	if (at == 0)
		return;
	span(now - at, cell);
	(void)strncat(cell, " ago", CELL - 1 - strlen(cell));
}

static void
archive_cell(const json_t *source, char cell[CELL])
{
	const json_t *a = json_object_get(source, "archive");

	if (!json_is_object(a))
		(void)snprintf(cell, CELL, "-");
	else if (strcmp(text(a, "state"), "following") != 0)
		(void)snprintf(cell, CELL, "%.20s", text(a, "state"));
	else if (number(a, "lag_s") <= 0)
		(void)snprintf(cell, CELL, "up to date");
	else {
		span(number(a, "lag_s") * 1000000, cell);
		(void)strncat(cell, " behind", CELL - 1 - strlen(cell));
	}
}

static void
next_cell(const json_t *source, int64_t now, char cell[CELL])
{
	const json_t *one, *first = NULL;
	int64_t best = INT64_MAX, at;
	char in[CELL];
	size_t i;

	(void)snprintf(cell, CELL, "-");
	if (json_is_true(json_object_get(source, "paused"))) {
		(void)snprintf(cell, CELL, "paused");
		return;
	}
	json_array_foreach(json_object_get(source, "jobs"), i, one) {
		at = when(one, "next");
		if (at != 0 && at < best) {
			best = at;
			first = one;
		}
	}
	if (first == NULL)
		return;
	span(best - now, in);
	if (best <= now)
		(void)snprintf(cell, CELL, "%.20s due", text(first, "job"));
	else
		(void)snprintf(cell, CELL, "%.20s in %.20s", text(first,
		    "job"), in);
}

/* "dump 34 %, 4 min left" */
static void
progress(const json_t *job, char cell[CELL])
{
	const json_t *r = json_object_get(job, "running");
	int64_t total = number(r, "total"), bytes = number(r, "bytes");
	int64_t left = number(r, "left_s");
	char size[SHOW_SIZE], in[CELL] = "";

	if (json_is_number(json_object_get(r, "left_s")))
		span(left * 1000000, in);
	if (total > 0 && bytes >= 0)
		(void)snprintf(cell, CELL, "%.20s %d %%%s%.20s%s", text(job,
		    "job"), (int)((double)bytes * 100 / (double)total),
		    in[0] != '\0' ? ", " : "", in,
		    in[0] != '\0' ? " left" : "");
	else
		(void)snprintf(cell, CELL, "%.20s %s", text(job, "job"),
		    show_size(bytes < 0 ? 0 : (uint64_t)bytes, size));
}

static void
running_cell(const json_t *source, char cell[CELL])
{
	const json_t *one;
	size_t i, n = 0;

	(void)snprintf(cell, CELL, "-");
	json_array_foreach(json_object_get(source, "jobs"), i, one) {
		if (!json_is_object(json_object_get(one, "running")))
			continue;
		if (n++ == 0)
			progress(one, cell);
	}
	if (n > 1)
		(void)snprintf(cell + strlen(cell), CELL - strlen(cell),
		    ", %zu more", n - 1);
}

static void
fill(const json_t *source, int64_t now, struct row *r)
{
	const char *state = text(source, "state");

	(void)snprintf(r->cell[0], CELL, "%.63s", text(source, "name"));
	(void)snprintf(r->cell[1], CELL, "%.20s%s",
	    strcmp(state, "failing") == 0 ? "FAILING" : state,
	    json_is_false(json_object_get(source, "ours")) ? "*" : "");
	backup_cell(source, now, r->cell[2]);
	/* Another daemon's source is not looked at: it may well have some. */
	if (strcmp(state, "unknown") == 0 &&
	    json_array_size(json_object_get(source, "backups")) == 0)
		(void)snprintf(r->cell[2], CELL, "unknown");
	archive_cell(source, r->cell[3]);
	next_cell(source, now, r->cell[4]);
	running_cell(source, r->cell[5]);
}

/* --- printing --- */

static void
print_rows(const struct row *rows, size_t n, FILE *out)
{
	int width[COLUMNS] = {0}, len;
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < COLUMNS; k++) {
			len = (int)strlen(rows[i].cell[k]);
			width[k] = len > width[k] ? len : width[k];
		}
	for (i = 0; i < n; i++)
		for (k = 0; k < COLUMNS; k++) {
			put(out, rows[i].cell[k]);
			if (k + 1 < COLUMNS)
				(void)fprintf(out, "%*s", width[k] + 2 -
				    (int)strlen(rows[i].cell[k]), "");
			else
				(void)fputc('\n', out);
		}
}

static void
print_daemon(const json_t *doc, FILE *out)
{
	const json_t *d = json_object_get(doc, "daemon");
	const json_t *l = json_object_get(doc, "limits"), *one;
	size_t i, alive = 0, n;

	put(out, text(d, "tool"));
	(void)fputs(" on ", out);
	put(out, text(d, "host"));
	(void)fputs(", ", out);
	put(out, text(d, "state"));
	(void)fputs(" since ", out);
	put(out, text(d, "started"));
	(void)fprintf(out, "; %" PRId64 " of %" PRId64 " jobs, %" PRId64
	    " queued", number(l, "running"), number(l, "max_jobs"),
	    number(l, "queued"));
	n = json_array_size(json_object_get(doc, "daemons"));
	json_array_foreach(json_object_get(doc, "daemons"), i, one)
		alive += json_is_true(json_object_get(one, "alive"));
	if (n > 1)
		(void)fprintf(out, "; %zu of %zu daemons alive", alive, n);
	(void)fputc('\n', out);
}

/* Of a source, or of the daemon itself (the document). */
static void
print_problems(const json_t *source, const char *name, FILE *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(source, "problems"), i, one) {
		put(out, name);
		(void)fprintf(out, ": %s: ", strcmp(text(one, "severity"),
		    "error") == 0 ? "ERROR" : "warning");
		put(out, text(one, "text"));
		if (when(one, "since") != 0) {
			(void)fputs(" (since ", out);
			put(out, text(one, "since"));
			(void)fputc(')', out);
		}
		(void)fputc('\n', out);
	}
}

static void
print_job(const json_t *job, FILE *out)
{
	const json_t *last = json_object_get(job, "last"), *ok;
	char cell[CELL];

	(void)fputs("  ", out);
	put(out, text(job, "job"));
	(void)fputs(": ", out);
	put(out, text(job, "schedule")[0] != '\0' ? text(job, "schedule") :
	    "not scheduled");
	if (when(job, "next") != 0) {
		(void)fputs(", next ", out);
		put(out, text(job, "next"));
	}
	if (json_is_object(last)) {
		ok = json_object_get(last, "ok");
		(void)fprintf(out, ", last %s ", json_is_true(ok) ? "done" :
		    json_is_null(ok) ? "cancelled" : "FAILED");
		put(out, text(last, "finished"));
		if (text(last, "message")[0] != '\0') {
			(void)fputs(" (", out);
			put(out, text(last, "message"));
			(void)fputc(')', out);
		}
	}
	if (json_is_object(json_object_get(job, "running"))) {
		progress(job, cell);
		(void)fputs(", running: ", out);
		put(out, text(json_object_get(job, "running"), "phase"));
		(void)fputs(" ", out);
		put(out, cell + strcspn(cell, " ") + 1);
	}
	(void)fputc('\n', out);
}

/* What the table has no room for. */
static void
print_detail(const json_t *source, FILE *out)
{
	const json_t *a = json_object_get(source, "archive"), *one;
	size_t i;

	json_array_foreach(json_object_get(source, "jobs"), i, one)
		print_job(one, out);
	if (json_is_object(a)) {
		(void)fputs("  archive: ", out);
		put(out, text(a, "state"));
		(void)fputs(" at ", out);
		put(out, text(a, "file"));
		(void)fprintf(out, ":%" PRId64, number(a, "position"));
		/* Unknown while the server cannot be asked. */
		if (json_is_number(json_object_get(a, "lag_bytes")))
			(void)fprintf(out, ", %" PRId64 " bytes behind",
			    number(a, "lag_bytes"));
		if (text(a, "error")[0] != '\0') {
			(void)fputs(": ", out);
			put(out, text(a, "error"));
		}
		(void)fputc('\n', out);
	}
	json_array_foreach(json_object_get(source, "windows"), i, one) {
		(void)fputs("  restorable: ", out);
		put(out, text(one, "from"));
		(void)fputs(" to ", out);
		put(out, text(one, "to"));
		(void)fputc('\n', out);
	}
}

static int
print_table(const json_t *doc, const json_t *sources, bool detail, FILE *out,
    struct err *e)
{
	static const struct row heading = { { "SOURCE", "STATE", "LAST BACKUP",
	    "ARCHIVE", "NEXT", "RUNNING" } };
	size_t n = json_array_size(sources), i;
	struct row *rows = calloc(n + 1, sizeof(*rows));
	int64_t now = when(doc, "now");
	bool others = false;

	if (rows == NULL)
		return err_set(e, ERR_NOMEM, 0, "status");
	rows[0] = heading;
	for (i = 0; i < n; i++) {
		fill(json_array_get(sources, i), now, &rows[i + 1]);
		others = others || strchr(rows[i + 1].cell[1], '*') != NULL;
	}
	print_daemon(doc, out);
	print_rows(rows, n + 1, out);
	if (others)
		(void)fputs("* not this daemon's turn\n", out);
	print_problems(doc, "daemon", out);
	for (i = 0; i < n; i++) {
		if (detail)
			print_detail(json_array_get(sources, i), out);
		print_problems(json_array_get(sources, i),
		    text(json_array_get(sources, i), "name"), out);
	}
	free(rows);
	return 0;
}

int
status_print(const json_t *doc, const char *source, bool json, FILE *out,
    struct err *e)
{
	const json_t *all = json_object_get(doc, "sources"), *one;
	json_t *mine = json_array(), *copy;
	size_t i;
	int rc = 0;

	json_array_foreach(all, i, one)
		if (source == NULL || strcmp(source, text(one, "name")) == 0)
			(void)json_array_append(mine, (json_t *)(uintptr_t)
			    one);
	copy = json_is_object(doc) ? json_copy((json_t *)(uintptr_t)doc) :
	    NULL;
	if (copy == NULL || !json_is_array(all)) {
		rc = err_set(e, ERR_CORRUPT, 0, "the daemon's answer is no "
		    "status");
	} else if (source != NULL && json_array_size(mine) == 0) {
		rc = err_set(e, ERR_NOTFOUND, 0, "the daemon has no source "
		    "'%.80s'", source);
	} else if (json) {
		(void)json_object_set(copy, "sources", mine);
		(void)json_dumpf(copy, out, JSON_INDENT(2));
		(void)fputc('\n', out);
	} else {
		rc = print_table(doc, mine, source != NULL, out, e);
	}
	json_decref(copy);
	json_decref(mine);
	return rc;
}
