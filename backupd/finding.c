/* SPDX-License-Identifier: Apache-2.0 */
/* finding: what a check found to be wrong, and which jobs that stops. */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include "backupd/finding.h"

#define FINDINGS_MAX 100000

const char *const finding_jobs[FINDING_JOBS] = { "dump", "archive", "expire",
	"verify", "drill" };

struct one {
	enum finding_level level;
	unsigned jobs;
	char *source, *where, *what, *todo;	/* NULL, but what */
};

struct findings {
	pthread_mutex_t lock;		/* guards the rest */
	struct one *list;
	size_t n;
	bool lost;
};

struct findings *
findings_new(struct err *e)
{
	struct findings *f = calloc(1, sizeof(*f));

	if (f == NULL || pthread_mutex_init(&f->lock, NULL) != 0) {
		free(f);
		(void)err_set(e, ERR_NOMEM, 0, "findings");
		return NULL;
	}
	return f;
}

static void
one_free(struct one *x)
{
	free(x->source);
	free(x->where);
	free(x->what);
	free(x->todo);
}

static bool
copy(const char *from, char **to)
{
	*to = from != NULL && from[0] != '\0' ? strdup(from) : NULL;
	return from == NULL || from[0] == '\0' || *to != NULL;
}

static void
add(struct findings *f, const struct finding *at, const char *what)
{
	struct one x = { .level = at->level, .jobs = at->jobs }, *list = NULL;
	bool whole;

	if (at->where != NULL)
		x.where = strdup(at->where);
	whole = (at->where == NULL || x.where != NULL) &&
	    copy(at->source, &x.source) && copy(at->todo, &x.todo) &&
	    copy(what, &x.what) && x.what != NULL;
	(void)pthread_mutex_lock(&f->lock);
	if (whole && f->n < FINDINGS_MAX)
		list = realloc(f->list, (f->n + 1) * sizeof(*list));
	if (list != NULL) {
		f->list = list;
		f->list[f->n++] = x;
	} else {
		f->lost = true;
		one_free(&x);
	}
	(void)pthread_mutex_unlock(&f->lock);
}

void
finding_add(struct findings *f, const struct finding *at, const char *fmt,
    ...)
{
	struct err flat = {0};
	char what[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	/* Server words may hold anything: flattened as errors are. */
	(void)err_set(&flat, ERR_IO, 0, "%s", what);
	add(f, at, flat.msg);
}

void
finding_err(struct findings *f, const struct finding *at,
    const struct err *why)
{
	struct finding with = *at;

	if (with.todo == NULL)
		with.todo = why->hint;
	add(f, &with, why->msg);
}

size_t
findings_count(const struct findings *f, enum finding_level level)
{
	size_t n = 0, i;

	for (i = 0; i < f->n; i++)
		n += f->list[i].level == level;
	return n;
}

bool
findings_lost(const struct findings *f)
{
	return f->lost;
}

unsigned
findings_stopped(const struct findings *f, const char *source)
{
	unsigned jobs = 0;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->list[i].level == FINDING_ERROR &&
		    f->list[i].source != NULL &&
		    strcmp(f->list[i].source, source) == 0)
			jobs |= f->list[i].jobs;
	return jobs;
}

static const char *const levels[] = { "error", "warning", "hint" };

static void
print_one(const struct one *x, FILE *out)
{
	const char *where = x->where != NULL ? x->where : x->source != NULL ?
	    x->source : "";

	(void)fprintf(out, "%s%s%s%s%s%s%s\n", where, where[0] != '\0' ?
	    ": " : "", x->level != FINDING_ERROR ? levels[x->level] : "",
	    x->level != FINDING_ERROR ? ": " : "", x->what,
	    x->todo != NULL ? "; " : "", x->todo != NULL ? x->todo : "");
}

void
findings_print(const struct findings *f, FILE *out)
{
	unsigned level;
	size_t i;

	for (level = FINDING_ERROR; level <= FINDING_HINT; level++)
		for (i = 0; i < f->n; i++)
			if ((unsigned)f->list[i].level == level)
				print_one(&f->list[i], out);
}

static void
log_one(const struct one *x)
{
	log_event(LOG_ERROR_, "configuration", "what", x->what, "where",
	    x->where != NULL && x->where[0] != '\0' ? x->where : NULL,
	    "source", x->source, "todo", x->todo, NULL);
}

int
findings_fail(const struct findings *f, struct err *e)
{
	size_t errors = findings_count(f, FINDING_ERROR), i;
	const struct one *x;

	for (i = 0; i < f->n; i++) {
		x = &f->list[i];
		if (x->level != FINDING_ERROR)
			continue;
		if (errors > 1)
			log_one(x);
		/* The first record wins. */
		if (e->code == ERR_NONE) {
			(void)err_set(e, ERR_USAGE, 0, "%s", x->what);
			if (x->where != NULL && x->where[0] != '\0')
				(void)err_wrap(e, "%s", x->where);
			if (x->todo != NULL)
				(void)err_hint(e, "%s", x->todo);
		}
	}
	return errors > 0 ? -1 : 0;
}

static json_t *
jobs_json(unsigned jobs)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < FINDING_JOBS; i++)
		if ((jobs & 1u << i) != 0)
			(void)json_array_append_new(list,
			    json_string(finding_jobs[i]));
	return list;
}

json_t *
findings_json(const struct findings *f)
{
	json_t *list = json_array();
	const struct one *x;
	size_t i;

	for (i = 0; i < f->n; i++) {
		x = &f->list[i];
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s?, s:s?, s:o, s:s, s:s?}", "level",
		    levels[x->level], "source", x->source, "where", x->where,
		    "stops", jobs_json(x->level == FINDING_ERROR ? x->jobs :
		    0), "what", x->what, "todo", x->todo));
	}
	return list;
}

void
findings_free(struct findings *f)
{
	if (f == NULL)
		return;
	while (f->n > 0)
		one_free(&f->list[--f->n]);
	free(f->list);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}
