/* SPDX-License-Identifier: Apache-2.0 */
/* audit_test: what is written, where, and that nothing of it fails. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>

#include "base/clock.h"
#include "base/file.h"
#include "catalog/audit.h"
#include "tests/unit/catalog/fixture.h"

static const char *const command[] = { "run", "orders", "--to=2026-11-22",
	"--table=\xff" };

static struct audit *
begin(struct store *s, const char *file)
{
	const struct audit_opts opts = { .store = s, .file = file,
	    .program = "restore", .verb = "run", .command = command,
	    .nwords = 4, .source = "orders", .target = "db2:3306",
	    .by = "schedule" };
	struct err e = {0};
	struct audit *a = audit_new(&opts, &e);

	assert_non_null(a);
	return a;
}

static const char *
text(const json_t *entry, const char *name)
{
	const char *s = json_string_value(json_object_get(entry, name));

	return s != NULL ? s : "(none)";
}

struct seen {
	json_t *all;
	char bad[400];
};

static int
see(void *arg, const json_t *entry, struct err *e)
{
	struct seen *x = arg;

	(void)e;
	return json_array_append(x->all, (json_t *)(uintptr_t)entry);
}

static void
see_bad(void *arg, const char *object, const char *why)
{
	struct seen *x = arg;

	(void)snprintf(x->bad, sizeof(x->bad), "%s: %s", object, why);
}

static json_t *
all_of(int64_t from, int64_t to, char bad[400])
{
	struct seen x = { .all = json_array() };
	const struct audit_reading r = { .from_us = from, .to_us = to,
	    .each = see, .bad = see_bad, .arg = &x };
	struct err e = {0};

	fixture_ok(audit_read(fixture_store, &r, &e), &e);
	if (bad != NULL)
		memcpy(bad, x.bad, sizeof(x.bad));
	else
		assert_string_equal(x.bad, "");
	return x.all;
}

static void
test_audit_writes_both(void **state)
{
	char path[100], host[65] = "";
	struct passwd *me = getpwuid(geteuid());
	struct audit *a;
	struct err e = {0};
	struct buf file = {0};
	json_t *all, *one;
	struct stat st;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/log", fixture_root);
	a = begin(fixture_store, path);
	audit_begun(a);
	audit_backup(a, ID);
	audit_target(a, "db3:3306");
	(void)err_set(&e, ERR_CORRUPT, 0, "chunk 7: damaged");
	audit_ended(a, &e);
	audit_free(a);

	all = all_of(0, INT64_MAX, NULL);
	assert_int_equal(json_array_size(all), 2);
	one = json_array_get(all, 0);
	assert_string_equal(text(one, "result"), "begun");
	assert_true(json_is_null(json_object_get(one, "exit")));
	assert_true(json_is_null(json_object_get(one, "backup")));
	assert_string_equal(text(one, "id"), text(json_array_get(all, 1),
	    "id"));
	one = json_array_get(all, 1);
	assert_string_equal(text(one, "result"), "damage");
	assert_int_equal(json_integer_value(json_object_get(one, "exit")), 3);
	assert_string_equal(text(one, "message"), "chunk 7: damaged");
	assert_string_equal(text(one, "tool"), "restore " KURA_VERSION);
	assert_string_equal(text(one, "verb"), "run");
	assert_string_equal(text(one, "source"), "orders");
	assert_string_equal(text(one, "backup"), ID);
	assert_string_equal(text(one, "target"), "db3:3306");
	assert_string_equal(text(one, "by"), "schedule");
	assert_string_equal(text(one, "store"), store_name(fixture_store));
	assert_string_equal(text(one, "user"), me != NULL ? me->pw_name :
	    "(none)");
	assert_string_equal(text(one, "identity"), "(none)");
	assert_int_equal(json_integer_value(json_object_get(one, "uid")),
	    getuid());
	assert_int_equal(gethostname(host, 64), 0);
	assert_int_equal(strlen(text(one, "host")), strlen(host));
	one = json_object_get(one, "command");
	assert_int_equal(json_array_size(one), 4);
	assert_string_equal(json_string_value(json_array_get(one, 2)),
	    "--to=2026-11-22");
	/* What is no UTF-8 is not lost as a whole. */
	assert_string_equal(json_string_value(json_array_get(one, 3)),
	    "--table=?");
	json_decref(all);

	e = (struct err){0};
	fixture_ok(file_read(path, 65536, &file, &e), &e);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_non_null(strstr(buf_str(&file), "\"result\":\"begun\""));
	assert_string_equal(strchr(strchr(buf_str(&file), '\n') + 1, '\n'),
	    "\n");
	buf_free(&file);
}

static void
ends(enum err_code code, const char *result, int status)
{
	struct audit *a = begin(fixture_store, NULL);
	struct err e = {0};
	json_t *all, *last;

	audit_acts(a);
	if (code != ERR_NONE)
		(void)err_set(&e, code, 0, "why");
	audit_ended(a, &e);
	audit_free(a);
	all = all_of(0, INT64_MAX, NULL);
	last = json_array_get(all, json_array_size(all) - 1);
	assert_string_equal(text(last, "result"), result);
	assert_int_equal(json_integer_value(json_object_get(last, "exit")),
	    status);
	assert_string_equal(text(last, "message"), code == ERR_NONE ?
	    "(none)" : "why");
	json_decref(all);
}

static void
test_audit_results(void **state)
{
	(void)state;
	ends(ERR_NONE, "done", 0);
	ends(ERR_IO, "failed", 1);
	ends(ERR_USAGE, "refused", 2);
	ends(ERR_EXISTS, "refused", 1);
	ends(ERR_NOTFOUND, "nothing", 4);
	ends(ERR_AGAIN, "failed", 1);
	ends(ERR_BUSY, "busy", 75);
	ends(ERR_CANCELLED, "stopped", 1);
}

/* No place takes the record: the caller never learns. */
static void
test_audit_nowhere(void **state)
{
	char path[100];
	struct audit *a;
	struct err e = {0};
	FILE *f;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/audit", fixture_root);
	f = fopen(path, "w");	/* where the folder would be */
	assert_non_null(f);
	(void)fclose(f);
	(void)snprintf(path, sizeof(path), "%s/none/log", fixture_root);
	a = begin(fixture_store, path);
	audit_begun(a);
	audit_ended(a, &e);
	audit_free(a);
	audit_begun(NULL);
	audit_ended(NULL, &e);
	audit_backup(NULL, ID);
	audit_target(NULL, "x");
	audit_free(NULL);
	assert_int_equal(e.code, ERR_NONE);
}

/* Who only looks leaves no record. */
static void
test_audit_of_nothing_done(void **state)
{
	struct audit *a = begin(fixture_store, NULL);
	struct err e = {0};
	json_t *all;

	(void)state;
	audit_ended(a, &e);
	audit_acts_as_job(a);	/* which it is not */
	audit_ended(a, &e);
	audit_free(a);
	all = all_of(0, INT64_MAX, NULL);
	assert_int_equal(json_array_size(all), 0);
	json_decref(all);
}

static void
test_audit_long_words(void **state)
{
	static char word[2000];
	const char *words[300];
	struct audit_opts opts = { .store = fixture_store, .program = "catalog",
	    .verb = "hold", .command = words, .nwords = 300 };
	struct err e = {0};
	struct audit *a;
	json_t *all, *one;
	size_t i;

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	for (i = 0; i < 300; i++)
		words[i] = i == 0 ? word : "y";
	a = audit_new(&opts, &e);
	audit_acts(a);
	audit_ended(a, &e);
	audit_free(a);
	all = all_of(0, INT64_MAX, NULL);
	one = json_object_get(json_array_get(all, 0), "command");
	assert_int_equal(json_array_size(one), AUDIT_WORDS_MAX);
	assert_int_equal(strlen(json_string_value(json_array_get(one, 0))),
	    512);
	assert_string_equal(json_string_value(json_array_get(one, 0)) + 508,
	    "x...");
	json_decref(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_audit_writes_both,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_audit_results,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_audit_nowhere,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_audit_of_nothing_done,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_audit_long_words,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
