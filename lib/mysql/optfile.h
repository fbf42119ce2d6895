/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optfile: MySQL option files (my.cnf), the [client] and [kura] groups.
 *
 * Closed list of keys: host port socket user password ssl-mode ssl-ca
 * ssl-capath ssl-cert ssl-key (dashes and underscores alike).  Unknown keys of
 * [client], [client-mariadb] and [mysql] style groups are ignored; unknown keys
 * of [kura] are ERR_USAGE with file and line.  !include and !includedir are
 * followed (depth 10).  Group suffixes are not.
 * A file that is world-writable is refused.
 */
#ifndef MYSQL_OPTFILE_H
#define MYSQL_OPTFILE_H

struct err;

struct optfile {		/* owned strings, NULL when absent */
	char *host, *port, *socket, *user, *password;
	char *ssl_mode, *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key;
};

/* Read path into *o (later values win).  ERR_NOTFOUND if there is none. */
int optfile_read(const char *path, struct optfile *o, struct err *e);
/* The same for text (fuzzing); path is for messages. */
int optfile_parse(const char *text, const char *path, struct optfile *o,
    struct err *e);
/* Wipes the password. */
void optfile_free(struct optfile *o);

#endif /* !MYSQL_OPTFILE_H */
