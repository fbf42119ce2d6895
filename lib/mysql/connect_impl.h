/* SPDX-License-Identifier: Apache-2.0 */
/* connect_impl: what the files of a connection share; nobody else's. */
#ifndef MYSQL_CONNECT_IMPL_H
#define MYSQL_CONNECT_IMPL_H

#include <mysql/mysql.h>

#include "base/err.h"
#include "mysql/connect.h"

struct load {
	conn_source *read;
	void *arg;
	struct err err;
	char name[33];		/* what our statement asks for */
	bool served;
};

struct conn {
	MYSQL *mysql;
	struct cancel *cancel;
	unsigned waker;
	int fd;
	bool broken;
	struct load load;
	char where[300];
};

/* connect_query.c: record the server's or library's error; -1. */
int conn_fail(struct conn *c, struct err *e);

/* connect_load.c: let the library ask us for files. */
void conn_serve_files(struct conn *c);

#endif /* !MYSQL_CONNECT_IMPL_H */
