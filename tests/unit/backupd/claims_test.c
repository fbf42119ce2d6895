/* SPDX-License-Identifier: Apache-2.0 */
/* claims_test: daemons share sources, and take over from each other. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../catalog/fixture.h"
#include "backupd/claim.h"
#include "backupd/claims.h"
#include "backupd/heartbeat.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "catalog/stand.h"

#define BEAT_MS 40
#define SOURCES 100

static char texts[1000][16];
static const char *names[1000];

static struct claims *
start(const char *id, unsigned jobs, size_t sources)
{
	struct claims_opts o = { .store = fixture_store, .id = id,
	    .jobs = jobs, .heartbeat_ms = BEAT_MS, .stale_ms = 50 * BEAT_MS };
	struct err e = {0};
	struct claims *c = claims_start(&o, &e);

	fixture_ok(c == NULL ? -1 : 0, &e);
	fixture_ok(claims_set(c, names, sources, &e), &e);
	return c;
}

static size_t
mine(struct claims *c)
{
	size_t n = 0, i;

	for (i = 0; i < SOURCES; i++)
		n += claims_mine(c, names[i], CLAIMS_ARCHIVE);
	return n;
}

/* Wait until two together have all, and both have some. */
static void
wait_shared(struct claims *a, struct claims *b)
{
	int64_t end = clock_mono_ms() + 30000;
	size_t n, m;

	/* Each answer is of its own moment: one look decides. */
	while ((n = mine(a)) + (m = mine(b)) != SOURCES || n == 0 ||
	    m == 0) {
		assert_true(clock_mono_ms() < end);
		(void)cancel_wait(NULL, 5, &(struct err){0});
	}
}

static void
wait_mine(struct claims *c, size_t n)
{
	struct pollfd p = { .fd = claims_fd(c), .events = POLLIN };
	int64_t end = clock_mono_ms() + 30000;

	/* Whatever changes wakes who waits for it. */
	while (mine(c) != n) {
		assert_true(clock_mono_ms() < end);
		(void)poll(&p, 1, 5000);
		claims_ack(c);
	}
}

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"

static void
test_claims_share_and_hand_over(void **state)
{
	struct claims *a, *b;
	char owner[CLAIMS_ID_LEN + 1];
	size_t i, n;
	struct claims_daemon *all;

	(void)state;
	a = start(A, CLAIMS_ALL, SOURCES);
	assert_int_equal(claims_owner(a, names[0], CLAIMS_ARCHIVE, owner),
	    CLAIMS_UNSURE);
	assert_string_equal(owner, "");
	wait_mine(a, SOURCES);
	b = start(B, CLAIMS_ALL, SOURCES);
	wait_shared(a, b);
	for (i = 0; i < SOURCES; i++) {
		(void)claims_owner(a, names[i], CLAIMS_ARCHIVE, owner);
		assert_string_equal(owner, claims_mine(b, names[i],
		    CLAIMS_ARCHIVE) ? B : A);
	}
	all = claims_daemons(a, &n);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].id, A);
	assert_true(all[0].ours && all[0].alive && all[1].alive);
	assert_false(all[1].ours);
	assert_int_equal(all[0].sources, mine(a));
	assert_int_equal(all[1].sources, mine(b));
	assert_string_equal(all[1].tool, "backupd " KURA_VERSION);
	free(all);
	/* A clean end hands over at the next listing. */
	claims_stop(a);
	wait_mine(b, SOURCES);
	claims_stop(b);
	claims_stop(NULL);
}

/* A daemon that was killed: its heartbeat stays as it is. */
static void
test_claims_take_over_from_the_dead(void **state)
{
	struct heartbeat h = { .id = A, .tool = "t",
	    .process = { "elsewhere", "x", 1, 1 }, .jobs = CLAIMS_ALL };
	struct buf text = {0};
	struct err e = {0};
	struct claims *b;
	int64_t began;

	(void)state;
	fixture_ok(heartbeat_write(&h, names, SOURCES, &text, &e), &e);
	fixture_put("daemons/" A ".json", text.data, text.len);
	fixture_put("daemons/strange.txt", "x", 1);
	fixture_put("daemons/cccccccccccccccc.json", "{}", 2);
	began = clock_mono_ms();
	b = start(B, CLAIMS_ALL, SOURCES);
	wait_mine(b, SOURCES);
	/* Not before it was silent for long enough. */
	assert_true(clock_mono_ms() - began >= 40 * BEAT_MS);
	claims_stop(b);
	buf_free(&text);
}

/* Within hours by the times it began with, at once by those it is given. */
static void
test_claims_go_by_other_times(void **state)
{
	struct heartbeat h = { .id = A, .tool = "t",
	    .process = { "elsewhere", "x", 1, 1 }, .jobs = CLAIMS_ALL };
	struct claims_opts o = { .store = fixture_store, .id = B,
	    .jobs = CLAIMS_ALL, .heartbeat_ms = 3600000,
	    .stale_ms = 14400000 };
	struct claims_daemon *all;
	struct buf text = {0};
	struct err e = {0};
	struct claims *b;
	size_t n = 0;

	(void)state;
	fixture_ok(heartbeat_write(&h, names, SOURCES, &text, &e), &e);
	fixture_put("daemons/" A ".json", text.data, text.len);
	b = claims_start(&o, &e);
	assert_non_null(b);
	fixture_ok(claims_set(b, names, SOURCES, &e), &e);
	/* It has seen the other one. */
	while (n != 2) {
		(void)cancel_wait(NULL, 5, &e);
		all = claims_daemons(b, &n);
		free(all);
	}
	claims_pace(b, BEAT_MS, 50 * BEAT_MS);
	wait_mine(b, SOURCES);
	claims_stop(b);
	buf_free(&text);
}

/* One of this host whose process is gone need not be waited for. */
static void
test_claims_take_over_on_this_host_at_once(void **state)
{
	struct heartbeat h = { .id = A, .tool = "t", .jobs = CLAIMS_ALL };
	struct claims_opts o = { .store = fixture_store, .id = B,
	    .jobs = CLAIMS_ALL, .heartbeat_ms = 3600000,
	    .stale_ms = 14400000 };
	struct buf text = {0};
	struct err e = {0};
	struct claims *b;

	(void)state;
	process_self(&h.process);
	h.process.start++;
	fixture_ok(heartbeat_write(&h, names, SOURCES, &text, &e), &e);
	fixture_put("daemons/" A ".json", text.data, text.len);
	b = claims_start(&o, &e);
	assert_non_null(b);
	fixture_ok(claims_set(b, names, SOURCES, &e), &e);
	wait_mine(b, SOURCES);
	claims_stop(b);
	buf_free(&text);
}

static bool
sees(struct claims *c, size_t n)
{
	size_t seen;

	free(claims_daemons(c, &seen));
	return seen == n;
}

/* Nor is one whose process was still there when its heartbeat was read: who
 * kills a daemon and starts another at once leaves it no time to be gone. */
static void
test_claims_take_over_from_one_that_ends_just_then(void **state)
{
	struct heartbeat h = { .id = A, .tool = "t", .jobs = CLAIMS_ALL };
	struct claims_opts o = { .store = fixture_store, .id = B,
	    .jobs = CLAIMS_ALL, .heartbeat_ms = 3600000,
	    .stale_ms = 14400000 };
	struct buf text = {0};
	struct err e = {0};
	struct claims *b;
	int end[2];
	char c;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(end), 0);
	child = fork();
	if (child == 0) {
		(void)close(end[1]);
		_exit(read(end[0], &c, 1) == 0 ? 0 : 1);
	}
	(void)close(end[0]);
	process_self(&h.process);
	h.process.pid = child;
	h.process.start = 0;
	fixture_ok(heartbeat_write(&h, names, SOURCES, &text, &e), &e);
	fixture_put("daemons/" A ".json", text.data, text.len);
	b = claims_start(&o, &e);
	assert_non_null(b);
	fixture_ok(claims_set(b, names, SOURCES, &e), &e);
	/* It knows that the other one lives. */
	while (!sees(b, 2) || mine(b) == 0 || mine(b) == SOURCES)
		(void)cancel_wait(NULL, 5, &e);
	(void)close(end[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	wait_mine(b, SOURCES);
	claims_stop(b);
	buf_free(&text);
}

static void
test_claims_follow_jobs_and_sources(void **state)
{
	struct claims *a = start(A, CLAIMS_ALL, SOURCES), *b;
	struct err e = {0};

	(void)state;
	wait_mine(a, SOURCES);
	/* It does other jobs. */
	b = start(B, CLAIMS_VERIFY, SOURCES);
	while (!claims_mine(b, names[0], CLAIMS_VERIFY) &&
	    !claims_mine(b, names[1], CLAIMS_VERIFY) &&
	    !claims_mine(b, names[2], CLAIMS_VERIFY))
		(void)cancel_wait(NULL, 5, &e);
	assert_int_equal(mine(a), SOURCES);
	/* All, from now on; and then of fewer sources. */
	claims_jobs(b, CLAIMS_ALL);
	wait_shared(a, b);
	fixture_ok(claims_set(b, names, 10, &e), &e);
	while (mine(a) < SOURCES - 10)
		(void)cancel_wait(NULL, 5, &e);
	/* What another one does not know is ours. */
	assert_true(claims_mine(a, names[50], CLAIMS_ARCHIVE));
	claims_jobs(b, 0);
	wait_mine(a, SOURCES);
	claims_stop(b);
	claims_stop(a);
}

/* Until the heartbeat says where a log ended; its size. */
static size_t
told(struct claims *c, uint64_t offset)
{
	struct stand *x = calloc(1, sizeof(*x)), *all;
	int64_t end = clock_mono_ms() + 30000;
	struct buf text = {0};
	struct err e = {0};
	uint64_t seen = 0;
	size_t n, size;

	assert_non_null(x);
	*x = (struct stand){ .source = "s", .history = "h", .seq = 1,
	    .offset = offset, .at_us = 1 };
	claims_stands(c, x, 1);
	while (seen != offset) {
		assert_true(clock_mono_ms() < end);
		(void)cancel_wait(NULL, 5, &e);
		e = (struct err){0};
		fixture_ok(stands_load(fixture_store, "s", &all, &n, &e), &e);
		seen = n == 1 ? all[0].offset : 0;
		free(all);
	}
	fixture_ok(store_get(fixture_store, "daemons/" A ".json", 100000,
	    &text, &e), &e);
	size = text.len;
	buf_free(&text);
	return size;
}

/* Others read a heartbeat again when its size changes. */
static void
test_claims_tell_where_logs_ended(void **state)
{
	struct claims *a = start(A, CLAIMS_ALL, SOURCES);
	size_t size;

	(void)state;
	wait_mine(a, SOURCES);
	size = told(a, 4);
	assert_int_equal(told(a, 1234567890), size);
	assert_int_equal(told(a, 5), size);
	claims_stop(a);
}

static void
test_claims_unsure_when_the_store_is_away(void **state)
{
	struct claims *a = start(A, CLAIMS_ALL, SOURCES);
	char owner[CLAIMS_ID_LEN + 1], away[128];

	(void)state;
	wait_mine(a, SOURCES);
	(void)snprintf(away, sizeof(away), "%s.away", fixture_root);
	assert_int_equal(rename(fixture_root, away), 0);
	wait_mine(a, 0);
	assert_int_equal(claims_owner(a, names[0], CLAIMS_ARCHIVE, owner),
	    CLAIMS_UNSURE);
	while (claims_lost_since(a) == 0)
		(void)cancel_wait(NULL, 5, &(struct err){0});
	assert_int_equal(rename(away, fixture_root), 0);
	wait_mine(a, SOURCES);
	/* A request that the absence met may still be failing. */
	while (claims_lost_since(a) != 0)
		(void)cancel_wait(NULL, 5, &(struct err){0});
	claims_stop(a);
}

static void
test_claims_taken_leaves_a_note(void **state)
{
	struct claims *a = start(A, CLAIMS_ALL, SOURCES);
	struct claim c;
	struct err e = {0};
	int i;

	(void)state;
	wait_mine(a, SOURCES);
	claims_taken(a, "n0", "started");
	claims_taken(a, "n0", "started");
	for (i = 0; i < 6000 && claim_newest(fixture_store, "n0", &c,
	    &e) != 0; i++) {
		assert_int_equal(e.code, ERR_NOTFOUND);
		(void)cancel_wait(NULL, 5, &e);
		e = (struct err){0};
	}
	assert_int_equal(c.n, 1);
	assert_string_equal(c.daemon, A);
	assert_string_equal(c.why, "started");
	claims_stop(a);
}

/* What three daemons with 1000 sources cost when nothing happens: counted for
 * 100 heartbeats, which are 50 minutes with the usual interval. */
static void
test_claims_idle_cost_few_requests(void **state)
{
	struct claims *all[3];
	struct store_counters before, after;
	uint64_t n = 0, a_day;
	char id[CLAIMS_ID_LEN + 1];
	int64_t began, beats;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		claims_id_make(id);
		assert_int_equal(strlen(id), CLAIMS_ID_LEN);
		all[i] = start(id, CLAIMS_ALL, 1000);
	}
	while (mine(all[0]) + mine(all[1]) + mine(all[2]) != SOURCES ||
	    mine(all[0]) == 0 || mine(all[1]) == 0 || mine(all[2]) == 0)
		(void)cancel_wait(NULL, 5, &(struct err){0});
	for (i = 0; i < 3; i++)
		n -= claims_requests(all[i]);
	store_counters(fixture_store, &before);
	began = clock_mono_ms();
	(void)cancel_wait(NULL, 100 * BEAT_MS, &(struct err){0});
	beats = (clock_mono_ms() - began) / BEAT_MS;
	for (i = 0; i < 3; i++)
		n += claims_requests(all[i]);
	store_counters(fixture_store, &after);
	/* A day has 2880 heartbeats. */
	a_day = n * 2880 / (uint64_t)beats;
	assert_true(n > 0 && a_day <= 20000);
	a_day = (after.requests - before.requests) * 2880 / (uint64_t)beats;
	assert_true(a_day <= 20000);
	for (i = 0; i < 3; i++)
		claims_stop(all[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, \
    fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_claims_share_and_hand_over),
		TEST(test_claims_take_over_from_the_dead),
		TEST(test_claims_go_by_other_times),
		TEST(test_claims_take_over_on_this_host_at_once),
		TEST(test_claims_take_over_from_one_that_ends_just_then),
		TEST(test_claims_follow_jobs_and_sources),
		TEST(test_claims_tell_where_logs_ended),
		TEST(test_claims_unsure_when_the_store_is_away),
		TEST(test_claims_taken_leaves_a_note),
		TEST(test_claims_idle_cost_few_requests),
	};
	size_t i;

	for (i = 0; i < 1000; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "n%zu", i);
		names[i] = texts[i];
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
