/* SPDX-License-Identifier: Apache-2.0 */
/* follow_opts_test: a copy is whole, and its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/follow.h"
#include "base/err.h"
#include "mysql/connect.h"

static void
test_follow_opts_copy_is_its_own(void **state)
{
	char host[] = "db1", source[] = "s", password[] = "p", spool[] = "d";
	struct conn_opts conn = { .host = host, .port = 3307, .user = "u",
	    .password = password, .ssl = CONN_SSL_REQUIRED };
	struct follow_opts o = { .source = source, .conn = &conn,
	    .age_ms = 5, .ack = true, .spool = spool }, *copy;
	struct cancel *cancel = (struct cancel *)(void *)&conn;
	struct err e = {0};

	(void)state;
	copy = follow_opts_copy(&o, cancel, &e);
	assert_non_null(copy);
	assert_ptr_equal(copy->conn->cancel, cancel);
	assert_true(follow_opts_same(&o, copy));
	host[0] = source[0] = password[0] = spool[0] = 'x';
	assert_string_equal(copy->spool, "d");
	assert_string_equal(copy->source, "s");
	assert_string_equal(copy->conn->host, "db1");
	assert_string_equal(copy->conn->password, "p");
	assert_null(copy->conn->socket);
	assert_int_equal(copy->conn->port, 3307);
	assert_true(copy->ack);
	assert_false(follow_opts_same(&o, copy));
	follow_opts_free(copy);
	follow_opts_free(NULL);
}

static void
test_follow_opts_same_sees_each_difference(void **state)
{
	struct conn_opts a = { .host = "h", .user = "u" }, b = a;
	struct follow_opts x = { .source = "s", .conn = &a };
	struct follow_opts y = { .source = "s", .conn = &b };

	(void)state;
	assert_true(follow_opts_same(&x, &y));
	b.password = "p";
	assert_false(follow_opts_same(&x, &y));
	b.password = NULL;
	b.port = 1;
	assert_false(follow_opts_same(&x, &y));
	b.port = 0;
	y.endpoints.list[0] = 'd';
	assert_false(follow_opts_same(&x, &y));
	y.endpoints = (struct endpoints){ .failover_ms = 1 };
	assert_false(follow_opts_same(&x, &y));
	y.endpoints = (struct endpoints){ .max_lag_s = 1 };
	assert_false(follow_opts_same(&x, &y));
	y.endpoints = (struct endpoints){ .alone = true };
	assert_false(follow_opts_same(&x, &y));
	y.endpoints = x.endpoints;
	y.age_ms = 1;
	assert_false(follow_opts_same(&x, &y));
	y.age_ms = 0;
	y.ack = true;
	assert_false(follow_opts_same(&x, &y));
	y.ack = false;
	assert_true(follow_opts_same(&x, &y));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow_opts_copy_is_its_own),
		cmocka_unit_test(test_follow_opts_same_sees_each_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
