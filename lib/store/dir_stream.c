/* SPDX-License-Identifier: Apache-2.0 */
/* dir_stream: an object of a store in a directory, bit by bit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/err.h"
#include "store/dir_file.h"

#include "store/dir_stream.h"

#define BUFFER		((size_t)1 << 20)

struct backend_writer {
	struct dir *dir;
	int fd;
	size_t len;
	char temp[DIR_PATH], path[DIR_PATH];
	char *buffer;		/* until it is sealed */
};

struct backend_reader {
	struct dir *dir;
	int fd;
	uint64_t left, end;	/* left UINT64_MAX: all there is */
	char buffer[BUFFER];
};

struct backend_writer *
dir_create(struct backend *b, const char *key, struct err *e)
{
	struct dir *d = (struct dir *)b;
	struct backend_writer *w = malloc(sizeof(*w));

	if (w == NULL)
		goto err0;
	w->buffer = malloc(BUFFER);
	if (w->buffer == NULL)
		goto err1;
	dir_count(d, STORE_PUT);
	w->dir = d;
	w->len = 0;
	if (dir_path(d, key, w->path, e) != 0)
		goto err2;
	w->fd = dir_temp(d, w->temp, e);
	if (w->fd < 0)
		goto err2;
	return w;

err2:	free(w->buffer);
err1:	free(w);
err0:	if (e->code == ERR_NONE)
		(void)err_set(e, ERR_NOMEM, 0, "buffer");
	return NULL;
}

static int
flush(struct backend_writer *w, struct err *e)
{
	if (cancel_check(w->dir->cancel, e) != 0 ||
	    dir_write_all(w->fd, w->buffer, w->len, e) != 0)
		return -1;
	w->dir->bytes_out += w->len;
	w->len = 0;
	return 0;
}

int
dir_write(struct backend_writer *w, const void *data, size_t n,
    struct err *e)
{
	const char *p = data;
	size_t part;

	while (n > 0) {
		part = BUFFER - w->len;
		part = part < n ? part : n;
		memcpy(w->buffer + w->len, p, part);
		w->len += part;
		p += part;
		n -= part;
		if (w->len == BUFFER && flush(w, e) != 0)
			return -1;
	}
	return 0;
}

void
dir_abort(struct backend_writer *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	(void)unlink(w->temp);
	free(w->buffer);
	free(w);
}

/* A file is made durable where it is sealed: a caller that goes on meanwhile
 * would gain little, and many open files would hold their buffers. */
int
dir_seal(struct backend_writer *w, const uint8_t sha256[32], struct err *e)
{
	int fd = w->fd;

	(void)sha256;
	if (flush(w, e) != 0)
		return -1;
	free(w->buffer);
	w->buffer = NULL;
	w->fd = -1;
	return dir_sync_close(fd, e) != 0 ||
	    dir_settle(w->dir, w->temp, w->path, false, e) != 0 ? -1 : 0;
}

int
dir_commit(struct backend_writer *w, struct err *e)
{
	(void)e;
	free(w);
	return 0;
}

struct backend_reader *
dir_open_reader(struct backend *b, const char *key, uint64_t offset,
    uint64_t length, struct err *e)
{
	struct dir *d = (struct dir *)b;
	struct backend_reader *r = malloc(sizeof(*r));
	struct stat st;

	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "buffer");
		return NULL;
	}
	r->dir = d;
	r->left = length;
	r->end = offset + length;
	r->fd = dir_open_object(d, key, &st, e);
	if (r->fd < 0)
		goto fail;
	if (offset > (uint64_t)st.st_size ||
	    lseek(r->fd, (off_t)offset, SEEK_SET) < 0) {
		(void)err_set(e, ERR_CORRUPT, 0, "ends before byte %llu",
		    (unsigned long long)offset);
		(void)close(r->fd);
		goto fail;
	}
	return r;

fail:	free(r);
	return NULL;
}

int
dir_read(struct backend_reader *r, const void **data, size_t *n,
    struct err *e)
{
	size_t want = sizeof(r->buffer);
	ssize_t got;

	if (cancel_check(r->dir->cancel, e) != 0)
		return -1;
	if (r->left < want)
		want = (size_t)r->left;
	do
		got = read(r->fd, r->buffer, want);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return dir_fail(e, errno, "read");
	if (got == 0 && r->left > 0 && r->left != UINT64_MAX)
		return err_set(e, ERR_CORRUPT, 0, "ends before byte %llu",
		    (unsigned long long)r->end);
	if (r->left != UINT64_MAX)
		r->left -= (uint64_t)got;
	r->dir->bytes_in += (uint64_t)got;
	*data = r->buffer;
	*n = (size_t)got;
	return 0;
}

void
dir_close_reader(struct backend_reader *r)
{
	(void)close(r->fd);
	free(r);
}
