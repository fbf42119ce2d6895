/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purged: the backup's GTIDs, on a target where procedures alone may set them
 * (restore/procedures.h).  Nothing is reset there: what the target has of its
 * own stays beside.
 */
#ifndef RESTORE_PURGED_H
#define RESTORE_PURGED_H

struct err;
struct target;

/* Can the target be given these (text), and has it no others but its own?
 * Those it would pass over in silence.  ERR_USAGE says why not. */
int purged_may(const struct target *t, const char *gtids, struct err *e);

/* Give it what it lacks of them. */
int purged_set(const struct target *t, const char *gtids, struct err *e);

#endif /* !RESTORE_PURGED_H */
