/* SPDX-License-Identifier: Apache-2.0 */
/* accepted: the configuration that the daemon goes by, as a file for its jobs. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/settings.h"

#include "backupd/accepted.h"

struct accepted {
	char *folder;
	struct buf path, text;
	struct stat written;	/* the file as we left it */
};

static int
put(struct accepted *a, struct err *e)
{
	const char *path = buf_str(&a->path);

	if (file_mkdirs(a->folder, e) != 0 || file_write(path, a->text.data,
	    a->text.len, 0600, e) != 0)
		return err_wrap(e, "the configuration for jobs");
	return stat(path, &a->written) == 0 ? 0 : err_set(e, ERR_IO, 0,
	    "%s: it is gone at once", path);
}

struct accepted *
accepted_new(const char *folder, const struct settings *s, struct err *e)
{
	struct accepted *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->folder = strdup(folder);
	if (a == NULL || a->folder == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "the configuration for jobs");
		accepted_free(a);
		return NULL;
	}
	buf_addf(&a->path, "%s/accepted.conf", folder);
	if (buf_check(&a->path, "state", e) == 0 &&
	    settings_flatten(s, &a->text, e) == 0 && put(a, e) == 0)
		return a;
	accepted_free(a);
	return NULL;
}

int
accepted_keep(struct accepted *a, struct err *e)
{
	const struct stat *was = &a->written;
	struct stat is;

	if (stat(buf_str(&a->path), &is) == 0 && is.st_dev == was->st_dev &&
	    is.st_ino == was->st_ino && is.st_size == was->st_size &&
	    is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	    is.st_mtim.tv_nsec == was->st_mtim.tv_nsec)
		return 0;
	return put(a, e);
}

const char *
accepted_path(const struct accepted *a)
{
	return buf_str(&a->path);
}

void
accepted_free(struct accepted *a)
{
	if (a == NULL)
		return;
	buf_free(&a->path);
	buf_free(&a->text);
	free(a->folder);
	free(a);
}
