/* SPDX-License-Identifier: Apache-2.0 */
/* ask: a server is asked for its binary log, as its replica would. */
#ifndef BACKUPD_ASK_H
#define BACKUPD_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "backupd/link.h"
#include "backupd/stream.h"

struct conn_opts;
struct err;
struct probe;

#define ASK_HEARTBEAT_MS 10000	/* of an idle server */
#define ASK_WAIT_MS 30000	/* for what must come */

struct ask {
	const struct conn_opts *conn;
	const char *store_id, *source;	/* our own ids are made of these */
	const struct probe *probe;
	const char *role;	/* one dump of each at a time */
	bool ack;		/* as a semi-synchronous replica */
};

/* Start a dump of file name from offset on (0: all of it); blocks.  The link
 * that *l holds is hung up first, and *l is NULL after a failure.  stop: it
 * ends with the server's last file. */
int ask_dump(const struct ask *a, const char *name, uint64_t offset,
    bool stop, struct link **l, struct stream *s, struct err *e);

/* An offset that the server can be asked for: from, or 4. */
uint64_t ask_offset(const struct ask *a, uint64_t from);

#endif /* !BACKUPD_ASK_H */
