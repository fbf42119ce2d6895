/* SPDX-License-Identifier: Apache-2.0 */
/* told: which troubles a channel of the notifiers has told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <xxhash.h>

#include "backupd/notice.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "backupd/told.h"

struct trouble {
	uint64_t hash;
	char key[NOTICE_KEY];
	int64_t since_us;
	int64_t at_us;		/* when it was accepted last */
	unsigned waiting;	/* notices accepted, and not done */
	bool told;		/* delivered, and its end not */
	bool over;		/* a recovery was accepted last */
};

struct told {
	struct trouble *all;	/* in no order */
	size_t n, room, max;
	bool changed;
};

struct told *
told_new(size_t max, struct err *e)
{
	struct told *t = calloc(1, sizeof(*t));

	if (t == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "notifier");
	else
		t->max = max;
	return t;
}

static struct trouble *
find(const struct told *t, const char *key)
{
	uint64_t hash = XXH3_64bits(key, strlen(key));
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->all[i].hash == hash &&
		    strcmp(t->all[i].key, key) == 0)
			return &t->all[i];
	return NULL;
}

static struct trouble *
add(struct told *t, const char *key)
{
	size_t room = t->room == 0 ? 16 : 2 * t->room;
	struct trouble *more;

	if (t->n == t->max || strlen(key) >= NOTICE_KEY)
		return NULL;
	if (t->n == t->room) {
		more = realloc(t->all, room * sizeof(*more));
		if (more == NULL)
			return NULL;
		t->all = more;
		t->room = room;
	}
	more = &t->all[t->n++];
	*more = (struct trouble){ .hash = XXH3_64bits(key, strlen(key)) };
	(void)snprintf(more->key, sizeof(more->key), "%s", key);
	return more;
}

/* Nothing waits, nothing was told: it may be forgotten. */
static void
drop(struct told *t, struct trouble *x)
{
	*x = t->all[--t->n];
}

static bool
accept_end(struct told *t, struct trouble *x, int64_t *since_us)
{
	if (x->over)
		return false;
	if (x->waiting == 0 && !x->told) {
		/* Nobody heard of it. */
		drop(t, x);
		return false;
	}
	if (*since_us == 0)
		*since_us = x->since_us;
	return true;
}

bool
told_accept(struct told *t, const char *key, bool recovered,
    int64_t *since_us, int64_t now_us, const struct told_times *times)
{
	struct trouble *x = find(t, key);
	bool fresh = x == NULL;
	int64_t ago, pause;

	if (fresh && !recovered)
		x = add(t, key);
	if (x == NULL)
		return false;
	if (recovered) {
		if (!accept_end(t, x, since_us))
			return false;
	} else {
		/* Of a clock that was put back by more, nothing is known. */
		ago = now_us - x->at_us;
		pause = x->told || x->waiting > 0 ? times->reminder_us :
		    times->again_us;
		if (!fresh && !x->over && ago < pause && ago > -pause)
			return false;
		if (*since_us != 0 || x->over || x->since_us == 0)
			x->since_us = *since_us != 0 ? *since_us : now_us;
		*since_us = x->since_us;
		x->at_us = now_us;
	}
	x->over = recovered;
	x->waiting++;
	return true;
}

bool
told_wanted(const struct told *t, const char *key, bool recovered)
{
	const struct trouble *x = find(t, key);

	return x != NULL && (!recovered || x->told);
}

void
told_done(struct told *t, const char *key, bool recovered, bool delivered)
{
	struct trouble *x = find(t, key);

	if (x == NULL)
		return;
	x->waiting -= x->waiting > 0 ? 1 : 0;
	if (delivered) {
		x->told = !recovered;
		t->changed = true;
	} else if (recovered && x->told && x->waiting == 0) {
		/* Its end is to be told when it is seen again. */
		x->over = false;
	}
	/* A trouble that could not be told is kept: it has its pause. */
	if (x->waiting == 0 && !x->told && x->over)
		drop(t, x);
}

void
told_forget(struct told *t, const char *key)
{
	struct trouble *x = find(t, key);

	if (x == NULL || x->waiting > 0)
		return;
	t->changed |= x->told;
	drop(t, x);
}

bool
told_changed(const struct told *t)
{
	return t->changed;
}

size_t
told_count(const struct told *t)
{
	return t->n;
}

const char *
told_key(const struct told *t, size_t i)
{
	return t->all[i].told ? t->all[i].key : NULL;
}

/* --- as a document --- */

static json_t *
when(int64_t us)
{
	char text[CLOCK_TEXT];

	clock_rfc3339(us, text);
	return json_string(text);
}

int
told_text(struct told *t, struct buf *out, struct err *e)
{
	json_t *list = json_array(), *doc;
	char *text;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->all[i].told)
			(void)json_array_append_new(list,
			    json_pack("{s:s, s:o, s:o}", "key", t->all[i].key,
			    "since", when(t->all[i].since_us),
			    "told", when(t->all[i].at_us)));
	doc = json_pack("{s:i, s:o}", "version", 1, "told", list);
	text = doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL;
	json_decref(doc);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "notifier");
	buf_adds(out, text);
	buf_adds(out, "\n");
	free(text);
	t->changed = false;
	return buf_check(out, "notifier", e);
}

/* From 1970 to 9999: what can be written, too. */
static bool
parse_when(const char *text, int64_t *us)
{
	return clock_parse(text, us) == 0 && *us > 0 &&
	    *us < INT64_C(253402300800000000);
}

static bool
take(struct told *t, const json_t *one)
{
	const char *key = json_string_value(json_object_get(one, "key"));
	const char *since = json_string_value(json_object_get(one, "since"));
	const char *at = json_string_value(json_object_get(one, "told"));
	struct trouble *x;

	if (key == NULL || key[0] == '\0' || since == NULL || at == NULL ||
	    find(t, key) != NULL)
		return false;
	x = add(t, key);
	if (x == NULL)
		return false;
	x->told = true;
	return parse_when(since, &x->since_us) && parse_when(at, &x->at_us);
}

int
told_parse(struct told *t, const char *text, size_t n, struct err *e)
{
	json_t *doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(doc, "told");
	bool good = json_is_array(list) && json_integer_value(
	    json_object_get(doc, "version")) == 1;
	size_t i;

	for (i = 0; good && i < json_array_size(list); i++)
		good = take(t, json_array_get(list, i));
	json_decref(doc);
	if (good)
		return 0;
	t->n = 0;
	return err_set(e, ERR_CORRUPT, 0, "not a list of what was told");
}

void
told_free(struct told *t)
{
	if (t == NULL)
		return;
	free(t->all);
	free(t);
}
