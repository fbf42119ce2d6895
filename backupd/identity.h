/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: does this server belong to the source it is dumped for?
 *
 * A wrong host name must not push out the good backups (DESIGN).  A server
 * belongs when its server_uuid equals the newest head's, or its GTID set
 * contains the head's (MariaDB: per domain and server), or, without GTIDs,
 * server_id is equal and the head's binlog file is still listed with at least
 * its size.
 */
#ifndef BACKUPD_IDENTITY_H
#define BACKUPD_IDENTITY_H

#include <stdbool.h>

struct conn;
struct err;
struct flavour;
struct head;
struct store;

/* The newest backup of a source, which says who it is: 1 with *h (head_free it
 * in any case), 0 when there is none, -1. */
int identity_newest(struct store *s, const char *source, struct head *h,
    struct err *e);

/* 0: it belongs; -1 with *e: ERR_EXISTS shows both identities, anything else
 * is a failure to find out. */
int identity_check(struct conn *c, const struct flavour *f,
    const struct head *newest, struct err *e);

/* The same by the newest history that is archived, for a source that has no
 * backup yet.  One that does not say which transactions it begins with, or of
 * whose server alone we know, refuses nobody. */
int identity_check_archive(struct store *s, const char *source,
    struct conn *c, const struct flavour *f, struct err *e);

/* MariaDB: is each domain-server-sequence of inner at or below that of the
 * same domain and server in outer? */
bool identity_gtid_within(const char *inner, const char *outer);

#endif /* !BACKUPD_IDENTITY_H */
