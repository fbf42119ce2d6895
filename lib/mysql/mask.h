/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask: a statement's text without the passwords in it, for people to see.
 *
 * Strings after IDENTIFIED and after words that end with PASSWORD become '***',
 * up to the next comma, closing parenthesis or semicolon; names of accounts and
 * of plugins stay.  So do hashes written as numbers.  The statement may be cut.
 */
#ifndef MYSQL_MASK_H
#define MYSQL_MASK_H

#include <stddef.h>

struct buf;

/* Append it. */
void mask_statement(const char *sql, size_t n, struct buf *out);

#endif /* !MYSQL_MASK_H */
