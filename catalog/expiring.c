/* SPDX-License-Identifier: Apache-2.0 */
/* expiring: marks of whole backups, which may be swept after a while. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "catalog/removal.h"
#include "catalog/verdict.h"
#include "store/store.h"

#include "catalog/expiring.h"

#define EXPIRING_MAX ((size_t)16 << 10)
#define MARK "backup-"
#define SWEEP "sweep-"
/* A mark that was written so much later than it says counts from then on. */
#define LATE_US (INT64_C(60) * 1000000)

static void
expiring_key(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/marks/" MARK "%s.json",
	    source, id);
}

/* --- writing --- */

int
expiring_mark(struct store *s, const char *source, const char *id,
    const char *why, int64_t now_us, int64_t grace_us, struct err *e)
{
	char key[STORE_KEY_MAX], marked[CLOCK_TEXT], after[CLOCK_TEXT];

	if (verdict_time(s, source, "sweep", id, &now_us, e) != 0)
		return -1;
	clock_rfc3339(now_us, marked);
	clock_rfc3339(now_us + grace_us, after);
	expiring_key(source, id, key);
	if (document_create(s, key, json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}",
	    "format", DOCUMENT_FORMAT, "source", source, "backup", id,
	    "marked", marked, "why", why, "sweep_after", after), EXPIRING_MAX,
	    "mark", e) == 0)
		return 0;
	if (e->code != ERR_EXISTS)
		return -1;
	*e = (struct err){0};
	return 0;
}

/* --- reading --- */

static int
take_all(const json_t *doc, const char *source, struct expiring *x,
    struct err *e)
{
	const char *text;

	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (member_text(doc, "backup", BACKUP_ID_LEN, &text, e) != 0)
		return -1;
	if (strcmp(text, x->backup) != 0)
		return member_bad(e, "backup");
	if (member_time(doc, "marked", &x->said_us, e) != 0 ||
	    member_copy(doc, "why", 1023, &x->why, e) != 0)
		return -1;
	x->marked_us = x->said_us;
	return member_time(doc, "sweep_after", &x->sweep_after_us, e);
}

int
expiring_parse(const char *text, size_t n, const char *source,
    const char *id, struct expiring *x, struct err *e)
{
	json_t *doc = document_read(text, n, EXPIRING_MAX, "mark", e);
	int rc = -1;

	*x = (struct expiring){ .marked = true };
	(void)snprintf(x->backup, sizeof(x->backup), "%s", id);
	if (doc != NULL) {
		rc = take_all(doc, source, x, e);
		if (rc != 0)
			(void)err_wrap(e, "mark");
	}
	json_decref(doc);
	if (rc != 0)
		expiring_fini(x);
	return rc;
}

struct names {
	struct expiring *list;
	size_t n, skip;
};

static struct expiring *
find(struct expiring *list, size_t n, const char *id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strncmp(list[i].backup, id, BACKUP_ID_LEN) == 0)
			return &list[i];
	return NULL;
}

/* The one of a name that begins with an id; NULL: it does not (*e is not set),
 * or there is no memory. */
static struct expiring *
add_name(struct names *x, const char *name, struct err *e)
{
	struct expiring *list, one = {0};

	if (strlen(name) < BACKUP_ID_LEN)
		return NULL;
	memcpy(one.backup, name, BACKUP_ID_LEN);
	if (!backup_id_valid(one.backup))
		return NULL;
	list = find(x->list, x->n, one.backup);
	if (list != NULL)
		return list;
	list = realloc(x->list, (x->n + 1) * sizeof(*list));
	if (list == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "marks");
		return NULL;
	}
	x->list = list;
	list += x->n++;
	*list = one;
	return list;
}

/* "backup-<id>.json" */
static int
add_mark(void *arg, const struct store_entry *entry, struct err *e)
{
	struct names *x = arg;
	const char *name = entry->key + x->skip + strlen(MARK);
	struct expiring *one;

	if (strlen(name) != BACKUP_ID_LEN + 5 ||
	    strcmp(name + BACKUP_ID_LEN, ".json") != 0)
		return 0;
	one = add_name(x, name, e);
	if (one == NULL)
		return e->code == ERR_NONE ? 0 : -1;
	one->marked = true;
	one->marked_us = entry->mtime_us;	/* until it is loaded */
	return 0;
}

/* "sweep-<id>-<when>.json" */
static int
add_sweep(void *arg, const struct store_entry *entry, struct err *e)
{
	struct names *x = arg;
	struct expiring *one = add_name(x, entry->key + x->skip +
	    strlen(SWEEP), e);

	if (one == NULL)
		return e->code == ERR_NONE ? 0 : -1;
	one->sweeping = true;	/* until the verdict is looked at */
	return 0;
}

static int
list_names(struct store *s, const char *source, struct names *x,
    struct err *e)
{
	char prefix[STORE_KEY_MAX];

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/marks/", source);
	x->skip = strlen(prefix);
	(void)snprintf(prefix + x->skip, sizeof(prefix) - x->skip, MARK);
	if (store_list(s, prefix, add_mark, x, e) != 0)
		return -1;
	(void)snprintf(prefix + x->skip, sizeof(prefix) - x->skip, SWEEP);
	return store_list(s, prefix, add_sweep, x, e);
}

static int
look_at_verdict(struct store *s, const char *source, struct expiring *x,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	enum verdict is;

	verdict_key(source, "sweep", x->backup, x->said_us, key, sizeof(key));
	if (verdict_look(s, key, &is, e) != 0)
		return -1;
	x->sweeping = is == VERDICT_GO;
	x->stays = is == VERDICT_STAY;
	return 0;
}

/* Of one that was named: 1; 0: it was taken away meanwhile; -1. */
static int
load(struct store *s, const char *source, struct expiring *x, struct err *e)
{
	const struct expiring named = *x;
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	struct err why = {0};

	expiring_key(source, named.backup, key);
	if (store_get(s, key, EXPIRING_MAX, &text, &why) == 0)
		(void)expiring_parse(buf_str(&text), text.len, source,
		    named.backup, x, &why);
	buf_free(&text);
	if (why.code == ERR_NONE) {
		/* Whoever wrote it may have been stopped just before. */
		if (named.marked_us > x->marked_us + LATE_US) {
			x->sweep_after_us += named.marked_us - x->marked_us;
			x->marked_us = named.marked_us;
		}
		return named.sweeping && look_at_verdict(s, source, x, e) !=
		    0 ? -1 : 1;
	}
	*x = named;
	x->marked_us = 0;
	if (why.code == ERR_NOTFOUND) {
		x->marked = false;
		return x->sweeping;
	}
	x->sweeping = false;
	if (why.code != ERR_CORRUPT && why.code != ERR_USAGE) {
		*e = why;
		return -1;
	}
	x->unreadable = true;
	x->why = strdup(why.msg);
	return x->why != NULL ? 1 : err_set(e, ERR_NOMEM, 0, "marks");
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct expiring *)a)->backup,
	    ((const struct expiring *)b)->backup);
}

int
expiring_list(struct store *s, const char *source, struct expiring **list,
    size_t *n, struct err *e)
{
	struct names x = {0};
	size_t i, kept = 0;
	int rc = list_names(s, source, &x, e), got;

	for (i = 0; i < x.n && rc == 0; i++) {
		got = x.list[i].marked ? load(s, source, &x.list[i], e) : 1;
		if (got < 0)
			rc = -1;
		else if (got == 1)
			x.list[kept++] = x.list[i];
	}
	if (rc != 0) {
		expiring_free(x.list, kept);
		x.list = NULL;
		kept = 0;
	}
	if (kept > 0)
		qsort(x.list, kept, sizeof(*x.list), by_id);
	*list = x.list;
	*n = kept;
	return rc;
}

const struct expiring *
expiring_of(const struct expiring *list, size_t n, const char *id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i].marked && strcmp(list[i].backup, id) == 0)
			return &list[i];
	return NULL;
}

int
expiring_is(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	struct err missing = {0};
	uint64_t size;

	expiring_key(source, id, key);
	if (store_stat(s, key, &size, &missing) == 0)
		return 1;
	if (missing.code == ERR_NOTFOUND)
		return 0;
	*e = missing;
	return -1;
}

int
expiring_refuse(struct store *s, const char *source, const char *id,
    struct err *e)
{
	int marked = expiring_is(s, source, id, e);

	if (marked <= 0)
		return marked;
	(void)err_set(e, ERR_NOTFOUND, 0, "%s/%s is marked to expire: its "
	    "objects may go before a restore has ended", source, id);
	return err_hint(e, "hold it first: catalog hold %s/%s --name=restore "
	    "--reason=restore", source, id);
}

int
expiring_gone(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	struct err missing = {0};
	uint64_t size;

	(void)snprintf(key, sizeof(key), "sources/%s/heads/%s.json", source,
	    id);
	if (store_stat(s, key, &size, &missing) == 0)
		return 0;
	if (missing.code == ERR_NOTFOUND)
		return 1;
	*e = missing;
	return -1;
}

int
expiring_explain(struct store *s, const char *source, const char *id,
    struct err *e)
{
	struct err was = *e, ignored = {0};

	if ((was.code != ERR_NOTFOUND && was.code != ERR_CORRUPT) ||
	    expiring_gone(s, source, id, &ignored) != 1)
		return -1;
	*e = (struct err){0};
	(void)err_set(e, ERR_NOTFOUND, 0, "%s/%s has expired meanwhile: %s",
	    source, id, was.msg);
	return err_hint(e, "take another backup, and hold it first: see "
	    "'catalog hold'");
}

/* --- verdicts --- */

static int
drop(struct store *s, const char *source, const char *id, struct err *e)
{
	char key[STORE_KEY_MAX];
	const char *keys[1] = { key };

	expiring_key(source, id, key);
	return store_delete(s, keys, 1, e);
}

int
expiring_unmark(struct store *s, const char *source, const char *id,
    struct err *e)
{
	struct expiring x = { .marked = true };
	char key[STORE_KEY_MAX];
	enum verdict is = VERDICT_STAY;
	int rc;

	(void)snprintf(x.backup, sizeof(x.backup), "%s", id);
	rc = load(s, source, &x, e);
	if (rc <= 0)
		return rc;
	/* One that cannot be read never comes due. */
	if (!x.unreadable) {
		verdict_key(source, "sweep", id, x.said_us, key,
		    sizeof(key));
		rc = verdict_give(s, key, VERDICT_STAY, &is, e);
	}
	expiring_fini(&x);
	if (rc < 0)
		return -1;
	if (is == VERDICT_GO)
		return err_set(e, ERR_BUSY, 0, "%s/%s is being swept", source,
		    id);
	return drop(s, source, id, e);
}

int
expiring_sweep(struct store *s, const char *source,
    const struct expiring *x, bool *go, struct err *e)
{
	char key[STORE_KEY_MAX];
	enum verdict is;

	verdict_key(source, "sweep", x->backup, x->said_us, key, sizeof(key));
	if (verdict_give(s, key, VERDICT_GO, &is, e) != 0)
		return -1;
	*go = is == VERDICT_GO;
	return 0;
}

int
expiring_end(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char prefix[STORE_KEY_MAX];

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/marks/" SWEEP "%s",
	    source, id);
	return removal_prefix(s, prefix, e) == 0 ? drop(s, source, id, e) : -1;
}

void
expiring_free(struct expiring *list, size_t n)
{
	while (n > 0)
		expiring_fini(&list[--n]);
	free(list);
}

void
expiring_fini(struct expiring *x)
{
	/* It loses sight of structs that are copied.
	 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	free(x->why);
	*x = (struct expiring){0};
}
