/* SPDX-License-Identifier: Apache-2.0 */
/* stand: where a server's binary log ended, and when, by the server's clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/stand.h"

#define STAND_MAX ((size_t)4 << 10)
#define DAEMONS "daemons/"
#define DAEMONS_READ 256	/* heartbeats: a few, but for strangers' */

static void
stand_key(const char *source, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/stand.json", source);
}

/* --- writing --- */

json_t *
stand_json(const struct stand *x)
{
	char at[CLOCK_TEXT];

	clock_rfc3339(x->at_us, at);
	return json_pack("{s:s, s:s, s:I, s:I, s:s}", "source", x->source,
	    "history", x->history, "seq", (json_int_t)x->seq, "position",
	    (json_int_t)x->offset, "at", at);
}

int
stand_store(struct store *s, const struct stand *x, struct err *e)
{
	json_t *doc = json_pack("{s:i}", "format", DOCUMENT_FORMAT);
	json_t *members = stand_json(x);
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc;

	stand_key(x->source, key);
	if (json_object_update(doc, members) != 0) {
		json_decref(doc);
		doc = NULL;
	}
	rc = document_write(doc, "", STAND_MAX, "stand", &text, e);
	if (rc == 0)
		rc = store_put(s, key, text.data, text.len, false, e);
	json_decref(members);
	json_decref(doc);
	buf_free(&text);
	return rc;
}

/* --- reading --- */

struct reading {
	struct store *store;
	const char *source;
	char (*keys)[STORE_KEY_MAX];	/* of heartbeats */
	size_t nkeys;
	struct stand *list;
	size_t n;
};

/* 1: it is the source's; 0: another's. */
static int
take(const json_t *doc, const char *source, struct stand *x, struct err *e)
{
	const char *text;
	uint64_t seq;

	*x = (struct stand){0};
	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return 0;
	(void)snprintf(x->source, sizeof(x->source), "%s", text);
	if (member_text(doc, "history", HISTORY_ID_LEN, &text, e) != 0 ||
	    member_count(doc, "seq", UINT32_MAX, &seq, e) != 0 ||
	    member_count(doc, "position", INT64_MAX, &x->offset, e) != 0 ||
	    member_time(doc, "at", &x->at_us, e) != 0)
		return -1;
	(void)snprintf(x->history, sizeof(x->history), "%s", text);
	x->seq = (uint32_t)seq;
	return 1;
}

static int
keep(struct reading *r, const json_t *doc, struct err *e)
{
	struct stand one, *more;
	int rc = take(doc, r->source, &one, e);

	if (rc <= 0)
		return rc;
	more = realloc(r->list, (r->n + 1) * sizeof(*more));
	if (more == NULL)
		return err_set(e, ERR_NOMEM, 0, "stands");
	r->list = more;
	more[r->n++] = one;
	return 0;
}

/* A heartbeat has many, or says nothing of them. */
static int
keep_all(struct reading *r, const json_t *doc, struct err *e)
{
	const json_t *list = json_object_get(doc, "stands"), *one;
	size_t i;

	if (list != NULL && !json_is_array(list))
		return member_bad(e, "stands");
	json_array_foreach(list, i, one)
		if (keep(r, one, e) != 0)
			return -1;
	return 0;
}

/* What cannot be read proves nothing: so much less is known then. */
static int
go_on(const char *key, const struct err *why, struct err *e)
{
	if (why->code == ERR_NOTFOUND)
		return 0;
	if (why->code != ERR_CORRUPT && why->code != ERR_USAGE &&
	    why->code != ERR_DENIED) {
		*e = *why;
		return -1;
	}
	log_event(LOG_WARN_, "it is not known how long a server was idle",
	    "object", key, "why", why->msg, NULL);
	return 0;
}

static int
read_one(struct reading *r, const char *key, size_t max, const char *what,
    int (*each)(struct reading *, const json_t *, struct err *),
    struct err *e)
{
	struct buf text = {0};
	struct err why = {0};
	json_t *doc = NULL;
	int rc;

	rc = store_get(r->store, key, max, &text, &why);
	if (rc == 0) {
		doc = document_read(buf_str(&text), text.len, max, what, &why);
		rc = doc == NULL ? -1 : each(r, doc, &why);
	}
	json_decref(doc);
	buf_free(&text);
	return rc == 0 ? 0 : go_on(key, &why, e);
}

static int
add_key(void *arg, const struct store_entry *entry, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	if (r->nkeys < DAEMONS_READ && strlen(entry->key) < STORE_KEY_MAX)
		(void)snprintf(r->keys[r->nkeys++], STORE_KEY_MAX, "%s",
		    entry->key);
	return 0;
}

int
stands_load(struct store *s, const char *source, struct stand **list,
    size_t *n, struct err *e)
{
	struct reading r = { .store = s, .source = source,
	    .keys = calloc(DAEMONS_READ, STORE_KEY_MAX) };
	char key[STORE_KEY_MAX];
	struct err why = {0};
	size_t i;
	int rc;

	*list = NULL;
	*n = 0;
	if (r.keys == NULL)
		return err_set(e, ERR_NOMEM, 0, "stands");
	stand_key(source, key);
	rc = read_one(&r, key, STAND_MAX, "stand", keep, e);
	if (rc == 0 && store_list(s, DAEMONS, add_key, &r, &why) != 0)
		rc = go_on(DAEMONS, &why, e);
	for (i = 0; i < r.nkeys && rc == 0; i++)
		rc = read_one(&r, r.keys[i], STAND_HEARTBEAT_MAX, "heartbeat",
		    keep_all, e);
	free(r.keys);
	if (rc != 0) {
		free(r.list);
		return -1;
	}
	*list = r.list;
	*n = r.n;
	return 0;
}
