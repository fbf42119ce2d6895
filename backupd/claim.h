/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim: a note that a daemon has begun to work for a source that was another's
 * before: sources/<source>/claims/<n>.json.
 *
 * Numbers grow by one; the highest is who has it.  Nothing rests on them: they
 * tell a person who did what.  Documents are foreign bytes when read.
 */
#ifndef BACKUPD_CLAIM_H
#define BACKUPD_CLAIM_H

#include <stddef.h>
#include <stdint.h>

#include "backupd/claims.h"

struct err;
struct store;

#define CLAIM_MAX ((size_t)4 << 10)
#define CLAIM_KEEP 8		/* of a source; older ones are removed when
				 * there are twice as many */

struct claim {
	uint32_t n;
	char daemon[CLAIMS_ID_LEN + 1];
	int64_t taken_us;
	char why[256];
};

/* Write one for this daemon, unless the newest is its own: 1 written, 0 not
 * needed, -1 failed. */
int claim_take(struct store *s, const char *source, const char *daemon,
    const char *why, struct err *e);

/* The newest of a source: ERR_NOTFOUND when there is none. */
int claim_newest(struct store *s, const char *source, struct claim *c,
    struct err *e);

/* Parse a document that must be this claim of this source. */
int claim_parse(const char *text, size_t n, const char *source,
    uint32_t number, struct claim *c, struct err *e);

#endif /* !BACKUPD_CLAIM_H */
