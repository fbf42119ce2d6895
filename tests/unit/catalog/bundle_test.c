/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_test: members come back from their places; damage has a name. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <archive.h>
#include <archive_entry.h>

#include <cmocka.h>

#include "catalog/bundle.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"

#define BUNDLE	"data/" ID "/bundle/0.tar"
#define KEY	"sources/a/" BUNDLE

static struct bundle_writer *
writer(void)
{
	struct err e = {0};
	struct bundle_writer *w = bundle_writer_new(fixture_store, "a", ID,
	    &e);

	fixture_ok(w != NULL ? 0 : -1, &e);
	return w;
}

static void
add(struct bundle_writer *w, const char *name, const char *text,
    struct place *place)
{
	struct buf packed = {0};
	struct err e = {0};

	fixture_ok(frame_compress(text, strlen(text), 1, &packed, &e), &e);
	fixture_ok(bundle_add(w, name, packed.data, packed.len, place, &e),
	    &e);
	buf_free(&packed);
}

/* Two members, written and ended. */
static void
two(struct place *one, struct place *other)
{
	struct bundle_writer *w = writer();
	struct err e = {0};

	add(w, "00001-a.b.sql.zst", "CREATE TABLE `b`", one);
	add(w, "00002-a.c.tsv.zst", "1\t2\n", other);
	fixture_ok(bundle_writer_end(w, &e), &e);
	bundle_writer_free(w);
}

static void
reads(const struct place *p, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	fixture_ok(place_read(fixture_store, "a", p, &out, &e), &e);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
reads_not(const struct place *p, const char *why)
{
	struct buf out = {0};
	struct err e = {0};

	fixture_failed(place_read(fixture_store, "a", p, &out, &e), &e,
	    ERR_CORRUPT, why);
	buf_free(&out);
}

static int
note(void *arg, uint64_t offset, const struct buf *stored, struct err *e)
{
	(void)e;
	buf_addf(arg, "%llu+%zu ", (unsigned long long)offset, stored->len);
	return 0;
}

static int
stop(void *arg, uint64_t offset, const struct buf *stored, struct err *e)
{
	(void)arg;
	(void)stored;
	return err_set(e, ERR_IO, 0, "enough at %llu",
	    (unsigned long long)offset);
}

/* Every member's place and the size of the whole, or how it fails. */
static void
walks(const char *want, uint64_t want_size, enum err_code code,
    const char *why)
{
	struct buf seen = {0};
	struct err e = {0};
	uint64_t size = 0;
	int rc = bundle_read(fixture_store, "a", BUNDLE, note, &seen, &size,
	    &e);

	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	assert_int_equal(rc, code == ERR_NONE ? 0 : -1);
	assert_string_equal(buf_str(&seen), want);
	assert_int_equal(size, want_size);
	buf_free(&seen);
}

static void
test_bundle_members_come_back(void **state)
{
	struct place one, other;

	(void)state;
	two(&one, &other);
	assert_string_equal(one.bundle, BUNDLE);
	assert_int_equal(one.offset, 512);
	assert_int_equal(other.offset, 1536);
	reads(&one, "CREATE TABLE `b`");
	reads(&other, "1\t2\n");
}

static void
test_bundle_size_is_the_object_s(void **state)
{
	struct place one, other;
	struct err e = {0};
	uint64_t size;

	(void)state;
	two(&one, &other);
	fixture_ok(store_stat(fixture_store, KEY, &size, &e), &e);
	assert_int_equal(size, bundle_size(other.offset + other.length));
	assert_int_equal(bundle_size(512), 1536);
	assert_int_equal(bundle_size(513), 2048);
}

/* Any tar opens it. */
static void
test_bundle_is_a_tar(void **state)
{
	struct archive *tar = archive_read_new();
	struct archive_entry *entry;
	struct place one, other;
	char path[200], body[64];

	(void)state;
	two(&one, &other);
	(void)snprintf(path, sizeof(path), "%s/" KEY, fixture_root);
	assert_int_equal(archive_read_support_format_tar(tar), ARCHIVE_OK);
	assert_int_equal(archive_read_open_filename(tar, path, 512),
	    ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(tar, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry),
	    "00001-a.b.sql.zst");
	assert_int_equal(archive_entry_perm(entry), 0644);
	assert_int_equal(archive_read_data(tar, body, sizeof(body)),
	    one.length);
	assert_int_equal(archive_read_next_header(tar, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry),
	    "00002-a.c.tsv.zst");
	assert_int_equal(archive_read_next_header(tar, &entry), ARCHIVE_EOF);
	(void)archive_read_free(tar);
}

static void
test_bundle_of_nothing_is_no_object(void **state)
{
	struct bundle_writer *w = writer();
	struct err e = {0};
	uint64_t size;

	(void)state;
	fixture_ok(bundle_writer_end(w, &e), &e);
	bundle_writer_free(w);
	bundle_writer_free(NULL);
	assert_int_equal(store_stat(fixture_store, KEY, &size, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

static void
test_bundle_writer_free_leaves_nothing(void **state)
{
	struct bundle_writer *w = writer();
	struct place place;
	struct err e = {0};
	uint64_t size;

	(void)state;
	add(w, "x", "y", &place);
	bundle_writer_free(w);
	assert_int_equal(store_stat(fixture_store, KEY, &size, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

static void
test_bundle_rolls_over_at_64_mib(void **state)
{
	struct bundle_writer *w = writer();
	struct place p[3];
	struct err e = {0};
	size_t n = (size_t)33 << 20;
	char *data = calloc(1, n);
	uint64_t size;

	(void)state;
	fixture_ok(bundle_add(w, "a", data, n, &p[0], &e), &e);
	fixture_ok(bundle_add(w, "b", data, n, &p[1], &e), &e);
	add(w, "c", "x", &p[2]);
	/* what rolled over is whole before the end */
	fixture_ok(store_stat(fixture_store, KEY, &size, &e), &e);
	assert_int_equal(size, bundle_size(p[0].offset + p[0].length));
	fixture_ok(bundle_writer_end(w, &e), &e);
	bundle_writer_free(w);
	free(data);
	assert_string_equal(p[0].bundle, BUNDLE);
	assert_string_equal(p[1].bundle, "data/" ID "/bundle/1.tar");
	assert_string_equal(p[2].bundle, "data/" ID "/bundle/1.tar");
	assert_int_equal(p[1].offset, 512);
	reads(&p[2], "x");
}

static void
test_bundle_add_refuses_names_a_tar_cannot_hold(void **state)
{
	struct bundle_writer *w = writer();
	struct place place;
	struct err e = {0};
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fixture_failed(bundle_add(w, name, "x", 1, &place, &e), &e, ERR_IO,
	    "bundle: Pathname too long");
	bundle_writer_free(w);
}

/* --- places --- */

static void
test_place_read_finds_damage(void **state)
{
	struct place one, other, wrong;
	char why[200];

	(void)state;
	two(&one, &other);
	fixture_damage(KEY, 514);
	reads_not(&one, BUNDLE " at 512: digest differs");
	reads(&other, "1\t2\n");
	/* the place of another member, or of none */
	wrong = other;
	wrong.offset = 1024;
	reads_not(&wrong, BUNDLE " at 1024: digest differs");
	wrong = other;
	wrong.length--;
	reads_not(&wrong, BUNDLE " at 1536: digest differs");
	wrong = other;
	wrong.sha256[0] = 'x';
	reads_not(&wrong, BUNDLE " at 1536: digest differs");
	wrong = other;
	wrong.offset = 4096;
	(void)snprintf(why, sizeof(why), "file://%s/" KEY ": ends "
	    "before byte %llu", fixture_root,
	    (unsigned long long)(4096 + other.length));
	reads_not(&wrong, why);
	(void)snprintf(wrong.bundle, sizeof(wrong.bundle), "data/" ID
	    "/bundle/1.tar");
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/data/" ID
	    "/bundle/1.tar: open: No such file or directory", fixture_root);
	reads_not(&wrong, why);
}

static void
test_place_read_refuses_what_is_no_frame(void **state)
{
	struct bundle_writer *w = writer();
	struct place place;
	struct err e = {0};

	(void)state;
	fixture_ok(bundle_add(w, "x", "plain text", 10, &place, &e), &e);
	fixture_ok(bundle_writer_end(w, &e), &e);
	bundle_writer_free(w);
	reads_not(&place, BUNDLE " at 512: damaged zstd data: Unknown frame "
	    "descriptor");
}

/* A few bytes that unfold without end stay below the caller's ceiling. */
static void
test_place_read_is_bounded(void **state)
{
	struct bundle_writer *w = writer();
	struct buf packed = {0}, out = {0};
	size_t n = (size_t)4 << 20;
	char *zeros = calloc(1, n);
	struct place place;
	struct err e = {0};

	(void)state;
	fixture_ok(frame_compress(zeros, n, 1, &packed, &e), &e);
	fixture_ok(bundle_add(w, "x", packed.data, packed.len, &place, &e),
	    &e);
	fixture_ok(bundle_writer_end(w, &e), &e);
	bundle_writer_free(w);
	buf_init(&out, 1 << 20);
	assert_int_equal(place_read(fixture_store, "a", &place, &out, &e),
	    -1);
	assert_true(out.len <= 1 << 20);
	buf_free(&packed);
	buf_free(&out);
	free(zeros);
}

/* --- whole bundles --- */

static void
test_bundle_read_walks_all(void **state)
{
	struct place one, other;
	char want[64];

	(void)state;
	two(&one, &other);
	(void)snprintf(want, sizeof(want), "512+%llu 1536+%llu ",
	    (unsigned long long)one.length, (unsigned long long)other.length);
	walks(want, 3072, ERR_NONE, "");
}

static void
test_bundle_read_stops_when_told(void **state)
{
	struct place one, other;
	struct err e = {0};
	uint64_t size;

	(void)state;
	two(&one, &other);
	fixture_failed(bundle_read(fixture_store, "a", BUNDLE, stop, NULL,
	    &size, &e), &e, ERR_IO, "enough at 512");
}

static void
test_bundle_read_missing(void **state)
{
	struct err e = {0};
	uint64_t size;

	(void)state;
	assert_int_equal(bundle_read(fixture_store, "a", BUNDLE, note, NULL,
	    &size, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

static void
test_bundle_read_finds_damaged_headers(void **state)
{
	struct place one, other;
	char want[32];

	(void)state;
	two(&one, &other);
	/* the name of the second member */
	fixture_damage(KEY, 1024);
	(void)snprintf(want, sizeof(want), "512+%llu ",
	    (unsigned long long)one.length);
	walks(want, 3072, ERR_CORRUPT, "tar: Damaged tar archive");
}

static void
forge(const void *data, size_t n)
{
	fixture_put(KEY, data, n);
}

static void
test_bundle_read_cut_short(void **state)
{
	struct place one, other;
	struct buf all = {0};
	struct err e = {0};
	char want[32];

	(void)state;
	two(&one, &other);
	fixture_ok(store_get(fixture_store, KEY, 4096, &all, &e), &e);
	(void)snprintf(want, sizeof(want), "512+%llu ",
	    (unsigned long long)one.length);
	/* inside the second body, inside its header */
	forge(all.data, 1540);
	walks(want, 1540, ERR_CORRUPT, "tar: Truncated tar archive");
	forge(all.data, 1100);
	walks(want, 1100, ERR_CORRUPT, "tar: Truncated tar archive");
	forge("not a tar", 9);
	walks("", 9, ERR_CORRUPT, "tar: Unrecognized archive format");
	buf_free(&all);
}

/* Another archiver's tar with names that lead elsewhere: read, never used. */
static void
test_bundle_read_never_uses_names(void **state)
{
	struct archive *tar = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	char data[10240];
	size_t used = 0;

	(void)state;
	assert_int_equal(archive_write_set_format_ustar(tar), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(tar, data, sizeof(data),
	    &used), ARCHIVE_OK);
	archive_entry_set_pathname(entry, "../../../../../../tmp/x");
	archive_entry_set_filetype(entry, AE_IFLNK);
	archive_entry_set_symlink(entry, "/etc/passwd");
	assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, "/etc/x");
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_size(entry, 3);
	assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(tar, "abc", 3), 3);
	assert_int_equal(archive_write_close(tar), ARCHIVE_OK);
	(void)archive_write_free(tar);
	archive_entry_free(entry);
	forge(data, used);
	walks("512+0 1024+3 ", used, ERR_NONE, "");
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_bundle_members_come_back),
		IN_STORE(test_bundle_size_is_the_object_s),
		IN_STORE(test_bundle_is_a_tar),
		IN_STORE(test_bundle_of_nothing_is_no_object),
		IN_STORE(test_bundle_writer_free_leaves_nothing),
		IN_STORE(test_bundle_rolls_over_at_64_mib),
		IN_STORE(test_bundle_add_refuses_names_a_tar_cannot_hold),
		IN_STORE(test_place_read_finds_damage),
		IN_STORE(test_place_read_refuses_what_is_no_frame),
		IN_STORE(test_place_read_is_bounded),
		IN_STORE(test_bundle_read_walks_all),
		IN_STORE(test_bundle_read_stops_when_told),
		IN_STORE(test_bundle_read_missing),
		IN_STORE(test_bundle_read_finds_damaged_headers),
		IN_STORE(test_bundle_read_cut_short),
		IN_STORE(test_bundle_read_never_uses_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
