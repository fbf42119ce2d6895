/* SPDX-License-Identifier: Apache-2.0 */
/* binlog_impl: which objects a leg is read from; for binlog*.c alone. */
#ifndef CATALOG_BINLOG_IMPL_H
#define CATALOG_BINLOG_IMPL_H

#include "catalog/binlog.h"

/* A segment; head: only its beginning is wanted, for the file's format. */
struct binlog_part {
	uint32_t seq;
	bool head;
	uint64_t start, end, size;
	const char *sha256;	/* of the stored bytes, NULL: not known;
				 * borrowed from the timeline */
};

/* The objects of a leg in log order, owned array; ERR_CORRUPT when bytes that
 * it needs are not archived. */
int binlog_parts(const struct timeline_history *h,
    const struct route_leg *leg, struct binlog_part **parts, size_t *n,
    struct err *e);

#endif /* !CATALOG_BINLOG_IMPL_H */
