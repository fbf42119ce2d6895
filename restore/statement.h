/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement: the session state that a QUERY event was run under, from its
 * status variables, and the events that go before a statement.
 *
 * Values start as a server's own defaults for what an event leaves out, so
 * that statement_set brings a session from one event's state to the next
 * one's.  All bytes are foreign.
 *
 * Sources: the Query_event chapters of MySQL's and MariaDB's manuals; codes
 * from 128 are MariaDB's.
 */
#ifndef RESTORE_STATEMENT_H
#define RESTORE_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct err;
struct event;

#define STATEMENT_NO_USE	0x08u	/* event flags: USE must not be sent */
#define STATEMENT_THREAD	0x04u	/* temporary tables: by thread */

struct statement_state {
	uint32_t flags;		/* option bits: foreign keys and kin */
	uint64_t sql_mode;
	uint16_t increment, offset;	/* of AUTO_INCREMENT */
	uint16_t client, connection, server;	/* character set, collations;
				 * client 0: not recorded */
	uint16_t locale;	/* lc_time_names */
	uint16_t database;	/* collation_database, 0: the schema's own */
	uint16_t utf8mb4;	/* default collation, 0: not recorded */
	uint32_t micros;	/* of the event's second */
	int8_t explicit_timestamp, require_key, encryption;	/* -1: not
				 * recorded */
	char zone[256];		/* "": not recorded */
	bool unknown;		/* of a session: nothing is known */
};

/* The state of a session that is not known: statement_set then sets all. */
extern const struct statement_state statement_unknown;

/* Read an event's status variables.  Codes that are not known end the list,
 * as servers take it.  ERR_CORRUPT when one is cut short. */
int statement_state(const void *status, size_t n, struct statement_state *s,
    struct err *e);

/* Append the SET statement that leads from one state to another to *out (no
 * semicolon), nothing where they are equal. */
void statement_set(const struct statement_state *from,
    const struct statement_state *to, enum flavour_kind kind,
    struct buf *out);

/* Append the assignments that an INTVAR, RAND or USER_VAR event stands for,
 * as they follow SET ("INSERT_ID=7").  A text variable is given by collation
 * number: name(arg, number, out) appends its character set and collation as
 * "_utf8mb4" and " COLLATE utf8mb4_bin" around the value. */
struct statement_collation {
	char charset[65], collation[65];
};
int statement_variable(const struct event *ev,
    int (*name)(void *arg, unsigned number, struct statement_collation *c,
    struct err *e), void *arg, struct buf *out, struct err *e);

#endif /* !RESTORE_STATEMENT_H */
