/* SPDX-License-Identifier: Apache-2.0 */
/* transaction_impl: what a transaction's statements are, and its tables; for
 * transaction*.c alone. */
#ifndef MYSQL_TRANSACTION_IMPL_H
#define MYSQL_TRANSACTION_IMPL_H

#include "mysql/rows.h"
#include "mysql/transaction.h"

enum statement_kind {
	STATEMENT_BEGIN,	/* also XA START */
	STATEMENT_COMMIT,	/* or ROLLBACK */
	STATEMENT_SAVEPOINT,	/* and what else changes nothing */
	STATEMENT_XA_COMMIT, STATEMENT_XA_ROLLBACK,
	STATEMENT_ROWS,		/* INSERT and all that may change rows */
	STATEMENT_OTHER,	/* definitions, rights, maintenance */
};

/* What a statement of a binary log is, by its first words. */
enum statement_kind statement_kind(const char *sql, size_t n);

/* The tables of a transaction and the maps of its statement. */
struct transaction_map {
	struct rows_table table;
	size_t at;		/* among the tables; ntables_max: none */
};
struct transaction_tables {
	struct transaction_table *tables;
	size_t ntables;
	bool cut, uncounted;
	struct transaction_map *maps;
	size_t nmaps, cap;
	uint64_t bytes;		/* of the events that the maps are from */
};

int transaction_tables_map(struct transaction_tables *s,
    const struct event *ev, const struct event_format *f, struct err *e);
/* Count a rows event's rows; *last: it ends its statement. */
int transaction_tables_rows(struct transaction_tables *s,
    const struct event *ev, const struct event_format *f, bool *last,
    struct err *e);
void transaction_tables_clear(struct transaction_tables *s);

#endif /* !MYSQL_TRANSACTION_IMPL_H */
