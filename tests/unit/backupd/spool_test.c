/* SPDX-License-Identifier: Apache-2.0 */
/* spool_test: files of a spool, their limit, and what stands in them. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/resource.h>

#include <cmocka.h>

#include "tests/unit/backupd/spool_fixture.h"

static void
reads(struct spool *s, uint32_t seq, uint64_t start, uint64_t end,
    size_t lines)
{
	struct buf data = {0}, all = {0};
	struct err e = {0};
	size_t i, n = 0;

	if (spool_read(s, ID, seq, start, end, &data, &all, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(data.len, end - start);
	for (i = 0; i < data.len; i++)
		assert_int_equal((uint8_t)data.data[i], (start + i) % 251);
	for (i = 0; i < all.len; i++)
		n += all.data[i] == '\n';
	assert_int_equal(n, lines);
	buf_free(&data);
	buf_free(&all);
}

static void
test_spool_reads_what_was_written(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);
	struct buf data = {0}, lines = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(spool_put(s, ID, 1, 100, 50, true), 0);
	assert_int_equal(spool_put(s, ID, 1, 150, 10, true), 0);
	assert_int_equal(spool_put(s, ID, 2, 0, 10, true), 0);
	reads(s, 1, 100, 160, 2);
	reads(s, 1, 120, 155, 1);	/* one ends in it, one goes on */
	reads(s, 2, 0, 10, 1);
	assert_int_equal(spool_read(s, ID, 1, 100, 161, &data, &lines, &e),
	    -1);
	assert_non_null(strstr(e.msg, ": bytes 160 to 161 of file 1 are not "
	    "there"));
	assert_int_equal(e.code, ERR_CORRUPT);
	buf_free(&data);
	buf_free(&lines);
	spool_close(s);
}

static void
test_spool_keeps_to_its_limit(void **state)
{
	struct spool *s = spool_of(400);

	(void)state;
	assert_int_equal(spool_put(s, ID, 1, 0, 200, true), 0);
	assert_in_range(spool_size(s), 257, 400);
	assert_int_equal(spool_put(s, ID, 1, 200, 200, true), 1);
	reads(s, 1, 0, 200, 1);
	spool_stored(s, ID, 1, 199);
	assert_in_range(spool_size(s), 257, 400);
	spool_stored(s, ID, 1, 200);
	assert_int_equal(spool_size(s), 0);
	assert_int_equal(spool_put(s, ID, 1, 200, 200, true), 0);
	reads(s, 1, 200, 400, 1);
	spool_close(s);
	/* The next one counts what is there. */
	s = spool_of(400);
	assert_in_range(spool_size(s), 257, 400);
	spool_close(s);
}

/* Writes of up to so many bytes to a file go through, as on a full disc. */
static void
room_of_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
torn(struct spool *s, uint32_t seq, uint64_t start, size_t n)
{
	struct buf out = {0};
	struct err e = {0};

	spool_add(&out, seq, start, n, true);
	assert_int_equal(spool_write(s, ID, &out, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	buf_free(&out);
}

/* What a full disc tore counts as long as it is there, and no longer. */
static void
test_spool_goes_on_after_a_full_disc(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);
	struct rlimit was;
	uint64_t one, two;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	/* The first record of a file: written again, it is the file's. */
	room_of_files(100);
	torn(s, 1, 0, 200);
	room_of_files(was.rlim_cur);
	assert_int_equal(spool_put(s, ID, 1, 0, 200, true), 0);
	one = spool_size(s);
	assert_in_range(one, 257, 400);
	spool_stored(s, ID, 1, 0);
	reads(s, 1, 0, 200, 1);
	/* One that is not: the next begins a file of its own. */
	room_of_files(one + 100);
	torn(s, 1, 200, 200);
	room_of_files(was.rlim_cur);
	assert_int_equal(spool_size(s), one + 100);
	assert_int_equal(spool_put(s, ID, 1, 200, 200, true), 0);
	reads(s, 1, 0, 400, 2);
	two = spool_size(s) - one - 100;
	spool_stored(s, ID, 1, 200);
	assert_int_equal(spool_size(s), two);
	spool_stored(s, ID, 1, 400);
	assert_int_equal(spool_size(s), 0);
	spool_close(s);
}

static void
test_spool_is_one_archivers(void **state)
{
	struct spool *s = spool_of(400);
	const struct spool_opts o = { .dir = spool_dir, .store_id = "id",
	    .source = "a", .limit = 400 };
	struct err e = {0};
	char want[200];

	(void)state;
	assert_null(spool_open(&o, &e));
	(void)snprintf(want, sizeof(want), "spool %s/id/a is another "
	    "archiver's", spool_dir);
	assert_string_equal(e.msg, want);
	assert_int_equal(e.code, ERR_BUSY);
	spool_close(s);
}

static int
count(void *arg, const char *file, const char *history,
    const struct spool_record *r, struct err *e)
{
	(void)file;
	(void)e;
	assert_string_equal(history, ID);
	*(uint64_t *)arg += r->n;
	return 0;
}

static void
test_spool_ends_where_a_crash_tore_it(void **state)
{
	struct spool *s = spool_of(UINT64_MAX);
	char path[200];
	struct err e = {0};
	uint64_t n = 0;

	(void)state;
	assert_int_equal(spool_put(s, ID, 1, 4, 100, true), 0);
	assert_int_equal(spool_put(s, ID, 1, 104, 100, true), 0);
	fixture_ok(spool_each(s, count, &n, &e), &e);
	assert_int_equal(n, 200);
	(void)snprintf(path, sizeof(path), "%s/" ID
	    "-00000001-00000000000000000004.spool", spool_path(s));
	assert_int_equal(truncate(path, (off_t)spool_size(s) - 1), 0);
	n = 0;
	fixture_ok(spool_each(s, count, &n, &e), &e);
	assert_int_equal(n, 100);
	spool_close(s);
}

static void
test_spool_file_is_removed_or_put_aside(void **state)
{
	static const char name[] = ID "-00000001-00000000000000000000.spool";
	struct spool *s = spool_of(UINT64_MAX);
	char path[200];
	struct err e = {0};

	(void)state;
	assert_int_equal(spool_put(s, ID, 1, 0, 100, true), 0);
	fixture_ok(spool_aside(s, name, &e), &e);
	assert_int_equal(spool_size(s), 0);
	(void)snprintf(path, sizeof(path), "%s/aside/%s", spool_path(s),
	    name);
	assert_int_equal(access(path, R_OK), 0);
	assert_int_equal(spool_remove(s, name, &e), -1);
	assert_non_null(strstr(e.msg, name));
	e = (struct err){0};
	spool_stored(s, "", 0, 0);
	assert_int_equal(spool_put(s, ID, 1, 0, 100, true), 0);
	fixture_ok(spool_remove(s, name, &e), &e);
	assert_int_equal(spool_size(s), 0);
	spool_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_spool_reads_what_was_written),
		TEST(test_spool_keeps_to_its_limit),
		TEST(test_spool_goes_on_after_a_full_disc),
		TEST(test_spool_is_one_archivers),
		TEST(test_spool_ends_where_a_crash_tore_it),
		TEST(test_spool_file_is_removed_or_put_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
