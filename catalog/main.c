/* SPDX-License-Identifier: Apache-2.0 */
/* catalog: the program that lists, shows and verifies what a store holds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/signals.h"
#include "catalog/ask.h"
#include "catalog/audit.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "catalog/feed.h"
#include "catalog/keep.h"
#include "catalog/kept.h"
#include "catalog/leftovers.h"
#include "catalog/mark.h"
#include "catalog/settings.h"
#include "catalog/show.h"
#include "catalog/show_audit.h"
#include "catalog/timeline.h"
#include "catalog/verification.h"
#include "catalog/verifying.h"
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
	{ "timeline", "SOURCE", 1, 1, "show to which moments a source can be "
	    "restored" },
	{ "when", "SOURCE MOMENT", 2, 2, "show whether a moment can be "
	    "restored, from what, and what happened then: a time, a GTID, "
	    "FILE:POSITION or latest" },
	{ "events", "SOURCE", 1, 1, "list archived transactions" },
	{ "audit", "[SOURCE]", 0, 1, "show who did what, and what came of "
	    "it" },
	{ "hold", "SOURCE/ID", 1, 1, "keep a backup, and the binary logs after "
	    "it, from expiring" },
	{ "release", "SOURCE/ID", 1, 1, "end a hold" },
	{ "annotate", "SOURCE/ID", 1, 1, "add a note to a backup" },
	{ "expire", "[SOURCE]", 0, 1, "show what stays and what goes by the "
	    "rules, and why; with --yes, mark it, and sweep what was marked "
	    "long enough ago" },
	{ 0 },
};

static const struct setting own[] = {
	{ "tables", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " show ",
	    "list the tables as well" },
	{ "fast", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " verify ",
	    "check only that every object is there with its size" },
	{ "all", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " verify expire ", "every source of the store" },
	{ "workers", SETTING_UINT, SETTING_NO_ENV, NULL, "N", NULL,
	    " verify ", "threads, 1 to 64 (default: the cores of this "
	    "host)" },
	{ "within", SETTING_DURATION, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " verify ", "read a portion, so that each object is read again "
	    "within this time, and note in the store what was read" },
	{ "budget", SETTING_SIZE, SETTING_NO_ENV, "0", "SIZE", NULL,
	    " verify ", "with --within: read no more than this, as stored; 0: "
	    "as much as it takes" },
	{ "delete", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL,
	    " leftovers ", "remove what dead runs left" },
	{ "before", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " when ",
	    "without the transaction that the moment names" },
	{ "backup", SETTING_STRING, SETTING_NO_ENV, NULL, "ID", NULL,
	    " when ", "from this backup, not from the newest that will do" },
	{ "from", SETTING_STRING, SETTING_NO_ENV, NULL, "MOMENT", NULL,
	    " events ", "the first moment (default: the oldest archived "
	    "transaction)" },
	{ "to", SETTING_STRING, SETTING_NO_ENV, NULL, "MOMENT", NULL,
	    " events ", "the last moment (default: the newest)" },
	{ "from", SETTING_STRING, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " audit ", "the first time (default: 30 days ago)" },
	{ "to", SETTING_STRING, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " audit ", "the last time (default: now)" },
	{ "table", SETTING_STRING, SETTING_NO_ENV | SETTING_REPEATED, NULL,
	    "SCHEMA.TABLE", NULL, " events ", "transactions that touch this "
	    "table alone; SCHEMA.* is any of a schema" },
	{ "kind", SETTING_CHOICE, SETTING_NO_ENV, NULL, "KIND",
	    "rows|statement|ddl|xa-prepare|xa-commit|xa-rollback|empty",
	    " events ", "transactions of this kind alone" },
	{ "rows", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " events ",
	    "show the rows that were changed: reads the binary logs" },
	{ "name", SETTING_STRING, SETTING_NO_ENV, NULL, "NAME", NULL,
	    " hold release ", "the hold's name" },
	{ "reason", SETTING_STRING, SETTING_NO_ENV, NULL, "TEXT", NULL,
	    " hold ", "why it is held" },
	{ "until", SETTING_STRING, SETTING_NO_ENV, NULL, "TIME", NULL,
	    " hold ", "when the hold ends: a day, a time, or how long from "
	    "now (30d); without: when it is released" },
	{ "note", SETTING_STRING, SETTING_NO_ENV, NULL, "TEXT", NULL,
	    " annotate ", "the note" },
	{ "yes", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, " expire ",
	    "do it" },
	{ "grace", SETTING_DURATION, SETTING_IN_DAEMON, "48h", "TIME", NULL,
	    " expire ", "what was marked is swept no sooner than after this "
	    "time" },
#ifdef KURA_TEST_HOOKS
	{ "test-later", SETTING_DURATION, 0, "0", "TIME", NULL, " expire ",
	    "test build: as if it were so much later" },
#endif
	{ 0 },
};

static const struct setting *const tables[] = {
	own, settings_common, settings_retention, NULL,
};

static const struct setting *const elsewhere[] = { settings_connection,
	settings_dump, settings_schedule, settings_drill, settings_daemon,
	settings_notify, NULL };

static const struct settings_program program = {
	.name = "catalog",
	.purpose = "lists, shows and verifies what a Kura store holds",
	.verbs = verbs,
	.tables = tables,
	.elsewhere = elsewhere,
};

struct act {
	struct settings *s;
	struct store *store;
	struct cancel *cancel;
	json_t *list;		/* --json: what will be printed */
	uint64_t damaged, done;
	struct buf first;	/* of what is damaged, by verify alone */
	json_t *marks;		/* --json of leftovers */
	struct audit *audit;
};

/* --- list --- */

/* What of the archive cannot be read. */
static void
show_damage(struct act *a, const struct timeline *t)
{
	struct err why;
	size_t i;

	for (i = 0; i < t->ndamage; i++) {
		why = (struct err){0};
		(void)err_set(&why, ERR_CORRUPT, 0, "%s", t->damage[i]);
		show_bad(t->source, "archive", &why, a->list);
		a->damaged++;
	}
}

static int
list_source(struct act *a, const char *source, struct err *e)
{
	struct backup_ref *refs = NULL;
	struct timeline t;
	struct verification v = {0};
	struct kept k;
	struct head h;
	size_t n = 0, i;
	int rc;

	if (a->list != NULL && verification_load(a->store, source, &v,
	    e) != 0)
		return -1;
	if (kept_load(a->store, source, NULL, &k, e) != 0) {
		verification_free(&v);
		return -1;
	}
	if (timeline_load_archive(a->store, source, &t, e) != 0) {
		kept_free(&k);
		verification_free(&v);
		return -1;
	}
	show_damage(a, &t);
	rc = backups_list(a->store, source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		struct err bad = {0};

		if (head_load(a->store, source, refs[i].id, &h, &bad) != 0) {
			/* One that has expired since it was listed. */
			if (bad.code == ERR_NOTFOUND)
				continue;
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
		rc = timeline_add(a->store, &t, &h, e);
		if (rc == 0)
			show_row(&h, &t, &t.backups[t.nbackups - 1], &k,
			    a->done++ == 0, a->list);
		if (rc == 0 && a->list != NULL)
			show_verified_json(&v, h.id, json_array_get(a->list,
			    json_array_size(a->list) - 1));
		head_free(&h);
	}
	timeline_free(&t);
	kept_free(&k);
	verification_free(&v);
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
	    " finding%s%s%.250s", a->damaged, a->damaged == 1 ? "" : "s",
	    a->first.len > 0 ? ", first " : "", buf_str(&a->first));
	return err_hint(e, "keep older backups, and make a new one");
}

/* --- leftovers --- */

/* What was replaced, and may be swept: no leftovers, but wanted no more. */
static int
show_marks(struct act *a, const char *source, struct err *e)
{
	char after[SHOW_TIME];
	struct mark *list;
	size_t n, i;

	if (marks_list(a->store, source, &list, &n, e) != 0)
		return -1;
	for (i = 0; i < n; i++)
		if (a->marks != NULL)
			(void)json_array_append_new(a->marks, json_pack(
			    "{s:s, s:s, s:s, s:I, s:o, s:o}", "source",
			    source, "id", list[i].id, "why", list[i].why,
			    "objects", (json_int_t)list[i].nkeys, "marked",
			    document_time(list[i].marked_us), "sweep_after",
			    document_time(list[i].sweep_after_us)));
		else
			(void)printf("%s/%s: %zu objects, %s: to be swept "
			    "after %s\n", source, list[i].id, list[i].nkeys,
			    list[i].why, show_time(list[i].sweep_after_us,
			    after));
	marks_free(list, n);
	return 0;
}

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
			audit_acts(a->audit);
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
	return rc == 0 ? show_marks(a, source, e) : -1;
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
		return verifying(a->s, a->store, a->cancel, &a->damaged,
		    &a->first, e);
	if (ask_knows(verb))
		return ask(a->s, a->store, &a->damaged, e);
	if (strcmp(verb, "audit") == 0)
		return show_audit(a->s, a->store, &a->damaged, stdout, e);
	if (keep_knows(verb))
		return keep(a->s, a->store, a->audit, &a->damaged, e);
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
	    strcmp(verb, "list") == 0 ? "backups" : "leftovers", a->list);

	if (strcmp(verb, "leftovers") == 0)
		(void)json_object_set(doc, "marks", a->marks);
	(void)json_dumpf(doc, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(doc);
}

static struct audit *
begin_audit(const struct settings *s, int argc, char **argv)
{
	char source[SOURCE_NAME_MAX + 1] = "", id[BACKUP_ID_LEN + 1] = "";
	const char *name = settings_arg(s, 0);
	struct err not_one = {0};
	struct audit *a;

	if (name != NULL && backup_name_split(name, source, id, &not_one) !=
	    0)
		source[0] = '\0';
	a = audit_of(s, "catalog", argc, argv, source[0] != '\0' ? source :
	    NULL);
	audit_backup(a, id[0] != '\0' ? id : NULL);
	return a;
}

static int
run(struct settings *s, int argc, char **argv, struct cancel *cancel,
    struct err *e)
{
	struct act a = { .s = s, .cancel = cancel };
	const char *verb = settings_verb(s);
	int rc = -1;

	if ((keep_knows(verb) || strcmp(verb, "verify") == 0) &&
	    keep_use_store(s, e) != 0)
		return -1;
	a.store = settings_open_store(s, false, cancel, e);
	if (a.store == NULL)
		return -1;
	if (settings_flag(s, "json") && strcmp(verb, "show") != 0 &&
	    strcmp(verb, "cat") != 0 && strcmp(verb, "audit") != 0 &&
	    strcmp(verb, "verify") != 0 && !ask_knows(verb) && !keep_knows(verb))
		a.list = json_array();
	if (a.list != NULL)
		a.marks = json_array();
	a.audit = begin_audit(s, argc, argv);
	if (strcmp(verb, "verify") == 0)
		audit_acts_as_job(a.audit);
	rc = act(&a, e);
	if (a.list != NULL && (rc == 0 || e->code == ERR_CORRUPT))
		print_list(&a, verb);
	else
		json_decref(a.list);
	json_decref(a.marks);
	if (rc == 0)
		rc = damaged(&a, e);
	buf_free(&a.first);
	audit_ended(a.audit, e);
	audit_free(a.audit);
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
		(void)run(s, argc, argv, cancel, &e);
	if (e.code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout)))
		(void)err_set(&e, ERR_IO, 0, "standard output: cannot write");
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "catalog: %s%s%s\n", e.msg,
		    e.hint[0] != '\0' ? "; " : "", e.hint);
	feed_close();
	signals_stop(signals);
	cancel_free(cancel);
	settings_free(s);
	return err_exit_status(e.code);
}
