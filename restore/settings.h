/* SPDX-License-Identifier: Apache-2.0 */
/* settings of restore: its verbs and its own options. */
#ifndef RESTORE_SETTINGS_H
#define RESTORE_SETTINGS_H

#include "base/settings.h"

struct drill_opts;
struct err;
struct restore_opts;
struct undo_opts;

extern const struct settings_program restore_program;

/* Fill what comes from options; lists are owned: restore_opts_free. */
int restore_opts_from(const struct settings *s, struct restore_opts *opts,
    struct err *e);
void restore_opts_free(struct restore_opts *opts);
/* The same for drill, after settings_use_source; for undo. */
int drill_opts_from(const struct settings *s, struct drill_opts *opts,
    struct err *e);
void drill_opts_free(struct drill_opts *opts);
int undo_opts_from(const struct settings *s, struct undo_opts *opts,
    struct err *e);
void undo_opts_free(struct undo_opts *opts);

#endif /* !RESTORE_SETTINGS_H */
