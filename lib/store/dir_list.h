/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir_list: what a store in a directory holds: listings, deletes, and remains
 * of writers that died.
 */
#ifndef STORE_DIR_LIST_H
#define STORE_DIR_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "store/backend.h"

int dir_list(struct backend *b, const char *prefix, const char *after,
    bool names, backend_each *each, void *arg, struct err *e);
int dir_remove(struct backend *b, const char *const *keys, size_t n,
    struct err *e);
int dir_abort_uploads(struct backend *b, const char *prefix,
    int64_t before_us, struct err *e);

#endif /* !STORE_DIR_LIST_H */
