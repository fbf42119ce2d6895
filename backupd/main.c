/* SPDX-License-Identifier: Apache-2.0 */
/* backupd: the program that makes backups. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archive.h"
#include "backupd/check.h"
#include "backupd/client.h"
#include "backupd/config.h"
#include "backupd/endpoint.h"
#include "backupd/next.h"
#include "backupd/run.h"
#include "backupd/serve.h"
#include "backupd/settings.h"
#include "backupd/trial.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/signals.h"
#include "catalog/audit.h"
#include "catalog/backups.h"
#include "catalog/feed.h"
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
run(struct settings *s, int argc, char **argv, struct cancel *cancel,
    struct err *e)
{
	const char *source = settings_arg(s, 0);
	struct run_opts opts = { .source = source, .cancel = cancel };
	struct conn_opts conn = {0};
	struct endpoint endpoint;
	struct optfile files = {0};
	struct store *store = NULL;
	struct audit *audit;
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
	if (endpoint_choose(s, &conn, &endpoint, e) != 0)
		goto out;
	store = settings_open_store(s, true, cancel, e);
	if (store == NULL)
		goto out;
	audit = audit_of(s, "backupd", argc, argv, source);
	audit_acts_as_job(audit);
	rc = run_backup(store, &opts, &head, e);
	if (rc >= 0)
		report(s, &head);
	audit_backup(audit, rc == 0 ? head.id : NULL);
	audit_ended(audit, e);
	audit_free(audit);
out:	head_free(&head);
	store_close(store);
	optfile_free(&files);
	run_opts_free(&opts);
	return rc < 0 ? -1 : 0;
}

/* A source's own settings: those of the command line, and of its section. */
struct one_source {
	struct settings *settings;
	struct conn_opts conn;
	struct optfile files;
};

static int
one_source(struct one_source *x, const char *name, const struct settings *s,
    struct cancel *cancel, struct follow_opts *o, struct err *e)
{
	if (!source_name_valid(name))
		return err_set(e, ERR_USAGE, 0, "source name '%s' is not "
		    "[a-z0-9][a-z0-9._-]{0,62} without '..'", name);
	x->settings = settings_clone(s, e);
	if (x->settings == NULL ||
	    settings_use_source(x->settings, name, e) != 0 ||
	    settings_connect(x->settings, "backupd", &x->conn, &x->files,
	    e) != 0)
		return -1;
	x->conn.cancel = cancel;
	*o = (struct follow_opts){ .source = name, .conn = &x->conn };
	return follow_opts_from(x->settings, o, e);
}

/* Settings as a text, "" when unset. */
static const char *
text(const struct settings *s, const char *name)
{
	return settings_str(s, name) != NULL ? settings_str(s, name) : "";
}

static void
log_requests(const struct store *s)
{
	struct store_counters c;
	char n[STORE_KINDS][24];
	size_t i;

	store_counters(s, &c);
	for (i = 0; i < STORE_KINDS; i++)
		(void)snprintf(n[i], sizeof(n[i]), "%llu",
		    (unsigned long long)c.kinds[i]);
	log_event(LOG_INFO_, "the archive ends", "get", n[STORE_GET], "put",
	    n[STORE_PUT], "list", n[STORE_LIST], "delete", n[STORE_DELETE],
	    "other", n[STORE_OTHER], NULL);
}

static int
archive_into(struct settings *s, const struct one_source *all,
    const struct follow_opts *sources, size_t n, struct cancel *cancel,
    struct err *e)
{
	struct archive_opts o = {
	    .memory = (size_t)settings_size(s, "archive-memory"),
	    .stop_at_end = settings_flag(s, "stop-at-end"),
	    .cancel = cancel };
	struct archive *a = NULL;
	char id[STORE_ID_LEN + 1];
	size_t i;
	int rc = -1;

	if (o.memory < (size_t)16 << 20 || o.memory > (size_t)64 << 30)
		return err_set(e, ERR_USAGE, 0, "--archive-memory: not 16MiB "
		    "to 64GiB");
	for (i = 1; i < n; i++)
		if (strcmp(text(all[0].settings, "store"),
		    text(all[i].settings, "store")) != 0)
			return err_set(e, ERR_USAGE, 0, "sources %s and %s "
			    "have different stores: archive them apart",
			    sources[0].source, sources[i].source);
	o.store_cancel = cancel_new(e);
	if (o.store_cancel == NULL)
		return -1;
	o.store = settings_open_store(all[0].settings, true, o.store_cancel,
	    e);
	if (o.store != NULL && settings_store_id(o.store, id, e) == 0) {
		o.store_id = id;
		a = archive_new(&o, e);
		rc = a == NULL ? -1 : 0;
		for (i = 0; i < n && rc == 0; i++)
			rc = archive_add(a, &sources[i], e) == NULL ? -1 : 0;
		if (rc == 0)
			rc = archive_run(a, e);
		archive_close(a);
		log_requests(o.store);
	}
	store_close(o.store);
	cancel_free(o.store_cancel);
	return rc;
}

static int
archive(struct settings *s, struct cancel *cancel, struct err *e)
{
	size_t n = settings_args(s), i;
	struct one_source *all = calloc(n, sizeof(*all));
	struct follow_opts *sources = calloc(n, sizeof(*sources));
	int rc = all == NULL || sources == NULL ?
	    err_set(e, ERR_NOMEM, 0, "sources") : 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = one_source(&all[i], settings_arg(s, i), s, cancel,
		    &sources[i], e);
	if (rc == 0)
		rc = archive_into(s, all, sources, n, cancel, e);
	for (i = 0; all != NULL && i < n; i++) {
		optfile_free(&all[i].files);
		settings_free(all[i].settings);
	}
	free(all);
	free(sources);
	return rc;
}

struct command_line {
	int argc;
	char **argv;
};

static struct settings *
load(void *arg, struct err *e)
{
	const struct command_line *line = arg;
	struct settings *s = settings_new(&backupd_program, e);

	if (s != NULL && settings_parse(s, line->argc, line->argv, e) == 0 &&
	    check_approve(s, e) == 0)
		return s;
	settings_free(s);
	return NULL;
}

static int
notify(struct settings *s, struct err *e)
{
	bool json = settings_flag(s, "json");

	if (settings_flag(s, "test"))
		return settings_use_daemon(s, e) != 0 ? -1 : trial_run(s,
		    settings_arg(s, 0), json, stdout, e);
	(void)err_set(e, ERR_USAGE, 0, "notify: nothing to do");
	return err_hint(e, "try the notifiers with --test");
}

static int
serve(const struct settings *s, int argc, char **argv, struct err *e)
{
	struct command_line line = { argc, argv };
	const struct serve_opts opts = { .load = load, .arg = &line };

	if (settings_config(s) == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "serve: there is no "
		    "configuration");
		return err_hint(e, "write /etc/kura/kura.conf, or name a "
		    "file: --config=FILE");
	}
	return serve_run(&opts, e);
}

static int
act(struct settings *s, int argc, char **argv, struct cancel *cancel,
    struct err *e)
{
	const char *verb = settings_verb(s);

	if (strcmp(verb, "grants") == 0)
		return grants_print(settings_str(s, "for"), stdout, e);
	if (strcmp(verb, "check") == 0)
		return check_run(s, cancel, stdout, e);
	if (strcmp(verb, "config") == 0)
		return config_print(s, settings_arg(s, 0), stdout, e);
	if (strcmp(verb, "next") == 0)
		return next_verb(s, stdout, e);
	if (strcmp(verb, "notify") == 0)
		return notify(s, e);
	if (strcmp(verb, "serve") == 0)
		return serve(s, argc, argv, e);
	if (client_knows(verb))
		return settings_use_daemon(s, e) != 0 ? -1 :
		    client_run(s, cancel, stdout, e);
	if (strcmp(verb, "archive") == 0)
		return archive(s, cancel, e);
	return run(s, argc, argv, cancel, e);
}

static int
parse(struct settings *s, int argc, char **argv, struct err *e)
{
	if (settings_parse(s, argc, argv, e) == 0)
		return 0;
	/* Whoever asks for a check is told all mistakes, not the first. */
	if (e->code == ERR_USAGE && strcmp(settings_verb(s), "check") == 0)
		check_mistakes(s, stdout, e);
	return -1;
}

int
main(int argc, char **argv)
{
	struct settings *s;
	struct cancel *cancel = NULL;
	struct signals *signals = NULL;
	struct err e = {0};

	s = settings_new(&backupd_program, &e);
	if (s != NULL && parse(s, argc, argv, &e) == 0 &&
	    !settings_done(s) && settings_log(s, "backupd", &e) == 0 &&
	    (cancel = cancel_new(&e)) != NULL &&
	    /* serve takes signals in its own loop. */
	    (strcmp(settings_verb(s), "serve") == 0 ||
	    (signals = signals_start(cancel, &e)) != NULL) &&
	    conn_library_init(&e) == 0)
		(void)act(s, argc, argv, cancel, &e);
	if (e.code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout)))
		(void)err_set(&e, ERR_IO, 0, "standard output: cannot write");
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "backupd: %s%s%s\n", e.msg,
		    e.hint[0] != '\0' ? "; " : "", e.hint);
	feed_close();
	signals_stop(signals);
	cancel_free(cancel);
	settings_free(s);
	return err_exit_status(e.code);
}
