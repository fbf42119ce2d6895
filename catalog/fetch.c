/* SPDX-License-Identifier: Apache-2.0 */
/* fetch: many objects read one after another, those to come ahead of need. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/queue.h"

#include "catalog/fetch.h"

#define PIECE ((size_t)1 << 20)
#define PIECES 3		/* that wait, a thread */

struct piece {
	size_t n;		/* 0: the object ends, as err says */
	struct err err;
	unsigned char data[];
};

/* Reads the objects i for which i modulo the threads is its number. */
struct reader {
	struct fetch *fetch;
	struct queue *pieces;
	pthread_t thread;
	size_t number;
	bool started;
};

struct fetch {
	struct fetch_opts opts;	/* constant */
	struct reader readers[FETCH_THREADS_MAX];
	size_t at;		/* object that the caller reads */
	struct piece *lent;
	pthread_mutex_t lock;	/* guards the fields below */
	pthread_cond_t turn;	/* broadcast when they change */
	size_t next;		/* object to be opened next */
	bool closing;
};

/* Wait until it is this object's turn to be opened. */
static bool
take_turn(struct fetch *f, size_t i)
{
	bool mine;

	(void)pthread_mutex_lock(&f->lock);
	while (f->next != i && !f->closing)
		(void)pthread_cond_wait(&f->turn, &f->lock);
	mine = !f->closing;
	(void)pthread_mutex_unlock(&f->lock);
	return mine;
}

static void
pass_turn(struct fetch *f)
{
	(void)pthread_mutex_lock(&f->lock);
	f->next++;
	(void)pthread_cond_broadcast(&f->turn);
	(void)pthread_mutex_unlock(&f->lock);
}

/* True if the caller goes on listening. */
static bool
put(struct reader *r, const void *data, size_t n, const struct err *why)
{
	struct piece *p = malloc(sizeof(*p) + n);

	if (p == NULL)
		return false;
	p->n = n;
	p->err = *why;
	if (n > 0)
		memcpy(p->data, data, n);
	if (queue_put(r->pieces, p) == 0)
		return true;
	free(p);
	return false;
}

static bool
read_all(struct reader *r, struct object_reader *o, struct err *e)
{
	const struct err none = {0};
	const char *data;
	const void *got;
	size_t n, some;

	for (;;) {
		if (object_read(o, &got, &n, e) != 0 || n == 0)
			return true;
		for (data = got; n > 0; data += some, n -= some) {
			some = n < PIECE ? n : PIECE;
			if (!put(r, data, some, &none))
				return false;
		}
	}
}

static void *
read_objects(void *arg)
{
	struct reader *r = arg;
	struct fetch *f = r->fetch;
	struct object_reader *object;
	struct fetch_object what;
	struct err e;
	bool more = true;
	size_t i;

	for (i = r->number; more && i < f->opts.n && take_turn(f, i);
	    i += f->opts.threads) {
		e = (struct err){0};
		f->opts.object(f->opts.arg, i, &what);
		object = object_open(f->opts.store, what.key, what.offset,
		    what.length, &e);
		pass_turn(f);
		if (object != NULL)
			more = read_all(r, object, &e);
		object_close(object);
		more = more && put(r, NULL, 0, &e) && e.code == ERR_NONE;
	}
	/* Whoever waits for a piece that could not be made sees the end. */
	queue_close(r->pieces);
	return NULL;
}

struct fetch *
fetch_open(const struct fetch_opts *opts, struct err *e)
{
	const struct queue_opts queue = { .slots = PIECES, .item_free = free };
	struct fetch *f = calloc(1, sizeof(*f));
	struct reader *r;
	size_t i;

	assert(opts->threads > 0 && opts->threads <= FETCH_THREADS_MAX);
	if (f == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "fetch");
		return NULL;
	}
	f->opts = *opts;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->turn, NULL);
	for (i = 0; i < opts->threads; i++) {
		r = &f->readers[i];
		r->fetch = f;
		r->number = i;
		r->pieces = queue_new(&queue, e);
		if (r->pieces == NULL)
			goto fail;
		if (pthread_create(&r->thread, NULL, read_objects, r) != 0) {
			(void)err_set(e, ERR_NOMEM, 0, "a thread to fetch");
			goto fail;
		}
		r->started = true;
	}
	return f;

fail:	fetch_close(f);
	return NULL;
}

int
fetch_next(struct fetch *f, const void **data, size_t *n, struct err *e)
{
	struct piece *p;

	free(f->lent);
	f->lent = NULL;
	*data = "";
	*n = 0;
	if (f->at == f->opts.n)
		return 0;
	p = queue_take(f->readers[f->at % f->opts.threads].pieces);
	if (p == NULL)
		return err_set(e, ERR_NOMEM, 0, "fetch");
	if (p->err.code != ERR_NONE) {
		*e = p->err;
		free(p);
		return -1;
	}
	f->lent = p;
	*data = p->data;
	*n = p->n;
	f->at += p->n == 0;
	return 1;
}

void
fetch_close(struct fetch *f)
{
	size_t i;

	if (f == NULL)
		return;
	(void)pthread_mutex_lock(&f->lock);
	f->closing = true;
	(void)pthread_cond_broadcast(&f->turn);
	(void)pthread_mutex_unlock(&f->lock);
	for (i = 0; i < f->opts.threads; i++)
		if (f->readers[i].pieces != NULL)
			queue_abort(f->readers[i].pieces);
	for (i = 0; i < f->opts.threads; i++) {
		if (f->readers[i].started)
			(void)pthread_join(f->readers[i].thread, NULL);
		queue_free(f->readers[i].pieces);
	}
	free(f->lent);
	(void)pthread_cond_destroy(&f->turn);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}
