/* SPDX-License-Identifier: Apache-2.0 */
/* file: whole small files and folders, read and written safely. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"

#include "base/file.h"

static int
fail(struct err *e, const char *path)
{
	int error = errno;

	return err_set(e, error == ENOENT || error == ENOTDIR ? ERR_NOTFOUND :
	    error == EACCES || error == EPERM ? ERR_DENIED : ERR_IO, error,
	    "%s", path);
}

int
file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	char chunk[16384];
	size_t total = 0;
	ssize_t got;
	int fd, rc = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail(e, path);
	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			(void)fail(e, path);
			break;
		}
		if (got == 0) {
			rc = buf_check(out, path, e);
			break;
		}
		total += (size_t)got;
		if (total > max) {
			(void)err_set(e, ERR_IO, 0,
			    "%s: larger than %zu bytes", path, max);
			break;
		}
		buf_add(out, chunk, (size_t)got);
	}
	(void)close(fd);
	return rc;
}

int
file_write_all(int fd, const void *data, size_t n, struct err *e)
{
	const char *p = data;
	ssize_t put;

	while (n > 0) {
		put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set(e, ERR_IO, errno, "write");
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* The folder that holds path, in the caller's text. */
static void
parent_of(const char *path, char *dir, size_t n)
{
	char *slash;

	(void)snprintf(dir, n, "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		(void)snprintf(dir, n, ".");
	else if (slash == dir)
		dir[1] = '\0';
	else
		*slash = '\0';
}

int
file_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return fail(e, path);
	if (fsync(fd) != 0)
		rc = fail(e, path);
	(void)close(fd);
	return rc;
}

int
file_write(const char *path, const void *data, size_t n, unsigned mode,
    struct err *e)
{
	char temp[4096], dir[4096], tail[9];
	int fd, rc = -1;

	random_hex(tail, 8);
	parent_of(path, dir, sizeof(dir));
	if (snprintf(temp, sizeof(temp), "%s.%s.tmp", path, tail) >=
	    (int)sizeof(temp))
		return err_set(e, ERR_IO, ENAMETOOLONG, "%s", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fail(e, path);
	if (file_write_all(fd, data, n, e) != 0)
		(void)err_wrap(e, "%s", path);
	else if (fsync(fd) != 0)
		(void)fail(e, path);
	else
		rc = 0;
	if (close(fd) != 0 && rc == 0)
		rc = fail(e, path);
	if (rc == 0 && rename(temp, path) != 0)
		rc = fail(e, path);
	if (rc != 0) {
		(void)unlink(temp);
		return -1;
	}
	return file_sync_dir(dir, e);
}

int
file_mkdirs(const char *path, struct err *e)
{
	char part[4096];
	size_t i, n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return err_set(e, ERR_IO, ENAMETOOLONG, "%s", path);
	memcpy(part, path, n + 1);
	for (i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			return err_set(e, errno == EACCES || errno == EPERM ?
			    ERR_DENIED : ERR_IO, errno, "%s", part);
		if (i < n)
			part[i] = '/';
	}
	return 0;
}
