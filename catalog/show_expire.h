/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_expire: what stays and goes, and why, for people and programs.
 *
 * Life cycle: show_expire_new; for each source show_expire_source, then
 * show_expire_swept; show_expire_end prints the document, if it is one, and
 * frees.
 */
#ifndef CATALOG_SHOW_EXPIRE_H
#define CATALOG_SHOW_EXPIRE_H

#include <stdbool.h>

struct err;
struct expire;
struct show_expire;
struct store;
struct sweep_result;

struct show_expire *show_expire_new(bool json, struct err *e);

/* The plan, as it was before anything was done; yes: it will be. */
void show_expire_source(struct show_expire *s, const struct expire *x,
    bool yes);

/* What was swept; NULL: nothing was to be done. */
void show_expire_swept(struct show_expire *s, const struct expire *x,
    const struct sweep_result *r);
void show_expire_end(struct show_expire *s, bool yes);

/* Holds and notes of one backup. */
int show_kept(struct store *store, const char *source, const char *id,
    bool json, struct err *e);

#endif /* !CATALOG_SHOW_EXPIRE_H */
