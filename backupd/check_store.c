/* SPDX-License-Identifier: Apache-2.0 */
/* check_store: writes, reads, lists and deletes an object of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "catalog/settings.h"

#include "backupd/check.h"
#include "backupd/check_online.h"
#include "backupd/finding.h"

#define SKEW_MAX_US (INT64_C(300) * 1000000)
#define TEXT "backupd check\n"

struct trial {
	struct check_store *c;
	struct store *store;
	struct findings *f;
	struct finding at;
	char where[160];
	char key[64];
	bool there;		/* the object was written */
};

static void
failed(struct trial *t, const char *what, const struct err *why)
{
	struct err e = *why;

	(void)err_wrap(&e, "%s", what);
	finding_err(t->f, &t->at, &e);
}

static int
see(void *arg, const struct store_entry *entry, struct err *e)
{
	const char **wanted = arg;

	(void)e;
	if (*wanted != NULL && strcmp(entry->key, *wanted) == 0)
		*wanted = NULL;
	return 0;
}

/* What was written is read back, and listed. */
static void
try_reading(struct trial *t)
{
	const char *wanted = t->key;
	struct buf text = {0};
	struct err e = {0};

	t->c->reads = true;
	if (store_get(t->store, t->key, 4096, &text, &e) != 0) {
		failed(t, "read", &e);
		t->c->reads = false;
	} else if (strcmp(buf_str(&text), TEXT) != 0) {
		finding_add(t->f, &t->at, "read: what was written comes back "
		    "as something else");
		t->c->reads = false;
	}
	buf_free(&text);
	e = (struct err){0};
	if (store_list(t->store, "probe-", see, &wanted, &e) != 0) {
		failed(t, "list", &e);
		t->c->reads = false;
	} else if (wanted != NULL) {
		finding_add(t->f, &t->at, "list: what was written is not "
		    "listed");
		t->c->reads = false;
	}
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Three writes, for the time that one takes; and one more that must be
 * refused, since the object is there. */
static bool
try_writing(struct trial *t)
{
	uint64_t ms[3];
	struct err e = {0};
	int64_t begin;
	size_t i;

	for (i = 0; i < 3; i++) {
		begin = clock_mono_ms();
		if (store_put(t->store, t->key, TEXT, sizeof(TEXT) - 1, false,
		    &e) != 0) {
			failed(t, "write", &e);
			return false;
		}
		t->there = true;
		ms[i] = (uint64_t)(clock_mono_ms() - begin);
	}
	qsort(ms, 3, sizeof(ms[0]), by_size);
	t->c->put_ms = ms[1];
	if (store_put(t->store, t->key, "x", 1, true, &e) == 0) {
		finding_add(t->f, &t->at, "create-only write: it replaced an "
		    "object that was there");
		return false;
	}
	t->c->create_only = e.code == ERR_EXISTS;
	if (!t->c->create_only)
		failed(t, "create-only write", &e);
	return t->c->create_only;
}

static void
try_deleting(struct trial *t)
{
	const char *key = t->key;
	struct buf text = {0};
	struct err e = {0};

	if (store_delete(t->store, &key, 1, &e) != 0) {
		failed(t, "delete", &e);
	} else if (store_get(t->store, t->key, 4096, &text, &e) == 0) {
		finding_add(t->f, &t->at, "delete: what was deleted is still "
		    "there");
	} else {
		t->c->deletes = true;
	}
	buf_free(&text);
}

static void
try_clock(struct trial *t)
{
	struct finding at = t->at;
	int64_t theirs = 0;
	struct err e = {0};

	if (store_time(t->store, &theirs, &e) != 0) {
		failed(t, "time", &e);
		return;
	}
	t->c->skew_us = theirs - clock_now_us();
	at.todo = "let this host follow a time server";
	if (t->c->skew_us > SKEW_MAX_US || t->c->skew_us < -SKEW_MAX_US)
		finding_add(t->f, &at, "its clock is %lld s from ours: "
		    "nothing will be deleted beyond 300 s",
		    (long long)(t->c->skew_us / 1000000));
}

static void
judge_lock(struct trial *t, const struct bucket *b)
{
	struct finding at = t->at;

	if (b->lock_days > 0) {
		at.level = FINDING_WARNING;
		at.todo = "expect to pay for that time";
		finding_add(t->f, &at, "object lock keeps every object for %u "
		    "days (%s): what is expired goes no sooner",
		    b->lock_days, b->lock_mode);
	}
	if (b->lock == BUCKET_YES &&
	    !settings_flag(t->c->settings, "content-md5")) {
		at.level = FINDING_WARNING;
		at.todo = "set content-md5 = yes";
		finding_add(t->f, &at, "object lock: some stores refuse "
		    "writes without Content-MD5");
	}
}

static void
judge_bucket(struct trial *t)
{
	struct bucket *b = &t->c->bucket;
	struct finding at = t->at;
	struct err e = {0};

	if (store_bucket(t->store, b, &e) != 0) {
		failed(t, "settings of the bucket", &e);
		return;
	}
	at.todo = "leave expiry to Kura: narrow the rule, or take it away";
	if (b->expires[0] != '\0')
		finding_add(t->f, &at, "lifecycle rule %s deletes objects of "
		    "backups", b->expires);
	at.todo = "narrow the rule, or take it away";
	if (b->archives[0] != '\0')
		finding_add(t->f, &at, "lifecycle rule %s moves objects to an "
		    "archive tier, from which no restore can read",
		    b->archives);
	if (t->c->file)
		return;
	at.level = FINDING_HINT;
	at.todo = "let these credentials read it to have it checked";
	if (b->lifecycle == BUCKET_UNKNOWN)
		finding_add(t->f, &at, "the bucket's lifecycle could not be "
		    "read");
	at.todo = "add one of 7 days";
	if (b->lifecycle != BUCKET_UNKNOWN && !b->aborts)
		finding_add(t->f, &at, "no lifecycle rule ends uploads that "
		    "were broken off");
	at.todo = "let a rule delete old versions after some days";
	if (b->versions == BUCKET_YES && !b->drops_versions)
		finding_add(t->f, &at, "the bucket keeps versions for ever: "
		    "what is expired still costs");
	judge_lock(t, b);
}

/* Of a folder that is not there yet: can the first backup make it? */
static void
look_above(struct trial *t, const char *path)
{
	struct finding at = t->at;
	char above[4096];
	char *slash;

	(void)snprintf(above, sizeof(above), "%s", path);
	do {
		slash = strrchr(above, '/');
		if (slash == NULL || slash == above) {
			(void)snprintf(above, sizeof(above), "/");
			break;
		}
		*slash = '\0';
	} while (access(above, F_OK) != 0);
	if (access(above, W_OK | X_OK) != 0) {
		at.todo = "make it for this user";
		finding_add(t->f, &at, "%s is not there, and %s cannot be "
		    "written", path, above);
		return;
	}
	at.level = FINDING_WARNING;
	at.todo = "see that the file system is mounted";
	finding_add(t->f, &at, "%s is not there yet: the first backup makes "
	    "it", path);
	t->c->reached = t->c->reads = t->c->writes = t->c->deletes = true;
}

/* A directory: is it there, and has it room? */
static bool
look_at_directory(struct trial *t, const char *path)
{
	struct finding at = t->at;
	struct statvfs v;
	uint64_t all;

	if (statvfs(path, &v) != 0) {
		look_above(t, path);
		return false;
	}
	t->c->free = (uint64_t)v.f_bavail * v.f_frsize;
	all = (uint64_t)v.f_blocks * v.f_frsize;
	at.level = FINDING_WARNING;
	if (t->c->free < all / 20)
		finding_add(t->f, &at, "less than a twentieth of its file "
		    "system is free: %llu MiB",
		    (unsigned long long)(t->c->free >> 20));
	return true;
}

static void
try_all(struct trial *t)
{
	struct buf text = {0};
	struct err e = {0};

	if (store_get(t->store, "kura.json", 65536, &text, &e) == 0)
		t->c->exists = true;
	else if (e.code != ERR_NOTFOUND)
		failed(t, "kura.json", &e);
	t->c->reached = t->c->exists || e.code == ERR_NOTFOUND;
	buf_free(&text);
	if (!t->c->reached)
		return;
	t->c->writes = try_writing(t);
	if (t->there) {
		try_reading(t);
		try_deleting(t);
	}
	try_clock(t);
	judge_bucket(t);
}

void
check_store_try(struct check_store *c, struct findings *f)
{
	struct trial t = { .c = c, .f = f, .at = { .level = FINDING_ERROR } };
	char state[SETTINGS_STATE], tail[17];
	struct store_opts o = {0};
	struct err e = {0};

	(void)snprintf(t.where, sizeof(t.where), "store %s", c->label);
	t.at.where = t.where;
	random_hex(tail, 16);
	(void)snprintf(t.key, sizeof(t.key), "probe-%s", tail);
	if (settings_store_opts(c->settings, &o, state, &e) != 0) {
		finding_err(f, &t.at, &e);
		return;
	}
	o.retry_ms = CHECK_WAIT_MS;
	o.cancel = c->cancel;
	/* What an endpoint can is tried, not remembered. */
	o.state_dir = NULL;
	c->file = strncmp(o.url, "file://", 7) == 0;
	if (c->file && !look_at_directory(&t, o.url + 7))
		return;
	t.store = store_open(&o, &e);
	if (t.store == NULL)
		finding_err(f, &t.at, &e);
	else
		try_all(&t);
	store_close(t.store);
}
