/* SPDX-License-Identifier: Apache-2.0 */
/* show_when: can a moment be restored, from what, and what happened then? */
#ifndef CATALOG_SHOW_WHEN_H
#define CATALOG_SHOW_WHEN_H

#include <stdbool.h>

struct err;
struct moment;
struct store;
struct timeline;

/* On standard output; backup is an id, or NULL.  ERR_NOTFOUND (said on
 * standard output as well): it cannot be restored. */
int show_when(struct store *s, const struct timeline *t,
    const struct moment *m, const char *backup, bool json, struct err *e);

#endif /* !CATALOG_SHOW_WHEN_H */
