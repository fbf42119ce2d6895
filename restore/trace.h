/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace: what a server shows of the objects that a statement names, as a
 * digest.
 *
 * Taken before a statement that commits by itself, and again when a run that
 * was cut short there is gone on with: equal means that it did not happen, or
 * left nothing to see (TRUNCATE, ANALYZE, GRANT of what was granted: to do
 * such a statement twice changes nothing).
 */
#ifndef RESTORE_TRACE_H
#define RESTORE_TRACE_H

#include <stddef.h>

#include "codec/digest.h"

struct conn;
struct err;

/* Schemas, tables, views, sequences, routines, triggers, events whose names
 * stand in the text (home: its default schema), and the accounts when it is
 * about them and they may be read. */
int trace_take(struct conn *c, const char *home, const char *sql, size_t n,
    char hex[SHA256_HEX], struct err *e);

#endif /* !RESTORE_TRACE_H */
