/* SPDX-License-Identifier: Apache-2.0 */
/* floor: the first file of a history that is still kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "catalog/verdict.h"
#include "store/store.h"

#include "catalog/floor.h"

#define FLOOR_MAX ((size_t)16 << 10)
/* A mark that was written so much later than it says counts from then on. */
#define LATE_US (INT64_C(60) * 1000000)

bool
floor_name(const char *name, uint32_t *before, bool *gone)
{
	unsigned long v;

	if (strspn(name, "0123456789") != 8)
		return false;
	*gone = strcmp(name + 8, "-gone.json") == 0;
	if (!*gone && strcmp(name + 8, "-mark.json") != 0)
		return false;
	v = strtoul(name, NULL, 10);
	*before = (uint32_t)v;
	return v > 1;
}

static void
floor_key(const char *source, const struct floor *f, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/files/%s-%08u-%s.json",
	    source, f->history, (unsigned)f->before, f->gone ? "gone" :
	    "mark");
}

/* Its name among the verdicts. */
static void
verdict_name(const struct floor *f, char name[HISTORY_ID_LEN + 16])
{
	(void)snprintf(name, HISTORY_ID_LEN + 16, "%s-%08u", f->history,
	    (unsigned)f->before);
}

/* --- writing --- */

int
floor_mark(struct store *s, const char *source, const char *history,
    uint32_t before, int64_t now_us, int64_t grace_us, struct err *e)
{
	char key[STORE_KEY_MAX], marked[CLOCK_TEXT], after[CLOCK_TEXT];
	char name[HISTORY_ID_LEN + 16];
	struct floor f = { .before = before };

	(void)snprintf(f.history, sizeof(f.history), "%s", history);
	verdict_name(&f, name);
	if (verdict_time(s, source, "floor", name, &now_us, e) != 0)
		return -1;
	clock_rfc3339(now_us, marked);
	clock_rfc3339(now_us + grace_us, after);
	floor_key(source, &f, key);
	if (document_create(s, key, json_pack("{s:i, s:s, s:s, s:I, s:s, s:s,"
	    " s:s}", "format", DOCUMENT_FORMAT, "source", source, "history",
	    history, "before", (json_int_t)before, "marked", marked, "why",
	    "no backup that stays needs it", "sweep_after", after),
	    FLOOR_MAX, "floor", e) == 0)
		return 0;
	if (e->code != ERR_EXISTS)
		return -1;
	*e = (struct err){0};
	return 0;
}

int
floor_drop(struct store *s, const char *source, const struct floor *f,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	const char *keys[1] = { key };

	floor_key(source, f, key);
	return store_delete(s, keys, 1, e);
}

static int
say(struct store *s, const char *source, const struct floor *f,
    enum verdict want, enum verdict *is, struct err *e)
{
	char name[HISTORY_ID_LEN + 16], key[STORE_KEY_MAX];

	verdict_name(f, name);
	verdict_key(source, "floor", name, f->said_us, key, sizeof(key));
	return verdict_give(s, key, want, is, e);
}

static int
make_gone(struct store *s, const char *source, const struct floor *f,
    struct err *e)
{
	struct floor gone = *f;
	char key[STORE_KEY_MAX];

	gone.gone = true;
	floor_key(source, &gone, key);
	if (document_create(s, key, json_pack("{s:i, s:s, s:s, s:I}",
	    "format", DOCUMENT_FORMAT, "source", source, "history",
	    f->history, "before", (json_int_t)f->before), FLOOR_MAX, "floor",
	    e) == 0)
		return 0;
	if (e->code != ERR_EXISTS)
		return -1;
	*e = (struct err){0};
	return 0;
}

int
floor_sweep(struct store *s, const char *source, const struct floor *f,
    bool *go, struct err *e)
{
	enum verdict is;

	*go = false;
	if (say(s, source, f, VERDICT_GO, &is, e) != 0)
		return -1;
	*go = is == VERDICT_GO;
	return *go ? make_gone(s, source, f, e) : 0;
}

int
floor_lift(struct store *s, const char *source, const struct floor *f,
    struct err *e)
{
	enum verdict is = VERDICT_STAY;

	/* One that cannot be read never comes due. */
	if (f->said_us != 0 && say(s, source, f, VERDICT_STAY, &is, e) != 0)
		return -1;
	/* Whoever said that it goes may be dead. */
	return is == VERDICT_GO ? make_gone(s, source, f, e) :
	    floor_drop(s, source, f, e);
}

/* --- reading --- */

int
floor_parse(const char *text, size_t n, const char *source, struct floor *f,
    struct err *e)
{
	json_t *doc = document_read(text, n, FLOOR_MAX, "floor", e);
	const char *word;
	uint64_t before;
	int rc = -1;

	if (doc == NULL)
		return -1;
	if (member_text(doc, "source", SOURCE_NAME_MAX, &word, e) != 0)
		goto out;
	if (strcmp(word, source) != 0) {
		(void)member_bad(e, "source");
		goto out;
	}
	if (member_text(doc, "history", HISTORY_ID_LEN, &word, e) != 0 ||
	    member_count(doc, "before", FLOOR_ALL, &before, e) != 0)
		goto out;
	if (strcmp(word, f->history) != 0)
		(void)member_bad(e, "history");
	else if (before != f->before)
		(void)member_bad(e, "before");
	else if (member_time(doc, "marked", &f->said_us, e) == 0)
		rc = member_time(doc, "sweep_after", &f->sweep_after_us, e);
	f->marked_us = f->said_us;
out:	json_decref(doc);
	if (rc != 0)
		(void)err_wrap(e, "floor");
	return rc;
}

struct names {
	struct floor *list;
	size_t n, skip;
};

static int
add_name(void *arg, const struct store_entry *entry, struct err *e)
{
	struct names *x = arg;
	const char *name = entry->key + x->skip;
	struct floor *list, one = {0};

	if (strlen(name) < HISTORY_ID_LEN + 1 || name[HISTORY_ID_LEN] != '-')
		return 0;
	memcpy(one.history, name, HISTORY_ID_LEN);
	if (!backup_id_valid(one.history) || !floor_name(name +
	    HISTORY_ID_LEN + 1, &one.before, &one.gone))
		return 0;
	list = realloc(x->list, (x->n + 1) * sizeof(*list));
	if (list == NULL)
		return err_set(e, ERR_NOMEM, 0, "floors");
	x->list = list;
	one.marked_us = one.gone ? 0 : entry->mtime_us;	/* until it is loaded */
	list[x->n++] = one;
	return 0;
}

/* 1; 0: it is no more; -1.  One that cannot be read never comes due. */
static int
load(struct store *s, const char *source, struct floor *f, struct err *e)
{
	int64_t written_us = f->marked_us;
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	struct err why = {0};

	floor_key(source, f, key);
	if (store_get(s, key, FLOOR_MAX, &text, &why) == 0)
		(void)floor_parse(buf_str(&text), text.len, source, f, &why);
	buf_free(&text);
	if (why.code == ERR_NOTFOUND)
		return 0;
	if (why.code == ERR_CORRUPT || why.code == ERR_USAGE) {
		f->said_us = f->marked_us = f->sweep_after_us = 0;
	} else if (why.code != ERR_NONE) {
		*e = why;
		return -1;
	} else if (written_us > f->marked_us + LATE_US) {
		/* Whoever wrote it may have been stopped just before. */
		f->sweep_after_us += written_us - f->marked_us;
		f->marked_us = written_us;
	}
	return 1;
}

int
floors_list(struct store *s, const char *source, struct floor **list,
    size_t *n, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct names x = {0};
	size_t i, kept = 0;
	int rc, got;

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/files/", source);
	x.skip = strlen(prefix);
	rc = store_list(s, prefix, add_name, &x, e);
	for (i = 0; i < x.n && rc == 0; i++) {
		got = x.list[i].gone ? 1 : load(s, source, &x.list[i], e);
		if (got < 0)
			rc = -1;
		else if (got == 1)
			x.list[kept++] = x.list[i];
	}
	if (rc != 0) {
		free(x.list);
		x.list = NULL;
		kept = 0;
	}
	*list = x.list;
	*n = kept;
	return rc;
}

uint32_t
floors_gone(const struct floor *list, size_t n, const char *history)
{
	uint32_t before = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i].gone && list[i].before > before &&
		    strcmp(list[i].history, history) == 0)
			before = list[i].before;
	return before;
}

int
floors_lift(struct store *s, const char *source, struct err *e)
{
	struct floor *list = NULL;
	size_t n = 0, i;
	int rc = floors_list(s, source, &list, &n, e);

	/* What is gone must not be offered again: it stays hidden by its own
	 * document. */
	for (i = 0; i < n && rc == 0; i++)
		if (!list[i].gone)
			rc = floor_lift(s, source, &list[i], e);
	free(list);
	return rc;
}
