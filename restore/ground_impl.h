/* SPDX-License-Identifier: Apache-2.0 */
/* ground_impl: what the files of ground share. */
#ifndef RESTORE_GROUND_IMPL_H
#define RESTORE_GROUND_IMPL_H

#include "restore/ground.h"

struct conn;

/* Each schema but the servers' own and kura_restore. */
int ground_schemas(struct conn *c, int (*each)(void *arg, const char *name,
    struct err *e), void *arg, struct err *e);

/* Each account; a role of MariaDB has no host. */
int ground_accounts(struct ground *g, int (*each)(void *arg, const char *user,
    const char *host, bool role, struct err *e), void *arg, struct err *e);

/* Does the target hold nothing but what the note tells of?  ERR_EXISTS. */
int ground_is_bare(const struct ground *g, struct err *e);

/* Of all accounts, what they are and may do. */
int ground_digest(const struct ground *g, char hex[SHA256_HEX],
    struct err *e);

#endif /* !RESTORE_GROUND_IMPL_H */
