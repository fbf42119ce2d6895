/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xid: identifiers of XA transactions, as SQL text: X'74',X'62',1.
 *
 * Texts made here hold nothing but hex digits and a number, whatever was
 * read: they may stand in a statement.
 */
#ifndef RESTORE_XID_H
#define RESTORE_XID_H

#include <stddef.h>

struct buf;
struct conn;
struct err;
struct event;

/* Of "XA START|COMMIT|ROLLBACK xid ...", appended to *out; ERR_CORRUPT. */
int xid_of_text(const char *sql, size_t n, struct buf *out, struct err *e);
/* Of a MariaDB GTID event that begins an XA transaction. */
int xid_of_gtid(const struct event *ev, struct buf *out, struct err *e);

/* Is the transaction prepared on the server? 1, 0, or -1 with *e. */
int xid_prepared(struct conn *c, const char *xid, struct err *e);

#endif /* !RESTORE_XID_H */
