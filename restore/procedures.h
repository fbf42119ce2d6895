/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procedures: how Amazon RDS and Aurora let a user replicate: stored
 * procedures of schema mysql, since the right itself is given to nobody.
 *
 * They know the default channel alone, and set nothing but the source.
 * Sources: the RDS and Aurora user guides, "Configuring, starting, and
 * stopping binary log replication" and "Replicating transactions using GTIDs".
 */
#ifndef RESTORE_PROCEDURES_H
#define RESTORE_PROCEDURES_H

#include <stdbool.h>

struct buf;
struct conn;
struct err;
struct flavour;
struct gtid_set;
struct offer;
struct replica_source;

enum procedures_verb {
	PROCEDURES_PLACE,	/* the source, by file and position */
	PROCEDURES_GTID,	/* the source, by GTID */
	PROCEDURES_START,
	PROCEDURES_STOP,
	PROCEDURES_RESET,
	PROCEDURES_PURGED,	/* MySQL: GTIDs that count as applied */
	PROCEDURES_VERBS
};

struct procedures {
	bool used;		/* the account may call them, and lacks the
				 * right to do without */
	const struct offer *offers[PROCEDURES_VERBS];	/* NULL: none, or
				 * none with parameters that we know */
};

/* Look for those that this account may call. */
int procedures_find(struct conn *c, const struct flavour *f,
    struct procedures *p, struct err *e);

/* "mysql.rds_start_replication", or "" without. */
const char *procedures_name(const struct procedures *p,
    enum procedures_verb v);

/* One without parameters.  Blocks for some seconds. */
int procedures_call(const struct procedures *p, enum procedures_verb v,
    struct conn *c, struct err *e);

/* The statement that names the source, appended; gtids: MariaDB's position to
 * go on from. */
int procedures_text(const struct procedures *p,
    const struct replica_source *s, const char *gtids, struct buf *sql,
    struct err *e);

/* Run it. */
int procedures_connect(const struct procedures *p, struct conn *c,
    const struct replica_source *s, const char *gtids, struct err *e);

/* Can set be given?  ERR_USAGE says why not. */
int procedures_may_purge(const struct procedures *p,
    const struct gtid_set *set, struct err *e);

/* Let set, of which the target has nothing, count as applied; MariaDB: let the
 * target stand there. */
int procedures_purge(const struct procedures *p, struct conn *c,
    const struct gtid_set *set, struct err *e);

#endif /* !RESTORE_PROCEDURES_H */
