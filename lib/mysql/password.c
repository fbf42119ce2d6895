/* SPDX-License-Identifier: Apache-2.0 */
/* password: until when the password of a connection's account is good. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"

#include "mysql/password.h"

/* An account whose plugin has no password has none that ends. */
static const char of_mysql[] =
    "SELECT FLOOR(UNIX_TIMESTAMP(password_last_changed) + 86400 * NULLIF("
    "COALESCE(password_lifetime, @@GLOBAL.default_password_lifetime), 0)) "
    "FROM mysql.user WHERE CONCAT(User, '@', Host) = CURRENT_USER() AND "
    "plugin LIKE '%password'";
/* -1 or nothing is the server's default; a change at 0 is none. */
static const char of_mariadb[] =
    "SELECT FLOOR(NULLIF(JSON_VALUE(Priv, '$.password_last_changed'), 0) + "
    "86400 * NULLIF(IF(COALESCE(JSON_VALUE(Priv, '$.password_lifetime'), -1) "
    "< 0, @@GLOBAL.default_password_lifetime, JSON_VALUE(Priv, "
    "'$.password_lifetime')), 0)) FROM mysql.global_priv WHERE CONCAT(User, "
    "'@', Host) = CURRENT_USER() AND JSON_VALUE(Priv, '$.plugin') <> "
    "'unix_socket'";

int
password_until(struct conn *c, const struct flavour *f, int64_t *us,
    struct err *e)
{
	struct buf text = {0};
	struct err why = {0};
	int rc = conn_value(c, f->kind == FLAVOUR_MYSQL ? of_mysql :
	    of_mariadb, &text, &why);

	*us = rc == 0 ? strtoll(buf_str(&text), NULL, 10) * 1000000 : 0;
	buf_free(&text);
	if (rc == 0 || why.code == ERR_NOTFOUND || why.code == ERR_DENIED)
		return 0;
	*e = why;
	return -1;
}
