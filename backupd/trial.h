/* SPDX-License-Identifier: Apache-2.0 */
/* trial: sends each notifier a test, and says what came back. */
#ifndef BACKUPD_TRIAL_H
#define BACKUPD_TRIAL_H

#include <stdbool.h>
#include <stdio.h>

struct err;
struct settings;

/* `backupd notify --test [NAME]`, with the settings of [daemon]; name NULL: all.  One attempt each, none of
 * it is kept.  -1 when one of them failed, each of which is printed, too. */
int trial_run(const struct settings *s, const char *name, bool json,
    FILE *out, struct err *e);

#endif /* !BACKUPD_TRIAL_H */
