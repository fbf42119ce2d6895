/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interleave_test: dump, mark, sweep, restore and hold, each stopped before
 * any request to the store while the others go on.
 *
 * Four backups: "due" was marked three days ago and may be swept, "held" too;
 * "old" is to be marked, "new" stays.  At every step, no backup may be listed
 * of which an object is missing; a restore that began has all, or is told; at
 * the end a further expiry has put all in order.
 */
#define _XOPEN_SOURCE 700	/* nftw */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "catalog/backups.h"
#include "catalog/begun.h"
#include "catalog/document.h"
#include "catalog/expire.h"
#include "catalog/keep.h"
#include "catalog/sweep.h"
#include "tests/unit/catalog/actor.h"

#define OBJECTS 3
#define HOURS INT64_C(3600000000)

static char due_id[BACKUP_ID_LEN + 1], old_id[BACKUP_ID_LEN + 1];
static char new_id[BACKUP_ID_LEN + 1], made_id[BACKUP_ID_LEN + 1];

/* --- actors --- */

static void half_gone(void);

/* As actor_step; no backup is half gone then. */
static bool
step(struct actor *a, unsigned long n)
{
	bool ended = actor_step(a, n);

	half_gone();
	return ended;
}

static void
end(struct actor *a)
{
	(void)step(a, ULONG_MAX);
	actor_end(a);
}

/* --- the store --- */

static void
object_key(const char *id, int n, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/a/data/%s/00001-x/%d"
	    ".tsv.zst", id, n);
}

static bool
there(const char *key)
{
	char path[STORE_KEY_MAX + 80];

	(void)snprintf(path, sizeof(path), "%s/%s", fixture_root, key);
	return access(path, F_OK) == 0;
}

static bool
has_head(const char *id)
{
	char key[STORE_KEY_MAX];

	(void)snprintf(key, sizeof(key), "sources/a/heads/%s.json", id);
	return there(key);
}

static int
objects_of(const char *id)
{
	char key[STORE_KEY_MAX];
	int n, some = 0;

	for (n = 0; n < OBJECTS; n++) {
		object_key(id, n, key);
		some += there(key);
	}
	return some;
}

/* Objects are looked at after the head: it may go in between, never they. */
static void
half_gone(void)
{
	const char *const ids[] = { due_id, old_id, new_id, made_id };
	size_t i;

	for (i = 0; i < 4; i++)
		if (ids[i][0] != '\0' && has_head(ids[i]) &&
		    objects_of(ids[i]) != OBJECTS && has_head(ids[i]))
			fail_msg("%s is listed with %d of its objects",
			    ids[i], objects_of(ids[i]));
}

static int
put_objects(struct store *s, const char *id, struct err *e)
{
	char key[STORE_KEY_MAX];
	int n;

	for (n = 0; n < OBJECTS; n++) {
		object_key(id, n, key);
		if (store_put(s, key, id, strlen(id), true, e) != 0)
			return -1;
	}
	return 0;
}

static void
set_head(struct head *h, const char *id, int64_t at_us)
{
	char at[CLOCK_TEXT];

	fixture_head(h, "a", id);
	clock_rfc3339(at_us, at);
	json_object_set_new(h->snapshot, "at", json_string(at));
	h->started_us = h->finished_us = at_us;
	memcpy(h->lineage, due_id[0] != '\0' ? due_id : id,
	    sizeof(h->lineage));
}

static void
make_id(int64_t us, char id[BACKUP_ID_LEN + 1])
{
	char basic[CLOCK_TEXT];

	clock_basic(us, basic);
	(void)snprintf(id, BACKUP_ID_LEN + 1, "%.16s-0000", basic);
}

static void
add(char id[BACKUP_ID_LEN + 1], int64_t at_us)
{
	struct err e = {0};
	struct head h;

	make_id(at_us, id);
	fixture_ok(put_objects(fixture_store, id, &e), &e);
	set_head(&h, id, at_us);
	fixture_commit(&h);
	head_free(&h);
}

static void
prepare(void)
{
	int64_t now = clock_now_us();
	time_t then = (time_t)((now - 72 * HOURS) / 1000000);
	const struct timespec times[2] = { { then, 0 }, { then, 0 } };
	char path[STORE_KEY_MAX + 80];
	struct err e = {0};

	assert_int_equal(fixture_setup(NULL), 0);
	due_id[0] = old_id[0] = new_id[0] = made_id[0] = '\0';
	add(due_id, now - 200 * HOURS);
	add(old_id, now - 100 * HOURS);
	add(new_id, now - 50 * HOURS);
	make_id(now, made_id);		/* of the dump, if there is one */
	fixture_ok(expiring_mark(fixture_store, "a", due_id, "test",
	    now - 72 * HOURS, 48 * HOURS, &e), &e);
	/* And it was written then. */
	(void)snprintf(path, sizeof(path), "%s/sources/a/marks/backup-%s.json",
	    fixture_root, due_id);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static const struct expire_opts opts = { .rules = { .last = 1, .min = 1 },
    .grace_us = 48 * HOURS };
/* Twice the life of a mark later; what was stopped does not notice. */
static const struct expire_opts later_opts = { .rules = { .last = 1, .min =
    1 }, .grace_us = 48 * HOURS, .ahead_us = 96 * HOURS };

/* --- what the actors do --- */

static int
run_mark(struct store *s, struct err *e)
{
	struct expire x;
	int rc;

	if (expire_load(s, "a", &opts, &x, e) != 0)
		return -1;
	rc = expire_mark(&x, e);
	expire_free(&x);
	return rc;
}

static int
run_sweep(struct store *s, struct err *e)
{
	struct sweep_result swept;
	struct expire x;
	int rc;

	if (expire_load(s, "a", &opts, &x, e) != 0)
		return -1;
	rc = sweep_run(&x, &swept, e);
	expire_free(&x);
	return rc;
}

static int
expire_by(struct store *s, const struct expire_opts *o, struct err *e)
{
	struct sweep_result swept;
	struct expire x;
	int rc;

	if (expire_load(s, "a", o, &x, e) != 0)
		return -1;
	rc = expire_mark(&x, e) == 0 ? sweep_run(&x, &swept, e) : -1;
	expire_free(&x);
	return rc;
}

static int
run_expire(struct store *s, struct err *e)
{
	return expire_by(s, &opts, e);
}

static int
run_expire_later(struct store *s, struct err *e)
{
	return expire_by(s, &later_opts, e);
}

static int
run_dump(struct store *s, struct err *e)
{
	struct head h;
	int64_t now;
	int rc;

	if (store_time(s, &now, e) != 0)
		return -1;
	rc = begun_write(s, "a", made_id, now + 24 * HOURS, e);
	if (rc == 0)
		rc = put_objects(s, made_id, e);
	set_head(&h, made_id, now);
	if (rc == 0)
		rc = head_commit(s, &h, e);
	head_free(&h);
	return rc == 0 ? begun_remove(s, "a", made_id, e) : -1;
}

/* Objects one by one, as a restore asks for them. */
static int
read_all(struct store *s, const char *id, struct err *e)
{
	struct buf data = {0};
	char key[STORE_KEY_MAX];
	struct head h;
	int n, rc;

	rc = backup_find(s, "a", id, &h, e);
	if (rc != 0)
		return -1;
	rc = expiring_refuse(s, "a", h.id, e);
	for (n = 0; n < OBJECTS && rc == 0; n++) {
		object_key(h.id, n, key);
		buf_clear(&data);
		rc = store_get(s, key, 100, &data, e);
		if (rc == 0 && strcmp(buf_str(&data), h.id) != 0)
			rc = err_set(e, ERR_IO, 0, "%s is another's", key);
	}
	if (rc != 0)
		(void)expiring_explain(s, "a", h.id, e);
	buf_free(&data);
	head_free(&h);
	return rc;
}

static int
run_restore(struct store *s, struct err *e)
{
	return read_all(s, "latest", e);
}

static int
run_restore_old(struct store *s, struct err *e)
{
	return read_all(s, old_id, e);
}

static int
hold(struct store *s, const char *id, struct err *e)
{
	char owner[] = "ann", reason[] = "test";
	struct hold h = { .name = "x", .owner = owner, .reason = reason };

	memcpy(h.backup, id, sizeof(h.backup));
	return keep_hold(s, "a", &h, e);
}

static int
run_hold_due(struct store *s, struct err *e)
{
	return hold(s, due_id, e);
}

static int
run_hold_old(struct store *s, struct err *e)
{
	return hold(s, old_id, e);
}

/* --- what must be at the end --- */

static void
ok(const struct actor *a)
{
	if (a->rc != 0)
		fail_msg("%s: %s", a->name, a->err.msg);
}

static bool
is_held(const char *id)
{
	char key[STORE_KEY_MAX];

	(void)snprintf(key, sizeof(key), "sources/a/holds/%s/x.json", id);
	return there(key);
}

static int
count(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)entry;
	(void)e;
	++*(int *)arg;
	return 0;
}

static int
verdicts_on(const char *id)
{
	char prefix[STORE_KEY_MAX];
	struct err e = {0};
	int n = 0;

	(void)snprintf(prefix, sizeof(prefix), "sources/a/marks/sweep-%s",
	    id);
	fixture_ok(store_list(fixture_store, prefix, count, &n, &e), &e);
	return n;
}

static void
check_end(bool dumped)
{
	char key[STORE_KEY_MAX];
	struct err e = {0};
	int round;

	for (round = 0; round < 2; round++)
		fixture_ok(run_expire(fixture_store, &e), &e);
	half_gone();
	assert_true(has_head(new_id));
	assert_int_equal(has_head(made_id), dumped);
	/* Nobody was promised in vain, and nothing is left behind. */
	assert_int_equal(has_head(due_id), is_held(due_id));
	assert_int_equal(objects_of(due_id), is_held(due_id) ? OBJECTS : 0);
	assert_true(has_head(old_id));
	if (!is_held(due_id))
		assert_int_equal(verdicts_on(due_id), 0);
	(void)snprintf(key, sizeof(key), "sources/a/marks/backup-%s.json",
	    due_id);
	assert_false(there(key));
	(void)snprintf(key, sizeof(key), "sources/a/marks/backup-%s.json",
	    old_id);
	assert_int_equal(there(key), !is_held(old_id));
	(void)snprintf(key, sizeof(key), "sources/a/marks/backup-%s.json",
	    new_id);
	assert_int_equal(there(key), dumped);
}

/* How an actor may end. */
static void
check_actor(const struct actor *a)
{
	bool hold_due = a->run == run_hold_due;

	/* Another made the same hold first. */
	if (a->rc != 0 && a->err.code == ERR_EXISTS)
		return;
	/* The latest may be marked just then, since a newer one came. */
	if (!hold_due && a->run != run_restore_old &&
	    a->run != run_restore) {
		ok(a);
		return;
	}
	if (a->rc == 0 && hold_due)
		assert_true(is_held(due_id));
	if (a->rc == 0)
		return;
	if (hold_due)
		assert_false(is_held(due_id));
	/* Being swept; gone; marked. */
	assert_true(a->err.code == ERR_BUSY || a->err.code == ERR_NOTFOUND);
	if (!hold_due)
		assert_non_null(strstr(a->err.msg, "is marked to expire"));
}

/* --- schedules --- */

#define MORE 4

/* a makes k requests, b j, then a the rest, then b. */
static bool
play(struct actor *a, struct actor *b, unsigned long k, unsigned long j,
    bool changes)
{
	bool dumped = a->run == run_dump || b->run == run_dump, last;

	prepare();
	actor_start(a, changes);
	actor_start(b, changes);
	last = step(a, k);
	if (j > 0)
		(void)step(b, j);
	end(a);
	end(b);
	check_actor(a);
	check_actor(b);
	check_end(dumped);
	assert_int_equal(fixture_teardown(NULL), 0);
	return last;
}

static const struct actor all[] = {
	{ .name = "dump", .run = run_dump },
	{ .name = "mark", .run = run_mark },
	{ .name = "sweep", .run = run_sweep },
	{ .name = "restore", .run = run_restore },
	{ .name = "restore of one that is marked", .run = run_restore_old },
	{ .name = "hold", .run = run_hold_due },
	{ .name = "hold of one to be marked", .run = run_hold_old },
	{ .name = "expire", .run = run_expire },
};
#define ACTORS (sizeof(all) / sizeof(all[0]))

/* Each stops before each of its requests, while another does all. */
static void
test_interleave_stopped_before_any_request(void **state)
{
	struct actor a, b;
	unsigned long k;
	size_t i, n;

	(void)state;
	for (i = 0; i < ACTORS; i++)
		for (n = 0; n < ACTORS; n++) {
			a = all[i];
			b = all[n];
			/* Two dumps of one second would be one. */
			if (a.run == run_dump && b.run == run_dump)
				continue;
			for (k = 0; !play(&a, &b, k, ULONG_MAX, false); k++)
				continue;
		}
}

/* Whoever said that it holds a backup has it, whatever wakes up later; and
 * what goes goes as a whole. */
static void
check_promises(const struct actor *b)
{
	const char *const ids[] = { due_id, old_id };
	struct err e = {0};
	int round;
	size_t i;

	if (b->rc == 0 && b->run == run_hold_due)
		assert_true(is_held(due_id));
	if (b->rc == 0 && b->run == run_hold_old)
		assert_true(is_held(old_id));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 2; i++)
			if (is_held(ids[i]))
				assert_true(has_head(ids[i]));
		half_gone();
		fixture_ok(run_expire_later(fixture_store, &e), &e);
	}
	assert_true(has_head(new_id));
	for (i = 0; i < 2; i++)
		assert_int_equal(objects_of(ids[i]), has_head(ids[i]) ?
		    OBJECTS : 0);
	assert_int_equal(verdicts_on(due_id) > 0, is_held(due_id));
}

/* One is stopped before any of its requests for twice the life of a mark:
 * others hold, or mark and sweep, and a hold is asked for after that. */
static void
test_interleave_stopped_for_long(void **state)
{
	static const struct actor later = { .name = "expiry four days later",
	    .run = run_expire_later };
	static const size_t whom[] = { 1, 2, 7 };
	struct actor a, b, c;
	unsigned long k;
	size_t i, n, m;
	bool last;

	(void)state;
	for (i = 0; i < 3; i++)
		for (n = 5; n < 7; n++)
			for (m = 0; m < 2; m++)
				for (k = 0, last = false; !last; k++) {
					prepare();
					a = all[whom[i]];
					b = m == 0 ? all[n] : later;
					c = m == 0 ? later : all[n];
					actor_start(&a, false);
					last = step(&a, k);
					actor_start(&b, false);
					end(&b);
					actor_start(&c, false);
					end(&c);
					end(&a);
					/* To it others' marks are of days to
					 * come. */
					if (a.rc != 0 && strstr(a.err.msg,
					    "of the future") == NULL)
						ok(&a);
					check_promises(m == 0 ? &b : &c);
					assert_int_equal(fixture_teardown(
					    NULL), 0);
				}
}

/* Both stop before each of their changes. */
static void
test_interleave_both_stopped_before_any_change(void **state)
{
	static const size_t pairs[][2] = { { 2, 5 }, { 5, 2 }, { 2, 2 },
	    { 7, 7 }, { 0, 7 }, { 7, 0 }, { 1, 6 }, { 6, 1 }, { 2, 1 },
	    { 1, 2 } };
	struct actor a, b;
	unsigned long k, j;
	bool last;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (k = 0, last = false; !last; k++)
			for (j = 1; j < 14; j++) {
				a = all[pairs[i][0]];
				b = all[pairs[i][1]];
				last = play(&a, &b, k, j, true);
			}
}

/* All of four at once, in any order. */
static void
test_interleave_four(void **state)
{
	static const size_t which[][MORE] = { { 0, 1, 2, 3 }, { 0, 1, 2, 4 },
	    { 0, 7, 5, 3 }, { 7, 2, 5, 6 } };
	unsigned seed = 11, round;
	struct actor a[MORE];
	bool ended[MORE], dumped;
	size_t i, left;

	(void)state;
	for (round = 0; round < 240; round++) {
		prepare();
		dumped = false;
		for (i = 0; i < MORE; i++) {
			a[i] = all[which[round % 4][i]];
			dumped |= a[i].run == run_dump;
			actor_start(&a[i], false);
			ended[i] = false;
		}
		for (left = MORE; left > 0;) {
			seed = seed * 1103515245u + 12345u;
			i = (seed >> 16) % MORE;
			if (!ended[i] && (ended[i] = step(&a[i], 1 +
			    (seed >> 20) % 5)))
				left--;
		}
		for (i = 0; i < MORE; i++) {
			end(&a[i]);
			check_actor(&a[i]);
		}
		check_end(dumped);
		assert_int_equal(fixture_teardown(NULL), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleave_stopped_before_any_request),
		cmocka_unit_test(test_interleave_stopped_for_long),
		cmocka_unit_test(
		    test_interleave_both_stopped_before_any_change),
		cmocka_unit_test(test_interleave_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
