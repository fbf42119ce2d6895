/* SPDX-License-Identifier: Apache-2.0 */
/* show_audit: the audit log of a store, as text and JSON. */
#ifndef CATALOG_SHOW_AUDIT_H
#define CATALOG_SHOW_AUDIT_H

#include <stdint.h>
#include <stdio.h>

struct err;
struct settings;
struct store;

/* Do the verb audit of *s: entries between --from (default: 30 days ago) and
 * --to, of its source alone if it names one.  *damaged: what is no entry,
 * added; it is named in the answer. */
int show_audit(const struct settings *s, struct store *store,
    uint64_t *damaged, FILE *out, struct err *e);

#endif /* !CATALOG_SHOW_AUDIT_H */
