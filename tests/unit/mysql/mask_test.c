/* SPDX-License-Identifier: Apache-2.0 */
/* mask_test: no password is shown, and what is none stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mysql/mask.h"

static void
shows(const char *sql, const char *want)
{
	struct buf out = {0};

	mask_statement(sql, strlen(sql), &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_mask_accounts(void **state)
{
	(void)state;
	shows("CREATE USER 'ann'@'%' IDENTIFIED BY 'secret'",
	    "CREATE USER 'ann'@'%' IDENTIFIED BY '***'");
	shows("CREATE USER a@b IDENTIFIED BY 'x', 'c'@'d' IDENTIFIED BY "
	    "PASSWORD '*00' REQUIRE SSL", "CREATE USER a@b IDENTIFIED BY "
	    "'***', 'c'@'d' IDENTIFIED BY PASSWORD '***' REQUIRE SSL");
	shows("CREATE USER a IDENTIFIED WITH 'caching_sha2_password' AS "
	    "'$A$005$x'", "CREATE USER a IDENTIFIED WITH "
	    "'caching_sha2_password' AS '***'");
	shows("create user a identified with mysql_native_password as "
	    "0x2441", "create user a identified with mysql_native_password "
	    "as '***'");
	shows("CREATE USER a IDENTIFIED VIA ed25519 USING PASSWORD('x') OR "
	    "unix_socket", "CREATE USER a IDENTIFIED VIA ed25519 USING "
	    "PASSWORD('***') OR unix_socket");
	shows("ALTER USER 'a'@'b' IDENTIFIED BY 'new' REPLACE 'old'",
	    "ALTER USER 'a'@'b' IDENTIFIED BY '***' REPLACE '***'");
	shows("ALTER USER a /*!80000 IDENTIFIED /* x */ BY 'new' */",
	    "ALTER USER a /*!80000 IDENTIFIED /* x */ BY '***' */");
	shows("GRANT ALL ON d.* TO 'a'@'b' IDENTIFIED BY \"x\" WITH GRANT "
	    "OPTION", "GRANT ALL ON d.* TO 'a'@'b' IDENTIFIED BY '***' WITH "
	    "GRANT OPTION");
}

static void
test_mask_other_passwords(void **state)
{
	(void)state;
	shows("SET PASSWORD FOR 'a'@'b' = 'x'",
	    "SET PASSWORD FOR 'a'@'b' = '***'");
	shows("SET PASSWORD FOR 'a'@'b' = PASSWORD('x')",
	    "SET PASSWORD FOR 'a'@'b' = PASSWORD('***')");
	shows("SET PASSWORD = 'x'", "SET PASSWORD = '***'");
	shows("CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD = 'x', "
	    "MASTER_USER='u'", "CHANGE MASTER TO MASTER_HOST='h', "
	    "MASTER_PASSWORD = '***', MASTER_USER='u'");
	shows("CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='x'",
	    "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='***'");
	shows("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', "
	    "PASSWORD 'x', HOST 'h')", "CREATE SERVER s FOREIGN DATA WRAPPER "
	    "mysql OPTIONS (USER 'u', PASSWORD '***', HOST 'h')");
	shows("UPDATE t SET `password` = 'x', name = 'n'",
	    "UPDATE t SET `password` = '***', name = 'n'");
}

/* One that was cut, and one whose quotes depend on the sql_mode. */
static void
test_mask_what_cannot_be_read_for_sure(void **state)
{
	(void)state;
	shows("CREATE USER a IDENTIFIED BY 'sec", "CREATE USER a IDENTIFIED "
	    "BY '***'");
	shows("CREATE USER a IDENTIFIED BY 'x\\', b IDENTIFIED BY 'y'",
	    "CREATE USER a IDENTIFIED BY '***'");
	shows("CREATE TABLE t (v INT COMMENT 'sec", "CREATE TABLE t (v INT "
	    "COMMENT 'sec");
	shows("", "");
}

static void
test_mask_leaves_the_rest(void **state)
{
	(void)state;
	shows("CREATE TABLE t (v ENUM('a','b') COMMENT 'c\\'d') -- 'x'",
	    "CREATE TABLE t (v ENUM('a','b') COMMENT 'c\\'d') -- 'x'");
	shows("CREATE USER 'ann'@'%'; GRANT SELECT ON *.* TO 'ann'@'%'",
	    "CREATE USER 'ann'@'%'; GRANT SELECT ON *.* TO 'ann'@'%'");
	shows("CREATE TABLE t (password VARCHAR(20), d DATE DEFAULT "
	    "'2026-01-01')", "CREATE TABLE t (password VARCHAR(20), d DATE "
	    "DEFAULT '2026-01-01')");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask_accounts),
		cmocka_unit_test(test_mask_other_passwords),
		cmocka_unit_test(test_mask_what_cannot_be_read_for_sure),
		cmocka_unit_test(test_mask_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
