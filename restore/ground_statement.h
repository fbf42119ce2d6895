/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ground_statement: what a definition of the log would do to a drill's
 * target: make a schema there, or change an account that was there before.
 */
#ifndef RESTORE_GROUND_STATEMENT_H
#define RESTORE_GROUND_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct ground_note;

/* The schema that the statement makes, if any, into *schema.  Returns whether
 * it is about an account that the note has as there before; a statement about
 * accounts that was cut short is (its end may name one). */
bool ground_statement(const struct ground_note *n, const char *sql,
    size_t len, bool cut, struct buf *schema);

#endif /* !RESTORE_GROUND_STATEMENT_H */
