/* SPDX-License-Identifier: Apache-2.0 */
/* check_server_impl: what the files that try a server share. */
#ifndef BACKUPD_CHECK_SERVER_IMPL_H
#define BACKUPD_CHECK_SERVER_IMPL_H

#include "backupd/finding.h"
#include "mysql/flavour.h"

#include "backupd/check_online.h"

struct conn;

struct trial {
	struct check_source *c;
	struct findings *f;
	struct finding at;
	struct conn *conn;
	struct flavour flavour;
	bool spare;		/* the archive may move there: what it lacks
				 * stops no job now */
};

/* A number of one row and column; 0 when there is none. */
uint64_t check_server_number(struct trial *t, const char *sql);
/* The second column of SHOW ... LIKE: a variable or a counter. */
bool check_server_shown(struct trial *t, const char *sql, char *value,
    size_t size);

/* What the archive needs. */
void check_archive(struct trial *t);

#endif /* !BACKUPD_CHECK_SERVER_IMPL_H */
