/* SPDX-License-Identifier: Apache-2.0 */
/* run_plan: what a restore would do, as text and JSON. */
#ifndef RESTORE_RUN_PLAN_H
#define RESTORE_RUN_PLAN_H

#include <stdio.h>

#include "restore/steps.h"

/* After steps_look. */
void run_plan_print(const struct steps *s, FILE *out);

/* One document; state: "planned", or "done" with what was done. */
void run_plan_json(const struct steps *s, FILE *out, const char *state);

#endif /* !RESTORE_RUN_PLAN_H */
