/* SPDX-License-Identifier: Apache-2.0 */
/* run: `restore plan` and `restore run`. */
#ifndef RESTORE_RUN_H
#define RESTORE_RUN_H

#include <stdio.h>

#include "restore/steps.h"

/* Print the plan on out; without plan_only and with consent, do it. */
int restore_run(struct store *s, const struct restore_opts *opts, FILE *out,
    struct err *e);

#endif /* !RESTORE_RUN_H */
