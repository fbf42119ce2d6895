/* SPDX-License-Identifier: Apache-2.0 */
/* settings_impl: what the files of the settings share; nobody else's. */
#ifndef BASE_SETTINGS_IMPL_H
#define BASE_SETTINGS_IMPL_H

#include "base/settings.h"

/* Higher wins. */
enum value_rank { RANK_NONE, RANK_DEFAULT, RANK_DEFAULTS, RANK_STORE,
	RANK_SOURCE, RANK_ENV, RANK_FLAG };

struct value {
	const struct setting *setting;
	enum value_rank rank;
	char **items;		/* one, or many where repeated */
	size_t n;
	char *origin;
};

/* One key of the file, kept until a section is chosen. */
struct file_key {
	struct file_key *next;
	char *section, *key, *value;	/* section "source orders" */
	unsigned line;
};

struct settings {
	const struct settings_program *program;
	struct value *values;
	size_t nvalues;
	char *config;		/* path of the file that was read, or NULL */
	struct file_key *keys, **tail;
	const struct settings_verb *verb;
	char **args;
	size_t nargs;
	bool done;
};

struct value *settings_find(const struct settings *s, const char *name);

/* Give a value; origin is copied.  Lower ranks than what is there change
 * nothing; the same rank replaces, or appends where repeated. */
int settings_set(struct settings *s, struct value *v, const char *text,
    enum value_rank rank, const char *origin, struct err *e);

/* The nearest known name, for "did you mean", or NULL. */
const char *settings_near(const struct settings *s, const char *name);

/* Does this verb (NULL: any) take the setting? */
bool settings_for_verb(const struct setting *t,
    const struct settings_verb *verb);

/* settings_file.c: read path into s->keys. */
int settings_read_file(struct settings *s, const char *path, struct err *e);
/* Apply the keys of one section. */
int settings_apply(struct settings *s, const char *section,
    enum value_rank rank, struct err *e);

/* settings_help.c */
void settings_help(const struct settings *s, FILE *out);
int settings_completion(const struct settings *s, const char *shell,
    FILE *out, struct err *e);

#endif /* !BASE_SETTINGS_IMPL_H */
