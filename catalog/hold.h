/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: a note that keeps a backup, and the binary logs after it, from
 * expiring: holds/<id>/<name>.json.
 *
 * A hold that cannot be read still holds.  Documents are foreign bytes.
 */
#ifndef CATALOG_HOLD_H
#define CATALOG_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/head.h"

struct err;
struct store;

#define HOLD_NAME_MAX SOURCE_NAME_MAX	/* made as a source's name is */
#define HOLD_TEXT_MAX 1000		/* bytes of a reason */

struct hold {
	char backup[BACKUP_ID_LEN + 1], name[HOLD_NAME_MAX + 1];
	char *owner, *reason;
	int64_t until_us;	/* 0: until it is released */
	int64_t made_us;	/* 0: not known */
	bool unreadable;	/* reason says why */
};

/* Who is asking, for documents: the name of this process's user. */
#define HOLD_OWNER_MAX 80
void hold_owner(char owner[HOLD_OWNER_MAX]);

/* Write one (create-only: ERR_EXISTS); owner, reason, until are its members
 * in h; made by the store's time. */
int hold_create(struct store *s, const char *source, const struct hold *h,
    struct err *e);
/* ERR_NOTFOUND when there is none. */
int hold_release(struct store *s, const char *source, const char *id,
    const char *name, struct err *e);

/* All of a source, by backup and name; id: of that backup alone, or NULL.
 * Owned: holds_free. */
int holds_list(struct store *s, const char *source, const char *id,
    struct hold **list, size_t *n, struct err *e);
void holds_free(struct hold *list, size_t n);

/* Those of a backup, for --json. */
json_t *holds_json(const struct hold *list, size_t n, const char *id);

/* Parse a document that must be this hold; zeroed first. */
int hold_parse(const char *text, size_t n, const char *source,
    const char *id, const char *name, struct hold *h, struct err *e);
void hold_free(struct hold *h);

#endif /* !CATALOG_HOLD_H */
