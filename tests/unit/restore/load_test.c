/* SPDX-License-Identifier: Apache-2.0 */
/* load_test: rows arrive once and all, or the chunk that failed is named. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/progress.h"
#include "restore/load.h"
#include "restore/plan.h"
#include "restore/target.h"
#include "tests/unit/catalog/made.h"
#include "tests/unit/mysql/fake.h"

#define STEP(t, kind, n) "INSERT INTO kura_restore.step VALUES (" #t ",'"     \
    kind "'," #n ",'done') ON DUPLICATE KEY UPDATE state='done'\n"
#define TAIL	" CHARACTER SET binary FIELDS TERMINATED BY '\\t' ESCAPED BY " \
    "'\\\\' LINES TERMINATED BY '\\n' "
#define BIG	"LOAD INTO TABLE `a`.`big`" TAIL "(`id`,`t`)\n"
#define SMALL	"LOAD INTO TABLE `a`.`small`" TAIL "(@v0) SET `id`=@v0+0\n"
#define BEGIN	"START TRANSACTION\n"
#define END	"COMMIT\n"

static struct restore_plan plan;
static struct target target;
static struct progress_totals totals;
static const struct conn_opts no_opts;

static int
setup(void **state)
{
	struct made m = MADE_INIT;
	struct err e = {0};

	if (fixture_setup(state) != 0)
		return -1;
	made_write(&m);
	plan = (struct restore_plan){ .head = m.head };
	target = (struct target){ .opts = &no_opts, .local_infile = true,
	    .flavour = { .kind = FLAVOUR_MYSQL, .version = 80400,
	    .max_allowed_packet = 1 << 20 } };
	totals = (struct progress_totals){0};
	return restore_plan_read(fixture_store, &plan, &e);
}

static int
teardown(void **state)
{
	restore_plan_free(&plan);
	fake_reset();
	return fixture_teardown(state);
}

static int
load(unsigned workers, struct err *e)
{
	const struct load_opts opts = { .store = fixture_store,
	    .plan = &plan, .target = &target, .workers = workers,
	    .totals = &totals };

	return load_run(&opts, e);
}

/* The log from the first transaction on: what stands before is the session. */
static const char *
statements(void)
{
	const char *at = strstr(buf_str(&fake.log), BEGIN);

	return at != NULL ? at : "";
}

static void
test_load_all_in_order(void **state)
{
	struct err e = {0};

	(void)state;
	fixture_ok(load(1, &e), &e);
	assert_string_equal(buf_str(&fake.loaded),
	    "1\tx\n2\t\\N\n3\t\\t\\\\\n7\n");
	/* each chunk's note is in its own transaction */
	assert_string_equal(statements(),
	    BEGIN BIG STEP(1, "chunk", 0) END
	    BEGIN BIG STEP(1, "chunk", 1) END
	    BEGIN SMALL STEP(2, "chunk", 0) END);
	assert_int_equal(totals.rows, 4);
	assert_int_equal(totals.raw, 18);
	assert_int_equal(totals.tables, 2);
}

static void
test_load_adds_indexes_after_the_last_chunk(void **state)
{
	struct err e = {0};

	(void)state;
	plan.tables[0].later = strdup("ADD KEY `k` (`t`(9))");
	fixture_ok(load(1, &e), &e);
	assert_string_equal(statements(),
	    BEGIN BIG STEP(1, "chunk", 0) END
	    BEGIN BIG STEP(1, "chunk", 1) END
	    "ALTER TABLE `a`.`big` ADD KEY `k` (`t`(9))\n"
	    STEP(1, "indexes", 0)
	    BEGIN SMALL STEP(2, "chunk", 0) END);
}

static void
test_load_under_new_names(void **state)
{
	struct err e = {0};

	(void)state;
	plan.tables[0].to_schema = "z`";
	plan.tables[0].to_name = "n";
	fixture_ok(load(1, &e), &e);
	assert_non_null(strstr(statements(), "LOAD INTO TABLE `z```.`n` "));
	assert_null(strstr(statements(), "`big`"));
}

/* --- going on --- */

static int
first_chunk_done(const char *sql, struct buf *names, struct buf *rows,
    struct err *e)
{
	(void)names;
	(void)e;
	if (strstr(sql, "table_n=1 AND kind='chunk' AND n=0") != NULL ||
	    strstr(sql, "kind='indexes'") != NULL)
		buf_adds(rows, "done\n");
	return 0;
}

static void
test_load_resumes_behind_what_is_done(void **state)
{
	struct err e = {0};

	(void)state;
	target.resume = true;
	fake.query = first_chunk_done;
	plan.tables[0].later = strdup("ADD KEY `k` (`t`)");
	fixture_ok(load(1, &e), &e);
	assert_string_equal(buf_str(&fake.loaded), "3\t\\t\\\\\n7\n");
	assert_null(strstr(statements(), "ALTER TABLE"));
}

static int
duplicate_key(const char *sql, struct err *e)
{
	if (strncmp(sql, "ALTER TABLE", 11) != 0)
		return 0;
	(void)err_set(e, ERR_IO, 0, "Duplicate key name 'k'");
	e->sys = 1061;
	return -1;
}

/* Killed between the ALTER and its note. */
static void
test_load_resumes_behind_indexes_that_are_there(void **state)
{
	struct err e = {0};

	(void)state;
	fake.exec = duplicate_key;
	plan.tables[0].later = strdup("ADD KEY `k` (`t`)");
	fixture_failed(load(1, &e), &e, ERR_IO, "indexes of table a.big: "
	    "Duplicate key name 'k'");
	target.resume = true;
	fixture_ok(load(1, &e), &e);
	assert_non_null(strstr(statements(), STEP(1, "indexes", 0)));
}

/* --- loss and damage --- */

static void
fails(enum err_code code, const char *why)
{
	struct err e = {0};

	fixture_failed(load(1, &e), &e, code, why);
	/* nothing of the chunk stays, and no other is begun */
	assert_non_null(strstr(statements(), "ROLLBACK\n"));
	assert_string_equal(strstr(statements(), "ROLLBACK\n"),
	    "ROLLBACK\n");
}

static void
test_load_counts_that_differ(void **state)
{
	(void)state;
	fake.count_wrong = true;
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": 1 rows "
	    "loaded, 0 skipped, 0 deleted; the backup has 2");
	assert_null(strstr(statements(), END));
}

static void
test_load_skipped_rows(void **state)
{
	(void)state;
	fake.skipped = 1;
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": 2 rows "
	    "loaded, 1 skipped, 0 deleted; the backup has 2");
}

static void
test_load_warnings(void **state)
{
	struct err e = {0};

	(void)state;
	fake.warnings = 3;
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": 3 warnings "
	    "of LOAD DATA");
	buf_clear(&fake.log);
	fake.warning = "Data truncated";
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": Data "
	    "truncated");
	/* an ENUM's index 0 warns: as often as was counted at dump time */
	fake.warning = NULL;
	fake.warnings = 1;
	plan.chunks[0].enum0 = plan.chunks[1].enum0 = plan.chunks[2].enum0 =
	    1;
	fixture_ok(load(1, &e), &e);
	fake.warnings = 0;
	buf_clear(&fake.log);
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": 0 warnings "
	    "of LOAD DATA");
}

static void
test_load_damaged_chunk(void **state)
{
	struct buf packed = {0};
	struct err e = {0};

	(void)state;
	fixture_damage(MADE_KEY(MADE_CHUNK(0)), -1);
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": damaged "
	    "zstd data: Restored data doesn't match checksum");
	/* a whole frame with as many rows, but others */
	fixture_ok(frame_compress("1\ty\n2\tz\n", 8, 1, &packed, &e), &e);
	fixture_put(MADE_KEY(MADE_CHUNK(0)), packed.data, packed.len);
	buf_clear(&fake.log);
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": its digest "
	    "is not the one in the list");
	buf_free(&packed);
}

static void
test_load_missing_chunk(void **state)
{
	const char *key = MADE_KEY(MADE_CHUNK(0));
	struct err e = {0};

	(void)state;
	fixture_ok(store_delete(fixture_store, &key, 1, &e), &e);
	assert_int_equal(load(1, &e), -1);
	/* of a backup, absence is damage */
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_memory_equal(e.msg, "table a.big, chunk " MADE_CHUNK(0) ": ",
	    strlen("table a.big, chunk " MADE_CHUNK(0) ": "));
}

static void
test_load_damaged_member(void **state)
{
	struct err e = {0};
	char why[200];
	long at = (long)plan.chunks[2].place.offset;

	(void)state;
	fixture_damage(MADE_KEY(MADE_BUNDLE), at + 3);
	(void)snprintf(why, sizeof(why), "table a.small, chunk " MADE_BUNDLE
	    ": " MADE_BUNDLE " at %ld: digest differs", at);
	fixture_failed(load(1, &e), &e, ERR_CORRUPT, why);
	assert_non_null(strstr(statements(), STEP(1, "chunk", 1) END));
}

static int
commit_lost(const char *sql, struct err *e)
{
	return strcmp(sql, "COMMIT") != 0 ? 0 : err_set(e, ERR_AGAIN, 0,
	    "Lost connection");
}

static void
test_load_lost_commit(void **state)
{
	(void)state;
	fake.exec = commit_lost;
	fails(ERR_AGAIN, "table a.big, chunk " MADE_CHUNK(0) ": Lost "
	    "connection");
	assert_int_equal(totals.rows, 0);
}

/* --- where LOAD DATA LOCAL is off --- */

static void
test_load_by_inserts(void **state)
{
	struct err e = {0};

	(void)state;
	target.local_infile = false;
	fixture_ok(load(1, &e), &e);
	assert_string_equal(statements(),
	    BEGIN "INSERT IGNORE INTO `a`.`big` (`id`,`t`) VALUES (_binary "
	    "'1',_binary 'x'),(_binary '2',NULL)\n" STEP(1, "chunk", 0) END
	    BEGIN "INSERT IGNORE INTO `a`.`big` (`id`,`t`) VALUES (_binary "
	    "'3',_binary '\t\\')\n" STEP(1, "chunk", 1) END
	    BEGIN "INSERT IGNORE INTO `a`.`small` (`id`) VALUES (7)\n"
	    STEP(2, "chunk", 0) END);
	plan.chunks[0].rows = 3;
	buf_clear(&fake.log);
	fails(ERR_CORRUPT, "table a.big, chunk " MADE_CHUNK(0) ": 2 rows and 0 "
	    "warnings; the backup has 3 and 0");
}

/* --- statements --- */

static void
test_load_tail_of_each_conversion(void **state)
{
	static char a[] = "a`b", f[] = "f", e[] = "e", j[] = "j", u[] = "u";
	struct schema_column columns[] = {
		{ .name = a, .as = CONVERSION_PLAIN },
		{ .name = f, .as = CONVERSION_FLOAT },
		{ .name = e, .as = CONVERSION_NUMBER },
		{ .name = j, .as = CONVERSION_JSON },
		{ .name = u, .as = CONVERSION_ASCII },
	};
	struct plan_table t = { .to_schema = "s", .to_name = "t",
	    .columns = columns, .ncolumns = 5 };
	struct buf out = {0};

	(void)state;
	load_tail(&t, &out);
	assert_string_equal(buf_str(&out), "INTO TABLE `s`.`t`" TAIL
	    "(`a``b`,`f`,@v2,@v3,@v4) SET `e`=@v2+0, `j`=CONVERT(@v3 USING "
	    "utf8mb4), `u`=CONVERT(@v4 USING ascii)");
	buf_clear(&out);
	t.ncolumns = 0;
	load_tail(&t, &out);
	assert_string_equal(buf_str(&out), "INTO TABLE `s`.`t`" TAIL "(@v0)");
	buf_free(&out);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_load_all_in_order),
		IN_STORE(test_load_adds_indexes_after_the_last_chunk),
		IN_STORE(test_load_under_new_names),
		IN_STORE(test_load_resumes_behind_what_is_done),
		IN_STORE(test_load_resumes_behind_indexes_that_are_there),
		IN_STORE(test_load_counts_that_differ),
		IN_STORE(test_load_skipped_rows),
		IN_STORE(test_load_warnings),
		IN_STORE(test_load_damaged_chunk),
		IN_STORE(test_load_missing_chunk),
		IN_STORE(test_load_damaged_member),
		IN_STORE(test_load_lost_commit),
		IN_STORE(test_load_by_inserts),
		cmocka_unit_test(test_load_tail_of_each_conversion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
