/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor: somebody at work on the fixture's store, in a thread, who makes as
 * many requests as he is let.
 */
#ifndef TESTS_CATALOG_ACTOR_H
#define TESTS_CATALOG_ACTOR_H

#include <limits.h>
#include <pthread.h>
#include <time.h>

#include "tests/unit/catalog/fixture.h"

struct actor {
	const char *name;
	int (*run)(struct store *s, struct err *e);
	bool changes;		/* count its changes alone */
	pthread_t thread;
	struct store *store;
	pthread_mutex_t lock;	/* guards the fields below */
	pthread_cond_t moved;
	unsigned long allowed;	/* requests that it may still make */
	unsigned long made;
	bool waits, ended;
	int rc;
	struct err err;
};

/* What changes something; a list, and what asks for a head, decides. */
static inline bool
actor_counts(const struct actor *a, const char *what)
{
	return !a->changes || strcmp(what, "put") == 0 ||
	    strcmp(what, "delete") == 0;
}

static inline void
actor_waits(void *arg, const char *what, const char *key)
{
	struct actor *a = arg;

	(void)key;
	if (!actor_counts(a, what))
		return;
	(void)pthread_mutex_lock(&a->lock);
	while (a->allowed == 0) {
		a->waits = true;
		(void)pthread_cond_broadcast(&a->moved);
		(void)pthread_cond_wait(&a->moved, &a->lock);
	}
	a->waits = false;
	if (a->allowed != ULONG_MAX)
		a->allowed--;
	a->made++;
	(void)pthread_mutex_unlock(&a->lock);
}

static inline void *
actor_acts(void *arg)
{
	struct actor *a = arg;

	a->rc = a->run(a->store, &a->err);
	(void)pthread_mutex_lock(&a->lock);
	a->ended = true;
	(void)pthread_cond_broadcast(&a->moved);
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* It stands before its first request, or before the first change. */
static inline void
actor_start(struct actor *a, bool changes)
{
	char url[80];
	const struct store_opts opts = { .url = url,
	    .watch = actor_waits, .watch_arg = a };
	struct err e = {0};

	a->changes = changes;
	a->allowed = a->made = 0;
	a->waits = a->ended = false;
	a->err = (struct err){0};
	(void)snprintf(url, sizeof(url), "file://%s", fixture_root);
	a->store = store_open(&opts, &e);
	assert_non_null(a->store);
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->moved, NULL);
	assert_int_equal(pthread_create(&a->thread, NULL, actor_acts, a),
	    0);
}

/* Let it make n requests; true: it has ended. */
static inline bool
actor_step(struct actor *a, unsigned long n)
{
	struct timespec until;
	bool ended;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	(void)pthread_mutex_lock(&a->lock);
	a->allowed = n;
	a->waits = false;
	(void)pthread_cond_broadcast(&a->moved);
	while (!a->waits && !a->ended)
		assert_int_equal(pthread_cond_timedwait(&a->moved, &a->lock,
		    &until), 0);
	ended = a->ended;
	(void)pthread_mutex_unlock(&a->lock);
	return ended;
}

/* After a step that it ended with. */
static inline void
actor_end(struct actor *a)
{
	assert_int_equal(pthread_join(a->thread, NULL), 0);
	store_close(a->store);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->moved);
}

#endif /* !TESTS_CATALOG_ACTOR_H */
