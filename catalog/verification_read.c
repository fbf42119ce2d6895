/* SPDX-License-Identifier: Apache-2.0 */
/* verification: its documents, read back; foreign bytes, each checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/verification.h"

#define SECONDS_MAX (UINT64_C(1) << 40)
#define ENTRIES_MAX ((size_t)1 << 20)	/* files and backups of a source */

static int
take_id(const json_t *object, const char *name, char id[BACKUP_ID_LEN + 1],
    struct err *e)
{
	const char *text;

	if (member_text(object, name, BACKUP_ID_LEN, &text, e) != 0)
		return -1;
	if (!backup_id_valid(text))
		return member_bad(e, name);
	memcpy(id, text, BACKUP_ID_LEN + 1);
	return 0;
}

static int
take_backups(const json_t *doc, struct verification *v, struct err *e)
{
	const json_t *all = json_object_get(doc, "backups"), *one;
	struct verified x;
	size_t i;

	if (!json_is_array(all))
		return member_bad(e, "backups");
	json_array_foreach(all, i, one) {
		x = (struct verified){0};
		if (take_id(one, "id", x.id, e) != 0 ||
		    member_time(one, "at", &x.at_us, e) != 0 ||
		    member_count(one, "damaged", INT64_MAX, &x.damaged,
		    e) != 0 || verification_add(v, &x, e) != 0)
			return -1;
	}
	return 0;
}

static int
take_range(const json_t *one, struct verification *v, struct err *e)
{
	const json_t *live = json_object_get(one, "live");
	struct verified x = { .live = json_is_true(live) };
	uint64_t from, to;

	if (take_id(one, "history", x.id, e) != 0 ||
	    member_count(one, "from", UINT32_MAX, &from, e) != 0 ||
	    member_count(one, "to", UINT32_MAX, &to, e) != 0)
		return -1;
	if (from == 0 || to < from || to - from >= ENTRIES_MAX - v->n)
		return member_bad(e, "to");
	if (!json_is_boolean(live))
		return member_bad(e, "live");
	if (member_time(one, "at", &x.at_us, e) != 0 ||
	    member_count(one, "damaged", INT64_MAX, &x.damaged, e) != 0)
		return -1;
	for (; from <= to; from++) {
		x.seq = (uint32_t)from;
		if (verification_add(v, &x, e) != 0)
			return -1;
	}
	return 0;
}

static int
take_files(const json_t *doc, struct verification *v, struct err *e)
{
	const json_t *all = json_object_get(doc, "files"), *one;
	size_t i;

	if (!json_is_array(all))
		return member_bad(e, "files");
	json_array_foreach(all, i, one)
		if (take_range(one, v, e) != 0)
			return -1;
	return 0;
}

static int
take_findings(const json_t *doc, struct verification *v, struct err *e)
{
	json_t *all = json_object_get(doc, "findings"), *one;
	const char *text;
	size_t i;

	if (!json_is_array(all) ||
	    json_array_size(all) > VERIFICATION_FINDINGS)
		return member_bad(e, "findings");
	json_array_foreach(all, i, one)
		if (member_text(one, "object", 4096, &text, e) != 0 ||
		    member_text(one, "damage", 4096, &text, e) != 0)
			return -1;
	v->findings = json_incref(all);
	return 0;
}

static int
take_all(const json_t *doc, const char *source, const char *id,
    struct verification *v, struct err *e)
{
	const json_t *balance = json_object_get(doc, "balance");
	const char *text;
	uint64_t within;

	if (take_id(doc, "id", v->id, e) != 0)
		return -1;
	if (strcmp(v->id, id) != 0)
		return member_bad(e, "id");
	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (member_time(doc, "started", &v->started_us, e) != 0 ||
	    member_time(doc, "finished", &v->finished_us, e) != 0 ||
	    member_count(doc, "within", SECONDS_MAX, &within, e) != 0 ||
	    member_count(doc, "objects", INT64_MAX, &v->objects, e) != 0 ||
	    member_count(doc, "bytes", INT64_MAX, &v->bytes, e) != 0 ||
	    member_count(doc, "rows", INT64_MAX, &v->rows, e) != 0)
		return -1;
	v->within_us = (int64_t)within * 1000000;
	if (!json_is_integer(balance))
		return member_bad(e, "balance");
	v->balance = json_integer_value(balance);
	/* Sums with it must stay in range. */
	if (v->balance > INT64_MAX / 4 || v->balance < INT64_MIN / 4)
		return member_bad(e, "balance");
	return take_backups(doc, v, e) != 0 || take_files(doc, v, e) != 0 ?
	    -1 : take_findings(doc, v, e);
}

int
verification_parse(const char *text, size_t n, const char *source,
    const char *id, struct verification *v, struct err *e)
{
	json_t *doc = document_read(text, n, VERIFICATION_MAX,
	    "verification", e);
	int rc = -1;

	*v = (struct verification){0};
	if (doc != NULL) {
		rc = take_all(doc, source, id, v, e);
		if (rc != 0)
			(void)err_wrap(e, "verification");
	}
	json_decref(doc);
	if (rc != 0)
		verification_free(v);
	else
		verification_sort(v);
	return rc;
}

static int
load_one(struct store *s, const char *source, const char *id,
    struct verification *v, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc;

	*v = (struct verification){0};
	(void)snprintf(key, sizeof(key), "sources/%s/verifications/%s.json",
	    source, id);
	rc = store_get(s, key, VERIFICATION_MAX, &text, e);
	if (rc == 0) {
		rc = verification_parse(buf_str(&text), text.len, source, id,
		    v, e);
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(s), key);
	}
	buf_free(&text);
	return rc;
}

/* What two know; the run's members of the newer one.  Ids do not tell which
 * that is within a second. */
static int
merge(struct verification *v, struct verification *next, struct err *e)
{
	struct verification older;
	size_t i;

	if (v->finished_us > next->finished_us) {
		older = *next;
		*next = *v;
		*v = older;
	}
	for (i = 0; i < v->n; i++)
		if (verification_add(next, &v->all[i], e) != 0)
			return -1;
	verification_sort(next);
	verification_free(v);
	*v = *next;
	*next = (struct verification){0};
	return 0;
}

int
verification_load(struct store *s, const char *source,
    struct verification *v, struct err *e)
{
	struct backup_ref *refs = NULL;
	struct verification next = {0};
	struct err why;
	size_t n = 0, i;
	int rc;

	*v = (struct verification){0};
	rc = backups_ids(s, source, "verifications", &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		why = (struct err){0};
		if (load_one(s, source, refs[i].id, &next, &why) == 0) {
			rc = merge(v, &next, e);
		} else if (why.code == ERR_CORRUPT) {
			log_event(LOG_WARN_, "what was verified is read again",
			    "why", why.msg, NULL);
		} else if (why.code != ERR_NOTFOUND) {
			/* NOTFOUND: another run has just removed it. */
			*e = why;
			rc = -1;
		}
		verification_free(&next);
	}
	free(refs);
	if (rc != 0)
		verification_free(v);
	return rc;
}
