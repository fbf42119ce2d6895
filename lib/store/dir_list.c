/* SPDX-License-Identifier: Apache-2.0 */
/* dir_list: what a store in a directory holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/dir_file.h"

#include "store/dir_list.h"

#define DEPTH_MAX	32

/* --- listing: sorted so that whole keys come in byte order --- */

struct name {
	bool folder;
	char text[256];
};

struct walk {
	struct dir *dir;
	const char *prefix, *after;
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
		    dir_fail(e, errno, "list");
	for (;;) {
		errno = 0;
		entry = readdir(dp);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, DIR_TEMP) == 0 ||
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
		(void)dir_fail(e, errno, "list");
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
	char path[DIR_PATH];
	struct store_entry entry = { .key = key };
	struct stat st;

	if (dir_path(w->dir, key, path, e) != 0)
		return -1;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : dir_fail(e, errno, "list");
	entry.size = (uint64_t)st.st_size;
	entry.mtime_us = clock_from_system((int64_t)st.st_mtim.tv_sec *
	    1000000 + st.st_mtim.tv_nsec / 1000);
	return w->each(w->arg, &entry, e);
}

/* Is the key, or are all keys of the folder, none of those after w->after? */
static bool
stands_before(const struct walk *w, const char *key, bool folder)
{
	return folder ? strncmp(key, w->after, strlen(key)) < 0 :
	    strcmp(key, w->after) <= 0;
}

/* folder: key of the folder with its slash, or "". */
static int
walk_folder(const struct walk *w, const char *folder, int depth,
    struct err *e)
{
	char path[DIR_PATH], key[DIR_PATH];
	size_t want = strlen(w->prefix), n, i, len, shared;
	struct name *list;
	int rc = 0;

	if (depth > DEPTH_MAX || dir_path(w->dir, folder, path, e) != 0)
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
		if (memcmp(key, w->prefix, shared) != 0 ||
		    stands_before(w, key, list[i].folder))
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
	char path[DIR_PATH];
	struct name *list;
	size_t n, i;
	int rc = 0;

	if (dir_path(w->dir, w->prefix, path, e) != 0 ||
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

int
dir_list(struct backend *b, const char *prefix, const char *after,
    bool names, backend_each *each, void *arg, struct err *e)
{
	struct walk w = { (struct dir *)b, prefix, after, names, each, arg };
	char folder[DIR_PATH];
	char *slash;

	dir_count(w.dir, STORE_LIST);
	if (dir_check(w.dir, e) != 0)
		return -1;
	if (names)
		return list_names(&w, e);
	/* Begin at the deepest folder that the prefix names whole. */
	if (snprintf(folder, sizeof(folder), "%s", prefix) >=
	    (int)sizeof(folder))
		return dir_fail(e, ENAMETOOLONG, "prefix");
	slash = strrchr(folder, '/');
	if (slash == NULL)
		folder[0] = '\0';
	else
		slash[1] = '\0';
	return walk_folder(&w, folder, 0, e);
}

/* --- deleting --- */

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

int
dir_remove(struct backend *b, const char *const *keys, size_t n,
    struct err *e)
{
	struct dir *d = (struct dir *)b;
	char path[DIR_PATH];
	size_t i;

	for (i = 0; i < n; i++) {
		dir_count(d, STORE_DELETE);
		if (cancel_check(d->cancel, e) != 0 ||
		    dir_path(d, keys[i], path, e) != 0)
			return -1;
		if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR) {
			(void)dir_fail(e, errno, "delete");
			return err_wrap(e, "%s", keys[i]);
		}
		prune(d, path);
	}
	return 0;
}

/* Temporary files have no owner's name: what is a day old is nobody's. */
int
dir_abort_uploads(struct backend *b, const char *prefix, int64_t before_us,
    struct err *e)
{
	struct dir *d = (struct dir *)b;
	char path[DIR_PATH], file[DIR_PATH];
	struct name *list;
	struct stat st;
	size_t n, i;

	(void)prefix;
	(void)before_us;
	if (dir_path(d, DIR_TEMP, path, e) != 0 ||
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
