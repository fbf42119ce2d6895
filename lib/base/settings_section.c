/* SPDX-License-Identifier: Apache-2.0 */
/* settings_section: the file's sections, and the values they give. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "base/settings_impl.h"

struct file *
file_new(void)
{
	struct file *f = calloc(1, sizeof(*f));

	if (f != NULL)
		atomic_init(&f->refs, 1);
	return f;
}

static void
section_free(struct file_section *section)
{
	struct file_key *k;

	while (section->keys != NULL) {
		k = section->keys;
		section->keys = k->next;
		free(k->key);
		text_free(k->value);
		text_free(k->origin);
		free(k);
	}
	free(section->kind);
	free(section->name);
	text_free(section->origin);
	free(section);
}

void
file_free(struct file *f)
{
	if (f == NULL || atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	while (f->n > 0)
		section_free(f->sections[--f->n]);
	free(f->sections);
	free(f);
}

struct file_section *
file_section(const struct file *f, const char *kind, const char *name)
{
	size_t i;

	for (i = 0; f != NULL && i < f->n; i++)
		if (strcmp(f->sections[i]->name, name) == 0 &&
		    strcmp(f->sections[i]->kind, kind) == 0)
			return f->sections[i];
	return NULL;
}

struct file_section *
file_section_add(struct file *f, const char *kind, const char *name,
    struct text *origin)
{
	struct file_section *section = file_section(f, kind, name), **all;

	if (section != NULL)
		return section;
	/* Room for the next, at each power of two. */
	if ((f->n & (f->n - 1)) == 0) {
		all = realloc(f->sections, (f->n == 0 ? 1 : f->n * 2) *
		    sizeof(struct file_section *));
		if (all == NULL)
			return NULL;
		f->sections = all;
	}
	section = calloc(1, sizeof(*section));
	if (section == NULL)
		return NULL;
	section->tail = &section->keys;
	section->kind = strdup(kind);
	section->name = strdup(name);
	section->origin = text_ref(origin);
	if (section->kind == NULL || section->name == NULL) {
		section_free(section);
		return NULL;
	}
	f->sections[f->n++] = section;
	return section;
}

unsigned
settings_where(const char *kind)
{
	static const struct { const char *kind; unsigned where; } all[] = {
		{ "daemon", SETTING_IN_DAEMON },
		{ "store", SETTING_IN_STORE },
		{ "notify", SETTING_IN_NOTIFY },
		{ "defaults", SETTING_IN_SOURCE },
		{ "template", SETTING_IN_SOURCE },
		{ "source", SETTING_IN_SOURCE },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(kind, all[i].kind) == 0)
			return all[i].where;
	return 0;
}

int
settings_apply(struct settings *s, const struct file_section *section,
    const char *key, enum value_rank rank, struct err *e)
{
	const struct file_key *k;
	struct value *v;
	int rc = 0;

	for (k = section != NULL ? section->keys : NULL; k != NULL && rc == 0;
	    k = k->next) {
		if (key != NULL && strcmp(k->key, key) != 0)
			continue;
		v = settings_find_in(s, k->key, settings_where(
		    section->kind));
		if (v != NULL)
			rc = settings_give(s, v, k->value, rank, k->origin,
			    e);
	}
	return rc;
}

const char *
settings_name(const struct settings *s, const char *kind, size_t i)
{
	size_t k;

	for (k = 0; s->file != NULL && k < s->file->n; k++)
		if (strcmp(s->file->sections[k]->kind, kind) == 0 && i-- == 0)
			return s->file->sections[k]->name;
	return NULL;
}

const char *
settings_section_origin(const struct settings *s, const char *kind,
    const char *name)
{
	const struct file_section *section = file_section(s->file, kind,
	    name);

	return section != NULL ? text_str(section->origin) : NULL;
}

bool
settings_has_source(const struct settings *s, const char *name)
{
	return file_section(s->file, "source", name) != NULL;
}

bool
settings_has_store(const struct settings *s, const char *name)
{
	return file_section(s->file, "store", name) != NULL;
}

const char *
settings_only_store(const struct settings *s)
{
	return settings_name(s, "store", 1) == NULL ?
	    settings_name(s, "store", 0) : NULL;
}

/* The key of a section: the last one counts. */
static const struct file_key *
last_key(const struct file_section *section, const char *name)
{
	const struct file_key *k, *last = NULL;

	for (k = section != NULL ? section->keys : NULL; k != NULL;
	    k = k->next)
		if (strcmp(k->key, name) == 0)
			last = k;
	return last;
}

/* The template that a source uses, or *out NULL. */
static int
find_template(const struct settings *s, const struct file_section *source,
    const struct file_section **out, struct err *e)
{
	const struct file_key *use = last_key(source, "use");
	const char *near = NULL, *name;
	unsigned least = 4, d;
	size_t i;

	*out = NULL;
	if (use == NULL)
		use = last_key(file_section(s->file, "defaults", ""), "use");
	if (use == NULL)
		return 0;
	*out = file_section(s->file, "template", text_str(use->value));
	if (*out != NULL)
		return 0;
	for (i = 0; (name = settings_name(s, "template", i)) != NULL; i++) {
		d = settings_distance(name, text_str(use->value));
		if (d < least) {
			least = d;
			near = name;
		}
	}
	(void)err_set(e, ERR_USAGE, 0, "%s: there is no [template %.60s]",
	    text_str(use->origin), text_str(use->value));
	return near != NULL ? err_hint(e, "did you mean %s?", near) :
	    err_hint(e, "write one, or take the line away");
}

static int
use_source(struct settings *s, const char *name, const char *key,
    struct err *e)
{
	const struct file_section *source, *template;

	source = file_section(s->file, "source", name);
	s->scope = SETTING_IN_SOURCE | SETTING_IN_STORE;
	if (find_template(s, source, &template, e) != 0 ||
	    settings_apply(s, template, key, RANK_TEMPLATE, e) != 0)
		return -1;
	return settings_apply(s, source, key, RANK_SOURCE, e);
}

int
settings_use_source(struct settings *s, const char *name, struct err *e)
{
	return use_source(s, name, NULL, e);
}

int
settings_use_source_store(struct settings *s, const char *name,
    struct err *e)
{
	return use_source(s, name, "store", e);
}

int
settings_use_store(struct settings *s, const char *name, struct err *e)
{
	s->scope = SETTING_IN_SOURCE | SETTING_IN_STORE;
	return settings_apply(s, file_section(s->file, "store", name), NULL,
	    RANK_STORE, e);
}

int
settings_use_daemon(struct settings *s, struct err *e)
{
	s->scope = SETTING_IN_DAEMON;
	return settings_apply(s, file_section(s->file, "daemon", ""), NULL,
	    RANK_SOURCE, e);
}

int
settings_use_notify(struct settings *s, const char *name, struct err *e)
{
	const struct file_section *section = file_section(s->file, "notify",
	    name);

	s->scope = SETTING_IN_NOTIFY;
	if (section == NULL)
		return err_set(e, ERR_USAGE, 0, "there is no [notify %.60s]",
		    name);
	return settings_apply(s, section, NULL, RANK_SOURCE, e);
}
