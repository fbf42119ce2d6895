/* SPDX-License-Identifier: Apache-2.0 */
/* ground_clear: a drill's target becomes what it was before. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"
#include "restore/replay.h"
#include "restore/target.h"

#include "restore/ground_impl.h"

#define LOCK_WAIT_S 60

static bool
mariadb(const struct ground *g)
{
	return g->target->flavour.kind == FLAVOUR_MARIADB;
}

/* Statements are gathered first: a result must be read to its end. */
static int
run_all(struct conn *c, struct buf *list, struct err *e)
{
	const char *p, *end;
	int rc = buf_check(list, "clear the target", e);

	for (p = buf_str(list), end = p + list->len; rc == 0 && p < end;
	    p += strlen(p) + 1)
		rc = conn_exec(c, p, e);
	buf_free(list);
	return rc;
}

/* --- transactions that the replay left prepared --- */

/* Row: format, lengths of both parts, and the parts as one. */
static int
add_rollback(char **row, const unsigned long *len, struct buf *list,
    struct err *e)
{
	size_t gtrid = strtoul(row[1], NULL, 10);

	if (row[3] == NULL || gtrid > len[3])
		return err_set(e, ERR_IO, 0, "XA RECOVER: unexpected answer");
	buf_adds(list, "XA ROLLBACK ");
	sql_hex(list, row[3], gtrid);
	buf_addc(list, ',');
	sql_hex(list, row[3] + gtrid, len[3] - gtrid);
	buf_addf(list, ",%lu", strtoul(row[0], NULL, 10));
	buf_addc(list, '\0');
	return 0;
}

static int
roll_back(struct conn *c, struct err *e)
{
	struct result *r = conn_query(c, "XA RECOVER", true, e);
	struct buf list = {0};
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (add_rollback(row, len, &list, e) != 0) {
			got = -1;
			break;
		}
	result_free(r);
	if (got == 0)
		return run_all(c, &list, e);
	buf_free(&list);
	return -1;
}

/* --- schemas and accounts --- */

static int
add_schema(void *arg, const char *name, struct err *e)
{
	struct buf *list = arg;

	(void)e;
	buf_adds(list, "DROP DATABASE ");
	sql_ident(list, name);
	buf_addc(list, '\0');
	return 0;
}

struct accounts {
	const struct ground *g;
	struct buf list;
};

static int
add_account(void *arg, const char *user, const char *host, bool role,
    struct err *e)
{
	struct accounts *x = arg;

	(void)e;
	if (!ground_note_made_account(&x->g->note, user, host))
		return 0;
	buf_adds(&x->list, role ? "DROP ROLE " : "DROP USER ");
	sql_string(&x->list, user, strlen(user));
	if (!role) {
		buf_addc(&x->list, '@');
		sql_string(&x->list, host, strlen(host));
	}
	buf_addc(&x->list, '\0');
	return 0;
}

static int
drop(struct ground *g, struct err *e)
{
	struct conn *c = g->target->conn;
	struct accounts x = { .g = g };
	struct buf list = {0};

	if (ground_schemas(c, add_schema, &list, e) != 0) {
		buf_free(&list);
		return -1;
	}
	if (run_all(c, &list, e) != 0)
		return -1;
	if (ground_accounts(g, add_account, &x, e) != 0) {
		buf_free(&x.list);
		return -1;
	}
	return run_all(c, &x.list, e);
}

/* --- GTIDs --- */

/* What was replayed stands in the target's own log, if it keeps one: left
 * there, the next drill's GTIDs would be known to it. */
static int
forget_gtids(const struct ground *g, struct err *e)
{
	const struct flavour *f = &g->target->flavour;
	struct conn *c = g->target->conn;

	if (mariadb(g))
		return (f->log_bin && conn_exec(c, "RESET MASTER", e) != 0) ||
		    conn_exec(c, "SET GLOBAL gtid_slave_pos=''", e) != 0 ?
		    -1 : 0;
	if (!f->log_bin && !f->gtid)
		return 0;
	return conn_exec(c, f->version >= 80200 ?
	    "RESET BINARY LOGS AND GTIDS" : "RESET MASTER", e);
}

static int
compare(const struct ground *g, struct err *e)
{
	char now[SHA256_HEX];

	if (g->accounts[0] == '\0')
		return 0;
	if (ground_digest(g, now, e) != 0)
		return -1;
	if (strcmp(now, g->accounts) != 0)
		log_event(LOG_WARN_, "accounts of the target are not as they "
		    "were before the drill: look at their passwords and "
		    "grants", NULL);
	return 0;
}

int
ground_clear(struct ground *g, struct err *e)
{
	struct conn *c = g->target->conn;
	struct err denied = {0};

	/* Once more: this is what is dropped by. */
	if (ground_is_bare(g, e) != 0)
		return -1;
	/* Not logged where that is allowed; GTIDs are reset either way. */
	(void)conn_exec(c, "SET SESSION sql_log_bin=0", &denied);
	if (replay_clean(g->target, e) != 0 ||
	    conn_execf(c, e, "SET SESSION foreign_key_checks=0, "
	    "lock_wait_timeout=%d", LOCK_WAIT_S) != 0 ||
	    roll_back(c, e) != 0 || drop(g, e) != 0 ||
	    forget_gtids(g, e) != 0 || compare(g, e) != 0 ||
	    target_notes_drop(g->target, e) != 0)
		return err_wrap(e, "clear the target");
	ground_note_free(&g->note);
	g->left = false;
	g->target->empty = true;
	return 0;
}
