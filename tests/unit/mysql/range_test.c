/* SPDX-License-Identifier: Apache-2.0 */
/* range_test: every row is in one range, whatever the estimates say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include <cmocka.h>

#include "mysql/range.h"
#include "mysql/schema.h"
#include "tests/unit/mysql/fake.h"

#define ROWS 4000

/* The table: two columns, ordered as the server orders them. */
static struct row {
	char v[2][48];
} rows[ROWS];
static size_t nrows;
static char text_charset[] = "utf8mb4";
static struct schema_column columns[2];

/* What EXPLAIN says: the truth, nothing, a lot, or anything. */
static enum { TRUTH, NOTHING, MUCH, ANYTHING } estimates;
static uint32_t seed;

static uint32_t
dice(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* --- a server that knows as much SQL as is asked of it --- */

static int
compare(int col, const char *a, const char *b)
{
	if (strcmp(columns[col].type, "decimal") == 0) {
		double x = strtod(a, NULL), y = strtod(b, NULL);

		return x < y ? -1 : x > y;
	}
	if (!columns[col].key_number)
		return strcmp(a, b);
	if (columns[col].is_unsigned) {
		uint64_t x = strtoull(a, NULL, 10), y = strtoull(b, NULL, 10);

		return x < y ? -1 : x > y;
	}
	{
		int64_t x = strtoll(a, NULL, 10), y = strtoll(b, NULL, 10);

		return x < y ? -1 : x > y;
	}
}

static int
by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int rc = compare(0, x->v[0], y->v[0]);

	return rc != 0 ? rc : compare(1, x->v[1], y->v[1]);
}

/* A literal, as text; gives its end. */
static const char *
literal(const char *p, char value[64])
{
	size_t n = 0;
	char hex[3] = "";

	if (strncmp(p, "_utf8mb4 ", 9) == 0)
		p += 9;
	if (strncmp(p, "DATE'", 5) == 0 || strncmp(p, "TIMESTAMP'", 10) == 0) {
		for (p = strchr(p, '\'') + 1; *p != '\''; p++)
			value[n++] = *p;
		assert_true(n == 10 || n == 19 || n == 26);
		value[n] = '\0';
		assert_null(strstr(value, "-00"));
		assert_null(strstr(value, "11-31"));
		p++;
	} else if (p[0] == 'x' && p[1] == '\'') {
		for (p += 2; *p != '\''; p += 2) {
			memcpy(hex, p, 2);
			value[n++] = (char)strtoul(hex, NULL, 16);
			assert_true(n < 63);
		}
		p++;
	} else {
		for (; (*p >= '0' && *p <= '9') || *p == '-' || *p == '.';
		    p++)
			value[n++] = *p;
		assert_true(n > 0);
	}
	value[n] = '\0';
	return p;
}

/* Does a row fulfil `a`>=1 AND `a`<9 AND `b` IN (1,2) ...? */
static bool
fulfils(const struct row *row, const char *p)
{
	char value[64], op[4];
	bool all = true, any;
	int col, rc;
	size_t n;

	for (;;) {
		assert_true(p[0] == '`' && (p[1] == 'a' || p[1] == 'b') &&
		    p[2] == '`');
		col = p[1] - 'a';
		p += 3;
		if (strncmp(p, " IN (", 5) == 0) {
			p += 4;
			any = false;
			do {
				p = literal(p + 1, value);
				any |= compare(col, row->v[col], value) == 0;
			} while (*p == ',');
			assert_int_equal(*p++, ')');
			all &= any;
		} else {
			n = strspn(p, "<>=");
			assert_true(n == 1 || n == 2);
			memcpy(op, p, n);
			op[n] = '\0';
			p = literal(p + n, value);
			rc = compare(col, row->v[col], value);
			all &= strcmp(op, "=") == 0 ? rc == 0 :
			    strcmp(op, "<") == 0 ? rc < 0 :
			    strcmp(op, ">") == 0 ? rc > 0 : rc >= 0;
		}
		if (strncmp(p, " AND ", 5) != 0)
			break;
		p += 5;
	}
	assert_true(*p == '\0' || *p == ' ');
	return all;
}

static void
explain(const char *where, struct buf *names, struct buf *out)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < nrows; i++)
		n += where == NULL || fulfils(&rows[i], where);
	if (estimates == NOTHING)
		n = 0;
	else if (estimates == MUCH)
		n = 1000000;
	else if (estimates == ANYTHING)
		n = dice() % 10000;
	buf_adds(names, "id,rows,filtered");
	buf_addf(out, "1\t%u\t100.00\n", n);
}

static int
answer(const char *sql, struct buf *names, struct buf *out, struct err *e)
{
	const char *where = strstr(sql, " WHERE "), *low = NULL, *high = NULL;
	bool ends = strncmp(sql, "SELECT MIN(", 11) == 0 &&
	    strstr(sql, ",MAX(") != NULL;
	bool group = strstr(sql, " GROUP BY ") != NULL;
	int col = strchr(sql, '`')[1] - 'a';
	size_t i;

	(void)e;
	if (where != NULL)
		where += 7;
	if (strncmp(sql, "EXPLAIN ", 8) == 0) {
		explain(where, names, out);
		return 0;
	}
	for (i = 0; i < nrows; i++) {
		if (where != NULL && !fulfils(&rows[i], where))
			continue;
		/* one of each value; the first alone for LIMIT 1 */
		if (!ends && (group || low == NULL) &&
		    (high == NULL || strcmp(high, rows[i].v[col]) != 0))
			buf_addf(out, "%s\n", rows[i].v[col]);
		high = rows[i].v[col];
		if (low == NULL)
			low = high;
	}
	if (ends)
		buf_addf(out, "%s\t%s\n", low != NULL ? low : "\\N",
		    high != NULL ? high : "\\N");
	return 0;
}

/* --- the property --- */

static void
each_row_is_in_one_range(uint64_t target, size_t least)
{
	const struct flavour flavour = { .kind = FLAVOUR_MYSQL };
	size_t key[] = { 0, 1 }, n = 0, i, k, in;
	char schema[] = "s", name[] = "t", primary[] = "PRIMARY";
	const struct schema_table t = { .schema = schema, .name = name,
	    .columns = columns, .ncolumns = 2, .key = key, .nkey = 2,
	    .key_name = primary, .rows = nrows };
	struct range *list = NULL;
	struct conn *c = conn_open(NULL, NULL);
	struct err e = {0};

	qsort(rows, nrows, sizeof(rows[0]), by_key);
	fake.query = answer;
	if (range_split(c, &flavour, &t, target, &list, &n, &e) != 0)
		fail_msg("%s", e.msg);
	assert_true(n >= least);
	for (i = 0; i < nrows; i++) {
		for (k = in = 0; k < n; k++)
			in += list[k].where == NULL ||
			    fulfils(&rows[i], list[k].where);
		if (in != 1)
			fail_msg("row %s, %s is in %zu ranges", rows[i].v[0],
			    rows[i].v[1], in);
	}
	range_list_free(list, n);
	conn_close(c);
	fake_reset();
}

static void
all_estimates(uint64_t target, size_t least)
{
	for (estimates = TRUTH; estimates <= ANYTHING; estimates++)
		each_row_is_in_one_range(target, estimates == TRUTH ? least :
		    1);
}

static void
numbers(bool is_unsigned)
{
	static char a[] = "a", b[] = "b", type[] = "bigint";

	columns[0] = (struct schema_column){ .name = a, .type = type,
	    .key_number = true, .is_unsigned = is_unsigned };
	columns[1] = columns[0];
	columns[1].name = b;
	seed = 7;
}

static void
put(size_t i, long long a, long long b)
{
	(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]), "%lld", a);
	(void)snprintf(rows[i].v[1], sizeof(rows[i].v[1]), "%lld", b);
}

static void
test_range_even_numbers(void **state)
{
	size_t i;

	(void)state;
	numbers(false);
	nrows = 300;
	for (i = 0; i < nrows; i++)
		put(i, (long long)i * 10 - 5000, 0);
	all_estimates(15, 10);
}

static void
test_range_ends_of_the_number_line(void **state)
{
	size_t i;

	(void)state;
	numbers(false);
	nrows = 300;
	for (i = 0; i < nrows; i++)
		put(i, i % 2 == 0 ? INT64_MIN + (int64_t)i :
		    INT64_MAX - (int64_t)i, 0);
	all_estimates(15, 2);
	numbers(true);
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]), "%llu",
		    (unsigned long long)(i % 2 == 0 ? i : UINT64_MAX - i));
	all_estimates(15, 2);
}

/* Nearly all at one end, or all of one value: the next column goes on. */
static void
test_range_skewed(void **state)
{
	size_t i;

	(void)state;
	numbers(false);
	nrows = 300;
	for (i = 0; i < nrows; i++)
		put(i, i < 10 ? -1000000000 * (long long)i : (long long)i, 0);
	all_estimates(15, 2);
	for (i = 0; i < nrows; i++)
		put(i, 42, (long long)i * 3);
	all_estimates(15, 10);
	for (i = 0; i < nrows; i++)
		put(i, 42, 43);
	all_estimates(15, 1);
}

static void
test_range_few_and_none(void **state)
{
	(void)state;
	numbers(false);
	nrows = 0;
	all_estimates(15, 1);
	nrows = 1;
	put(0, -7, 0);
	all_estimates(1, 1);
	nrows = 2;
	put(1, 7, 0);
	all_estimates(1, 1);
}

static void
test_range_text(void **state)
{
	static char type[] = "varchar";
	size_t i;

	(void)state;
	numbers(false);
	columns[0].key_number = false;
	columns[0].key_text = true;
	columns[0].charset = text_charset;
	columns[0].type = type;
	nrows = 300;
	for (i = 0; i < nrows; i++) {
		put(i, 0, (long long)i);
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]),
		    i % 3 == 0 ? "user-%u" : "\xc3\xa4'%08x",
		    (unsigned)dice());
	}
	all_estimates(15, 5);
	/* an empty one, and all with a long beginning in common */
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]),
		    "aaaaaaaaaaaaaaa%06u", (unsigned)i);
	rows[0].v[0][0] = '\0';
	all_estimates(15, 2);
}

static void
test_range_decimals(void **state)
{
	static char type[] = "decimal";
	size_t i;

	(void)state;
	numbers(false);
	columns[0].key_number = false;
	columns[0].type = type;
	nrows = 300;
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]), "%.2f",
		    ((double)i - 150) * 1234.25);
	all_estimates(15, 10);
	/* differences behind the point alone, and too many digits */
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]), "-0.%03u",
		    (unsigned)i);
	all_estimates(15, 10);
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]),
		    "%u%020u.5", (unsigned)i + 1, 7u);
	all_estimates(15, 10);
}

static void
test_range_dates(void **state)
{
	static char date[] = "date", datetime[] = "datetime";
	unsigned i;

	(void)state;
	numbers(false);
	columns[0].key_number = false;
	columns[0].type = date;
	nrows = 300;
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]),
		    "20%02u-%02u-%02u", i % 25, i / 25 % 12 + 1, i % 29 + 1);
	all_estimates(15, 10);
	/* a day's seconds, and dates that are none */
	columns[0].type = datetime;
	for (i = 0; i < nrows; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]),
		    "2026-11-24 %02u:%02u:%02u.%06u", i / 13, i % 60, i % 7,
		    i);
	all_estimates(15, 10);
	for (i = 0; i < 200; i++)
		(void)snprintf(rows[i].v[0], sizeof(rows[i].v[0]), "%s",
		    i < 100 ? "0000-00-00 00:00:00" : "2026-11-31 00:00:00");
	all_estimates(15, 2);
	for (; i < nrows; i++)
		rows[i] = rows[0];
	all_estimates(15, 1);
}

/* What cannot be spread over is one range. */
static void
test_range_of_other_types(void **state)
{
	static char type[] = "double";
	size_t i;

	(void)state;
	numbers(false);
	columns[0].key_number = false;
	columns[0].type = type;
	nrows = 300;
	for (i = 0; i < nrows; i++)
		put(i, (long long)i, 0);
	all_estimates(10, 1);
}

static void
test_range_without_key_or_versioned(void **state)
{
	const struct flavour flavour = { .kind = FLAVOUR_MARIADB };
	char schema[] = "s", name[] = "t", primary[] = "PRIMARY";
	struct schema_table t = { .schema = schema, .name = name };
	struct range *list = NULL;
	struct err e = {0};
	size_t key = 0, n = 0;

	(void)state;
	fake.query = answer;
	assert_int_equal(range_split(NULL, &flavour, &t, 1, &list, &n, &e),
	    0);
	assert_int_equal(n, 1);
	assert_null(list[0].where);
	range_list_free(list, n);
	t.key = &key;
	t.nkey = 1;
	t.key_name = primary;
	t.versioned = true;
	assert_int_equal(range_split(NULL, &flavour, &t, 1, &list, &n, &e),
	    0);
	assert_int_equal(n, 1);
	range_list_free(list, n);
	range_list_free(NULL, 3);
	assert_string_equal(buf_str(&fake.log), "");
	fake_reset();
}

static int
lost(const char *sql, struct buf *names, struct buf *out, struct err *e)
{
	if (dice() % 40 == 0)
		return err_set(e, ERR_AGAIN, 0, "connection lost");
	return answer(sql, names, out, e);
}

static void
test_range_fails_as_its_queries_do(void **state)
{
	const struct flavour flavour = { .kind = FLAVOUR_MYSQL };
	char schema[] = "s", name[] = "t", primary[] = "PRIMARY";
	size_t key[] = { 0, 1 }, n = 0, i;
	const struct schema_table t = { .schema = schema, .name = name,
	    .columns = columns, .ncolumns = 2, .key = key, .nkey = 2,
	    .key_name = primary, .rows = 1000 };
	struct range *list = NULL;
	struct err e;

	(void)state;
	numbers(false);
	estimates = TRUTH;
	nrows = 300;
	for (i = 0; i < nrows; i++)
		put(i, (long long)i, 0);
	fake.query = lost;
	for (i = 0; i < 20; i++) {
		e = (struct err){0};
		assert_int_equal(range_split(NULL, &flavour, &t, 10, &list,
		    &n, &e), -1);
		assert_string_equal(e.msg, "connection lost");
		assert_int_equal(e.code, ERR_AGAIN);
	}
	fake_reset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range_even_numbers),
		cmocka_unit_test(test_range_ends_of_the_number_line),
		cmocka_unit_test(test_range_skewed),
		cmocka_unit_test(test_range_few_and_none),
		cmocka_unit_test(test_range_text),
		cmocka_unit_test(test_range_decimals),
		cmocka_unit_test(test_range_dates),
		cmocka_unit_test(test_range_of_other_types),
		cmocka_unit_test(test_range_without_key_or_versioned),
		cmocka_unit_test(test_range_fails_as_its_queries_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
