/* SPDX-License-Identifier: Apache-2.0 */
/* begun_test: who is surely dead, and who only may be. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/begun.h"
#include "tests/unit/catalog/fixture.h"

#define KEY	"sources/a/begun/" ID ".json"
#define HOUR	INT64_C(3600000000)

static void
dead_is(const char *id, int want)
{
	struct err e = {0};

	assert_int_equal(begun_dead(fixture_store, "a", id, &e), want);
	assert_string_equal(e.msg, "");
}

/* A note from another host, its deadline this far from now. */
static void
note_from_afar(int64_t deadline)
{
	char text[256], when[CLOCK_TEXT];

	clock_rfc3339(clock_now_us() + deadline, when);
	(void)snprintf(text, sizeof(text), "{\"id\":\"" ID "\",\"host\":"
	    "\"elsewhere\",\"boot_id\":\"x\",\"pid\":1,\"deadline\":\"%s\"}",
	    when);
	fixture_put(KEY, text, strlen(text));
}

static json_t *
read_note(void)
{
	struct buf text = {0};
	struct err e = {0};
	json_t *note;

	fixture_ok(store_get(fixture_store, KEY, 4096, &text, &e), &e);
	note = fixture_json(buf_str(&text));
	buf_free(&text);
	return note;
}

static void
test_begun_note_of_ours(void **state)
{
	struct err e = {0};
	json_t *note;

	(void)state;
	fixture_ok(begun_write(fixture_store, "a", ID, INT64_C(
	    1795371300123456), &e), &e);
	note = read_note();
	assert_string_equal(head_text(note, "id"), ID);
	assert_string_equal(head_text(note, "deadline"),
	    "2026-11-22T18:15:00.123456Z");
	assert_int_equal(head_count(note, "pid"), (uint64_t)getpid());
	assert_true(head_count(note, "pid_start") > 0);
	assert_int_equal(strlen(head_text(note, "boot_id")), 36);
	json_decref(note);
	fixture_ok(begun_remove(fixture_store, "a", ID, &e), &e);
	fixture_ok(begun_remove(fixture_store, "a", ID, &e), &e);
}

static void
test_begun_dead_by_deadline_alone(void **state)
{
	(void)state;
	note_from_afar(HOUR);
	dead_is(ID, 0);
	/* past it, but not for an hour */
	note_from_afar(-HOUR / 2);
	dead_is(ID, 0);
	note_from_afar(-HOUR - HOUR / 60);
	dead_is(ID, 1);
}

static void
test_begun_dead_ours(void **state)
{
	struct err e = {0};

	(void)state;
	fixture_ok(begun_write(fixture_store, "a", ID, clock_now_us() + HOUR,
	    &e), &e);
	dead_is(ID, 0);
}

/* A process of this host and boot that is gone. */
static void
test_begun_dead_ours_and_gone(void **state)
{
	struct err e = {0};
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(begun_write(fixture_store, "a", ID, clock_now_us() +
		    HOUR, &e) == 0 ? 0 : 1);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	dead_is(ID, 1);
}

static void
test_begun_dead_pid_used_again(void **state)
{
	struct err e = {0};
	json_t *note;
	char *text;

	(void)state;
	fixture_ok(begun_write(fixture_store, "a", ID, clock_now_us() + HOUR,
	    &e), &e);
	/* we live, but did not start then */
	note = read_note();
	(void)json_object_set_new(note, "pid_start", json_integer(1));
	text = json_dumps(note, JSON_COMPACT);
	fixture_put(KEY, text, strlen(text));
	dead_is(ID, 1);
	free(text);
	/* the same on another boot says nothing */
	(void)json_object_set_new(note, "boot_id", json_string("x"));
	text = json_dumps(note, JSON_COMPACT);
	fixture_put(KEY, text, strlen(text));
	dead_is(ID, 0);
	free(text);
	/* nor of a host without boots */
	(void)json_object_set_new(note, "boot_id", json_string(""));
	text = json_dumps(note, JSON_COMPACT);
	fixture_put(KEY, text, strlen(text));
	dead_is(ID, 0);
	free(text);
	json_decref(note);
}

/* The id holds its start: a week is the longest run, an hour the grace. */
static void
test_begun_dead_without_a_note(void **state)
{
	char when[CLOCK_TEXT], id[BACKUP_ID_LEN + 1];

	(void)state;
	clock_basic(clock_now_us() - 7 * 24 * HOUR, when);
	(void)snprintf(id, sizeof(id), "%.16s-0000", when);
	dead_is(id, 0);
	clock_basic(clock_now_us() - 7 * 24 * HOUR - 2 * HOUR, when);
	(void)snprintf(id, sizeof(id), "%.16s-0000", when);
	dead_is(id, 1);
	dead_is("99991231T235959Z-0000", 0);
	dead_is("20269999T999999Z-0000", 0);
}

static void
test_begun_dead_refuses_what_is_no_note(void **state)
{
	static const char *const notes[] = { "", "{}", "[]",
		"{\"deadline\":7}", "{\"deadline\":\"tomorrow\"}" };
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		fixture_put(KEY, notes[i], strlen(notes[i]));
		fixture_failed(begun_dead(fixture_store, "a", ID, &e), &e,
		    ERR_CORRUPT, KEY ": not a begun note");
	}
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_begun_note_of_ours),
		IN_STORE(test_begun_dead_by_deadline_alone),
		IN_STORE(test_begun_dead_ours),
		IN_STORE(test_begun_dead_ours_and_gone),
		IN_STORE(test_begun_dead_pid_used_again),
		IN_STORE(test_begun_dead_without_a_note),
		IN_STORE(test_begun_dead_refuses_what_is_no_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
