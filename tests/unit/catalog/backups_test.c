/* SPDX-License-Identifier: Apache-2.0 */
/* backups_test: which backups there are, and which is the latest. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/backups.h"
#include "tests/unit/catalog/fixture.h"

#define NEWEST	"20261124T000000Z-ffff"

/* A committed head; members as JSON. */
static void
backup(const char *source, const char *id, const char *snapshot,
    const char *partial)
{
	struct head h;

	fixture_head(&h, source, id);
	fixture_set(&h.snapshot, snapshot);
	fixture_set(&h.partial, partial);
	fixture_commit(&h);
	head_free(&h);
}

static void
proven(const char *source, const char *id)
{
	backup(source, id, "{\"proven\":true}", "null");
}

static void
finds(const char *source, const char *id, const char *want)
{
	struct err e = {0};
	struct head h;

	fixture_ok(backup_find(fixture_store, source, id, &h, &e), &e);
	assert_string_equal(h.id, want);
	assert_string_equal(h.source, source);
	head_free(&h);
}

static void
finds_not(const char *source, const char *id, enum err_code code,
    const char *why, const char *hint)
{
	struct err e = {0};
	struct head h;

	assert_int_equal(backup_find(fixture_store, source, id, &h, &e), -1);
	assert_string_equal(e.hint, hint);
	fixture_failed(-1, &e, code, why);
	assert_null(h.source);
}

static void
test_backups_sources_are_sorted(void **state)
{
	struct err e = {0};
	char **names;
	size_t n;

	(void)state;
	fixture_ok(sources_list(fixture_store, &names, &n, &e), &e);
	assert_int_equal(n, 0);
	free(names);
	proven("b", ID);
	proven("a", ID);
	proven("a.b", ID);
	fixture_put("sources/Not-Ours/heads/x", "", 0);
	fixture_put("sources/file", "", 0);
	fixture_ok(sources_list(fixture_store, &names, &n, &e), &e);
	assert_int_equal(n, 3);
	/* as their folders, "a.b/" and "a/", are */
	assert_string_equal(names[0], "a.b");
	assert_string_equal(names[1], "a");
	assert_string_equal(names[2], "b");
	while (n > 0)
		free(names[--n]);
	free(names);
}

static void
test_backups_list_oldest_first(void **state)
{
	struct backup_ref *refs;
	struct err e = {0};
	size_t n;

	(void)state;
	fixture_ok(backups_list(fixture_store, "a", &refs, &n, &e), &e);
	assert_int_equal(n, 0);
	free(refs);
	proven("a", LATER);
	proven("a", ID);
	proven("ab", NEWEST);
	fixture_put("sources/a/heads/" NEWEST ".json.tmp", "", 0);
	fixture_put("sources/a/heads/20261124T000000Z-ffgg.json", "", 0);
	fixture_put("sources/a/heads/" NEWEST ".jsop", "", 0);
	fixture_put("sources/a/heads/README", "", 0);
	fixture_ok(backups_list(fixture_store, "a", &refs, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_string_equal(refs[0].id, ID);
	assert_string_equal(refs[1].id, LATER);
	assert_true(refs[0].size > 400);
	free(refs);
}

static void
test_backup_find_by_id(void **state)
{
	(void)state;
	proven("a", ID);
	proven("a", LATER);
	finds("a", ID, ID);
	finds_not("a", NEWEST, ERR_NOTFOUND, "source a has no backup " NEWEST
	    "; newest is " LATER, "see 'catalog list a'");
	finds_not("a", "../../x", ERR_NOTFOUND, "source a has no backup "
	    "../../x; newest is " LATER, "see 'catalog list a'");
	finds_not("../a", ID, ERR_USAGE, "'../a' is no name of a source", "");
}

static void
test_backup_find_latest_is_proven_and_whole(void **state)
{
	(void)state;
	backup("a", ID, "{\"proven\":true}", "null");
	backup("a", LATER, "{\"proven\":false}", "null");
	backup("a", NEWEST, "{\"proven\":true}", "{\"include\":[]}");
	finds("a", "latest", ID);
	finds("a", "", ID);
	finds("a", NEWEST, NEWEST);
}

static void
test_backup_find_none_to_take(void **state)
{
	char why[160];

	(void)state;
	(void)snprintf(why, sizeof(why), "file://%s holds no backup of source "
	    "a", fixture_root);
	finds_not("a", "latest", ERR_NOTFOUND, why,
	    "see 'catalog list' for what there is");
	backup("a", ID, "{\"proven\":false}", "null");
	finds_not("a", "latest", ERR_NOTFOUND, "source a has no proven, "
	    "complete backup, but 1 other",
	    "name one of them: see 'catalog list a'");
	backup("a", LATER, "{}", "null");
	finds_not("a", "latest", ERR_NOTFOUND, "source a has no proven, "
	    "complete backup, but 2 others",
	    "name one of them: see 'catalog list a'");
}

static void
test_backup_find_latest_passes_over_damage(void **state)
{
	char why[200];

	(void)state;
	proven("a", ID);
	fixture_put("sources/a/heads/" LATER ".json", "{\"format\":1}", 12);
	finds("a", "latest", ID);
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/heads/" LATER
	    ".json: head is cut short", fixture_root);
	finds_not("a", LATER, ERR_CORRUPT, why, "");
	/* nothing else is left: then it is damage, not absence */
	fixture_put("sources/b/heads/" LATER ".json", "{\"format\":1}", 12);
	(void)snprintf(why, sizeof(why), "file://%s/sources/b/heads/" LATER
	    ".json: head is cut short", fixture_root);
	finds_not("b", "latest", ERR_CORRUPT, why, "");
}

/* What a newer Kura wrote may be the newest: nobody guesses. */
static void
test_backup_find_latest_stops_at_newer_formats(void **state)
{
	char why[200];

	(void)state;
	proven("a", ID);
	fixture_put("sources/a/heads/" LATER ".json", "{\"format\":2}", 12);
	(void)snprintf(why, sizeof(why), "file://%s/sources/a/heads/" LATER
	    ".json: head has format 2, which needs a newer Kura",
	    fixture_root);
	finds_not("a", "latest", ERR_USAGE, why, "");
	finds("a", ID, ID);
}

static void
splits(const char *name, const char *want_source, const char *want_id)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	struct err e = {0};

	fixture_ok(backup_name_split(name, source, id, &e), &e);
	assert_string_equal(source, want_source);
	assert_string_equal(id, want_id);
}

static void
splits_not(const char *name)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1], why[128];
	struct err e = {0};

	(void)snprintf(why, sizeof(why), "'%.80s' names no backup", name);
	assert_int_equal(backup_name_split(name, source, id, &e), -1);
	assert_string_equal(e.hint, "write SOURCE/ID or SOURCE/latest");
	fixture_failed(-1, &e, ERR_USAGE, why);
}

static void
test_backup_name_split(void **state)
{
	char longest[65];

	(void)state;
	splits("a", "a", "");
	splits("a/latest", "a", "latest");
	splits("a/" ID, "a", ID);
	splits_not("");
	splits_not("/");
	splits_not("a/");
	splits_not("A/latest");
	splits_not("a/Latest");
	splits_not("a/" ID "0");
	splits_not("a/" ID "/x");
	splits_not("../" ID);
	memset(longest, 'a', sizeof(longest));
	longest[63] = '\0';
	splits(longest, longest, "");
	/* one letter more is no other source */
	longest[63] = 'b';
	longest[64] = '\0';
	splits_not(longest);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_backups_sources_are_sorted),
		IN_STORE(test_backups_list_oldest_first),
		IN_STORE(test_backup_find_by_id),
		IN_STORE(test_backup_find_latest_is_proven_and_whole),
		IN_STORE(test_backup_find_none_to_take),
		IN_STORE(test_backup_find_latest_passes_over_damage),
		IN_STORE(test_backup_find_latest_stops_at_newer_formats),
		cmocka_unit_test(test_backup_name_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
