/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: what a check found to be wrong, and which jobs that stops.
 *
 * Life cycle: findings_new; finding_add from any threads; the rest from one
 * thread once they are joined; findings_free.  Texts are copied.  When memory
 * is out, a finding is lost and findings_lost says so.
 */
#ifndef BACKUPD_FINDING_H
#define BACKUPD_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

struct err;
struct findings;

enum finding_level { FINDING_ERROR, FINDING_WARNING, FINDING_HINT };

/* Jobs, as a set. */
#define FINDING_DUMP	1u
#define FINDING_ARCHIVE	2u
#define FINDING_EXPIRE	4u
#define FINDING_VERIFY	8u
#define FINDING_DRILL	16u
#define FINDING_ALL	31u
#define FINDING_JOBS	5
extern const char *const finding_jobs[FINDING_JOBS];	/* "dump", ... */

struct finding {
	enum finding_level level;
	const char *source;	/* or NULL: of the file or a store */
	const char *where;	/* "kura.conf:12", "store main"; NULL: the
				 * source; "": what says it itself */
	unsigned jobs;		/* that it stops, when it is an error */
	const char *todo;	/* what to do, or NULL */
};

struct findings *findings_new(struct err *e);

/* *at is copied; fmt says what is wrong. */
void finding_add(struct findings *f, const struct finding *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same of a failure: its message and hint. */
void finding_err(struct findings *f, const struct finding *at,
    const struct err *why);

size_t findings_count(const struct findings *f, enum finding_level level);
bool findings_lost(const struct findings *f);

/* The jobs of a source that an error stops. */
unsigned findings_stopped(const struct findings *f, const char *source);

/* One line a finding, "where: what; what to do", errors first; or the same as
 * an array of objects. */
void findings_print(const struct findings *f, FILE *out);
json_t *findings_json(const struct findings *f);

/* The first error as a failure, "where: what" with its hint (ERR_USAGE); if
 * there are more, all of them are events of the log.  -1 if there is one. */
int findings_fail(const struct findings *f, struct err *e);

void findings_free(struct findings *f);

#endif /* !BACKUPD_FINDING_H */
