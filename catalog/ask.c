/* SPDX-License-Identifier: Apache-2.0 */
/* ask: the verbs of catalog that ask a timeline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/settings.h"
#include "catalog/show.h"
#include "catalog/show_events.h"
#include "catalog/show_when.h"
#include "catalog/timeline.h"

#include "catalog/ask.h"

bool
ask_knows(const char *verb)
{
	return strcmp(verb, "timeline") == 0 || strcmp(verb, "when") == 0 ||
	    strcmp(verb, "events") == 0;
}

static int
when(const struct settings *s, struct store *store,
    const struct timeline *t, struct err *e)
{
	struct moment m;

	if (moment_parse(settings_arg(s, 1), t->kind, &m, e) != 0)
		return -1;
	m.before = settings_flag(s, "before");
	return show_when(store, t, &m, settings_str(s, "backup"),
	    settings_flag(s, "json"), e);
}

/* An option that is a moment: NULL when it is not given. */
static int
moment_of(const struct settings *s, const struct timeline *t,
    const char *name, struct moment *room, const struct moment **m,
    struct err *e)
{
	const char *text = settings_str(s, name);

	*m = text != NULL ? room : NULL;
	if (text == NULL || moment_parse(text, t->kind, room, e) == 0)
		return 0;
	return err_wrap(e, "--%s", name);
}

static int
events(const struct settings *s, struct store *store,
    const struct timeline *t, struct err *e)
{
	struct show_events_opts o = { .store = store, .timeline = t,
	    .ntables = settings_count(s, "table"),
	    .kind = settings_str(s, "kind"),
	    .rows = settings_flag(s, "rows"),
	    .json = settings_flag(s, "json") };
	struct moment from, to;
	const char **names;
	size_t i;
	int rc = -1;

	names = calloc(o.ntables + 1, sizeof(*names));
	if (names == NULL)
		return err_set(e, ERR_NOMEM, 0, "events");
	for (i = 0; i < o.ntables; i++)
		names[i] = settings_item(s, "table", i);
	o.tables = names;
	if (moment_of(s, t, "from", &from, &o.from, e) == 0 &&
	    moment_of(s, t, "to", &to, &o.to, e) == 0)
		rc = show_events(&o, e);
	free(names);
	return rc;
}

/* The store's time; a store that may only be read, and is a folder, has
 * none: then this host's. */
static int64_t
time_of(struct store *store)
{
	struct err e = {0};
	int64_t now;

	return store_time(store, &now, &e) == 0 ? now : clock_now_us();
}

int
ask(const struct settings *s, struct store *store, uint64_t *damaged,
    struct err *e)
{
	const char *source = settings_arg(s, 0);
	const char *verb = settings_verb(s);
	bool json = settings_flag(s, "json");
	struct timeline t;
	size_t i;
	int rc;

	if (!source_name_valid(source))
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", source);
	if (timeline_load(store, source, &t, e) != 0)
		return -1;
	if (strcmp(verb, "events") != 0 && timeline_stands(store, &t, e) != 0)
		rc = -1;
	else if (t.nbackups + t.nhistories + t.ndamage == 0)
		rc = err_set(e, ERR_NOTFOUND, 0, "%s holds neither a backup "
		    "nor binary logs of source %s", store_name(store),
		    source);
	else if (strcmp(verb, "when") == 0)
		rc = when(s, store, &t, e);
	else if (strcmp(verb, "events") == 0)
		rc = events(s, store, &t, e);
	else
		rc = show_timeline(store, &t, time_of(store), json,
		    isatty(STDOUT_FILENO) == 1, e);
	/* The others answer from what is whole; here it is the answer. */
	for (i = 0; i < t.ndamage; i++)
		if (strcmp(verb, "timeline") != 0)
			log_event(LOG_WARN_, "damage in the archive", "why",
			    t.damage[i], NULL);
		else
			++*damaged;
	timeline_free(&t);
	return rc;
}
