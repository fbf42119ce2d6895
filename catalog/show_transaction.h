/* SPDX-License-Identifier: Apache-2.0 */
/* show_transaction: one archived transaction for people and programs. */
#ifndef CATALOG_SHOW_TRANSACTION_H
#define CATALOG_SHOW_TRANSACTION_H

#include <jansson.h>

#include "mysql/transaction.h"

/* One line: time, file and offset (file NULL: neither), GTID, kind, size,
 * tables with rows written (+), updated (~) and deleted (-), statement. */
void show_transaction(const char *file, const struct transaction *t);

/* The members of an index line (kura-store(7)), and file (or NULL: none). */
json_t *show_transaction_json(const char *file, const struct transaction *t);

/* Text that servers sent, without control characters. */
void show_flat(const char *text);

#endif /* !CATALOG_SHOW_TRANSACTION_H */
