/* SPDX-License-Identifier: Apache-2.0 */
/* share: which worker reads what. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "backupd/plan.h"
#include "backupd/table_run.h"
#include "base/err.h"

#include "backupd/share.h"

/* What a worker has: parts next to end of a table, not yet begun. */
struct hand {
	struct table_run *table;	/* or NULL */
	size_t next, end;
	size_t begun;		/* parts */
	bool open;		/* others may take from it */
	bool busy;
};

struct share {
	const struct plan *plan;
	unsigned workers;
	pthread_mutex_t lock;	/* guards the fields below */
	pthread_cond_t change;
	size_t item;		/* of the plan, the next to take */
	bool stopped;
	struct hand hands[];
};

struct share *
share_new(const struct plan *plan, unsigned workers, struct err *e)
{
	struct share *s = calloc(1, sizeof(*s) + workers *
	    sizeof(s->hands[0]));

	if (s == NULL)
		goto err0;
	if (pthread_mutex_init(&s->lock, NULL) != 0)
		goto err1;
	if (pthread_cond_init(&s->change, NULL) != 0)
		goto err2;
	s->plan = plan;
	s->workers = workers;
	return s;

err2:	pthread_mutex_destroy(&s->lock);
err1:	free(s);
err0:	(void)err_set(e, ERR_NOMEM, 0, "workers");
	return NULL;
}

/* The next table of the plan, or NULL. */
static struct plan_item *
next_table(struct share *s)
{
	struct plan_item *it;

	while (s->item < s->plan->nitems) {
		it = &s->plan->items[s->item++];
		if (it->kind == SCHEMA_TABLE && !it->dumped)
			return it;
	}
	return NULL;
}

/* Parts that may be taken from it.  Who has begun none keeps one: only parts
 * that are not yet done keep a table in memory. */
static size_t
spare(const struct hand *h)
{
	return h->open ? h->end - h->next - (h->begun == 0) : 0;
}

static uint64_t
rest(const struct hand *h)
{
	return spare(h) == 0 ? 0 : spare(h) * (h->table->part_bytes > 0 ?
	    h->table->part_bytes : 1);
}

/* Half of the largest rest, its end, goes to *mine. */
static bool
halve(struct share *s, struct hand *mine)
{
	struct hand *most = &s->hands[0];
	unsigned i;

	for (i = 1; i < s->workers; i++)
		if (rest(&s->hands[i]) > rest(most))
			most = &s->hands[i];
	if (rest(most) == 0)
		return false;
	*mine = (struct hand){ .table = most->table, .end = most->end,
	    .next = most->end - (spare(most) + 1) / 2, .open = true };
	most->end = mine->next;
	if (!mine->table->shared)
		mine->table->shared = true;
	return true;
}

static bool
anyone_busy(const struct share *s)
{
	unsigned i;

	for (i = 0; i < s->workers; i++)
		if (s->hands[i].busy)
			return true;
	return false;
}

enum share_kind
share_take(struct share *s, unsigned w, struct plan_item **item,
    struct table_run **table)
{
	struct hand *mine = &s->hands[w];
	enum share_kind kind = SHARE_NOTHING;

	*item = NULL;
	*table = NULL;
	(void)pthread_mutex_lock(&s->lock);
	while (!s->stopped) {
		*item = next_table(s);
		if (*item != NULL) {
			kind = SHARE_TABLE;
			break;
		}
		if (halve(s, mine)) {
			*table = mine->table;
			kind = SHARE_PARTS;
			break;
		}
		/* A table that was just begun may yet be opened. */
		if (!anyone_busy(s))
			break;
		(void)pthread_cond_wait(&s->change, &s->lock);
	}
	mine->busy = kind != SHARE_NOTHING;
	(void)pthread_mutex_unlock(&s->lock);
	return kind;
}

void
share_begin(struct share *s, unsigned w, struct table_run *t)
{
	(void)pthread_mutex_lock(&s->lock);
	s->hands[w] = (struct hand){ .table = t, .end = t->nparts,
	    .busy = true };
	(void)pthread_mutex_unlock(&s->lock);
}

void
share_open(struct share *s, unsigned w)
{
	(void)pthread_mutex_lock(&s->lock);
	s->hands[w].open = true;
	(void)pthread_cond_broadcast(&s->change);
	(void)pthread_mutex_unlock(&s->lock);
}

const struct range *
share_next(struct share *s, unsigned w)
{
	struct hand *mine = &s->hands[w];
	const struct range *part = NULL;

	(void)pthread_mutex_lock(&s->lock);
	if (!s->stopped && mine->next < mine->end) {
		part = &mine->table->parts[mine->next++];
		mine->begun++;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return part;
}

size_t
share_end(struct share *s, unsigned w)
{
	size_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->hands[w].begun;
	s->hands[w] = (struct hand){0};
	(void)pthread_cond_broadcast(&s->change);
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

void
share_stop(struct share *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->stopped = true;
	(void)pthread_cond_broadcast(&s->change);
	(void)pthread_mutex_unlock(&s->lock);
}

void
share_free(struct share *s)
{
	if (s == NULL)
		return;
	(void)pthread_cond_destroy(&s->change);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}
