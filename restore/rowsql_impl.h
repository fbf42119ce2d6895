/* SPDX-License-Identifier: Apache-2.0 */
/* rowsql_impl: values and conditions; for rowsql*.c alone. */
#ifndef RESTORE_ROWSQL_IMPL_H
#define RESTORE_ROWSQL_IMPL_H

#include "mysql/rows.h"
#include "restore/rowsql.h"

/* Append the value of the shape's column i as it is written. */
int rowsql_value(const struct rowsql_text *x, size_t i,
    const struct rows_value *v, struct buf *out, struct err *e);
/* Append the condition that the column holds this value. */
int rowsql_compare(const struct rowsql_text *x, size_t i,
    const struct rows_value *v, struct buf *out, struct err *e);

#endif /* !RESTORE_ROWSQL_IMPL_H */
