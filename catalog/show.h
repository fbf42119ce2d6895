/* SPDX-License-Identifier: Apache-2.0 */
/* show: what a store holds, as text and JSON for people and programs. */
#ifndef CATALOG_SHOW_H
#define CATALOG_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/head.h"

struct err;
struct kept;
struct store;
struct timeline;
struct timeline_backup;
struct verification;

#define SHOW_SIZE 16
#define SHOW_TIME 48

/* "1.4 GiB"; "2026-11-24T14:03:27Z" (with microseconds where there are
 * any). */
const char *show_size(uint64_t n, char text[SHOW_SIZE]);
const char *show_time(int64_t us, char text[SHOW_TIME]);

/* One line of the list (with a heading when first), or appended to list. *b
 * is the same backup on its timeline; *k what stands beside it. */
void show_row(const struct head *h, const struct timeline *t,
    const struct timeline_backup *b, const struct kept *k, bool first,
    json_t *list);

/* When a backup was read last by verify --within, as members of its own. */
void show_verified_json(const struct verification *v, const char *id,
    json_t *one);

/* A backup whose head cannot be read. */
void show_bad(const char *source, const char *id, const struct err *why,
    json_t *list);

/* The summary of one backup on standard output. */
int show_backup(struct store *s, const struct head *h, bool tables,
    bool json, struct err *e);

/* Windows, backups, drills, histories and gaps on standard output; drawn: with
 * a line, for a terminal.  now_us: the store's time, or 0. */
int show_timeline(struct store *s, const struct timeline *t, int64_t now_us,
    bool json, bool drawn, struct err *e);

/* Whether point-in-time restores begin at a backup: until when, or why not. */
json_t *show_pitr_json(const struct timeline *t,
    const struct timeline_backup *b);

/* Write an object, decoded, to standard output. */
int show_cat(struct store *s, const struct head *h, const char *object,
    struct err *e);

#endif /* !CATALOG_SHOW_H */
