/* SPDX-License-Identifier: Apache-2.0 */
/* replay_impl: what the files of replay share. */
#ifndef RESTORE_REPLAY_IMPL_H
#define RESTORE_REPLAY_IMPL_H

#include "base/buf.h"
#include "catalog/timeline.h"
#include "restore/apply.h"
#include "restore/filter.h"
#include "restore/replay.h"

struct head;
struct replica;
struct scheduled;
struct serve;
struct stream_opts;

/* A transaction that is to be skipped, and what it is. */
struct replay_skip {
	struct gtid gtid;
	bool found;
	char what[160];		/* "DDL: DROP TABLE shop.orders" */
};

struct replay {
	struct replay_opts opts;
	struct timeline timeline;
	struct moment moment;
	struct route route;
	struct gtid *gtids;		/* of skips, as the stream takes them;
					 * also those of earlier runs */
	size_t ngtids;
	struct replay_skip *skips;
	struct scheduled *scheduled;	/* events, after the last statement */
	struct gtid_set *prepared;	/* GTIDs of XA transactions that come
					 * first, or NULL */
	size_t nprepared;
	uint64_t transactions, bytes;	/* of the route */
	uint64_t files, objects, stored;
	struct buf late;		/* lines: the first of those that come
					 * later and bear earlier times */
	unsigned nlate;
	enum replay_way way;		/* settled by replay_look */
	bool gtid;			/* the log has GTIDs */
	bool settled;
	struct buf why;			/* not served */
	bool notes;			/* the log has those of a restore */
	struct buf settings;		/* lines of what is set for the run */
	char at[160];			/* "127.0.0.1:34561" of the trial */
	char by[64];			/* a procedure, or "" */
	struct gtid own;		/* any GTID of a target whose own GTIDs
					 * stay, or none */
	bool own_met;			/* the route has such ones */
	enum apply_mode mode;		/* applied: how, and its own words */
	struct buf how;
	bool own_gtids;			/* the target ends with the log's GTIDs */
	bool gtids_last;		/* and gets them at the end, as a set */
	struct gtid_set *route_gtids;	/* MySQL: of all that the route has */
	struct filter *filter;		/* a part: which */
	struct filter_report report;
	/* After the run. */
	uint64_t given, emptied, left_out, rows, tables;
	bool proven;
	struct buf unproven;		/* why not */
	char last[GTID_TEXT];
	int64_t last_us;
	struct buf left;		/* events that stay disabled */
};

/* Walk the indexes of the whole route once: counts, skips, events. */
int replay_walk(struct replay *r, struct err *e);
/* List the first transactions after the route with earlier times. */
int replay_late(struct replay *r, struct err *e);

/* Put XA transactions that were prepared in the backup's head before the
 * route.  ERR_NOTFOUND names one that is not archived. */
int replay_prepared(struct replay *r, const struct head *h, struct err *e);

/* A connection for what must still be done when we are told to stop. */
struct conn *replay_connect(const struct target *t, struct err *e);

/* Note which transactions are left out, for later runs. */
int replay_note_skips(const struct replay *r, struct conn *c, struct err *e);

/* Progress: a line on a terminal, else in the log, and to --progress-fd; to be
 * called each replay_draw_ms().  begun: bytes where this run began; *logged:
 * when it was last logged, started at first. */
struct replay_place {
	uint64_t transactions, bytes;
	int64_t time_us;
};
unsigned replay_draw_ms(void);
void replay_draw(const struct replay *r, const struct replay_place *at,
    uint64_t begun, int64_t started, int64_t *logged);

/* --- serve --- */

/* By which name the target reaches us.  ERR_USAGE. */
int replay_where_to(const struct replay *r, char host[64], struct err *e);
unsigned replay_workers(const struct replay *r);

/* Play the primary (stream NULL: for a trial), and make the target, which has
 * that server id, our replica there. */
int replay_start(const struct replay *r, const struct target *t,
    uint32_t target_id, const struct stream_opts *stream, struct serve **out,
    struct err *e);
int replay_attach(const struct replay *r, const struct replica *replica,
    const struct serve *serve, const char *host, const char *file,
    uint64_t position, bool apply, struct err *e);
/* Does any archived server of the route have this id? */
bool replay_bears(const struct replay *r, uint64_t id);
/* Where the target goes on: at the place that was noted there when a channel
 * was removed, for a log without GTIDs; else where the route begins. */
int replay_place(const struct replay *r, struct conn *c, char file[512],
    uint64_t *position, struct err *e);

/* Can the target reach us and have the stream?  Fills r->why if not. */
int replay_try(struct replay *r, struct target *t, struct err *e);
int replay_serve(struct replay *r, struct target *t,
    const struct restore_plan *p, struct err *e);

/* --- apply --- */

/* How the target may be brought on by SQL; ERR_USAGE: it may not. */
int replay_apply_look(struct replay *r, struct target *t,
    const struct restore_plan *p, bool gtid, struct err *e);
int replay_apply(struct replay *r, struct target *t,
    const struct restore_plan *p, struct err *e);

#endif /* !RESTORE_REPLAY_IMPL_H */
