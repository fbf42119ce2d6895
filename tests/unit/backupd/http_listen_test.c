/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen_test: texts that are addresses to listen on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "backupd/http.h"
#include "backupd/http_impl.h"
#include "base/err.h"

static void
test_http_listen_check(void **state)
{
	static const char *const good[] = { "127.0.0.1:9747", "[::1]:9747",
	    "localhost:9747", "*:9747", "[::]:0", "0.0.0.0:65535" };
	static const char *const bad[] = { "", ":", "9747", "127.0.0.1",
	    "127.0.0.1:", ":9747", "127.0.0.1:65536", "127.0.0.1:+1",
	    "127.0.0.1: 1", "127.0.0.1:1x", "::1:9747", "[::1:9747",
	    "::1]:9747", "[]:1", "[:1", "db.example.net:9747", "1.2.3:80x",
	    "127.0.0.1:99999999999999999999",
	    ("0000000000000000000000000000000000000000000000000000000000000000"
	    ":1") };
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		e = (struct err){0};
		if (http_listen_check(good[i], &e) != 0)
			fail_msg("%s: %s", good[i], e.msg);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){0};
		if (http_listen_check(bad[i], &e) == 0)
			fail_msg("'%s' is taken", bad[i]);
		assert_int_equal(e.code, ERR_USAGE);
	}
	e = (struct err){0};
	assert_int_equal(http_listen_check("nine", &e), -1);
	assert_string_equal(e.msg, "listen 'nine': not ADDRESS:PORT");
	assert_string_equal(e.hint,
	    "such as 127.0.0.1:9747, [::1]:9747 or *:9747");
}

static void
test_http_listen_open(void **state)
{
	struct err e = {0};
	int fd = http_listen_open("127.0.0.1:0", &e);

	(void)state;
	assert_true(fd >= 0);
	assert_true(http_listen_port(fd) > 0);
	assert_int_equal(http_listen_port(-1), 0);
	(void)close(fd);
	assert_int_equal(http_listen_open("192.0.2.1:1", &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg,
	    "listen 192.0.2.1:1: Cannot assign requested address");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_listen_check),
		cmocka_unit_test(test_http_listen_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
