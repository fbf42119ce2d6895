/* SPDX-License-Identifier: Apache-2.0 */
/* claim: a note that a daemon has begun to work for a source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/document.h"
#include "catalog/head.h"
#include "catalog/member.h"
#include "store/store.h"

#include "backupd/claim.h"

#define TRIES 4			/* another daemon may be quicker */
#define DIGITS 8
#define NUMBER_MAX 99999999u

static void
claim_key(const char *source, uint32_t n, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/claims/%08u.json",
	    source, (unsigned)n);
}

/* --- which there are --- */

/* The last ones that a listing gave, and how many there are. */
struct numbers {
	size_t before;		/* length of what precedes a number */
	uint32_t last[2 * CLAIM_KEEP];
	size_t n;		/* in all */
};

static int
take_number(void *arg, const struct store_entry *entry, struct err *e)
{
	struct numbers *x = arg;
	const char *name = entry->key + x->before;

	(void)e;
	/* What is none of ours stays where it is. */
	if (strlen(name) != DIGITS + 5 || strcmp(name + DIGITS, ".json") != 0 ||
	    strspn(name, "0123456789") != DIGITS)
		return 0;
	x->last[x->n++ % (2 * CLAIM_KEEP)] = (uint32_t)strtoul(name, NULL,
	    10);
	return 0;
}

static int
list(struct store *s, const char *source, struct numbers *x, struct err *e)
{
	char prefix[STORE_KEY_MAX];

	*x = (struct numbers){0};
	x->before = (size_t)snprintf(prefix, sizeof(prefix),
	    "sources/%s/claims/", source);
	return store_list(s, prefix, take_number, x, e);
}

static uint32_t
newest(const struct numbers *x)
{
	return x->n == 0 ? 0 : x->last[(x->n - 1) % (2 * CLAIM_KEEP)];
}

/* Of the last ones listed the older half goes, whenever there are that many;
 * what a killed daemon left of them goes with the next. */
static int
prune(struct store *s, const char *source, const struct numbers *x,
    struct err *e)
{
	char keys[CLAIM_KEEP][STORE_KEY_MAX];
	const char *all[CLAIM_KEEP];
	size_t i;

	if (x->n < 2 * CLAIM_KEEP)
		return 0;
	for (i = 0; i < CLAIM_KEEP; i++) {
		claim_key(source, x->last[(x->n + i) % (2 * CLAIM_KEEP)],
		    keys[i]);
		all[i] = keys[i];
	}
	return store_delete(s, all, CLAIM_KEEP, e);
}

/* --- documents --- */

static int
take_all(const json_t *doc, const char *source, uint32_t number,
    struct claim *c, struct err *e)
{
	const char *text;
	uint64_t n;

	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (member_count(doc, "n", NUMBER_MAX, &n, e) != 0)
		return -1;
	if (n != number)
		return member_bad(e, "n");
	c->n = number;
	if (member_text(doc, "daemon", CLAIMS_ID_LEN, &text, e) != 0)
		return -1;
	(void)snprintf(c->daemon, sizeof(c->daemon), "%s", text);
	if (member_time(doc, "taken", &c->taken_us, e) != 0 ||
	    member_text(doc, "why", sizeof(c->why) - 1, &text, e) != 0)
		return -1;
	(void)snprintf(c->why, sizeof(c->why), "%s", text);
	return 0;
}

int
claim_parse(const char *text, size_t n, const char *source, uint32_t number,
    struct claim *c, struct err *e)
{
	json_t *doc = document_read(text, n, CLAIM_MAX, "claim", e);
	int rc = -1;

	*c = (struct claim){0};
	if (doc != NULL) {
		rc = take_all(doc, source, number, c, e);
		if (rc != 0)
			(void)err_wrap(e, "claim");
	}
	json_decref(doc);
	return rc;
}

static int
load(struct store *s, const char *source, uint32_t number, struct claim *c,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc;

	claim_key(source, number, key);
	rc = store_get(s, key, CLAIM_MAX, &text, e);
	if (rc == 0) {
		rc = claim_parse(buf_str(&text), text.len, source, number, c,
		    e);
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(s), key);
	}
	buf_free(&text);
	return rc;
}

int
claim_newest(struct store *s, const char *source, struct claim *c,
    struct err *e)
{
	struct numbers x;

	if (list(s, source, &x, e) != 0)
		return -1;
	if (x.n == 0)
		return err_set(e, ERR_NOTFOUND, 0, "no claim of source %s",
		    source);
	return load(s, source, newest(&x), c, e);
}

static int
create(struct store *s, const char *source, uint32_t n, const char *daemon,
    const char *why, struct err *e)
{
	char key[STORE_KEY_MAX], taken[CLOCK_TEXT];

	if (n > NUMBER_MAX)
		return err_set(e, ERR_IO, 0, "source %s has %u claims", source,
		    NUMBER_MAX);
	claim_key(source, n, key);
	clock_rfc3339(clock_now_us(), taken);
	return document_create(s, key, json_pack("{s:i, s:s, s:I, s:s, s:s, "
	    "s:s}", "format", DOCUMENT_FORMAT, "source", source, "n",
	    (json_int_t)n, "daemon", daemon, "taken", taken, "why", why),
	    CLAIM_MAX, "claim", e);
}

int
claim_take(struct store *s, const char *source, const char *daemon,
    const char *why, struct err *e)
{
	struct numbers x;
	struct err lost;
	struct claim c;
	int i, rc;

	for (i = 0; i < TRIES; i++) {
		if (list(s, source, &x, e) != 0)
			return -1;
		/* A damaged one is nobody's. */
		lost = (struct err){0};
		if (x.n > 0 && load(s, source, newest(&x), &c, &lost) == 0 &&
		    strcmp(c.daemon, daemon) == 0)
			return 0;
		rc = create(s, source, newest(&x) + 1, daemon, why, e);
		if (rc == 0)
			return prune(s, source, &x, e) == 0 ? 1 : -1;
		if (e->code != ERR_EXISTS)
			return -1;
		*e = (struct err){0};
	}
	return err_set(e, ERR_BUSY, 0, "source %s: other daemons claim it at "
	    "the same time", source);
}
