/* SPDX-License-Identifier: Apache-2.0 */
/* settings_impl: what the files of the settings share; nobody else's. */
#ifndef BASE_SETTINGS_IMPL_H
#define BASE_SETTINGS_IMPL_H

#include "base/settings.h"

/* Higher wins. */
enum value_rank { RANK_NONE, RANK_DEFAULT, RANK_DEFAULTS, RANK_STORE,
	RANK_TEMPLATE, RANK_SOURCE, RANK_ENV, RANK_FLAG };

/* A string that clones share; text_ref(NULL) and text_free(NULL) do nothing.
 * text_new gives NULL when memory is out. */
struct text;
struct text *text_new(const char *s, size_t n);
struct text *text_ref(struct text *t);
const char *text_str(const struct text *t);
void text_free(struct text *t);

struct value {
	const struct setting *setting;
	enum value_rank rank;
	size_t n;
	struct text *one;	/* the item, when n is 1 */
	struct text **many;	/* the items, when n is more */
	struct text *origin;
};

/* One key of the file, kept until its section is chosen. */
struct file_key {
	struct file_key *next;
	char *key;
	struct text *value, *origin;	/* origin "/etc/kura/kura.conf:12" */
};

struct file_section {
	char *kind, *name;	/* "source" and "orders"; name "" for others */
	struct text *origin;	/* where it begins first */
	struct file_key *keys, **tail;
};

/* What was read, shared by clones. */
struct file {
	_Atomic unsigned refs;
	struct file_section **sections;
	size_t n;
};

struct settings {
	const struct settings_program *program;
	struct value *values;
	size_t nvalues;
	unsigned scope;		/* SETTING_IN_*: whose a shared name is; 0:
				 * the verb's */
	struct file *file;	/* NULL: none was read */
	const struct settings_verb *verb;
	char **args;
	size_t nargs;
	bool done;
};

struct value *settings_find(const struct settings *s, const char *name);

/* The value that a key of such a section sets, or NULL. */
struct value *settings_find_in(const struct settings *s, const char *name,
    unsigned where);

/* Give a value; lower ranks than what is there change nothing; the same rank
 * replaces, or appends where repeated.  settings_set copies the texts. */
int settings_give(struct settings *s, struct value *v, struct text *text,
    enum value_rank rank, struct text *origin, struct err *e);
int settings_set(struct settings *s, struct value *v, const char *text,
    enum value_rank rank, const char *origin, struct err *e);
void value_clear(struct value *v);
const char *value_item(const struct value *v, size_t i);

/* settings_value.c: a value's text is one of its type, else ERR_USAGE. */
int value_check(const struct settings *s, const struct setting *t,
    const char *text, const char *origin, struct err *e);
/* A reference to the text that counts: of a choice that was given as a flag,
 * another one.  NULL: no memory. */
struct text *value_meant(const struct setting *t, struct text *text);
int value_flag(const char *text, bool *out);
int value_uint(const char *text, uint64_t *out);
int value_size(const char *text, uint64_t *out);
int value_ms(const char *text, uint64_t *out);

/* The nearest known name, for "did you mean", or NULL; where: of settings
 * that may stand there, 0: of options. */
const char *settings_near(const struct settings *s, const char *name,
    unsigned where);
/* How far two words are apart; 64: too long to say. */
unsigned settings_distance(const char *a, const char *b);

/* Does this verb (NULL: any of the program) take the setting as an option? */
bool settings_for_verb(const struct setting *t,
    const struct settings_verb *verb);
bool settings_is_option(const struct settings_program *p,
    const struct setting *t);

/* The first line of what settings_flatten writes: lines that begin with "#@"
 * then say where the next one was read. */
#define SETTINGS_FLAT "# kura.conf as it was read, with all that it includes."

/* settings_file.c: read path, and what it includes, into s->file. */
int settings_read_file(struct settings *s, const char *path, struct err *e);
/* The same of a text alone, which includes nothing; each NULL: stop at the
 * first mistake. */
int settings_read_text(struct settings *s, const char *name, const char *text,
    settings_mistake *each, void *arg, struct err *e);

/* settings_section.c */
struct file *file_new(void);
void file_free(struct file *f);
/* Find a section, or NULL; add one that is not there yet. */
struct file_section *file_section(const struct file *f, const char *kind,
    const char *name);
struct file_section *file_section_add(struct file *f, const char *kind,
    const char *name, struct text *origin);
/* Apply the keys of one section, or the one key of it. */
int settings_apply(struct settings *s, const struct file_section *section,
    const char *key, enum value_rank rank, struct err *e);
/* Where keys of such a section belong: SETTING_IN_*, 0 for no such kind. */
unsigned settings_where(const char *kind);

/* settings_help.c */
void settings_help(const struct settings *s, FILE *out);
void settings_keys(const struct settings *s, FILE *out);
int settings_completion(const struct settings *s, const char *shell,
    FILE *out, struct err *e);

#endif /* !BASE_SETTINGS_IMPL_H */
