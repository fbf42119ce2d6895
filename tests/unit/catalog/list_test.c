/* SPDX-License-Identifier: Apache-2.0 */
/* list_test: lines come back in order, or the list is damaged. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/list.h"
#include "codec/frame.h"
#include "tests/unit/catalog/fixture.h"

#define LIST	"data/" ID "/lists/0.ndjson.zst"
#define KEY	"sources/a/" LIST
#define ROLE	"{\"kind\":\"role\",\"name\":\"r\",\"ddl\":\"CREATE ROLE r\"}"

static struct list_writer *
writer(void)
{
	struct err e = {0};
	struct list_writer *w = list_writer_new(fixture_store, "a", ID, 1,
	    &e);

	fixture_ok(w != NULL ? 0 : -1, &e);
	return w;
}

static void
add(struct list_writer *w, const char *name, const char *ddl)
{
	json_t *line = json_pack("{s:s, s:s, s:s}", "kind", "role", "name",
	    name, "ddl", ddl);
	struct err e = {0};

	fixture_ok(list_add(w, line, &e), &e);
	json_decref(line);
}

static int
note(void *arg, const struct line *l, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s %s;", line_kind_name(l->kind), l->name);
	return 0;
}

static int
stop(void *arg, const struct line *l, struct err *e)
{
	unsigned *n = arg;

	(void)l;
	return ++*n < 2 ? 0 : err_set(e, ERR_IO, 0, "enough");
}

static int
count(void *arg, const struct line *l, struct err *e)
{
	unsigned *n = arg;
	char name[16];

	/* in order, none lost at the borders of objects */
	(void)snprintf(name, sizeof(name), "%u", (*n)++);
	return strcmp(name, l->name) == 0 ? 0 : err_set(e, ERR_IO, 0,
	    "line %s, not %s", l->name, name);
}

static void
test_list_round_trip(void **state)
{
	struct list_writer *w = writer();
	struct buf seen = {0};
	struct err e = {0};
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	add(w, "one", "x");
	add(w, "tw\xc3\xb6\n\"", "x");
	fixture_ok(list_writer_end(w, &h, &e), &e);
	list_writer_free(w);
	assert_int_equal(h.nlists, 1);
	assert_string_equal(h.lists[0].key, LIST);
	fixture_ok(list_read(fixture_store, &h, note, &seen, &e), &e);
	assert_string_equal(buf_str(&seen), "role one;role tw\xc3\xb6\n\";");
	buf_free(&seen);
	head_free(&h);
}

static void
test_list_of_nothing(void **state)
{
	struct list_writer *w = writer();
	struct buf seen = {0};
	struct err e = {0};
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	fixture_ok(list_writer_end(w, &h, &e), &e);
	list_writer_free(w);
	assert_int_equal(h.nlists, 1);
	fixture_ok(list_read(fixture_store, &h, note, &seen, &e), &e);
	assert_string_equal(buf_str(&seen), "");
	head_free(&h);
}

/* Lines that do not compress fill an object; the next number goes on. */
static void
test_list_rolls_over(void **state)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCD"
	    "EFGHIJKLMNOPQRSTUVWXYZ-_";
	struct list_writer *w = writer();
	uint64_t x = 88172645463325252u;
	size_t size = (size_t)6 << 20, i;
	char *ddl = malloc(size + 1), name[16];
	struct err e = {0};
	unsigned n;
	struct head h;

	(void)state;
	fixture_head(&h, "a", ID);
	for (n = 0; n < 5; n++) {
		for (i = 0; i < size; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			ddl[i] = digits[x & 63];
		}
		ddl[size] = '\0';
		(void)snprintf(name, sizeof(name), "%u", n);
		add(w, name, ddl);
	}
	fixture_ok(list_writer_end(w, &h, &e), &e);
	list_writer_free(w);
	free(ddl);
	assert_int_equal(h.nlists, 3);
	assert_string_equal(h.lists[2].key, "data/" ID
	    "/lists/2.ndjson.zst");
	for (i = 0; i < h.nlists; i++)
		assert_true(h.lists[i].size <= LIST_SIZE_MAX);
	n = 0;
	fixture_ok(list_read(fixture_store, &h, count, &n, &e), &e);
	assert_int_equal(n, 5);
	head_free(&h);
}

static void
test_list_add_refuses_a_line_that_none_would_read(void **state)
{
	struct list_writer *w = writer();
	char *ddl = calloc(1, LIST_LINE_MAX + 1);
	struct err e = {0};
	json_t *line;

	(void)state;
	memset(ddl, 'x', LIST_LINE_MAX);
	line = json_pack("{s:s}", "x", ddl);
	fixture_failed(list_add(w, line, &e), &e, ERR_IO,
	    "a list line of over 8388608 bytes");
	json_decref(line);
	free(ddl);
	list_writer_free(w);
}

static void
test_list_writer_free_leaves_nothing(void **state)
{
	struct list_writer *w = writer();
	struct err e = {0};
	uint64_t size;

	(void)state;
	list_writer_free(NULL);
	add(w, "one", "x");
	list_writer_free(w);
	assert_int_equal(store_stat(fixture_store, KEY, &size, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

/* --- damage --- */

/* A head whose one list has these lines; stored: as they are, uncompressed. */
static void
forge_n(struct head *h, const void *stored, size_t n)
{
	uint8_t sha[SHA256_SIZE];

	fixture_head(h, "a", ID);
	fixture_put(KEY, stored, n);
	h->lists = calloc(1, sizeof(*h->lists));
	h->nlists = 1;
	h->lists[0].key = strdup(LIST);
	h->lists[0].size = n;
	sha256_of(stored, n, sha);
	hex_encode(sha, sizeof(sha), h->lists[0].sha256);
}

static void
forge(struct head *h, const char *text)
{
	struct buf packed = {0};
	struct err e = {0};

	fixture_ok(frame_compress(text, strlen(text), 1, &packed, &e), &e);
	forge_n(h, packed.data, packed.len);
	buf_free(&packed);
}

static void
refuses_head(struct head *h, enum err_code code, const char *why)
{
	struct buf seen = {0};
	struct err e = {0};
	char all[300];

	(void)snprintf(all, sizeof(all), LIST ": %s", why);
	fixture_failed(list_read(fixture_store, h, note, &seen, &e), &e,
	    code, all);
	buf_free(&seen);
	head_free(h);
}

static void
refuses(const char *text, enum err_code code, const char *why)
{
	struct head h;

	forge(&h, text);
	refuses_head(&h, code, why);
}

static void
test_list_read_forged_but_good(void **state)
{
	struct buf seen = {0};
	struct err e = {0};
	struct head h;

	(void)state;
	forge(&h, ROLE "\n" ROLE "\n{\"lines\":2,\"kind\":\"end\"}\n");
	fixture_ok(list_read(fixture_store, &h, note, &seen, &e), &e);
	assert_string_equal(buf_str(&seen), "role r;role r;");
	buf_free(&seen);
	head_free(&h);
}

static void
test_list_read_finds_the_end_missing(void **state)
{
	(void)state;
	refuses("", ERR_CORRUPT, "the list is cut short: no end line");
	refuses(ROLE "\n", ERR_CORRUPT, "the list is cut short: no end line");
	refuses(ROLE "\n{\"kind\":\"end\",\"lines\":1}", ERR_CORRUPT,
	    "the list is cut short: no end line");
	refuses(ROLE "\n{\"kind\":\"end\",\"lines\":2}\n", ERR_CORRUPT,
	    "the list has 1 lines, its end line says otherwise");
	refuses(ROLE "\n{\"kind\":\"end\"}\n", ERR_CORRUPT,
	    "the list has 1 lines, its end line says otherwise");
	refuses("{\"kind\":\"end\",\"lines\":0}\n" ROLE "\n", ERR_CORRUPT,
	    "lines after the end line");
	refuses("{\"kind\":\"end\",\"lines\":0}\nx", ERR_CORRUPT,
	    "lines after the end line");
}

static void
test_list_read_refuses_wrong_lines(void **state)
{
	(void)state;
	refuses("\n", ERR_CORRUPT, "line 1 is no JSON object: '[' or '{' "
	    "expected near end of file");
	refuses(ROLE "\n[]\n", ERR_CORRUPT, "line 2 is no JSON object: another "
	    "type");
	refuses(ROLE "\n{\"kind\":\"shard\"}\n", ERR_USAGE, "line 2: unknown "
	    "kind of line 'shard': it needs a newer Kura");
	refuses("{\"kind\":\"role\",\"kind\":\"end\"}\n", ERR_CORRUPT,
	    "line 1 is no JSON object: duplicate object key near '\"kind\"'");
	refuses("{\"kind\":\"role\"}\n", ERR_CORRUPT, "line 1: member 'name' "
	    "is missing or not what it must be");
}

/* A small object that unfolds into one line without end. */
static void
test_list_read_bounds_a_line(void **state)
{
	char *text = calloc(1, LIST_LINE_MAX + 100), why[64];

	(void)state;
	memset(text, '[', LIST_LINE_MAX + 99);
	(void)snprintf(why, sizeof(why), "a line of over %zu bytes",
	    LIST_LINE_MAX);
	refuses(text, ERR_CORRUPT, why);
	free(text);
}

static void
test_list_read_finds_damage(void **state)
{
	struct head h;

	(void)state;
	forge(&h, ROLE "\n{\"kind\":\"end\",\"lines\":1}\n");
	fixture_damage(KEY, 20);
	refuses_head(&h, ERR_CORRUPT, "size or digest differs from the "
	    "head's");
	forge(&h, ROLE "\n{\"kind\":\"end\",\"lines\":1}\n");
	h.lists[0].size++;
	refuses_head(&h, ERR_CORRUPT, "size or digest differs from the "
	    "head's");
	forge(&h, ROLE "\n{\"kind\":\"end\",\"lines\":1}\n");
	h.lists[0].sha256[63] ^= 1;
	refuses_head(&h, ERR_CORRUPT, "size or digest differs from the "
	    "head's");
	forge(&h, "");
	h.lists[0].size = LIST_SIZE_MAX + 1;
	refuses_head(&h, ERR_CORRUPT, "a list of over 16 MiB");
	forge_n(&h, "{\"kind\":\"end\",\"lines\":0}\n", 25);
	refuses_head(&h, ERR_CORRUPT, "damaged zstd data: Unknown frame "
	    "descriptor");
	forge_n(&h, "", 0);
	refuses_head(&h, ERR_CORRUPT, "damaged zstd data: cut short");
}

static void
test_list_read_missing(void **state)
{
	const char *key = KEY;
	struct err e = {0};
	struct head h;
	char why[200];

	(void)state;
	forge(&h, "");
	fixture_ok(store_delete(fixture_store, &key, 1, &e), &e);
	(void)snprintf(why, sizeof(why), "file://%s/" KEY ": open: No such "
	    "file or directory", fixture_root);
	refuses_head(&h, ERR_CORRUPT, why);
}

static void
test_list_read_stops_when_told(void **state)
{
	struct err e = {0};
	unsigned n = 0;
	struct head h;

	(void)state;
	forge(&h, ROLE "\n" ROLE "\n" ROLE "\n{\"kind\":\"end\",\"lines\":3}"
	    "\n");
	fixture_failed(list_read(fixture_store, &h, stop, &n, &e), &e,
	    ERR_IO, LIST ": enough");
	assert_int_equal(n, 2);
	head_free(&h);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_list_round_trip),
		IN_STORE(test_list_of_nothing),
		IN_STORE(test_list_rolls_over),
		IN_STORE(test_list_add_refuses_a_line_that_none_would_read),
		IN_STORE(test_list_writer_free_leaves_nothing),
		IN_STORE(test_list_read_forged_but_good),
		IN_STORE(test_list_read_finds_the_end_missing),
		IN_STORE(test_list_read_refuses_wrong_lines),
		IN_STORE(test_list_read_bounds_a_line),
		IN_STORE(test_list_read_finds_damage),
		IN_STORE(test_list_read_missing),
		IN_STORE(test_list_read_stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
