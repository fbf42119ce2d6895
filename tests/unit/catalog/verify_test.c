/* SPDX-License-Identifier: Apache-2.0 */
/* verify_test: damage is found, named, and spoils nothing else. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/verify.h"
#include "tests/unit/catalog/made.h"

#define FAST	1
#define FULL	2

static void
found(void *arg, const char *what, const char *why)
{
	buf_addf(arg, "%s: %s\n", what, why);
}

static void
verify(const struct head *h, bool fast, const char *want, unsigned damaged,
    struct verify_result *result)
{
	struct buf out = {0};
	struct verify_opts opts = { .fast = fast, .workers = 1,
	    .found = found, .arg = &out };
	struct err e = {0};
	char why[64];
	int rc;

	/* That there is a head is all that is asked of it. */
	fixture_put(MADE_KEY("heads/" ID ".json"), "", 0);
	rc = verify_backup(fixture_store, h, &opts, result, &e);
	assert_string_equal(buf_str(&out), want);
	if (damaged == 0) {
		fixture_ok(rc, &e);
	} else {
		(void)snprintf(why, sizeof(why), "a/" ID ": %u damaged",
		    damaged);
		fixture_failed(rc, &e, ERR_CORRUPT, why);
	}
	assert_int_equal(result->damaged, damaged);
	buf_free(&out);
}

/* Both ways find the same. */
static void
finds(struct made *m, int how, const char *want, unsigned damaged)
{
	struct verify_result result;

	if (how & FAST)
		verify(&m->head, true, want, damaged, &result);
	if (how & FULL)
		verify(&m->head, false, want, damaged, &result);
}

static void
drop(const char *key)
{
	struct err e = {0};

	fixture_ok(store_delete(fixture_store, &key, 1, &e), &e);
}

/* --- whole ones --- */

static void
test_verify_whole(void **state)
{
	struct made m = MADE_INIT;
	struct verify_result result;

	(void)state;
	made_write(&m);
	verify(&m.head, true, "", 0, &result);
	assert_int_equal(result.objects, 3);
	verify(&m.head, false, "", 0, &result);
	assert_int_equal(result.objects, 3);
	assert_int_equal(result.rows, 4);
	assert_int_equal(result.raw, strlen(m.chunks[0]) +
	    strlen(m.chunks[1]) + strlen(m.small));
	head_free(&m.head);
}

/* Its head went first, and then what it needs: that is no damage. */
static void
test_verify_expired_meanwhile(void **state)
{
	struct buf out = {0};
	struct verify_opts opts = { .workers = 1, .found = found,
	    .arg = &out };
	struct made m = MADE_INIT;
	struct verify_result result;
	struct err e = {0};
	int fast;

	(void)state;
	made_write(&m);
	drop(MADE_KEY(MADE_CHUNK(1)));
	for (fast = 0; fast < 2; fast++) {
		opts.fast = fast == 1;
		fixture_failed(verify_backup(fixture_store, &m.head, &opts,
		    &result, &e), &e, ERR_NOTFOUND, "a/" ID " has expired "
		    "meanwhile");
		assert_string_equal(buf_str(&out), "");
		assert_int_equal(result.damaged, 0);
	}
	head_free(&m.head);
}

static void
test_verify_with_many_workers(void **state)
{
	struct buf out = {0};
	const struct verify_opts opts = { .workers = 8, .found = found,
	    .arg = &out };
	struct made m = MADE_INIT;
	struct verify_result result;
	struct err e = {0};

	(void)state;
	made_write(&m);
	fixture_ok(verify_backup(fixture_store, &m.head, &opts, &result, &e),
	    &e);
	assert_int_equal(result.rows, 4);
	assert_string_equal(buf_str(&out), "");
	head_free(&m.head);
}

/* --- objects --- */

static void
test_verify_missing_objects(void **state)
{
	struct made m = MADE_INIT;

	(void)state;
	made_write(&m);
	drop(MADE_KEY(MADE_CHUNK(1)));
	finds(&m, FAST | FULL, MADE_CHUNK(1) ": missing\n", 1);
	drop(MADE_KEY(MADE_LIST));
	drop(MADE_KEY(MADE_CHUNK(0)));
	head_free(&m.head);
	made_write(&m);
	drop(MADE_KEY(MADE_BUNDLE));
	finds(&m, FAST, MADE_BUNDLE ": missing\n", 1);
	head_free(&m.head);
}

static void
test_verify_wrong_sizes(void **state)
{
	struct made m = MADE_INIT;
	struct buf all = {0};
	struct err e = {0};
	char want[256];

	(void)state;
	made_write(&m);
	fixture_ok(store_get(fixture_store, MADE_KEY(MADE_CHUNK(0)), 4096,
	    &all, &e), &e);
	fixture_put(MADE_KEY(MADE_CHUNK(0)), all.data, all.len - 1);
	(void)snprintf(want, sizeof(want), MADE_CHUNK(0) ": has %zu bytes, "
	    "not %zu\n", all.len - 1, all.len);
	finds(&m, FAST, want, 1);
	finds(&m, FULL, MADE_CHUNK(0) ": damaged zstd data: cut short\n", 1);
	fixture_put(MADE_KEY(MADE_CHUNK(0)), all.data, all.len);
	buf_clear(&all);
	fixture_ok(store_get(fixture_store, MADE_KEY(MADE_BUNDLE), 65536,
	    &all, &e), &e);
	/* the zeros that end a tar: no member lacks anything, it is damage */
	fixture_put(MADE_KEY(MADE_BUNDLE), all.data, all.len - 512);
	(void)snprintf(want, sizeof(want), MADE_BUNDLE ": has %zu bytes, not "
	    "%zu\n", all.len - 512, all.len);
	finds(&m, FAST | FULL, want, 1);
	buf_free(&all);
	head_free(&m.head);
}

static void
test_verify_damaged_chunk(void **state)
{
	struct made m = MADE_INIT;

	(void)state;
	made_write(&m);
	fixture_damage(MADE_KEY(MADE_CHUNK(0)), -1);
	finds(&m, FAST, "", 0);
	finds(&m, FULL, MADE_CHUNK(0) ": damaged zstd data: Restored data "
	    "doesn't match checksum\n", 1);
	head_free(&m.head);
}

/* Another good frame in its place: only the digest tells. */
static void
test_verify_exchanged_chunk(void **state)
{
	struct made m = MADE_INIT;
	struct buf packed = {0};
	struct err e = {0};

	(void)state;
	made_write(&m);
	fixture_ok(frame_compress("1\ty\n2\t\\N\n", 9, 1, &packed, &e), &e);
	fixture_put(MADE_KEY(MADE_CHUNK(0)), packed.data, packed.len);
	finds(&m, FULL, MADE_CHUNK(0) ": stored bytes differ from the list's "
	    "digest\n", 1);
	buf_free(&packed);
	head_free(&m.head);
}

static void
test_verify_damaged_member(void **state)
{
	struct made m = MADE_INIT;

	(void)state;
	made_write(&m);
	/* the first member's body is the procedure's definition */
	fixture_damage(MADE_KEY(MADE_BUNDLE), 512 + 6);
	finds(&m, FAST, "", 0);
	finds(&m, FULL, MADE_BUNDLE ": member at 512: digest differs\n", 1);
	head_free(&m.head);
}

/* A header is damaged: what stands behind it is found all the same. */
static void
test_verify_damaged_header(void **state)
{
	struct made m = MADE_INIT;

	(void)state;
	made_write(&m);
	fixture_damage(MADE_KEY(MADE_BUNDLE), 1024);
	finds(&m, FULL, MADE_BUNDLE ": tar: Damaged tar archive\n", 1);
	head_free(&m.head);
}

static void
test_verify_padding_of_a_bundle(void **state)
{
	struct made m = MADE_INIT;
	struct buf all = {0};
	struct err e = {0};

	(void)state;
	made_write(&m);
	fixture_ok(store_get(fixture_store, MADE_KEY(MADE_BUNDLE), 65536,
	    &all, &e), &e);
	buf_addc(&all, '\0');
	fixture_put(MADE_KEY(MADE_BUNDLE), all.data, all.len);
	assert_int_equal(all.len % 512, 1);
	finds(&m, FAST | FULL, MADE_BUNDLE ": has 7169 bytes, not 7168\n", 1);
	buf_free(&all);
	head_free(&m.head);
}

/* --- lists that lie, every digest right --- */

static const char *lie_kind, *lie_member;
static json_int_t lie_value;

/* Set one member of each line of a kind; "" leaves the lines out. */
static bool
lie(json_t *line)
{
	if (strcmp(head_text(line, "kind"), lie_kind) != 0)
		return true;
	if (lie_member[0] == '\0')
		return false;
	(void)json_object_set_new(line, lie_member, json_integer(lie_value));
	return true;
}

static void
lies(const char *kind, const char *member, json_int_t value, int how,
    const char *want, unsigned damaged)
{
	struct made m = MADE_INIT;

	m.change = lie;
	lie_kind = kind;
	lie_member = member;
	lie_value = value;
	made_write(&m);
	finds(&m, how, want, damaged);
	head_free(&m.head);
}

static void
test_verify_counts_that_lie(void **state)
{
	(void)state;
	lies("chunk", "rows", 2, FULL, MADE_CHUNK(1) ": rows differ from the "
	    "list's count or digest\n", 1);
	lies("member", "raw", 7, FULL, MADE_BUNDLE ": member at 5632: rows "
	    "differ from the list's count or digest\n", 1);
	lies("chunk", "table", 9, FULL, MADE_CHUNK(0) ": belongs to no table "
	    "of the lists\n" MADE_CHUNK(1) ": belongs to no table of the lists"
	    "\na.big: its chunks do not add up to the table's rows and digest"
	    "\n", 3);
	lies("table", "chunks", 1, FULL, "a.big: its chunks do not add up to "
	    "the table's rows and digest\na.small: its chunks do not add up to "
	    "the table's rows and digest\na.none: its chunks do not add up to "
	    "the table's rows and digest\n", 3);
	lies("table", "rows", 5, FAST, "head: its totals are not those of the "
	    "lists\n", 1);
	lies("table", "", 0, FAST, "head: its totals are not those of the "
	    "lists\n", 1);
}

static void
test_verify_lines_left_out(void **state)
{
	(void)state;
	lies("chunk", "", 0, FULL, "a.big: its chunks do not add up to the "
	    "table's rows and digest\n", 1);
	lies("trigger", "", 0, FULL, MADE_BUNDLE ": holds a member at 1536 "
	    "that no list names\n", 1);
}

static void
test_verify_rows_that_are_none(void **state)
{
	struct made m = MADE_INIT;

	(void)state;
	m.chunks[0] = "1\tx\ty\n2\tx\n";
	made_write(&m);
	finds(&m, FULL, MADE_CHUNK(0) ": row 1 has 3 columns, not 2\n", 1);
	head_free(&m.head);
	m.chunks[0] = "1\tx\n2\t\\x\n";
	made_write(&m);
	finds(&m, FULL, MADE_CHUNK(0) ": row 2: unknown escape\n", 1);
	head_free(&m.head);
	m.chunks[0] = "1\t\\\n2\tx\n";
	made_write(&m);
	finds(&m, FULL, MADE_CHUNK(0) ": row 1: unknown escape\n", 1);
	head_free(&m.head);
}

static void
test_verify_damaged_list(void **state)
{
	struct made m = MADE_INIT;

	(void)state;
	made_write(&m);
	fixture_damage(MADE_KEY(MADE_LIST), 20);
	finds(&m, FAST | FULL, MADE_LIST ": size or digest differs from the "
	    "head's\n", 1);
	head_free(&m.head);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_verify_whole),
		IN_STORE(test_verify_expired_meanwhile),
		IN_STORE(test_verify_with_many_workers),
		IN_STORE(test_verify_missing_objects),
		IN_STORE(test_verify_wrong_sizes),
		IN_STORE(test_verify_damaged_chunk),
		IN_STORE(test_verify_exchanged_chunk),
		IN_STORE(test_verify_damaged_member),
		IN_STORE(test_verify_damaged_header),
		IN_STORE(test_verify_padding_of_a_bundle),
		IN_STORE(test_verify_counts_that_lie),
		IN_STORE(test_verify_lines_left_out),
		IN_STORE(test_verify_rows_that_are_none),
		IN_STORE(test_verify_damaged_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
