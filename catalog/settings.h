/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings of all three programs: config, store and connection, as tables for
 * base/settings.h, and how they become options of the libraries.
 */
#ifndef CATALOG_SETTINGS_H
#define CATALOG_SETTINGS_H

#include "base/settings.h"
#include "mysql/connect.h"
#include "mysql/optfile.h"
#include "store/store.h"

struct cancel;
struct err;

/* --config --store --s3-* --store-retry --max-memory --rate --log-format
 * --log-level --json, and --host --port --socket --user --defaults-file
 * --password-file --ssl-*. */
extern const struct setting settings_common[];
extern const struct setting settings_connection[];

/* Keys of kura.conf alike in all programs: [daemon], [notify NAME], and of a
 * source what dumps and the archive, the schedule, retention and drills need.
 * A program that uses none of a table names it among its elsewhere. */
extern const struct setting settings_daemon[];
extern const struct setting settings_notify[];
extern const struct setting settings_dump[];
extern const struct setting settings_schedule[];
extern const struct setting settings_retention[];
extern const struct setting settings_drill[];

/* Apply --log-format, --log-level, --progress-fd. */
int settings_log(const struct settings *s, const char *program,
    struct err *e);

/* The first line of a secret's file (password-file, token-file, secret-file):
 * "credential:NAME" is the file NAME of what systemd hands over.  ERR_USAGE
 * when it is not there, or others may read it.  The caller wipes *out and
 * frees it. */
int settings_secret(const char *path, char **out, struct err *e);

/* Open the store that --store, KURA_STORE or the file names (a URL or the
 * name of a [store NAME]); writable: kura.json is created when there is
 * none; else it must exist (ERR_NOTFOUND: "no Kura store there").  A newer
 * format is refused.  With KURA_SAME_STORE=ID, which the daemon sets for its
 * jobs, none is created, and one of another id is refused. */
#define SETTINGS_SAME_STORE "KURA_SAME_STORE"
struct store *settings_open_store(struct settings *s, bool writable,
    struct cancel *cancel, struct err *e);

/* Open the same store again, to write a small thing that must not keep anybody
 * waiting: 10 s for a request, which nothing cancels.  Looks at no format. */
struct store *settings_open_briefly(struct settings *s, struct err *e);

/* What that store is opened by, checked; its strings are borrowed from s, and
 * state is room for its state_dir. */
#define SETTINGS_STATE 4096
int settings_store_opts(struct settings *s, struct store_opts *opts,
    char state[SETTINGS_STATE], struct err *e);

/* The id that the store got when it was made. */
#define STORE_ID_LEN 32
int settings_store_id(struct store *store, char id[STORE_ID_LEN + 1],
    struct err *e);

/* A host is a name or an address, without a port: ERR_USAGE, with a hint what
 * else was meant. */
int settings_host_check(const char *host, struct err *e);

/* Connection options from flags, environment, [source], then option files
 * (--defaults-file, else ~/.my.cnf and /etc/mysql/my.cnf when they exist).
 * *files owns the strings: optfile_free after use. */
int settings_connect(const struct settings *s, const char *program,
    struct conn_opts *opts, struct optfile *files, struct err *e);

/* The same of the server that drills restore into: from drill-* alone, and from
 * the option file that they name.  ERR_USAGE: none is named, it has the
 * source's own address, or --host was given for it.  After settings_use_source.
 */
int settings_connect_drill(const struct settings *s, const char *program,
    struct conn_opts *opts, struct optfile *files, struct err *e);

#endif /* !CATALOG_SETTINGS_H */
