/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch: our own statements, sent to a server many at a time.
 *
 * Life cycle: batch_init; batch_where and batch_add any number of times, the
 * text of a statement appended to what batch_add returns; batch_flush;
 * batch_free.  Foreign text never goes in: batch_alone runs it by itself, with
 * several statements in one text switched off.
 */
#ifndef RESTORE_BATCH_H
#define RESTORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct conn;
struct err;
struct batch_cut;
struct batch_mark;
struct batch_want;

struct batch {
	struct conn *conn;
	struct buf sql;
	struct buf places;	/* texts of the marks */
	struct batch_mark *marks;	/* from which statement on */
	size_t nmarks, marks_cap;
	struct batch_want *wants;	/* statements with known counts */
	size_t nwants, wants_cap;
	struct batch_cut *cuts;	/* ends of texts */
	size_t ncuts, cuts_cap;
	size_t statements;
	bool multi;		/* the session takes several */
	bool named;		/* a failure has its place before it */
};

void batch_init(struct batch *b, struct conn *c);

/* What the statements that follow are about, for errors: "transaction
 * 0-101-7 at binlog.000003:1234, table shop.orders".  Copied. */
void batch_where(struct batch *b, const char *text);

/* Begin a statement; append its text. */
struct buf *batch_add(struct batch *b);
/* As batch_add, for a statement that must affect so many rows and give so
 * many warnings. */
struct buf *batch_rows(struct batch *b, uint64_t rows, unsigned warnings);

/* What follows goes in a text of its own. */
void batch_cut(struct batch *b);

/* Send what is there and check every answer.  After a failure what follows
 * the statement that failed has not run, unless it was a row count or a
 * warning that was wrong. */
int batch_flush(struct batch *b, struct err *e);

/* Flush, then run one statement that may be foreign text. */
int batch_alone(struct batch *b, const char *sql, size_t n, struct err *e);

/* The same of LOAD DATA LOCAL, as conn_load. */
int batch_load(struct batch *b, const char *tail,
    long (*read)(void *arg, void *data, size_t n, struct err *e), void *arg,
    struct err *e);

void batch_free(struct batch *b);

#endif /* !RESTORE_BATCH_H */
