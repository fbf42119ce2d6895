/* SPDX-License-Identifier: Apache-2.0 */
/* ask: the verbs of catalog that ask a timeline: timeline, when, events. */
#ifndef CATALOG_ASK_H
#define CATALOG_ASK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct settings;
struct store;

bool ask_knows(const char *verb);

/* Do the verb of *s, whose first argument is the source; its answer goes to
 * standard output.  *damaged: documents that could not be read, added. */
int ask(const struct settings *s, struct store *store, uint64_t *damaged,
    struct err *e);

#endif /* !CATALOG_ASK_H */
