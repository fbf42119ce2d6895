/* SPDX-License-Identifier: Apache-2.0 */
/* check: finds everything that would stop a job, before it does. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/err.h"
#include "catalog/head.h"
#include "catalog/settings.h"

#include "backupd/check.h"
#include "backupd/check_impl.h"
#include "backupd/check_online.h"
#include "backupd/check_show.h"

/* All that is looked at: stores first, since their sources ask what a write
 * takes, then sources. */
struct check {
	const struct settings *s;
	struct cancel *cancel;
	struct findings *f;
	struct check_store *stores;
	struct check_source *sources;
	size_t nstores, nsources;
	bool with_sources;		/* what the threads take now */
	_Atomic size_t next;
};

/* What the findings mean for the exit status. */
static int
judge(const struct findings *f, size_t wrong, struct err *e)
{
	size_t errors = findings_count(f, FINDING_ERROR);

	if (findings_lost(f))
		return err_set(e, ERR_NOMEM, 0, "findings");
	if (wrong > 0)
		return err_set(e, ERR_USAGE, 0, "%zu error%s in the "
		    "configuration", wrong, wrong == 1 ? "" : "s");
	if (errors > 0)
		return err_set(e, ERR_IO, 0, "%zu thing%s will stop jobs",
		    errors, errors == 1 ? "" : "s");
	return 0;
}

void
check_mistakes(const struct settings *s, FILE *out, struct err *e)
{
	struct err none = {0};
	struct findings *f = findings_new(&none);
	const struct check_shown shown = { .findings = f,
	    .json = settings_flag(s, "json") };
	size_t wrong;

	if (f == NULL)
		return;
	wrong = check_offline(s, f);
	if (wrong > 0) {
		check_show(&shown, out);
		*e = (struct err){0};
		(void)judge(f, wrong, e);
	}
	findings_free(f);
}

int
check_approve(const struct settings *s, struct err *e)
{
	struct findings *f = findings_new(e);
	int rc;

	if (f == NULL)
		return -1;
	(void)check_offline(s, f);
	rc = findings_lost(f) ? err_set(e, ERR_NOMEM, 0, "findings") :
	    findings_fail(f, e);
	findings_free(f);
	return rc;
}

/* --- what is to be looked at --- */

/* The store of a source: known already, or one more. */
static struct check_store *
find_store(struct check *k, struct settings *c, struct err *e)
{
	const char *name = settings_str(c, "store");
	struct check_store *x;
	size_t i;

	if (name == NULL)
		name = settings_only_store(c);
	if (name == NULL)
		name = "";	/* opening it says what is wrong */
	for (i = 0; i < k->nstores; i++)
		if (strcmp(k->stores[i].label, name) == 0)
			return &k->stores[i];
	x = &k->stores[k->nstores];
	x->settings = settings_clone(c, e);
	if (x->settings == NULL)
		return NULL;
	x->cancel = k->cancel;
	(void)snprintf(x->label, sizeof(x->label), "%s", name);
	k->nstores++;
	return x;
}

static int
add_source(struct check *k, const char *name, struct err *e)
{
	struct check_source *x = &k->sources[k->nsources++];

	x->name = name;
	x->cancel = k->cancel;
	x->settings = settings_clone(k->s, e);
	if (x->settings == NULL ||
	    settings_use_source(x->settings, name, e) != 0)
		return -1;
	x->jobs = check_source_jobs(x->settings);
	x->store = find_store(k, x->settings, e);
	return x->store != NULL ? 0 : -1;
}

static int
choose(struct check *k, struct err *e)
{
	size_t named = settings_args(k->s), n = named, i;
	const char *name;

	while (named == 0 && settings_name(k->s, "source", n) != NULL)
		n++;
	/* One store more than sources: each may have its own. */
	k->sources = calloc(n + 1, sizeof(*k->sources));
	k->stores = calloc(n + 1, sizeof(*k->stores));
	if (k->sources == NULL || k->stores == NULL)
		return err_set(e, ERR_NOMEM, 0, "sources");
	for (i = 0; i < n; i++) {
		name = named > 0 ? settings_arg(k->s, i) :
		    settings_name(k->s, "source", i);
		if (!source_name_valid(name))
			return err_set(e, ERR_USAGE, 0, "source name '%s' is "
			    "not [a-z0-9][a-z0-9._-]{0,62} without '..'",
			    name);
		if (add_source(k, name, e) != 0)
			return -1;
	}
	return 0;
}

static void
check_free(struct check *k)
{
	size_t i;

	for (i = 0; i < k->nsources; i++)
		settings_free(k->sources[i].settings);
	for (i = 0; i < k->nstores; i++)
		settings_free(k->stores[i].settings);
	free(k->sources);
	free(k->stores);
	findings_free(k->f);
}

/* --- looking, several at a time --- */

static void
look(struct check *k, size_t i)
{
	if (k->with_sources)
		check_source_try(&k->sources[i], k->f);
	else
		check_store_try(&k->stores[i], k->f);
}

static void *
work(void *arg)
{
	struct check *k = arg;
	size_t n = k->with_sources ? k->nsources : k->nstores, i;
	const struct finding at = { .level = FINDING_ERROR };
	struct err e = {0};

	if (conn_thread_init(&e) != 0) {
		finding_err(k->f, &at, &e);
		return NULL;
	}
	while ((i = atomic_fetch_add(&k->next, 1)) < n &&
	    !cancel_requested(k->cancel))
		look(k, i);
	conn_thread_end();
	return NULL;
}

static int
look_at_all(struct check *k, bool with_sources, struct err *e)
{
	size_t n = with_sources ? k->nsources : k->nstores, started = 0, i;
	pthread_t threads[CHECK_AT_ONCE];

	k->with_sources = with_sources;
	atomic_store(&k->next, 0);
	while (started < CHECK_AT_ONCE && started < n &&
	    pthread_create(&threads[started], NULL, work, k) == 0)
		started++;
	if (n > 0 && started == 0)
		return err_set(e, ERR_NOMEM, 0, "threads");
	for (i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	return cancel_check(k->cancel, e);
}

/* What a store cannot do stops jobs of all its sources. */
static void
blame_stores(struct check *k)
{
	const struct check_store *x;
	struct check_source *c;
	struct finding at;
	unsigned stops;
	size_t i;

	for (i = 0; i < k->nsources; i++) {
		c = &k->sources[i];
		x = c->store;
		stops = 0;
		if (!x->reads)
			stops |= FINDING_ALL;
		if (!x->writes)
			stops |= FINDING_DUMP | FINDING_ARCHIVE |
			    FINDING_EXPIRE | FINDING_VERIFY;
		if (!x->deletes || x->bucket.expires[0] != '\0')
			stops |= FINDING_EXPIRE;
		if (x->bucket.expires[0] != '\0' ||
		    x->bucket.archives[0] != '\0')
			stops |= FINDING_DUMP | FINDING_ARCHIVE;
		stops &= c->jobs;
		if (stops == 0)
			continue;
		at = (struct finding){ .level = FINDING_ERROR,
		    .source = c->name, .jobs = stops };
		finding_add(k->f, &at, "its store %s cannot serve it", x->label);
	}
}

/* A name that the file does not have may be one without a section, but is
 * more often mistyped. */
static void
check_names(const struct settings *s, struct findings *f)
{
	struct finding at = { .level = FINDING_WARNING,
	    .where = settings_config(s), .todo = "what is looked at is "
	    "[defaults] and what is built in" };
	size_t i;

	for (i = 0; i < settings_args(s); i++) {
		at.source = settings_arg(s, i);
		if (settings_name(s, "source", 0) != NULL &&
		    !settings_has_source(s, at.source))
			finding_add(f, &at, "there is no [source %s]",
			    at.source);
	}
}

static int
check_online(struct check *k, struct err *e)
{
	if (choose(k, e) != 0 || look_at_all(k, false, e) != 0 ||
	    look_at_all(k, true, e) != 0)
		return -1;
	blame_stores(k);
	return 0;
}

int
check_run(const struct settings *s, struct cancel *cancel, FILE *out,
    struct err *e)
{
	struct check k = { .s = s, .cancel = cancel, .f = findings_new(e) };
	struct check_shown shown = { .findings = k.f,
	    .json = settings_flag(s, "json") };
	size_t wrong;
	int rc = -1;

	if (k.f == NULL)
		return -1;
	wrong = check_offline(s, k.f);
	if (wrong == 0)
		check_names(s, k.f);
	/* With a wrong configuration, nothing else is worth a look. */
	if (wrong > 0 || settings_flag(s, "offline") ||
	    check_online(&k, e) == 0) {
		shown.stores = k.stores;
		shown.nstores = k.nstores;
		shown.sources = k.sources;
		shown.nsources = k.nsources;
		check_show(&shown, out);
		rc = judge(k.f, wrong, e);
	}
	check_free(&k);
	return rc;
}
