/* SPDX-License-Identifier: Apache-2.0 */
/* schema_accounts: accounts, roles and grants as statements. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "mysql/schema.h"

struct account {
	char *user, *host;
	bool role;
};

struct accounts {
	struct account *list;
	size_t n;
	int (*each)(void *, const char *, const char *, const char *,
	    struct err *);
	void *arg;
};

/* Accounts that the server or its host made for itself. */
static bool
is_system(const char *user)
{
	static const char *const names[] = { "mysql.sys", "mysql.session",
	    "mysql.infoschema", "mariadb.sys", "rdsadmin", "rdsrepladmin",
	    "rdstopmgr", "rds_superuser_role", "azure_superuser",
	    "cloudsqlsuperuser", "PUBLIC" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(user, names[i]) == 0)
			return true;
	return strncmp(user, "AWS_", 4) == 0;
}

static int
add(struct accounts *a, const char *user, const char *host, bool role,
    struct err *e)
{
	struct account *list;

	if (is_system(user))
		return 0;
	list = realloc(a->list, (a->n + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "accounts");
	a->list = list;
	list[a->n] = (struct account){ strdup(user), strdup(host), role };
	a->n++;
	if (list[a->n - 1].user == NULL || list[a->n - 1].host == NULL)
		return err_set(e, ERR_NOMEM, 0, "accounts");
	return 0;
}

static int
read_list(struct conn *c, const struct flavour *f, struct accounts *a,
    struct err *e)
{
	/* MySQL's roles are accounts that were granted to others. */
	static const char mysql8[] = "SELECT User, Host, EXISTS(SELECT 1 FROM "
	    "mysql.role_edges r WHERE r.FROM_USER = u.User AND r.FROM_HOST = "
	    "u.Host) OR EXISTS(SELECT 1 FROM mysql.default_roles d WHERE "
	    "d.DEFAULT_ROLE_USER = u.User AND d.DEFAULT_ROLE_HOST = u.Host) "
	    "FROM mysql.user u ORDER BY 3 DESC, 1, 2";
	static const char mysql57[] = "SELECT User, Host, 0 FROM mysql.user "
	    "ORDER BY 1, 2";
	static const char mariadb[] = "SELECT User, Host, is_role = 'Y' FROM "
	    "mysql.user ORDER BY 3 DESC, 1, 2";
	struct result *r;
	unsigned long *len;
	char **row;
	int got;

	r = conn_query(c, f->kind == FLAVOUR_MARIADB ? mariadb :
	    f->version >= 80000 ? mysql8 : mysql57, true, e);
	if (r == NULL) {
		if (e->code == ERR_DENIED)
			(void)err_hint(e, "grant SELECT on mysql.*, or use "
			    "--no-accounts");
		return -1;
	}
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (add(a, row[0], row[1], strcmp(row[2], "1") == 0, e) != 0) {
			got = -1;
			break;
		}
	result_free(r);
	return got;
}

/* 'user'@'host', or 'role' on MariaDB. */
static void
quote(const struct flavour *f, const struct account *x, struct buf *out)
{
	buf_clear(out);
	sql_string(out, x->user, strlen(x->user));
	if (x->role && f->kind == FLAVOUR_MARIADB)
		return;
	buf_addc(out, '@');
	sql_string(out, x->host, strlen(x->host));
}

static int
show(struct conn *c, const struct accounts *a, const char *what,
    const char *kind, const char *name, struct err *e)
{
	struct result *r = conn_queryf(c, e, "%s %s", what, name);
	unsigned long *len;
	char **row;
	int got, rc = 0;

	if (r == NULL)
		return err_wrap(e, "%s %s", what, name);
	while (rc == 0 && (got = result_next(r, &row, &len, e)) != 0)
		rc = got < 0 || row[0] == NULL ? -1 :
		    a->each(a->arg, kind, name, row[0], e);
	result_free(r);
	if (rc != 0)
		(void)err_set(e, ERR_IO, 0, "%s %s: no text", what, name);
	return rc;
}

static int
create(struct conn *c, const struct flavour *f, const struct accounts *a,
    const struct account *x, const char *name, struct err *e)
{
	struct buf sql = {0};
	int rc;

	/* MariaDB's roles have no SHOW CREATE. */
	if (x->role && f->kind == FLAVOUR_MARIADB) {
		buf_addf(&sql, "CREATE ROLE %s", name);
		rc = buf_check(&sql, "role", e) != 0 ? -1 :
		    a->each(a->arg, "role", name, buf_str(&sql), e);
		buf_free(&sql);
		return rc;
	}
	return show(c, a, "SHOW CREATE USER", x->role ? "role" : "account",
	    name, e);
}

int
schema_accounts(struct conn *c, const struct flavour *f,
    int (*each)(void *arg, const char *kind, const char *name,
    const char *sql, struct err *e), void *arg, struct err *e)
{
	struct accounts a = { .each = each, .arg = arg };
	struct buf name = {0};
	size_t i;
	int rc;

	rc = read_list(c, f, &a, e);
	for (i = 0; i < a.n && rc == 0; i++) {
		quote(f, &a.list[i], &name);
		rc = create(c, f, &a, &a.list[i], buf_str(&name), e);
	}
	for (i = 0; i < a.n && rc == 0; i++) {
		quote(f, &a.list[i], &name);
		rc = show(c, &a, "SHOW GRANTS FOR", "grant", buf_str(&name),
		    e);
	}
	for (i = 0; i < a.n; i++) {
		free(a.list[i].user);
		free(a.list[i].host);
	}
	free(a.list);
	buf_free(&name);
	return rc;
}
