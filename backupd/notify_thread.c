/* SPDX-License-Identifier: Apache-2.0 */
/* notify_thread: a channel delivers what waits, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backupd/deliver.h"
#include "backupd/post.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

#include "backupd/notify_impl.h"

#define BACKOFF_MS 1000
#define BACKOFF_CAP_MS 60000
#define PING_RETRY_MS 30000
#define PING_TRIES 3
#define STATE_MAX ((size_t)4 << 20)

/* --- what was told --- */

void
notify_recall(struct channel *c)
{
	struct buf text = {0};
	struct err e = {0};

	if (c->path == NULL)
		return;
	if (file_read(c->path, STATE_MAX, &text, &e) != 0) {
		if (e.code != ERR_NOTFOUND)
			log_event(LOG_WARN_, "what was told is not known",
			    "channel", c->opts.name, "error", e.msg, NULL);
	} else if (told_parse(c->told, buf_str(&text), text.len, &e) != 0) {
		log_event(LOG_WARN_, "what was told is not known", "channel",
		    c->opts.name, "file", c->path, "error", e.msg, NULL);
	}
	buf_free(&text);
}

static void
keep(struct channel *c)
{
	struct buf text = {0};
	struct err e = {0};
	bool changed;

	if (c->path == NULL)
		return;
	(void)pthread_mutex_lock(&c->all->lock);
	changed = told_changed(c->told) && told_text(c->told, &text, &e) == 0;
	(void)pthread_mutex_unlock(&c->all->lock);
	if (changed && file_write(c->path, text.data, text.len, 0600,
	    &e) != 0)
		log_event(LOG_WARN_, "what was told is not kept", "channel",
		    c->opts.name, "error", e.msg, NULL);
	buf_free(&text);
}

/* --- attempts --- */

/* Wait for the next one; false when stopped. */
static bool
wait_ms(struct channel *c, uint64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_mutex_lock(&c->all->lock);
	while (!atomic_load(&c->all->stop) && pthread_cond_timedwait(
	    &c->change, &c->all->lock, &until) == 0)
		continue;
	(void)pthread_mutex_unlock(&c->all->lock);
	return !atomic_load(&c->all->stop);
}

static int
attempt(struct channel *c, const struct item *item, struct post_link *link,
    unsigned *after_s, struct err *e)
{
	struct delivery d = { .channel = &c->opts, .origin = &c->all->origin,
	    .link = link, .stop = &c->all->stop };
	char said[DELIVER_SAID];

	*after_s = 0;
	if (item->url != NULL)
		return deliver_ping(link, item->url, item->ok, d.stop, e);
	return deliver(&d, &item->notice, said, after_s, e);
}

/* Until it is delivered, refused, or its time is over. */
static int
deliver_item(struct channel *c, const struct item *item,
    struct post_link *link, struct err *e)
{
	uint64_t limit = item->url != NULL ? PING_RETRY_MS :
	    c->opts.retry_ms, pause;
	int64_t begun = clock_mono_ms();
	unsigned tries, after_s;

	for (tries = 1;; tries++) {
		*e = (struct err){0};
		if (attempt(c, item, link, &after_s, e) == 0)
			return 0;
		if (e->code != ERR_AGAIN || limit == 0 ||
		    (item->url != NULL && tries == PING_TRIES))
			return -1;
		pause = clock_backoff_ms(tries, BACKOFF_MS, BACKOFF_CAP_MS);
		if (pause < (uint64_t)after_s * 1000)
			pause = (uint64_t)after_s * 1000;
		if ((uint64_t)(clock_mono_ms() - begun) + pause > limit)
			return err_wrap(e, "given up after %u attempt%s",
			    tries, tries == 1 ? "" : "s");
		if (!wait_ms(c, pause))
			return -1;
	}
}

static void
report(const struct channel *c, const struct item *item, int rc,
    const struct err *e)
{
	char host[POST_HOST];

	if (item->url != NULL && rc != 0)
		log_event(LOG_WARN_, "ping failed", "to",
		    post_host(item->url, host), "error", e->msg, NULL);
	else if (item->url == NULL)
		log_event(rc == 0 ? LOG_INFO_ : LOG_ERROR_, rc == 0 ?
		    "told" : "notice not delivered", "channel", c->opts.name,
		    "key", item->notice.key, "state", item->notice.recovered ?
		    "recovered" : "firing", "error", rc == 0 ? NULL : e->msg,
		    NULL);
}

/* --- the thread --- */

static struct item *
take(struct channel *c)
{
	struct item *item;

	(void)pthread_mutex_lock(&c->all->lock);
	c->busy = false;
	if (c->n == 0)
		(void)pthread_cond_broadcast(&c->all->idle);
	while (c->n == 0 && !atomic_load(&c->all->stop))
		(void)pthread_cond_wait(&c->change, &c->all->lock);
	item = atomic_load(&c->all->stop) ? NULL : c->head;
	if (item != NULL) {
		c->busy = true;
		c->head = item->next;
		if (--c->n == 0)
			c->tail = &c->head;
	}
	(void)pthread_mutex_unlock(&c->all->lock);
	return item;
}

static bool
wanted(struct channel *c, const struct item *item)
{
	bool yes;

	if (c->told == NULL)
		return true;
	(void)pthread_mutex_lock(&c->all->lock);
	yes = told_wanted(c->told, item->notice.key,
	    item->notice.recovered);
	(void)pthread_mutex_unlock(&c->all->lock);
	return yes;
}

static void
done(struct channel *c, const struct item *item, bool tried, int rc)
{
	(void)pthread_mutex_lock(&c->all->lock);
	if (tried && rc == 0)
		c->delivered++;
	else if (tried)
		c->failed++;
	if (c->told != NULL)
		told_done(c->told, item->notice.key, item->notice.recovered,
		    tried && rc == 0);
	(void)pthread_mutex_unlock(&c->all->lock);
}

void *
notify_thread(void *arg)
{
	struct channel *c = arg;
	struct item *item;
	struct err e = {0};
	struct post_link *link = post_link_new(&e);
	bool tried;
	int rc = -1;

	while ((item = take(c)) != NULL) {
		tried = wanted(c, item);
		if (tried) {
			e = (struct err){0};
			rc = link == NULL ? err_set(&e, ERR_NOMEM, 0,
			    "web request") : deliver_item(c, item, link, &e);
			report(c, item, rc, &e);
		}
		done(c, item, tried, rc);
		if (c->told != NULL)
			keep(c);
		free(item->url);
		free(item);
	}
	post_link_free(link);
	return NULL;
}
