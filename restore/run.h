/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a restore, step by step: look, plan, tables, rows, the rest, accounts,
 * GTID state, check, events.
 */
#ifndef RESTORE_RUN_H
#define RESTORE_RUN_H

#include <stdbool.h>
#include <stdio.h>

struct cancel;
struct conn_opts;
struct err;
struct store;

enum restore_accounts { ACCOUNTS_AUTO, ACCOUNTS_NONE, ACCOUNTS_MISSING,
	ACCOUNTS_ALL };
enum restore_switch { SWITCH_AUTO, SWITCH_ON, SWITCH_OFF };

struct restore_opts {
	const char *source, *backup;	/* backup "latest" or an id */
	const struct conn_opts *conn;
	const char *const *schemas;	/* --schema */
	size_t nschemas;
	const char *const *tables;	/* --table */
	size_t ntables;
	enum restore_accounts accounts;
	enum restore_switch gtid;	/* set, none */
	enum restore_switch binlog;
	unsigned workers;
	bool overwrite, keep_names, check, restart, yes, json;
	bool plan_only;
	struct cancel *cancel;
};

/* Print the plan on out; without plan_only and with consent, do it. */
int restore_run(struct store *s, const struct restore_opts *opts, FILE *out,
    struct err *e);

#endif /* !RESTORE_RUN_H */
