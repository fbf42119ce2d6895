/* SPDX-License-Identifier: Apache-2.0 */
/* serve_expiry: certificates and credentials of stores that end soon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/expiry.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/settings.h"
#include "store/store.h"

#include "backupd/serve_impl.h"

#define EVERY_MS 60000		/* a session token may last an hour */
#define MINUTE_US (INT64_C(60) * 1000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define WARN_US (14 * DAY_US)
/* Whoever renews session tokens does it before this. */
#define WARN_TOKEN_US (10 * MINUTE_US)

/* Of one source ("": the daemon) what ends first. */
struct ending {
	char source[SOURCE_NAME_MAX + 1];
	char what[330];
	const char *todo;
	int64_t until_us;
};

/* The last file that was read: sources share theirs. */
struct reader {
	struct serve *s;
	char path[300];
	int64_t until_us;
	bool known;
};

static void
add(struct serve *s, const char *source, const char *kind, const char *name,
    const char *todo, int64_t until_us)
{
	size_t n = s->nendings;
	struct ending *list, *x = n > 0 ? &s->endings[n - 1] : NULL;

	if (x == NULL || strcmp(x->source, source) != 0) {
		list = realloc(s->endings, (n + 1) * sizeof(*list));
		if (list == NULL)
			return;
		s->endings = list;
		x = &list[n];
		*x = (struct ending){ .until_us = INT64_MAX };
		(void)snprintf(x->source, sizeof(x->source), "%s", source);
		s->nendings++;
	}
	if (until_us >= x->until_us)
		return;
	x->until_us = until_us;
	x->todo = todo;
	(void)snprintf(x->what, sizeof(x->what), "%s %.300s", kind, name);
}

static void
look(struct reader *r, const char *source, const char *path, int64_t now_us)
{
	struct err e = {0};

	if (path == NULL)
		return;
	if (strcmp(path, r->path) != 0) {
		(void)snprintf(r->path, sizeof(r->path), "%s", path);
		/* Who uses it says what is wrong with it. */
		r->known = expiry_of(path, &r->until_us, &e) == 0;
	}
	if (r->known && r->until_us <= now_us + WARN_US)
		add(r->s, source, "the certificate", path, "renew it",
		    r->until_us);
}

/* What the environment says stays: that daemon will have to begin anew. */
static void
look_at_store(struct serve *s, const struct depot *d, int64_t now_us)
{
	struct store_until until;

	if (d->open && store_until(d->store, &until) && until.us <= now_us +
	    (until.renewable ? WARN_TOKEN_US : WARN_US))
		add(s, "", "the session token of store", d->name,
		    until.renewable ? "renew it" : "start the daemon with a "
		    "newer one, or with a profile that is renewed", until.us);
}

/* Of the account that archives. */
static void
look_at_password(struct serve *s, const struct source *x, int64_t now_us)
{
	struct archiver_source a;

	if (x->following && archiver_state(x->depot->archiver, x->name,
	    &a) == 0 && a.password_us != 0 &&
	    a.password_us <= now_us + WARN_US)
		add(s, x->name, "the password of", "its account", "change it",
		    a.password_us);
}

static void
look_at_all(struct serve *s, int64_t now_us)
{
	static const char *const keys[] = { "ssl-cert", "ssl-ca",
	    "drill-ssl-ca" };
	struct reader r = { .s = s };
	const struct source *x;
	size_t i, k;

	s->nendings = 0;
	look(&r, "", settings_str(s->fleet->settings, "tls-cert"), now_us);
	for (i = 0; i < s->fleet->ndepots; i++)
		look_at_store(s, s->fleet->depots[i], now_us);
	for (i = 0; i < s->fleet->nsources; i++) {
		x = &s->fleet->sources[i];
		for (k = 0; k < sizeof(keys) / sizeof(keys[0]) && !x->gone;
		    k++)
			look(&r, x->name, settings_str(x->settings, keys[k]),
			    now_us);
		look_at_password(s, x, now_us);
	}
}

/* "3 days", "5 minutes". */
static void
left(int64_t us, char text[32])
{
	bool days = us >= 2 * DAY_US, hours = us >= 2 * HOUR_US;

	(void)snprintf(text, 32, "%" PRId64 " %s", us / (days ? DAY_US :
	    hours ? HOUR_US : MINUTE_US), days ? "days" : hours ? "hours" :
	    "minutes");
}

void
serve_expiry(struct serve *s, int64_t now_us, int64_t now_ms,
    serve_note *note)
{
	const struct source *source;
	const struct ending *x;
	char text[32];
	size_t i;

	if (s->expiry_ms == 0 || now_ms > s->expiry_ms + EVERY_MS) {
		s->expiry_ms = now_ms;
		look_at_all(s, now_us);
	}
	for (i = 0; i < s->nendings; i++) {
		x = &s->endings[i];
		/* One daemon says it of a source. */
		source = fleet_find(s->fleet, x->source);
		if (source != NULL && !serve_mine(source, CLAIMS_DUMP))
			continue;
		left(x->until_us - now_us, text);
		if (x->until_us <= now_us)
			note(s, x->source, "credentials_expire", true,
			    x->until_us, "%s has expired: %s", x->what,
			    x->todo);
		else
			note(s, x->source, "credentials_expire", false,
			    now_us, "%s expires in %s: %s", x->what, text,
			    x->todo);
	}
}
