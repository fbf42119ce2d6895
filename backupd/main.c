/* SPDX-License-Identifier: Apache-2.0 */
/* backupd: the program that makes backups. */
#include <stdio.h>
#include <string.h>

#include "backupd/run.h"
#include "backupd/settings.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/signals.h"
#include "catalog/backups.h"
#include "catalog/settings.h"
#include "mysql/connect.h"
#include "mysql/grants.h"

/* Facts on stdout: where the backup is and how much it holds. */
static void
report(const struct settings *s, const struct head *h)
{
	double seconds = (double)(h->finished_us - h->started_us) / 1e6;

	if (settings_flag(s, "json")) {
		json_t *doc = json_pack("{s:i, s:s, s:s, s:O, s:O, s:O, s:f}",
		    "version", 1, "source", h->source, "id", h->id,
		    "snapshot", h->snapshot, "coordinates", h->coordinates,
		    "totals", h->totals, "seconds", seconds);

		(void)json_dumpf(doc, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		json_decref(doc);
		return;
	}
	(void)printf("%s/%s: %llu tables, %llu rows, %llu bytes, %llu stored, "
	    "%.1f s%s\n", h->source, h->id,
	    (unsigned long long)head_count(h->totals, "tables"),
	    (unsigned long long)head_count(h->totals, "rows"),
	    (unsigned long long)head_count(h->totals, "raw"),
	    (unsigned long long)head_count(h->totals, "stored"), seconds,
	    head_bool(h->snapshot, "proven") ? "" : ", UNPROVEN");
}

static int
run(struct settings *s, struct cancel *cancel, struct err *e)
{
	const char *source = settings_arg(s, 0);
	struct run_opts opts = { .source = source, .cancel = cancel };
	struct conn_opts conn = {0};
	struct optfile files = {0};
	struct store *store = NULL;
	struct head head = {0};
	int rc = -1;

	if (!source_name_valid(source)) {
		(void)err_set(e, ERR_USAGE, 0, "source name '%s' is not "
		    "[a-z0-9][a-z0-9._-]{0,62} without '..'", source);
		return -1;
	}
	if (settings_use_source(s, source, e) != 0 ||
	    run_opts_from(s, &opts, e) != 0 ||
	    settings_connect(s, "backupd", &conn, &files, e) != 0)
		goto out;
	conn.cancel = cancel;
	opts.conn = &conn;
	store = settings_open_store(s, true, cancel, e);
	if (store == NULL)
		goto out;
	rc = run_backup(store, &opts, &head, e);
	if (rc == 0)
		report(s, &head);
out:	head_free(&head);
	store_close(store);
	optfile_free(&files);
	run_opts_free(&opts);
	return rc;
}

static int
act(struct settings *s, struct cancel *cancel, struct err *e)
{
	const char *verb = settings_verb(s), *store;

	if (strcmp(verb, "grants") == 0)
		return grants_print(settings_str(s, "for"), stdout, e);
	if (strcmp(verb, "config") == 0) {
		if (settings_arg(s, 0) != NULL &&
		    settings_use_source(s, settings_arg(s, 0), e) != 0)
			return -1;
		store = settings_str(s, "store") != NULL ?
		    settings_str(s, "store") : settings_only_store(s);
		if (store != NULL && settings_has_store(s, store) &&
		    settings_use_store(s, store, e) != 0)
			return -1;
		settings_print_effective(s, stdout);
		return 0;
	}
	return run(s, cancel, e);
}

int
main(int argc, char **argv)
{
	struct settings *s;
	struct cancel *cancel = NULL;
	struct signals *signals = NULL;
	struct err e = {0};

	s = settings_new(&backupd_program, &e);
	if (s != NULL && settings_parse(s, argc, argv, &e) == 0 &&
	    !settings_done(s) && settings_log(s, "backupd", &e) == 0 &&
	    (cancel = cancel_new(&e)) != NULL &&
	    (signals = signals_start(cancel, &e)) != NULL &&
	    conn_library_init(&e) == 0)
		(void)act(s, cancel, &e);
	if (e.code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout)))
		(void)err_set(&e, ERR_IO, 0, "standard output: cannot write");
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "backupd: %s%s%s\n", e.msg,
		    e.hint[0] != '\0' ? "; " : "", e.hint);
	signals_stop(signals);
	cancel_free(cancel);
	settings_free(s);
	return err_exit_status(e.code);
}
