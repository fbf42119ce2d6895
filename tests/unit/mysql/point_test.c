/* SPDX-License-Identifier: Apache-2.0 */
/* point_test: points lie between, and literals say what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mysql/point.h"
#include "mysql/schema.h"

static struct schema_column
of_type(const char *type)
{
	static char text[32];

	(void)snprintf(text, sizeof(text), "%s", type);
	return (struct schema_column){ .type = text,
	    .key_number = strcmp(type, "bigint") == 0 };
}

static void
is_between(const struct schema_column *c, const char *low, const char *high,
    unsigned i, unsigned n, const char *want)
{
	struct buf a = {0}, b = {0}, out = {0};

	buf_adds(&a, low);
	buf_adds(&b, high);
	point_between(c, &a, &b, i, n, &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&a);
	buf_free(&b);
	buf_free(&out);
}

static void
test_point_numbers(void **state)
{
	struct schema_column c = of_type("bigint");

	(void)state;
	is_between(&c, "-10", "10", 1, 4, "-5");
	is_between(&c, "7", "9", 1, 64, "7");
	is_between(&c, "-9223372036854775808", "9223372036854775807", 1, 2,
	    "-1");
	is_between(&c, "9", "7", 1, 2, "9");
	c.is_unsigned = true;
	is_between(&c, "0", "18446744073709551615", 1, 2,
	    "9223372036854775807");
}

static void
test_point_decimals(void **state)
{
	const struct schema_column c = of_type("decimal");

	(void)state;
	is_between(&c, "0", "100", 1, 4, "25");
	is_between(&c, "-1.50", "1.50", 1, 2, "0.00");
	is_between(&c, "-1.50", "1.50", 1, 4, "-0.75");
	is_between(&c, "0.001", "0.009", 1, 2, "0.005");
	is_between(&c, "-0.009", "-0.001", 1, 2, "-0.005");
	is_between(&c, "9.99", "1000000.01", 1, 2, "500005.00");
	/* of more digits than 18 the first ones are enough */
	is_between(&c, "10000000000000000000.5", "30000000000000000000.5", 1,
	    2, "20000000000000000000.0");
	is_between(&c, "0.5", "30000000000000000000.5", 1, 3,
	    "10000000000000000000.0");
	is_between(&c, "0.0000000000000000000001", "0.0000000000000000000003",
	    1, 2, "0.0000000000000000000000");
	is_between(&c, "0.5000000000000000000001", "0.7000000000000000000003",
	    1, 2, "0.6000000000000000000000");
}

static void
test_point_dates_are_dates(void **state)
{
	struct schema_column c = of_type("date");

	(void)state;
	is_between(&c, "2026-01-01", "2028-01-01", 1, 2, "2027-01-01");
	is_between(&c, "2025-12-31", "2026-01-02", 1, 2, "2026-01-01");
	is_between(&c, "2026-02-28", "2026-03-02", 1, 2, "2026-03-01");
	is_between(&c, "2024-02-28", "2024-03-01", 1, 2, "2024-02-29");
	is_between(&c, "1000-01-01", "9999-12-31", 0, 2, "1000-01-01");
	is_between(&c, "9999-12-31", "9999-12-31", 1, 2, "9999-12-31");
	/* dates that are none */
	is_between(&c, "0000-00-00", "0000-00-00", 1, 2, "0001-01-01");
	is_between(&c, "2026-02-31", "2026-03-05", 1, 2, "2026-03-04");
	is_between(&c, "2026-00-00", "2026-01-03", 1, 2, "2026-01-02");
	c = of_type("datetime");
	is_between(&c, "2026-11-24 00:00:00", "2026-11-24 12:00:00", 1, 2,
	    "2026-11-24 06:00:00.000000");
	is_between(&c, "2026-11-24 18:15:00.5", "2026-11-24 18:15:00.7", 1, 2,
	    "2026-11-24 18:15:00.600000");
	is_between(&c, "2026-11-24 18:15:00.000002",
	    "2026-11-24 18:15:00.000004", 1, 2,
	    "2026-11-24 18:15:00.000003");
	is_between(&c, "", "", 0, 2, "0001-01-01 00:00:00.000000");
}

static void
test_point_bytes_and_text(void **state)
{
	char ascii[] = "ascii";
	struct schema_column c = of_type("binary");

	(void)state;
	is_between(&c, "aaa\x01", "aaa\x03", 1, 2, "aaa\x02");
	c = of_type("char");
	c.key_text = true;
	c.charset = ascii;
	is_between(&c, "user-a", "user-c", 1, 2, "user-b   ");
}

static bool
usable(const char *type, const char *value)
{
	const struct schema_column c = of_type(type);

	return point_usable(&c, value, strlen(value));
}

static void
test_point_usable(void **state)
{
	(void)state;
	assert_true(usable("date", "2026-12-31"));
	assert_true(usable("date", "2026-02-28"));
	assert_true(usable("datetime", "2026-11-30 00:00:00.5"));
	assert_true(usable("date", "2024-02-29"));
	assert_true(usable("date", "0001-01-01"));
	assert_true(usable("date", "9999-12-31"));
	assert_false(usable("date", "2026-02-29"));
	assert_false(usable("date", "2026-02-31"));
	assert_false(usable("date", "2026-11-31"));
	assert_false(usable("date", "0000-00-00"));
	assert_false(usable("date", "2026-00-01"));
	assert_false(usable("timestamp", "2026-01-00 00:00:00"));
	assert_false(usable("date", "2026-01-01' OR '"));
	assert_true(usable("bigint", "-7"));
	assert_false(usable("bigint", "7)"));
	assert_true(usable("decimal", "-7.50"));
	assert_true(usable("varbinary", "any'"));
}

static void
literally(const struct schema_column *c, const char *value, const char *want)
{
	struct buf out = {0};

	point_literal(c, value, strlen(value), &out);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_point_literals(void **state)
{
	char charset[] = "latin1";
	struct schema_column c = of_type("bigint");

	(void)state;
	literally(&c, "-7", "-7");
	c = of_type("decimal");
	literally(&c, "-7.50", "-7.50");
	c = of_type("date");
	literally(&c, "2026-11-24", "DATE'2026-11-24'");
	c = of_type("timestamp");
	literally(&c, "2026-11-24 01:02:03.5",
	    "TIMESTAMP'2026-11-24 01:02:03.5'");
	c = of_type("varbinary");
	literally(&c, "a'", "x'6127'");
	c = of_type("varchar");
	c.key_text = true;
	c.charset = charset;
	literally(&c, "a'", "_latin1 x'6127'");
}

static void
test_point_can(void **state)
{
	static const struct { const char *type; bool can; } cases[] = {
		{ "bigint", true }, { "decimal", true }, { "date", true },
		{ "datetime", true }, { "timestamp", true },
		{ "binary", true }, { "varbinary", true },
		{ "time", false }, { "double", false }, { "float", false },
		{ "year", false }, { "bit", false }, { "char", false },
	};
	struct schema_column c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = of_type(cases[i].type);
		if (point_can(&c) != cases[i].can)
			fail_msg("%s", cases[i].type);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_point_numbers),
		cmocka_unit_test(test_point_decimals),
		cmocka_unit_test(test_point_dates_are_dates),
		cmocka_unit_test(test_point_bytes_and_text),
		cmocka_unit_test(test_point_usable),
		cmocka_unit_test(test_point_literals),
		cmocka_unit_test(test_point_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
