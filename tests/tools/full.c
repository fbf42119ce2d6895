/* SPDX-License-Identifier: Apache-2.0 */
/* full: preloaded, makes the disc below FULL_DIR full at FULL_AFTER bytes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic long written;

static int
is_full(int fd, size_t n)
{
	const char *dir = getenv("FULL_DIR"), *after = getenv("FULL_AFTER");
	char link[64], path[4096];
	ssize_t len;

	if (dir == NULL || after == NULL)
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	if (strncmp(path, dir, strlen(dir)) != 0)
		return 0;
	return (written += (long)n) > strtol(after, NULL, 10);
}

ssize_t
write(int fd, const void *data, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);

	if (is_full(fd, n)) {
		errno = ENOSPC;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "write");
	return real(fd, data, n);
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	if (is_full(fd, n)) {
		errno = ENOSPC;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	return real(fd, data, n, at);
}
