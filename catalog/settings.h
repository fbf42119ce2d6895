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

/* Apply --log-format, --log-level. */
int settings_log(const struct settings *s, const char *program,
    struct err *e);

/* Open the store that --store, KURA_STORE or the file names (a URL or the
 * name of a [store NAME]); writable: kura.json is created when there is
 * none; else it must exist (ERR_NOTFOUND: "no Kura store there").  A newer
 * format is refused. */
struct store *settings_open_store(struct settings *s, bool writable,
    struct cancel *cancel, struct err *e);

/* Connection options from flags, environment, [source], then option files
 * (--defaults-file, else ~/.my.cnf and /etc/mysql/my.cnf when they exist).
 * *files owns the strings: optfile_free after use. */
int settings_connect(const struct settings *s, const char *program,
    struct conn_opts *opts, struct optfile *files, struct err *e);

#endif /* !CATALOG_SETTINGS_H */
