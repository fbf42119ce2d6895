/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file: kura.conf and what it includes, file by file. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "base/settings_reader.h"

#define FILE_MAX SETTINGS_FILE_MAX
#define DEPTH_MAX 8		/* files within files */

static int read_one(struct reading *all, struct reader *outer,
    const char *path);

/* The file that a relative name means, beside the one that names it. */
static int
beside(const struct reader *r, const char *name, struct buf *out)
{
	const char *slash = strrchr(r->path, '/');

	if (name[0] != '/' && slash != NULL)
		buf_add(out, r->path, (size_t)(slash + 1 - r->path));
	buf_adds(out, name);
	return buf_check(out, "include", r->all->e);
}

int
reader_include(struct reader *r, const char *pattern)
{
	struct buf name = {0};
	struct stat st;
	glob_t found = {0};
	size_t i;
	int rc;

	rc = beside(r, pattern, &name);
	if (rc == 0 && stat(buf_str(&name), &st) == 0 &&
	    S_ISDIR(st.st_mode)) {
		buf_adds(&name, "/*.conf");
		rc = buf_check(&name, "include", r->all->e);
	}
	if (rc == 0) {
		rc = glob(buf_str(&name), GLOB_ERR, NULL, &found);
		/* An empty folder is none to complain of; a name is. */
		if (rc == GLOB_NOMATCH)
			rc = strpbrk(buf_str(&name), "*?[") != NULL ? 0 :
			    err_set(r->all->e, ERR_USAGE, 0, "%s:%d: include: "
			    "there is no %s", r->path, r->line,
			    buf_str(&name));
		else if (rc != 0)
			rc = err_set(r->all->e, ERR_USAGE, 0, "%s:%d: "
			    "include: cannot read %s", r->path, r->line,
			    buf_str(&name));
	}
	for (i = 0; rc == 0 && i < found.gl_pathc; i++)
		rc = read_one(r->all, r, found.gl_pathv[i]);
	globfree(&found);
	buf_free(&name);
	return rc;
}

/* Nobody else may put a command or a store of his into our configuration;
 * each file is read once, and so a file within itself is found. */
static int
may_read(struct reader *r)
{
	struct reading *all = r->all;
	const struct reader *up;
	struct stat st;
	unsigned depth = 0;
	size_t i;

	if (stat(r->path, &st) != 0)
		return 0;	/* reading it will say why */
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IWOTH) != 0) {
		(void)err_set(all->e, ERR_USAGE, 0, "%s: others may write "
		    "this file", r->path);
		return err_hint(all->e, "chmod o-w %s", r->path);
	}
	for (up = r->outer; up != NULL; up = up->outer)
		depth++;
	for (i = 0; i < all->nseen; i++)
		if (all->seen[i].dev == st.st_dev &&
		    all->seen[i].ino == st.st_ino)
			return err_set(all->e, ERR_USAGE, 0, "%s:%d: include: "
			    "%s is read already", r->outer->path,
			    r->outer->line, r->path);
	if (depth > DEPTH_MAX || all->nseen == FILES_MAX)
		return err_set(all->e, ERR_USAGE, 0, "%s:%d: include: more "
		    "than %d files%s", r->outer->path, r->outer->line,
		    depth > DEPTH_MAX ? DEPTH_MAX : FILES_MAX,
		    depth > DEPTH_MAX ? " within each other" : "");
	all->seen[all->nseen].dev = st.st_dev;
	all->seen[all->nseen++].ino = st.st_ino;
	return 0;
}

static int
read_one(struct reading *all, struct reader *outer, const char *path)
{
	struct reader r = { .all = all, .outer = outer, .path = path };
	struct err *e = all->e;
	struct buf text = {0};
	int rc = -1;

	if (may_read(&r) != 0)
		goto out;
	if (file_read(path, FILE_MAX, &text, e) != 0) {
		if (e->code == ERR_NOTFOUND || e->code == ERR_DENIED)
			e->code = ERR_USAGE;
		goto out;
	}
	rc = strlen(buf_str(&text)) != text.len ? err_set(e, ERR_USAGE, 0,
	    "%s: holds a NUL byte", path) : reader_text(&r, buf_str(&text));
out:	buf_free(&text);
	return rc;
}

static int
read_all(struct settings *s, const char *path, struct reading *all,
    struct err *e)
{
	s->file = file_new();
	if (s->file == NULL)
		return err_set(e, ERR_NOMEM, 0, "%s", path);
	all->s = s;
	all->e = e;
	return read_one(all, NULL, path);
}

int
settings_read_file(struct settings *s, const char *path, struct err *e)
{
	struct reading *all = calloc(1, sizeof(*all));
	int rc = all == NULL ? err_set(e, ERR_NOMEM, 0, "%s", path) :
	    read_all(s, path, all, e);

	free(all);
	return rc;
}

int
settings_read_text(struct settings *s, const char *name, const char *text,
    settings_mistake *each, void *arg, struct err *e)
{
	struct reading *all = calloc(1, sizeof(*all));
	struct reader r = { .all = all, .path = name };
	int rc = -1;

	s->file = all != NULL ? file_new() : NULL;
	if (s->file == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "%s", name);
	} else {
		*all = (struct reading){ .s = s, .e = e, .alone = true,
		    .each = each, .arg = arg };
		rc = reader_text(&r, text);
	}
	free(all);
	return rc;
}

size_t
settings_mistakes(const struct settings *s, settings_mistake *each,
    void *arg)
{
	struct err e = {0};
	struct settings *fresh = settings_new(s->program, &e);
	struct reading *all = calloc(1, sizeof(*all));
	const char *path = settings_config(s);
	size_t n = 0;

	if (all == NULL && fresh != NULL)
		(void)err_set(&e, ERR_NOMEM, 0, "settings");
	if (all != NULL && e.code == ERR_NONE && path != NULL) {
		all->each = each;
		all->arg = arg;
		(void)read_all(fresh, path, all, &e);
		n = all->mistakes;
	}
	if (e.code != ERR_NONE) {
		each(arg, &e);
		n++;
	}
	free(all);
	settings_free(fresh);
	return n;
}
