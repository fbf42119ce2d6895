/* SPDX-License-Identifier: Apache-2.0 */
/* settings of backupd: its verbs and its own options. */
#ifndef BACKUPD_SETTINGS_H
#define BACKUPD_SETTINGS_H

#include "base/settings.h"

struct err;
struct follow_opts;
struct run_opts;

extern const struct settings_program backupd_program;

/* Fill what comes from options; strings are borrowed from s, the pattern
 * lists are owned: run_opts_free.  ERR_USAGE for contradictions. */
int run_opts_from(const struct settings *s, struct run_opts *opts,
    struct err *e);
void run_opts_free(struct run_opts *opts);

/* The same of a source that is archived, but for its name and connection;
 * strings are borrowed from s. */
int follow_opts_from(const struct settings *s, struct follow_opts *opts,
    struct err *e);

#endif /* !BACKUPD_SETTINGS_H */
