/* SPDX-License-Identifier: Apache-2.0 */
/*
 * existing: tables that stand on the target already, made by somebody else,
 * and are filled: for users who may change rows and nothing else.
 *
 * Such a table must have the backup's definition, but for its name and its
 * AUTO_INCREMENT, and no triggers; and it must be empty when the restore
 * begins.
 */
#ifndef RESTORE_EXISTING_H
#define RESTORE_EXISTING_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct restore_plan;
struct store;
struct target;

/* Are all of the plan's tables there, as they must be?  ERR_NOTFOUND: one is
 * not there; ERR_USAGE: it is another one; ERR_EXISTS: it holds rows (not
 * asked of a restore that goes on). */
int existing_look(struct store *s, const struct restore_plan *p,
    const struct target *t, struct err *e);

/* Have two definitions of tables the same tokens, names of the tables and
 * AUTO_INCREMENT apart?  If not, *where tells the first difference. */
bool existing_same(const char *a, size_t na, const char *b, size_t nb,
    struct buf *where);

#endif /* !RESTORE_EXISTING_H */
