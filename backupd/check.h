/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: finds everything that would stop a job, before it does.
 *
 * check_offline looks at the configuration alone; check_run then, unless
 * --offline, connects to every source and store and tries what the jobs will
 * need.  No wait is longer than CHECK_WAIT_MS a step; CHECK_AT_ONCE sources
 * are looked at at the same time.
 */
#ifndef BACKUPD_CHECK_H
#define BACKUPD_CHECK_H

#include <stddef.h>
#include <stdio.h>

struct cancel;
struct err;
struct findings;
struct settings;

#define CHECK_AT_ONCE 8
#define CHECK_WAIT_MS 10000

/* Every mistake of the configuration, of all sources: what a daemon asks
 * before it starts with it or takes it over.  Returns the number of errors. */
size_t check_offline(const struct settings *s, struct findings *f);

/* May a daemon work with this?  0, or -1 with *e set to the first mistake
 * (ERR_USAGE); if there are more, each is logged. */
int check_approve(const struct settings *s, struct err *e);

/* backupd check: findings and a table on out.  ERR_USAGE when the configuration
 * is wrong, ERR_IO when a job cannot work. */
int check_run(const struct settings *s, struct cancel *cancel, FILE *out,
    struct err *e);

/* The same when the file could not even be read: all mistakes in it on out,
 * and their number in place of *e, the first of them. */
void check_mistakes(const struct settings *s, FILE *out, struct err *e);

#endif /* !BACKUPD_CHECK_H */
