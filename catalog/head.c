/* SPDX-License-Identifier: Apache-2.0 */
/* head: the small JSON document whose create-only write commits a backup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "catalog/names.h"
#include "codec/digest.h"
#include "store/store.h"

#include "catalog/head.h"

#define LISTS_MAX 100000

bool
source_name_valid(const char *name)
{
	size_t n = strlen(name), i;

	if (n == 0 || n > SOURCE_NAME_MAX || strstr(name, "..") != NULL)
		return false;
	for (i = 0; i < n; i++) {
		char c = name[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i > 0 && (c == '.' || c == '_' || c == '-'))
			continue;
		return false;
	}
	return true;
}

bool
backup_id_valid(const char *id)
{
	static const char shape[] = "ddddddddTddddddZ-xxxx";
	size_t i;

	if (strlen(id) != BACKUP_ID_LEN)
		return false;
	for (i = 0; i < BACKUP_ID_LEN; i++) {
		bool digit = id[i] >= '0' && id[i] <= '9';

		if (shape[i] == 'd' ? !digit : shape[i] == 'x' ?
		    !digit && (id[i] < 'a' || id[i] > 'f') :
		    id[i] != shape[i])
			return false;
	}
	return true;
}

void
backup_id_make(char id[BACKUP_ID_LEN + 1])
{
	char when[CLOCK_TEXT], tail[5];

	clock_basic(clock_now_us(), when);
	random_hex(tail, 4);
	memcpy(id, when, 16);
	id[16] = '-';
	memcpy(id + 17, tail, 5);
}

static json_t *
lists_json(const struct head *h)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < h->nlists; i++)
		(void)json_array_append_new(all, json_pack("{s:s, s:I, s:s}",
		    "key", h->lists[i].key, "size",
		    (json_int_t)h->lists[i].size, "sha256",
		    h->lists[i].sha256));
	return all;
}

int
head_write(const struct head *h, struct buf *out, struct err *e)
{
	char started[CLOCK_TEXT], finished[CLOCK_TEXT];
	json_t *doc;
	int rc;

	clock_rfc3339(h->started_us, started);
	clock_rfc3339(h->finished_us, finished);
	doc = json_pack("{s:i, s:s, s:s, s:s, s:O, s:O, s:O, s:O, s:O, s:O, "
	    "s:O, s:o, s:O, s:s, s:O, s:s, s:s}", "format", DOCUMENT_FORMAT,
	    "id", h->id, "source", h->source, "tool", h->tool,
	    "server", h->server, "snapshot", h->snapshot,
	    "coordinates", h->coordinates, "settings", h->settings,
	    "partial", h->partial, "totals", h->totals,
	    "inexact", h->inexact, "lists", lists_json(h),
	    "lenders", h->lenders, "lineage", h->lineage,
	    "codec", h->codec, "started", started, "finished", finished);
	rc = document_write(doc, ",\"sig\":null", HEAD_MAX, "head", out, e);
	json_decref(doc);
	return rc;
}

const char *
head_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

uint64_t
head_count(const json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	return n > 0 ? (uint64_t)n : 0;
}

bool
head_bool(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool
head_proven(const struct head *h)
{
	return head_bool(h->snapshot, "proven");
}

static int
bad(struct err *e, const char *member)
{
	(void)member_bad(e, member);
	return err_wrap(e, "head");
}

static int
take_lists(const json_t *lists, struct head *h, struct err *e)
{
	size_t n = json_array_size(lists), i, len;
	const json_t *one;
	const char *key, *sha;
	uint8_t bytes[SHA256_SIZE];

	if (!json_is_array(lists) || n > LISTS_MAX)
		return bad(e, "lists");
	h->lists = calloc(n == 0 ? 1 : n, sizeof(*h->lists));
	if (h->lists == NULL)
		return err_set(e, ERR_NOMEM, 0, "head");
	for (i = 0; i < n; i++) {
		one = json_array_get(lists, i);
		key = head_text(one, "key");
		sha = head_text(one, "sha256");
		len = strlen("data/") + BACKUP_ID_LEN + strlen("/lists/");
		/* Lists are always the backup's own. */
		if (strncmp(key, "data/", 5) != 0 ||
		    strncmp(key + 5, h->id, BACKUP_ID_LEN) != 0 ||
		    strncmp(key + 5 + BACKUP_ID_LEN, "/lists/", 7) != 0 ||
		    strchr(key + len, '/') != NULL ||
		    strlen(key) > 200 ||
		    hex_decode(sha, bytes, sizeof(bytes)) != 0)
			return bad(e, "lists");
		h->lists[i].key = strdup(key);
		if (h->lists[i].key == NULL)
			return err_set(e, ERR_NOMEM, 0, "head");
		h->nlists++;
		h->lists[i].size = head_count(one, "size");
		memcpy(h->lists[i].sha256, sha, 65);
	}
	return 0;
}

static int
take_text(const json_t *doc, const char *name, char **out, struct err *e)
{
	const char *text = json_string_value(json_object_get(doc, name));

	if (text == NULL)
		return bad(e, name);
	*out = strdup(text);
	return *out != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "head");
}

static int
take_member(const json_t *doc, const char *name, json_type type, bool null,
    json_t **out, struct err *e)
{
	json_t *value = json_object_get(doc, name);

	if (value == NULL || (json_typeof(value) != type &&
	    !(null && json_is_null(value))))
		return bad(e, name);
	*out = json_incref(value);
	return 0;
}

static int
take_all(const json_t *doc, struct head *h, struct err *e)
{
	const char *id = head_text(doc, "id");
	const char *lineage = head_text(doc, "lineage");

	if (!backup_id_valid(id))
		return bad(e, "id");
	if (!backup_id_valid(lineage))
		return bad(e, "lineage");
	memcpy(h->id, id, sizeof(h->id));
	memcpy(h->lineage, lineage, sizeof(h->lineage));
	if (take_text(doc, "source", &h->source, e) != 0 ||
	    take_text(doc, "tool", &h->tool, e) != 0 ||
	    take_member(doc, "server", JSON_OBJECT, false, &h->server,
	    e) != 0 ||
	    take_member(doc, "snapshot", JSON_OBJECT, false, &h->snapshot,
	    e) != 0 ||
	    take_member(doc, "coordinates", JSON_OBJECT, false,
	    &h->coordinates, e) != 0 ||
	    take_member(doc, "settings", JSON_OBJECT, false, &h->settings,
	    e) != 0 ||
	    take_member(doc, "partial", JSON_OBJECT, true, &h->partial,
	    e) != 0 ||
	    take_member(doc, "totals", JSON_OBJECT, false, &h->totals,
	    e) != 0 ||
	    take_member(doc, "inexact", JSON_ARRAY, false, &h->inexact,
	    e) != 0 ||
	    take_member(doc, "lenders", JSON_ARRAY, false, &h->lenders,
	    e) != 0 ||
	    take_member(doc, "codec", JSON_OBJECT, false, &h->codec, e) != 0)
		return -1;
	if (!source_name_valid(h->source))
		return bad(e, "source");
	if (clock_parse(head_text(doc, "started"), &h->started_us) != 0)
		return bad(e, "started");
	if (clock_parse(head_text(doc, "finished"), &h->finished_us) != 0)
		return bad(e, "finished");
	if (!json_is_null(json_object_get(h->codec, "encryption")))
		return err_set(e, ERR_USAGE, 0, "the backup is encrypted, "
		    "which this Kura cannot read: it needs a newer Kura");
	return take_lists(json_object_get(doc, "lists"), h, e);
}

int
head_parse(const char *text, size_t n, struct head *h, struct err *e)
{
	json_t *doc = document_read(text, n, HEAD_MAX, "head", e);
	int rc = -1;

	*h = (struct head){0};
	if (doc != NULL)
		rc = take_all(doc, h, e);
	json_decref(doc);
	if (rc != 0)
		head_free(h);
	return rc;
}

static int
head_key(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	return snprintf(key, STORE_KEY_MAX, "sources/%s/heads/%s.json",
	    source, id) < STORE_KEY_MAX ? 0 : -1;
}

int
head_load(struct store *s, const char *source, const char *id,
    struct head *h, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc = -1;

	*h = (struct head){0};
	(void)head_key(source, id, key);
	if (store_get(s, key, HEAD_MAX, &text, e) == 0) {
		rc = head_parse(buf_str(&text), text.len, h, e);
		if (rc == 0 && (strcmp(h->id, id) != 0 ||
		    strcmp(h->source, source) != 0)) {
			(void)err_set(e, ERR_CORRUPT, 0, "head is that of "
			    "%s/%s", h->source, h->id);
			head_free(h);
			rc = -1;
		}
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(s), key);
	}
	buf_free(&text);
	return rc;
}

int
head_commit(struct store *s, const struct head *h, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc = -1;

	(void)head_key(h->source, h->id, key);
	if (head_write(h, &text, e) == 0)
		rc = store_put(s, key, text.data, text.len, true, e);
	buf_free(&text);
	return rc;
}

void
head_free(struct head *h)
{
	size_t i;

	for (i = 0; i < h->nlists; i++)
		free(h->lists[i].key);
	free(h->lists);
	free(h->source);
	free(h->tool);
	json_decref(h->server);
	json_decref(h->snapshot);
	json_decref(h->coordinates);
	json_decref(h->settings);
	json_decref(h->partial);
	json_decref(h->totals);
	json_decref(h->inexact);
	json_decref(h->lenders);
	json_decref(h->codec);
	*h = (struct head){0};
}
