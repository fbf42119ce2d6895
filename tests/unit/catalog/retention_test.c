/* SPDX-License-Identifier: Apache-2.0 */
/* retention_test: what stays and goes, each reason, and what always holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/retention.h"

#define DAY	INT64_C(86400000000)
#define MOST	40
#define NOW	"2026-11-27T12:00:00Z"
#define L1	"20260101T000000Z-0001"
#define L2	"20260101T000000Z-0002"
#define GOES	"goes: no rule, hold, window or borrower needs it"
#define NEWEST	"the newest good one of its lineage never leaves"

struct set {
	struct retention_set in;
	struct retention_backup b[MOST];
	const char *lenders[MOST][2];
	struct retention_hold h[4];
	struct retention_run r[4];
	int64_t now;
};

static int64_t
at(const char *text)
{
	int64_t us;

	assert_int_equal(clock_parse(text, &us), 0);
	return us;
}

static void
begin(struct set *s)
{
	*s = (struct set){ .now = at(NOW) };
	s->in.backups = s->b;
	s->in.holds = s->h;
	s->in.runs = s->r;
	s->in.rules.min = 1;
}

/* One more, named by its time; tail tells those of one second apart. */
static struct retention_backup *
add(struct set *s, const char *when, int tail)
{
	struct retention_backup *b = &s->b[s->in.nbackups++];
	char basic[CLOCK_TEXT];

	b->at_us = at(when);
	clock_basic(b->at_us, basic);
	(void)snprintf(b->id, sizeof(b->id), "%.16s-%04x", basic,
	    (unsigned)tail & 0xffff);
	memcpy(b->lineage, L1, sizeof(b->lineage));
	b->good = true;
	return b;
}

/* A backup at noon of each of these days of November 2026, 0-ended. */
static void
days(struct set *s, const int *list)
{
	char when[32];

	for (; *list != 0; list++) {
		(void)snprintf(when, sizeof(when), "2026-11-%02dT02:00:00Z",
		    *list);
		(void)add(s, when, 0);
	}
}

static struct retention_fate *
decide(const struct set *s)
{
	struct err e = {0};
	struct retention_fate *f = retention_decide(&s->in, s->now, &e);

	assert_non_null(f);
	return f;
}

/* "day: why; why" a line, oldest first as added. */
static void
is(const struct set *s, const char *want)
{
	struct retention_fate *f = decide(s);
	struct buf out = {0};
	size_t i, k;

	for (i = 0; i < s->in.nbackups; i++) {
		buf_addf(&out, "%.4s %s: ", s->b[i].id + 4,
		    f[i].keep ? "stays" : "goes");
		assert_true(f[i].nwhy > 0);
		for (k = 0; k < f[i].nwhy; k++)
			buf_addf(&out, "%s%s", k > 0 ? "; " : "",
			    f[i].why[k]);
		buf_addc(&out, '\n');
	}
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
	retention_free(f, s->in.nbackups);
}

/* Which stay, as letters: 'K', '.', in the order added. */
static void
stay(const struct set *s, const char *want)
{
	struct retention_fate *f = decide(s);
	char out[MOST + 1] = "";
	size_t i;

	for (i = 0; i < s->in.nbackups; i++)
		out[i] = f[i].keep ? 'K' : '.';
	assert_string_equal(out, want);
	retention_free(f, s->in.nbackups);
}

/* --- rules --- */

static void
test_retention_without_rules_keeps_all(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 26, 0 });
	s.in.rules.min = 1;
	is(&s, "1101 stays: no rule is set: nothing expires\n"
	    "1126 stays: no rule is set: nothing expires\n");
	assert_false(retention_is_set(&s.in.rules));
}

static void
test_retention_last(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 20, 21, 25, 26, 0 });
	s.in.rules.last = 2;
	is(&s, "1120 " GOES "\n1121 " GOES "\n"
	    "1125 stays: number 2 of the last 2\n"
	    "1126 stays: " NEWEST "; number 1 of the last 2\n");
}

static void
test_retention_units(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	(void)add(&s, "2025-12-31T23:00:00Z", 0);
	(void)add(&s, "2026-10-31T23:59:59Z", 0);
	(void)add(&s, "2026-11-22T23:00:00Z", 0);	/* Sunday, W47 */
	(void)add(&s, "2026-11-23T00:00:00Z", 0);	/* Monday, W48 */
	(void)add(&s, "2026-11-27T01:10:00Z", 0);
	(void)add(&s, "2026-11-27T01:50:00Z", 0);
	s.in.rules.unit[RETENTION_HOUR] = 1;
	s.in.rules.unit[RETENTION_DAY] = 2;
	s.in.rules.unit[RETENTION_WEEK] = 2;
	s.in.rules.unit[RETENTION_MONTH] = 2;
	s.in.rules.unit[RETENTION_YEAR] = 2;
	is(&s, "1231 stays: the newest of year 2025\n"
	    "1031 stays: the newest of month 2026-10\n"
	    "1122 stays: the newest of week 2026-W47\n"
	    "1123 stays: the newest of day 2026-11-23\n"
	    "1127 " GOES "\n"
	    "1127 stays: " NEWEST "; the newest of hour 2026-11-27T01; the "
	    "newest of day 2026-11-27; the newest of week 2026-W48; the "
	    "newest of month 2026-11; the newest of year 2026\n");
}

/* Weekly fulls and "7 days": the one before covers the first of them. */
static void
test_retention_within_keeps_one_that_is_older(void **state)
{
	struct retention_fate *f;
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 5, 12, 19, 26, 0 });
	s.in.rules.within_us = 7 * DAY;
	is(&s, "1105 " GOES "\n1112 " GOES "\n"
	    "1119 stays: the newest that is older than 7 days: no newer one "
	    "covers them all yet\n"
	    "1126 stays: " NEWEST "; younger than 7 days\n");
	f = decide(&s);
	assert_true(f[2].until_us == at("2026-11-26T02:00:00Z") + 7 * DAY);
	assert_true(f[3].until_us == 0);
	retention_free(f, 4);
	/* Once the newer one is as old, it goes. */
	s.now = at("2026-12-03T02:00:01Z");
	(void)add(&s, "2026-12-03T01:00:00Z", 0);
	stay(&s, "...KK");
}

static void
test_retention_window_needs_logs(void **state)
{
	struct retention_fate *f;
	struct set s;
	size_t i;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 12, 19, 26, 0 });
	for (i = 0; i < 4; i++)
		s.b[i].logs_until_us = at(NOW);
	s.in.rules.window_us = 7 * DAY;
	s.in.rules.unit[RETENTION_DAY] = 4;
	is(&s, "1101 stays: the newest of day 2026-11-01\n"
	    "1112 stays: the newest of day 2026-11-12\n"
	    "1119 stays: the newest of day 2026-11-19; the window of 7 days "
	    "begins with it\n"
	    "1126 stays: " NEWEST "; the newest of day 2026-11-26; in the "
	    "window of 7 days\n");
	f = decide(&s);
	assert_false(f[0].logs || f[1].logs);
	assert_true(f[2].logs && f[3].logs);
	retention_free(f, 4);
	/* Logs that end before the window are no part of it: then it begins
	 * with an older one, too, from which they lead into it. */
	s.b[2].logs_until_us = at("2026-11-19T03:00:00Z");
	s.in.rules.unit[RETENTION_DAY] = 1;
	is(&s, "1101 " GOES "\n"
	    "1112 stays: the window of 7 days begins with it\n"
	    "1119 stays: the window of 7 days begins with it\n"
	    "1126 stays: " NEWEST "; the newest of day 2026-11-26; in the "
	    "window of 7 days\n");
	f = decide(&s);
	assert_true(!f[0].logs && f[1].logs && !f[2].logs && f[3].logs);
	retention_free(f, 4);
	s.b[0].logs_until_us = s.b[1].logs_until_us = 0;
	stay(&s, "..KK");
	/* Without a window all keep theirs. */
	s.in.rules.window_us = 0;
	s.in.rules.unit[RETENTION_DAY] = 4;
	f = decide(&s);
	for (i = 0; i < 4; i++)
		assert_true(f[i].logs);
	retention_free(f, 4);
}

static void
test_retention_counts_lineages_apart(void **state)
{
	struct set s;
	size_t i;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 2, 25, 26, 0 });
	for (i = 2; i < 4; i++)
		memcpy(s.b[i].lineage, L2, sizeof(s.b[i].lineage));
	s.in.rules.last = 1;
	is(&s, "1101 " GOES "\n"
	    "1102 stays: " NEWEST "; number 1 of the last 1\n"
	    "1125 " GOES "\n"
	    "1126 stays: " NEWEST "; number 1 of the last 1\n");
}

/* Partial and unproven ones push no good one out, and have no privilege. */
static void
test_retention_counts_good_ones_apart(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 2, 24, 25, 26, 0 });
	s.b[2].good = s.b[3].good = s.b[4].good = false;
	s.in.rules.last = 1;
	stay(&s, ".K..K");
	s.in.rules.last = 0;
	s.in.rules.within_us = DAY / 2;
	stay(&s, ".K...");
}

static void
test_retention_min(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 2, 3, 0 });
	s.in.rules.within_us = DAY;
	s.in.rules.min = 2;
	is(&s, "1101 " GOES "\n"
	    "1102 stays: one of the 2 newest good ones of its lineage\n"
	    "1103 stays: " NEWEST "; the newest that is older than 1 day: no "
	    "newer one covers them all yet\n");
	/* Zero is one: the newest never leaves. */
	s.in.rules = (struct retention_rules){ .last = 1, .min = 0 };
	stay(&s, "..K");
}

/* --- what no rule counts --- */

static void
test_retention_hold(void **state)
{
	struct retention_fate *f;
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 2, 3, 26, 0 });
	s.in.rules.last = 1;
	s.in.rules.window_us = DAY;
	memcpy(s.h[0].backup, s.b[0].id, sizeof(s.h[0].backup));
	memcpy(s.h[1].backup, s.b[1].id, sizeof(s.h[1].backup));
	s.h[0].name = s.h[1].name = "audit";
	s.h[0].owner = s.h[1].owner = "ann";
	s.h[0].until_us = at("2026-12-24T00:00:00Z");
	s.h[1].until_us = s.now;	/* over */
	s.in.nholds = 2;
	f = decide(&s);
	assert_true(f[0].keep && f[0].logs && !f[1].keep);
	assert_string_equal(f[0].why[0], "hold 'audit' of ann until "
	    "2026-12-24T00:00:00.000000Z");
	assert_true(f[0].until_us == s.h[0].until_us);
	retention_free(f, 4);
	s.h[0].until_us = 0;
	f = decide(&s);
	assert_string_equal(f[0].why[0], "hold 'audit' of ann until released");
	assert_true(f[0].until_us == 0);
	retention_free(f, 4);
}

static void
test_retention_lenders(void **state)
{
	struct set s;
	size_t i;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 2, 3, 4, 26, 0 });
	s.in.rules.last = 1;
	/* 26 borrowed from 3, that from 1; 4 from 2, and both go. */
	s.lenders[4][0] = s.b[2].id;
	s.lenders[2][0] = s.b[0].id;
	s.lenders[3][0] = s.b[1].id;
	for (i = 0; i < 5; i++) {
		s.b[i].lenders = s.lenders[i];
		s.b[i].nlenders = s.lenders[i][0] != NULL;
	}
	is(&s, "1101 stays: lent chunks to 20261103T020000Z-0000\n"
	    "1102 " GOES "\n"
	    "1103 stays: lent chunks to 20261126T020000Z-0000\n"
	    "1104 " GOES "\n"
	    "1126 stays: " NEWEST "; number 1 of the last 1\n");
	/* A run under way may borrow from 2. */
	memcpy(s.r[0].id, L2, sizeof(s.r[0].id));
	memcpy(s.r[0].lender, s.b[1].id, sizeof(s.r[0].lender));
	s.in.nruns = 1;
	stay(&s, "KKK.K");
}

static void
test_retention_unreadable_stays_with_all_before(void **state)
{
	struct set s;

	(void)state;
	begin(&s);
	days(&s, (const int[]){ 1, 2, 3, 26, 0 });
	s.in.rules.last = 1;
	s.b[1].unreadable = "head is cut short";
	is(&s, "1101 stays: may have lent chunks to 20261102T020000Z-0000, "
	    "which cannot be read\n"
	    "1102 stays: it cannot be read: head is cut short\n"
	    "1103 " GOES "\n"
	    "1126 stays: " NEWEST "; number 1 of the last 1\n");
}

/* --- words --- */

static void
test_retention_words(void **state)
{
	char span[RETENTION_SPAN], bucket[RETENTION_BUCKET];

	(void)state;
	assert_string_equal(retention_span(7 * DAY, span), "7 days");
	assert_string_equal(retention_span(DAY, span), "1 day");
	assert_string_equal(retention_span(DAY / 24 * 36, span), "36 hours");
	assert_string_equal(retention_span(60000000, span), "1 minute");
	assert_string_equal(retention_span(1, span), "1 microsecond");
	/* The ISO year of a week may be another than the day's. */
	assert_string_equal(retention_bucket(RETENTION_WEEK,
	    at("2027-01-01T00:00:00Z"), bucket), "week 2026-W53");
}

/* --- what holds for any set --- */

static unsigned
draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void
make_any(struct set *s, unsigned *seed)
{
	static const char *const lineages[] = { L1, L2 };
	unsigned n = draw(seed, MOST), i, unit;
	char when[CLOCK_TEXT];

	begin(s);
	for (i = 0; i < n; i++) {
		struct retention_backup *b;

		clock_rfc3339(s->now - (int64_t)draw(seed, 3000) * DAY / 24 -
		    draw(seed, 3600), when);
		b = add(s, when, (int)i);
		memcpy(b->lineage, lineages[draw(seed, 2)],
		    sizeof(b->lineage));
		b->good = draw(seed, 4) > 0;
		b->unreadable = draw(seed, 40) == 0 ? "x" : NULL;
		b->logs_until_us = draw(seed, 2) ? s->now : 0;
		if (i > 0 && draw(seed, 4) == 0) {
			s->lenders[i][0] = s->b[draw(seed, i)].id;
			b->lenders = s->lenders[i];
			b->nlenders = 1;
		}
	}
	s->in.rules.last = draw(seed, 2) ? draw(seed, 6) : 0;
	for (unit = 0; unit < RETENTION_UNITS; unit++)
		s->in.rules.unit[unit] = draw(seed, 3) ? 0 : draw(seed, 6);
	s->in.rules.within_us = draw(seed, 2) * (int64_t)draw(seed, 90) * DAY;
	s->in.rules.window_us = draw(seed, 2) * (int64_t)draw(seed, 90) * DAY;
	s->in.rules.min = draw(seed, 4);
	if (n > 0 && draw(seed, 2)) {
		memcpy(s->h[0].backup, s->b[draw(seed, n)].id,
		    sizeof(s->h[0].backup));
		s->h[0].name = s->h[0].owner = "x";
		s->in.nholds = 1;
	}
}

/* Is there a newer good one of the lineage (that is no newer than a time)? */
static bool
newer_good(const struct set *s, const struct retention_backup *b,
    int64_t until)
{
	size_t i;

	for (i = 0; i < s->in.nbackups; i++)
		if (&s->b[i] != b && s->b[i].good &&
		    s->b[i].unreadable == NULL && s->b[i].at_us <= until &&
		    strcmp(s->b[i].lineage, b->lineage) == 0 &&
		    (s->b[i].at_us > b->at_us || (s->b[i].at_us == b->at_us &&
		    strcmp(s->b[i].id, b->id) > 0)))
			return true;
	return false;
}

static void
check_one(const struct set *s, const struct retention_fate *f, size_t i)
{
	const struct retention_backup *b = &s->b[i];
	const struct retention_rules *r = &s->in.rules;
	int64_t spans[2] = { r->within_us, r->window_us };
	size_t k, x;

	assert_true(f[i].nwhy > 0);
	if (b->unreadable != NULL || !retention_is_set(r))
		assert_true(f[i].keep);
	if (b->unreadable != NULL)
		return;
	if (b->good && !newer_good(s, b, INT64_MAX))
		assert_true(f[i].keep);
	for (k = 0; k < 2; k++)
		if (spans[k] > 0 && (b->at_us >= s->now - spans[k] ||
		    (b->good && !newer_good(s, b, s->now - spans[k] - 1))))
			assert_true(f[i].keep);
	if (s->in.nholds > 0 && strcmp(s->h[0].backup, b->id) == 0)
		assert_true(f[i].keep && f[i].logs);
	for (k = 0; k < s->in.nbackups; k++)
		for (x = 0; f[k].keep && x < s->b[k].nlenders; x++)
			if (strcmp(s->b[k].lenders[x], b->id) == 0)
				assert_true(f[i].keep);
}

/* What stays, alone, stays; and whatever its order was. */
static void
check_again(const struct set *s, const struct retention_fate *f)
{
	struct set only = *s;
	struct retention_fate *again;
	size_t i, n = 0;

	for (i = s->in.nbackups; i > 0; i--)
		if (f[i - 1].keep)
			only.b[n++] = s->b[i - 1];
	only.in.backups = only.b;
	only.in.holds = only.h;
	only.in.nbackups = n;
	again = decide(&only);
	for (i = 0; i < n; i++)
		assert_true(again[i].keep);
	retention_free(again, n);
}

static void
test_retention_of_any_set(void **state)
{
	unsigned seed = 7, round;
	struct retention_fate *f;
	static struct set s;
	size_t i, gone = 0, total = 0;

	(void)state;
	for (round = 0; round < 3000; round++) {
		make_any(&s, &seed);
		f = decide(&s);
		for (i = 0; i < s.in.nbackups; i++) {
			check_one(&s, f, i);
			gone += !f[i].keep;
			total++;
		}
		check_again(&s, f);
		retention_free(f, s.in.nbackups);
	}
	/* And it is no rule that all stay. */
	assert_true(gone > total / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retention_without_rules_keeps_all),
		cmocka_unit_test(test_retention_last),
		cmocka_unit_test(test_retention_units),
		cmocka_unit_test(
		    test_retention_within_keeps_one_that_is_older),
		cmocka_unit_test(test_retention_window_needs_logs),
		cmocka_unit_test(test_retention_counts_lineages_apart),
		cmocka_unit_test(test_retention_counts_good_ones_apart),
		cmocka_unit_test(test_retention_min),
		cmocka_unit_test(test_retention_hold),
		cmocka_unit_test(test_retention_lenders),
		cmocka_unit_test(
		    test_retention_unreadable_stays_with_all_before),
		cmocka_unit_test(test_retention_words),
		cmocka_unit_test(test_retention_of_any_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
