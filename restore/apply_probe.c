/* SPDX-License-Identifier: Apache-2.0 */
/* apply_probe: what a target allows to the user who applies. */
#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "restore/apply.h"

/* 1 when the server does it, 0 when it is denied. */
static int
may(struct conn *c, const char *sql, int harmless, struct err *e)
{
	struct err one = {0};

	if (conn_exec(c, sql, &one) == 0 || (harmless != 0 &&
	    one.sys == harmless))
		return 1;
	if (one.code == ERR_DENIED)
		return 0;
	*e = one;
	return -1;
}

int
apply_probe(struct conn *c, const struct flavour *f, enum apply_mode *mode,
    bool *gtids, struct buf *why, struct err *e)
{
	bool maria = f->kind == FLAVOUR_MARIADB;
	/* An empty one is a syntax error where it is allowed. */
	int binlog = may(c, "BINLOG ''", 1149, e);
	int own = binlog < 1 ? binlog : may(c, maria ?
	    "SET SESSION gtid_domain_id=@@gtid_domain_id" :
	    "SET SESSION pseudo_slave_mode=0", 0, e);

	if (binlog < 0 || own < 0)
		return -1;
	*mode = binlog == 1 && own == 1 ? APPLY_BINLOG : APPLY_ROWS;
	*gtids = *mode == APPLY_BINLOG && f->gtid;
	if (*mode == APPLY_BINLOG)
		buf_adds(why, "apply by BINLOG statements");
	else
		buf_addf(why, "apply rows by SQL: the right %s is missing",
		    maria ? "BINLOG REPLAY" : "REPLICATION_APPLIER");
	return buf_check(why, "plan", e);
}
