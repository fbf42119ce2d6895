/* SPDX-License-Identifier: Apache-2.0 */
/* serve_heard: what the archives' own threads have to tell the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "base/clock.h"
#include "base/log.h"

#include "backupd/serve_impl.h"

#define HEARD_MAX 4096
/* The archive says it once a minute, as long as it is so. */
#define PURGE_US (INT64_C(180) * 1000000)

static const char filling[] = "spool_filling";	/* no error yet */

struct heard {
	char source[SOURCE_NAME_MAX + 1];
	const char *kind;
	char text[SERVE_TEXT];
	int64_t since_us, at_us;
	bool now;
};

/* The problem of an event, and whether it begins; NULL: it is none, or how
 * the archive stands tells it. */
static const char *
kind_of(enum archiver_event event, bool *begins)
{
	*begins = event != ARCHIVER_SPOOL_FREE;
	return event == ARCHIVER_PURGE ? "purge_ahead" :
	    event == ARCHIVER_SPOOL_FULL || event == ARCHIVER_SPOOL_FREE ?
	    "spool_full" : event == ARCHIVER_SPOOL_FILLING ? filling :
	    NULL;
}

/* Under the lock. */
static struct heard *
find(struct serve *s, const char *source, const char *kind, bool add)
{
	struct heard *list, *h;
	size_t i;

	for (i = 0; i < s->nheard; i++)
		if (s->heard[i].kind == kind &&
		    strcmp(s->heard[i].source, source) == 0)
			return &s->heard[i];
	if (!add || s->nheard == HEARD_MAX)
		return NULL;
	list = realloc(s->heard, (s->nheard + 1) * sizeof(*list));
	if (list == NULL)
		return NULL;
	s->heard = list;
	h = &list[s->nheard++];
	*h = (struct heard){ .kind = kind };
	(void)snprintf(h->source, sizeof(h->source), "%s", source);
	return h;
}

void
serve_hear(void *arg, enum archiver_event event, const char *source,
    const char *text)
{
	struct serve *s = arg;
	bool begins;
	const char *kind = kind_of(event, &begins);
	struct heard *h;

	log_event(event == ARCHIVER_ACKED || event == ARCHIVER_RECOVERED ||
	    event == ARCHIVER_SPOOL_FREE ? LOG_INFO_ : LOG_WARN_, "archive",
	    "source", source, "event", archiver_event_text(event), "what",
	    text, NULL);
	if (kind == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	h = find(s, source, kind, begins);
	if (h != NULL) {
		h->at_us = clock_now_us();
		if (begins && !h->now)
			h->since_us = h->at_us;
		h->now = begins;
		(void)snprintf(h->text, sizeof(h->text), "%s", text);
	}
	h = event == ARCHIVER_SPOOL_FREE ? find(s, source, filling, false) :
	    NULL;
	if (h != NULL)
		h->now = false;
	(void)pthread_mutex_unlock(&s->lock);
}

void
serve_heard(struct serve *s, const struct source *x, int64_t now_us,
    serve_note *note)
{
	struct heard copy;
	size_t i;

	for (i = 0;; i++) {
		(void)pthread_mutex_lock(&s->lock);
		copy = i < s->nheard ? s->heard[i] : (struct heard){0};
		/* Who does not say it any more, or whose clock was put back,
		 * has nothing to say. */
		if (copy.kind != NULL && copy.now &&
		    strcmp(copy.kind, "purge_ahead") == 0 &&
		    (now_us - copy.at_us > PURGE_US || now_us < copy.at_us -
		    PURGE_US))
			copy.now = s->heard[i].now = false;
		(void)pthread_mutex_unlock(&s->lock);
		if (copy.kind == NULL)
			return;
		if (copy.now && strcmp(copy.source, x->name) == 0)
			note(s, x->name, copy.kind, copy.kind != filling,
			    copy.since_us, "%s", copy.text);
	}
}
