/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps: the steps of a restore, for whoever takes them: `restore run` takes
 * all of them, a drill takes them with a clock in its hand.
 *
 * Life cycle, with zeroed room and opts and store set: steps_look, what the
 * caller thinks of it, steps_begin, steps_load, steps_check, steps_replay
 * (where there is a moment), steps_finish; steps_free, always.  main's thread.
 */
#ifndef RESTORE_STEPS_H
#define RESTORE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "catalog/progress.h"
#include "codec/digest.h"
#include "restore/create.h"
#include "restore/plan.h"
#include "restore/replay.h"
#include "restore/target.h"

struct audit;
struct cancel;
struct conn_opts;
struct err;
struct store;

enum restore_accounts { ACCOUNTS_AUTO, ACCOUNTS_NONE, ACCOUNTS_MISSING,
	ACCOUNTS_ALL };
enum restore_switch { SWITCH_AUTO, SWITCH_ON, SWITCH_OFF };

/* What is restored, and how. */
struct restore_opts {
	const char *source, *backup;	/* backup "latest" or an id */
	const struct conn_opts *conn;
	const char *const *schemas;	/* --schema */
	size_t nschemas;
	const char *const *tables;	/* --table */
	size_t ntables;
	enum restore_accounts accounts;
	enum restore_switch gtid;	/* set, none */
	enum restore_switch binlog;
	const char *to;			/* the moment; NULL: the backup's */
	bool before;
	const char *const *skip;	/* GTIDs */
	size_t nskip;
	enum replay_way replay;
	const char *listen, *advertise;	/* or NULL */
	replay_definition *definition;	/* or NULL: see restore/replay.h */
	void *definition_arg;
	unsigned workers;
	bool overwrite, keep_names, check, restart, yes, json;
	bool existing;			/* tables that are there are filled */
	bool plan_only;
	struct cancel *cancel;
	struct audit *audit;		/* told when it begins; or NULL */
};

struct steps {
	const struct restore_opts *opts;
	struct store *store;
	/* What was found; the caller may change accounts. */
	struct restore_plan plan;
	struct target target;
	struct replay *replay;		/* NULL: the backup alone */
	struct buf conflicts, missing;	/* lines */
	enum restore_accounts accounts;
	bool set_gtid;
	/* What was done. */
	uint64_t checked;		/* tables */
	struct progress_totals totals;
	/* Their own. */
	struct conn *conn;		/* restore session for definitions */
	struct create_opts create;
	char digest[SHA256_HEX];	/* of the plan */
};

/* Connect to the target, and take its lock; else steps_look does. */
int steps_open(struct steps *s, struct err *e);

/* Read the backup's lists, find the way to the moment, look at what the target
 * holds and lacks.  Writes nothing there. */
int steps_look(struct steps *s, struct err *e);

/* ERR_EXISTS: something is in the way.  ERR_USAGE: names or transactions that
 * cannot be restored so. */
int steps_refused(struct steps *s, struct err *e);

/* The first write: the notes on the target. */
int steps_begin(struct steps *s, struct err *e);

/* Has an earlier run loaded all of it? */
bool steps_loaded(const struct steps *s);

/* Definitions, rows, and what can stand once they are in, but for events. */
int steps_load(struct steps *s, struct err *e);

/* Read the target back; to be done before anything is replayed. */
int steps_check(struct steps *s, struct err *e);

/* On to the moment.  Its events are there then, and disabled. */
int steps_replay(struct steps *s, struct err *e);

/* Events, the GTID state; the notes go where nothing needs them more. */
int steps_finish(struct steps *s, struct err *e);

void steps_free(struct steps *s);

#endif /* !RESTORE_STEPS_H */
