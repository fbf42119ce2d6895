/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_impl: what the parts of apply share; for apply*.c alone.
 *
 * A group is a transaction of the log.  Where groups need no GTID of their
 * own, many are put into one transaction of the target, with one note: it
 * commits at a group's end, so all stands that the note says, and nothing
 * else.
 */
#ifndef RESTORE_APPLY_IMPL_H
#define RESTORE_APPLY_IMPL_H

#include <stdio.h>

#include "base/buf.h"
#include "catalog/binlog.h"
#include "mysql/rows.h"
#include "restore/apply.h"
#include "restore/batch.h"
#include "restore/note.h"
#include "restore/shape.h"
#include "restore/statement.h"

/* A TABLE_MAP of the statement that is being read. */
struct apply_map {
	uint64_t id;
	struct rows_table table;
	bool wanted;
	const char *schema, *name;	/* on the target */
	const struct shape *shape;
};

/* A temporary table of the log. */
struct apply_temporary {
	uint32_t thread;
	char *name;		/* quoted, with its schema */
};

enum query_kind {
	KIND_BEGIN, KIND_COMMIT, KIND_ROLLBACK, KIND_SAVEPOINT,
	KIND_XA_START, KIND_XA_END, KIND_XA_COMMIT, KIND_XA_ROLLBACK,
	KIND_DEFINITION,	/* commits by itself */
	KIND_TEMPORARY,		/* CREATE, DROP of temporary tables */
	KIND_WRITE,		/* anything else */
};

/* A statement of the log, with what the filter made of it. */
struct apply_query {
	const struct event *ev;
	struct event_query q;
	enum query_kind kind;
	bool atomic;		/* MySQL: rows of CREATE ... SELECT follow
				 * and commit with it */
	const char *sql;
	size_t n;
	struct buf renamed;
	char home[256];
};

struct apply {
	const struct apply_opts *o;
	bool maria;
	struct conn *conn;	/* the session that applies */
	struct conn *side;	/* looks, and writes notes between groups */
	struct batch batch;
	struct shapes *shapes;
	struct note note;	/* as it is written next */
	struct gtid_set *known;	/* MySQL, own_gtids: those the target has */
	struct gtid_set *position;	/* MariaDB: the last of each domain */
	enum note_state resumed;	/* what the next group had begun when a
				 * run was cut short */
	char proof[SHA256_HEX];

	/* the file */
	const char *history;
	uint32_t seq;
	const char *file;
	uint64_t next;		/* after the event that is looked at */
	struct buf format;	/* its format description, as it is sent */
	bool format_sent;

	/* the group */
	bool open;		/* between its first event and its last */
	bool begun;		/* it ends with COMMIT, XID or kin */
	bool left;		/* nothing of it is wanted, not even empty */
	bool skipped;		/* made empty by name */
	bool own;		/* its GTID was set on the session */
	bool done;		/* was done by the run that was cut short */
	bool xa;		/* between XA START and its end */
	bool atomic;		/* MySQL's CREATE ... SELECT, which takes no
				 * note into its transaction */
	bool plain;		/* writes to tables that cannot take rows back:
				 * its note is not in their transaction */
	bool alone;		/* no other group is in its transaction */
	struct buf xid;
	struct event_gtid gtid;
	uint64_t offset;
	uint32_t server_id;
	bool changes;		/* something of it was sent, or is about to */
	int64_t time_us;
	bool sql;		/* the target is within a transaction */
	bool shared;		/* which holds changes of groups that ended */
	bool careful;		/* none is shared: to name the one at fault */
	bool again;		/* worth trying so */
	bool stuck;		/* a run before left no way to go on */
	size_t ended;		/* groups that ended since the last note */
	size_t bytes;		/* of statements with rows since then */
	size_t send_max;	/* bytes of a batch, where it can be cut */
	const struct gtid_set *have;	/* of the leg */

	/* its statement */
	struct apply_map *maps;
	size_t nmaps;
	struct buf events;	/* plain events for the next BINLOG */
	size_t statement_at;	/* in events, where its maps begin */
	size_t last_rows;	/* in events, of its last rows event; 0: none */
	struct buf maps_sent;	/* its TABLE_MAPs once more */
	struct buf variables;	/* assignments of INTVAR, RAND, USER_VAR */
	FILE *blocks;		/* what LOAD DATA reads, or NULL; */
	uint32_t block_id;	/* its number in the log */

	/* the session */
	struct statement_state state;
	char schema[256];	/* default schema, "" unknown */
	struct apply_temporary *temporary;
	size_t ntemporary;
	struct buf room, text;
};

/* --- apply.c --- */

/* The event of an item; also of a payload, with its own format. */
int apply_event(struct apply *a, const struct event *ev,
    const struct event_format *f, uint64_t offset, struct err *e);

/* Put "transaction 0-1-7 at binlog.000003:123" (and the table) before what
 * went wrong; the same text in *out. */
void apply_where_text(const struct apply *a, const char *schema,
    const char *table, struct buf *out);
int apply_wrap(const struct apply *a, struct err *e);

/* --- apply_group.c --- */

int group_begin(struct apply *a, const struct event *ev,
    const struct event_format *f, uint64_t offset, struct err *e);
/* The group's rows come next: be within a transaction of the target. */
int group_transaction(struct apply *a, struct err *e);
/* XID or COMMIT; and ROLLBACK. */
int group_commit(struct apply *a, struct err *e);
int group_rollback(struct apply *a, struct err *e);
/* Commit what is merged so far, note and all. */
int group_settle(struct apply *a, struct err *e);
/* The group has no other in its transaction from here on. */
int group_alone(struct apply *a, struct err *e);
/* Note on the side what the group is about to do; and that it is done. */
int group_note(struct apply *a, enum note_state state, const char *proof,
    struct err *e);
int group_noted(struct apply *a, struct err *e);
/* Append the statement that sets the group's GTID, if it has its own. */
void group_gtid(struct apply *a);

/* --- apply_query.c --- */

int query_run(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e);
int query_variable(struct apply *a, const struct event *ev, struct err *e);
/* Bring the session to a state. */
void query_state(struct apply *a, const struct statement_state *to);
/* Names in our own statements are UTF-8, whatever the log's client spoke. */
void query_utf8(struct apply *a);

/* --- apply_blocks.c --- */

/* A part of the file that LOAD DATA reads comes before its statement. */
int blocks_take(struct apply *a, const struct event *ev, struct err *e);
int blocks_load(struct apply *a, const struct apply_query *x, struct err *e);
void blocks_clear(struct apply *a);

/* --- apply_temporary.c --- */

/* Keep account of what CREATE or DROP TEMPORARY TABLE did. */
int temporary_follow(struct apply *a, const struct apply_query *x,
    struct err *e);
/* The source was started: its temporary tables are gone. */
int temporary_drop(struct apply *a, struct err *e);

/* --- apply_xa.c --- */

int xa_start(struct apply *a, const char *xid, struct err *e);
/* XA START of a MariaDB group, which its GTID event stands for. */
int xa_start_gtid(struct apply *a, const struct event *ev, struct err *e);
int xa_prepare(struct apply *a, const struct event *ev, struct err *e);
/* XA COMMIT or ROLLBACK of one that was prepared before. */
int xa_finish(struct apply *a, const struct apply_query *x, struct err *e);

/* --- apply_rows.c --- */

int rows_map(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e);
int rows_rows(struct apply *a, const struct event *ev,
    const struct event_format *f, struct err *e);
void rows_clear(struct apply *a);

/* --- apply_binlog.c --- */

/* A format description: what BINLOG statements of its file go by. */
int binlog_format(struct apply *a, const struct event *ev, struct err *e);
/* Put it into the batch: not within a transaction. */
void binlog_send_format(struct apply *a);
int binlog_map(struct apply *a, const struct apply_map *m,
    const struct event *ev, struct err *e);
int binlog_rows(struct apply *a, const struct event *ev, bool last,
    struct err *e);
/* A statement ended whose last rows are not wanted. */
void binlog_end(struct apply *a);
/* Put what is gathered into the batch. */
int binlog_flush(struct apply *a, struct err *e);

#endif /* !RESTORE_APPLY_IMPL_H */
