/* SPDX-License-Identifier: Apache-2.0 */
/* keep: the verbs of catalog that say what stays: hold, release, annotate,
 * expire. */
#ifndef CATALOG_KEEP_H
#define CATALOG_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct audit;
struct err;
struct hold;
struct retention_rules;
struct settings;
struct store;

bool keep_knows(const char *verb);

/* Choose the store of the source that the verb is about. */
int keep_use_store(struct settings *s, struct err *e);

/* Do the verb of *s; its answer goes to standard output.  *damaged: backups
 * that could not be read, added. */
int keep(const struct settings *s, struct store *store, struct audit *audit,
    uint64_t *damaged, struct err *e);

/* Hold a backup (hold_create) and take its marks back.  ERR_BUSY: it is being
 * swept; ERR_NOTFOUND: it has been. */
int keep_hold(struct store *store, const char *source, const struct hold *h,
    struct err *e);

/* The rules that a source's settings (settings_use_source) say.  ERR_USAGE. */
int keep_rules(const struct settings *s, struct retention_rules *r,
    struct err *e);

/* "2027-01-31", a time with its zone, or how long from now on ("30d"):
 * ERR_USAGE. */
int keep_until(const char *text, int64_t now_us, int64_t *until_us,
    struct err *e);

#endif /* !CATALOG_KEEP_H */
