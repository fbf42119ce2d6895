/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stand: where a server's binary log ended, and when, by the server's clock.
 *
 * An idle server writes nothing that would say that nothing happened: whoever
 * follows it says so instead.  A daemon does in its heartbeat, which it writes
 * anyway (daemons/<id>.json, member "stands"); an archive that ends in good
 * order leaves its last one in sources/<source>/stand.json.
 *
 * A stand says nothing of what is archived: whoever reads it compares.  It is
 * told of no server that commits what others committed before (a replica, a
 * member of a cluster): there a transaction of that time may still come.
 */
#ifndef CATALOG_STAND_H
#define CATALOG_STAND_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/history.h"

struct err;
struct store;

#define STAND_HEARTBEAT_MAX (((size_t)4 << 20) + 64)

struct stand {
	char source[SOURCE_NAME_MAX + 1];
	char history[HISTORY_ID_LEN + 1];
	uint32_t seq;		/* of the last file, */
	uint64_t offset;	/* which ended here */
	int64_t at_us;		/* all that was committed before this is before
				 * that place; 0: nothing is known */
};

/* A member of "stands"; owned. */
json_t *stand_json(const struct stand *x);

/* Leave it in the source's folder. */
int stand_store(struct store *s, const struct stand *x, struct err *e);

/* All that are told of a source, in no order; owned array.  What is damaged or
 * may not be read is logged and left out. */
int stands_load(struct store *s, const char *source, struct stand **list,
    size_t *n, struct err *e);

#endif /* !CATALOG_STAND_H */
