/* SPDX-License-Identifier: Apache-2.0 */
/* look: what the store holds of a source, for its schedule and its status. */
#ifndef BACKUPD_LOOK_H
#define BACKUPD_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;
struct store;

struct look {
	int64_t last_dump_us;	/* start of the newest backup's run; 0: none */
	int64_t last_good_us;	/* the same of the newest proven one */
	int64_t known_us;	/* since when it is archived; 0: it is not */
	/* As the status document has them; NULL before the first look. */
	json_t *backups, *windows, *gaps;
	size_t damage;		/* documents that cannot be read */
	bool apart;		/* it is archived, but not (yet) where the
				 * newest backup stands */
};

/* Read heads, histories and documents of files; blocks.  Backups and windows
 * that ended before since_us are left out.  *out is replaced on success. */
int look_at(struct store *s, const char *source, int64_t since_us,
    struct look *out, struct err *e);

void look_free(struct look *l);

#endif /* !BACKUPD_LOOK_H */
