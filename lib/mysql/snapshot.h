/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: N connections that see one consistent state, and where it stands
 * in the binary log.  facts/mysql.md, section 1, is the source.
 *
 * Two locks, two lengths: while only DDL is held off, the caller reads the
 * definitions (read_ddl); then commits are stopped just long enough to open
 * the snapshots and read the coordinates; both locks end before
 * snapshot_open returns.
 */
#ifndef MYSQL_SNAPSHOT_H
#define MYSQL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct cancel;
struct conn;
struct conn_opts;
struct err;
struct snapshot;

enum snapshot_method {
	SNAPSHOT_AUTO, SNAPSHOT_FTWRL, SNAPSHOT_BACKUP_STAGE,
	SNAPSHOT_LOCK_TABLES, SNAPSHOT_LOCK_FREE, SNAPSHOT_NONE,
};

struct snapshot_opts {
	const struct conn_opts *conn;	/* for every connection */
	unsigned workers;		/* snapshots to open, 1 to 64 */
	enum snapshot_method method;	/* AUTO, or forced (test build) */
	uint64_t lock_hold_ms;		/* hard limit of the commit lock */
	uint64_t lock_wait_ms;		/* in all, for getting the locks */
	uint64_t wait_ms;		/* for the lock-free proof */
	bool allow_unproven;
	/* True when user tables of engines without transactions exist: on
	 * MariaDB FTWRL is then used, and locked() runs under the lock. */
	bool non_transactional;
	/* Read the definitions; called once per attempt, DDL held off if the
	 * method can (else compared afterwards by fingerprint). */
	int (*read_ddl)(void *arg, struct conn *c, struct err *e);
	/* A text that changes when any definition in scope changes; compared
	 * from before read_ddl to after the snapshots where DDL could not be
	 * held off: if it changed, both are done again.  May be NULL. */
	int (*fingerprint)(void *arg, struct conn *c, struct buf *out,
	    struct err *e);
	/* Runs under the commit lock before the snapshots open, to read
	 * tables without transactions; NULL: none.  Its time counts as hold. */
	int (*locked)(void *arg, struct conn *c, struct err *e);
	/* "db"."t" list for LOCK TABLES: calls emit for each table. */
	int (*each_table)(void *arg, int (*emit)(void *emit_arg,
	    const char *schema, const char *table, struct err *e),
	    void *emit_arg, struct err *e);
	void *arg;
	struct cancel *cancel;
	/* Test build only: open the first snapshot this long after the locks
	 * ended, to see tests turn red. */
	unsigned test_late_ms;
};

struct snapshot_xa {
	char *text;			/* "format:gtrid:bqual", hex parts */
	struct snapshot_xa *next;
};

/* What is recorded in the head. */
struct snapshot_facts {
	const char *method;		/* ftwrl, backup_stage, lock_tables,
					 * lock_free, none */
	bool proven;
	char proof[256];		/* what was compared or held */
	int64_t at_us;
	uint64_t commits_held_ms, ddl_held_ms;
	char file[512];			/* "" when log_bin is off */
	uint64_t position;
	char *gtid;			/* no white space; "" without */
	/* Coordinates of this server's own primary, if it is a replica. */
	char replica_file[512];
	uint64_t replica_position;
	char *replica_gtid;
	bool is_replica, replica_exact;
	struct snapshot_xa *xa;		/* prepared transactions */
};

/* Open; NULL with *e set: ERR_DENIED names the missing right, ERR_BUSY the
 * blocker (query, table lock, idle transaction). */
struct snapshot *snapshot_open(const struct snapshot_opts *opts,
    const struct flavour *f, struct err *e);

/* Connection i, inside its snapshot; borrowed, one thread at a time. */
struct conn *snapshot_conn(struct snapshot *s, unsigned i);
unsigned snapshot_workers(const struct snapshot *s);
const struct snapshot_facts *snapshot_facts(const struct snapshot *s);

/* End all transactions and close the connections. */
void snapshot_close(struct snapshot *s);

#endif /* !MYSQL_SNAPSHOT_H */
