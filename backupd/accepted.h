/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accepted: the configuration that the daemon goes by, as a file for its jobs.
 *
 * A job reads its settings itself: were it given the user's file, it would
 * fail while that is half written, and go by what no daemon has accepted.
 *
 * Life cycle: accepted_new writes the file; accepted_keep before each job;
 * accepted_free, which leaves the file.  Used by one thread at a time.
 */
#ifndef BACKUPD_ACCEPTED_H
#define BACKUPD_ACCEPTED_H

struct accepted;
struct err;
struct settings;

/* Write FOLDER/accepted.conf anew, for this user alone, from what *s was read
 * of; NULL on failure: what was there before is there still. */
struct accepted *accepted_new(const char *folder, const struct settings *s,
    struct err *e);

/* Write it again if it is not there any more, or is another one. */
int accepted_keep(struct accepted *a, struct err *e);

/* Its path, borrowed. */
const char *accepted_path(const struct accepted *a);

/* NULL is fine. */
void accepted_free(struct accepted *a);

#endif /* !BACKUPD_ACCEPTED_H */
