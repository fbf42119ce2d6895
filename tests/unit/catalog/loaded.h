/* SPDX-License-Identifier: Apache-2.0 */
/* loaded: the timeline of source "a" of the fixture's store. */
#ifndef TESTS_CATALOG_LOADED_H
#define TESTS_CATALOG_LOADED_H

#include "catalog/timeline.h"
#include "tests/unit/catalog/logs.h"

static struct timeline t;

static inline int
loaded_setup(void **state)
{
	t = (struct timeline){0};
	return fixture_setup(state);
}

static inline int
loaded_teardown(void **state)
{
	timeline_free(&t);
	return fixture_teardown(state);
}

/* Load it, or load it again. */
static inline void
loaded_load(void)
{
	struct err e = {0};

	timeline_free(&t);
	fixture_ok(timeline_load(fixture_store, "a", &t, &e), &e);
}

/* Is the i-th backup's window this one of this history's file? */
static inline void
loaded_window(size_t i, long history, uint32_t seq, int64_t until)
{
	assert_true(i < t.nbackups);
	assert_string_equal(t.backups[i].why_not, "");
	assert_int_equal(t.backups[i].history, history);
	assert_int_equal(t.backups[i].seq, seq);
	assert_true(t.backups[i].until_us == logs_us(until));
}

static inline void
loaded_no_window(size_t i, const char *why)
{
	assert_true(i < t.nbackups);
	assert_int_equal(t.backups[i].history, -1);
	assert_string_equal(t.backups[i].why_not, why);
	assert_true(t.backups[i].until_us == 0);
}

#endif /* !TESTS_CATALOG_LOADED_H */
