/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet: the sources that a daemon watches over, their jobs and where each
 * stands.
 *
 * Life cycle: fleet_load from a configuration; the loop (serve) moves its
 * tasks on; after a reload fleet_inherit hands over from the old one what goes
 * on; fleet_free.  Used by the loop's thread alone.
 */
#ifndef BACKUPD_FLEET_H
#define BACKUPD_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backupd/claims.h"
#include "backupd/journal.h"
#include "backupd/look.h"
#include "backupd/schedule.h"
#include "backupd/window.h"
#include "base/err.h"
#include "catalog/head.h"
#include "catalog/history.h"

struct child;
struct cron;
struct depot;
struct fleet;
struct settings;
struct source;
struct zone;

enum task_kind { TASK_DUMP, TASK_EXPIRE, TASK_VERIFY, TASK_DRILL, TASK_KINDS };

const char *task_name(enum task_kind kind);	/* "dump" */
/* The kind of this name, or TASK_KINDS. */
enum task_kind task_kind_of(const char *name);
enum claims_job task_claim(enum task_kind kind);

/* One kind of job of one source. */
struct task {
	enum task_kind kind;
	struct source *source;
	/* Constant after fleet_load. */
	struct cron *cron;		/* NULL: not by the clock */
	struct schedule schedule;	/* with cron */
	bool follows_dump;		/* wanted after each good dump */
	/* Where it stands. */
	int64_t since_us;		/* its times were changed then; 0 */
	int64_t last_us;		/* as schedule.h says */
	int64_t before_us;		/* and what it was before it was
					 * queued */
	int64_t slot_us;		/* what is queued or runs is for it;
					 * 0: for none */
	int64_t check_us;		/* look again at; 0: now */
	int64_t next_us;		/* the next slot, to be shown; 0 */
	bool missed;			/* a slot was missed */
	int64_t queued_us;		/* waits for its turn since; 0: no */
	bool by_hand;			/* what is queued was asked for */
	char by[32];			/* and by whom */
	int64_t retry_us;		/* tried again at; 0: no */
	bool retried;			/* what runs or waits is the retry */
	struct child *child;		/* it runs */
	int64_t began_us, began_ms;	/* wall, monotonic */
	bool cancelled;			/* somebody did; */
	bool stopping;			/* it was told to stop; */
	int64_t kill_ms;		/* and will be killed at */
	char stop_why[160];
	struct journal_run last;	/* "" job: none */
	int64_t success_us;		/* start of the last good run; 0 */
};

struct source {
	char name[SOURCE_NAME_MAX + 1];
	struct settings *settings;	/* its effective ones */
	struct depot *depot;		/* borrowed from the fleet */
	struct zone *zone;
	struct window window;		/* in which dumps must end */
	char group[64];			/* jobs of one group take turns */
	char target[300];		/* of drills: they take turns, too */
	bool archive;
	uint64_t limit_ms;		/* of a job */
	struct task tasks[TASK_KINDS];
	bool paused;
	int64_t since_us;	/* when it was first seen */
	bool gone;		/* the configuration has it no more: what runs
				 * for it goes on */
	bool following;		/* the archiver was told to */
	bool renew;		/* it is to be told anew: options may differ */
	int64_t follow_ms;	/* not before, since it failed; monotonic */
	int64_t follow_us;	/* it fails since; 0: it does not */
	struct err follow_err;	/* why */
	/* What the store holds: looked at when it becomes ours, after each
	 * job, and when the archive has outgrown what was seen. */
	bool looked, looking;
	bool look_wanted;
	unsigned mine;		/* jobs of it that are ours: a set, as it was
				 * when they were last assigned */
	bool look_stale;	/* what is being looked at is of before */
	int64_t look_ms;	/* not before; monotonic */
	unsigned look_failures;
	struct err look_err;	/* of the last look, if it failed */
	struct look look;
	struct outgrown {
		/* How the archive stood when it was looked at. */
		char history[HISTORY_ID_LEN + 1];
		unsigned gaps;
		uint64_t stored_bytes;
		int64_t check_ms;	/* not before; monotonic */
		unsigned apart;		/* so often in a row it was */
	} outgrown;
};

struct fleet {
	struct settings *settings;	/* as parsed; [daemon] applied */
	struct source *sources;		/* by name */
	size_t nsources;
	struct depot **depots;
	size_t ndepots;
	unsigned jobs;			/* set of enum claims_job */
	unsigned max_jobs, max_store, max_group;
};

/* Build from the configuration that *s was parsed from; takes *s on success
 * alone.  Nothing is connected to.  ERR_USAGE names file and line. */
struct fleet *fleet_load(struct settings *s, struct err *e);

/* What goes on is taken from an older fleet: stores with unchanged settings,
 * running children, paused and looked-at state.  Sources that are no more in
 * the configuration but have a child stay, as gone. */
int fleet_inherit(struct fleet *f, struct fleet *old, struct err *e);

/* What schedule.h calls since: slots up to then are none of the task's, of
 * which the last known run was at known_us (0: none is known). */
int64_t fleet_since(const struct task *t, int64_t known_us);

struct source *fleet_find(const struct fleet *f, const char *name);

/* May this task begin now, beside those that run?  Limits in all, per store,
 * per group, one task a source, one drill a target. */
bool fleet_has_turn(const struct fleet *f, const struct task *t);

/* Tasks that run, and that wait. */
size_t fleet_running(const struct fleet *f);
size_t fleet_queued(const struct fleet *f);

/* Children that still run are killed.  Stores that nobody else holds are given
 * to close, which must in the end depot_close them. */
void fleet_free(struct fleet *f, void (*close)(void *arg, struct depot *d),
    void *arg);

#endif /* !BACKUPD_FLEET_H */
