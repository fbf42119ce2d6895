/* SPDX-License-Identifier: Apache-2.0 */
/* settings_flatten: what was read of all files, as one file. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "base/settings_impl.h"

/* Where the reader takes the next line to be. */
struct place {
	const char *path;	/* borrowed, n bytes */
	size_t n;
	long line;
};

/* Origins are "PATH:LINE": a mark, unless the next line is there anyway. */
static void
mark(struct place *at, const struct text *origin, struct buf *out)
{
	const char *path = text_str(origin);
	size_t n = (size_t)(strrchr(path, ':') - path);
	long line = strtol(path + n + 1, NULL, 10);

	if (at->n != n || memcmp(at->path, path, n) != 0 || at->line != line)
		buf_addf(out, "#@%s\n", path);
	*at = (struct place){ path, n, line + 1 };
}

/* No blanks around '=': a line must not grow beyond what is read. */
static void
add_section(const struct file_section *x, struct place *at, struct buf *out)
{
	const struct file_key *k;

	mark(at, x->origin, out);
	buf_addf(out, "[%s%s%s]\n", x->kind, x->name[0] != '\0' ? " " : "",
	    x->name);
	for (k = x->keys; k != NULL; k = k->next) {
		/* What it includes is here already. */
		if (strcmp(k->key, "include") == 0 &&
		    settings_where(x->kind) == SETTING_IN_DAEMON)
			continue;
		mark(at, k->origin, out);
		buf_addf(out, "%s=%s\n", k->key, text_str(k->value));
	}
}

int
settings_flatten(const struct settings *s, struct buf *out, struct err *e)
{
	struct place at = { "", 0, 0 };
	size_t i;

	buf_adds(out, SETTINGS_FLAT "\n");
	for (i = 0; s->file != NULL && i < s->file->n; i++)
		if (settings_where(s->file->sections[i]->kind) !=
		    SETTING_IN_NOTIFY)
			add_section(s->file->sections[i], &at, out);
	if (buf_check(out, "the configuration", e) != 0)
		return -1;
	return out->len <= SETTINGS_FILE_MAX ? 0 : err_set(e, ERR_USAGE, 0,
	    "the configuration is larger than %zu MiB in all",
	    SETTINGS_FILE_MAX >> 20);
}
