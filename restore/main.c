/* SPDX-License-Identifier: Apache-2.0 */
/* restore: the program that brings backups back. */
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/signals.h"
#include "catalog/audit.h"
#include "catalog/feed.h"
#include "catalog/head.h"
#include "catalog/settings.h"
#include "mysql/connect.h"
#include "restore/drill.h"
#include "restore/extract.h"
#include "restore/run.h"
#include "restore/settings.h"
#include "restore/undo.h"

/* Where it writes, for the audit log. */
static void
name_target(struct audit *a, const struct conn_opts *c)
{
	char text[300];

	if (conn_is_local(c))
		(void)snprintf(text, sizeof(text), "%.290s",
		    c->socket != NULL ? c->socket : "localhost");
	else
		(void)snprintf(text, sizeof(text), "%.280s:%u", c->host,
		    c->port != 0 ? c->port : 3306);
	audit_target(a, text);
}

/* The one verb to which the source's section names the target, by keys of its
 * own. */
static int
drill(struct settings *s, int argc, char **argv, struct cancel *cancel,
    struct err *e)
{
	const char *source = settings_arg(s, 0);
	struct drill_opts opts = { .restore = { .source = source,
	    .cancel = cancel } };
	struct conn_opts conn = {0};
	struct optfile files = {0};
	struct store *store = NULL;
	struct audit *audit = NULL;
	int rc = -1;

	if (settings_use_source(s, source, e) != 0 ||
	    drill_opts_from(s, &opts, e) != 0 ||
	    settings_connect_drill(s, "restore", &conn, &files, e) != 0)
		goto out;
	conn.cancel = cancel;
	opts.restore.conn = &conn;
	store = settings_open_store(s, false, cancel, e);
	if (store == NULL)
		goto out;
	audit = audit_of(s, "restore", argc, argv, source);
	name_target(audit, &conn);
	audit_acts_as_job(audit);
	opts.restore.audit = audit;
	rc = drill_run(store, &opts, stdout, e);
out:	audit_ended(audit, e);
	audit_free(audit);
	store_close(store);
	optfile_free(&files);
	drill_opts_free(&opts);
	return rc;
}

static int
act(struct settings *s, int argc, char **argv, struct cancel *cancel,
    struct err *e)
{
	struct restore_opts opts = { .source = settings_arg(s, 0),
	    .cancel = cancel };
	bool extract = strcmp(settings_verb(s), "extract") == 0;
	bool undo = strcmp(settings_verb(s), "undo") == 0;
	struct undo_opts undo_opts = { .source = settings_arg(s, 0),
	    .cancel = cancel };
	struct conn_opts conn = {0};
	struct optfile files = {0};
	struct store *store = NULL;
	struct audit *audit = NULL;
	int rc = -1;

	if (!source_name_valid(opts.source)) {
		(void)err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", opts.source);
		return -1;
	}
	if (strcmp(settings_verb(s), "drill") == 0)
		return drill(s, argc, argv, cancel, e);
	if ((undo ? undo_opts_from(s, &undo_opts, e) :
	    restore_opts_from(s, &opts, e)) != 0)
		goto out;
	if (extract && settings_str(s, "into") == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "extract needs --into=DIR");
		goto out;
	}
	/* The source's section names its store; the target is never taken
	 * from there: that would be the source itself. */
	if (settings_connect(s, "restore", &conn, &files, e) != 0 ||
	    settings_use_source_store(s, opts.source, e) != 0)
		goto out;
	conn.cancel = cancel;
	opts.conn = undo_opts.conn = &conn;
	store = settings_open_store(s, false, cancel, e);
	if (store == NULL)
		goto out;
	audit = audit_of(s, "restore", argc, argv, opts.source);
	name_target(audit, &conn);
	opts.audit = undo_opts.audit = audit;
	rc = undo ? undo_run(store, &undo_opts, stdout, e) :
	    extract ? extract_run(store, &opts, settings_str(s, "into"), e) :
	    restore_run(store, &opts, stdout, e);
out:	audit_ended(audit, e);
	audit_free(audit);
	store_close(store);
	optfile_free(&files);
	restore_opts_free(&opts);
	undo_opts_free(&undo_opts);
	return rc;
}

int
main(int argc, char **argv)
{
	struct settings *s;
	struct cancel *cancel = NULL;
	struct signals *signals = NULL;
	struct err e = {0};

	s = settings_new(&restore_program, &e);
	if (s != NULL && settings_parse(s, argc, argv, &e) == 0 &&
	    !settings_done(s) && settings_log(s, "restore", &e) == 0 &&
	    (cancel = cancel_new(&e)) != NULL &&
	    (signals = signals_start(cancel, &e)) != NULL &&
	    conn_library_init(&e) == 0)
		(void)act(s, argc, argv, cancel, &e);
	if (e.code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout)))
		(void)err_set(&e, ERR_IO, 0, "standard output: cannot write");
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "restore: %s%s%s\n", e.msg,
		    e.hint[0] != '\0' ? "; " : "", e.hint);
	feed_close();
	signals_stop(signals);
	cancel_free(cancel);
	settings_free(s);
	return err_exit_status(e.code);
}
