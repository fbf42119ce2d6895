/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_test: texts; which one is chosen is tested with real replicas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/endpoint.h"
#include "mysql/connect.h"

static void
splits(const char *text, const char *host, unsigned port)
{
	struct endpoint x;

	endpoint_split(text, &x);
	assert_string_equal(x.host, host);
	assert_int_equal(x.port, port);
}

static void
test_endpoint_split(void **state)
{
	(void)state;
	splits("db1", "db1", 0);
	splits("db1.example.net:3307", "db1.example.net", 3307);
	splits("10.0.0.1:1", "10.0.0.1", 1);
	splits("[::1]", "::1", 0);
	splits("[fe80::1]:3306", "fe80::1", 3306);
}

/* host ":port" of each, in order. */
static void
lists(const struct endpoints *all, const char *expected)
{
	struct endpoint x;
	char text[300] = "";
	size_t i, n;

	for (i = 0; endpoint_at(all, i, &x); i++) {
		n = strlen(text);
		(void)snprintf(text + n, sizeof(text) - n, "%s:%u ", x.host,
		    x.port);
	}
	assert_string_equal(text, expected);
}

static void
test_endpoint_at_goes_in_order(void **state)
{
	struct endpoints all = { .list = "" };

	(void)state;
	lists(&all, ":0 ");
	(void)snprintf(all.list, sizeof(all.list), "db1,db2:3307,[::1]:1");
	lists(&all, ":0 db1:0 db2:3307 ::1:1 ");
	all.alone = true;
	lists(&all, "db1:0 db2:3307 ::1:1 ");
}

static void
test_endpoint_conn_means_the_server(void **state)
{
	const struct conn_opts base = { .host = "db0", .port = 3300,
	    .socket = "s", .user = "u" };
	struct endpoint x = { .host = "db1", .port = 3307 }, none = {0};
	struct conn_opts o;

	(void)state;
	endpoint_conn(&base, &none, &o);
	assert_string_equal(o.host, "db0");
	assert_int_equal(o.port, 3300);
	assert_string_equal(o.socket, "s");
	endpoint_conn(&base, &x, &o);
	assert_ptr_equal(o.host, x.host);
	assert_int_equal(o.port, 3307);
	assert_null(o.socket);
	assert_string_equal(o.user, "u");
	assert_true(endpoint_same(&x, &x));
	assert_false(endpoint_same(&x, &none));
	none = x;
	none.port = 1;
	assert_false(endpoint_same(&x, &none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint_split),
		cmocka_unit_test(test_endpoint_at_goes_in_order),
		cmocka_unit_test(test_endpoint_conn_means_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
