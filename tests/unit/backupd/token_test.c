/* SPDX-License-Identifier: Apache-2.0 */
/* token_test: which headers show the token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backupd/token.h"
#include "base/err.h"
#include "base/file.h"

static char path[64];

static void
write_token(const char *text, unsigned mode)
{
	struct err e = {0};

	assert_int_equal(file_write(path, text, strlen(text), mode, &e), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int
set_up(void **state)
{
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/token-test-XXXXXX");
	fd = mkstemp(path);
	return fd >= 0 ? close(fd) : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void
test_token_shown(void **state)
{
	uint8_t digest[TOKEN_DIGEST];
	char longer[2000];
	struct err e = {0};

	(void)state;
	write_token("0123456789abcdef\n", 0600);
	assert_int_equal(token_read(path, digest, &e), 0);
	assert_true(token_shown(digest, "Bearer 0123456789abcdef"));
	assert_true(token_shown(digest, "bearer  0123456789abcdef"));
	/* "any:0123456789abcdef" */
	assert_true(token_shown(digest,
	    "Basic YW55OjAxMjM0NTY3ODlhYmNkZWY="));
	/* ":0123456789abcdef" */
	assert_true(token_shown(digest, "Basic OjAxMjM0NTY3ODlhYmNkZWY="));
	assert_false(token_shown(digest, NULL));
	assert_false(token_shown(digest, ""));
	assert_false(token_shown(digest, "Bearer"));
	assert_false(token_shown(digest, "Bearer "));
	assert_false(token_shown(digest, "Bearer 0123456789abcdeF"));
	assert_false(token_shown(digest, "Bearer 0123456789abcdef0"));
	assert_false(token_shown(digest, "0123456789abcdef"));
	/* With a NUL behind it. */
	assert_false(token_shown(digest,
	    "Basic YW55OjAxMjM0NTY3ODlhYmNkZWYA"));
	assert_false(token_shown(digest, "Basic 0123456789abcdef"));
	assert_false(token_shown(digest, "Basic ***"));
	/* "0123456789abcdef" without a colon */
	assert_false(token_shown(digest, "Basic MDEyMzQ1Njc4OWFiY2RlZg=="));
	memset(longer, 'A', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memcpy(longer, "Basic ", 6);
	assert_false(token_shown(digest, longer));
}

static void
refused(const char *token, unsigned mode, const char *why, const char *hint)
{
	uint8_t digest[TOKEN_DIGEST];
	char expected[384];
	struct err e = {0};

	write_token(token, mode);
	assert_int_equal(token_read(path, digest, &e), -1);
	(void)snprintf(expected, sizeof(expected), "%s: %s", path, why);
	assert_string_equal(e.msg, expected);
	assert_int_equal(e.code, ERR_USAGE);
	if (hint != NULL) {
		(void)snprintf(expected, sizeof(expected), hint, path);
		assert_string_equal(e.hint, expected);
	}
}

static void
test_token_read_refuses(void **state)
{
	uint8_t digest[TOKEN_DIGEST];
	char longest[TOKEN_MAX + 2];
	struct err e = {0};

	(void)state;
	refused("short\n", 0600, "a token has 16 to 512 characters, not 5",
	    "openssl rand -hex 32 > %s");
	refused("", 0600, "a token has 16 to 512 characters, not 0", NULL);
	refused("0123456789 abcdef", 0600, "a token has visible ASCII "
	    "characters alone", NULL);
	refused("0123456789abcdef", 0604, "others may read this password",
	    "chmod 600 %s");
	memset(longest, 'x', sizeof(longest));
	longest[TOKEN_MAX + 1] = '\0';
	refused(longest, 0600, "a token has 16 to 512 characters, not 513",
	    NULL);
	longest[TOKEN_MAX] = '\0';
	write_token(longest, 0600);
	assert_int_equal(token_read(path, digest, &e), 0);
	assert_int_equal(token_read("/nowhere/token", digest, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_token_shown, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_token_read_refuses,
		    set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
