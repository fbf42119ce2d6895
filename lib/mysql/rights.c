/* SPDX-License-Identifier: Apache-2.0 */
/* rights: what the account of a connection may do on every schema. */
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"

#include "mysql/rights.h"

#define LIST_MAX 16384

void
rights_take(struct rights *r, const char *line)
{
	static const char grant[] = "GRANT ", on[] = " ON *.* TO ";
	const char *end, *p;
	size_t n;

	if (strncmp(line, grant, sizeof(grant) - 1) != 0)
		return;
	p = line + sizeof(grant) - 1;
	end = strstr(p, on);
	/* A role's name may hold anything, but stands in quotes. */
	if (end == NULL || memchr(p, '`', (size_t)(end - p)) != NULL ||
	    memchr(p, '\'', (size_t)(end - p)) != NULL)
		return;
	for (; p < end; p += n) {
		p += strspn(p, ", ");
		if (p >= end)
			break;
		n = strcspn(p, ",");
		if (n > (size_t)(end - p))
			n = (size_t)(end - p);
		if (n == 14 && memcmp(p, "ALL PRIVILEGES", n) == 0)
			r->all = true;
		if (r->list.len + n > LIST_MAX)
			continue;
		if (r->list.len == 0)
			buf_adds(&r->list, "|");
		buf_add(&r->list, p, n);
		buf_adds(&r->list, "|");
	}
}

static bool
holds(const struct rights *r, const char *name)
{
	const char *at = buf_str(&r->list);
	size_t n = strlen(name);

	for (; (at = strstr(at, name)) != NULL; at += n)
		if (at > buf_str(&r->list) && at[-1] == '|' && at[n] == '|')
			return true;
	return false;
}

bool
rights_has(const struct rights *r, const char *privilege)
{
	static const char *const same[][2] = {
		{ "REPLICATION CLIENT", "BINLOG MONITOR" },
		{ "SLAVE MONITOR", "REPLICA MONITOR" },
		{ "REPLICATION SLAVE", "REPLICATION REPLICA" },
	};
	size_t i;

	if (r->all || holds(r, privilege))
		return true;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if ((strcmp(privilege, same[i][0]) == 0 &&
		    holds(r, same[i][1])) ||
		    (strcmp(privilege, same[i][1]) == 0 &&
		    holds(r, same[i][0])))
			return true;
	return false;
}

/* MySQL shows what roles give only when they are named; MariaDB always. */
static int
show_grants(struct conn *c, const struct flavour *f, struct buf *sql,
    struct err *e)
{
	struct buf roles = {0};
	int rc = 0;

	buf_adds(sql, "SHOW GRANTS FOR CURRENT_USER()");
	if (f->kind == FLAVOUR_MARIADB) {
		buf_clear(sql);
		buf_adds(sql, "SHOW GRANTS");
	} else if (f->version >= 80000) {
		rc = conn_value(c, "SELECT CURRENT_ROLE()", &roles, e);
		if (rc == 0 && strcmp(buf_str(&roles), "NONE") != 0)
			buf_addf(sql, " USING %s", buf_str(&roles));
	}
	buf_free(&roles);
	return rc == 0 ? buf_check(sql, "grants", e) : -1;
}

int
rights_read(struct conn *c, const struct flavour *f, struct rights *r,
    struct err *e)
{
	struct buf sql = {0};
	struct result *rows = NULL;
	unsigned long *len;
	char **row;
	int got = -1;

	if (show_grants(c, f, &sql, e) == 0)
		rows = conn_query(c, buf_str(&sql), true, e);
	while (rows != NULL && (got = result_next(rows, &row, &len, e)) == 1)
		if (row[0] != NULL)
			rights_take(r, row[0]);
	result_free(rows);
	buf_free(&sql);
	return got != 0 ? err_wrap(e, "rights of this account") :
	    buf_check(&r->list, "rights", e);
}

void
rights_free(struct rights *r)
{
	buf_free(&r->list);
	*r = (struct rights){0};
}
