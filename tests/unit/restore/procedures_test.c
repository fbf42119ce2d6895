/* SPDX-License-Identifier: Apache-2.0 */
/* procedures_test: which there are, and how they are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../mysql/fake.h"
#include "mysql/flavour.h"
#include "mysql/gtid.h"
#include "restore/procedures.h"
#include "restore/replica.h"

#define UUID "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define OTHER "e11fa47-71ca-11e1-9e33-c80aa9429562"

static const char *there;	/* "name\tparameters\n" */
static const char *grants;

static int
answer(const char *sql, struct buf *n, struct buf *r, struct err *e)
{
	(void)e;
	if (strstr(sql, "ROUTINES") != NULL) {
		buf_adds(n, "name,parameters");
		buf_adds(r, there);
	} else if (strncmp(sql, "SHOW GRANTS", 11) == 0) {
		buf_adds(n, "grants");
		buf_adds(r, grants);
	} else {
		buf_adds(n, "role");
		buf_adds(r, "NONE\n");
	}
	return 0;
}

static struct procedures
find(const char *list, const char *rights)
{
	const struct flavour f = { .kind = FLAVOUR_MYSQL, .version = 80400 };
	struct procedures p;
	struct err e = {0};

	fake_reset();
	fake.query = answer;
	there = list;
	grants = rights;
	assert_int_equal(procedures_find(NULL, &f, &p, &e), 0);
	buf_clear(&fake.log);
	return p;
}

static const char rds[] =
    "mysql.rds_set_external_source\t7\n"
    "mysql.rds_set_external_source_with_auto_position\t6\n"
    "mysql.rds_set_external_source_gtid_purged\t3\n"
    "mysql.rds_start_replication\t0\nmysql.rds_stop_replication\t0\n"
    "mysql.rds_reset_external_source\t0\nmysql.rds_kill\t1\n";
static const char aurora[] =
    "mysql.rds_set_external_source_with_auto_position\t5\n"
    "mysql.rds_gtid_purged\t1\nmysql.rds_start_replication\t0\n";
static const char master[] =
    "GRANT SELECT, EXECUTE, REPLICATION SLAVE ON *.* TO `m`@`%`\n";

static void
test_procedures_are_used_where_the_right_is_missing(void **state)
{
	(void)state;
	assert_true(find(rds, master).used);
	assert_false(find(rds, "GRANT SUPER ON *.* TO `m`@`%`\n").used);
	assert_false(find(rds, "GRANT REPLICATION_SLAVE_ADMIN ON *.* TO "
	    "`m`@`%`\n").used);
	assert_false(find("", master).used);
}

static const char *
text_of(const struct procedures *p, bool gtid)
{
	const struct replica_source s = { .host = "db1", .port = 3307,
	    .user = "u", .password = "w", .gtid = gtid, .file = "log.7",
	    .position = 4 };
	static struct buf text;
	struct err e = {0};

	buf_free(&text);
	if (procedures_text(p, &s, "0-1-5", &text, &e) != 0) {
		buf_clear(&text);
		buf_adds(&text, e.msg);
	}
	return buf_str(&text);
}

static void
test_procedures_get_what_they_take(void **state)
{
	struct procedures p = find(rds, master);

	(void)state;
	assert_string_equal(text_of(&p, false), "CALL mysql."
	    "rds_set_external_source('db1', 3307, 'u', 'w', 'log.7', 4, "
	    "1)");
	assert_string_equal(text_of(&p, true), "CALL mysql."
	    "rds_set_external_source_with_auto_position('db1', 3307, 'u', "
	    "'w', 1, 0)");
	p = find(aurora, master);
	assert_string_equal(text_of(&p, true), "CALL mysql."
	    "rds_set_external_source_with_auto_position('db1', 3307, 'u', "
	    "'w', 1)");
	assert_string_equal(text_of(&p, false), "this account may call no "
	    "mysql.rds_set_external_source with parameters that are known");
	p = find("mysql.rds_set_external_master_gtid\t6\n"
	    "mysql.rds_set_external_master\t9\n", master);
	assert_string_equal(text_of(&p, true), "CALL mysql."
	    "rds_set_external_master_gtid('db1', 3307, 'u', 'w', '0-1-5', "
	    "1)");
	assert_string_equal(procedures_name(&p, PROCEDURES_PLACE), "");
	(void)text_of(&p, true);
	fake_reset();
}

/* What is called for a set; the message where it cannot be given. */
static void
purges(const char *list, const char *set, const char *want)
{
	struct procedures p = find(list, master);
	struct gtid_set *s;
	struct err e = {0};

	s = gtid_set_new(FLAVOUR_MYSQL, &e);
	assert_int_equal(gtid_set_parse(s, set, &e), 0);
	if (procedures_purge(&p, NULL, s, &e) == 0)
		assert_string_equal(buf_str(&fake.log), want);
	else
		assert_string_equal(e.msg, want);
	gtid_set_free(s);
	fake_reset();
}

static void
test_procedures_set_gtids(void **state)
{
	(void)state;
	purges(rds, UUID ":1-5:7,4" OTHER ":1",
	    "text\nCALL mysql.rds_set_external_source_gtid_purged('" UUID
	    "',1,5)\ntext\nCALL mysql.rds_set_external_source_gtid_purged('" UUID
	    "',7,7)\ntext\nCALL mysql.rds_set_external_source_gtid_purged('4"
	    OTHER "',1,1)\n");
	purges(aurora, UUID ":1-5:7", "text\nCALL mysql.rds_gtid_purged('+" UUID
	    ":1-5:7')\n");
	purges(rds, UUID ":1-5:tag:1", "GTIDs with tags cannot be given here");
	purges("", UUID ":1", "this account may call no mysql.rds_gtid_purged "
	    "with parameters that are known");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_procedures_are_used_where_the_right_is_missing),
		cmocka_unit_test(test_procedures_get_what_they_take),
		cmocka_unit_test(test_procedures_set_gtids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
