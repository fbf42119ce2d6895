/* SPDX-License-Identifier: Apache-2.0 */
/* show: backups as text and JSON for people and programs. */
#ifndef CATALOG_SHOW_H
#define CATALOG_SHOW_H

#include <stdbool.h>

#include "catalog/head.h"

struct err;
struct store;

/* One line of the list (with a heading when first), or appended to list. */
void show_row(const struct head *h, bool first, json_t *list);

/* A backup whose head cannot be read. */
void show_bad(const char *source, const char *id, const struct err *why,
    json_t *list);

/* The summary of one backup on standard output. */
int show_backup(struct store *s, const struct head *h, bool tables,
    bool json, struct err *e);

/* Write an object, decoded, to standard output. */
int show_cat(struct store *s, const struct head *h, const char *object,
    struct err *e);

#endif /* !CATALOG_SHOW_H */
