/* SPDX-License-Identifier: Apache-2.0 */
/* claims_serve: the thread that writes our heartbeat and lists the others'. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/claim.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include "backupd/claims_impl.h"

#define KEEP_DEAD_MS ((int64_t)24 * 3600 * 1000)
#define REMOVED_AT_ONCE 16
#define ASK_MS 100		/* first, then twice as long each time */

static void
count(struct claims *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->requests++;
	(void)pthread_mutex_unlock(&c->lock);
}

/* The store failed us, or answers again; said once. */
static void
heard(struct claims *c)
{
	const struct err *e = c->beat_err.code != ERR_NONE ? &c->beat_err :
	    &c->list_err;
	bool was, is = e->code == ERR_NONE;

	(void)pthread_mutex_lock(&c->lock);
	was = c->lost_us == 0;
	if (was != is)
		c->lost_us = is ? 0 : clock_now_us();
	(void)pthread_mutex_unlock(&c->lock);
	if (was && !is && e->code != ERR_CANCELLED)
		log_event(LOG_WARN_, "other daemons cannot be heard of: "
		    "nothing new begins after a while", "why", e->msg, "hint",
		    e->hint[0] != '\0' ? e->hint : NULL, NULL);
	if (!was && is)
		log_event(LOG_INFO_, "other daemons are heard of again", NULL);
	if (was != is)
		claims_fire(c);
}

/* --- our own --- */

/* What we say ourselves need not be read. */
static int
own_words(struct claims *c, struct heartbeat *h, struct err *e)
{
	(void)pthread_mutex_lock(&c->lock);
	*h = c->self;
	h->stands = NULL;
	h->nstands = 0;
	h->sources = malloc((h->nsources + 1) * sizeof(*h->sources));
	if (h->sources != NULL && h->nsources > 0)
		memcpy(h->sources, c->self.sources,
		    h->nsources * sizeof(*h->sources));
	(void)pthread_mutex_unlock(&c->lock);
	return h->sources != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "heartbeat");
}

static void
learn_own(struct claims *c)
{
	struct heartbeat h;
	struct err e = {0};

	/* Without memory the next listing says it. */
	if (own_words(c, &h, &e) != 0)
		return;
	(void)pthread_mutex_lock(&c->lock);
	daemons_learn(c->daemons, c->self.id, &h, false);
	(void)pthread_mutex_unlock(&c->lock);
	heartbeat_free(&h);
	claims_fire(c);
}

/* So long that it is the same as before where nothing else is said, and another
 * where it is.  Stands come and grow: there is room for some more. */
static int
pad(struct claims *c, bool news, struct buf *out, struct err *e)
{
	size_t want = c->written;

	if (news || out->len > want) {
		want = out->len + out->len / 8;
		want = want > HEARTBEAT_MAX ? HEARTBEAT_MAX : want;
		want += want == c->written;
	}
	while (out->len < want && !out->failed)
		buf_addc(out, ' ');
	c->written = want;
	return buf_check(out, "heartbeat", e);
}

/* The document as it is now. */
static int
compose(struct claims *c, bool *news, struct buf *out, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&c->lock);
	c->self.beat_us = clock_now_us();
	*news = c->dirty;
	rc = heartbeat_write(&c->self, (const char *const *)c->names,
	    c->nnames, out, e);
	c->dirty = false;
	(void)pthread_mutex_unlock(&c->lock);
	return rc == 0 ? pad(c, *news, out, e) : -1;
}

static void
beat(struct claims *c)
{
	char key[STORE_KEY_MAX];
	int64_t began = clock_mono_ms();
	struct buf text = {0};
	struct err e = {0};
	bool sure, news;
	int rc;

	c->next_beat_ms = began + c->heartbeat_ms;
	heartbeat_key(c->self.id, key);
	rc = compose(c, &news, &text, &e);
	if (news)
		learn_own(c);
	if (rc == 0 && store_put(c->store, key, text.data, text.len, false,
	    &e) == 0) {
		(void)pthread_mutex_lock(&c->lock);
		sure = claims_sure(c, clock_mono_ms());
		c->beat_ms = began;
		(void)pthread_mutex_unlock(&c->lock);
		/* Who was out of sight is seen by the others now; and what was
		 * due meanwhile is ours again, maybe without a listing. */
		if (!sure) {
			c->next_list_ms = began;
			claims_fire(c);
		}
	}
	count(c);
	c->beat_err = e;
	heard(c);
	buf_free(&text);
}

static void
take_back(struct claims *c)
{
	char key[STORE_KEY_MAX];
	const char *keys[1] = { key };
	struct err e = {0};

	heartbeat_key(c->self.id, key);
	if (store_delete(c->store, keys, 1, &e) != 0 &&
	    e.code != ERR_CANCELLED)
		log_event(LOG_WARN_, "the heartbeat cannot be removed: others "
		    "take over a little later", "why", e.msg, NULL);
	count(c);
}

/* --- the others --- */

struct sight {
	char id[CLAIMS_ID_LEN + 1];
	uint64_t size;
	int64_t mtime_us;
};

struct sights {
	struct sight *all;
	size_t n, room;
};

static int
see(void *arg, const struct store_entry *entry, struct err *e)
{
	struct sights *x = arg;
	char id[CLAIMS_ID_LEN + 1];
	struct sight *more;

	if (heartbeat_id(entry->key, id) != 0)
		return 0;
	if (x->n == DAEMONS_MAX)
		return err_set(e, ERR_IO, 0, "over %d heartbeats of daemons",
		    DAEMONS_MAX);
	if (x->n == x->room) {
		x->room = x->room == 0 ? 16 : 2 * x->room;
		more = realloc(x->all, x->room * sizeof(*more));
		if (more == NULL)
			return err_set(e, ERR_NOMEM, 0, "daemons");
		x->all = more;
	}
	memcpy(x->all[x->n].id, id, sizeof(id));
	x->all[x->n].size = entry->size;
	x->all[x->n++].mtime_us = entry->mtime_us;
	return 0;
}

/* The store's time, if it is needed: one clock for what it stamped. */
static int
store_now(struct claims *c, const struct sights *x, int64_t *now_us,
    struct err *e)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (!daemons_has(c->daemons, x->all[i].id))
			return store_time(c->store, now_us, e);
	*now_us = 0;
	return 0;
}

/* Only this thread changes the table: it may look at it without the lock. */
static int
look(struct claims *c, int64_t began, bool *changed, struct err *e)
{
	struct sights x = {0};
	int64_t now_us = 0;
	int rc = store_list(c->store, HEARTBEAT_PREFIX, see, &x, e);
	size_t i;

	count(c);
	if (rc == 0)
		rc = store_now(c, &x, &now_us, e);
	(void)pthread_mutex_lock(&c->lock);
	if (rc == 0)
		daemons_begin(c->daemons, began);
	for (i = 0; i < x.n && rc == 0; i++)
		rc = daemons_see(c->daemons, x.all[i].id, x.all[i].size,
		    x.all[i].mtime_us, (now_us - x.all[i].mtime_us) / 1000, e);
	if (rc == 0)
		*changed = daemons_end(c->daemons, clock_mono_ms());
	(void)pthread_mutex_unlock(&c->lock);
	free(x.all);
	return rc;
}

static int
read_one(struct claims *c, const char *id, struct heartbeat *h,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	struct buf text = {0};
	int rc;

	heartbeat_key(id, key);
	rc = store_get(c->store, key, HEARTBEAT_MAX, &text, e);
	count(c);
	if (rc == 0) {
		rc = heartbeat_parse(buf_str(&text), text.len, id, h, e);
		if (rc != 0)
			(void)err_wrap(e, "%s/%s", store_name(c->store), key);
	}
	buf_free(&text);
	return rc;
}

/* Read what is new; true if anything was. */
static bool
learn(struct claims *c)
{
	char id[CLAIMS_ID_LEN + 1];
	struct heartbeat h;
	struct err e;
	const char *next;
	bool ours, gone, any = false;
	int rc;

	for (; (next = daemons_unread(c->daemons)) != NULL; any = true) {
		memcpy(id, next, sizeof(id));
		ours = strcmp(id, c->self.id) == 0;
		h = (struct heartbeat){0};
		e = (struct err){0};
		rc = ours ? own_words(c, &h, &e) : read_one(c, id, &h, &e);
		if (rc != 0 && e.code != ERR_NOTFOUND)
			log_event(LOG_WARN_, "a daemon's heartbeat cannot be "
			    "read: it counts for nothing", "why", e.msg, NULL);
		/* One that died on this host need not be waited for. */
		gone = rc == 0 && !ours && process_gone(&h.process);
		c->ask_ms = ASK_MS;
		(void)pthread_mutex_lock(&c->lock);
		daemons_learn(c->daemons, id, rc == 0 ? &h : NULL, gone);
		(void)pthread_mutex_unlock(&c->lock);
		heartbeat_free(&h);
	}
	return any;
}

/* Those of this host that were not gone when they were read may be now: the
 * one before us may have been about to end.  True if any is. */
static bool
ask(struct claims *c)
{
	const struct daemons_one *list;
	bool neighbour = false, changed = false;
	size_t n, i;

	list = daemons_all(c->daemons, &n);
	for (i = 0; i < n; i++) {
		if (!list[i].alive || !list[i].known ||
		    strcmp(list[i].beat.id, c->self.id) == 0 ||
		    !process_here(&list[i].beat.process))
			continue;
		if (!process_gone(&list[i].beat.process)) {
			neighbour = true;
			continue;
		}
		(void)pthread_mutex_lock(&c->lock);
		daemons_learn(c->daemons, list[i].beat.id, NULL, true);
		(void)pthread_mutex_unlock(&c->lock);
		changed = true;
	}
	c->next_ask_ms = neighbour ? clock_mono_ms() + c->ask_ms : INT64_MAX;
	c->ask_ms = 2 * c->ask_ms < c->list_ms ? 2 * c->ask_ms : c->list_ms;
	return changed;
}

/* The lowest live daemon clears away what others left long ago. */
static void
clear_away(struct claims *c)
{
	char keys[REMOVED_AT_ONCE][STORE_KEY_MAX];
	const char *all[REMOVED_AT_ONCE];
	const struct daemons_one *list;
	int64_t now = clock_mono_ms();
	struct err e = {0};
	size_t n, i, k = 0;

	list = daemons_all(c->daemons, &n);
	for (i = 0; i < n && !list[i].alive; i++)
		continue;
	if (i == n || strcmp(list[i].beat.id, c->self.id) != 0)
		return;
	for (i = 0; i < n && k < REMOVED_AT_ONCE; i++)
		if (daemons_dead_for(&list[i], KEEP_DEAD_MS, now)) {
			heartbeat_key(list[i].beat.id, keys[k]);
			all[k] = keys[k];
			k++;
		}
	if (k == 0)
		return;
	count(c);
	if (store_delete(c->store, all, k, &e) != 0)
		log_event(LOG_WARN_, "old heartbeats cannot be removed", "why",
		    e.msg, NULL);
}

static void
list(struct claims *c)
{
	int64_t began = clock_mono_ms(), due;
	struct err e = {0};
	bool changed = false;

	c->next_list_ms = began + c->list_ms;
	if (look(c, began, &changed, &e) == 0) {
		changed |= learn(c);
		changed |= ask(c);
		(void)pthread_mutex_lock(&c->lock);
		changed |= !claims_sure(c, clock_mono_ms());
		/* Whoever is alive is known now: we may be sure. */
		c->list_ok_ms = began;
		(void)pthread_mutex_unlock(&c->lock);
		if (changed)
			claims_fire(c);
		clear_away(c);
		/* Once more when somebody will have been silent too long. */
		due = daemons_due(c->daemons);
		if (due < c->next_list_ms)
			c->next_list_ms = due > began + c->heartbeat_ms / 4 ?
			    due : began + c->heartbeat_ms / 4;
	}
	c->list_err = e;
	heard(c);
}

/* --- the thread --- */

/* Is it ours still?  Else the claim of whoever has it now comes first. */
static bool
is_ours(struct claims *c, const char *source)
{
	uint64_t hash = heartbeat_hash(source);
	const struct daemons_one *one;
	bool ours = false;
	unsigned job;

	(void)pthread_mutex_lock(&c->lock);
	for (job = 1; job <= CLAIMS_ALL; job <<= 1) {
		one = daemons_owner(c->daemons, hash, job);
		ours |= one != NULL && strcmp(one->beat.id, c->self.id) == 0;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return ours;
}

static void
write_claim(struct claims *c, struct claims_taken *x)
{
	struct err e = {0};

	if (is_ours(c, x->source) && claim_take(c->store, x->source, c->self.id, x->why, &e) == -1 &&
	    e.code != ERR_CANCELLED)
		log_event(LOG_WARN_, "a claim cannot be written", "source",
		    x->source, "why", e.msg, NULL);
	free(x);
}

enum due { DUE_BEAT, DUE_LIST, DUE_ASK, DUE_CLAIM, DUE_STOP };

/* Until something is due; a claim is the caller's then. */
static enum due
wait(struct claims *c, struct claims_taken **x)
{
	int64_t due = c->next_beat_ms < c->next_list_ms ? c->next_beat_ms :
	    c->next_list_ms, now;
	struct timespec until;
	enum due what;

	*x = NULL;
	if (c->next_ask_ms < due)
		due = c->next_ask_ms;
	(void)pthread_mutex_lock(&c->lock);
	while (!c->stop && !c->set)
		(void)pthread_cond_wait(&c->change, &c->lock);
	while (!c->stop && !c->dirty && c->first == NULL &&
	    (now = clock_mono_ms()) < due) {
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (due - now) / 1000;
		until.tv_nsec += (long)((due - now) % 1000) * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		(void)pthread_cond_timedwait(&c->change, &c->lock, &until);
	}
	if (c->paced)
		claims_take_pace(c);
	now = clock_mono_ms();
	/* Claims can wait. */
	what = c->stop ? DUE_STOP : c->dirty || c->next_beat_ms <= now ?
	    DUE_BEAT : c->next_list_ms <= now ? DUE_LIST :
	    c->next_ask_ms <= now ? DUE_ASK : DUE_CLAIM;
	if (what == DUE_CLAIM && c->first != NULL) {
		*x = c->first;
		c->first = (*x)->next;
		if (c->first == NULL)
			c->last = NULL;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return what;
}

void *
claims_serve(void *arg)
{
	struct claims *c = arg;
	struct claims_taken *x;
	enum due what;

	while ((what = wait(c, &x)) != DUE_STOP) {
		if (what == DUE_BEAT)
			beat(c);
		else if (what == DUE_LIST)
			list(c);
		else if (x != NULL)
			write_claim(c, x);
		else if (what == DUE_ASK && ask(c))
			claims_fire(c);
	}
	take_back(c);
	(void)pthread_mutex_lock(&c->lock);
	c->stopped = true;
	(void)pthread_cond_broadcast(&c->change);
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}
