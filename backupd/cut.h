/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut: where a chunk ends.  FORMAT.md, "Rows", is the source of the rule: the
 * hash of the key decides, so that borders stay where they are from night to
 * night, whoever reads the table and however it is divided among workers.
 */
#ifndef BACKUPD_CUT_H
#define BACKUPD_CUT_H

#include <stdint.h>

struct buf;

#define CUT_MIN ((uint64_t)8 << 20)

/* How many low bits of the hash must be zero in a table whose rows have mean
 * raw bytes. */
unsigned cut_bits(uint64_t mean);

/* Does a chunk of raw bytes end after the row with this key (NULL: the table
 * has none)?  NULL: no, as always below CUT_MIN; else why, "hash" or "size". */
const char *cut_here(uint64_t raw, unsigned bits, const struct buf *key);

#endif /* !BACKUPD_CUT_H */
