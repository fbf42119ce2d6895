/* SPDX-License-Identifier: Apache-2.0 */
/* statement_test: status variables, and the SET statements they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"
#include "mysql/event.h"
#include "restore/statement.h"

static struct statement_state
parse(const char *hex)
{
	uint8_t bytes[512];
	struct statement_state s;
	struct err e = {0};

	assert_int_equal(hex_decode(hex, bytes, strlen(hex) / 2), 0);
	assert_int_equal(statement_state(bytes, strlen(hex) / 2, &s, &e), 0);
	return s;
}

static void
refuses(const char *hex)
{
	uint8_t bytes[512];
	struct statement_state s;
	struct err e = {0};

	assert_int_equal(hex_decode(hex, bytes, strlen(hex) / 2), 0);
	assert_int_equal(statement_state(bytes, strlen(hex) / 2, &s, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, "Query event: its status variables are cut "
	    "short");
}

static void
sets(const char *from, const char *to, enum flavour_kind kind,
    const char *want)
{
	struct statement_state a = from == NULL ? statement_unknown :
	    parse(from), b = parse(to);
	struct buf out = {0};

	statement_set(&a, &b, kind, &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_state_mysql(void **state)
{
	/* As MySQL 9.7 writes a CREATE TABLE: flags, sql_mode, catalog,
	 * character set, schemas, time zone, microseconds, XID, defaults. */
	struct statement_state s = parse("00" "00000004" "01"
	    "0000000000000042" "0603737464" "042d002d00ff00" "05062b30303a3030"
	    "07" "0500" "08" "0800" "0c0173686f7000" "0d40e201" "1001"
	    "11" "0102030405060708" "12ff00" "1300" "1401" "1500");

	(void)state;
	assert_int_equal(s.flags, 0x04000000);
	assert_int_equal(s.sql_mode, 0x4200000000000000);
	assert_int_equal(s.client, 45);
	assert_int_equal(s.connection, 45);
	assert_int_equal(s.server, 255);
	assert_string_equal(s.zone, "+00:00");
	assert_int_equal(s.locale, 5);
	assert_int_equal(s.database, 8);
	assert_int_equal(s.micros, 123456);
	assert_int_equal(s.explicit_timestamp, 1);
	assert_int_equal(s.utf8mb4, 255);
	assert_int_equal(s.require_key, 0);
	assert_int_equal(s.encryption, 1);
	assert_int_equal(s.increment, 1);
	assert_int_equal(s.offset, 1);
}

static void
test_state_mariadb(void **state)
{
	/* Character set collations come first on 11.5 and later. */
	struct statement_state s = parse("83" "02" "2d00e000" "2100c000" "00"
	    "00800010" "0302000100" "80" "40e201" "81" "0102030405060708" "82"
	    "04" "1122334455667788" "82" "02" "0b" "0161" "0162");

	(void)state;
	assert_int_equal(s.flags, 0x10008000);
	assert_int_equal(s.increment, 2);
	assert_int_equal(s.offset, 1);
	assert_int_equal(s.micros, 123456);
}

static void
test_state_ends(void **state)
{
	struct statement_state s = parse("");

	(void)state;
	assert_int_equal(s.increment, 1);
	assert_int_equal(s.client, 0);
	assert_string_equal(s.zone, "");
	/* Too many schemas to be listed; what is not known ends the list. */
	s = parse("0cfe" "07" "0900" "63" "00ff");
	assert_int_equal(s.locale, 9);
	/* A catalog with its own end. */
	s = parse("02" "03" "73746400" "07" "0900");
	assert_int_equal(s.locale, 9);
}

static void
test_state_cut(void **state)
{
	(void)state;
	refuses("00000000");
	refuses("01" "00");
	refuses("05" "06" "2b30");
	refuses("05" "02" "0061");
	refuses("0c" "02" "6100" "62");
	refuses("82" "08" "00");
	refuses("83" "02" "2d00");
	refuses("0b" "05" "61");
}

static void
test_set_all(void **state)
{
	(void)state;
	sets(NULL, "", FLAVOUR_MYSQL, "SET sql_auto_is_null=0,"
	    "foreign_key_checks=1,unique_checks=1,sql_mode=0,"
	    "auto_increment_increment=1,auto_increment_offset=1,"
	    "lc_time_names=0");
	sets(NULL, "0000c0000c", FLAVOUR_MARIADB, "SET sql_auto_is_null=1,"
	    "foreign_key_checks=0,unique_checks=0,check_constraint_checks=0,"
	    "sql_if_exists=0,sql_mode=0,auto_increment_increment=1,"
	    "auto_increment_offset=1,lc_time_names=0");
}

static void
test_set_changes(void **state)
{
	(void)state;
	sets("042d002d00ff00", "042d002d00ff00", FLAVOUR_MYSQL, "");
	sets("042d002d00ff00", "", FLAVOUR_MYSQL, "");
	sets("042d002d00ff00", "0408000800ff00", FLAVOUR_MYSQL, "SET "
	    "character_set_client=8,collation_connection=8,"
	    "collation_server=255");
	sets("0000000000", "0000000004", FLAVOUR_MYSQL,
	    "SET foreign_key_checks=0");
	sets("", "05062b30313a3030", FLAVOUR_MYSQL,
	    "SET time_zone=x'2b30313a3030'");
	/* What a quote could do is not possible in hex. */
	sets("", "050127", FLAVOUR_MARIADB, "SET time_zone=x'27'");
	sets("05062b30313a3030", "", FLAVOUR_MYSQL, "");
}

static void
test_set_by_kind(void **state)
{
	(void)state;
	sets("", "12ff001401", FLAVOUR_MYSQL, "SET "
	    "default_collation_for_utf8mb4=255,default_table_encryption=1");
	sets("", "12ff001401", FLAVOUR_MARIADB, "");
	sets("", "1000", FLAVOUR_MARIADB,
	    "SET explicit_defaults_for_timestamp=0");
	sets("", "0000800010", FLAVOUR_MYSQL, "");
}

/* --- variables --- */

static int
collation(void *arg, unsigned number, struct statement_collation *c,
    struct err *e)
{
	(void)arg;
	if (number != 45)
		return err_set(e, ERR_USAGE, 0, "no collation %u", number);
	(void)snprintf(c->charset, sizeof(c->charset), "utf8mb4");
	(void)snprintf(c->collation, sizeof(c->collation),
	    "utf8mb4_general_ci");
	return 0;
}

static int
variable(uint8_t type, const char *hex, struct buf *out, struct err *e)
{
	uint8_t body[256];
	struct event ev = { .type = type, .body = body,
	    .body_len = strlen(hex) / 2 };

	assert_int_equal(hex_decode(hex, body, ev.body_len), 0);
	return statement_variable(&ev, collation, NULL, out, e);
}

static void
assigns(uint8_t type, const char *hex, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(variable(type, hex, &out, &e), 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
assigns_not(uint8_t type, const char *hex, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(variable(type, hex, &out, &e), -1);
	assert_string_equal(e.msg, want);
	buf_free(&out);
}

static void
test_variables(void **state)
{
	(void)state;
	assigns(EVENT_INTVAR, "02" "0700000000000000", "INSERT_ID=7");
	assigns(EVENT_INTVAR, "01" "ffffffffffffffff",
	    "LAST_INSERT_ID=18446744073709551615");
	assigns(EVENT_RAND, "0100000000000000" "0200000000000000",
	    "RAND_SEED1=1,RAND_SEED2=2");
	assigns(EVENT_USER_VAR, "01000000" "61" "01", "@`a`:=NULL");
	assigns(EVENT_USER_VAR, "02000000" "6160" "00" "00" "2d000000"
	    "02000000" "c3bc", "@`a```:=_utf8mb4 x'c3bc' COLLATE "
	    "utf8mb4_general_ci");
	assigns(EVENT_USER_VAR, "01000000" "61" "00" "02" "3f000000"
	    "08000000" "ffffffffffffffff", "@`a`:=-1");
	assigns(EVENT_USER_VAR, "01000000" "61" "00" "02" "3f000000"
	    "08000000" "ffffffffffffffff" "01",
	    "@`a`:=18446744073709551615");
	assigns(EVENT_USER_VAR, "01000000" "61" "00" "01" "3f000000"
	    "08000000" "000000000000f83f",
	    "@`a`:=1.50000000000000000e+00");
	assigns(EVENT_USER_VAR, "01000000" "61" "00" "04" "3f000000"
	    "05000000" "0302" "8132" "00" "00", "@`a`:=1.50");
}

static void
test_variables_bad(void **state)
{
	(void)state;
	assigns_not(EVENT_INTVAR, "03" "0700000000000000",
	    "Intvar event: not read");
	assigns_not(EVENT_INTVAR, "0207", "Intvar event: not read");
	assigns_not(EVENT_RAND, "01", "Rand event: cut short");
	assigns_not(EVENT_USER_VAR, "05000000" "61",
	    "User_var event: its name cannot be read");
	assigns_not(EVENT_USER_VAR, "02000000" "6100" "01",
	    "User_var event: its name cannot be read");
	assigns_not(EVENT_USER_VAR, "01000000" "61" "00" "00" "2d000000"
	    "05000000" "61", "User_var event: its value is cut short");
	assigns_not(EVENT_USER_VAR, "01000000" "61" "00" "03" "2d000000"
	    "01000000" "61", "User_var event: a value of unknown type 3");
	assigns_not(EVENT_USER_VAR, "01000000" "61" "00" "01" "3f000000"
	    "08000000" "000000000000f07f",
	    "User_var event: a number that cannot be");
	assigns_not(EVENT_USER_VAR, "01000000" "61" "00" "04" "3f000000"
	    "03000000" "ff0281", "User_var event: a DECIMAL that cannot be");
	assigns_not(EVENT_USER_VAR, "01000000" "61" "00" "00" "09000000"
	    "01000000" "61", "no collation 9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_mysql),
		cmocka_unit_test(test_state_mariadb),
		cmocka_unit_test(test_state_ends),
		cmocka_unit_test(test_state_cut),
		cmocka_unit_test(test_set_all),
		cmocka_unit_test(test_set_changes),
		cmocka_unit_test(test_set_by_kind),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variables_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
