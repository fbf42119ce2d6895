/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finish: when a file of a history has ended, few large objects take the place
 * of its segments.
 *
 * The bytes come from the server once more, which has just closed the file and
 * has it in its cache, if their digest is known from when they were archived;
 * else from the segments.  The objects are read back before the file's document
 * says that it is finished; then the segments are marked.  A file that is
 * finished already is left alone.
 */
#ifndef BACKUPD_FINISH_H
#define BACKUPD_FINISH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/digest.h"

struct conn_opts;
struct err;
struct probe;
struct store;

struct finish_opts {
	struct store *store;
	const char *store_id, *source, *history;
	uint32_t seq;
	const char *name;
	/* NULL: no server is asked. */
	const struct conn_opts *conn;
	const struct probe *probe;
	bool known;			/* sha256 is the file's */
	uint8_t sha256[SHA256_SIZE];
	const atomic_bool *stop;	/* set: ERR_CANCELLED */
};

int finish_file(const struct finish_opts *opts, struct err *e);

#endif /* !BACKUPD_FINISH_H */
