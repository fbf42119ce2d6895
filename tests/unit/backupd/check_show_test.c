/* SPDX-License-Identifier: Apache-2.0 */
/* check_show_test: the table, and the same as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backupd/check_online.h"
#include "backupd/check_show.h"
#include "backupd/finding.h"
#include "base/err.h"

static struct check_store stores[2] = {
	{ .label = "main", .reached = true, .reads = true, .writes = true,
	    .deletes = true, .exists = true, .create_only = true,
	    .put_ms = 12, .bucket = { .lifecycle = BUCKET_YES,
	    .versions = BUCKET_NO } },
	{ .label = "file:///srv/kura", .reached = true, .reads = true,
	    .file = true, .free = UINT64_C(3) << 30 },
};
static const struct check_source sources[2] = {
	{ .name = "orders", .jobs = FINDING_DUMP | FINDING_ARCHIVE,
	    .store = &stores[0], .reached = true,
	    .server = "mariadb 10.11.6" },
	{ .name = "billing", .jobs = FINDING_ALL, .store = &stores[1] },
};

static char *
show(bool json)
{
	const struct finding at = { FINDING_ERROR, "orders", NULL,
	    FINDING_ARCHIVE | FINDING_DRILL, "do this" };
	struct err e = {0};
	struct findings *f = findings_new(&e);
	struct check_shown c = { .findings = f, .stores = stores,
	    .nstores = 2, .sources = sources, .nsources = 2, .json = json };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(f);
	assert_non_null(out);
	finding_add(f, &at, "wrong");
	check_show(&c, out);
	(void)fclose(out);
	findings_free(f);
	return text;
}

static void
test_check_show_table(void **state)
{
	char *text = show(false);

	(void)state;
	assert_string_equal(text,
	    "store main: writes, reads, deletes; a write takes 12 ms\n"
	    "store file:///srv/kura: DOES NOT WRITE, reads, DOES NOT DELETE; "
	    "a write takes 0 ms; 3.0 GiB free; holds nothing yet\n"
	    "SOURCE   STORE             dump     archive  expire   verify   "
	    "drill    server\n"
	    "orders   main              ok       no       -        -        "
	    "-        mariadb 10.11.6\n"
	    "billing  file:///srv/kura  ok       ok       ok       ok       "
	    "ok       not reached\n"
	    "orders: wrong; do this\n");
	free(text);
}

static void
test_check_show_json(void **state)
{
	char *text = show(true);
	json_t *doc = json_loads(text, 0, NULL);
	json_t *store = json_array_get(json_object_get(doc, "stores"), 0);
	json_t *source = json_array_get(json_object_get(doc, "sources"), 0);
	json_t *jobs = json_object_get(source, "jobs");

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(doc, "version")),
	    1);
	assert_int_equal(json_array_size(json_object_get(doc, "findings")),
	    1);
	assert_string_equal(json_string_value(json_object_get(store,
	    "lifecycle")), "yes");
	assert_true(json_is_null(json_object_get(store, "object_lock")));
	assert_true(json_is_null(json_object_get(store, "free")));
	assert_string_equal(json_string_value(json_object_get(jobs,
	    "archive")), "no");
	assert_string_equal(json_string_value(json_object_get(jobs, "dump")),
	    "ok");
	assert_true(json_is_null(json_object_get(jobs, "drill")));
	json_decref(doc);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_show_table),
		cmocka_unit_test(test_check_show_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
