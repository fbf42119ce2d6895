/* SPDX-License-Identifier: Apache-2.0 */
/* catalog: the program that lists, shows and verifies what a store holds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/signals.h"
#include "catalog/backups.h"
#include "catalog/leftovers.h"
#include "catalog/settings.h"
#include "catalog/show.h"
#include "catalog/verify.h"
#include "store/store.h"

static const struct settings_verb verbs[] = {
	{ "list", "[SOURCE]", 0, 1, "list backups" },
	{ "show", "SOURCE/ID", 1, 1, "show one backup; the ID may be "
	    "latest" },
	{ "verify", "[SOURCE[/ID]]", 0, 1, "check that backups are whole" },
	{ "cat", "SOURCE/ID OBJECT", 2, 2, "write one object, decoded, to "
	    "standard output: ddl:SCHEMA.TABLE, rows:SCHEMA.TABLE, or the key "
	    "of a chunk" },
	{ "leftovers", "[SOURCE]", 0, 1, "show objects of no backup" },
	{ 0 },
};

static const struct setting own[] = {
	{ "tables", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " show ",
	    "list the tables as well" },
	{ "fast", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " verify ",
	    "check only that every object is there with its size" },
	{ "all", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " verify ",
	    "verify every backup of every source" },
	{ "workers", SETTING_UINT, SETTING_NO_ENV, NULL, "N", NULL,
	    " verify ", "threads, 1 to 64 (default: the cores of this "
	    "host)" },
	{ "delete", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " leftovers ", "remove what dead runs left" },
	{ 0 },
};

static const struct setting *const tables[] = {
	own, settings_common, NULL,
};

static const char *const elsewhere[] = { "include", "exclude", "workers",
	"level", "accounts", "allow-unproven", "lock-hold", "lock-wait",
	"snapshot-wait", "ddl-wait", "time-limit", "undo-soft", "undo-hard",
	"threads-soft", "threads-hard", "lag-soft", "lag-hard", "host",
	"port", "socket", "user", "password-file", "defaults-file",
	"ssl-mode", "ssl-ca", "ssl-capath", "ssl-cert", "ssl-key", NULL };

static const struct settings_program program = {
	.name = "catalog",
	.purpose = "lists, shows and verifies what a Kura store holds",
	.verbs = verbs,
	.tables = tables,
	.elsewhere = elsewhere,
};

struct act {
	const struct settings *s;
	struct store *store;
	struct cancel *cancel;
	json_t *list;		/* --json: what will be printed */
	uint64_t damaged, done;
};

/* --- list --- */

static int
list_source(struct act *a, const char *source, struct err *e)
{
	struct backup_ref *refs = NULL;
	struct head h;
	size_t n = 0, i;
	int rc;

	rc = backups_list(a->store, source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		struct err bad = {0};

		if (head_load(a->store, source, refs[i].id, &h, &bad) != 0) {
			/* Damage to one head hides no other backup. */
			if (bad.code != ERR_CORRUPT && bad.code != ERR_USAGE) {
				*e = bad;
				rc = -1;
				break;
			}
			a->damaged++;
			show_bad(source, refs[i].id, &bad, a->list);
			continue;
		}
		show_row(&h, a->done++ == 0, a->list);
		head_free(&h);
	}
	free(refs);
	return rc;
}

/* Call one for the named source, or for each. */
static int
for_sources(struct act *a, const char *name, int (*one)(struct act *,
    const char *, struct err *), struct err *e)
{
	char **names = NULL;
	size_t n = 0, i;
	int rc;

	if (name != NULL) {
		if (source_name_valid(name))
			return one(a, name, e);
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", name);
	}
	rc = sources_list(a->store, &names, &n, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = one(a, names[i], e);
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return rc;
}

static int
damaged(const struct act *a, struct err *e)
{
	if (a->damaged == 0)
		return 0;
	(void)err_set(e, ERR_CORRUPT, 0, "damage was found: %" PRIu64
	    " finding%s", a->damaged, a->damaged == 1 ? "" : "s");
	return err_hint(e, "keep older backups, and make a new one");
}

/* --- verify --- */

static void
finding(void *arg, const char *what, const char *why)
{
	struct act *a = arg;

	a->damaged++;
	if (a->list != NULL)
		(void)json_array_append_new(a->list, json_pack(
		    "{s:s, s:s}", "object", what, "damage", why));
	else
		(void)printf("  DAMAGED %s: %s\n", what, why);
}

static int
verify_one(struct act *a, const char *source, const char *id, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct verify_opts opts = { .fast = settings_flag(a->s, "fast"),
	    .workers = cores < 1 ? 1 : cores > 8 ? 8 : (unsigned)cores,
	    .found = finding, .arg = a, .cancel = a->cancel };
	struct verify_result result = {0};
	struct err one = {0};
	struct head h;
	int64_t since = clock_mono_ms();
	int rc;

	if (settings_str(a->s, "workers") != NULL) {
		opts.workers = (unsigned)settings_uint(a->s, "workers");
		if (opts.workers < 1 || opts.workers > 64)
			return err_set(e, ERR_USAGE, 0, "--workers: not 1 to "
			    "64");
	}
	a->done++;
	rc = backup_find(a->store, source, id, &h, &one);
	if (rc == 0) {
		rc = verify_backup(a->store, &h, &opts, &result, &one);
		if (a->list == NULL)
			(void)printf("%s/%s: %s: %" PRIu64 " objects, %" PRIu64
			    " bytes, %" PRIu64 " rows, %.1f s\n", source, h.id,
			    rc == 0 ? "whole" : "DAMAGED", result.objects,
			    result.bytes, result.rows,
			    (double)(clock_mono_ms() - since) / 1000);
		head_free(&h);
		if (rc != 0 && one.code == ERR_CORRUPT)
			return 0;	/* reported finding by finding */
	} else if (one.code == ERR_CORRUPT) {
		finding(a, id, one.msg);
		return 0;
	}
	if (rc != 0)
		*e = one;
	return rc;
}

static int
verify_source(struct act *a, const char *source, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0, i;
	int rc;

	rc = backups_list(a->store, source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = verify_one(a, source, refs[i].id, e);
	free(refs);
	return rc;
}

static int
verify(struct act *a, struct err *e)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	const char *name = settings_arg(a->s, 0);
	int rc;

	if ((name == NULL) != settings_flag(a->s, "all")) {
		(void)err_set(e, ERR_USAGE, 0, "verify takes either a SOURCE, "
		    "SOURCE/ID, or --all");
		return -1;
	}
	if (name == NULL) {
		rc = for_sources(a, NULL, verify_source, e);
	} else {
		if (backup_name_split(name, source, id, e) != 0)
			return -1;
		rc = id[0] != '\0' ? verify_one(a, source, id, e) :
		    verify_source(a, source, e);
		if (rc == 0 && a->done == 0)
			rc = err_set(e, ERR_NOTFOUND, 0, "source %s has no "
			    "backup", source);
	}
	return rc;
}

/* --- leftovers --- */

static int
leftovers_source(struct act *a, const char *source, struct err *e)
{
	struct leftover *list = NULL;
	bool del = settings_flag(a->s, "delete");
	size_t n = 0, i;
	int rc;

	rc = leftovers_find(a->store, source, &list, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		const char *state = list[i].live ? "perhaps running" : del ?
		    "removed" : "dead";

		if (del && !list[i].live)
			rc = leftovers_remove(a->store, source, list[i].id, e);
		if (a->list != NULL)
			(void)json_array_append_new(a->list, json_pack(
			    "{s:s, s:s, s:s, s:I, s:I}", "source", source,
			    "id", list[i].id, "state", state, "objects",
			    (json_int_t)list[i].objects, "bytes",
			    (json_int_t)list[i].bytes));
		else if (rc == 0)
			(void)printf("%s/%s: %" PRIu64 " objects, %" PRIu64
			    " bytes, %s\n", source, list[i].id,
			    list[i].objects, list[i].bytes, state);
	}
	free(list);
	return rc;
}

/* --- the verbs --- */

static int
with_backup(struct act *a, struct err *e)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	struct head h;
	int rc;

	if (backup_name_split(settings_arg(a->s, 0), source, id, e) != 0 ||
	    backup_find(a->store, source, id, &h, e) != 0)
		return -1;
	rc = strcmp(settings_verb(a->s), "cat") == 0 ?
	    show_cat(a->store, &h, settings_arg(a->s, 1), e) :
	    show_backup(a->store, &h, settings_flag(a->s, "tables"),
	    settings_flag(a->s, "json"), e);
	head_free(&h);
	return rc;
}

static int
act(struct act *a, struct err *e)
{
	const char *verb = settings_verb(a->s);
	const char *name = settings_arg(a->s, 0);

	if (strcmp(verb, "show") == 0 || strcmp(verb, "cat") == 0)
		return with_backup(a, e);
	if (strcmp(verb, "verify") == 0)
		return verify(a, e);
	if (strcmp(verb, "leftovers") == 0)
		return for_sources(a, name, leftovers_source, e);
	if (for_sources(a, name, list_source, e) != 0)
		return -1;
	if (name != NULL && a->done + a->damaged == 0)
		return err_set(e, ERR_NOTFOUND, 0, "%s holds no backup of "
		    "source %s", store_name(a->store), name);
	return 0;
}

static void
print_list(struct act *a, const char *verb)
{
	json_t *doc = json_pack("{s:i, s:o}", "version", 1,
	    strcmp(verb, "list") == 0 ? "backups" :
	    strcmp(verb, "verify") == 0 ? "findings" : "leftovers", a->list);

	if (strcmp(verb, "verify") == 0)
		(void)json_object_set_new(doc, "verified",
		    json_integer((json_int_t)a->done));
	(void)json_dumpf(doc, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(doc);
}

static int
run(struct settings *s, struct cancel *cancel, struct err *e)
{
	struct act a = { .s = s, .cancel = cancel };
	const char *verb = settings_verb(s);
	int rc = -1;

	a.store = settings_open_store(s, false, cancel, e);
	if (a.store == NULL)
		return -1;
	if (settings_flag(s, "json") && strcmp(verb, "show") != 0 &&
	    strcmp(verb, "cat") != 0)
		a.list = json_array();
	rc = act(&a, e);
	if (a.list != NULL && (rc == 0 || e->code == ERR_CORRUPT))
		print_list(&a, verb);
	else
		json_decref(a.list);
	if (rc == 0)
		rc = damaged(&a, e);
	store_close(a.store);
	return rc;
}

int
main(int argc, char **argv)
{
	struct settings *s;
	struct cancel *cancel = NULL;
	struct signals *signals = NULL;
	struct err e = {0};

	s = settings_new(&program, &e);
	if (s != NULL && settings_parse(s, argc, argv, &e) == 0 &&
	    !settings_done(s) && settings_log(s, "catalog", &e) == 0 &&
	    (cancel = cancel_new(&e)) != NULL &&
	    (signals = signals_start(cancel, &e)) != NULL)
		(void)run(s, cancel, &e);
	if (e.code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout)))
		(void)err_set(&e, ERR_IO, 0, "standard output: cannot write");
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "catalog: %s%s%s\n", e.msg,
		    e.hint[0] != '\0' ? "; " : "", e.hint);
	signals_stop(signals);
	cancel_free(cancel);
	settings_free(s);
	return err_exit_status(e.code);
}
