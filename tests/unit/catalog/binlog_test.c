/* SPDX-License-Identifier: Apache-2.0 */
/* binlog_test: events come back from any segments, and damage is named. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/binlog.h"
#include "tests/unit/catalog/archived.h"

static struct buf file;		/* the recorded one */
static struct timeline t;

static int
setup(void **state)
{
	file = (struct buf){0};
	t = (struct timeline){0};
	return fixture_setup(state);
}

static int
teardown(void **state)
{
	buf_free(&file);
	timeline_free(&t);
	return fixture_teardown(state);
}

static void
load(void)
{
	struct err e = {0};

	timeline_free(&t);
	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
	assert_int_equal(t.ndamage, 0);
	assert_int_equal(t.nhistories, 1);
}

/* History of a recorded file whose server's kind its name tells. */
static void
begin(const char *name)
{
	buf_clear(&file);
	recorded_read(name, "binlog", &file);
	archived_history(ID, strncmp(name, "mysql", 5) == 0 ? "mysql" :
	    "mariadb", "b.000001");
}

/* All events of the leg, one after another; the bytes of those replayed are
 * those of the file from `from` to `to`. */
static void
reads(uint32_t seq, uint64_t from, uint64_t to)
{
	const struct route_leg leg = { .from_seq = seq, .to_seq = seq,
	    .from_offset = from, .to_offset = to };
	struct binlog_item item;
	struct err e = {0};
	struct binlog *b;
	uint64_t at = from < 4 ? 4 : from;
	bool first = true;
	int rc;

	b = binlog_open(fixture_store, &t, &leg, &e);
	fixture_ok(b != NULL ? 0 : -1, &e);
	while ((rc = binlog_next(b, &item, &e)) == 1) {
		assert_string_equal(item.file, "b.000001");
		assert_int_equal(item.seq, seq);
		assert_true(item.format->known);
		assert_memory_equal(item.event->data, file.data + item.offset,
		    item.event->size);
		assert_true(!first || item.event->type == EVENT_FORMAT);
		first = false;
		assert_true(item.replayed == (item.offset >= from));
		if (!item.replayed)
			continue;
		assert_int_equal(item.offset, at);
		at += item.event->size;
	}
	fixture_ok(rc, &e);
	assert_int_equal(at, to);
	binlog_close(b);
}

/* From and to every transaction. */
static void
reads_everywhere(void)
{
	struct archived_scan *x = calloc(1, sizeof(*x));
	size_t i, last;

	archived_scan(&file, x);
	last = x->n - 1;
	reads(1, 0, file.len);
	reads(1, 4, x->all[0].offset);
	for (i = 0; i < x->n; i += 5) {
		reads(1, 4, x->all[i].end);
		reads(1, x->all[i].offset, x->all[i].end);
		reads(1, x->all[i].offset, x->all[last].end);
		reads(1, x->all[i].end, file.len);
	}
	archived_scan_free(x);
	free(x);
}

static void
test_binlog_of_a_finished_file(void **state)
{
	uint64_t cuts[2] = { 0 };

	(void)state;
	begin("mysql-transactions");
	cuts[1] = file.len;
	archived_file(ID, 1, "b.000001", "", &file, cuts, 2);
	load();
	reads_everywhere();
}

/* Objects end wherever they do: within events, and right after the magic. */
static void
test_binlog_of_a_file_in_pieces(void **state)
{
	uint64_t cuts[8] = { 0, 4, 5, 127, 158, 1000, 33333 };

	(void)state;
	begin("mysql-transactions");
	cuts[7] = file.len;
	archived_file(ID, 1, "b.000001", "", &file, cuts, 8);
	load();
	reads_everywhere();
}

/* Segments that overlap, as after a restart of the archiver; the longest
 * counts. */
static void
test_binlog_of_live_segments(void **state)
{
	struct archived_scan *x = calloc(1, sizeof(*x));
	uint64_t at = 0, next;
	size_t i;

	(void)state;
	begin("mariadb-transactions");
	archived_scan(&file, x);
	for (i = 0; i + 3 < x->n; i += 3) {
		next = x->all[i + 2].end;
		archived_segment(ID, 1, &file, x, at, next);
		archived_segment(ID, 1, &file, x, at, x->all[i].end);
		if (i % 2 == 0)
			archived_segment(ID, 1, &file, x, x->all[i].offset,
			    x->all[i + 3].end);
		at = next;
	}
	archived_segment(ID, 1, &file, x, at, file.len);
	archived_scan_free(x);
	free(x);
	load();
	assert_true(t.histories[0].files[0].live);
	assert_int_equal(t.histories[0].files[0].end, file.len);
	reads_everywhere();
}

static void
test_binlog_of_each_recorded_file(void **state)
{
	uint64_t cuts[3] = { 0, 300 };
	size_t i;

	for (i = 0; i < RECORDED; i++) {
		begin(recorded_names[i]);
		cuts[2] = file.len;
		archived_file(ID, 1, "b.000001", "", &file, cuts, 3);
		load();
		reads_everywhere();
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
}

/* Names of files and offsets, as "1:4 1:127 2:4". */
static void
goes_over_files(uint32_t from_seq, uint64_t from, uint32_t to_seq,
    uint64_t to, const char *files)
{
	const struct route_leg leg = { .from_seq = from_seq, .to_seq = to_seq,
	    .from_offset = from, .to_offset = to };
	struct binlog_item item;
	struct buf got = {0};
	struct err e = {0};
	struct binlog *b;
	uint64_t replayed = 0;
	uint32_t seq = 0;
	int rc;

	b = binlog_open(fixture_store, &t, &leg, &e);
	fixture_ok(b != NULL ? 0 : -1, &e);
	while ((rc = binlog_next(b, &item, &e)) == 1) {
		if (item.seq != seq) {
			assert_int_equal(item.event->type, EVENT_FORMAT);
			assert_int_equal(item.offset, 4);
			buf_addf(&got, "%s ", item.file);
		}
		seq = item.seq;
		if (item.replayed)
			replayed += item.event->size;
	}
	fixture_ok(rc, &e);
	assert_string_equal(buf_str(&got), files);
	/* All but the magic of each file. */
	assert_int_equal(replayed, (to_seq - from_seq) * (file.len - 4) +
	    (to < 4 ? 4 : to) - (from < 4 ? 4 : from));
	binlog_close(b);
	buf_free(&got);
}

static void
test_binlog_goes_over_files(void **state)
{
	uint64_t cuts[3] = { 0, 1000 };
	uint32_t seq;

	(void)state;
	begin("mysql-transactions");
	cuts[2] = file.len;
	for (seq = 1; seq <= 9; seq++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "b.%06u", (unsigned)seq);
		archived_file(ID, seq, name, "", &file, cuts, 3);
	}
	archived_live(ID, 10, &file, cuts, 2);
	load();
	goes_over_files(1, 0, 10, 994, "b.000001 b.000002 b.000003 b.000004 "
	    "b.000005 b.000006 b.000007 b.000008 b.000009 b.000010 ");
	goes_over_files(3, 587, 5, 1187, "b.000003 b.000004 b.000005 ");
	/* nothing but its head is read of what was read to its end */
	goes_over_files(3, file.len, 4, 994, "b.000003 b.000004 ");
	/* nor anything of a file of which nothing is taken */
	goes_over_files(3, 587, 4, 4, "b.000003 ");
	goes_over_files(3, 587, 4, 0, "b.000003 ");
	goes_over_files(3, 587, 3, 587, "b.000003 ");
}

/* The last segment ends so many bytes before the file. */
static void
is_torn(uint64_t missing, bool torn)
{
	struct archived_scan *x = calloc(1, sizeof(*x));
	const uint64_t end = file.len - missing;
	const struct route_leg leg = { .from_seq = 1, .to_seq = 1,
	    .to_offset = end };
	struct binlog_item item;
	struct err e = {0};
	struct binlog *b;
	int rc;

	archived_scan(&file, x);
	archived_segment(ID, 1, &file, x, 0, end);
	archived_scan_free(x);
	free(x);
	load();
	b = binlog_open(fixture_store, &t, &leg, &e);
	fixture_ok(b != NULL ? 0 : -1, &e);
	while ((rc = binlog_next(b, &item, &e)) == 1)
		continue;
	assert_int_equal(rc, torn ? -1 : 0);
	assert_int_equal(binlog_torn(b), torn);
	binlog_close(b);
}

static void
test_binlog_that_is_torn_says_so(void **state)
{
	(void)state;
	begin("mariadb-transactions");
	is_torn(1, true);	/* within an event, */
	is_torn(0, false);	/* (and the longer one counts) */
}

/* --- damage --- */

static void
fails(uint64_t from, uint64_t to, enum err_code code, const char *why)
{
	const struct route_leg leg = { .from_seq = 1, .to_seq = 1,
	    .from_offset = from, .to_offset = to };
	struct binlog_item item;
	struct err e = {0};
	struct binlog *b;
	int rc = -1;

	b = binlog_open(fixture_store, &t, &leg, &e);
	while (b != NULL && (rc = binlog_next(b, &item, &e)) == 1)
		continue;
	fixture_failed(rc, &e, code, why);
	binlog_close(b);
}

static void
test_binlog_in_another_ones_place(void **state)
{
	uint64_t cuts[2] = { 0 };
	char why[300];

	(void)state;
	begin("mysql-transactions");
	cuts[1] = file.len;
	archived_file(ID, 1, "b.000001",
	    "11111111-2222-3333-4444-555555555555:1-7", &file, cuts, 2);
	load();
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/binlog/" ID
	    "/00000001/00000000000000000000-%020zu.zst: the list of another "
	    "file's GTIDs at 127", fixture_root, file.len);
	fails(4, file.len, ERR_CORRUPT, why);
}

/* The second of three objects. */
#define SECOND "sources/a/binlog/" ID "/00000001/00000000000000000994-"	\
    "00000000000000001187.zst"

static void
three_objects(void)
{
	uint64_t cuts[4] = { 0, 994, 1187 };

	begin("mysql-transactions");
	cuts[3] = file.len;
	archived_file(ID, 1, "b.000001", "", &file, cuts, 4);
	load();
}

static void
put_second(const void *data, size_t n)
{
	struct buf object = {0};
	struct err e = {0};

	fixture_ok(frame_compress(data, n, 1, &object, &e), &e);
	fixture_put(SECOND, object.data, object.len);
	buf_free(&object);
}

/* By another level of compression. */
static void
put_again(const void *data, size_t n)
{
	struct buf object = {0};
	struct err e = {0};

	fixture_ok(frame_compress(data, n, 19, &object, &e), &e);
	fixture_put(SECOND, object.data, object.len);
	buf_free(&object);
}

static void
test_binlog_names_what_is_damaged(void **state)
{
	const char *keys[] = { SECOND };
	struct buf bytes = {0};
	struct err e = {0};
	char why[400];

	(void)state;
	three_objects();
	fixture_damage(SECOND, -1);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": damaged zstd "
	    "data: Restored data doesn't match checksum", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);
	/* and spoils nothing else */
	reads(1, 4, 994);
	reads(1, 1187, file.len);

	put_second(file.data + 994, 192);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": holds the "
	    "bytes up to 1186, not to 1187", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);
	put_second(file.data + 994, 194);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": holds the "
	    "bytes up to 1188, not to 1187", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);

	buf_add(&bytes, file.data + 994, 193);
	bytes.data[100] ^= 1;
	put_second(bytes.data, bytes.len);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": event at "
	    "1071: Query event: wrong checksum", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);
	bytes.data[100] ^= 1;
	memset(bytes.data + 9, 0, 4);
	put_second(bytes.data, bytes.len);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": no event at "
	    "994", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);
	buf_free(&bytes);

	/* the right bytes, but not the object that was written */
	put_again(file.data + 994, 193);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": its digest is "
	    "not that of the file's document", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);

	fixture_ok(store_delete(fixture_store, keys, 1, &e), &e);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": open: No such "
	    "file or directory", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);
	reads(1, 1187, file.len);
}

/* An event of another place, whole in itself. */
static void
test_binlog_refuses_swapped_bytes(void **state)
{
	struct buf swapped = {0};
	char why[300];

	(void)state;
	three_objects();
	/* the GTID event of 788 is as long as that of 994 */
	buf_add(&swapped, file.data + 788, 77);
	buf_add(&swapped, file.data + 1071, 116);
	put_second(swapped.data, swapped.len);
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": an event of "
	    "another place at 994", fixture_root);
	fails(0, file.len, ERR_CORRUPT, why);
	buf_free(&swapped);
}

static void
test_binlog_refuses_other_legs(void **state)
{
	char why[300];

	(void)state;
	three_objects();
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": the leg ends "
	    "within the event at 994", fixture_root);
	fails(0, 1000, ERR_CORRUPT, why);
	fails(file.len + 1, file.len + 9, ERR_CORRUPT, "b.000001: no archived "
	    "bytes at 47357");
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/binlog/" ID
	    "/00000001/00000000000000001187-%020zu.zst: the archive ends at "
	    "%zu", fixture_root, file.len, file.len);
	fails(0, file.len + 9, ERR_CORRUPT, why);
	/* from within an event */
	(void)snprintf(why, sizeof(why), "file://%s/" SECOND ": no event at "
	    "1000", fixture_root);
	fails(1000, file.len, ERR_CORRUPT, why);
}

static void
test_binlog_that_is_none(void **state)
{
	uint64_t cuts[2] = { 0 };
	char why[300];

	(void)state;
	begin("mysql-transactions");
	cuts[1] = file.len;
	archived_file(ID, 1, "b.000001", "", &file, cuts, 2);
	file.data[0] ^= 1;
	load();
	/* the object again, of other bytes */
	{
		struct buf object = {0};
		struct err e = {0};
		char key[STORE_KEY_MAX];

		fixture_ok(frame_compress(file.data, file.len, 1, &object,
		    &e), &e);
		segment_key("a", ID, 1, 0, file.len, key);
		fixture_put(key, object.data, object.len);
		(void)snprintf(why, sizeof(why), "file://%s/%.150s: no binary "
		    "log at 0", fixture_root, key);
		buf_free(&object);
	}
	fails(0, file.len, ERR_CORRUPT, why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_binlog_of_a_finished_file),
		TEST(test_binlog_of_a_file_in_pieces),
		TEST(test_binlog_of_live_segments),
		TEST(test_binlog_that_is_torn_says_so),
		TEST(test_binlog_of_each_recorded_file),
		TEST(test_binlog_goes_over_files),
		TEST(test_binlog_in_another_ones_place),
		TEST(test_binlog_names_what_is_damaged),
		TEST(test_binlog_refuses_swapped_bytes),
		TEST(test_binlog_refuses_other_legs),
		TEST(test_binlog_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
