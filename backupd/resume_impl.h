/* SPDX-License-Identifier: Apache-2.0 */
/* resume_impl: what the files of resume share. */
#ifndef BACKUPD_RESUME_IMPL_H
#define BACKUPD_RESUME_IMPL_H

#include "backupd/ask.h"
#include "backupd/fork.h"

#include "backupd/resume.h"

struct conn;

struct resume_where {
	const struct resume_opts *opts;
	struct resume *r;
	struct conn *conn;
	struct ask ask;
};

/* Another server than the history's? */
bool resume_is_stranger(const struct flavour *f, const struct history *h);

/* Ask for a file from offset on. */
int resume_dump(struct resume_where *w, const char *name, uint64_t offset,
    struct err *e);

/* Begin a history with f->file; parent: NULL for the first.  ERR_AGAIN:
 * another archiver did so at the same time. */
int resume_begin(struct resume_where *w, const struct fork *f,
    const struct history *parent, struct err *e);

#endif /* !BACKUPD_RESUME_IMPL_H */
