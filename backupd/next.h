/* SPDX-License-Identifier: Apache-2.0 */
/* next: what the schedules of kura.conf will run when. */
#ifndef BACKUPD_NEXT_H
#define BACKUPD_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;
struct settings;

#define NEXT_MAX 10000

struct next_opts {
	const char *source;	/* NULL: all of the file */
	size_t n;		/* runs, 1 to NEXT_MAX */
	int64_t after_us;	/* now */
	bool json;
};

/* Print the next n runs, in order of time. */
int next_print(const struct settings *s, const struct next_opts *opts,
    FILE *out, struct err *e);

/* The verb: `backupd next [SOURCE] [N]`. */
int next_verb(const struct settings *s, FILE *out, struct err *e);

#endif /* !BACKUPD_NEXT_H */
