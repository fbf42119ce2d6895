/* SPDX-License-Identifier: Apache-2.0 */
/* probe: what a server says of its binary log, before it is followed. */
#ifndef BACKUPD_PROBE_H
#define BACKUPD_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "backupd/stream.h"
#include "mysql/flavour.h"

struct conn;
struct err;

struct probe_log {
	char name[STREAM_NAME_MAX];
	uint64_t size;
};

struct probe {
	struct flavour flavour;
	char socket[512];		/* the server's own */
	struct probe_log *logs;		/* oldest first, at least one */
	size_t nlogs;
	uint64_t position;		/* end of the last one, when read */
	int64_t at_us;			/* what the server commits from now on
					 * is not before this; 0: not known */
	struct buf gtids;		/* gtid_executed, gtid_binlog_state */
	bool checksum;			/* binlog_checksum is not NONE */
	uint64_t expire_s;		/* 0: never, as far as is known */
	int64_t password_us;		/* when the account's password ends;
					 * 0: not, or unknown */
	struct buf marked;		/* why it cannot serve point-in-time
					 * restores in full; "" */
};

/* ERR_USAGE when there is no binary log that can be archived. */
int probe_server(struct conn *c, struct probe *p, struct err *e);

/* Index of a file's name, or -1. */
long probe_find(const struct probe *p, const char *name);

/* What precedes the events of a listed file: its PREVIOUS_GTIDS or GTID_LIST;
 * appended. */
int probe_gtids_before(struct conn *c, const char *name, struct buf *out,
    struct err *e);

/* The files as they are now alone, and at_us, of a server that was probed. */
int probe_logs(struct conn *c, const struct flavour *f, struct probe *p,
    struct err *e);

void probe_free(struct probe *p);

#endif /* !BACKUPD_PROBE_H */
