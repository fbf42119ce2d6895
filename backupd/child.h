/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: one of our own programs at work, as a process of its own.
 *
 * Life cycle: child_start; child_ready whenever one of child_fds is readable;
 * child_reap after SIGCHLD, until it says that the process is over; getters;
 * child_free.  All in one thread, none of it blocks but child_free of a child
 * that was not reaped (which kills it).
 *
 * The child gets SIGTERM when its parent dies, a process group of its own,
 * default signals, and no descriptor but /dev/null, its standard output and
 * error, and descriptor 3 for progress.
 */
#ifndef BACKUPD_CHILD_H
#define BACKUPD_CHILD_H

#include <stdbool.h>
#include <stddef.h>

struct child;
struct err;

#define CHILD_VARIABLES 2
#define CHILD_FDS 3		/* output, events, progress */
#define CHILD_OUT_MAX ((size_t)4 << 20)	/* bytes of output that are kept */
#define CHILD_LABEL 100
#define CHILD_LINE_MAX 8192	/* and of a line of the other two */

struct child_opts {
	const char *const *argv;	/* NULL-ended; [0] is the program */
	/* "NAME=VALUE" that its environment has before ours; or NULL. */
	const char *variables[CHILD_VARIABLES];
	/* Whose it is, at most CHILD_LABEL bytes; copied. */
	const char *label;
	/* A line of its standard error that is an event (JSON), whole and
	 * without its end; borrowed.  NULL: thrown away. */
	void (*event)(void *arg, const char *label, const char *line);
	void *arg;
};

/* Start it; *opts is copied, argv is needed for the call alone. */
struct child *child_start(const struct child_opts *opts, struct err *e);

/* What to wait for; -1 for those that have ended. */
void child_fds(const struct child *c, int fds[CHILD_FDS]);

/* Take what there is on all of them. */
void child_ready(struct child *c);

/* Is it over?  Then all it wrote has been taken. */
bool child_reap(struct child *c);

/* Ask it to stop (SIGTERM), or end it (SIGKILL). */
void child_stop(struct child *c);
void child_kill(struct child *c);

/* Once it is over: its exit status, or 128 and its signal. */
int child_status(const struct child *c);
/* What it wrote to standard output, and the last line of its standard error
 * that is no event: why it failed.  "" without.  Borrowed. */
const char *child_out(const struct child *c, size_t *n);
const char *child_message(const struct child *c);

/* The last line of progress, "" before the first. */
const char *child_progress(const struct child *c);

void child_free(struct child *c);

/* The path of one of our programs: beside the one that runs, else by PATH. */
void child_program(const char *name, char *path, size_t n);

#endif /* !BACKUPD_CHILD_H */
