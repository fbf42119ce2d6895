/* SPDX-License-Identifier: Apache-2.0 */
/* spool: a local folder that holds what the store has not got. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "backupd/spool_impl.h"

#define FILE_SIZE ((uint64_t)8 << 20)	/* then another one begins */

/* One that was written since the folder was opened. */
struct spool_file {
	char name[SPOOL_NAME_MAX];
	char history[HISTORY_ID_LEN + 1];
	uint32_t seq;
	uint64_t end, size;
	struct spool_file *next;
};

struct spool {
	char path[SPOOL_PATH_MAX];
	uint64_t limit;
	int dir, lock;
	atomic_ullong size;
	int fd;			/* of the last file, or -1 */
	struct spool_file *first, *last;
};

/* Never below nothing, whatever else has written to its files. */
static void
uncount(struct spool *s, uint64_t n)
{
	unsigned long long was = atomic_load(&s->size);

	while (!atomic_compare_exchange_weak(&s->size, &was, was > n ?
	    was - n : 0))
		continue;
}

/* --- opening --- */

static int
lock(struct spool *s, struct err *e)
{
	s->lock = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock == -1)
		return err_set(e, ERR_IO, errno, "%s/lock", s->path);
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_set(e, ERR_IO, errno, "%s/lock", s->path);
	return err_set(e, ERR_BUSY, 0, "spool %s is another archiver's",
	    s->path);
}

/* What an earlier run left counts, until it is in the store. */
static int
measure(struct spool *s, struct err *e)
{
	struct spool_names names = {0};
	struct stat st;
	size_t i;
	int rc = spool_names(s->path, &names, e);

	for (i = 0; i < names.n; i++)
		if (fstatat(s->dir, names.all[i], &st, 0) == 0)
			atomic_fetch_add(&s->size, (uint64_t)st.st_size);
	spool_names_free(&names);
	return rc;
}

/* The folder, that a crash cannot undo.  It holds rows: nobody else may
 * look. */
static int
make_folder(struct spool *s, const struct spool_opts *o, struct err *e)
{
	char above[SPOOL_PATH_MAX];

	if ((size_t)snprintf(s->path, sizeof(s->path), "%s/%s/%s", o->dir,
	    o->store_id, o->source) >= sizeof(s->path))
		return err_set(e, ERR_USAGE, 0, "--spool: the path is too "
		    "long");
	(void)snprintf(above, sizeof(above), "%.*s", (int)(strlen(s->path) -
	    strlen(o->source) - 1), s->path);
	if (file_mkdirs(above, e) != 0)
		return -1;
	if (mkdir(s->path, 0700) != 0 && errno != EEXIST)
		return err_set(e, ERR_IO, errno, "%s", s->path);
	if (file_sync_dir(above, e) != 0 || file_sync_dir(o->dir, e) != 0)
		return -1;
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->dir != -1 ? 0 : err_set(e, ERR_IO, errno, "%s", s->path);
}

struct spool *
spool_open(const struct spool_opts *o, struct err *e)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "spool");
		return NULL;
	}
	s->dir = s->lock = s->fd = -1;
	s->limit = o->limit;
	if (make_folder(s, o, e) == 0 && lock(s, e) == 0 &&
	    measure(s, e) == 0)
		return s;
	spool_close(s);
	return NULL;
}

void
spool_close(struct spool *s)
{
	struct spool_file *f;

	if (s == NULL)
		return;
	while ((f = s->first) != NULL) {
		s->first = f->next;
		free(f);
	}
	if (s->fd != -1)
		(void)close(s->fd);
	if (s->lock != -1)
		(void)close(s->lock);
	if (s->dir != -1)
		(void)close(s->dir);
	free(s);
}

uint64_t
spool_size(const struct spool *s)
{
	return atomic_load(&s->size);
}

const char *
spool_path(const struct spool *s)
{
	return s->path;
}

/* --- writing --- */

static void
end_file(struct spool *s)
{
	if (s->fd != -1)
		(void)close(s->fd);
	s->fd = -1;
}

/* What could not be written whole is written again to the file that it was to
 * begin: that file is one, not two of which the first is done with. */
static int
same_file(struct spool *s, const char *name, struct err *e)
{
	struct spool_file *f = s->last;

	s->fd = openat(s->dir, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (s->fd == -1)
		return err_set(e, ERR_IO, errno, "%s/%s", s->path, name);
	uncount(s, f->size);
	f->size = f->end = 0;
	return 0;
}

static int
new_file(struct spool *s, const char *history, const struct spool_record *r,
    struct err *e)
{
	struct spool_file *f;
	char name[SPOOL_NAME_MAX];

	spool_name(history, r->seq, r->start, name);
	if (s->last != NULL && strcmp(s->last->name, name) == 0)
		return same_file(s, name, e);
	f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_set(e, ERR_NOMEM, 0, "spool");
	memcpy(f->name, name, sizeof(name));
	(void)snprintf(f->history, sizeof(f->history), "%s", history);
	f->seq = r->seq;
	s->fd = openat(s->dir, f->name, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);
	if (s->fd == -1 || fsync(s->dir) != 0) {
		(void)err_set(e, ERR_IO, errno, "%s/%s", s->path, f->name);
		free(f);
		return -1;
	}
	if (s->last == NULL)
		s->first = f;
	else
		s->last->next = f;
	s->last = f;
	return 0;
}

/* Put one record at the end. */
static int
append(struct spool *s, const char *history, const void *data, size_t size,
    const struct spool_record *r, struct err *e)
{
	struct spool_file *f = s->last;
	struct stat st;

	if (s->fd != -1 && (f->size >= FILE_SIZE || f->seq != r->seq ||
	    f->end != r->start || strcmp(f->history, history) != 0)) {
		if (fdatasync(s->fd) != 0)
			return err_set(e, ERR_IO, errno, "%s/%s", s->path,
			    f->name);
		end_file(s);
	}
	if (s->fd == -1 && new_file(s, history, r, e) != 0)
		return -1;
	f = s->last;
	if (file_write_all(s->fd, data, size, e) != 0) {
		/* What is torn is of no use, but takes its room. */
		if (fstat(s->fd, &st) == 0 && (uint64_t)st.st_size > f->size) {
			atomic_fetch_add(&s->size, (uint64_t)st.st_size -
			    f->size);
			f->size = (uint64_t)st.st_size;
		}
		return err_wrap(e, "%s/%s", s->path, f->name);
	}
	f->size += size;
	f->end = r->start + r->n;
	atomic_fetch_add(&s->size, size);
	return 0;
}

int
spool_write(struct spool *s, const char *history, const struct buf *records,
    struct err *e)
{
	struct spool_record r;
	size_t at, size;

	if (atomic_load(&s->size) + records->len > s->limit)
		return 1;
	for (at = 0; at < records->len; at += size) {
		if (spool_record_parse(records->data + at, records->len - at,
		    &r, &size) != 1)
			return err_set(e, ERR_CORRUPT, 0, "spool: no record");
		if (append(s, history, records->data + at, size, &r, e) != 0) {
			/* What is behind a torn record is never read. */
			end_file(s);
			return -1;
		}
	}
	if (s->fd != -1 && fdatasync(s->fd) != 0) {
		end_file(s);
		return err_set(e, ERR_IO, errno, "%s/%s", s->path,
		    s->last->name);
	}
	return 0;
}

void
spool_stored(struct spool *s, const char *history, uint32_t seq,
    uint64_t offset)
{
	struct spool_file *f;
	struct err e = {0};

	while ((f = s->first) != NULL && (strcmp(f->history, history) != 0 ||
	    f->seq < seq || (f->seq == seq && f->end <= offset))) {
		if (f == s->last)
			end_file(s);
		s->first = f->next;
		if (s->first == NULL)
			s->last = NULL;
		/* One that stays is found and removed by the next start. */
		(void)spool_remove(s, f->name, &e);
		free(f);
	}
}

int
spool_remove(struct spool *s, const char *file, struct err *e)
{
	struct stat st;

	if (fstatat(s->dir, file, &st, 0) != 0 ||
	    unlinkat(s->dir, file, 0) != 0)
		return err_set(e, ERR_IO, errno, "%s/%s", s->path, file);
	uncount(s, (uint64_t)st.st_size);
	return 0;
}

int
spool_aside(struct spool *s, const char *file, struct err *e)
{
	char to[SPOOL_NAME_MAX + 8];
	struct stat st;

	(void)snprintf(to, sizeof(to), "aside/%s", file);
	if ((mkdirat(s->dir, "aside", 0700) != 0 && errno != EEXIST) ||
	    fstatat(s->dir, file, &st, 0) != 0 ||
	    renameat(s->dir, file, s->dir, to) != 0)
		return err_set(e, ERR_IO, errno, "%s/%s", s->path, to);
	uncount(s, (uint64_t)st.st_size);
	return 0;
}
