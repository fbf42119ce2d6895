/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_obey_test: what cannot be done when it is asked for is done later. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../catalog/fixture.h"
#include "backupd/archive.h"
#include "base/err.h"

/* As when memory is out. */
static atomic_int refusals;

static struct follow *
add(struct archive *a, const struct follow_opts *o, struct err *e)
{
	if (refusals > 0) {
		refusals--;
		(void)err_set(e, ERR_NOMEM, 0, "source %s", o->source);
		return NULL;
	}
	return archive_add(a, o, e);
}

#define archive_add add
#include "backupd/archiver.c"

static atomic_int failed, recovered;

static void
heard(void *arg, enum archiver_event event, const char *source,
    const char *text)
{
	(void)arg;
	if (event == ARCHIVER_FAILED && strcmp(text, "source one") == 0)
		failed++;
	if (event == ARCHIVER_RECOVERED && strcmp(source, "one") == 0)
		recovered++;
}

static void
wait_for(struct archiver *a, const char *name, enum archiver_state state)
{
	int64_t end = clock_mono_ms() + 60000;
	struct archiver_source s;

	while ((archiver_state(a, name, &s) != 0 || s.state != state) &&
	    clock_mono_ms() < end)
		(void)cancel_wait(NULL, 10, &(struct err){0});
	assert_int_equal(archiver_state(a, name, &s), 0);
	assert_int_equal(s.state, state);
}

static void
test_archiver_follow_without_memory_is_done_later(void **state)
{
	struct conn_opts conn = { .socket = "nobody.sock", .user = "u" };
	struct follow_opts one = { .source = "one", .conn = &conn },
	    two = { .source = "two", .conn = &conn };
	struct err e = {0};
	struct cancel *cancel = cancel_new(&e);
	struct archiver_opts o = { .store = fixture_store,
	    .store_id = "0123456789abcdef0123456789abcdef",
	    .store_cancel = cancel, .event = heard };
	struct archiver *a;

	(void)state;
	refusals = 2;
	a = archiver_start(&o, &e);
	assert_non_null(a);
	fixture_ok(archiver_follow(a, &one, &e), &e);
	fixture_ok(archiver_follow(a, &two, &e), &e);
	wait_for(a, "one", ARCHIVER_WAITING);
	wait_for(a, "two", ARCHIVER_WAITING);
	assert_int_equal(refusals, 0);
	assert_int_equal(failed, 1);
	assert_int_equal(recovered, 1);
	/* One that never can be is no obstacle to the end. */
	refusals = 1000000;
	archiver_leave(a, "two");
	fixture_ok(archiver_follow(a, &two, &e), &e);
	archiver_stop(a);
	cancel_free(cancel);
}

static int
begin(void **state)
{
	(void)state;
	return conn_library_init(&(struct err){0});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_archiver_follow_without_memory_is_done_later,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
