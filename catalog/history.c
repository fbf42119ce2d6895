/* SPDX-License-Identifier: Apache-2.0 */
/* history: one unbroken line of a source's binary log. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "codec/digest.h"
#include "store/store.h"

#include "catalog/history.h"

#define GTID_MAX ((size_t)1 << 20)
#define SHORT_MAX 255		/* flavour, uuid, version, marked */
#define NAME_MAX_LEN 511	/* of a binary log file */

static const char *const whys[] = { "first", "fail-over", "reset", "rollback",
	"clone", "gap" };

const char *
history_why_text(enum history_why why)
{
	return whys[why];
}

bool
binlog_name_valid(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f ||
		    name[i] == '/')
			return false;
	return i > 0 && i <= NAME_MAX_LEN && utf8_valid(name);
}

static void
history_key(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/histories/%s.json",
	    source, id);
}

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

/* --- writing --- */

static json_t *
base64_json(const struct buf *bytes)
{
	char *text = malloc(bytes->len / 3 * 4 + 8);
	json_t *json;

	if (text == NULL)
		return NULL;
	base64_encode(buf_str(bytes), bytes->len, text);
	json = json_string(text);
	free(text);
	return json;
}

static json_t *
parent_json(const struct history *h)
{
	if (h->parent[0] == '\0')
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:s}", "history", h->parent, "seq",
	    (json_int_t)h->fork_seq, "offset", (json_int_t)h->fork_offset,
	    "gtid", text_of(h->fork_gtid));
}

int
history_create(struct store *s, const char *source, struct history *h,
    struct err *e)
{
	char key[STORE_KEY_MAX], opened[CLOCK_TEXT];
	json_t *doc;

	if (h->id[0] == '\0')
		backup_id_make(h->id);
	clock_rfc3339(h->opened_us, opened);
	history_key(source, h->id, key);
	doc = json_pack("{s:i, s:s, s:s, s:s, s:{s:s, s:s, s:I}, s:s, s:s, "
	    "s:o, s:s, s:o, s:s, s:s}", "format", DOCUMENT_FORMAT,
	    "id", h->id, "source", source, "flavour", text_of(h->flavour),
	    "server", "version", text_of(h->version),
	    "uuid", text_of(h->uuid), "server_id", (json_int_t)h->server_id,
	    "first_file", text_of(h->first_file),
	    "gtid_before", text_of(h->gtid_before),
	    "head_bytes_b64", base64_json(&h->head_bytes),
	    "why", history_why_text(h->why), "parent", parent_json(h),
	    "marked", text_of(h->marked), "opened", opened);
	return document_create(s, key, doc, HISTORY_MAX, "history", e);
}

int
history_remove(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	const char *keys[1] = { key };

	history_key(source, id, key);
	return store_delete(s, keys, 1, e);
}

/* --- reading --- */

static int
take_flavour(const json_t *doc, struct history *h, struct err *e)
{
	if (member_copy(doc, "flavour", SHORT_MAX, &h->flavour, e) != 0)
		return -1;
	if (strcmp(h->flavour, "mysql") == 0 ||
	    strcmp(h->flavour, "mariadb") == 0)
		return 0;
	return err_set(e, ERR_USAGE, 0, "flavour '%.32s' needs a newer Kura",
	    h->flavour);
}

static int
take_server(const json_t *doc, struct history *h, struct err *e)
{
	const json_t *server = json_object_get(doc, "server");

	if (!json_is_object(server))
		return member_bad(e, "server");
	if (member_copy(server, "version", SHORT_MAX, &h->version, e) != 0 ||
	    member_copy(server, "uuid", SHORT_MAX, &h->uuid, e) != 0)
		return -1;
	return member_count(server, "server_id", UINT32_MAX, &h->server_id,
	    e);
}

static int
take_bytes(const json_t *doc, struct history *h, struct err *e)
{
	const char *text;
	long n;

	if (member_text(doc, "head_bytes_b64", HISTORY_MAX, &text, e) != 0)
		return -1;
	if (buf_reserve(&h->head_bytes, strlen(text) / 4 * 3 + 4) != 0)
		return buf_check(&h->head_bytes, "history", e);
	n = base64_decode(text, h->head_bytes.data);
	if (n < 0)
		return member_bad(e, "head_bytes_b64");
	h->head_bytes.len = (size_t)n;
	h->head_bytes.data[n] = '\0';
	return 0;
}

static int
take_why(const json_t *doc, struct history *h, struct err *e)
{
	const char *text;
	size_t i;

	if (member_text(doc, "why", SHORT_MAX, &text, e) != 0)
		return -1;
	for (i = 0; i < sizeof(whys) / sizeof(whys[0]); i++)
		if (strcmp(whys[i], text) == 0) {
			h->why = (enum history_why)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, 0, "reason '%.32s' needs a newer Kura",
	    text);
}

static int
take_parent(const json_t *doc, struct history *h, struct err *e)
{
	const json_t *parent = json_object_get(doc, "parent");
	const char *id;
	uint64_t seq;

	if (json_is_null(parent)) {
		h->fork_gtid = strdup("");
		return h->fork_gtid != NULL ? 0 : err_set(e, ERR_NOMEM, 0,
		    "history");
	}
	if (!json_is_object(parent))
		return member_bad(e, "parent");
	if (member_text(parent, "history", HISTORY_ID_LEN, &id, e) != 0)
		return -1;
	/* A history that is its own parent would be followed for ever. */
	if (!backup_id_valid(id) || strcmp(id, h->id) == 0)
		return member_bad(e, "history");
	memcpy(h->parent, id, sizeof(h->parent));
	if (member_count(parent, "seq", UINT32_MAX, &seq, e) != 0 ||
	    member_count(parent, "offset", INT64_MAX, &h->fork_offset,
	    e) != 0)
		return -1;
	h->fork_seq = (uint32_t)seq;
	return member_copy(parent, "gtid", GTID_MAX, &h->fork_gtid, e);
}

static int
take_all(const json_t *doc, const char *source, const char *id,
    struct history *h, struct err *e)
{
	const char *text;

	if (member_text(doc, "id", HISTORY_ID_LEN, &text, e) != 0)
		return -1;
	if (strcmp(text, id) != 0)
		return member_bad(e, "id");
	memcpy(h->id, text, sizeof(h->id));
	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (take_flavour(doc, h, e) != 0 || take_server(doc, h, e) != 0 ||
	    member_copy(doc, "first_file", NAME_MAX_LEN, &h->first_file,
	    e) != 0)
		return -1;
	if (!binlog_name_valid(h->first_file))
		return member_bad(e, "first_file");
	if (member_copy(doc, "gtid_before", GTID_MAX, &h->gtid_before,
	    e) != 0 || take_bytes(doc, h, e) != 0 ||
	    take_why(doc, h, e) != 0 || take_parent(doc, h, e) != 0 ||
	    member_copy(doc, "marked", SHORT_MAX, &h->marked, e) != 0)
		return -1;
	return member_time(doc, "opened", &h->opened_us, e);
}

int
history_parse(const char *text, size_t n, const char *source, const char *id,
    struct history *h, struct err *e)
{
	json_t *doc = document_read(text, n, HISTORY_MAX, "history", e);
	int rc = -1;

	*h = (struct history){0};
	if (doc != NULL) {
		rc = take_all(doc, source, id, h, e);
		if (rc != 0)
			(void)err_wrap(e, "history");
	}
	json_decref(doc);
	if (rc != 0)
		history_free(h);
	return rc;
}

int
history_load(struct store *s, const char *source, const char *id,
    struct history *h, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc = -1;

	*h = (struct history){0};
	history_key(source, id, key);
	if (store_get(s, key, HISTORY_MAX, &text, e) == 0) {
		rc = history_parse(buf_str(&text), text.len, source, id, h,
		    e);
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(s), key);
	}
	buf_free(&text);
	return rc;
}

/* Ids hold whole seconds alone. */
static int
by_time(const void *a, const void *b)
{
	const struct history *x = a, *y = b;

	if (x->opened_us != y->opened_us)
		return x->opened_us < y->opened_us ? -1 : 1;
	return strcmp(x->id, y->id);
}

void
histories_sort(struct history *list, size_t n)
{
	if (n > 0)
		qsort(list, n, sizeof(*list), by_time);
}

int
histories_list(struct store *s, const char *source, struct history **list,
    size_t *n, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t found = 0, i;
	int rc;

	*list = NULL;
	*n = 0;
	rc = backups_ids(s, source, "histories", &refs, &found, e);
	*list = calloc(found + 1, sizeof(**list));
	if (*list == NULL) {
		free(refs);
		return err_set(e, ERR_NOMEM, 0, "histories");
	}
	for (i = 0; i < found && rc == 0; i++) {
		rc = history_load(s, source, refs[i].id, &(*list)[i], e);
		*n += rc == 0;
	}
	free(refs);
	histories_sort(*list, *n);
	if (rc != 0) {
		histories_free(*list, *n);
		*list = NULL;
		*n = 0;
	}
	return rc;
}

void
histories_free(struct history *list, size_t n)
{
	assert(list != NULL || n == 0);
	while (n > 0)
		history_free(&list[--n]);
	free(list);
}

void
history_free(struct history *h)
{
	free(h->flavour);
	free(h->uuid);
	free(h->version);
	free(h->first_file);
	free(h->gtid_before);
	buf_free(&h->head_bytes);
	free(h->fork_gtid);
	free(h->marked);
	*h = (struct history){0};
}
