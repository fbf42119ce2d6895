/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights: what the account of a connection may do on every schema.
 *
 * Life cycle: {0}; rights_read or rights_take; rights_has; rights_free.
 */
#ifndef MYSQL_RIGHTS_H
#define MYSQL_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct conn;
struct err;
struct flavour;

struct rights {
	struct buf list;	/* "|SELECT|RELOAD|" */
	bool all;		/* ALL PRIVILEGES */
};

/* SHOW GRANTS of the current user, with its active roles. */
int rights_read(struct conn *c, const struct flavour *f, struct rights *r,
    struct err *e);

/* One line of SHOW GRANTS; what is of a schema, a table or a role counts for
 * nothing. */
void rights_take(struct rights *r, const char *line);

/* By any of its names on any server: "REPLICATION CLIENT" is what MariaDB
 * calls BINLOG MONITOR. */
bool rights_has(const struct rights *r, const char *privilege);

void rights_free(struct rights *r);

#endif /* !MYSQL_RIGHTS_H */
