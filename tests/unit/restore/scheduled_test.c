/* SPDX-License-Identifier: Apache-2.0 */
/* scheduled_test: which state an event had at a moment. */
#include "../mysql/fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mysql/transaction.h"
#include "restore/scheduled.h"

static struct conn connection;

static void
text_is(const char *text, enum scheduled_state want, const char *off)
{
	enum scheduled_state state = SCHEDULED_UNKNOWN;
	struct buf out = {0};
	struct err e = {0};

	if (scheduled_text(text, strlen(text), &state, &out, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
	assert_int_equal(state, want);
	assert_string_equal(buf_str(&out), off);
	buf_free(&out);
}

static void
test_scheduled_text(void **state)
{
	struct err e = {0};
	enum scheduled_state s;

	(void)state;
	text_is("CREATE DEFINER=`a`@`b` EVENT `ENABLE` ON SCHEDULE EVERY 1 "
	    "HOUR ON COMPLETION NOT PRESERVE ENABLE COMMENT 'DO it' DO BEGIN "
	    "DISABLE; END", SCHEDULED_ON,
	    "CREATE DEFINER=`a`@`b` EVENT `ENABLE` ON SCHEDULE EVERY 1 HOUR "
	    "ON COMPLETION NOT PRESERVE DISABLE COMMENT 'DO it' DO BEGIN "
	    "DISABLE; END");
	text_is("CREATE EVENT e ON SCHEDULE AT now() DISABLE DO SELECT 1",
	    SCHEDULED_OFF,
	    "CREATE EVENT e ON SCHEDULE AT now() DISABLE DO SELECT 1");
	text_is("CREATE EVENT e ON SCHEDULE AT now() DISABLE ON SLAVE DO "
	    "SELECT 1", SCHEDULED_REPLICA,
	    "CREATE EVENT e ON SCHEDULE AT now() DISABLE DO SELECT 1");
	text_is("CREATE EVENT e ON SCHEDULE AT (SELECT do FROM t) DO SELECT "
	    "1", SCHEDULED_ON,
	    "CREATE EVENT e ON SCHEDULE AT (SELECT do FROM t) DISABLE DO "
	    "SELECT 1");
	assert_int_equal(scheduled_text("CREATE TABLE t (a INT)", 22, &s,
	    NULL, &e), -1);
	assert_string_equal(e.msg, "no definition of an event");
	e = (struct err){0};
	assert_int_equal(scheduled_text("CREATE EVENT e ON SCHEDULE AT now() "
	    "ENABLE DISABLE DO SELECT 1", 61, &s, NULL, &e), -1);
	assert_string_equal(e.msg, "no definition of an event");
	e = (struct err){0};
	assert_int_equal(scheduled_text("CREATE EVENT e ON SCHEDULE AT now() "
	    "ENABLE ON SLAVE DO SELECT 1", 63, &s, NULL, &e), -1);
	assert_string_equal(e.msg, "no definition of an event");
	e = (struct err){0};
	assert_int_equal(scheduled_text("CREATE EVENT e ON SCHEDULE AT now() "
	    "DISABLE ON SLAVE ON SLAVE DO SELECT 1", 73, &s, NULL, &e), -1);
	assert_string_equal(e.msg, "no definition of an event");
}

/* --- what becomes of events on the target --- */

static const char *target_events;

static int
events(const char *sql, struct buf *names, struct buf *rows, struct err *e)
{
	const char *p = target_events, *end;

	(void)e;
	if (strstr(sql, "EVENTS") == NULL)
		return 0;
	buf_adds(names, "EVENT_SCHEMA,EVENT_NAME,STATUS,DEFINER,SQL_MODE,"
	    "TIME_ZONE,CHARACTER_SET_CLIENT,COLLATION_CONNECTION");
	for (; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		buf_add(rows, p, (size_t)(end - p));
		buf_adds(rows, "\tu@x@h\tANSI\tSYSTEM\tlatin1\t"
		    "latin1_swedish_ci\n");
	}
	return 0;
}

/* The target's events ("d\te\tSLAVESIDE_DISABLED\n") after the statements:
 * what is run there, one a line, without the SETs. */
static void
sets(struct scheduled *s, const char *on_target, const char *want,
    const char *want_left)
{
	struct buf left = {0}, got = {0};
	const char *p, *lf;
	struct err e = {0};

	fake_reset();
	fake.query = events;
	target_events = on_target;
	if (scheduled_set(s, &connection, &left, &e) != 0)
		fail_msg("%s", e.msg);
	for (p = buf_str(&fake.log); (lf = strchr(p, '\n')) != NULL;
	    p = lf + 1)
		if (strncmp(p, "ALTER", 5) == 0)
			buf_add(&got, p, (size_t)(lf - p) + 1);
	assert_string_equal(buf_str(&got), want);
	assert_string_equal(buf_str(&left), want_left);
	buf_free(&left);
	buf_free(&got);
	scheduled_free(s);
}

static struct scheduled *
after(const char *const *sql)
{
	struct err e = {0};
	struct scheduled *s = scheduled_new(&e);

	assert_non_null(s);
	assert_int_equal(scheduled_add(s, "d", "old", SCHEDULED_ON, &e), 0);
	assert_int_equal(scheduled_add(s, "d", "off", SCHEDULED_OFF, &e), 0);
	for (; *sql != NULL; sql++)
		if (scheduled_statement(s, "d", *sql, &e) != 0)
			fail_msg("%s: %s", *sql, e.msg);
	return s;
}

#define AFTER(...) after((const char *const[]){ __VA_ARGS__, NULL })
#define ALTERED "ALTER DEFINER=`u@x`@`h` EVENT "

static void
test_scheduled_states_of_the_backup(void **state)
{
	(void)state;
	sets(AFTER("INSERT INTO t VALUES (1)"), "d\told\tDISABLED\nd\toff\t"
	    "DISABLED\nd\tothers\tENABLED\n", ALTERED "`d`.`old` ENABLE\n",
	    "");
	assert_non_null(strstr(buf_str(&fake.log), "SET sql_mode='ANSI', "
	    "time_zone='SYSTEM', character_set_client='latin1', "
	    "collation_connection='latin1_swedish_ci'\n"));
}

static void
test_scheduled_created_altered_dropped(void **state)
{
	(void)state;
	sets(AFTER("CREATE DEFINER=`a`@`b` EVENT IF NOT EXISTS new ON "
	    "SCHEDULE EVERY 1 DAY DO SELECT 1",
	    "create event x.e on schedule every 1 day disable do select 1",
	    "ALTER DEFINER = `a`@`b` EVENT off ENABLE",
	    "ALTER EVENT old COMMENT 'ENABLE'"),
	    "d\tnew\tSLAVESIDE_DISABLED\nx\te\tSLAVESIDE_DISABLED\n"
	    "d\toff\tSLAVESIDE_DISABLED\nd\told\tSLAVESIDE_DISABLED\n",
	    ALTERED "`d`.`new` ENABLE\n" ALTERED "`x`.`e` DISABLE\n"
	    ALTERED "`d`.`off` ENABLE\n" ALTERED "`d`.`old` ENABLE\n", "");
	sets(AFTER("ALTER EVENT `old` RENAME TO `y`.`n``w`",
	    "DROP EVENT IF EXISTS off", "CREATE EVENT off ON SCHEDULE EVERY 1 "
	    "DAY DISABLE ON REPLICA DO SELECT 1"),
	    "y\tn`w\tREPLICA_SIDE_DISABLED\nd\toff\tDISABLED\n",
	    ALTERED "`y`.`n``w` ENABLE\n" ALTERED "`d`.`off` DISABLE ON "
	    "SLAVE\n", "");
	sets(AFTER("DROP DATABASE IF EXISTS `d`", "CREATE DATABASE d",
	    "CREATE EVENT old ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1"),
	    "d\told\tENABLED\n", ALTERED "`d`.`old` DISABLE\n", "");
	sets(AFTER("CREATE EVENT IF NOT EXISTS off ON SCHEDULE EVERY 1 DAY "
	    "DO SELECT 1"), "d\toff\tDISABLED\n", "", "");
	sets(AFTER("CREATE TABLE event (EVENT INT)", "DROP TABLE old",
	    "CREATE TRIGGER e BEFORE INSERT ON event FOR EACH ROW SET @a=1"),
	    "d\told\tENABLED\n", "", "");
}

static void
test_scheduled_cut_statement(void **state)
{
	char sql[TRANSACTION_SQL_MAX + 1];

	(void)state;
	memset(sql, 'x', sizeof(sql) - 1);
	sql[sizeof(sql) - 1] = '\0';
	memcpy(sql, "ALTER EVENT old ON SCHEDULE EVERY ", 34);
	sets(AFTER(sql), "d\told\tSLAVESIDE_DISABLED\n", "",
	    "event d.old: its statement is too long to tell its state\n");
}

static int
in_the_past(const char *sql, struct err *e)
{
	if (strncmp(sql, "ALTER", 5) != 0)
		return 0;
	(void)err_set(e, ERR_IO, 0, "in the past");
	e->sys = 1589;
	return -1;
}

static void
test_scheduled_whose_time_has_passed(void **state)
{
	struct buf left = {0};
	struct err e = {0};
	struct scheduled *s = AFTER("SELECT 1");

	(void)state;
	fake_reset();
	fake.query = events;
	fake.exec = in_the_past;
	target_events = "d\told\tDISABLED\n";
	assert_int_equal(scheduled_set(s, &connection, &left, &e), 0);
	assert_string_equal(buf_str(&left), "event d.old: its time has "
	    "passed\n");
	buf_free(&left);
	scheduled_free(s);
	fake_reset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scheduled_text),
		cmocka_unit_test(test_scheduled_states_of_the_backup),
		cmocka_unit_test(test_scheduled_created_altered_dropped),
		cmocka_unit_test(test_scheduled_cut_statement),
		cmocka_unit_test(test_scheduled_whose_time_has_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
