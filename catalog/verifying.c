/* SPDX-License-Identifier: Apache-2.0 */
/* verifying: the verb verify of catalog. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/feed.h"
#include "catalog/progress.h"
#include "catalog/settings.h"
#include "catalog/show.h"
#include "catalog/verification.h"
#include "catalog/verify_archive.h"
#include "catalog/verify_portion.h"
#include "store/store.h"

#include "catalog/verifying.h"

/* A segment under way is stored within seconds, or its archiver warns. */
#define LOOKS	5
#define LOOK_MS	2000

struct verifying {
	struct settings *s;
	struct store *store;
	struct store *notes;	/* --within: the same, to write with */
	struct cancel *cancel;
	unsigned workers;
	json_t *list;		/* --json: findings */
	json_t *noted;		/* findings in the backup at hand, or NULL */
	json_t *portions;	/* --json and --within: one a source */
	uint64_t *damaged;
	struct buf *first;
	uint64_t done, logs;	/* backups, and sources with binary logs */
	const char *source;	/* at hand */
};

static void
finding(void *arg, const char *what, const char *why)
{
	struct verifying *a = arg;

	if ((*a->damaged)++ == 0)
		buf_addf(a->first, "%s: %s", what, why);
	if (a->noted != NULL &&
	    json_array_size(a->noted) < VERIFICATION_FINDINGS)
		(void)json_array_append_new(a->noted, json_pack(
		    "{s:s, s:s}", "object", what, "damage", why));
	if (a->list != NULL)
		(void)json_array_append_new(a->list, json_pack(
		    "{s:s, s:s}", "object", what, "damage", why));
	else
		(void)printf("  DAMAGED %s: %s\n", what, why);
}

/* Retention must not take a damaged backup for a good one, and not a good one
 * for damaged for ever.  Whoever may only read says so. */
static void
note(struct verifying *a, const char *source, const char *id, int64_t at_us,
    uint64_t damaged)
{
	struct verified one = { .at_us = at_us, .damaged = damaged };
	struct verification known;
	struct store *notes = NULL;
	struct err e = {0};
	int rc;

	(void)snprintf(one.id, sizeof(one.id), "%s", id);
	rc = verification_load(a->store, source, &known, &e);
	if (rc == 0) {
		const struct verified *was = verification_find(&known, id, 0);

		/* A listing alone proves nothing whole. */
		if (damaged == 0 && (settings_flag(a->s, "fast") ||
		    was == NULL || was->damaged == 0))
			goto out;
		/* A store may know whole seconds only. */
		if (was != NULL && one.at_us <= was->at_us)
			one.at_us = was->at_us + 1;
		notes = settings_open_briefly(a->s, &e);
		rc = notes == NULL ? -1 : verification_note(notes, source,
		    &one, a->noted, &e);
	}
	if (rc != 0)
		log_event(LOG_WARN_, damaged > 0 ? "the damage cannot be "
		    "noted in the store: expire takes the backup for good" :
		    "it cannot be noted in the store that the backup is whole "
		    "again", "source", source, "id", id, "why", e.msg, NULL);
out:	verification_free(&known);
	store_close(notes);
}

/* Read a backup by itself, and note what retention has to know. */
static int
read_backup(struct verifying *a, const struct head *h,
    const struct verify_opts *opts, struct verify_result *result,
    struct err *e)
{
	int64_t at;
	int rc;

	if (store_time(a->store, &at, e) != 0)
		return -1;
	a->noted = json_array();
	rc = verify_backup(a->store, h, opts, result, e);
	if (rc == 0 || e->code == ERR_CORRUPT)
		note(a, h->source, h->id, at, result->damaged);
	json_decref(a->noted);
	a->noted = NULL;
	return rc;
}

static int
verify_one(struct verifying *a, const char *source, const char *id, struct err *e)
{
	struct verify_opts opts = { .fast = settings_flag(a->s, "fast"),
	    .workers = a->workers, .found = finding, .arg = a,
	    .cancel = a->cancel };
	struct verify_result result = {0};
	struct err one = {0};
	struct head h;
	struct progress_totals totals = {0};
	struct progress *p;
	int64_t since = clock_mono_ms();
	int rc;

	a->done++;
	rc = backup_find(a->store, source, id, &h, &one);
	if (rc == 0) {
		opts.totals = &totals;
		p = progress_start(&totals, opts.fast ? 0 :
		    head_count(h.totals, "raw"), &one);
		rc = p == NULL ? -1 : read_backup(a, &h, &opts, &result,
		    &one);
		progress_stop(p);
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

/* The binary logs of a source, if it has any. */
static int
verify_logs(struct verifying *a, const char *source, struct err *e)
{
	struct verify_opts opts = { .fast = settings_flag(a->s, "fast"),
	    .found = finding, .arg = a, .looks = LOOKS, .look_ms = LOOK_MS,
	    .cancel = a->cancel };
	struct verify_result result = {0};
	struct progress_totals totals = {0};
	struct err one = {0};
	int64_t since = clock_mono_ms();
	struct progress *p = progress_start(&totals, 0, &one);
	int rc;

	opts.totals = &totals;
	rc = p == NULL ? -1 : verify_archive(a->store, source, &opts, &result,
	    &one);
	progress_stop(p);
	a->logs += result.objects > 0 || result.damaged > 0;
	if (a->list == NULL && (result.objects > 0 || result.damaged > 0) &&
	    (rc == 0 || one.code == ERR_CORRUPT))
		(void)printf("%s: binary logs %s: %" PRIu64 " segments, %"
		    PRIu64 " bytes, %" PRIu64 " transactions, %.1f s\n",
		    source, rc == 0 ? "whole" : "DAMAGED", result.objects,
		    opts.fast ? result.bytes : result.raw, result.rows,
		    (double)(clock_mono_ms() - since) / 1000);
	if (a->list == NULL && result.torn)
		(void)printf("%s: binary logs end within a transaction, torn "
		    "or still on its way: restores end before it\n", source);
	if (rc != 0 && one.code != ERR_CORRUPT) {
		*e = one;
		return -1;
	}
	return 0;	/* reported finding by finding */
}

static int
verify_source(struct verifying *a, const char *source, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0, i;
	int rc;

	rc = backups_list(a->store, source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++) {
		rc = verify_one(a, source, refs[i].id, e);
		if (rc == 0 || e->code != ERR_NOTFOUND)
			continue;
		/* It expired after it was listed. */
		log_event(LOG_INFO_, "passed over", "why", e->msg, NULL);
		*e = (struct err){0};
		rc = 0;
	}
	free(refs);
	return rc == 0 ? verify_logs(a, source, e) : -1;
}

/* --- a portion --- */

static void
portion_backup(void *arg, const char *id, bool whole,
    const struct verify_result *r, int64_t ms)
{
	const struct verifying *a = arg;

	if (a->list == NULL)
		(void)printf("%s/%s: %s: %" PRIu64 " objects, %" PRIu64
		    " bytes, %" PRIu64 " rows, %.1f s\n", a->source, id,
		    whole ? "whole" : "DAMAGED", r->objects, r->bytes,
		    r->rows, (double)ms / 1000);
}

static void
portion_shown(struct verifying *a, const struct verify_portion *p)
{
	char some[SHOW_SIZE], all[SHOW_SIZE];

	if (a->portions != NULL)
		(void)json_array_append_new(a->portions, json_pack("{s:s, s:I,"
		    " s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "source",
		    a->source, "backups", (json_int_t)p->backups,
		    "all_backups", (json_int_t)p->all_backups, "files",
		    (json_int_t)p->files, "all_files",
		    (json_int_t)p->all_files, "bytes", (json_int_t)p->bytes,
		    "all_bytes", (json_int_t)p->all_bytes, "rows",
		    (json_int_t)p->result.rows, "findings",
		    (json_int_t)p->result.damaged));
	else
		(void)printf("%s: read %" PRIu64 " of %" PRIu64 " backups and "
		    "%" PRIu64 " of %" PRIu64 " binary log files, %s of %s\n",
		    a->source, p->backups, p->all_backups, p->files,
		    p->all_files, show_size(p->bytes, some),
		    show_size(p->all_bytes, all));
}

static int
verify_within(struct verifying *a, const char *source, struct err *e)
{
	const struct verify_portion_opts opts = {
	    .within_us = (int64_t)settings_ms(a->s, "within") * 1000,
	    .budget = settings_size(a->s, "budget"), .notes = a->notes,
	    .verify = { .workers = a->workers, .found = finding, .arg = a,
		.looks = LOOKS, .look_ms = LOOK_MS, .cancel = a->cancel },
	    .each = portion_backup };
	struct verify_portion p;
	struct err one = {0};
	int rc;

	a->source = source;
	rc = verify_portion(a->store, source, &opts, &p, &one);
	a->done += p.backups;
	a->logs += p.all_files > 0;
	if (rc == 0 || one.code == ERR_CORRUPT) {
		if (p.all_backups + p.all_files + p.result.damaged == 0)
			return err_set(e, ERR_NOTFOUND, 0, "source %s has no "
			    "backup", source);
		portion_shown(a, &p);
		return 0;	/* reported finding by finding */
	}
	*e = one;
	return -1;
}

/* --- the verb --- */

static int
options(struct verifying *a, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	bool within = settings_str(a->s, "within") != NULL;
	const char *name = settings_arg(a->s, 0);

	a->workers = cores < 1 ? 1 : cores > 8 ? 8 : (unsigned)cores;
	if (settings_str(a->s, "workers") != NULL) {
		if (settings_uint(a->s, "workers") < 1 ||
		    settings_uint(a->s, "workers") > 64)
			return err_set(e, ERR_USAGE, 0, "--workers: not 1 to "
			    "64");
		a->workers = (unsigned)settings_uint(a->s, "workers");
	}
	if ((name == NULL) != settings_flag(a->s, "all"))
		return err_set(e, ERR_USAGE, 0, "verify takes either a SOURCE, "
		    "SOURCE/ID, or --all");
	if (within && settings_flag(a->s, "fast"))
		return err_set(e, ERR_USAGE, 0, "--within and --fast "
		    "contradict each other");
	if (within && name != NULL && strchr(name, '/') != NULL)
		return err_set(e, ERR_USAGE, 0, "--within takes a whole "
		    "source, not one backup");
	if (within && (settings_ms(a->s, "within") < 3600000 ||
	    settings_ms(a->s, "within") > UINT64_C(3660) * 86400000))
		return err_set(e, ERR_USAGE, 0, "--within: not 1h to 3660d");
	if (!within && settings_size(a->s, "budget") != 0)
		return err_set(e, ERR_USAGE, 0, "--budget is for --within");
	if (!within)
		return 0;
	a->notes = settings_open_briefly(a->s, e);
	return a->notes != NULL ? 0 : -1;
}

static int
each_source(struct verifying *a, struct err *e)
{
	bool within = a->notes != NULL;
	char **names = NULL;
	size_t n = 0, i;
	int rc = sources_list(a->store, &names, &n, e);

	for (i = 0; i < n && rc == 0; i++) {
		rc = within ? verify_within(a, names[i], e) :
		    verify_source(a, names[i], e);
		/* A source whose last backup has gone is no failure. */
		if (rc != 0 && within && e->code == ERR_NOTFOUND) {
			*e = (struct err){0};
			rc = 0;
		}
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return rc;
}

static int
verify(struct verifying *a, struct err *e)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	const char *name = settings_arg(a->s, 0);
	int rc;

	if (options(a, e) != 0)
		return -1;
	feed_phase("verify");
	if (name == NULL)
		return each_source(a, e);
	if (backup_name_split(name, source, id, e) != 0)
		return -1;
	if (a->notes != NULL)
		return verify_within(a, source, e);
	rc = id[0] != '\0' ? verify_one(a, source, id, e) :
	    verify_source(a, source, e);
	if (rc == 0 && a->done + a->logs == 0)
		rc = err_set(e, ERR_NOTFOUND, 0, "source %s has no backup",
		    source);
	return rc;
}

static void
print_json(struct verifying *a)
{
	json_t *doc = json_pack("{s:i, s:O, s:I, s:I}", "version", 1,
	    "findings", a->list, "verified", (json_int_t)a->done,
	    "archives", (json_int_t)a->logs);

	if (a->notes != NULL)
		(void)json_object_set(doc, "portions", a->portions);
	(void)json_dumpf(doc, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(doc);
}

int
verifying(struct settings *s, struct store *store, struct cancel *cancel,
    uint64_t *damaged, struct buf *first, struct err *e)
{
	struct verifying a = { .s = s, .store = store, .cancel = cancel,
	    .damaged = damaged, .first = first };
	int rc;

	if (settings_flag(s, "json")) {
		a.list = json_array();
		a.portions = json_array();
	}
	rc = verify(&a, e);
	if (a.list != NULL && (rc == 0 || e->code == ERR_CORRUPT))
		print_json(&a);
	json_decref(a.list);
	json_decref(a.portions);
	store_close(a.notes);
	return rc;
}
