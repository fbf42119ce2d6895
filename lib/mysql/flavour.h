/* SPDX-License-Identifier: Apache-2.0 */
/* flavour: what a server is and can, found by probing. */
#ifndef MYSQL_FLAVOUR_H
#define MYSQL_FLAVOUR_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct err;

enum flavour_kind { FLAVOUR_MYSQL, FLAVOUR_MARIADB };

struct flavour {
	enum flavour_kind kind;
	const char *name;	/* mysql, mariadb, percona, aurora, rds,
				 * galera, tidb: static */
	unsigned version;	/* 80036, 90704, 101106 */
	char version_text[96];	/* SELECT VERSION() */
	char uuid[40];		/* server_uuid, "" on MariaDB without one */
	uint64_t server_id;
	char host[256];		/* @@hostname */
	unsigned port;		/* @@port, 0: not known */
	unsigned lower_case_table_names;
	bool log_bin;
	bool gtid;		/* gtid_mode=ON, or MariaDB with log_bin */
	bool is_rds, is_aurora, is_galera;
	bool has_gipk_setting;	/* show_gipk_in_create_table_and_... */
	uint64_t max_allowed_packet;
};

/* Fill *f; needs no right beyond a login.  TiDB and servers older than MySQL
 * 5.7 or MariaDB 10.4 are refused (ERR_USAGE). */
int flavour_probe(struct conn *c, struct flavour *f, struct err *e);

/* Session settings of facts/mysql.md, section 2, for a dump's connection
 * (rows: SET NAMES binary) or a restore's; unknown variables of a version are
 * left out by version, never by ignoring errors. */
int flavour_dump_session(struct conn *c, const struct flavour *f,
    uint64_t idle_s, struct err *e);
int flavour_restore_session(struct conn *c, const struct flavour *f,
    uint64_t idle_s, bool binlog_off, struct err *e);

#endif /* !MYSQL_FLAVOUR_H */
