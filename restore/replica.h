/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica: the target as our replica: its channel (MariaDB: connection)
 * "kura_restore", and the settings that it gets for the run.  Where procedures
 * are all that it allows, the default channel, and its settings stay.
 *
 * Nothing of it may stay: what was set is noted in kura_restore.memo with the
 * value from before, so that a later run puts back what a killed one left.
 * All calls block for short statements only; one thread at a time.
 */
#ifndef RESTORE_REPLICA_H
#define RESTORE_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct conn;
struct err;
struct procedures;

struct replica {
	struct conn *conn;	/* borrowed; no cancel may end it */
	const struct flavour *flavour;
	const struct procedures *procedures;
};

/* Does the target have a channel of ours?  1, 0, or -1. */
int replica_left(const struct replica *r, struct err *e);

/* Why the target would pass over some of what it is given (errors that it
 * skips, settings that cannot be set), appended as one line; nothing when all
 * is well.  Changes nothing. */
int replica_reasons(const struct replica *r, struct buf *why, struct err *e);

struct replica_source {
	const char *host;	/* as the target reaches us */
	unsigned port;
	const char *user, *password;
	bool gtid;		/* by GTID; else by file and position */
	const char *file;
	uint64_t position;
};

/* Make the channel; start it: only the connection, or the applier too (as
 * procedures always do). */
int replica_connect(const struct replica *r,
    const struct replica_source *source, bool apply, struct err *e);

struct replica_status {
	bool connection, applier;	/* do they run? */
	bool filtered;		/* it has filters, so would lose something */
	unsigned connection_error, applier_error;	/* 0: none */
	char error[512];	/* the applier's own words, else the
				 * connection's; names the transaction */
	char file[512];		/* up to where all is applied */
	uint64_t position;
};
/* ERR_NOTFOUND: there is no channel of ours. */
int replica_status(const struct replica *r, struct replica_status *st,
    struct err *e);

/* The target's GTIDs as text: what it has applied. */
int replica_gtids(const struct replica *r, struct buf *out, struct err *e);

/* A text that changes when anybody commits anything on the target under a
 * GTID, what it applies and what is its own. */
int replica_stands(const struct replica *r, struct buf *out, struct err *e);

/* Give the target the run's settings, each noted before; server_id among
 * them. */
int replica_settings(const struct replica *r, unsigned workers,
    uint32_t server_id, struct err *e);
/* Lines "name old -> new" of what replica_settings would change. */
int replica_settings_text(const struct replica *r, unsigned workers,
    struct buf *out, struct err *e);

/* Stop the channel and keep it. */
int replica_stop(const struct replica *r, struct err *e);

/* One setting, what it was (before) noted first. */
int replica_set(const struct replica *r, const char *name, const char *value,
    const char *before, struct err *e);

/* Put back every noted setting. */
int replica_put_back(const struct replica *r, struct err *e);

/* Stop and remove the channel, put back every noted setting.  Nothing to do is
 * success. */
int replica_end(const struct replica *r, struct err *e);

#endif /* !RESTORE_REPLICA_H */
