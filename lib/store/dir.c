/* SPDX-License-Identifier: Apache-2.0 */
/* dir: a store in a directory (file:///dir). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "store/dir_file.h"
#include "store/dir_list.h"
#include "store/dir_stream.h"

#include "store/backend.h"

static struct dir *
self(struct backend *b)
{
	return (struct dir *)b;
}

static int
dir_put(struct backend *b, const char *key, const void *data, size_t n,
    bool create_only, struct err *e)
{
	struct dir *d = self(b);
	char temp[DIR_PATH], path[DIR_PATH];
	int fd;

	dir_count(d, STORE_PUT);
	d->bytes_out += n;
	if (dir_path(d, key, path, e) != 0)
		return -1;
	fd = dir_temp(d, temp, e);
	if (fd < 0)
		return -1;
	if (dir_write_all(fd, data, n, e) != 0) {
		(void)close(fd);
		goto remove;
	}
	if (dir_sync_close(fd, e) == 0 &&
	    dir_settle(d, temp, path, create_only, e) == 0)
		return 0;
remove:	(void)unlink(temp);
	return -1;
}

static int
dir_get(struct backend *b, const char *key, uint64_t offset,
    uint64_t length, size_t max, struct buf *out, struct err *e)
{
	struct dir *d = self(b);
	struct stat st;
	uint64_t have;
	ssize_t got;
	int fd, rc = -1;

	fd = dir_open_object(d, key, &st, e);
	if (fd < 0)
		return -1;
	have = (uint64_t)st.st_size;
	have = offset > have ? 0 : have - offset;
	if (length > have)
		length = have;
	if (length > max) {
		(void)err_set(e, ERR_CORRUPT, 0, "larger than %zu bytes", max);
		goto out;
	}
	if (buf_reserve(out, (size_t)length) != 0) {
		(void)buf_check(out, "object", e);
		goto out;
	}
	while (length > 0) {
		got = pread(fd, out->data + out->len, (size_t)length,
		    (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			(void)dir_fail(e, errno, "read");
			goto out;
		}
		if (got == 0)
			break;
		out->len += (size_t)got;
		out->data[out->len] = '\0';
		offset += (uint64_t)got;
		length -= (uint64_t)got;
		d->bytes_in += (uint64_t)got;
	}
	rc = 0;
out:	(void)close(fd);
	return rc;
}

static int
dir_stat(struct backend *b, const char *key, uint64_t *size, struct err *e)
{
	struct stat st;
	int fd = dir_open_object(self(b), key, &st, e);

	if (fd < 0)
		return -1;
	(void)close(fd);
	*size = (uint64_t)st.st_size;
	return 0;
}

static int
dir_time(struct backend *b, int64_t *us, struct err *e)
{
	struct dir *d = self(b);
	char temp[DIR_PATH];
	struct stat st;
	int fd, rc = 0;

	fd = dir_temp(d, temp, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		rc = dir_fail(e, errno, "stat");
	else
		*us = clock_from_system((int64_t)st.st_mtim.tv_sec * 1000000 +
		    st.st_mtim.tv_nsec / 1000);
	(void)close(fd);
	(void)unlink(temp);
	return rc;
}

static void
dir_counters(const struct backend *b, struct store_counters *out)
{
	const struct dir *d = (const struct dir *)b;
	size_t i;

	for (i = 0; i < STORE_KINDS; i++)
		out->kinds[i] = d->kinds[i];
	out->requests = d->requests;
	out->bytes_out = d->bytes_out;
	out->bytes_in = d->bytes_in;
}

static void
dir_close(struct backend *b)
{
	free(self(b));
}

static const struct backend_ops ops = {
	.reserved = DIR_TEMP,
	.put = dir_put, .get = dir_get, .stat = dir_stat, .list = dir_list,
	.remove = dir_remove, .time = dir_time,
	.abort_uploads = dir_abort_uploads, .create = dir_create,
	.write = dir_write, .seal = dir_seal, .commit = dir_commit,
	.abort = dir_abort, .open = dir_open_reader, .read = dir_read,
	.close_reader = dir_close_reader, .counters = dir_counters,
	.close = dir_close,
};

struct backend *
dir_open(const char *path, const struct store_opts *opts, struct err *e)
{
	struct dir *d = calloc(1, sizeof(*d));
	struct stat st;
	size_t n = strlen(path);

	if (d == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "store");
		return NULL;
	}
	while (n > 1 && path[n - 1] == '/')
		n--;
	/* Room for the longest key below it. */
	if (n + STORE_KEY_MAX + 32 > sizeof(d->root)) {
		(void)err_set(e, ERR_USAGE, ENAMETOOLONG, "%.200s", path);
		goto fail;
	}
	memcpy(d->root, path, n);
	d->backend.ops = &ops;
	d->cancel = opts->cancel;
	if (opts->create && file_mkdirs(d->root, e) != 0)
		goto fail;
	if (stat(d->root, &st) != 0) {
		(void)dir_fail(e, errno, d->root);
		goto fail;
	}
	if (!S_ISDIR(st.st_mode)) {
		(void)err_set(e, ERR_USAGE, ENOTDIR, "%s", d->root);
		goto fail;
	}
	d->device = st.st_dev;
	d->inode = st.st_ino;
	return &d->backend;

fail:	free(d);
	return NULL;
}
