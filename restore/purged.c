/* SPDX-License-Identifier: Apache-2.0 */
/* purged: the backup's GTIDs, where procedures alone may set them. */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/gtid.h"
#include "restore/procedures.h"
#include "restore/target.h"

#include "restore/purged.h"

#define LAST "9223372036854775806"	/* no GTID has a higher number */

/* What is wanted; what the target has: all, and but for its own. */
struct sets {
	struct gtid_set *want, *has, *others;
};

static int
read_sets(const struct target *t, const char *gtids, struct sets *s,
    struct err *e)
{
	bool mysql = t->flavour.kind == FLAVOUR_MYSQL;
	struct buf text = {0};
	int rc = -1;

	s->want = gtid_set_new(t->flavour.kind, e);
	s->has = gtid_set_new(t->flavour.kind, e);
	/* A MariaDB position is put in the place of another. */
	if (s->want == NULL || s->has == NULL ||
	    gtid_set_parse(s->want, gtids, e) != 0 || (mysql && (conn_value(
	    t->conn, "SELECT @@GLOBAL.gtid_executed", &text, e) != 0 ||
	    gtid_set_parse(s->has, buf_str(&text), e) != 0)))
		goto out;
	s->others = gtid_set_copy(s->has, e);
	rc = s->others != NULL ? 0 : -1;
out:	buf_free(&text);
	return rc;
}

static void
free_sets(struct sets *s)
{
	gtid_set_free(s->want);
	gtid_set_free(s->has);
	gtid_set_free(s->others);
}

static int
check(const struct target *t, struct sets *s, struct err *e)
{
	struct gtid_set *own = NULL, *rest = NULL;
	struct buf text = {0};
	int rc = -1;

	if (t->flavour.kind == FLAVOUR_MARIADB)
		return 0;
	buf_addf(&text, "%s:1-" LAST, t->flavour.uuid);
	own = gtid_set_new(t->flavour.kind, e);
	rest = gtid_set_copy(s->want, e);
	if (own == NULL || rest == NULL ||
	    gtid_set_parse(own, buf_str(&text), e) != 0 ||
	    gtid_set_subtract(s->others, own, e) != 0 ||
	    gtid_set_subtract(rest, own, e) != 0)
		goto out;
	rc = 0;
	if (!gtid_set_equal(rest, s->want)) {
		rc = err_set(e, ERR_USAGE, 0, "some of them are the target's "
		    "own");
	} else if (!gtid_set_includes(s->want, s->others)) {
		buf_clear(&text);
		gtid_set_text(s->others, &text);
		rc = err_set(e, ERR_USAGE, 0, "the target has others: %.160s",
		    buf_str(&text));
	}
out:	buf_free(&text);
	gtid_set_free(own);
	gtid_set_free(rest);
	return rc;
}

int
purged_may(const struct target *t, const char *gtids, struct err *e)
{
	struct sets s = {0};
	int rc = read_sets(t, gtids, &s, e);

	if (rc == 0)
		rc = procedures_may_purge(&t->procedures, s.want, e);
	if (rc == 0)
		rc = check(t, &s, e);
	free_sets(&s);
	return rc;
}

int
purged_set(const struct target *t, const char *gtids, struct err *e)
{
	struct sets s = {0};
	int rc = -1;

	if (read_sets(t, gtids, &s, e) == 0 && check(t, &s, e) == 0 &&
	    (t->flavour.kind == FLAVOUR_MARIADB ||
	    gtid_set_subtract(s.want, s.has, e) == 0))
		rc = gtid_set_empty(s.want) ? 0 : procedures_purge(
		    &t->procedures, t->conn, s.want, e);
	free_sets(&s);
	return rc;
}
