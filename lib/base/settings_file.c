/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file: kura.conf, read once, applied section by section. */
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "base/settings_impl.h"

#define FILE_MAX ((size_t)4 << 20)

struct reading {
	struct settings *s;
	struct err *e;
	const char *path;
	const char *rest;	/* text not yet read */
	int line;		/* the library does not say: counted here */
};

static bool
known_section(const char *section)
{
	return strcmp(section, "defaults") == 0 ||
	    (strncmp(section, "source ", 7) == 0 && section[7] != '\0') ||
	    (strncmp(section, "store ", 6) == 0 && section[6] != '\0');
}

static unsigned
allowed_in(const char *section)
{
	return strncmp(section, "store ", 6) == 0 ? SETTING_IN_STORE :
	    SETTING_IN_SOURCE;
}

static int
bad_key(const struct reading *r, const char *section, const char *key,
    int line)
{
	const struct value *v = settings_find(r->s, key);
	const char *near = settings_near(r->s, key);

	(void)err_set(r->e, ERR_USAGE, 0, "%s:%d: unknown key '%.60s' in "
	    "[%.60s]", r->path, line, key, section);
	if (v != NULL)
		(void)err_hint(r->e, "%s", (v->setting->flags &
		    SETTING_IN_STORE) != 0 ? "it goes into [store NAME]" :
		    (v->setting->flags & SETTING_IN_SOURCE) != 0 ?
		    "it goes into [defaults] or [source NAME]" :
		    "it is an option, not for the file");
	else if (near != NULL)
		(void)err_hint(r->e, "did you mean %s?", near);
	return 0;
}

static bool
is_elsewhere(const struct settings_program *program, const char *key)
{
	const char *const *t = program->elsewhere;

	while (t != NULL && *t != NULL && strcmp(*t, key) != 0)
		t++;
	return t != NULL && *t != NULL;
}

/* fgets(3) from the text in memory. */
static char *
next_line(char *line, int size, void *stream)
{
	struct reading *r = stream;
	size_t n, all;

	/* The library takes an indented line for more of the value above. */
	r->rest += strspn(r->rest, " \t");
	if (*r->rest == '\0')
		return NULL;
	all = n = strcspn(r->rest, "\n") + (strchr(r->rest, '\n') != NULL);
	r->line++;
	if (*r->rest == '#' || *r->rest == ';')
		n = 1;		/* of a comment, no more is needed */
	if (n > (size_t)size - 1) {
		(void)err_set(r->e, ERR_USAGE, 0, "%s:%d: a line longer than "
		    "%d bytes", r->path, r->line, size - 2);
		return NULL;
	}
	memcpy(line, r->rest, n);
	line[n] = '\0';
	r->rest += all;
	if (line[0] == '[' && strchr(line, ']') == NULL) {
		(void)err_set(r->e, ERR_USAGE, 0, "%s:%d: '[' without ']'",
		    r->path, r->line);
		return NULL;
	}
	return line;
}

/* inih calls this for each line; 0 stops it. */
static int
take(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	int line = r->line;
	struct file_key *k;
	struct value *v;

	if (section[0] == '\0') {
		(void)err_set(r->e, ERR_USAGE, 0, "%s:%d: '%.60s' stands in "
		    "no section", r->path, line, name);
		(void)err_hint(r->e, "begin with [store NAME], [defaults] or "
		    "[source NAME]");
		return 0;
	}
	if (!known_section(section)) {
		(void)err_set(r->e, ERR_USAGE, 0, "%s:%d: unknown section "
		    "[%.60s]", r->path, line, section);
		(void)err_hint(r->e, "sections are [store NAME], [defaults] "
		    "and [source NAME]");
		return 0;
	}
	/* Programs share the file: keys of a source that only another
	 * program takes from it are its to judge. */
	v = settings_find(r->s, name);
	if (v == NULL || (v->setting->flags & allowed_in(section)) == 0) {
		if (allowed_in(section) == SETTING_IN_SOURCE &&
		    is_elsewhere(r->s->program, name))
			return 1;
		return bad_key(r, section, name, line);
	}
	if (value == NULL || value[0] == '\0') {
		(void)err_set(r->e, ERR_USAGE, 0, "%s:%d: %s needs a value",
		    r->path, line, name);
		return 0;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return 0;
	k->section = strdup(section);
	k->key = strdup(name);
	k->value = strdup(value);
	k->line = (unsigned)line;
	*r->s->tail = k;
	r->s->tail = &k->next;
	return k->section != NULL && k->key != NULL && k->value != NULL;
}

int
settings_read_file(struct settings *s, const char *path, struct err *e)
{
	struct reading r = { s, e, path, NULL, 0 };
	struct buf text = {0};
	int rc = -1, line;

	if (file_read(path, FILE_MAX, &text, e) != 0) {
		if (e->code == ERR_NOTFOUND || e->code == ERR_DENIED)
			e->code = ERR_USAGE;
		goto out;
	}
	if (strlen(buf_str(&text)) != text.len) {
		(void)err_set(e, ERR_USAGE, 0, "%s: holds a NUL byte", path);
		goto out;
	}
	s->config = strdup(path);
	r.rest = buf_str(&text);
	line = ini_parse_stream(next_line, &r, take, &r);
	if (e->code != ERR_NONE)
		goto out;
	if (line > 0)
		(void)err_set(e, ERR_USAGE, 0, "%s:%d: neither [section] nor "
		    "key = value", path, line);
	else if (line < 0 || s->config == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "%s", path);
	else
		rc = 0;
out:	buf_free(&text);
	return rc;
}

int
settings_apply(struct settings *s, const char *section, enum value_rank rank,
    struct err *e)
{
	const struct file_key *k;
	struct buf origin = {0};
	struct value *v;
	int rc = 0;

	for (k = s->keys; k != NULL && rc == 0; k = k->next) {
		if (strcmp(k->section, section) != 0)
			continue;
		v = settings_find(s, k->key);
		if (v == NULL)
			continue;
		buf_clear(&origin);
		buf_addf(&origin, "%s:%u", s->config, k->line);
		rc = settings_set(s, v, k->value, rank, buf_str(&origin), e);
	}
	buf_free(&origin);
	return rc;
}

static bool
has_section(const struct settings *s, const char *kind, const char *name)
{
	const struct file_key *k;
	size_t n = strlen(kind);

	for (k = s->keys; k != NULL; k = k->next)
		if (strncmp(k->section, kind, n) == 0 &&
		    k->section[n] == ' ' &&
		    strcmp(k->section + n + 1, name) == 0)
			return true;
	return false;
}

bool
settings_has_source(const struct settings *s, const char *name)
{
	return has_section(s, "source", name);
}

bool
settings_has_store(const struct settings *s, const char *name)
{
	return has_section(s, "store", name);
}

static int
use(struct settings *s, const char *kind, const char *name,
    enum value_rank rank, struct err *e)
{
	struct buf section = {0};
	int rc;

	buf_addf(&section, "%s %s", kind, name);
	rc = buf_check(&section, "section", e) != 0 ? -1 :
	    settings_apply(s, buf_str(&section), rank, e);
	buf_free(&section);
	return rc;
}

int
settings_use_source(struct settings *s, const char *name, struct err *e)
{
	return use(s, "source", name, RANK_SOURCE, e);
}

int
settings_use_source_store(struct settings *s, const char *name,
    struct err *e)
{
	struct value *v = settings_find(s, "store");
	const struct file_key *k;

	for (k = s->keys; k != NULL; k = k->next)
		if (strncmp(k->section, "source ", 7) == 0 &&
		    strcmp(k->section + 7, name) == 0 &&
		    strcmp(k->key, "store") == 0)
			return settings_set(s, v, k->value, RANK_SOURCE,
			    s->config, e);
	return 0;
}

int
settings_use_store(struct settings *s, const char *name, struct err *e)
{
	return use(s, "store", name, RANK_STORE, e);
}

const char *
settings_only_store(const struct settings *s)
{
	const struct file_key *k;
	const char *name = NULL;

	for (k = s->keys; k != NULL; k = k->next) {
		if (strncmp(k->section, "store ", 6) != 0)
			continue;
		if (name != NULL && strcmp(name, k->section + 6) != 0)
			return NULL;
		name = k->section + 6;
	}
	return name;
}
