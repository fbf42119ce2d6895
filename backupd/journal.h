/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: which jobs ran when, and how they ended (SQLite).
 *
 * It is a memory, not a truth: the file may be deleted at any time, and one
 * that is damaged is begun anew.  Used by one thread; calls take milliseconds.
 */
#ifndef BACKUPD_JOURNAL_H
#define BACKUPD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct journal;

#define JOURNAL_TEXT 400
#define JOURNAL_CANCELLED (-1)	/* as status: somebody stopped it by hand */

/* One run of a job; numbers are -1 and texts "" where nothing is known. */
struct journal_run {
	char source[64], job[16];
	int64_t started_us, finished_us;
	int status;		/* exit status */
	bool ok;
	int64_t bytes, rows, stored;
	char backup[32];
	char message[JOURNAL_TEXT];	/* why it failed */
};

/* path NULL: in memory. */
struct journal *journal_open(const char *path, struct err *e);

int journal_add(struct journal *j, const struct journal_run *run,
    struct err *e);

/* The last run of a job that was not cancelled, with ok alone the last that
 * succeeded: 1, 0 when there is none, -1. */
int journal_last(struct journal *j, const char *source, const char *job,
    bool ok, struct journal_run *run, struct err *e);

/* The newest n runs, newest first. */
int journal_recent(struct journal *j, size_t n,
    void (*each)(void *arg, const struct journal_run *run), void *arg,
    struct err *e);

/* The newest n runs of one job that were not cancelled, newest first. */
int journal_of(struct journal *j, const char *source, const char *job,
    size_t n, void (*each)(void *arg, const struct journal_run *run),
    void *arg, struct err *e);

/* Whether somebody paused a source. */
int journal_pause(struct journal *j, const char *source, bool paused,
    struct err *e);
int journal_paused(struct journal *j, const char *source, bool *paused,
    struct err *e);

/* Forget runs that ended before. */
int journal_prune(struct journal *j, int64_t before_us, struct err *e);

void journal_close(struct journal *j);

#endif /* !BACKUPD_JOURNAL_H */
