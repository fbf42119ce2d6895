/* SPDX-License-Identifier: Apache-2.0 */
/* bundle: one tar object of many small things. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/head.h"
#include "catalog/names.h"
#include "codec/digest.h"
#include "codec/frame.h"
#include "store/store.h"

#include "catalog/bundle.h"

#define TAR_BLOCK 512u

struct bundle_writer {
	struct store *store;
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	pthread_mutex_t lock;		/* guards the fields below */
	struct archive *tar;
	struct object *object;
	unsigned number;
	uint64_t written;		/* bytes given to the object */
	struct err err;			/* of the write callback */
	bool given_up;			/* nobody wants the rest */
};

struct bundle_writer *
bundle_writer_new(struct store *s, const char *source, const char *id,
    struct err *e)
{
	struct bundle_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "bundle");
		return NULL;
	}
	w->store = s;
	(void)snprintf(w->source, sizeof(w->source), "%s", source);
	(void)snprintf(w->id, sizeof(w->id), "%s", id);
	(void)pthread_mutex_init(&w->lock, NULL);
	return w;
}

static la_ssize_t
give(struct archive *a, void *arg, const void *data, size_t n)
{
	struct bundle_writer *w = arg;

	if (w->given_up)
		return (la_ssize_t)n;
	if (object_write(w->object, data, n, &w->err) != 0) {
		archive_set_error(a, 5, "%s", w->err.msg);
		return -1;
	}
	w->written += n;
	return (la_ssize_t)n;
}

/* The archive's failure, or the store's that is behind it. */
static int
fail(struct bundle_writer *w, struct err *e)
{
	if (w->err.code != ERR_NONE) {
		*e = w->err;
		return -1;
	}
	return err_set(e, ERR_IO, 0, "bundle: %s", w->tar != NULL ?
	    archive_error_string(w->tar) : "out of memory");
}

static void
relative_key(const struct bundle_writer *w, char *out, size_t n)
{
	(void)snprintf(out, n, "data/%s/bundle/%u.tar", w->id, w->number);
}

static int
begin(struct bundle_writer *w, struct err *e)
{
	char relative[128], key[STORE_KEY_MAX];

	relative_key(w, relative, sizeof(relative));
	(void)source_key(w->source, relative, key);
	w->object = object_create(w->store, key, e);
	if (w->object == NULL)
		return -1;
	w->written = 0;
	w->tar = archive_write_new();
	/* No blocking: a byte given to the tar is a byte in the object, so
	 * that offsets of bodies are known. */
	if (w->tar == NULL ||
	    archive_write_set_format_ustar(w->tar) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(w->tar, 0) != ARCHIVE_OK ||
	    archive_write_open(w->tar, w, NULL, give, NULL) != ARCHIVE_OK)
		return fail(w, e);
	return 0;
}

static int
end(struct bundle_writer *w, struct err *e)
{
	struct object *o = w->object;

	if (archive_write_close(w->tar) != ARCHIVE_OK)
		return fail(w, e);
	(void)archive_write_free(w->tar);
	w->tar = NULL;
	w->object = NULL;
	w->number++;
	return object_commit(o, NULL, e);
}

static int
add(struct bundle_writer *w, const char *name, const void *data, size_t n,
    struct place *place, struct err *e)
{
	struct archive_entry *entry;
	uint8_t sha[SHA256_SIZE];
	int rc;

	if (w->object != NULL && w->written + n > BUNDLE_SIZE_MAX &&
	    end(w, e) != 0)
		return -1;
	if (w->object == NULL && begin(w, e) != 0)
		return -1;
	entry = archive_entry_new();
	if (entry == NULL)
		return err_set(e, ERR_NOMEM, 0, "bundle");
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)n);
	rc = archive_write_header(w->tar, entry);
	archive_entry_free(entry);
	if (rc != ARCHIVE_OK)
		return fail(w, e);
	relative_key(w, place->bundle, sizeof(place->bundle));
	place->offset = w->written;
	place->length = n;
	sha256_of(data, n, sha);
	hex_encode(sha, sizeof(sha), place->sha256);
	if (archive_write_data(w->tar, data, n) != (la_ssize_t)n ||
	    archive_write_finish_entry(w->tar) != ARCHIVE_OK)
		return fail(w, e);
	return 0;
}

int
bundle_add(struct bundle_writer *w, const char *name, const void *data,
    size_t n, struct place *place, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&w->lock);
	rc = add(w, name, data, n, place, e);
	(void)pthread_mutex_unlock(&w->lock);
	return rc;
}

int
bundle_writer_end(struct bundle_writer *w, struct err *e)
{
	return w->object == NULL ? 0 : end(w, e);
}

void
bundle_writer_free(struct bundle_writer *w)
{
	if (w == NULL)
		return;
	if (w->tar != NULL) {
		/* Its end goes nowhere: after archive_write_fail libarchive
		 * would not free its buffer. */
		w->given_up = true;
		(void)archive_write_free(w->tar);
	}
	object_abort(w->object);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- reading --- */

uint64_t
bundle_size(uint64_t end)
{
	/* Bodies are padded to blocks; two blocks of zeros end a tar. */
	return (end + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK + 2 * TAR_BLOCK;
}

struct bundle_stream {
	struct object_reader *object;
	uint64_t size;
	struct err *e;
};

static la_ssize_t
take(struct archive *a, void *arg, const void **data)
{
	struct bundle_stream *s = arg;
	size_t n;

	if (object_read(s->object, data, &n, s->e) != 0) {
		archive_set_error(a, EIO, "%s", s->e->msg);
		return -1;
	}
	s->size += n;
	return (la_ssize_t)n;
}

static int
body(struct archive *tar, struct buf *out, struct err *e)
{
	const void *data;
	la_int64_t at;
	size_t n;
	int rc;

	buf_clear(out);
	while ((rc = archive_read_data_block(tar, &data, &n, &at)) ==
	    ARCHIVE_OK)
		buf_add(out, data, n);
	if (rc != ARCHIVE_EOF)
		return -1;
	return buf_check(out, "bundle", e);
}

int
bundle_read(struct store *s, const char *source, const char *object,
    int (*each)(void *arg, uint64_t offset, const struct buf *stored,
    struct err *e), void *arg, uint64_t *size, struct err *e)
{
	struct bundle_stream in = { .e = e };
	struct archive *tar = archive_read_new();
	struct archive_entry *entry;
	struct buf stored = {0};
	char key[STORE_KEY_MAX];
	const void *rest;
	int got, rc = -1;

	buf_init(&stored, BUNDLE_SIZE_MAX * 8);
	(void)source_key(source, object, key);
	in.object = tar == NULL ? NULL : object_open(s, key, 0, UINT64_MAX, e);
	if (in.object == NULL)
		goto out;
	if (archive_read_support_format_tar(tar) != ARCHIVE_OK ||
	    archive_read_open(tar, &in, NULL, take, NULL) != ARCHIVE_OK)
		goto bad;
	while ((got = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
		uint64_t at = (uint64_t)archive_read_header_position(tar) +
		    TAR_BLOCK;

		if (body(tar, &stored, e) != 0)
			goto bad;
		if (each(arg, at, &stored, e) != 0)
			goto out;
	}
	if (got != ARCHIVE_EOF)
		goto bad;
	while ((got = (int)(take(tar, &in, &rest) > 0)) == 1)
		continue;
	if (e->code == ERR_NONE)
		rc = 0;
	goto out;

bad:	if (e->code == ERR_NONE)
		(void)err_set(e, ERR_CORRUPT, 0, "tar: %s",
		    archive_error_string(tar) != NULL ?
		    archive_error_string(tar) : "unreadable");
out:	*size = in.size;
	(void)archive_read_free(tar);
	object_close(in.object);
	buf_free(&stored);
	return rc;
}

int
place_read(struct store *s, const char *source, const struct place *p,
    struct buf *out, struct err *e)
{
	char key[STORE_KEY_MAX], hex[SHA256_HEX];
	uint8_t sha[SHA256_SIZE];
	struct buf stored = {0};
	int rc = -1;

	(void)source_key(source, p->bundle, key);
	if (store_get_range(s, key, p->offset, p->length, &stored, e) != 0) {
		if (e->code == ERR_NOTFOUND)
			e->code = ERR_CORRUPT;
		goto out;
	}
	sha256_of(buf_str(&stored), stored.len, sha);
	hex_encode(sha, sizeof(sha), hex);
	if (strcmp(hex, p->sha256) != 0)
		(void)err_set(e, ERR_CORRUPT, 0, "digest differs");
	else
		rc = frame_decompress(stored.data, stored.len, out, e);
	if (rc != 0)
		(void)err_wrap(e, "%s at %llu", p->bundle,
		    (unsigned long long)p->offset);
out:	buf_free(&stored);
	return rc;
}
