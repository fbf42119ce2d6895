/* SPDX-License-Identifier: Apache-2.0 */
/* settings_line: the lines of kura.conf, read once into sections. */
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "base/buf.h"
#include "base/err.h"

#include "base/settings_reader.h"

#define SECTIONS_MAX 20000
#define LINES_MAX 100000000

static const char sections_are[] = "sections are [daemon], [store NAME], "
    "[defaults], [template NAME], [source NAME] and [notify NAME]";

static bool
told(struct reading *all)
{
	if (all->each == NULL || all->e->code == ERR_NOMEM)
		return false;
	all->each(all->arg, all->e);
	all->mistakes++;
	*all->e = (struct err){0};
	return true;
}

static struct text *
origin(const struct reader *r)
{
	struct buf where = {0};
	struct text *t = NULL;

	buf_addf(&where, "%s:%d", r->path, r->line);
	if (buf_check(&where, "settings", r->all->e) == 0)
		t = text_new(where.data, where.len);
	buf_free(&where);
	return t;
}

static int
bad_key(const struct reader *r, const char *key, unsigned where)
{
	const struct settings *s = r->all->s;
	const struct value *v = settings_find(s, key);
	const char *near = settings_near(s, key, where);
	struct err *e = r->all->e;
	unsigned flags = v != NULL ? v->setting->flags : 0;

	(void)err_set(e, ERR_USAGE, 0, "%s:%d: unknown key '%.60s' in "
	    "[%.60s]", r->path, r->line, key, r->section);
	if (v != NULL)
		(void)err_hint(e, "%s", (flags & SETTING_IN_STORE) != 0 ?
		    "it goes into [store NAME]" :
		    (flags & SETTING_IN_SOURCE) != 0 ?
		    "it goes into [defaults] or [source NAME]" :
		    (flags & SETTING_IN_DAEMON) != 0 ?
		    "it goes into [daemon]" :
		    (flags & SETTING_IN_NOTIFY) != 0 ?
		    "it goes into [notify NAME]" :
		    "it is an option, not for the file");
	else if (near != NULL)
		(void)err_hint(e, "did you mean %s?", near);
	return -1;
}

/* Programs share the file: keys that only another one uses are its to judge. */
static bool
is_elsewhere(const struct settings_program *program, const char *key,
    unsigned where)
{
	const struct setting *const *table, *t;

	for (table = program->elsewhere; table != NULL && *table != NULL;
	    table++)
		for (t = *table; t->name != NULL; t++)
			if (strcmp(t->name, key) == 0 &&
			    (t->flags & where) != 0)
				return true;
	return false;
}

/* "[source orders]": where the keys that follow belong. */
static int
begin_section(struct reader *r, const char *text)
{
	struct file *file = r->all->s->file;
	size_t n = strcspn(text, "]"), kind;
	const struct file_section *into;
	struct text *where;
	bool named;

	r->into = NULL;
	r->skip = true;
	if (text[n] == '\0' || n >= sizeof(r->section))
		return err_set(r->all->e, ERR_USAGE, 0, "%s:%d: '[' without "
		    "']'", r->path, r->line);
	memcpy(r->section, text, n);
	r->section[n] = '\0';
	kind = strcspn(r->section, " ");
	named = r->section[kind] == ' ' && r->section[kind + 1] != '\0';
	r->section[kind] = '\0';
	if (settings_where(r->section) == 0 || (named ? strcmp(r->section,
	    "daemon") == 0 || strcmp(r->section, "defaults") == 0 :
	    kind < n || (strcmp(r->section, "daemon") != 0 &&
	    strcmp(r->section, "defaults") != 0))) {
		(void)err_set(r->all->e, ERR_USAGE, 0, "%s:%d: unknown "
		    "section [%.*s]", r->path, r->line, n > 60 ? 60 : (int)n,
		    text);
		return err_hint(r->all->e, "%s", sections_are);
	}
	into = file_section(file, r->section, named ? r->section + kind + 1 :
	    "");
	/* Files may share [daemon] and [defaults]. */
	if (named && into != NULL) {
		(void)err_set(r->all->e, ERR_USAGE, 0, "%s:%d: [%.*s] is "
		    "there already, in %s", r->path, r->line, n > 60 ? 60 :
		    (int)n, text, text_str(into->origin));
		return err_hint(r->all->e, "give it another name, or take it "
		    "away");
	}
	if (file->n >= SECTIONS_MAX)
		return err_set(r->all->e, ERR_USAGE, 0, "%s:%d: more than %d "
		    "sections", r->path, r->line, SECTIONS_MAX);
	where = origin(r);
	r->into = where == NULL ? NULL : file_section_add(file, r->section,
	    named ? r->section + kind + 1 : "", where);
	text_free(where);
	r->skip = false;
	if (named)
		r->section[kind] = ' ';
	return r->into != NULL ? 0 : err_set(r->all->e, ERR_NOMEM, 0, "%s",
	    r->path);
}

static int
check_line(struct reader *r, const char *line)
{
	struct err *e = r->all->e;

	if (line[0] == '[')
		return begin_section(r, line + 1);
	if (strpbrk(line, "=:") == NULL && line[strspn(line, "#;\r\n")] !=
	    '\0')
		return err_set(e, ERR_USAGE, 0, "%s:%d: neither [section] nor "
		    "key = value", r->path, r->line);
	return 0;
}

/* "#@/etc/kura/kura.conf:12" is where the next line truly stands. */
static int
take_mark(struct reader *r, const char *mark)
{
	size_t n = strcspn(mark, "\r\n");
	long line = 0;
	char *from;

	while (n > 0 && mark[n] != ':')
		n--;
	if (n > 0)
		line = strtol(mark + n + 1, NULL, 10);
	if (line < 1 || line > LINES_MAX)
		return err_set(r->all->e, ERR_USAGE, 0, "%s:%d: a mark "
		    "without a line", r->path, r->line);
	from = strndup(mark, n);
	if (from == NULL)
		return err_set(r->all->e, ERR_NOMEM, 0, "%s", r->path);
	free(r->from);
	r->path = r->from = from;
	r->line = (int)line - 1;
	return 0;
}

/* fgets(3) from the text in memory; lines in which all is wrong are passed
 * over once that was told. */
static char *
next_line(char *line, int size, void *stream)
{
	struct reader *r = stream;
	size_t n, all;
	int rc;

	do {
		/* The library takes an indented line for more of the value
		 * above. */
		r->rest += strspn(r->rest, " \t");
		if (*r->rest == '\0' || r->all->e->code != ERR_NONE)
			return NULL;
		all = n = strcspn(r->rest, "\n") +
		    (strchr(r->rest, '\n') != NULL);
		r->line++;
		if (*r->rest == '#' || *r->rest == ';')
			n = 1;		/* of a comment, no more is needed */
		if (n > (size_t)size - 1) {
			rc = err_set(r->all->e, ERR_USAGE, 0, "%s:%d: a line "
			    "longer than %d bytes", r->path, r->line,
			    size - 2);
			(void)err_hint(r->all->e, "put a long value into the "
			    "environment or on the command line");
		} else if (r->flat && strncmp(r->rest, "#@", 2) == 0) {
			memcpy(line, "#\n", 3);
			rc = take_mark(r, r->rest + 2);
		} else {
			memcpy(line, r->rest, n);
			line[n] = '\0';
			rc = check_line(r, line);
		}
		r->rest += all;
	} while (rc != 0 && told(r->all));
	return rc == 0 ? line : NULL;
}

static int
add_key(struct reader *r, const char *name, const char *value)
{
	struct file_key *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return err_set(r->all->e, ERR_NOMEM, 0, "%s", r->path);
	k->key = strdup(name);
	k->value = text_new(value, strlen(value));
	k->origin = origin(r);
	*r->into->tail = k;
	r->into->tail = &k->next;
	return k->key != NULL && k->value != NULL && k->origin != NULL ? 0 :
	    err_set(r->all->e, ERR_NOMEM, 0, "%s", r->path);
}

/* What a key says is kept until its section is chosen; in looking for
 * mistakes, it is given at once. */
static int
take_value(struct reader *r, const char *name, const char *value,
    unsigned where)
{
	struct settings *s = r->all->s;
	struct value *v = settings_find_in(s, name, where);
	struct text *text, *from;
	int rc;

	if (v == NULL)
		return 0;
	if (r->all->each != NULL) {
		text = text_new(value, strlen(value));
		from = origin(r);
		rc = text == NULL || from == NULL ? err_set(r->all->e,
		    ERR_NOMEM, 0, "%s", r->path) :
		    settings_give(s, v, text, RANK_SOURCE, from, r->all->e);
		text_free(text);
		text_free(from);
		if (rc != 0)
			return -1;
	}
	return add_key(r, name, value);
}

/* Said once, unless it is a list that goes on. */
static int
check_once(struct reader *r, const char *name, unsigned where)
{
	const struct value *v = settings_find_in(r->all->s, name, where);
	const struct file_key *k = r->into->keys;

	if (v == NULL || (v->setting->flags & SETTING_REPEATED) != 0)
		return 0;
	while (k != NULL && strcmp(k->key, name) != 0)
		k = k->next;
	if (k == NULL)
		return 0;
	(void)err_set(r->all->e, ERR_USAGE, 0, "%s:%d: %s of [%.60s] is "
	    "given in %s already", r->path, r->line, name, r->section,
	    text_str(k->origin));
	return err_hint(r->all->e, "take one of the two away");
}

static int
take_key(struct reader *r, const char *name, const char *value)
{
	struct err *e = r->all->e;
	unsigned where;

	if (r->into == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "%s:%d: '%.60s' stands in "
		    "no section", r->path, r->line, name);
		return err_hint(e, "begin with [store NAME], [defaults] or "
		    "[source NAME]");
	}
	where = settings_where(r->into->kind);
	if (settings_find_in(r->all->s, name, where) == NULL &&
	    !is_elsewhere(r->all->s->program, name, where))
		return bad_key(r, name, where);
	if (value == NULL || value[0] == '\0')
		return err_set(e, ERR_USAGE, 0, "%s:%d: %s needs a value",
		    r->path, r->line, name);
	if (strcmp(name, "use") == 0 &&
	    strcmp(r->into->kind, "template") == 0)
		return err_set(e, ERR_USAGE, 0, "%s:%d: a template uses no "
		    "other one", r->path, r->line);
	if (check_once(r, name, where) != 0 ||
	    take_value(r, name, value, where) != 0)
		return -1;
	return strcmp(name, "include") != 0 || where != SETTING_IN_DAEMON ||
	    r->all->alone ? 0 : reader_include(r, value);
}

/* inih calls this for each key; 0 is a failure. */
static int
take(void *user, const char *cut, const char *name, const char *value)
{
	struct reader *r = user;

	(void)cut;
	if (r->skip)
		return 1;
	return r->all->e->code == ERR_NONE && (take_key(r, name, value) == 0 ||
	    told(r->all));
}

int
reader_text(struct reader *r, const char *text)
{
	struct err *e = r->all->e;
	int line;

	r->rest = text;
	r->flat = !r->all->alone && strncmp(text, SETTINGS_FLAT,
	    sizeof(SETTINGS_FLAT) - 1) == 0;
	if (strncmp(r->rest, "\xef\xbb\xbf", 3) == 0)
		r->rest += 3;
	line = ini_parse_stream(next_line, r, take, r);
	free(r->from);
	r->from = NULL;
	if (e->code != ERR_NONE)
		return -1;
	if (line > 0 && r->all->mistakes == 0)
		return err_set(e, ERR_USAGE, 0, "%s:%d: neither [section] nor "
		    "key = value", r->path, line);
	return line >= 0 ? 0 : err_set(e, ERR_NOMEM, 0, "%s", r->path);
}
