/* SPDX-License-Identifier: Apache-2.0 */
/* check_impl: what the files of the check share; nobody else's. */
#ifndef BACKUPD_CHECK_IMPL_H
#define BACKUPD_CHECK_IMPL_H

#include <stdbool.h>

#include "backupd/finding.h"
#include "base/settings.h"

/* check_file.c: a source's settings, in their clone; its jobs that are wanted
 * (dump always is). */
unsigned check_source_jobs(const struct settings *c);

/* Sections of other kinds (check_section.c). */
void check_daemon(const struct settings *s, struct findings *f);
void check_stores(const struct settings *s, struct findings *f);
void check_notifiers(const struct settings *s, struct findings *f);

/* Where the setting of a clone comes from, or its section. */
#define CHECK_WHERE 300
const char *check_where(const struct settings *c, const char *key,
    const char *section, char text[CHECK_WHERE]);

/* A secret's file of this setting can be read, and by nobody else; true: it
 * is so, or there is none. */
bool check_secret(const struct settings *c, const char *key,
    struct findings *f, const struct finding *at);

/* A file that is named must be there. */
void check_there(const struct settings *c, const char *key,
    struct findings *f, const struct finding *at);

#endif /* !BACKUPD_CHECK_IMPL_H */
