/* SPDX-License-Identifier: Apache-2.0 */
/* dir: a store in a directory (file:///dir). */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/random.h"

#include "store/backend.h"

#define PATH_SIZE	4096
#define BUFFER		((size_t)1 << 20)
#define DEPTH_MAX	32
/* Temporary files live in one folder: listings skip it, a crash leaves its
 * remains there and nowhere else. */
#define TEMP		".tmp"

struct dir {
	struct backend backend;		/* first */
	char root[PATH_SIZE];
	struct cancel *cancel;
	atomic_uint_fast64_t requests, bytes_out, bytes_in;
};

struct backend_writer {
	struct dir *dir;
	int fd;
	size_t len;
	char temp[PATH_SIZE], path[PATH_SIZE];
	char buffer[BUFFER];
};

struct backend_reader {
	struct dir *dir;
	int fd;
	uint64_t left;
	char buffer[BUFFER];
};

static struct dir *
self(struct backend *b)
{
	return (struct dir *)b;
}

static int
fail(struct err *e, int error, const char *what)
{
	switch (error) {
	case ENOENT: case ENOTDIR:
		return err_set(e, ERR_NOTFOUND, error, "%s", what);
	case EEXIST:
		return err_set(e, ERR_EXISTS, error, "%s", what);
	case EACCES: case EPERM: case EROFS:
		(void)err_set(e, ERR_DENIED, error, "%s", what);
		return err_hint(e, "let this user write to the store's "
		    "directory");
	case ENOSPC: case EDQUOT:
		(void)err_set(e, ERR_IO, error, "%s", what);
		return err_hint(e, "make room, or choose another store");
	default:
		return err_set(e, ERR_IO, error, "%s", what);
	}
}

static int
path_of(const struct dir *d, const char *key, char path[PATH_SIZE],
    struct err *e)
{
	if (snprintf(path, PATH_SIZE, "%s/%s", d->root, key) >= PATH_SIZE)
		return fail(e, ENAMETOOLONG, "path");
	return 0;
}

/* The folders that hold path, made durable from the root down. */
static int
make_parents(const struct dir *d, const char *path, struct err *e)
{
	char part[PATH_SIZE], above[PATH_SIZE];
	size_t i, from = strlen(d->root) + 1;

	memcpy(part, path, strlen(path) + 1);
	for (i = from; part[i] != '\0'; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0777) == 0) {
			memcpy(above, part, i + 1);
			*strrchr(above, '/') = '\0';
			if (file_sync_dir(above, e) != 0)
				return -1;
		} else if (errno != EEXIST) {
			return fail(e, errno, "create folder");
		}
		part[i] = '/';
	}
	return 0;
}

static int
open_temp(const struct dir *d, char temp[PATH_SIZE], struct err *e)
{
	char tail[17];
	int fd;

	random_hex(tail, 16);
	if (snprintf(temp, PATH_SIZE, "%s/" TEMP "/%s", d->root, tail) >=
	    PATH_SIZE)
		return fail(e, ENAMETOOLONG, "path");
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == ENOENT) {
		if (make_parents(d, temp, e) != 0)
			return -1;
		fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0666);
	}
	if (fd < 0)
		return fail(e, errno, "create");
	return fd;
}

static int
place(const struct dir *d, const char *temp, const char *path,
    bool create_only, struct err *e)
{
	int rc;

	if (make_parents(d, path, e) != 0)
		return -1;
	rc = create_only ? link(temp, path) : rename(temp, path);
	if (rc != 0)
		return fail(e, errno, create_only ? "create" : "rename");
	return 0;
}

/* Bring a finished, synced temporary file to its name. */
static int
settle(const struct dir *d, const char *temp, const char *path,
    bool create_only, struct err *e)
{
	char parent[PATH_SIZE];
	struct err why;
	int tries = 0;

	/* A delete elsewhere takes folders away that it leaves empty, maybe
	 * the one that was just made: make it again. */
	do
		why = (struct err){0};
	while (place(d, temp, path, create_only, &why) != 0 &&
	    why.sys == ENOENT && ++tries < 5);
	if (why.code != ERR_NONE) {
		/* What cannot be written is not "not found". */
		if (why.code == ERR_NOTFOUND)
			why.code = ERR_IO;
		*e = why;
		return -1;
	}
	if (create_only)
		(void)unlink(temp);
	memcpy(parent, path, strlen(path) + 1);
	*strrchr(parent, '/') = '\0';
	return file_sync_dir(parent, e);
}

static int
write_fd(int fd, const void *data, size_t n, struct err *e)
{
	const char *p = data;
	ssize_t put;

	while (n > 0) {
		put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail(e, errno, "write");
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int
sync_close(int fd, struct err *e)
{
	int error = 0;

	if (fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error == 0 ? 0 : fail(e, error, "sync");
}

static int
dir_put(struct backend *b, const char *key, const void *data, size_t n,
    bool create_only, struct err *e)
{
	struct dir *d = self(b);
	char temp[PATH_SIZE], path[PATH_SIZE];
	int fd;

	d->requests++;
	d->bytes_out += n;
	if (path_of(d, key, path, e) != 0)
		return -1;
	fd = open_temp(d, temp, e);
	if (fd < 0)
		return -1;
	if (write_fd(fd, data, n, e) != 0) {
		(void)close(fd);
		goto remove;
	}
	if (sync_close(fd, e) == 0 &&
	    settle(d, temp, path, create_only, e) == 0)
		return 0;
remove:	(void)unlink(temp);
	return -1;
}

/* Regular files alone are objects: a link or device planted in the store is
 * not followed. */
static int
open_object(struct dir *d, const char *key, struct stat *st, struct err *e)
{
	char path[PATH_SIZE];
	int fd;

	d->requests++;
	if (path_of(d, key, path, e) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fail(e, errno, "open");
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
		(void)close(fd);
		return err_set(e, ERR_CORRUPT, 0, "is no regular file");
	}
	return fd;
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

	fd = open_object(d, key, &st, e);
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
			(void)fail(e, errno, "read");
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
	int fd = open_object(self(b), key, &st, e);

	if (fd < 0)
		return -1;
	(void)close(fd);
	*size = (uint64_t)st.st_size;
	return 0;
}

/* --- listing: sorted so that whole keys come in byte order --- */

struct name {
	bool folder;
	char text[256];
};

struct walk {
	struct dir *dir;
	const char *prefix;
	bool names;
	backend_each *each;
	void *arg;
};

/* A folder sorts as "name/", which is where its keys stand. */
static int
by_key(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	size_t n = strlen(x->text), m = strlen(y->text);
	size_t shared = n < m ? n : m;
	int rc = memcmp(x->text, y->text, shared);
	unsigned char p, q;

	if (rc != 0)
		return rc;
	p = (unsigned char)(n > shared ? x->text[shared] :
	    x->folder ? '/' : '\0');
	q = (unsigned char)(m > shared ? y->text[shared] :
	    y->folder ? '/' : '\0');
	return p < q ? -1 : p > q;
}

static int
read_folder(const char *path, struct name **out, size_t *count,
    struct err *e)
{
	struct name *list = NULL, *grown;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	struct stat st;
	DIR *dp;

	dp = opendir(path);
	*out = NULL;
	*count = 0;
	if (dp == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
		    fail(e, errno, "list");
	for (;;) {
		errno = 0;
		entry = readdir(dp);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, TEMP) == 0 ||
		    strlen(entry->d_name) >= sizeof(list->text))
			continue;
		if (fstatat(dirfd(dp), entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) != 0) {
			/* Gone in the meantime: it is not there. */
			if (errno == ENOENT)
				continue;
			break;
		}
		if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
			continue;
		if (n == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			grown = realloc(list, cap * sizeof(*list));
			if (grown == NULL) {
				errno = ENOMEM;
				break;
			}
			list = grown;
		}
		list[n].folder = S_ISDIR(st.st_mode);
		memcpy(list[n].text, entry->d_name,
		    strlen(entry->d_name) + 1);
		n++;
	}
	if (errno != 0) {
		(void)fail(e, errno, "list");
		(void)closedir(dp);
		free(list);
		return -1;
	}
	(void)closedir(dp);
	if (n > 0)
		qsort(list, n, sizeof(*list), by_key);
	*out = list;
	*count = n;
	return 0;
}

static int
give(const struct walk *w, const char *key, struct err *e)
{
	char path[PATH_SIZE];
	struct store_entry entry = { .key = key };
	struct stat st;

	if (path_of(w->dir, key, path, e) != 0)
		return -1;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : fail(e, errno, "list");
	entry.size = (uint64_t)st.st_size;
	entry.mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 +
	    st.st_mtim.tv_nsec / 1000;
	return w->each(w->arg, &entry, e);
}

/* folder: key of the folder with its slash, or "". */
static int
walk_folder(const struct walk *w, const char *folder, int depth,
    struct err *e)
{
	char path[PATH_SIZE], key[PATH_SIZE];
	size_t want = strlen(w->prefix), n, i, len, shared;
	struct name *list;
	int rc = 0;

	if (depth > DEPTH_MAX || path_of(w->dir, folder, path, e) != 0)
		return err_set(e, ERR_IO, 0, "folders too deep");
	if (cancel_check(w->dir->cancel, e) != 0 ||
	    read_folder(path, &list, &n, e) != 0)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		len = (size_t)snprintf(key, sizeof(key), "%s%s%s", folder,
		    list[i].text, list[i].folder ? "/" : "");
		if (len >= sizeof(key))
			continue;
		shared = len < want ? len : want;
		if (memcmp(key, w->prefix, shared) != 0)
			continue;
		if (list[i].folder)
			rc = walk_folder(w, key, depth + 1, e);
		else if (len >= want)
			rc = give(w, key, e);
	}
	free(list);
	return rc;
}

static int
list_names(const struct walk *w, struct err *e)
{
	struct store_entry entry = {0};
	char path[PATH_SIZE];
	struct name *list;
	size_t n, i;
	int rc = 0;

	if (path_of(w->dir, w->prefix, path, e) != 0 ||
	    read_folder(path, &list, &n, e) != 0)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		if (!list[i].folder)
			continue;
		entry.key = list[i].text;
		rc = w->each(w->arg, &entry, e);
	}
	free(list);
	return rc;
}

static int
dir_list(struct backend *b, const char *prefix, bool names,
    backend_each *each, void *arg, struct err *e)
{
	struct walk w = { self(b), prefix, names, each, arg };
	char folder[PATH_SIZE];
	char *slash;

	w.dir->requests++;
	if (names)
		return list_names(&w, e);
	/* Begin at the deepest folder that the prefix names whole. */
	if (snprintf(folder, sizeof(folder), "%s", prefix) >=
	    (int)sizeof(folder))
		return fail(e, ENAMETOOLONG, "prefix");
	slash = strrchr(folder, '/');
	if (slash == NULL)
		folder[0] = '\0';
	else
		slash[1] = '\0';
	return walk_folder(&w, folder, 0, e);
}

/* Remove folders that became empty, up to the root. */
static void
prune(const struct dir *d, char *path)
{
	size_t root = strlen(d->root);
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL &&
	    (size_t)(slash - path) > root) {
		*slash = '\0';
		if (rmdir(path) != 0)
			break;
	}
}

static int
dir_remove(struct backend *b, const char *const *keys, size_t n,
    struct err *e)
{
	struct dir *d = self(b);
	char path[PATH_SIZE];
	size_t i;

	for (i = 0; i < n; i++) {
		d->requests++;
		if (cancel_check(d->cancel, e) != 0 ||
		    path_of(d, keys[i], path, e) != 0)
			return -1;
		if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR) {
			(void)fail(e, errno, "delete");
			return err_wrap(e, "%s", keys[i]);
		}
		prune(d, path);
	}
	return 0;
}

static int
dir_time(struct backend *b, int64_t *us, struct err *e)
{
	struct dir *d = self(b);
	char temp[PATH_SIZE];
	struct stat st;
	int fd, rc = 0;

	fd = open_temp(d, temp, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		rc = fail(e, errno, "stat");
	else
		*us = (int64_t)st.st_mtim.tv_sec * 1000000 +
		    st.st_mtim.tv_nsec / 1000;
	(void)close(fd);
	(void)unlink(temp);
	return rc;
}

/* Temporary files have no owner's name: what is a day old is nobody's. */
static int
dir_abort_uploads(struct backend *b, const char *prefix, struct err *e)
{
	struct dir *d = self(b);
	char path[PATH_SIZE], file[PATH_SIZE];
	struct name *list;
	struct stat st;
	size_t n, i;

	(void)prefix;
	if (path_of(d, TEMP, path, e) != 0 ||
	    read_folder(path, &list, &n, e) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (snprintf(file, sizeof(file), "%s/%s", path,
		    list[i].text) >= (int)sizeof(file))
			continue;
		if (lstat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_mtime < time(NULL) - 86400)
			(void)unlink(file);
	}
	free(list);
	return 0;
}

static struct backend_writer *
dir_create(struct backend *b, const char *key, struct err *e)
{
	struct dir *d = self(b);
	struct backend_writer *w = malloc(sizeof(*w));

	if (w == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "buffer");
		return NULL;
	}
	d->requests++;
	w->dir = d;
	w->len = 0;
	w->fd = -1;
	if (path_of(d, key, w->path, e) == 0)
		w->fd = open_temp(d, w->temp, e);
	if (w->fd < 0) {
		free(w);
		return NULL;
	}
	return w;
}

static int
flush(struct backend_writer *w, struct err *e)
{
	if (cancel_check(w->dir->cancel, e) != 0 ||
	    write_fd(w->fd, w->buffer, w->len, e) != 0)
		return -1;
	w->dir->bytes_out += w->len;
	w->len = 0;
	return 0;
}

static int
dir_write(struct backend_writer *w, const void *data, size_t n,
    struct err *e)
{
	const char *p = data;
	size_t part;

	while (n > 0) {
		part = sizeof(w->buffer) - w->len;
		part = part < n ? part : n;
		memcpy(w->buffer + w->len, p, part);
		w->len += part;
		p += part;
		n -= part;
		if (w->len == sizeof(w->buffer) && flush(w, e) != 0)
			return -1;
	}
	return 0;
}

static void
dir_abort(struct backend_writer *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	(void)unlink(w->temp);
	free(w);
}

static int
dir_commit(struct backend_writer *w, struct err *e)
{
	int rc = flush(w, e), fd = w->fd;

	if (rc == 0) {
		w->fd = -1;
		rc = sync_close(fd, e);
	}
	if (rc == 0)
		rc = settle(w->dir, w->temp, w->path, false, e);
	if (rc != 0) {
		dir_abort(w);
		return -1;
	}
	free(w);
	return 0;
}

static struct backend_reader *
dir_open_reader(struct backend *b, const char *key, uint64_t offset,
    uint64_t length, struct err *e)
{
	struct dir *d = self(b);
	struct backend_reader *r = malloc(sizeof(*r));
	struct stat st;

	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "buffer");
		return NULL;
	}
	r->dir = d;
	r->left = length;
	r->fd = open_object(d, key, &st, e);
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

static int
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
		return fail(e, errno, "read");
	if (r->left != UINT64_MAX)
		r->left -= (uint64_t)got;
	r->dir->bytes_in += (uint64_t)got;
	*data = r->buffer;
	*n = (size_t)got;
	return 0;
}

static void
dir_close_reader(struct backend_reader *r)
{
	(void)close(r->fd);
	free(r);
}

static void
dir_counters(const struct backend *b, struct store_counters *out)
{
	const struct dir *d = (const struct dir *)b;

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
	.put = dir_put, .get = dir_get, .stat = dir_stat, .list = dir_list,
	.remove = dir_remove, .time = dir_time,
	.abort_uploads = dir_abort_uploads, .create = dir_create,
	.write = dir_write, .commit = dir_commit, .abort = dir_abort,
	.open = dir_open_reader, .read = dir_read,
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
		(void)fail(e, errno, d->root);
		goto fail;
	}
	if (!S_ISDIR(st.st_mode)) {
		(void)err_set(e, ERR_USAGE, ENOTDIR, "%s", d->root);
		goto fail;
	}
	return &d->backend;

fail:	free(d);
	return NULL;
}
