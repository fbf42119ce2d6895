/* SPDX-License-Identifier: Apache-2.0 */
/* route_test: in log order, up to and without the first that came later. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/catalog/loaded.h"

static const struct logs a = { HIST(1), UUID_A ":" };
static const struct logs b = { HIST(2), UUID_B ":" };
static const int64_t ten[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };
static struct route r;

static int
setup(void **state)
{
	(void)setenv("TZ", "UTC", 1);
	tzset();
	r = (struct route){0};
	return loaded_setup(state);
}

static int
teardown(void **state)
{
	route_free(&r);
	return loaded_teardown(state);
}

static int
find(const char *backup, const char *moment, bool before, struct err *e)
{
	struct moment m;

	fixture_ok(moment_parse(moment, t.kind, &m, e), e);
	m.before = before;
	route_free(&r);
	return route_find(fixture_store, &t, backup, &m, &r, e);
}

/* "18:15:30" is the 30th second. */
static const char *
at(int64_t s)
{
	static char text[CLOCK_TEXT];

	clock_rfc3339(logs_us(s), text);
	return text;
}

/* The route as text: "0 1:200-2:300" a leg, then the offsets of the last and
 * the first that is not taken, and how many are late. */
static void
route_is(const char *backup, const char *moment, bool before,
    const char *want)
{
	struct buf got = {0};
	struct err e = {0};
	uint64_t bytes = 0;
	size_t i;

	fixture_ok(find(backup, moment, before, &e), &e);
	for (i = 0; i < r.nlegs; i++) {
		buf_addf(&got, "%zu %u:%u-%u:%u%s, ", r.legs[i].history,
		    (unsigned)r.legs[i].from_seq,
		    (unsigned)r.legs[i].from_offset,
		    (unsigned)r.legs[i].to_seq, (unsigned)r.legs[i].to_offset,
		    r.legs[i].have != NULL ? " less" : "");
		bytes += r.legs[i].from_seq == r.legs[i].to_seq ?
		    r.legs[i].to_offset - r.legs[i].from_offset : 0;
	}
	buf_addf(&got, "last %u, not %u", r.last.size > 0 ?
	    (unsigned)r.last.offset : 0, r.first_not.size > 0 ?
	    (unsigned)r.first_not.offset : 0);
	if (r.late > 0)
		buf_addf(&got, ", late %u", (unsigned)r.late);
	assert_string_equal(buf_str(&got), want);
	assert_true(bytes == 0 || r.bytes >= bytes);
	buf_free(&got);
}

static void
no_route(const char *backup, const char *moment, bool before,
    enum err_code code, const char *why)
{
	struct err e = {0};

	fixture_failed(find(backup, moment, before, &e), &e, code, why);
	assert_null(r.legs);
	assert_int_equal(r.last.size, 0);
}

/* Two finished files of three and one live of four in two segments; backups
 * after the 1st and the 5th. */
static void
one_history(const int64_t *times)
{
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 3, times);
	logs_finish(&a, 2, "b.000002", 4, 3, times + 3);
	logs_live(&a, 3, 7, 4, times + 6, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(2), .file =
	    "b.000002", .position = 300, .gtid = UUID_A ":1-5", .at = 55 });
	loaded_load();
}

#define MANY 40

/* The numbers of GTIDs. */
struct taken {
	uint64_t numbers[MANY];
	size_t n;
};

static int
note(void *arg, uint32_t seq, const struct transaction *tr, struct err *e)
{
	struct taken *x = arg;

	(void)seq;
	(void)e;
	x->numbers[x->n++] = tr->gtid.gtid.number;
	return 0;
}

/* --- times --- */

static void
test_route_to_a_time(void **state)
{
	(void)state;
	one_history(ten);
	/* from the newest backup that will do */
	route_is(NULL, at(75), false, "0 2:300-3:200, last 100, not 200");
	assert_string_equal(r.backup, BACKUP(2));
	assert_int_equal(r.transactions, 2);
	assert_int_equal(r.bytes, 150 + 200);
	assert_true(r.last.time_us == logs_us(70));
	assert_true(r.first_not.time_us == logs_us(80));
	assert_int_equal(r.first_not.ntables, 1);
	assert_string_equal(r.first_not.tables[0].table, "t8");
	route_is(NULL, at(45), false, "0 1:200-2:200, last 100, not 200");
	assert_string_equal(r.backup, BACKUP(1));
	assert_int_equal(r.transactions, 3);
	/* from the one that is named */
	route_is(BACKUP(1), at(75), false,
	    "0 1:200-3:200, last 100, not 200");
	assert_int_equal(r.transactions, 6);
	/* at the very time: with it, or before it */
	route_is(NULL, at(70), false, "0 2:300-3:200, last 100, not 200");
	route_is(NULL, at(70), true, "0 2:300-2:400, last 300, not 100");
	/* between two files: no byte of the second */
	route_is(NULL, at(65), false, "0 2:300-2:400, last 300, not 100");
	/* the last one: the end of what is archived */
	route_is(NULL, at(100), false, "0 2:300-3:500, last 400, not 0");
	route_is(NULL, at(100), true, "0 2:300-3:400, last 300, not 400");
}

/* A restarted archiver writes some bytes again, and lines with them. */
static void
test_route_through_segments_that_overlap(void **state)
{
	struct taken taken = {0};
	struct err e = {0};

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_segment(&a, 1, 1, 1, 3, ten);
	logs_segment(&a, 1, 2, 2, 4, ten + 1);
	logs_segment(&a, 1, 4, 4, 1, ten + 3);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 100, .gtid = "", .at = 5 });
	loaded_load();
	route_is(NULL, at(45), false, "0 1:100-1:500, last 400, not 500");
	assert_int_equal(r.transactions, 4);
	fixture_ok(leg_each(fixture_store, &t, &r.legs[0], note, &taken,
	    &e), &e);
	assert_int_equal(taken.n, 4);
}

static void
test_route_of_no_transactions(void **state)
{
	(void)state;
	one_history(ten);
	route_is(NULL, at(55), false, "last 0, not 300");
	assert_string_equal(r.backup, BACKUP(2));
	assert_int_equal(r.nlegs, 0);
	assert_int_equal(r.bytes, 0);
	assert_null(r.legs);
	route_is(NULL, at(15), false, "last 0, not 200");
	route_is(NULL, at(59), false, "last 0, not 300");
	route_is(NULL, at(60), true, "last 0, not 300");
}

#define WINDOW "its windows are 2026-11-22T18:15:15Z to "		\
    "2026-11-22T18:16:40Z"

static void
test_route_outside_of_windows(void **state)
{
	struct err e = {0};

	(void)state;
	one_history(ten);
	no_route(NULL, at(14), false, ERR_NOTFOUND, "no backup of a leads to "
	    "2026-11-22T18:15:14Z (18:15:14 UTC): " WINDOW);
	no_route(NULL, at(101), false, ERR_NOTFOUND, "no backup of a leads to "
	    "2026-11-22T18:16:41Z (18:16:41 UTC): " WINDOW);
	assert_int_equal(find(NULL, at(101), false, &e), -1);
	assert_string_equal(e.hint, "whether anything was committed after "
	    "that is not known: 'latest' is all that is archived");
	e = (struct err){0};
	assert_int_equal(find(NULL, at(14), false, &e), -1);
	assert_string_equal(e.hint, "see 'catalog timeline a'");
	no_route(BACKUP(2), at(45), false, ERR_NOTFOUND, "backup " BACKUP(2)
	    ": it was made later");
	no_route(BACKUP(2), at(101), false, ERR_NOTFOUND, "backup " BACKUP(2)
	    ": archived transactions lead from it to "
	    "2026-11-22T18:16:40.000000Z");
	no_route(ID, at(45), false, ERR_NOTFOUND, "source a has no backup "
	    ID);
}

/* A clock that was set back: what stands after the first later one is not
 * taken, and counted. */
static void
test_route_where_the_clock_was_set_back(void **state)
{
	const int64_t times[] = { 10, 20, 30, 40, 50, 60, 35, 36, 90, 37 };

	(void)state;
	one_history(times);
	route_is(BACKUP(1), at(37), false,
	    "0 1:200-1:400, last 300, not 100, late 3");
	route_is(BACKUP(1), at(37), true,
	    "0 1:200-1:400, last 300, not 100, late 2");
	route_is(BACKUP(1), at(60), false,
	    "0 1:200-3:300, last 200, not 300, late 1");
	/* the second backup has the 50th second's in it */
	no_route(BACKUP(2), at(49), false, ERR_NOTFOUND, "backup " BACKUP(2)
	    ": it was made later");
}

/* By its own clock a backup was made before what it holds: the log says
 * otherwise. */
static void
test_route_from_a_backup_with_a_slow_clock(void **state)
{
	(void)state;
	one_history(ten);
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000003", .position = 300, .gtid = UUID_A ":1-8", .at = 71 });
	loaded_load();
	route_is(NULL, at(75), false, "0 2:300-3:200, last 100, not 200");
	assert_string_equal(r.backup, BACKUP(2));
	no_route(BACKUP(3), at(75), false, ERR_NOTFOUND, "backup " BACKUP(3)
	    ": it holds a transaction that committed later");
}

static void
test_route_from_a_backup_that_does_not_fit(void **state)
{
	(void)state;
	one_history(ten);
	/* inside a transaction; without one before; with one after */
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000003", .position = 250, .gtid = UUID_A ":1-7", .at = 75 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(4), .file =
	    "b.000003", .position = 300, .gtid = UUID_A ":1-7", .at = 75 });
	logs_backup(&(struct logs_backup){ .id = BACKUP(5), .file =
	    "b.000003", .position = 200, .gtid = UUID_A ":1-8", .at = 75 });
	loaded_load();
#define MISFIT ": its coordinates are not between two transactions of which " \
    "it has those before alone"
	no_route(BACKUP(3), "latest", false, ERR_NOTFOUND, "backup " BACKUP(3)
	    MISFIT);
	no_route(BACKUP(4), "latest", false, ERR_NOTFOUND, "backup " BACKUP(4)
	    MISFIT);
	no_route(BACKUP(5), "latest", false, ERR_NOTFOUND, "backup " BACKUP(5)
	    MISFIT);
	route_is(NULL, "latest", false, "0 2:300-3:500, last 400, not 0");
}

static void
test_route_passes_over_partial_backups(void **state)
{
	(void)state;
	one_history(ten);
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "b.000003", .position = 300, .gtid = UUID_A ":1-8", .at = 85,
	    .partial = true });
	loaded_load();
	route_is(NULL, "latest", false, "0 2:300-3:500, last 400, not 0");
	route_is(BACKUP(3), "latest", false, "0 3:300-3:500, last 400, not 0");
}

/* --- against the definition --- */

static uint64_t seed = 1;

static uint64_t
dice(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1;
	return (seed >> 33) % n;
}

/* A random history: times that go back now and then, files of random length,
 * the last one or two live. */
static size_t
random_history(int64_t *times, size_t *per_file, size_t *nfiles)
{
	size_t n = 0, i;
	char name[16];
	int64_t now = 100;

	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	*nfiles = 1 + dice(6);
	for (i = 0; i < MANY; i++) {
		now += (int64_t)dice(10);
		times[i] = dice(5) == 0 ? now - (int64_t)dice(60) : now;
	}
	for (i = 0; i < *nfiles; i++) {
		per_file[i] = i + 1 == *nfiles ? 1 + dice(6) : dice(7);
		(void)snprintf(name, sizeof(name), "b.%06u", (unsigned)i + 1);
		if (i + 1 < *nfiles)
			logs_finish(&a, (uint32_t)i + 1, name, n + 1,
			    per_file[i], times + n);
		else
			logs_live(&a, (uint32_t)i + 1, n + 1, per_file[i],
			    times + n, 1 + dice(3));
		n += per_file[i];
	}
	return n;
}

/* File and offset of transaction k (from 0); k == n: the end. */
static void
place_of(size_t k, const size_t *per_file, size_t nfiles, uint32_t *seq,
    uint64_t *offset)
{
	size_t i;

	for (i = 0; i + 1 < nfiles && k >= per_file[i]; i++)
		k -= per_file[i];
	*seq = (uint32_t)i + 1;
	*offset = 100 * (k + 1);
}

static void
one_random_route(const int64_t *times, size_t n, const size_t *per_file,
    size_t nfiles, size_t from)
{
	int64_t max = 0, when = 90 + (int64_t)dice(320);
	bool before = dice(2) == 0;
	size_t first, late = 0, i;
	struct taken taken = {0};
	struct err e = {0};

	for (i = 0; i < n; i++)
		max = times[i] > max ? times[i] : max;
	/* by the definition */
	for (first = 0; first < n; first++)
		if (before ? times[first] >= when : times[first] > when)
			break;
	for (i = first; i < n; i++)
		late += before ? times[i] < when : times[i] <= when;
	if (find(BACKUP(1), at(when), before, &e) != 0) {
		assert_int_equal(e.code, ERR_NOTFOUND);
		/* only what is outside */
		assert_true(when > max || first < from);
		return;
	}
	assert_true(first >= from);
	assert_int_equal(r.late, late);
	for (i = 0; i < r.nlegs; i++)
		fixture_ok(leg_each(fixture_store, &t, &r.legs[i], note,
		    &taken, &e), &e);
	assert_int_equal(taken.n, first - from);
	for (i = 0; i < taken.n; i++)
		assert_int_equal(taken.numbers[i], from + i + 1);
	assert_true(r.transactions == 0 || r.transactions == taken.n);
	if (first > from)
		assert_int_equal(r.last.gtid.gtid.number, first);
	else
		assert_int_equal(r.nlegs, 0);
	assert_int_equal(r.first_not.gtid.gtid.number, first < n ? first + 1 :
	    0);
	(void)per_file;
	(void)nfiles;
}

static void
test_route_is_as_defined(void **state)
{
	size_t per_file[8], nfiles, n, from, round, i;
	int64_t times[MANY];
	char gtid[80], name[16];
	uint64_t offset;
	uint32_t seq;

	for (round = 0; round < 60; round++) {
		n = random_history(times, per_file, &nfiles);
		from = dice(n + 1);
		place_of(from, per_file, nfiles, &seq, &offset);
		(void)snprintf(name, sizeof(name), "b.%06u", (unsigned)seq);
		logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
		    name, .position = offset, .gtid = logs_set(&a, 1, from,
		    gtid), .at = 0 });
		loaded_load();
		for (i = 0; i < 12; i++)
			one_random_route(times, n, per_file, nfiles, from);
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
}

/* --- GTIDs and positions --- */

static void
test_route_to_a_gtid(void **state)
{
	(void)state;
	one_history(ten);
	route_is(NULL, UUID_A ":8", false,
	    "0 2:300-3:300, last 200, not 300");
	route_is(NULL, UUID_A ":8", true, "0 2:300-3:200, last 100, not 200");
	route_is(NULL, UUID_A ":7", true, "0 2:300-2:400, last 300, not 100");
	route_is(NULL, UUID_A ":6", true, "last 0, not 300");
	route_is(NULL, UUID_A ":10", false, "0 2:300-3:500, last 400, not 0");
	/* in the second backup already */
	route_is(NULL, UUID_A ":5", false,
	    "0 1:200-2:300, last 200, not 300");
	assert_string_equal(r.backup, BACKUP(1));
	no_route(BACKUP(2), UUID_A ":5", false, ERR_NOTFOUND, "backup "
	    BACKUP(2) ": the transaction is in it already");
	no_route(NULL, UUID_A ":1", false, ERR_NOTFOUND, "no backup of a leads "
	    "to " UUID_A ":1: " WINDOW);
	no_route(NULL, UUID_A ":11", false, ERR_NOTFOUND, "no archived "
	    "transaction of a has the GTID " UUID_A ":11");
}

static void
test_route_to_a_gtid_of_mariadb(void **state)
{
	const struct logs m = { HIST(1), "0-101-" };

	(void)state;
	logs_history(&(struct logs_history){ .id = m.history, .server = 'a',
	    .mariadb = true });
	logs_finish(&m, 1, "b.000001", 1, 3, ten);
	logs_finish(&m, 2, "b.000002", 4, 3, ten + 3);
	logs_live(&m, 3, 7, 4, ten + 6, 2);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = "0-101-1", .at = 15 });
	loaded_load();
	route_is(NULL, "0-101-5", false, "0 1:200-2:300, last 200, not 300");
	route_is(NULL, "0-101-9", true, "0 1:200-3:300, last 200, not 300");
	no_route(NULL, "0-102-5", false, ERR_NOTFOUND, "no archived "
	    "transaction of a has the GTID 0-102-5");
}

static void
test_route_to_a_position(void **state)
{
	(void)state;
	one_history(ten);
	route_is(NULL, "b.000003:300", false,
	    "0 2:300-3:300, last 200, not 300");
	route_is(NULL, "b.000003:300", true,
	    "0 2:300-3:200, last 100, not 200");
	route_is(NULL, "b.000003:4", false,
	    "0 2:300-2:400, last 300, not 100");
	route_is(NULL, "b.000003:100", true,
	    "0 2:300-2:400, last 300, not 100");
	route_is(NULL, "b.000002:450", false,
	    "0 2:300-2:400, last 300, not 100");
	route_is(NULL, "b.000002:300", false, "last 0, not 300");
	route_is(NULL, "b.000002:200", false,
	    "0 1:200-2:200, last 100, not 200");
	assert_string_equal(r.backup, BACKUP(1));
	no_route(NULL, "b.000003:250", false, ERR_USAGE, "b.000003:250 lies "
	    "inside the transaction from 200 to 300");
	no_route(NULL, "b.000003:501", false, ERR_NOTFOUND, "b.000003:501 of "
	    "a is not archived");
	no_route(NULL, "b.000004:4", false, ERR_NOTFOUND, "b.000004:4 of a is "
	    "not archived");
	no_route(BACKUP(2), "b.000001:300", false, ERR_NOTFOUND, "backup "
	    BACKUP(2) ": no archived bytes lead from it to there");
}

static void
test_route_over_damage(void **state)
{
	char why[STORE_KEY_MAX + 160];

	(void)state;
	one_history(ten);
	fixture_damage("sources/a/index/" HIST(1) "-00000002.ndjson.zst", 20);
	loaded_load();
	/* what is behind does not matter */
	route_is(BACKUP(1), UUID_A ":3", false, "0 1:200-1:400, last 300, "
	    "not 0");
	route_is(BACKUP(1), UUID_A ":2", false, "0 1:200-1:300, last 200, "
	    "not 300");
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/index/" HIST(1)
	    "-00000002.ndjson.zst: damaged zstd data: Data corruption "
	    "detected", fixture_root);
	no_route(BACKUP(1), UUID_A ":4", false, ERR_CORRUPT, why);
}

static void
test_route_over_a_hole(void **state)
{
	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 2, ten);
	logs_finish(&a, 4, "b.000004", 5, 2, ten + 4);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	loaded_load();
	no_route(BACKUP(1), UUID_A ":5", false, ERR_CORRUPT, "backup "
	    BACKUP(1) ": no archived bytes lead from it to there: the archive "
	    "is broken after b.000001: 2 of the history's files missing");
	no_route(BACKUP(1), UUID_A ":3", false, ERR_CORRUPT, "no archived "
	    "transaction of a has the GTID " UUID_A ":3: the archive is broken "
	    "after b.000001: 2 of the history's files missing");
	route_is(BACKUP(1), UUID_A ":2", false, "0 1:200-1:300, last 200, "
	    "not 0");
}

/* --- fail-over --- */

/* A to its 10th, of which B had 8; B's file begins with A's 7th and 8th, and
 * goes on with three of its own. */
static void
fail_over(void)
{
	const int64_t later[] = { 110, 120, 130 };
	const struct logs old = { HIST(2), UUID_A ":" };

	logs_history(&(struct logs_history){ .id = a.history, .server = 'a' });
	logs_finish(&a, 1, "b.000001", 1, 5, ten);
	logs_live(&a, 2, 6, 5, ten + 5, 1);
	logs_history(&(struct logs_history){ .id = b.history, .server = 'b',
	    .first_file = "b.000002", .gtid_before = UUID_A ":1-6",
	    .why = HISTORY_FAILOVER, .parent = a.history,
	    .fork_gtid = UUID_A ":1-8", .fork_seq = 2, .fork_offset = 400 });
	logs_segment(&old, 1, 7, 1, 2, ten + 6);
	logs_segment(&b, 1, 1, 3, 3, later);
	logs_backup(&(struct logs_backup){ .id = BACKUP(1), .file =
	    "b.000001", .position = 200, .gtid = UUID_A ":1", .at = 15 });
	loaded_load();
}

static void
test_route_over_a_fail_over(void **state)
{
	struct taken taken = {0};
	struct err e = {0};

	(void)state;
	fail_over();
	route_is(NULL, at(115), false, "0 1:200-2:400, 1 1:4-1:400 less, "
	    "last 300, not 400");
	assert_int_equal(r.transactions, 8);
	fixture_ok(leg_each(fixture_store, &t, &r.legs[1], note, &taken,
	    &e), &e);
	/* not A's 7th and 8th again */
	assert_int_equal(taken.n, 1);
	assert_int_equal(taken.numbers[0], 1);
	assert_memory_equal(r.last.gtid.gtid.uuid, "\xbb\xbb\xbb\xbb", 4);
	route_is(NULL, "latest", false, "0 1:200-2:400, 1 1:4-1:600 less, "
	    "last 500, not 0");
	/* the end of what both had: nothing of B */
	route_is(NULL, at(85), false, "0 1:200-2:400, last 300, not 300");
	route_is(NULL, at(75), false, "0 1:200-2:300, last 200, not 300");
	route_is(NULL, UUID_B ":2", false, "0 1:200-2:400, 1 1:4-1:500 less, "
	    "last 400, not 500");
	route_is(NULL, UUID_A ":7", false, "0 1:200-2:300, last 200, not 300");
}

/* What only the lost primary had is not on the way to any time. */
static void
test_route_to_a_side_branch_by_name_alone(void **state)
{
	(void)state;
	fail_over();
	route_is(NULL, at(95), false, "0 1:200-2:400, last 300, not 300");
	route_is(NULL, at(100), false, "0 1:200-2:400, last 300, not 300");
	route_is(NULL, UUID_A ":9", false, "0 1:200-2:500, last 400, not 500");
	route_is(NULL, UUID_A ":10", false, "0 1:200-2:600, last 500, not 0");
	route_is(BACKUP(1), UUID_A ":10", true,
	    "0 1:200-2:500, last 400, not 500");
}

/* The same name and position in both: only a GTID says which. */
static void
test_route_to_a_position_of_two_histories(void **state)
{
	struct err e = {0};

	(void)state;
	fail_over();
	assert_int_equal(find(NULL, "b.000002:300", false, &e), -1);
	assert_string_equal(e.msg, "b.000002:300 is a place in 2 histories of "
	    "a");
	assert_string_equal(e.hint, "name a GTID, or a time");
	assert_int_equal(e.code, ERR_USAGE);
}

static void
test_route_from_a_replicas_backup(void **state)
{
	struct taken taken = {0};
	struct err e = {0};

	(void)state;
	one_history(ten);
	logs_backup(&(struct logs_backup){ .id = BACKUP(3), .file =
	    "r.000007", .position = 7, .gtid = UUID_A ":1-3:5", .server =
	    'b', .at = 55 });
	loaded_load();
	route_is(BACKUP(3), at(75), false,
	    "0 2:4-3:200 less, last 100, not 200");
	fixture_ok(leg_each(fixture_store, &t, &r.legs[0], note, &taken,
	    &e), &e);
	assert_int_equal(taken.n, 3);
	assert_int_equal(taken.numbers[0], 4);
	assert_int_equal(taken.numbers[1], 6);
	assert_int_equal(taken.numbers[2], 7);
}

/* --- damage --- */

static void
test_route_names_a_damaged_index(void **state)
{
	char why[300];

	(void)state;
	one_history(ten);
	fixture_damage("sources/a/index/" HIST(1) "-00000002.ndjson.zst", -1);
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/index/" HIST(1)
	    "-00000002.ndjson.zst: damaged zstd data: Restored data doesn't "
	    "match checksum", fixture_root);
	no_route(NULL, at(75), false, ERR_CORRUPT, why);
	/* and what does not need it is found */
	route_is(BACKUP(1), at(25), false, "0 1:200-1:300, last 200, not "
	    "300");
	route_is(BACKUP(1), at(75), false, "0 1:200-3:200, last 100, not "
	    "200");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_route_to_a_time),
		TEST(test_route_through_segments_that_overlap),
		TEST(test_route_of_no_transactions),
		TEST(test_route_outside_of_windows),
		TEST(test_route_where_the_clock_was_set_back),
		TEST(test_route_from_a_backup_with_a_slow_clock),
		TEST(test_route_from_a_backup_that_does_not_fit),
		TEST(test_route_passes_over_partial_backups),
		TEST(test_route_is_as_defined),
		TEST(test_route_to_a_gtid),
		TEST(test_route_to_a_gtid_of_mariadb),
		TEST(test_route_to_a_position),
		TEST(test_route_over_damage),
		TEST(test_route_over_a_hole),
		TEST(test_route_over_a_fail_over),
		TEST(test_route_to_a_side_branch_by_name_alone),
		TEST(test_route_to_a_position_of_two_histories),
		TEST(test_route_from_a_replicas_backup),
		TEST(test_route_names_a_damaged_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
