/* SPDX-License-Identifier: Apache-2.0 */
/* keep: the verbs of catalog that say what stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/settings.h"
#include "catalog/audit.h"
#include "catalog/backups.h"
#include "catalog/expire.h"
#include "catalog/note.h"
#include "catalog/show.h"
#include "catalog/show_expire.h"
#include "catalog/sweep.h"
#include "store/store.h"

#include "catalog/keep.h"

#define MAX_SPAN_MS (UINT64_C(200) * 366 * 86400000)

bool
keep_knows(const char *verb)
{
	return strcmp(verb, "hold") == 0 || strcmp(verb, "release") == 0 ||
	    strcmp(verb, "annotate") == 0 || strcmp(verb, "expire") == 0;
}

int
keep_use_store(struct settings *s, struct err *e)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];

	if (settings_arg(s, 0) == NULL)
		return 0;
	return backup_name_split(settings_arg(s, 0), source, id, e) == 0 ?
	    settings_use_source_store(s, source, e) : -1;
}

/* --- holds and notes --- */

int
keep_until(const char *text, int64_t now_us, int64_t *until_us,
    struct err *e)
{
	static const struct { char unit; int64_t s; } units[] = {
		{ 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
		{ 'y', 366 * 86400 },
	};
	size_t n = strspn(text, "0123456789"), i;
	char day[32];

	if (clock_parse(text, until_us) == 0)
		return 0;
	if (strlen(text) == 10 && text[4] == '-') {
		(void)snprintf(day, sizeof(day), "%sT00:00:00Z", text);
		if (clock_parse(day, until_us) == 0)
			return 0;
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (n > 0 && n < 6 && text[n] == units[i].unit &&
		    text[n + 1] == '\0') {
			*until_us = now_us + strtol(text, NULL, 10) *
			    units[i].s * 1000000;
			return 0;
		}
	(void)err_set(e, ERR_USAGE, 0, "--until: '%.60s' is neither a day nor "
	    "a time", text);
	return err_hint(e, "write 2027-01-31, 2027-01-31T12:00:00Z or 30d");
}

static const char *
needs(const struct settings *s, const char *name, struct err *e)
{
	const char *text = settings_str(s, name);

	if (text == NULL || text[0] == '\0') {
		(void)err_set(e, ERR_USAGE, 0, "%s needs --%s",
		    settings_verb(s), name);
		return NULL;
	}
	return text;
}

/* What a hold takes back: the marks of its backup, and of binary logs. */
static int
unmark(struct store *store, const char *source, const char *id,
    struct err *e)
{
	if (expiring_unmark(store, source, id, e) == 0)
		return floors_lift(store, source, e);
	if (e->code == ERR_BUSY)
		(void)err_hint(e, "it is too late to hold it; take another "
		    "backup");
	return -1;
}

int
keep_hold(struct store *store, const char *source, const struct hold *h,
    struct err *e)
{
	struct err late = {0};
	int gone;

	if (hold_create(store, source, h, e) != 0)
		return -1;
	/* Written first, and then looked: whoever sweeps does it the other
	 * way round, so that one of both gives way. */
	if (unmark(store, source, h->backup, e) == 0) {
		gone = expiring_gone(store, source, h->backup, e);
		if (gone == 0)
			return 0;
		if (gone == 1)
			(void)err_set(e, ERR_NOTFOUND, 0, "%s/%s has expired "
			    "meanwhile", source, h->backup);
	}
	(void)hold_release(store, source, h->backup, h->name, &late);
	return -1;
}

static int
hold(const struct settings *s, struct store *store, const char *source,
    const char *id, struct err *e)
{
	const char *name = needs(s, "name", e), *until;
	char owner[HOLD_OWNER_MAX];
	struct hold h = { .owner = owner };
	int64_t now;
	int rc = -1;

	if (name == NULL || needs(s, "reason", e) == NULL)
		return -1;
	if (!source_name_valid(name)) {
		(void)err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a hold",
		    name);
		return err_hint(e, "letters a to z, digits, '.', '_' and '-'");
	}
	hold_owner(owner);
	memcpy(h.backup, id, sizeof(h.backup));
	(void)snprintf(h.name, sizeof(h.name), "%s", name);
	h.reason = strdup(settings_str(s, "reason"));
	if (h.reason == NULL)
		return err_set(e, ERR_NOMEM, 0, "hold");
	until = settings_str(s, "until");
	if (until == NULL || (store_time(store, &now, e) == 0 &&
	    keep_until(until, now, &h.until_us, e) == 0))
		rc = keep_hold(store, source, &h, e);
	free(h.reason);
	return rc;
}

static int
with_backup(const struct settings *s, struct store *store,
    struct audit *audit, struct err *e)
{
	char source[SOURCE_NAME_MAX + 1], id[BACKUP_ID_LEN + 1];
	const char *verb = settings_verb(s), *text;
	char owner[HOLD_OWNER_MAX];
	struct head h;
	int rc = -1;

	if (backup_name_split(settings_arg(s, 0), source, id, e) != 0 ||
	    backup_find(store, source, id, &h, e) != 0)
		return -1;
	audit_backup(audit, h.id);
	audit_acts(audit);
	if (strcmp(verb, "hold") == 0) {
		rc = hold(s, store, source, h.id, e);
	} else if (strcmp(verb, "release") == 0) {
		text = needs(s, "name", e);
		if (text != NULL)
			rc = hold_release(store, source, h.id, text, e);
	} else {
		text = needs(s, "note", e);
		hold_owner(owner);
		if (text != NULL)
			rc = note_create(store, source, h.id, owner, text, e);
	}
	if (rc == 0)
		rc = show_kept(store, source, h.id, settings_flag(s, "json"),
		    e);
	head_free(&h);
	return rc;
}

/* --- expire --- */

static int
span(const struct settings *s, const char *name, int64_t *us, struct err *e)
{
	uint64_t ms = settings_str(s, name) == NULL ? 0 :
	    settings_ms(s, name);

	if (ms > MAX_SPAN_MS)
		return err_set(e, ERR_USAGE, 0, "--%s: more than 200 years",
		    name);
	*us = (int64_t)ms * 1000;
	return 0;
}

int
keep_rules(const struct settings *s, struct retention_rules *r,
    struct err *e)
{
	static const char *const units[] = { "keep-hourly", "keep-daily",
	    "keep-weekly", "keep-monthly", "keep-yearly" };
	size_t i;

	*r = (struct retention_rules){ .last = settings_uint(s, "keep-last"),
	    .min = settings_uint(s, "keep-min") };
	for (i = 0; i < RETENTION_UNITS; i++)
		r->unit[i] = settings_uint(s, units[i]);
	return span(s, "keep-within", &r->within_us, e) == 0 ?
	    span(s, "keep-window", &r->window_us, e) : -1;
}

struct expiry {
	const struct settings *settings;
	struct store *store;
	struct show_expire *show;
	struct audit *audit;
	uint64_t *damaged;
	int64_t grace_us;
};

/* Will anything of a backup or of binary logs be done? */
static bool
changes(const struct expire *x)
{
	size_t i;

	for (i = 0; i < x->nbackups; i++)
		if (x->states[i].state != EXPIRE_STAYS &&
		    x->states[i].state != EXPIRE_WAITS)
			return true;
	for (i = 0; i < x->nlogs; i++)
		if (x->logs[i].state == EXPIRE_MARK ||
		    x->logs[i].state == EXPIRE_DUE)
			return true;
	return false;
}

static int
expire_one(struct expiry *y, const char *source, struct err *e)
{
	struct settings *own = settings_clone(y->settings, e);
	struct expire_opts opts = { .grace_us = y->grace_us };
	struct sweep_result swept = {0};
	bool yes = settings_flag(y->settings, "yes");
	struct expire x;
	int rc = -1;

	if (own == NULL)
		return -1;
#ifdef KURA_TEST_HOOKS
	opts.ahead_us = (int64_t)settings_ms(own, "test-later") * 1000;
#endif
	if (settings_use_source(own, source, e) == 0 &&
	    keep_rules(own, &opts.rules, e) == 0 &&
	    expire_load(y->store, source, &opts, &x, e) == 0) {
		*y->damaged += x.unreadable;
		show_expire_source(y->show, &x, yes);
		rc = 0;
		if (yes && changes(&x))
			audit_begun(y->audit);
		if (yes)
			rc = expire_mark(&x, e);
		if (rc == 0 && yes)
			rc = sweep_run(&x, &swept, e);
		show_expire_swept(y->show, &x, yes ? &swept : NULL);
		expire_free(&x);
	}
	settings_free(own);
	return rc == 0 ? 0 : err_wrap(e, "expire %s", source);
}

static int
expire_all(struct expiry *y, struct err *e)
{
	struct err first = {0}, one;
	char **names = NULL;
	size_t n = 0, i;

	if (sources_list(y->store, &names, &n, e) != 0)
		return -1;
	/* What stops one source stops no other. */
	for (i = 0; i < n; i++) {
		one = (struct err){0};
		if (expire_one(y, names[i], &one) != 0 &&
		    first.code == ERR_NONE)
			first = one;
		else if (one.code != ERR_NONE)
			log_event(LOG_ERROR_, "nothing expires", "source",
			    names[i], "why", one.msg, NULL);
		free(names[i]);
	}
	free(names);
	*e = first;
	return first.code == ERR_NONE ? 0 : -1;
}

static int
grace(const struct settings *s, int64_t *us, struct err *e)
{
	struct settings *own = settings_clone(s, e);
	int rc = -1;

	if (own == NULL)
		return -1;
	if (settings_use_daemon(own, e) == 0)
		rc = span(own, "grace", us, e);
	settings_free(own);
	return rc;
}

static int
expire(const struct settings *s, struct store *store, struct audit *audit,
    uint64_t *damaged, struct err *e)
{
	struct expiry y = { .settings = s, .store = store, .audit = audit,
	    .damaged = damaged };
	const char *source = settings_arg(s, 0);
	int rc = -1;

	if ((source == NULL) != settings_flag(s, "all"))
		return err_set(e, ERR_USAGE, 0, "expire takes either a SOURCE "
		    "or --all");
	if (source != NULL && !source_name_valid(source))
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", source);
	if (grace(s, &y.grace_us, e) != 0)
		return -1;
	y.show = show_expire_new(settings_flag(s, "json"), e);
	if (y.show == NULL)
		return -1;
	rc = source != NULL ? expire_one(&y, source, e) : expire_all(&y, e);
	show_expire_end(y.show, settings_flag(s, "yes"));
	return rc;
}

int
keep(const struct settings *s, struct store *store, struct audit *audit,
    uint64_t *damaged, struct err *e)
{
	return strcmp(settings_verb(s), "expire") == 0 ?
	    expire(s, store, audit, damaged, e) :
	    with_backup(s, store, audit, e);
}
