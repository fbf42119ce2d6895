/* SPDX-License-Identifier: Apache-2.0 */
/* grants: the account that backups need, as SQL. */
#ifndef MYSQL_GRANTS_H
#define MYSQL_GRANTS_H

#include <stdio.h>

struct err;

/* Print CREATE USER and the least GRANTs for "mysql", "mariadb", "rds" or
 * "aurora", one statement a line. */
int grants_print(const char *kind, FILE *out, struct err *e);

#endif /* !MYSQL_GRANTS_H */
