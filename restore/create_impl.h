/* SPDX-License-Identifier: Apache-2.0 */
/* create_impl: what the files of create share. */
#ifndef RESTORE_CREATE_IMPL_H
#define RESTORE_CREATE_IMPL_H

#include <stdint.h>

#include "restore/create.h"

struct place;

/* Warnings that a definition may leave; ends with 0. */
extern const unsigned create_deprecations[];

/* The text of a place, or the inline one, checked to be of its kind; home: the
 * schema of names without one.  rename: names become the target's. */
int create_read(const struct create_opts *o, const struct place *place,
    const char *inline_text, const char *kind, const char *home,
    bool rename, struct buf *out, struct err *e);

/* Run it; warnings but for those allowed are errors. */
int create_run(const struct create_opts *o, const struct buf *sql,
    const unsigned *allowed, struct err *e);
int create_use(const struct create_opts *o, const char *schema,
    struct err *e);

/* Note that something is about to be made; 1 when it is made already.  What
 * stands there is dropped only if that was asked for, or if it is half of what
 * an interrupted restore made. */
int create_begin(const struct create_opts *o, uint32_t table,
    const char *step, uint32_t n, bool *drop_it, struct err *e);
int create_drop(const struct create_opts *o, bool drop_it, const char *kind,
    const char *schema, const char *name, struct err *e);

#endif /* !RESTORE_CREATE_IMPL_H */
