/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: who did what, on which backup, and what came of it: JSON lines in
 * the store (audit/<day>/<host>-<n>.jsonl, create-only) and in a local file.
 *
 * Life cycle: audit_new before anything is decided; audit_acts or
 * audit_begun once the action will change something; audit_ended, which
 * without them writes nothing; audit_free.  Nothing here fails the action:
 * what cannot be written is a warning in the log.  A line holds the command
 * as it was given (no option is a secret), never rows or passwords.
 */
#ifndef CATALOG_AUDIT_H
#define CATALOG_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct audit;
struct err;
struct settings;
struct store;

#define AUDIT_LINE_MAX ((size_t)64 << 10)
#define AUDIT_OBJECT_MAX ((size_t)1 << 20)
#define AUDIT_WORDS_MAX 256	/* of a command; more are left out */
#define AUDIT_VERSION 1

struct audit_opts {
	struct store *store;		/* or NULL; borrowed */
	const char *file;		/* appended to, or NULL */
	const char *program;		/* "restore" */
	const char *verb;		/* "run" */
	const char *const *command;	/* the words after the program */
	size_t nwords;
	const char *source, *backup, *target;	/* or NULL */
	const char *by;			/* for whom: "schedule", or NULL */
};

/* What *opts has is copied, but for the store.  NULL: out of memory. */
struct audit *audit_new(const struct audit_opts *opts, struct err *e);

/* The same of a program: its command line; the store that *s names, opened for
 * the first line alone, with requests of 10 s at most that no cancel ends; the
 * file that [daemon] names; for whom by KURA_AUDIT_BY, which the daemon sets,
 * or sudo's SUDO_USER.  NULL, with a warning in the log, when out of memory. */
struct audit *audit_of(const struct settings *s, const char *program,
    int argc, char **argv, const char *source);

/* Name the backup, or the target, once it is known. */
void audit_backup(struct audit *a, const char *id);
void audit_target(struct audit *a, const char *target);

/* From here on the action does something; audit_begun also writes that, for
 * what may take long or die.  audit_ended writes how it ended, which *how
 * says: done, failed, refused, damage, nothing, busy or stopped.  a may be
 * NULL. */
void audit_acts(struct audit *a);
/* As audit_acts, but of a daemon's job alone: of a dump by hand its head is the
 * record. */
void audit_acts_as_job(struct audit *a);
void audit_begun(struct audit *a);
void audit_ended(struct audit *a, const struct err *how);

void audit_free(struct audit *a);

/* --- reading --- */

/* Parse one line, which must be an entry with its members as kura-store(7)
 * says; owned.  NULL: ERR_CORRUPT, or ERR_USAGE for a newer version. */
json_t *audit_parse(const char *line, size_t n, struct err *e);

/* Call each(arg, entry) for every entry in the store of these days (from and
 * to inclusive, whole UTC days are read; entry times are compared too),
 * oldest first within a day.  bad(arg, object, why): an object, or a line of
 * it, that is no entry; the others are told all the same. */
struct audit_reading {
	int64_t from_us, to_us;		/* to_us INT64_MAX: no end */
	int (*each)(void *arg, const json_t *entry, struct err *e);
	void (*bad)(void *arg, const char *object, const char *why);
	void *arg;
};
int audit_read(struct store *s, const struct audit_reading *r,
    struct err *e);

#endif /* !CATALOG_AUDIT_H */
