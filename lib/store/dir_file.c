/* SPDX-License-Identifier: Apache-2.0 */
/* dir_file: the files of a store in a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/random.h"

#include "store/dir_file.h"

/* Others must win each of so many races for a write to fail. */
#define PLACE_TRIES 1000

int
dir_fail(struct err *e, int error, const char *what)
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

int
dir_check(const struct dir *d, struct err *e)
{
	struct stat st;

	if (stat(d->root, &st) == 0 && st.st_dev == d->device &&
	    st.st_ino == d->inode)
		return 0;
	(void)err_set(e, ERR_IO, 0, "%s is not the folder any more that was "
	    "opened", d->root);
	return err_hint(e, "is its disc mounted?");
}

int
dir_path(const struct dir *d, const char *key, char path[DIR_PATH],
    struct err *e)
{
	if (snprintf(path, DIR_PATH, "%s/%s", d->root, key) >= DIR_PATH)
		return dir_fail(e, ENAMETOOLONG, "path");
	return 0;
}

/* The folders that hold path, made durable from the root down. */
static int
make_parents(const struct dir *d, const char *path, struct err *e)
{
	char part[DIR_PATH], above[DIR_PATH];
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
			return dir_fail(e, errno, "create folder");
		}
		part[i] = '/';
	}
	return 0;
}

int
dir_temp(const struct dir *d, char temp[DIR_PATH], struct err *e)
{
	char tail[17];
	int fd;

	if (dir_check(d, e) != 0)
		return -1;
	random_hex(tail, 16);
	if (snprintf(temp, DIR_PATH, "%s/" DIR_TEMP "/%s", d->root, tail) >=
	    DIR_PATH)
		return dir_fail(e, ENAMETOOLONG, "path");
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == ENOENT) {
		if (make_parents(d, temp, e) != 0)
			return -1;
		fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0666);
	}
	if (fd < 0)
		return dir_fail(e, errno, "create");
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
		return dir_fail(e, errno, create_only ? "create" : "rename");
	return 0;
}

int
dir_settle(const struct dir *d, const char *temp, const char *path,
    bool create_only, struct err *e)
{
	char parent[DIR_PATH];
	struct err why;
	int tries = 0;

	/* A delete elsewhere takes folders away that it leaves empty, maybe
	 * the one that was just made: make it again. */
	do
		why = (struct err){0};
	while (place(d, temp, path, create_only, &why) != 0 &&
	    why.sys == ENOENT && ++tries < PLACE_TRIES);
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

int
dir_write_all(int fd, const void *data, size_t n, struct err *e)
{
	struct err why = {0};

	return file_write_all(fd, data, n, &why) == 0 ? 0 :
	    dir_fail(e, why.sys, "write");
}

int
dir_sync_close(int fd, struct err *e)
{
	int error = 0;

	if (fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error == 0 ? 0 : dir_fail(e, error, "sync");
}

void
dir_count(struct dir *d, enum store_kind kind)
{
	d->requests++;
	d->kinds[kind]++;
}

int
dir_open_object(struct dir *d, const char *key, struct stat *st, struct err *e)
{
	char path[DIR_PATH];
	int fd;

	dir_count(d, STORE_GET);
	if (dir_path(d, key, path, e) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return dir_fail(e, errno, "open");
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
		(void)close(fd);
		return err_set(e, ERR_CORRUPT, 0, "is no regular file");
	}
	return fd;
}
