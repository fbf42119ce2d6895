/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: one table gives options, environment, kura.conf keys, --help,
 * completion and the man page's option list.
 *
 * Life cycle: settings_new; settings_parse (reads argv, then the
 * configuration file and the environment); getters; settings_free.  Getters
 * return borrowed values, valid until settings_free.
 *
 * Precedence: flag > environment (KURA_MAX_MEMORY for max-memory) > section
 * [source NAME] > the [template NAME] that it uses > [store NAME] for keys of
 * a store > [defaults] > built-in default.  Unknown options, keys and sections
 * are ERR_USAGE, with a did-you-mean where one is near.
 *
 * Of many sources: one settings_clone each, and settings_use_source on it.  A
 * clone shares all texts with its origin (some KiB a clone), may outlive it,
 * and may be used and freed by another thread.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct buf;
struct err;
struct settings;

#define SETTINGS_FILE_MAX ((size_t)16 << 20)	/* bytes of one file */

enum setting_type {
	SETTING_FLAG,		/* --yes; no value; in files yes/no */
	SETTING_STRING,
	SETTING_CHOICE,		/* one of choices, "a|b|c" */
	SETTING_UINT,
	SETTING_SIZE,		/* 64KiB, 16M (MiB), 1GiB, plain bytes */
	SETTING_DURATION,	/* 500ms, 10s, 5m, 2h, 1d; plain seconds */
};

/* Where a setting may stand; two settings of one name stand apart. */
#define SETTING_IN_SOURCE	1u	/* [source], [template], [defaults] */
#define SETTING_IN_STORE	2u	/* [store NAME] */
#define SETTING_IN_DAEMON	16u	/* [daemon] */
#define SETTING_IN_NOTIFY	32u	/* [notify NAME] */
#define SETTING_IN		51u	/* all of these */
#define SETTING_REPEATED	4u	/* may be given many times: a list */
#define SETTING_LIST		64u	/* "a, b c": a list in one value */
#define SETTING_NO_ENV		8u	/* not from the environment */
#define SETTING_SWITCH		128u	/* a choice that also is a flag: yes is its
					 * second value, no its first */

struct setting {
	const char *name;	/* without dashes: "max-memory" */
	enum setting_type type;
	unsigned flags;
	const char *def;	/* text of the default, or NULL: unset */
	const char *arg;	/* name of the value in help: "SIZE" */
	const char *choices;	/* for SETTING_CHOICE */
	const char *verbs;	/* " run plan " that take it as an option;
				 * NULL: all, " ": a key of the file only.  A
				 * name may stand twice, for other verbs */
	const char *help;	/* one sentence, no full stop */
};

struct settings_verb {
	const char *name;	/* "run" */
	const char *args;	/* "SOURCE" or "SOURCE/ID OBJECT" or "" */
	unsigned min_args, max_args;
	const char *help;
};

/* A closer look at a value than its type gives: ERR_USAGE, "not a time of
 * day" (what names the value is put before it). */
struct settings_check {
	const char *name;
	unsigned where;		/* SETTING_IN_* of the setting */
	int (*check)(const char *text, struct err *e);
};

struct settings_program {
	const char *name;	/* "backupd" */
	const char *purpose;	/* one line */
	const struct settings_verb *verbs;	/* ends with name NULL */
	const struct setting *const *tables;	/* NULL-ended list of tables,
						 * each ends with name NULL */
	/* Keys of kura.conf that other programs use: known, and passed over.
	 * NULL-ended list of tables; or NULL. */
	const struct setting *const *elsewhere;
	const struct settings_check *checks;	/* ends with name NULL; or
						 * NULL */
};

/* prog and its tables are borrowed for the life of the settings. */
struct settings *settings_new(const struct settings_program *prog,
    struct err *e);

/* Parse argv.  --help, --version, --keys and --completion=SHELL print to stdout and
 * set settings_done.  Opens the configuration file if --config, KURA_CONFIG
 * or /etc/kura/kura.conf (only if it exists) names one. */
int settings_parse(struct settings *s, int argc, char **argv, struct err *e);

/* The path of the configuration file that is read, or NULL. */
const char *settings_config(const struct settings *s);

/* Read that file again, also after settings_parse failed, and call
 * each(arg, mistake) for every mistake in it: sections and keys that are none,
 * values that are none of their type.  Returns how many. */
typedef void settings_mistake(void *arg, const struct err *mistake);
size_t settings_mistakes(const struct settings *s, settings_mistake *each,
    void *arg);

/* Append the file that was read, and all that it includes, as one text in its
 * form.  Where that is read, mistakes and origins are those of the files it
 * came from.  Sections [notify NAME] stay out: what tells of troubles is no
 * job's business, and a URL may be a secret.  ERR_USAGE: too large to be read
 * again. */
int settings_flatten(const struct settings *s, struct buf *out,
    struct err *e);

/* True: nothing more to do, exit 0. */
bool settings_done(const struct settings *s);

/* The verb's name and its positional arguments (NULL beyond the last). */
const char *settings_verb(const struct settings *s);
const char *settings_arg(const struct settings *s, size_t i);
size_t settings_args(const struct settings *s);

/* A copy, to choose other sections in; NULL on failure, with *e set. */
struct settings *settings_clone(const struct settings *s, struct err *e);

/* The names of the file's sections of a kind ("source", "store", "template",
 * "notify"), in the order of the file; NULL beyond the last. */
const char *settings_name(const struct settings *s, const char *kind,
    size_t i);
/* Where that section begins ("/etc/kura/kura.conf:12"), NULL if nowhere. */
const char *settings_section_origin(const struct settings *s,
    const char *kind, const char *name);

/* Choose [source NAME] (may be absent from the file) with the [template NAME]
 * that it uses, and then [store NAME] for keys of a store. name is copied.
 * settings_has_source: whether the file has the section. */
int settings_use_source(struct settings *s, const char *name, struct err *e);
int settings_use_store(struct settings *s, const char *name, struct err *e);
bool settings_has_source(const struct settings *s, const char *name);

/* Choose [daemon], or [notify NAME], which must be in the file: a name that
 * sources have too, such as socket, now is the daemon's. */
int settings_use_daemon(struct settings *s, struct err *e);
int settings_use_notify(struct settings *s, const char *name, struct err *e);

/* As settings_use_source, but for the one key "store": a restore must not take
 * the source's own host for its target. */
int settings_use_source_store(struct settings *s, const char *name,
    struct err *e);

/* The name of the only [store NAME] of the file, or NULL. */
const char *settings_only_store(const struct settings *s);
bool settings_has_store(const struct settings *s, const char *name);

/* Values by name; the name must exist in a table (asserted), and the type
 * must match.  settings_str gives NULL when unset without default. */
const char *settings_str(const struct settings *s, const char *name);
bool settings_flag(const struct settings *s, const char *name);
uint64_t settings_uint(const struct settings *s, const char *name);
uint64_t settings_size(const struct settings *s, const char *name);
uint64_t settings_ms(const struct settings *s, const char *name);
size_t settings_count(const struct settings *s, const char *name);
const char *settings_item(const struct settings *s, const char *name,
    size_t i);

/* Where the value comes from: "--max-memory", "KURA_MAX_MEMORY",
 * "/etc/kura/kura.conf:12", "default", or "" when unset. */
const char *settings_origin(const struct settings *s, const char *name,
    char *text, size_t n);

/* Print the effective settings that may stand in such sections (0: those of
 * no section), one "name = value  # origin" a line; secrets do not exist among
 * settings. */
void settings_print_effective(const struct settings *s, unsigned where,
    FILE *out);

void settings_free(struct settings *s);

#endif /* !BASE_SETTINGS_H */
