/* SPDX-License-Identifier: Apache-2.0 */
/* pool: threads that do what blocks, for a thread that must not. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "mysql/connect.h"

#include "backupd/pool.h"

struct list {
	struct job *first, *last;
};

struct pool {
	int fd;			/* eventfd */
	size_t jobs;		/* the owner's thread alone */
	unsigned threads;
	pthread_mutex_t lock;	/* guards the fields below */
	pthread_cond_t work;
	struct list todo, done;
	bool closed;
	pthread_t thread[];
};

static void
append(struct list *l, struct job *j)
{
	j->next = NULL;
	if (l->first == NULL)
		l->first = j;
	else
		l->last->next = j;
	l->last = j;
}

static struct job *
take(struct list *l)
{
	struct job *j = l->first;

	if (j != NULL)
		l->first = j->next;
	return j;
}

static void *
work(void *arg)
{
	const uint64_t one = 1;
	struct err ignored = {0};
	struct pool *p = arg;
	struct job *j;

	/* A job that needs the client library finds out by itself. */
	(void)conn_thread_init(&ignored);
	(void)pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->todo.first == NULL && !p->closed)
			(void)pthread_cond_wait(&p->work, &p->lock);
		j = take(&p->todo);
		if (j == NULL)
			break;
		(void)pthread_mutex_unlock(&p->lock);
		j->run(j);
		(void)pthread_mutex_lock(&p->lock);
		append(&p->done, j);
		/* The counter is far from its end: this cannot fail. */
		if (write(p->fd, &one, sizeof(one)) < 0)
			continue;
	}
	(void)pthread_mutex_unlock(&p->lock);
	conn_thread_end();
	return NULL;
}

static void
join(struct pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->closed = true;
	(void)pthread_cond_broadcast(&p->work);
	(void)pthread_mutex_unlock(&p->lock);
	while (p->threads > 0)
		(void)pthread_join(p->thread[--p->threads], NULL);
}

static void
discard(struct pool *p)
{
	(void)pthread_cond_destroy(&p->work);
	(void)pthread_mutex_destroy(&p->lock);
	(void)close(p->fd);
	free(p);
}

struct pool *
pool_new(unsigned threads, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p) + threads *
	    sizeof(p->thread[0]));
	int error = 0;

	if (p == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "threads");
		return NULL;
	}
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->fd == -1) {
		(void)err_set(e, ERR_NOMEM, 0, "eventfd");
		free(p);
		return NULL;
	}
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->work, NULL);
	while (p->threads < threads && error == 0) {
		error = pthread_create(&p->thread[p->threads], NULL, work, p);
		if (error == 0)
			p->threads++;
	}
	if (error == 0)
		return p;
	(void)err_set(e, ERR_NOMEM, error, "start a thread");
	join(p);
	discard(p);
	return NULL;
}

int
pool_fd(const struct pool *p)
{
	return p->fd;
}

size_t
pool_jobs(const struct pool *p)
{
	return p->jobs;
}

void
pool_submit(struct pool *p, struct job *j)
{
	p->jobs++;
	(void)pthread_mutex_lock(&p->lock);
	append(&p->todo, j);
	(void)pthread_cond_signal(&p->work);
	(void)pthread_mutex_unlock(&p->lock);
}

void
pool_reap(struct pool *p)
{
	struct list done;
	struct job *j;
	uint64_t count;

	(void)pthread_mutex_lock(&p->lock);
	if (read(p->fd, &count, sizeof(count)) < 0)
		count = 0;
	done = p->done;
	p->done = (struct list){0};
	(void)pthread_mutex_unlock(&p->lock);
	while ((j = take(&done)) != NULL) {
		p->jobs--;
		j->done(j);
	}
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	join(p);
	pool_reap(p);
	discard(p);
}
