/* SPDX-License-Identifier: Apache-2.0 */
/* moment: a point in a source's life, as people name it. */
#ifndef CATALOG_MOMENT_H
#define CATALOG_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/gtid.h"

struct err;

enum moment_kind { MOMENT_LATEST, MOMENT_TIME, MOMENT_GTID, MOMENT_POSITION };

struct moment {
	enum moment_kind kind;
	bool before;		/* without the transaction that is named */
	int64_t time_us;
	struct gtid gtid;
	char file[512];		/* MOMENT_POSITION */
	uint64_t position;
	char text[128];		/* as given */
};

/* "latest", a time (RFC 3339, or "2026-11-24 14:03:27[.5]" and "14:03" in the
 * system's zone), a GTID, or FILE:POSITION.  ERR_USAGE; a local time that a
 * DST change makes double or void is refused, naming both instants. */
int moment_parse(const char *text, enum flavour_kind kind, struct moment *m,
    struct err *e);
/* Is a transaction of this time beyond a moment that is a time? */
bool moment_later(const struct moment *m, int64_t time_us);

/* "2026-11-24T14:03:27Z (15:03:27 CET)", for messages. */
void moment_text(const struct moment *m, char *text, size_t n);

#endif /* !CATALOG_MOMENT_H */
