/* SPDX-License-Identifier: Apache-2.0 */
/* password: until when the password of a connection's account is good. */
#ifndef MYSQL_PASSWORD_H
#define MYSQL_PASSWORD_H

#include <stdint.h>

struct conn;
struct err;
struct flavour;

/* *us: its end; 0: it has none, or the account may not see it.  -1 with *e
 * set when the server cannot be asked. */
int password_until(struct conn *c, const struct flavour *f, int64_t *us,
    struct err *e);

#endif /* !MYSQL_PASSWORD_H */
