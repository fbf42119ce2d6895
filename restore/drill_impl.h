/* SPDX-License-Identifier: Apache-2.0 */
/* drill_impl: what the files of drill share. */
#ifndef RESTORE_DRILL_IMPL_H
#define RESTORE_DRILL_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "catalog/head.h"
#include "restore/assertion.h"
#include "restore/drill.h"
#include "restore/ground.h"

enum drill_phase { DRILL_PLAN, DRILL_LOAD, DRILL_CHECK, DRILL_REPLAY,
	DRILL_ASSERT, DRILL_PHASES };

struct drill {
	const struct drill_opts *o;
	struct store *store;
	struct restore_opts how;
	struct head head;
	struct ground ground;
	struct steps steps;
	struct assertion *asserts;	/* o->nasserts */
	size_t asked;
	int64_t began_us, recovered_us;
	char why_not[160];		/* no archive leads on from the backup */
	bool begun;			/* the target was written to */
	bool kept, ok;
	uint64_t ms[DRILL_PHASES];
};

/* Seconds from the first look to a server that can be used: the check and the
 * assertions prove it, but are no part of it. */
double drill_recover_s(const struct drill *d);

/* Note in the store what came of it; what cannot be written is a warning. */
void drill_tell(const struct drill *d, int status);

/* The facts as one object; failed: what went wrong, or NULL. */
json_t *drill_facts(const struct drill *d, const char *failed);

void drill_print(const struct drill *d, FILE *out);

#endif /* !RESTORE_DRILL_IMPL_H */
