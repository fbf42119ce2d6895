/* SPDX-License-Identifier: Apache-2.0 */
/* serve_reload: the configuration, read and taken whole or not at all. */
#include <stdlib.h>
#include <string.h>

#include "backupd/accepted.h"
#include "backupd/channels.h"
#include "base/clock.h"
#include "base/log.h"
#include "catalog/settings.h"

#include "backupd/serve_impl.h"

static void
close_now(void *arg, struct depot *d)
{
	(void)arg;
	depot_close(d);
}

int
serve_load(struct serve *s, struct fleet **out, struct err *e)
{
	struct settings *all = s->opts->load(s->opts->arg, e);
	struct channels *channels;
	int64_t now = clock_now_us();
	size_t i;

	if (all == NULL)
		return -1;
	*out = fleet_load(all, e);
	if (*out == NULL) {
		settings_free(all);
		return -1;
	}
	channels = channels_read(all, e);
	if (channels == NULL) {
		fleet_free(*out, close_now, NULL);
		*out = NULL;
		return -1;
	}
	channels_free(channels);
	for (i = 0; i < (*out)->nsources; i++)
		(*out)->sources[i].since_us = now;
	return 0;
}

/* For whoever asks for the status: why what he wrote does not hold. */
static int
refused(struct serve *s, const char *what, const struct err *e)
{
	if (s->refused_us == 0)
		s->refused_us = clock_now_us();
	(void)snprintf(s->refused, sizeof(s->refused), "%s: %s%s%s", what,
	    e->msg, e->hint[0] != '\0' ? "; " : "", e->hint);
	log_event(LOG_ERROR_, what, "why", e->msg, "do", e->hint[0] != '\0' ?
	    e->hint : NULL, NULL);
	s->problems_ms = 0;
	return -1;
}

/* What holds from start to end. */
static int
check_fixed(const struct settings *old, const struct settings *fresh,
    struct err *e)
{
	static const char *const keys[] = { "state", "socket",
	    "socket-group" };
	const char *was, *is;
	char at[300];
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		was = settings_str(old, keys[i]);
		is = settings_str(fresh, keys[i]);
		if (was == NULL ? is == NULL : is != NULL &&
		    strcmp(was, is) == 0)
			continue;
		(void)settings_origin(fresh, keys[i], at, sizeof(at));
		(void)err_set(e, ERR_USAGE, 0, "%s%s%s: it was %.100s when "
		    "the daemon began", at, at[0] != '\0' ? ": " : "",
		    keys[i], was != NULL ? was : "not set");
		return err_hint(e, "start the daemon anew for this");
	}
	return 0;
}

/* What jobs will go by is written first: without room for it, nothing is
 * taken. */
static int
take(struct serve *s, struct fleet *fresh, struct err *e)
{
	const char *folder = settings_str(fresh->settings, "state");
	struct accepted *a;

	if (check_fixed(s->fleet->settings, fresh->settings, e) != 0)
		return -1;
	a = accepted_new(folder != NULL ? folder : "/var/lib/kura",
	    fresh->settings, e);
	if (a == NULL)
		return -1;
	if (serve_reload(s, fresh, e) != 0) {
		/* The old one is written again before the next job. */
		accepted_free(a);
		return -1;
	}
	accepted_free(s->accepted);
	s->accepted = a;
	return 0;
}

int
serve_anew(struct serve *s, struct err *e)
{
	struct fleet *fresh = NULL;
	struct err late = {0};
	int rc = 0;

	s->reload = false;
	serve_system("RELOADING=1");
	if (serve_load(s, &fresh, e) != 0 || take(s, fresh, e) != 0) {
		rc = refused(s, "the configuration is not taken; all goes on "
		    "as before", e);
		if (fresh != NULL && fresh != s->fleet)
			fleet_free(fresh, serve_close, s);
	} else {
		s->refused_us = 0;
		s->retry_ms = settings_ms(fresh->settings, "retry-after");
		(void)settings_log(fresh->settings, "backupd", &late);
		if (serve_tellers(s, &late) != 0)
			log_event(LOG_ERROR_, "nobody is told of troubles",
			    "why", late.msg, NULL);
		if (serve_listen(s, e) != 0)
			rc = refused(s, "HTTP goes on as before", e);
		log_event(LOG_INFO_, "configuration read anew", "config",
		    s->config, NULL);
	}
	serve_system("READY=1");
	return rc;
}
