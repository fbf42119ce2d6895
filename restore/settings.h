/* SPDX-License-Identifier: Apache-2.0 */
/* settings of restore: its verbs and its own options. */
#ifndef RESTORE_SETTINGS_H
#define RESTORE_SETTINGS_H

#include "base/settings.h"

struct err;
struct restore_opts;

extern const struct settings_program restore_program;

/* Fill what comes from options; lists are owned: restore_opts_free. */
int restore_opts_from(const struct settings *s, struct restore_opts *opts,
    struct err *e);
void restore_opts_free(struct restore_opts *opts);

#endif /* !RESTORE_SETTINGS_H */
