/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts: users, roles and their grants on the target.
 */
#ifndef RESTORE_ACCOUNTS_H
#define RESTORE_ACCOUNTS_H

#include <stdbool.h>

struct create_opts;
struct err;

/* Make the accounts and roles of the plan that the target lacks, then grant.
 * An account that is there keeps its password; missing_only: its grants as
 * well.  Blocks.  ERR_CORRUPT for what is no definition of an account. */
int accounts_create(const struct create_opts *o, bool missing_only,
    struct err *e);

#endif /* !RESTORE_ACCOUNTS_H */
