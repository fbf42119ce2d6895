/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_test: what goes, when, and what an interrupted sweep leaves. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>

#include "base/clock.h"
#include "catalog/expire.h"
#include "catalog/keep.h"
#include "catalog/mark.h"
#include "catalog/sweep.h"
#include "tests/unit/catalog/logs.h"

#define DAY	INT64_C(86400)
#define HOUR_US	INT64_C(3600000000)
#define NOW	(14 * DAY)
#define KEY(x)	"sources/a/" x

static const struct logs a = { .history = HIST(1), .gtids = UUID_A ":" };
static const struct logs b = { .history = HIST(2), .gtids = UUID_A ":" };

/* As if it were so many seconds after LOGS_T0. */
static struct expire_opts
opts_at(int64_t s)
{
	return (struct expire_opts){ .grace_us = 48 * HOUR_US,
	    .rules.min = 1, .ahead_us = logs_us(s) - clock_now_us() };
}

static void
load(const struct expire_opts *o, struct expire *x)
{
	struct err e = {0};

	fixture_ok(expire_load(fixture_store, "a", o, x, &e), &e);
}

/* Mark and sweep, as `catalog expire --yes` does. */
static struct sweep_result
run(const struct expire_opts *o)
{
	struct sweep_result r;
	struct err e = {0};
	struct expire x;

	load(o, &x);
	fixture_ok(expire_mark(&x, &e), &e);
	fixture_ok(sweep_run(&x, &r, &e), &e);
	expire_free(&x);
	return r;
}

static bool
there(const char *key)
{
	struct err e = {0};
	uint64_t size;
	bool yes = store_stat(fixture_store, key, &size, &e) == 0;

	assert_true(yes || e.code == ERR_NOTFOUND);
	return yes;
}

static int
count(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)entry;
	(void)e;
	++*(size_t *)arg;
	return 0;
}

static size_t
objects(const char *prefix)
{
	struct err e = {0};
	size_t n = 0;

	fixture_ok(store_list(fixture_store, prefix, count, &n, &e), &e);
	return n;
}

/* --- an archive --- */

/* The one object of a finished file of three transactions. */
static void
put_object(const struct logs *l, uint32_t seq)
{
	char key[STORE_KEY_MAX];

	segment_key("a", l->history, seq, 0, 450, key);
	fixture_put(key, "1234567", 7);
}

/* Files 1 to 4 of three transactions each, a day apart, and a live one. */
static void
make_logs(void)
{
	int64_t times[15];
	uint32_t seq;
	char name[16];
	size_t i;

	for (i = 0; i < 15; i++)
		times[i] = (int64_t)i * DAY;
	logs_history(&(struct logs_history){ .id = a.history, .server =
	    'a' });
	for (seq = 1; seq < 5; seq++) {
		(void)snprintf(name, sizeof(name), "b.%06u", (unsigned)seq);
		logs_finish(&a, seq, name, 3 * (seq - 1) + 1, 3, times + 3 *
		    (seq - 1));
		put_object(&a, seq);
	}
	logs_live(&a, 5, 13, 2, times + 12, 2);
}

/* One half a day after each of these transactions. */
static void
make_backup(const char *id, const char *file, const char *gtid, int64_t at)
{
	logs_backup(&(struct logs_backup){ .id = id, .file = file,
	    .gtid = gtid, .server = 'a', .position = 200, .at = at });
	/* Something of it to be swept. */
	char key[STORE_KEY_MAX];

	(void)snprintf(key, sizeof(key), "sources/a/data/%s/bundle/0.tar",
	    id);
	fixture_put(key, "x", 1);
}

static void
make_all(void)
{
	make_logs();
	make_backup(BACKUP(1), "b.000001", UUID_A ":1", DAY / 2);
	make_backup(BACKUP(2), "b.000003", UUID_A ":1-7", 6 * DAY + DAY / 2);
	make_backup(BACKUP(3), "b.000005", UUID_A ":1-13", 12 * DAY +
	    DAY / 2);
}

static void
logs_are(const struct expire_opts *o, uint32_t before, uint64_t files)
{
	struct expire x;

	load(o, &x);
	assert_int_equal(x.nlogs, 1);
	assert_int_equal(x.logs[0].before, before);
	assert_int_equal(x.logs[0].files, files);
	expire_free(&x);
}

static void
test_sweep_logs_that_no_backup_needs(void **state)
{
	struct expire_opts o = opts_at(NOW);
	char owner[] = "ann", reason[] = "why";
	struct hold h = { .backup = BACKUP(1), .name = "x", .owner = owner,
	    .reason = reason };
	struct err e = {0};

	(void)state;
	make_all();
	/* Without rules nothing goes, whatever is older than all backups. */
	logs_are(&o, 0, 0);
	/* Of a window the backup before it is where it begins. */
	o.rules.window_us = 5 * 24 * HOUR_US;
	logs_are(&o, 3, 2);
	o.rules.unit[RETENTION_YEAR] = 10;
	o.rules.last = 3;
	logs_are(&o, 3, 2);
	/* Without a window all that stay have theirs. */
	o.rules.window_us = 0;
	logs_are(&o, 0, 0);
	o.rules = (struct retention_rules){ .last = 2 };
	logs_are(&o, 3, 2);
	/* The last file stays in any case. */
	o.rules.last = 1;
	logs_are(&o, 5, 4);
	/* What is held keeps its own. */
	fixture_ok(hold_create(fixture_store, "a", &h, &e), &e);
	logs_are(&o, 0, 0);
}

static void
test_sweep_no_logs_where_something_is_damaged(void **state)
{
	struct expire_opts o = opts_at(NOW);
	struct sweep_result r;

	(void)state;
	make_all();
	fixture_damage(KEY("files/" HIST(1) "-00000003.json"), 40);
	o.rules.last = 1;
	logs_are(&o, 0, 0);
	(void)run(&o);
	o = opts_at(NOW + 3 * DAY);
	o.rules.last = 1;
	r = run(&o);
	assert_int_equal(r.backups, 2);
	assert_int_equal(r.floors, 0);
	assert_true(there(KEY("files/" HIST(1) "-00000001.json")));
}

/* Marked logs are hidden at once, and gone after the grace. */
static void
test_sweep_logs_in_two_steps(void **state)
{
	struct expire_opts o = opts_at(NOW);
	struct timeline t;
	struct err e = {0};
	uint32_t last;
	struct sweep_result r;

	(void)state;
	make_all();
	o.rules.last = 2;
	r = run(&o);
	assert_int_equal(r.backups + r.floors, 0);
	assert_true(there(KEY("files/" HIST(1) "-00000003-mark.json")));
	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
	assert_int_equal(t.nhistories, 1);
	assert_int_equal(t.histories[0].nfiles, 3);
	assert_int_equal(t.histories[0].files[0].file.seq, 3);
	assert_int_equal(t.ndamage, 0);
	assert_string_equal(t.backups[0].why_not, "it is marked to expire");
	assert_string_equal(t.backups[1].why_not, "");
	timeline_free(&t);
	fixture_ok(files_last(fixture_store, "a", HIST(1), &last, &e), &e);
	assert_int_equal(last, 4);
	assert_int_equal(objects(KEY("binlog/")), 5);
	o = opts_at(NOW + 3 * DAY);
	o.rules.last = 2;
	r = run(&o);
	assert_int_equal(r.backups, 1);
	assert_int_equal(r.floors, 1);
	assert_int_equal(objects(KEY("binlog/")), 3);
	assert_int_equal(objects(KEY("index/")), 2);
	assert_false(there(KEY("files/" HIST(1) "-00000002.json")));
	assert_false(there(KEY("files/" HIST(1) "-00000003-mark.json")));
	assert_true(there(KEY("files/" HIST(1) "-00000003-gone.json")));
	fixture_ok(files_last(fixture_store, "a", HIST(1), &last, &e), &e);
	assert_int_equal(last, 4);
	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
	assert_int_equal(t.histories[0].nfiles, 3);
	assert_int_equal(t.ndamage, 0);
	timeline_free(&t);
	/* And again: nothing more. */
	r = run(&o);
	assert_int_equal(r.backups + r.floors + r.left, 0);
	assert_int_equal(objects(KEY("binlog/")), 3);
}

/* Rules that want more take marks back; a hold does at once. */
static void
test_sweep_takes_marks_of_logs_back(void **state)
{
	struct expire_opts o = opts_at(NOW);
	struct err e = {0};

	(void)state;
	make_all();
	o.rules.last = 2;
	(void)run(&o);
	assert_true(there(KEY("files/" HIST(1) "-00000003-mark.json")));
	o.rules.last = 3;
	(void)run(&o);
	assert_false(there(KEY("files/" HIST(1) "-00000003-mark.json")));
	assert_false(there(KEY("marks/backup-" BACKUP(1) ".json")));
	o.rules.last = 2;
	(void)run(&o);
	fixture_ok(floors_lift(fixture_store, "a", &e), &e);
	assert_false(there(KEY("files/" HIST(1) "-00000003-mark.json")));
}

static void
test_sweep_whole_history(void **state)
{
	struct expire_opts o = opts_at(NOW);
	int64_t times[6] = { 0, DAY, 2 * DAY, 9 * DAY, 10 * DAY, 11 * DAY };
	struct sweep_result r;
	struct timeline t;
	struct err e = {0};

	(void)state;
	logs_history(&(struct logs_history){ .id = a.history, .server =
	    'a' });
	logs_finish(&a, 1, "b.000001", 1, 3, times);
	put_object(&a, 1);
	logs_history(&(struct logs_history){ .id = b.history, .server = 'a',
	    .first_file = "c.000001", .gtid_before = UUID_A ":1-3", .why =
	    HISTORY_FAILOVER, .parent = a.history, .fork_gtid = UUID_A
	    ":1-3", .fork_seq = 1, .fork_offset = 450 });
	logs_finish(&b, 1, "c.000001", 4, 3, times + 3);
	put_object(&b, 1);
	make_backup(BACKUP(1), "b.000001", UUID_A ":1", DAY / 2);
	make_backup(BACKUP(2), "c.000001", UUID_A ":1-4", 9 * DAY + DAY / 2);
	o.rules.last = 1;
	(void)run(&o);
	assert_true(there(KEY("files/" HIST(1) "-99999999-mark.json")));
	o = opts_at(NOW + 3 * DAY);
	o.rules.last = 1;
	r = run(&o);
	assert_int_equal(r.floors, 1);
	assert_int_equal(objects(KEY("histories/")), 1);
	assert_int_equal(objects(KEY("files/")), 1);
	assert_int_equal(objects(KEY("binlog/")), 1);
	assert_int_equal(objects(KEY("index/")), 1);
	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
	assert_int_equal(t.nhistories, 1);
	assert_int_equal(t.ndamage, 0);
	assert_int_equal(t.backups[0].history, 0);
	timeline_free(&t);
}

/* --- what was replaced --- */

static void
mark_key(const char *key)
{
	struct err e = {0};

	fixture_ok(mark_create(fixture_store, "a", "merged", &key, 1, &e),
	    &e);
}

static struct sweep_result
run_keys(int64_t ahead_us)
{
	struct expire_opts o = { .grace_us = 48 * HOUR_US, .rules.min = 1,
	    .ahead_us = ahead_us };

	return run(&o);
}

static void
test_sweep_replaced_segment(void **state)
{
	char old[STORE_KEY_MAX], object[STORE_KEY_MAX];
	struct sweep_result r;

	(void)state;
	make_logs();
	segment_key("a", a.history, 2, 0, 200, old);
	fixture_put(old, "x", 1);
	mark_key(old);
	/* Not before its time. */
	r = run_keys(47 * HOUR_US);
	assert_int_equal(r.objects + r.left, 0);
	assert_true(there(old));
	/* Not when what took its place is not whole. */
	segment_key("a", a.history, 2, 0, 450, object);
	fixture_put(object, "123456", 6);
	r = run_keys(49 * HOUR_US);
	assert_int_equal(r.left, 1);
	assert_true(there(old));
	put_object(&a, 2);
	r = run_keys(49 * HOUR_US);
	assert_int_equal(r.objects, 1);
	assert_false(there(old));
	assert_int_equal(objects(KEY("marks/")), 0);
	/* One that is in use, one of a live file, and what is neither. */
	mark_key(object);
	segment_key("a", a.history, 5, 0, 300, old);
	assert_true(there(old));
	mark_key(old);
	mark_key(KEY("heads/" BACKUP(1) ".json"));
	fixture_put(KEY("heads/" BACKUP(1) ".json"), "x", 1);
	r = run_keys(49 * HOUR_US);
	assert_int_equal(r.left, 3);
	assert_true(there(object) && there(old));
	assert_true(there(KEY("heads/" BACKUP(1) ".json")));
}

/* What took its place was there when it was looked for: half an hour ago. */
static void
test_sweep_nothing_by_an_old_look(void **state)
{
	struct expire_opts o = { .grace_us = 48 * HOUR_US, .rules.min = 1,
	    .ahead_us = 49 * HOUR_US };
	char old[STORE_KEY_MAX];
	struct sweep_result r;
	struct err e = {0};
	struct expire x;

	(void)state;
	make_logs();
	segment_key("a", a.history, 2, 0, 200, old);
	fixture_put(old, "x", 1);
	mark_key(old);
	load(&o, &x);
	assert_int_equal(sweep_is_late(&x, &e), 0);
	x.now_us -= SWEEP_LOOK_US + 1000000;
	assert_int_equal(sweep_is_late(&x, &e), 1);
	fixture_ok(sweep_run(&x, &r, &e), &e);
	assert_true(r.objects == 0 && r.left == 1);
	assert_true(there(old));
	expire_free(&x);
	r = run(&o);
	assert_int_equal(r.objects, 1);
	assert_false(there(old));
}

static void
test_sweep_rolled_up_documents(void **state)
{
	struct sweep_result r;
	struct err e = {0};

	(void)state;
	make_logs();
	mark_key(KEY("files/" HIST(1) "-00000002.json"));
	r = run_keys(49 * HOUR_US);
	assert_int_equal(r.left, 1);
	fixture_ok(files_roll(fixture_store, "a", HIST(1), &e), &e);
	assert_true(there(KEY("files/" HIST(1) "-00000001-00000004.json")));
	/* What is in a roll that cannot be read is not replaced. */
	fixture_damage(KEY("files/" HIST(1) "-00000001-00000004.json"), 40);
	r = run_keys(49 * HOUR_US);
	assert_int_equal(r.objects, 0);
	fixture_damage(KEY("files/" HIST(1) "-00000001-00000004.json"), 40);
	r = run_keys(49 * HOUR_US);
	assert_int_equal(r.objects, 5);
	assert_int_equal(objects(KEY("files/")), 1);
	assert_int_equal(objects(KEY("marks/")), 0);
}

/* --- killed at any moment --- */

static unsigned changes_left;

static void
die_before_change(void *arg, const char *what, const char *key)
{
	(void)arg;
	(void)key;
	if (strcmp(what, "put") != 0 && strcmp(what, "delete") != 0)
		return;
	if (changes_left-- == 0)
		_exit(42);
}

static int
killed(const struct expire_opts *o, unsigned n)
{
	char url[80];
	const struct store_opts s = { .url = url, .watch =
	    die_before_change };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sweep_result r;
		struct err e = {0};
		struct expire x;

		changes_left = n;
		(void)snprintf(url, sizeof(url), "file://%s", fixture_root);
		fixture_store = store_open(&s, &e);
		if (expire_load(fixture_store, "a", o, &x, &e) != 0 ||
		    expire_mark(&x, &e) != 0 || sweep_run(&x, &r, &e) != 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* No backup is listed whose object is gone, nor any file. */
static void
check_listed(void)
{
	static const char *const ids[] = { BACKUP(1), BACKUP(2), BACKUP(3) };
	char key[STORE_KEY_MAX];
	struct timeline t;
	struct err e = {0};
	size_t i, k;

	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
	assert_int_equal(t.ndamage, 0);
	for (i = 0; i < 3; i++) {
		if (timeline_backup_of(&t, ids[i]) == NULL)
			continue;
		(void)snprintf(key, sizeof(key), "sources/a/data/%s/bundle/"
		    "0.tar", ids[i]);
		assert_true(there(key));
	}
	for (i = 0; i < t.nhistories; i++)
		for (k = 0; k < t.histories[i].nfiles; k++) {
			segment_key("a", t.histories[i].history.id,
			    t.histories[i].files[k].file.seq, 0, 450, key);
			assert_true(t.histories[i].files[k].live ||
			    there(key));
		}
	timeline_free(&t);
}

static void
test_sweep_killed_before_any_change(void **state)
{
	unsigned n;
	int status = 42;

	(void)state;
	for (n = 0; status == 42; n++) {
		struct expire_opts o = opts_at(NOW);

		assert_int_equal(fixture_setup(NULL), 0);
		make_all();
		o.rules.last = 1;
		(void)run(&o);
		o = opts_at(NOW + 3 * DAY);
		o.rules.last = 1;
		status = killed(&o, n);
		assert_true(status == 42 || status == 0);
		check_listed();
		(void)run(&o);
		check_listed();
		assert_int_equal(objects(KEY("heads/")), 1);
		assert_int_equal(objects(KEY("data/")), 1);
		assert_int_equal(objects(KEY("marks/")), 0);
		assert_int_equal(objects(KEY("binlog/")), 1);
		assert_int_equal(objects(KEY("index/")), 0);
		assert_int_equal(objects(KEY("files/")), 1);
		assert_int_equal(fixture_teardown(NULL), 0);
	}
	/* Flags, heads, data, begun, marks, floors, segments ... */
	assert_true(n > 15);
}

/* --- a hold at any moment --- */

static unsigned requests_left;
static int hold_rc;
static struct err hold_err;

/* Another process holds the first backup, all of it before one request. */
static void
hold_before_request(void *arg, const char *what, const char *key)
{
	char owner[] = "ann", reason[] = "why";
	struct hold h = { .backup = BACKUP(1), .name = "x", .owner = owner,
	    .reason = reason };

	(void)arg;
	(void)what;
	(void)key;
	if (requests_left-- == 0)
		hold_rc = keep_hold(fixture_store, "a", &h, &hold_err);
}

/* True: the hold was asked for after the sweep's end. */
static bool
sweep_with_hold(const struct expire_opts *o, unsigned n)
{
	char url[80];
	const struct store_opts s = { .url = url, .watch =
	    hold_before_request };
	struct sweep_result r;
	struct store *store;
	struct err e = {0};
	struct expire x;
	bool late;

	hold_rc = 1;
	hold_err = (struct err){0};
	requests_left = n;
	(void)snprintf(url, sizeof(url), "file://%s", fixture_root);
	store = store_open(&s, &e);
	assert_non_null(store);
	fixture_ok(expire_load(store, "a", o, &x, &e), &e);
	fixture_ok(expire_mark(&x, &e), &e);
	fixture_ok(sweep_run(&x, &r, &e), &e);
	expire_free(&x);
	late = hold_rc == 1;
	store_close(store);
	return late;
}

/* By rules that keep it, and by such that do not. */
static void
hold_at_any(bool keeps)
{
	unsigned n, whole = 0, gone = 0;
	struct timeline t;
	struct err e = {0};
	bool late = false;

	for (n = 0; !late; n++) {
		struct expire_opts o = opts_at(NOW);
		struct retention_rules rules = { .window_us = 24 * HOUR_US,
		    .unit = { [RETENTION_YEAR] = 0 }, .min = keeps ? 3 : 1 };

		assert_int_equal(fixture_setup(NULL), 0);
		make_all();
		o.rules = rules;
		(void)run(&o);
		o = opts_at(NOW + 3 * DAY);
		o.rules = rules;
		late = sweep_with_hold(&o, n);
		check_listed();
		fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
		/* Held in time, all is there; and who was told so has it. */
		if (hold_rc == 0) {
			assert_non_null(timeline_backup_of(&t, BACKUP(1)));
			whole += t.histories[0].files[0].file.seq == 1;
		} else if (!late) {
			assert_true(hold_err.code == ERR_BUSY ||
			    hold_err.code == ERR_NOTFOUND);
			gone++;
		}
		timeline_free(&t);
		(void)run(&o);
		check_listed();
		assert_int_equal(fixture_teardown(NULL), 0);
	}
	/* Both have been seen. */
	assert_true(whole > 10);
	assert_true(keeps ? gone == 0 : gone > 10);
}

static void
test_sweep_and_a_hold_at_any_moment(void **state)
{
	(void)state;
	hold_at_any(true);
	hold_at_any(false);
}

#define IN_STORE(f) cmocka_unit_test_setup_teardown(f, fixture_setup,	\
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STORE(test_sweep_logs_that_no_backup_needs),
		IN_STORE(test_sweep_no_logs_where_something_is_damaged),
		IN_STORE(test_sweep_logs_in_two_steps),
		IN_STORE(test_sweep_takes_marks_of_logs_back),
		IN_STORE(test_sweep_whole_history),
		IN_STORE(test_sweep_replaced_segment),
		IN_STORE(test_sweep_nothing_by_an_old_look),
		IN_STORE(test_sweep_rolled_up_documents),
		cmocka_unit_test(test_sweep_killed_before_any_change),
		cmocka_unit_test(test_sweep_and_a_hold_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
