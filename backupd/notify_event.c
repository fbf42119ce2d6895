/* SPDX-License-Identifier: Apache-2.0 */
/* notify_event: what happens comes into the queues of the channels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/utf8.h"

#include "backupd/notify_impl.h"

/* Put it into the queue, which takes it; under the lock.  True: the oldest
 * had to go. */
static bool
put(struct channel *c, struct item *item)
{
	struct item *old = NULL;

	if (c->n == c->max && c->head != NULL) {
		old = c->head;
		c->head = old->next;
		c->n--;
		c->dropped++;
		if (c->n == 0)
			c->tail = &c->head;
		if (c->told != NULL)
			told_done(c->told, old->notice.key,
			    old->notice.recovered, false);
		free(old->url);
		free(old);
	}
	*c->tail = item;
	c->tail = &item->next;
	c->n++;
	(void)pthread_cond_signal(&c->change);
	return old != NULL;
}

static void
say_dropped(const char *channel)
{
	log_event(LOG_ERROR_, "too many notices wait: the oldest is dropped",
	    "channel", channel, NULL);
}

/* What fits, without a character that is cut in two. */
static void
set(char *out, size_t size, const char *text)
{
	size_t n = 0, len;

	for (; text != NULL && text[n] != '\0'; n += len) {
		len = utf8_length(text + n);
		len = len == 0 ? 1 : len;
		if (n + len >= size)
			break;
		(void)memcpy(out + n, text + n, len);
		if (len == 1 && ((unsigned char)out[n] < 0x20 ||
		    out[n] == 0x7f))
			out[n] = ' ';
	}
	out[n] = '\0';
}

static bool
is_for(const struct channel *c, const struct notice *notice,
    const char *const *to)
{
	size_t i;

	for (i = 0; i < c->opts.non && !notice_filter_fits(&c->opts.on[i],
	    notice); i++)
		continue;
	if (c->told == NULL || (c->opts.non > 0 && i == c->opts.non))
		return false;
	if (to == NULL)
		return true;
	while (*to != NULL && strcmp(*to, c->opts.name) != 0)
		to++;
	return *to != NULL;
}

/* One channel of one event; under the lock.  True: one was dropped. */
static bool
offer(struct channel *c, const struct notice *notice)
{
	struct notice copy = *notice;
	struct item *item;

	if (!told_accept(c->told, copy.key, copy.recovered, &copy.since_us,
	    copy.at_us, &c->all->times))
		return false;
	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		c->dropped++;
		told_done(c->told, copy.key, copy.recovered, false);
		return true;
	}
	item->notice = copy;
	return put(c, item);
}

void
notify_event(struct notify *n, const struct notify_event *event)
{
	struct notice notice = { .kind = event->kind,
	    .recovered = event->recovered, .error = event->error,
	    .since_us = event->since_us, .at_us = clock_now_us() };
	struct channel *c;
	bool dropped;
	size_t i;

	set(notice.source, sizeof(notice.source), event->source);
	set(notice.job, sizeof(notice.job), event->job);
	set(notice.key, sizeof(notice.key), event->key);
	set(notice.text, sizeof(notice.text), event->text);
	notice_default_key(&notice);
	random_hex(notice.id, NOTICE_ID);
	for (i = 0; i < n->nchannels; i++) {
		c = &n->channels[i];
		if (!is_for(c, &notice, event->to))
			continue;
		(void)pthread_mutex_lock(&n->lock);
		dropped = !n->closed && offer(c, &notice);
		(void)pthread_mutex_unlock(&n->lock);
		if (dropped)
			say_dropped(c->opts.name);
	}
}

void
notify_forget(struct notify *n, const char *key)
{
	size_t i;

	(void)pthread_mutex_lock(&n->lock);
	for (i = 0; i < n->nchannels; i++)
		if (n->channels[i].told != NULL)
			told_forget(n->channels[i].told, key);
	(void)pthread_mutex_unlock(&n->lock);
}

/* The keys that a channel told, copied: one text after the other, each with
 * its NUL. */
static void
told_keys(struct channel *c, struct buf *out)
{
	const char *key;
	size_t i;

	(void)pthread_mutex_lock(&c->all->lock);
	for (i = 0; i < told_count(c->told); i++) {
		key = told_key(c->told, i);
		if (key != NULL)
			buf_add(out, key, strlen(key) + 1);
	}
	(void)pthread_mutex_unlock(&c->all->lock);
}

/* Of what is over, only the key is known: "source/...". */
static void
settle(struct channel *c, const char *key)
{
	struct notice notice = { .recovered = true, .at_us = clock_now_us() };
	char source[sizeof(notice.source)];
	bool dropped;

	(void)snprintf(source, sizeof(source), "%.*s",
	    (int)strcspn(key, "/"), key);
	set(notice.source, sizeof(notice.source), strcmp(source, "-") == 0 ?
	    "" : source);
	set(notice.key, sizeof(notice.key), key);
	set(notice.text, sizeof(notice.text), "it is over");
	random_hex(notice.id, NOTICE_ID);
	(void)pthread_mutex_lock(&c->all->lock);
	dropped = !c->all->closed && offer(c, &notice);
	(void)pthread_mutex_unlock(&c->all->lock);
	if (dropped)
		say_dropped(c->opts.name);
}

void
notify_settle(struct notify *n, bool (*is_wrong)(void *arg, const char *key),
    void *arg)
{
	struct buf keys = {0};
	const char *key;
	size_t i;

	for (i = 0; i < n->nchannels; i++) {
		if (n->channels[i].told == NULL)
			continue;
		buf_clear(&keys);
		told_keys(&n->channels[i], &keys);
		for (key = keys.data; !keys.failed && keys.len > 0 &&
		    key < keys.data + keys.len; key += strlen(key) + 1)
			if (!is_wrong(arg, key))
				settle(&n->channels[i], key);
	}
	buf_free(&keys);
}

void
notify_ping(struct notify *n, const char *url, bool ok)
{
	struct channel *c = &n->channels[n->nchannels - 1];
	struct item *item, *waiting;
	bool dropped = false;

	(void)pthread_mutex_lock(&n->lock);
	/* The last word is what counts. */
	for (waiting = c->head; waiting != NULL; waiting = waiting->next)
		if (strcmp(waiting->url, url) == 0)
			break;
	if (waiting != NULL) {
		waiting->ok = ok;
	} else if (!n->closed) {
		item = calloc(1, sizeof(*item));
		if (item != NULL)
			item->url = strdup(url);
		if (item != NULL && item->url != NULL) {
			item->ok = ok;
			dropped = put(c, item);
		} else {
			free(item);
			dropped = true;
		}
	}
	(void)pthread_mutex_unlock(&n->lock);
	if (dropped)
		say_dropped(c->opts.name);
}
