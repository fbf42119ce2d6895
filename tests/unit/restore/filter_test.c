/* SPDX-License-Identifier: Apache-2.0 */
/* filter_test: which tables are wanted, and what becomes of statements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "restore/filter.h"
#include "restore/plan.h"

static struct restore_plan plan;
static struct filter *filter;

static int
setup(void **state)
{
	static const char *const tables[] = { "shop.orders=rescue.o`ld",
	    "shop.items=rescue.items" };
	static const char *const schemas[] = { "crm", "erp=erp2" };
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		if (restore_plan_pick(&plan, tables[i], true, &e) != 0 ||
		    restore_plan_pick(&plan, schemas[i], false, &e) != 0)
			return -1;
	filter = filter_new(&plan, false, &e);
	return filter == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	filter_free(filter);
	restore_plan_free(&plan);
	return 0;
}

static void
becomes(const char *home, const char *sql, enum filter_verdict want,
    const char *text)
{
	struct buf out = {0};

	assert_int_equal(filter_statement(filter, home, sql, strlen(sql),
	    &out), want);
	assert_string_equal(buf_str(&out), text);
	buf_free(&out);
}

static void
takes(const char *home, const char *sql, const char *text)
{
	becomes(home, sql, FILTER_TAKE, text);
}

static void
keeps(const char *home, const char *sql)
{
	becomes(home, sql, FILTER_KEEP, sql);
}

static void
leaves(const char *home, const char *sql)
{
	becomes(home, sql, FILTER_LEAVE, "");
}

static void
refuses(const char *home, const char *sql, const char *why)
{
	becomes(home, sql, FILTER_REFUSE, why);
}

static void
test_table(void **state)
{
	const char *schema, *table;

	(void)state;
	assert_true(filter_table(filter, "shop", "orders", &schema, &table));
	assert_string_equal(schema, "rescue");
	assert_string_equal(table, "o`ld");
	assert_true(filter_table(filter, "erp", "any", &schema, &table));
	assert_string_equal(schema, "erp2");
	assert_string_equal(table, "any");
	assert_false(filter_table(filter, "shop", "other", &schema, &table));
	assert_false(filter_table(filter, "Shop", "orders", &schema, &table));
}

static void
test_any_case(void **state)
{
	struct filter *before = filter;
	struct err e = {0};
	const char *schema, *table;

	(void)state;
	leaves("shop", "TRUNCATE Orders");
	filter = filter_new(&plan, true, &e);
	assert_non_null(filter);
	assert_true(filter_table(filter, "Shop", "ORDERS", &schema, &table));
	assert_string_equal(schema, "rescue");
	assert_string_equal(table, "o`ld");
	assert_true(filter_table(filter, "ERP", "any", &schema, &table));
	assert_string_equal(schema, "erp2");
	assert_false(filter_table(filter, "Shop", "other", &schema, &table));
	takes("shop", "TRUNCATE Orders", "TRUNCATE `rescue`.`o``ld`");
	takes("x", "ALTER TABLE SHOP.Orders ADD c INT",
	    "ALTER TABLE `rescue`.`o``ld` ADD c INT");
	takes("", "DROP SCHEMA Erp", "DROP DATABASE IF EXISTS `erp2` ");
	filter_free(filter);
	filter = before;
}

static void
test_whole_server(void **state)
{
	const struct restore_plan whole = {0};
	struct err e = {0};

	(void)state;
	assert_null(filter_new(&whole, false, &e));
	assert_int_equal(e.code, ERR_NONE);
}

static void
test_alter(void **state)
{
	(void)state;
	takes("shop", "ALTER TABLE orders ADD c INT DEFAULT 1.5 AFTER b",
	    "ALTER TABLE `rescue`.`o``ld` ADD c INT DEFAULT 1.5 AFTER b");
	takes("x", "alter online ignore table `shop` . `orders`\n ENGINE=InnoDB",
	    "alter online ignore table `rescue`.`o``ld`\n ENGINE=InnoDB");
	takes("x", "ALTER TABLE \"shop\".\"orders\" ADD x INT",
	    "ALTER TABLE `rescue`.`o``ld` ADD x INT");
	takes("shop", "ALTER TABLE orders ADD FOREIGN KEY (i) REFERENCES "
	    "items (id) ON DELETE CASCADE, RENAME COLUMN a TO b",
	    "ALTER TABLE `rescue`.`o``ld` ADD FOREIGN KEY (i) REFERENCES "
	    "`rescue`.`items` (id) ON DELETE CASCADE, RENAME COLUMN a TO b");
	leaves("shop", "ALTER TABLE others ADD c INT");
	leaves("x", "ALTER TABLE orders ADD c INT");
	refuses("shop", "ALTER TABLE orders RENAME TO o2",
	    "ALTER TABLE shop.orders: it renames the table");
	refuses("shop", "ALTER TABLE orders ADD FOREIGN KEY (i) REFERENCES "
	    "others (id)", "ALTER TABLE shop.orders: it refers to a table "
	    "that is left out");
	refuses("shop", "ALTER TABLE orders ADD CHECK (shop.orders.a > 1)",
	    "ALTER TABLE shop.orders: it names other objects");
	refuses("shop", "ALTER TABLE orders EXCHANGE PARTITION p WITH TABLE "
	    "y", "ALTER TABLE shop.orders: it works on other tables");
	refuses("shop", "ALTER TABLE orders DISCARD TABLESPACE",
	    "ALTER TABLE shop.orders: it works on files of the server");
	refuses("shop", "ALTER TABLE orders ADD a INT; DROP TABLE x",
	    "ALTER TABLE shop.orders: it is more than one");
	refuses("shop", "ALTER TABLE orders COMMENT 'open",
	    "ALTER TABLE shop.orders: it cannot be read");
}

static void
test_alter_reaches_a_wanted_table(void **state)
{
	static const char renamed[] = "ALTER TABLE shop.orders: another table "
	    "is renamed to it";
	static const char rows[] = "ALTER TABLE shop.orders: its rows go to "
	    "another table, or come from it";

	(void)state;
	refuses("shop", "ALTER TABLE n RENAME TO orders", renamed);
	refuses("x", "ALTER TABLE n ADD a INT, RENAME shop.orders", renamed);
	refuses("shop", "ALTER TABLE n RENAME = `orders`", renamed);
	refuses("shop", "ALTER TABLE p EXCHANGE PARTITION p0 WITH TABLE "
	    "orders WITHOUT VALIDATION", rows);
	refuses("shop", "ALTER TABLE p CONVERT TABLE orders TO PARTITION p1 "
	    "VALUES LESS THAN (9)", rows);
	refuses("shop", "ALTER TABLE p CONVERT PARTITION p1 TO TABLE orders",
	    rows);
	refuses("shop", "ALTER TABLE p COMMENT 'open", "ALTER TABLE: it "
	    "cannot be read");
	leaves("shop", "ALTER TABLE n RENAME TO x.orders");
	leaves("shop", "ALTER TABLE n RENAME COLUMN a TO orders, RENAME KEY "
	    "k TO items, COMMENT 'RENAME TO orders'");
	leaves("shop", "ALTER TABLE p EXCHANGE PARTITION p0 WITH TABLE b");
	leaves("shop", "ALTER TABLE p CONVERT PARTITION p1 TO TABLE b");
}

static void
test_create(void **state)
{
	(void)state;
	takes("shop", "CREATE TABLE IF NOT EXISTS items (id INT, v INT AS "
	    "(id LIKE 'a.b'))", "CREATE TABLE IF NOT EXISTS `rescue`.`items` "
	    "(id INT, v INT AS (id LIKE 'a.b'))");
	takes("erp", "CREATE OR REPLACE TABLE new (a INT) START TRANSACTION",
	    "CREATE OR REPLACE TABLE `erp2`.`new` (a INT) START TRANSACTION");
	takes("shop", "CREATE TABLE items LIKE orders",
	    "CREATE TABLE `rescue`.`items` LIKE `rescue`.`o``ld`");
	refuses("shop", "CREATE TABLE items (LIKE others)", "CREATE TABLE "
	    "shop.items: it refers to a table that is left out");
	refuses("shop", "CREATE TABLE items SELECT * FROM b",
	    "CREATE TABLE shop.items: it reads other tables");
	leaves("shop", "CREATE TABLE others (id INT)");
	leaves("shop", "CREATE TEMPORARY TABLE orders (id INT)");
	takes("shop", "CREATE UNIQUE INDEX i ON orders (a)",
	    "CREATE UNIQUE INDEX i ON `rescue`.`o``ld` (a)");
	takes("shop", "DROP INDEX i ON orders",
	    "DROP INDEX i ON `rescue`.`o``ld`");
	leaves("shop", "CREATE INDEX orders ON others (a)");
}

static void
test_drop(void **state)
{
	(void)state;
	takes("shop", "DROP TABLE IF EXISTS others, orders, erp.x",
	    "DROP TABLE IF EXISTS `rescue`.`o``ld`,`erp2`.`x`");
	takes("shop", "DROP TABLE `orders` /* generated by server */",
	    "DROP TABLE `rescue`.`o``ld`");
	leaves("shop", "DROP TABLE others");
	leaves("shop", "DROP TEMPORARY TABLE orders");
	takes("shop", "TRUNCATE orders", "TRUNCATE `rescue`.`o``ld`");
	takes("x", "TRUNCATE TABLE erp.x", "TRUNCATE TABLE `erp2`.`x`");
	refuses("shop", "RENAME TABLE others TO orders",
	    "RENAME TABLE shop.orders: it renames the table");
	refuses("shop", "RENAME TABLE a TO b, items TO c",
	    "RENAME TABLE shop.items: it renames the table");
	leaves("shop", "RENAME TABLE a TO b");
	leaves("shop", "RENAME USER a TO b");
}

static void
test_schemas(void **state)
{
	(void)state;
	takes("", "CREATE DATABASE erp CHARACTER SET latin1",
	    "CREATE DATABASE IF NOT EXISTS `erp2` CHARACTER SET latin1");
	takes("", "DROP SCHEMA IF EXISTS erp",
	    "DROP DATABASE IF EXISTS `erp2` ");
	takes("erp", "ALTER DATABASE CHARACTER SET utf8mb4",
	    "ALTER DATABASE `erp2` CHARACTER SET utf8mb4");
	leaves("", "DROP DATABASE shop");
	leaves("erp", "CREATE DATABASE other");
}

static void
test_other_objects(void **state)
{
	static const char view[] = "CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b`"
	    " SQL SECURITY DEFINER VIEW `v` AS select 1";

	(void)state;
	keeps("crm", view);
	keeps("x", "DROP VIEW IF EXISTS crm.v");
	/* Only tables are named in full. */
	takes("x", "ALTER TABLE `crm`.`t` ADD c INT",
	    "ALTER TABLE `crm`.`t` ADD c INT");
	leaves("erp", view);
	leaves("shop", "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW "
	    "SET @a = 1");
	leaves("crm", "CREATE USER a");
	leaves("crm", "GRANT ALL ON crm.* TO a");
	leaves("crm", "ANALYZE TABLE t");
}

static void
test_writes(void **state)
{
	static const char why[] = "a statement: it writes rows by itself, and "
	    "those of one table cannot be told from others";

	(void)state;
	refuses("x", "INSERT INTO shop.orders VALUES (1)", why);
	refuses("x", "UPDATE a, `ORDERS` SET x = 1", why);
	refuses("crm", "DELETE FROM t", why);
	refuses("x", "INSERT INTO a SELECT * FROM erp.t", why);
	leaves("x", "INSERT INTO a VALUES ('orders')");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_any_case),
		cmocka_unit_test(test_whole_server),
		cmocka_unit_test(test_alter),
		cmocka_unit_test(test_alter_reaches_a_wanted_table),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_schemas),
		cmocka_unit_test(test_other_objects),
		cmocka_unit_test(test_writes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
