/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#include "backupd/serve_impl.h"

#define MINUTE INT64_C(60000000)

static char noted[400];

static void
note(struct serve *s, const char *source, const char *kind, bool error,
    int64_t since_us, const char *fmt, ...)
{
	char text[200];
	size_t n = strlen(noted);
	va_list ap;

	(void)s;
	assert_int_equal(error, strcmp(kind, "spool_filling") != 0);
	assert_true(since_us > 0);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(noted + n, sizeof(noted) - n, "%s %s: %s; ", source,
	    kind, text);
}

/* What is noted of a source at a time. */
static const char *
of(struct serve *s, const char *name, int64_t now_us)
{
	struct source x = {0};

	(void)snprintf(x.name, sizeof(x.name), "%s", name);
	noted[0] = '\0';
	serve_heard(s, &x, now_us, note);
	return noted;
}

static void
test_serve_heard_of_what_is_still_so(void **state)
{
	struct serve s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int64_t now = clock_now_us();

	(void)state;
	assert_string_equal(of(&s, "orders", now), "");
	serve_hear(&s, ARCHIVER_PURGE, "orders", "binlog.7 goes");
	serve_hear(&s, ARCHIVER_SPOOL_FULL, "orders", "4 GiB");
	serve_hear(&s, ARCHIVER_SPOOL_FREE, "billing", "1 GiB");
	/* How the archive stands tells these. */
	serve_hear(&s, ARCHIVER_GAP, "billing", "x");
	serve_hear(&s, ARCHIVER_FAILED, "billing", "x");
	now = clock_now_us();
	assert_string_equal(of(&s, "billing", now), "");
	assert_string_equal(of(&s, "orders", now), "orders purge_ahead: "
	    "binlog.7 goes; orders spool_full: 4 GiB; ");
	/* Each stays one. */
	serve_hear(&s, ARCHIVER_PURGE, "orders", "binlog.8 goes");
	serve_hear(&s, ARCHIVER_SPOOL_FREE, "orders", "2 GiB");
	assert_string_equal(of(&s, "orders", now + MINUTE),
	    "orders purge_ahead: binlog.8 goes; ");
	free(s.heard);
}

/* Room ends both. */
static void
test_serve_heard_spool_fills(void **state)
{
	struct serve s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int64_t now;

	(void)state;
	serve_hear(&s, ARCHIVER_SPOOL_FILLING, "orders", "4 of 5 MiB");
	serve_hear(&s, ARCHIVER_SPOOL_FILLING, "billing", "8 of 9 MiB");
	now = clock_now_us();
	assert_string_equal(of(&s, "orders", now), "orders spool_filling: "
	    "4 of 5 MiB; ");
	serve_hear(&s, ARCHIVER_SPOOL_FULL, "orders", "full");
	assert_string_equal(of(&s, "orders", now), "orders spool_filling: "
	    "4 of 5 MiB; orders spool_full: full; ");
	serve_hear(&s, ARCHIVER_SPOOL_FREE, "orders", "room");
	assert_string_equal(of(&s, "orders", now), "");
	/* It never was full. */
	serve_hear(&s, ARCHIVER_SPOOL_FREE, "billing", "room");
	assert_string_equal(of(&s, "billing", now), "");
	free(s.heard);
}

/* The archive says it every minute; when it says nothing, it is over. */
static void
test_serve_heard_purge_ends_in_silence(void **state)
{
	struct serve s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int64_t now;

	(void)state;
	serve_hear(&s, ARCHIVER_PURGE, "orders", "binlog.7 goes");
	serve_hear(&s, ARCHIVER_SPOOL_FULL, "orders", "full");
	now = clock_now_us();
	assert_string_equal(of(&s, "orders", now + 4 * MINUTE),
	    "orders spool_full: full; ");
	assert_string_equal(of(&s, "orders", now), "orders spool_full: "
	    "full; ");
	serve_hear(&s, ARCHIVER_PURGE, "orders", "binlog.7 goes");
	assert_string_equal(of(&s, "orders", now + MINUTE), "orders "
	    "purge_ahead: binlog.7 goes; orders spool_full: full; ");
	free(s.heard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_heard_of_what_is_still_so),
		cmocka_unit_test(test_serve_heard_spool_fills),
		cmocka_unit_test(test_serve_heard_purge_ends_in_silence),
	};

	log_setup(&(struct log_opts){ .program = "test",
	    .level = LOG_ERROR_ });
	return cmocka_run_group_tests(tests, NULL, NULL);
}
