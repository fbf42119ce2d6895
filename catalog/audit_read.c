/* SPDX-License-Identifier: Apache-2.0 */
/* audit: its lines, read back; foreign bytes, each checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/head.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/audit.h"

static const char *const results[] = { "begun", "done", "failed", "refused",
	"damage", "nothing", "busy", "stopped" };

/* Text of at most max bytes, or null. */
static int
text_or_null(const json_t *doc, const char *name, size_t max, struct err *e)
{
	const char *text;

	return member_null(doc, name) ? 0 : member_text(doc, name, max, &text,
	    e);
}

static int
check_command(const json_t *doc, struct err *e)
{
	const json_t *all = json_object_get(doc, "command"), *one;
	size_t i;

	if (!json_is_array(all) || json_array_size(all) > AUDIT_WORDS_MAX)
		return member_bad(e, "command");
	json_array_foreach(all, i, one)
		if (!json_is_string(one) ||
		    strlen(json_string_value(one)) != json_string_length(one))
			return member_bad(e, "command");
	return 0;
}

static int
check_result(const json_t *doc, struct err *e)
{
	const json_t *seconds = json_object_get(doc, "seconds");
	const char *result;
	uint64_t n;
	size_t i;

	if (member_text(doc, "result", 16, &result, e) != 0)
		return -1;
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (strcmp(result, results[i]) == 0)
			break;
	if (i == sizeof(results) / sizeof(results[0]))
		return member_bad(e, "result");
	if (!member_null(doc, "exit") && member_count(doc, "exit", 255, &n,
	    e) != 0)
		return -1;
	if (!json_is_null(seconds) && !json_is_number(seconds))
		return member_bad(e, "seconds");
	return text_or_null(doc, "message", 512, e);
}

static int
check(const json_t *doc, struct err *e)
{
	const char *text;
	int64_t us;
	uint64_t n;

	if (member_text(doc, "id", BACKUP_ID_LEN, &text, e) != 0)
		return -1;
	if (!backup_id_valid(text))
		return member_bad(e, "id");
	if (member_time(doc, "at", &us, e) != 0 ||
	    member_text(doc, "tool", 64, &text, e) != 0 ||
	    member_text(doc, "verb", 64, &text, e) != 0 ||
	    check_command(doc, e) != 0 ||
	    member_count(doc, "uid", UINT32_MAX, &n, e) != 0 ||
	    text_or_null(doc, "user", 64, e) != 0 ||
	    member_text(doc, "host", 64, &text, e) != 0 ||
	    member_count(doc, "pid", INT32_MAX, &n, e) != 0 ||
	    text_or_null(doc, "by", 64, e) != 0 ||
	    text_or_null(doc, "identity", 64, e) != 0 ||
	    text_or_null(doc, "store", 512, e) != 0 ||
	    text_or_null(doc, "source", SOURCE_NAME_MAX, e) != 0 ||
	    text_or_null(doc, "backup", 64, e) != 0 ||
	    text_or_null(doc, "target", 256, e) != 0)
		return -1;
	return check_result(doc, e);
}

json_t *
audit_parse(const char *line, size_t n, struct err *e)
{
	const json_t *version;
	json_t *doc;

	if (n > AUDIT_LINE_MAX) {
		(void)err_set(e, ERR_CORRUPT, 0, "a line of over %zu KiB",
		    AUDIT_LINE_MAX >> 10);
		return NULL;
	}
	doc = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	version = json_object_get(doc, "version");
	if (!json_is_object(doc))
		(void)err_set(e, ERR_CORRUPT, 0, "it is no JSON object");
	else if (!json_is_integer(version) || json_integer_value(version) < 1)
		(void)member_bad(e, "version");
	else if (json_integer_value(version) > AUDIT_VERSION)
		(void)err_set(e, ERR_USAGE, 0, "it has version %lld, which "
		    "needs a newer Kura", (long long)json_integer_value(
		    version));
	else if (check(doc, e) == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

/* --- the store --- */

struct entry {
	int64_t at_us;
	json_t *doc;
};

struct reading {
	struct store *store;
	const struct audit_reading *r;
	char **keys;		/* of days, then of a day's objects */
	size_t nkeys;
	struct entry *day;
	size_t nday;
};

/* Room for one more at every power of two. */
static void *
grown(void *all, size_t n, size_t size, struct err *e)
{
	void *more = all;

	if ((n & (n - 1)) == 0)
		more = realloc(all, (n == 0 ? 1 : n * 2) * size);
	if (more == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "audit");
	return more;
}

static int
keep_key(void *arg, const struct store_entry *entry, struct err *e)
{
	struct reading *x = arg;
	char **keys = grown(x->keys, x->nkeys, sizeof(*keys), e);

	if (keys == NULL)
		return -1;
	x->keys = keys;
	keys[x->nkeys] = strdup(entry->key);
	if (keys[x->nkeys] == NULL)
		return err_set(e, ERR_NOMEM, 0, "audit");
	x->nkeys++;
	return 0;
}

static void
free_keys(struct reading *x)
{
	while (x->nkeys > 0)
		free(x->keys[--x->nkeys]);
	free(x->keys);
	x->keys = NULL;
}

static void
bad(struct reading *x, const char *key, size_t line, const char *why)
{
	char text[480];

	if (line > 0)
		(void)snprintf(text, sizeof(text), "line %zu: %s", line, why);
	else
		(void)snprintf(text, sizeof(text), "%s", why);
	x->r->bad(x->r->arg, key, text);
}

static int
keep_entry(struct reading *x, json_t *doc, struct err *e)
{
	struct entry *day = grown(x->day, x->nday, sizeof(*day), e);
	int64_t at = 0;

	if (day == NULL) {
		json_decref(doc);
		return -1;
	}
	x->day = day;
	(void)clock_parse(json_string_value(json_object_get(doc, "at")), &at);
	day[x->nday++] = (struct entry){ .at_us = at, .doc = doc };
	return 0;
}

static int
read_object(struct reading *x, const char *key, struct err *e)
{
	struct buf text = {0};
	struct err why = {0};
	const char *at, *end, *lf;
	size_t line = 0;
	json_t *doc;
	int rc = 0;

	if (store_get(x->store, key, AUDIT_OBJECT_MAX, &text, &why) != 0) {
		if (why.code == ERR_CORRUPT || why.code == ERR_NOTFOUND) {
			bad(x, key, 0, why.msg);
		} else {
			*e = why;
			rc = -1;
		}
		buf_free(&text);
		return rc;
	}
	at = buf_str(&text);
	end = at + text.len;
	for (; at < end && rc == 0; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		lf = lf == NULL ? end : lf;
		line++;
		why = (struct err){0};
		doc = audit_parse(at, (size_t)(lf - at), &why);
		if (doc == NULL)
			bad(x, key, line, why.msg);
		else
			rc = keep_entry(x, doc, e);
	}
	if (text.len == 0)
		bad(x, key, 0, "it is empty");
	buf_free(&text);
	return rc;
}

static int
by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static int
read_day(struct reading *x, const char *day, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	struct reading d = { .store = x->store, .r = x->r };
	size_t i;
	int rc;

	(void)snprintf(prefix, sizeof(prefix), "audit/%s/", day);
	rc = store_list(x->store, prefix, keep_key, &d, e);
	for (i = 0; i < d.nkeys && rc == 0; i++)
		rc = read_object(&d, d.keys[i], e);
	if (d.nday > 1)
		qsort(d.day, d.nday, sizeof(*d.day), by_time);
	for (i = 0; i < d.nday; i++) {
		if (rc == 0 && d.day[i].at_us >= x->r->from_us &&
		    d.day[i].at_us <= x->r->to_us)
			rc = x->r->each(x->r->arg, d.day[i].doc, e);
		json_decref(d.day[i].doc);
	}
	free(d.day);
	free_keys(&d);
	return rc;
}

int
audit_read(struct store *s, const struct audit_reading *r, struct err *e)
{
	struct reading x = { .store = s, .r = r };
	char from[CLOCK_TEXT], to[CLOCK_TEXT] = "9999-99-99";
	size_t i;
	int rc;

	clock_rfc3339(r->from_us, from);
	if (r->to_us != INT64_MAX)
		clock_rfc3339(r->to_us, to);
	rc = store_list_names(s, "audit/", keep_key, &x, e);
	for (i = 0; i < x.nkeys && rc == 0; i++)
		if (strncmp(x.keys[i], from, 10) >= 0 &&
		    strncmp(x.keys[i], to, 10) <= 0)
			rc = read_day(&x, x.keys[i], e);
	free_keys(&x);
	return rc;
}
