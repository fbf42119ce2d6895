/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_impl: what the files of the snapshot share; nobody else's. */
#ifndef MYSQL_SNAPSHOT_IMPL_H
#define MYSQL_SNAPSHOT_IMPL_H

#include "mysql/snapshot.h"

struct snapshot {
	const struct snapshot_opts *opts;	/* during snapshot_open only */
	const struct flavour *flavour;
	struct conn **conns;		/* workers' */
	unsigned n;
	struct conn *lock;		/* holds the locks while opening */
	struct conn *side;		/* looks on: blockers */
	bool has_backup_lock;		/* MySQL: LOCK INSTANCE FOR BACKUP */
	struct snapshot_facts facts;
};

/* coordinates.c: read file, position and GTID set on c. */
int coordinates_read(struct snapshot *s, struct conn *c, struct err *e);
/* Replica's coordinates and prepared XA transactions. */
int coordinates_more(struct snapshot *s, struct conn *c, struct err *e);
void coordinates_clear(struct snapshot_facts *f);

/* snapshot.c: open all workers' snapshots; roll them all back. */
int snapshot_begin_all(struct snapshot *s, struct err *e);
int snapshot_rollback_all(struct snapshot *s, struct err *e);

/* snapshot.c: no statement of c waits for a lock without end: lock_wait_ms. */
int snapshot_lock_wait(struct snapshot *s, struct conn *c, struct err *e);

/* snapshot.c: read the definitions; where DDL is not held off, what
 * identifies them goes into *before first, and changed says later (1, 0 or -1)
 * whether any is no longer what it was. */
int snapshot_read_ddl(struct snapshot *s, struct buf *before, struct err *e);
int snapshot_ddl_changed(struct snapshot *s, struct conn *c,
    const struct buf *before, struct err *e);

/* snapshot_lock.c and snapshot_free.c: the ways.  ERR_DENIED: not with these
 * rights, try another. */
int snapshot_by_ftwrl(struct snapshot *s, struct err *e);
int snapshot_by_stage(struct snapshot *s, struct err *e);
int snapshot_by_lock_tables(struct snapshot *s, struct err *e);
int snapshot_lock_free(struct snapshot *s, struct err *e);
int snapshot_unproven(struct snapshot *s, struct err *e);

/* blocker.c: name who holds what we wait for, appended to the message. */
void blocker_name(struct snapshot *s, struct err *e);

#endif /* !MYSQL_SNAPSHOT_IMPL_H */
