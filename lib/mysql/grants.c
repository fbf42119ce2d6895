/* SPDX-License-Identifier: Apache-2.0 */
/* grants: the account that backups need, as SQL. */
#include <string.h>

#include "base/err.h"

#include "mysql/grants.h"

static const char mysql[] =
    "-- every row and definition, the snapshot's locks, coordinates\n"
    "CREATE USER 'kura'@'%' IDENTIFIED BY 'choose a password';\n"
    "GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, RELOAD, PROCESS, "
    "REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'kura'@'%';\n"
    "GRANT BACKUP_ADMIN, XA_RECOVER_ADMIN, SHOW_ROUTINE ON *.* TO "
    "'kura'@'%';\n";
static const char mariadb[] =
    "-- every row and definition, the snapshot's locks, coordinates; BINLOG "
    "ADMIN lets\n-- metadata locks go after each table\n"
    "CREATE USER 'kura'@'%' IDENTIFIED BY 'choose a password';\n"
    "GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, RELOAD, PROCESS, "
    "BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE, BINLOG ADMIN ON *.* "
    "TO 'kura'@'%';\n";
static const char rds[] =
    "-- what the master user of RDS and Aurora may hand on; snapshots are "
    "proven without\n-- FLUSH TABLES WITH READ LOCK\n"
    "CREATE USER 'kura'@'%' IDENTIFIED BY 'choose a password';\n"
    "GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, PROCESS, "
    "REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'kura'@'%';\n"
    "GRANT SHOW_ROUTINE ON *.* TO 'kura'@'%';\n";

int
grants_print(const char *kind, FILE *out, struct err *e)
{
	const char *text = strcmp(kind, "mysql") == 0 ? mysql :
	    strcmp(kind, "mariadb") == 0 ? mariadb :
	    strcmp(kind, "rds") == 0 || strcmp(kind, "aurora") == 0 ? rds :
	    NULL;

	if (text == NULL)
		return err_set(e, ERR_USAGE, 0, "--for: '%.40s' is no kind of "
		    "server", kind);
	(void)fputs(text, out);
	return 0;
}
