/* SPDX-License-Identifier: Apache-2.0 */
/* extract: a backup as plain .sql and .tsv files with a load script. */
#ifndef RESTORE_EXTRACT_H
#define RESTORE_EXTRACT_H

struct err;
struct restore_opts;
struct store;

/* Write the backup (or the picked parts) into dir, which is made, or must be
 * empty.  load.sql in it loads all with the mysql client. */
int extract_run(struct store *s, const struct restore_opts *opts,
    const char *dir, struct err *e);

#endif /* !RESTORE_EXTRACT_H */
