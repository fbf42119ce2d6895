/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_test: objects come whole and in order, and failures where they are. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/fetch.h"
#include "tests/unit/catalog/fixture.h"

#define OBJECTS 50

/* Sizes from nothing to over three pieces. */
static size_t
size_of(size_t i)
{
	return i % 7 == 0 ? 0 : i % 10 == 3 ? 3500000 : i * 1000;
}

static void
object_of(void *arg, size_t i, struct fetch_object *o)
{
	(void)arg;
	(void)snprintf(o->key, sizeof(o->key), "o/%zu", i);
	o->offset = 0;
	o->length = UINT64_MAX;
}

static void
put_all(void)
{
	char key[32];
	char *data;
	size_t i, n;

	for (i = 0; i < OBJECTS; i++) {
		n = size_of(i);
		data = malloc(n + 1);
		memset(data, (int)i, n);
		(void)snprintf(key, sizeof(key), "o/%zu", i);
		fixture_put(key, data, n);
		free(data);
	}
}

static struct fetch *
begin(unsigned threads, size_t n)
{
	const struct fetch_opts opts = { .store = fixture_store,
	    .threads = threads, .n = n, .object = object_of };
	struct err e = {0};
	struct fetch *f = fetch_open(&opts, &e);

	fixture_ok(f != NULL ? 0 : -1, &e);
	return f;
}

static void
test_fetch_in_order(void **state)
{
	struct fetch *f;
	struct err e = {0};
	const void *data;
	unsigned threads;
	size_t i, n, k, sum;

	(void)state;
	put_all();
	for (threads = 1; threads <= FETCH_THREADS_MAX; threads += 3) {
		f = begin(threads, OBJECTS);
		for (i = 0; i < OBJECTS; i++) {
			for (sum = 0;; sum += n) {
				assert_int_equal(fetch_next(f, &data, &n,
				    &e), 1);
				if (n == 0)
					break;
				for (k = 0; k < n; k += 997)
					assert_int_equal(
					    ((const unsigned char *)data)[k],
					    i);
			}
			assert_int_equal(sum, size_of(i));
		}
		assert_int_equal(fetch_next(f, &data, &n, &e), 0);
		assert_int_equal(fetch_next(f, &data, &n, &e), 0);
		fetch_close(f);
	}
}

static void
test_fetch_of_nothing(void **state)
{
	struct fetch *f = begin(3, 0);
	struct err e = {0};
	const void *data;
	size_t n;

	(void)state;
	assert_int_equal(fetch_next(f, &data, &n, &e), 0);
	fetch_close(f);
	fetch_close(NULL);
}

/* Whoever stops early waits for nobody. */
static void
test_fetch_closed_in_the_middle(void **state)
{
	struct fetch *f;
	struct err e = {0};
	const void *data;
	size_t n, i;

	(void)state;
	put_all();
	for (i = 0; i < 10; i++) {
		f = begin(4, OBJECTS);
		if (i > 0)
			assert_int_equal(fetch_next(f, &data, &n, &e), 1);
		fetch_close(f);
	}
}

static void
test_fetch_fails_where_the_object_is(void **state)
{
	const char *keys[] = { "o/5" };
	struct fetch *f;
	struct err e = {0};
	const void *data;
	char why[200];
	size_t n, ends = 0;
	int rc;

	(void)state;
	put_all();
	fixture_ok(store_delete(fixture_store, keys, 1, &e), &e);
	f = begin(4, OBJECTS);
	while ((rc = fetch_next(f, &data, &n, &e)) == 1)
		ends += n == 0;
	assert_int_equal(ends, 5);
	(void)snprintf(why, sizeof(why), "file://%s/o/5: open: No such file or "
	    "directory", fixture_root);
	fixture_failed(rc, &e, ERR_NOTFOUND, why);
	fetch_close(f);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_fetch_in_order),
		IN_STORE(test_fetch_of_nothing),
		IN_STORE(test_fetch_closed_in_the_middle),
		IN_STORE(test_fetch_fails_where_the_object_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
