/* SPDX-License-Identifier: Apache-2.0 */
/* spool_recover: what an archiver that died left in a spool goes to the
 * store. */
#ifndef BACKUPD_SPOOL_RECOVER_H
#define BACKUPD_SPOOL_RECOVER_H

struct err;
struct spool;
struct store;

/* Store each whole transaction that the store has not got, once what both hold
 * was found to be the same, and empty the spool.  Needs no server.  What
 * cannot be placed (it differs, bytes before it are missing, its history is
 * unknown or ended before it) is put aside and told of as an error of the log,
 * for it may have been promised; ERR_CORRUPT is only damage in the store. */
int spool_recover(struct spool *sp, struct store *s, const char *source,
    struct err *e);

#endif /* !BACKUPD_SPOOL_RECOVER_H */
