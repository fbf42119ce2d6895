/* SPDX-License-Identifier: Apache-2.0 */
/* list: NDJSON objects of a backup, written and read as streams. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/head.h"
#include "catalog/lines.h"
#include "catalog/names.h"
#include "codec/frame.h"
#include "store/store.h"

#include "catalog/list.h"

#define ROLL	(LIST_SIZE_MAX - ((uint64_t)2 << 20))

struct list_writer {
	struct store *store;
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	pthread_mutex_t lock;		/* guards the fields below */
	struct frame_writer *frame;
	struct object *object;		/* open list, or NULL */
	struct buf pending;		/* lines not yet compressed */
	uint64_t lines;
	struct head_list *lists;
	size_t nlists;
};

struct list_writer *
list_writer_new(struct store *s, const char *source, const char *id,
    int level, struct err *e)
{
	struct list_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "list");
		return NULL;
	}
	w->frame = frame_writer_new(level, e);
	if (w->frame == NULL) {
		free(w);
		return NULL;
	}
	w->store = s;
	(void)snprintf(w->source, sizeof(w->source), "%s", source);
	(void)snprintf(w->id, sizeof(w->id), "%s", id);
	(void)pthread_mutex_init(&w->lock, NULL);
	return w;
}

static int
sink(void *arg, const void *data, size_t n, struct err *e)
{
	struct list_writer *w = arg;

	return object_write(w->object, data, n, e);
}

static int
begin(struct list_writer *w, struct err *e)
{
	char relative[128], key[STORE_KEY_MAX];
	struct head_list *lists;

	lists = realloc(w->lists, (w->nlists + 1) * sizeof(*lists));
	if (lists == NULL)
		return err_set(e, ERR_NOMEM, 0, "lists");
	w->lists = lists;
	(void)snprintf(relative, sizeof(relative), "data/%s/lists/%zu"
	    ".ndjson.zst", w->id, w->nlists);
	lists[w->nlists] = (struct head_list){ .key = strdup(relative) };
	if (lists[w->nlists].key == NULL)
		return err_set(e, ERR_NOMEM, 0, "lists");
	w->nlists++;
	(void)source_key(w->source, relative, key);
	w->object = object_create(w->store, key, e);
	if (w->object == NULL)
		return -1;
	frame_writer_begin(w->frame, sink, w);
	w->lines = 0;
	return 0;
}

static int
flush(struct list_writer *w, struct err *e)
{
	int rc = frame_write(w->frame, w->pending.data, w->pending.len, e);

	buf_clear(&w->pending);
	return rc;
}

static int
end(struct list_writer *w, struct err *e)
{
	struct head_list *l = &w->lists[w->nlists - 1];
	uint8_t sha[SHA256_SIZE];
	int rc;

	buf_addf(&w->pending, "{\"kind\":\"end\",\"lines\":%llu}\n",
	    (unsigned long long)w->lines);
	if (buf_check(&w->pending, "list", e) != 0 || flush(w, e) != 0 ||
	    frame_writer_end(w->frame, e) != 0)
		return -1;
	l->size = object_size(w->object);
	rc = object_commit(w->object, sha, e);
	w->object = NULL;
	hex_encode(sha, sizeof(sha), l->sha256);
	return rc;
}

static int
add_text(struct list_writer *w, const char *text, size_t n, struct err *e)
{
	/* Each list stays readable in one piece, whatever the line. */
	if (n > LIST_LINE_MAX)
		return err_set(e, ERR_IO, 0, "a list line of over %zu bytes",
		    LIST_LINE_MAX);
	if (w->object != NULL && object_size(w->object) + w->pending.len + n >
	    ROLL && end(w, e) != 0)
		return -1;
	if (w->object == NULL && begin(w, e) != 0)
		return -1;
	buf_add(&w->pending, text, n);
	buf_addc(&w->pending, '\n');
	w->lines++;
	if (buf_check(&w->pending, "list", e) != 0)
		return -1;
	return w->pending.len >= (size_t)256 << 10 ? flush(w, e) : 0;
}

int
list_add(struct list_writer *w, const json_t *line, struct err *e)
{
	char *text = json_dumps(line, JSON_COMPACT);
	int rc;

	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "list line");
	(void)pthread_mutex_lock(&w->lock);
	rc = add_text(w, text, strlen(text), e);
	(void)pthread_mutex_unlock(&w->lock);
	free(text);
	return rc;
}

int
list_writer_end(struct list_writer *w, struct head *h, struct err *e)
{
	/* A backup of nothing has a list all the same. */
	if ((w->nlists == 0 && begin(w, e) != 0) ||
	    (w->object != NULL && end(w, e) != 0))
		return -1;
	h->lists = w->lists;
	h->nlists = w->nlists;
	w->lists = NULL;
	w->nlists = 0;
	return 0;
}

void
list_writer_free(struct list_writer *w)
{
	if (w == NULL)
		return;
	object_abort(w->object);
	while (w->nlists > 0)
		free(w->lists[--w->nlists].key);
	free(w->lists);
	frame_writer_free(w->frame);
	buf_free(&w->pending);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- reading --- */

struct reading {
	int (*each)(void *, const struct line *, struct err *);
	void *arg;
	struct lines cut;
	uint64_t lines;
	bool ended;
};

static int
take_line(void *arg, const char *text, size_t n, struct err *e)
{
	struct reading *r = arg;
	json_error_t why;
	struct line line;
	json_t *json;
	int rc = -1;

	if (r->ended)
		return err_set(e, ERR_CORRUPT, 0, "lines after the end line");
	json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(json)) {
		(void)err_set(e, ERR_CORRUPT, 0, "line %llu is no JSON "
		    "object: %s", (unsigned long long)r->lines + 1,
		    json == NULL ? why.text : "another type");
	} else if (strcmp(head_text(json, "kind"), "end") == 0) {
		r->ended = true;
		rc = head_count(json, "lines") == r->lines ? 0 :
		    err_set(e, ERR_CORRUPT, 0, "the list has %llu lines, its "
		    "end line says otherwise", (unsigned long long)r->lines);
	} else {
		r->lines++;
		if (line_parse(json, &line, e) != 0)
			(void)err_wrap(e, "line %llu",
			    (unsigned long long)r->lines);
		else
			rc = r->each(r->arg, &line, e);
	}
	json_decref(json);
	return rc;
}

static int
read_one(struct store *s, const char *source, const struct head_list *l,
    struct reading *r, struct err *e)
{
	struct frame_reader *frame = NULL;
	char key[STORE_KEY_MAX], hex[SHA256_HEX];
	uint8_t sha[SHA256_SIZE];
	struct buf stored = {0};
	int rc = -1;

	if (l->size > LIST_SIZE_MAX) {
		(void)err_set(e, ERR_CORRUPT, 0, "a list of over 16 MiB");
		goto out;
	}
	/* The digest is checked before a byte is believed. */
	(void)source_key(source, l->key, key);
	if (store_get(s, key, LIST_SIZE_MAX, &stored, e) != 0) {
		if (e->code == ERR_NOTFOUND)
			e->code = ERR_CORRUPT;
		goto out;
	}
	sha256_of(buf_str(&stored), stored.len, sha);
	hex_encode(sha, sizeof(sha), hex);
	if (stored.len != l->size || strcmp(hex, l->sha256) != 0) {
		(void)err_set(e, ERR_CORRUPT, 0, "size or digest differs from "
		    "the head's");
		goto out;
	}
	frame = frame_reader_new(e);
	if (frame == NULL)
		goto out;
	r->lines = 0;
	r->ended = false;
	buf_clear(&r->cut.begun);
	frame_reader_begin(frame, lines_take, &r->cut);
	if (frame_read(frame, stored.data, stored.len, e) == 0 &&
	    frame_reader_end(frame, e) == 0)
		rc = !r->ended ? err_set(e, ERR_CORRUPT, 0,
		    "the list is cut short: no end line") :
		    r->cut.begun.len > 0 ? err_set(e, ERR_CORRUPT, 0,
		    "lines after the end line") : 0;
out:	frame_reader_free(frame);
	buf_free(&stored);
	return rc == 0 ? 0 : err_wrap(e, "%s", l->key);
}

int
list_read(struct store *s, const struct head *h, int (*each)(void *arg,
    const struct line *line, struct err *e), void *arg, struct err *e)
{
	struct reading r = { .each = each, .arg = arg };
	size_t i;
	int rc = 0;

	lines_init(&r.cut, LIST_LINE_MAX, take_line, &r);
	for (i = 0; i < h->nlists && rc == 0; i++)
		rc = read_one(s, h->source, &h->lists[i], &r, e);
	lines_fini(&r.cut);
	return rc;
}
