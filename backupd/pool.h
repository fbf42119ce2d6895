/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: threads that do what blocks, for a thread that must not.
 *
 * Life cycle: pool_new; pool_submit and, whenever pool_fd is readable,
 * pool_reap, both by the owner's thread; pool_free once nothing is submitted
 * any more.  A job belongs to the pool from pool_submit until its done() is
 * called.  The owner bounds how many jobs there are.  Each thread may use the
 * client library.
 */
#ifndef BACKUPD_POOL_H
#define BACKUPD_POOL_H

#include <stddef.h>

struct err;
struct pool;

/* The first member of a larger struct. */
struct job {
	void (*run)(struct job *j);	/* in a thread of the pool */
	void (*done)(struct job *j);	/* in the owner's thread */
	struct job *next;		/* the pool's */
};

struct pool *pool_new(unsigned threads, struct err *e);

/* Readable while finished jobs wait to be reaped. */
int pool_fd(const struct pool *p);

/* Give a job to the threads, in order. */
void pool_submit(struct pool *p, struct job *j);

/* Call done() of every job that was finished; it may submit others. */
void pool_reap(struct pool *p);

/* Jobs submitted whose done() was not called. */
size_t pool_jobs(const struct pool *p);

/* Wait until every job ran, reap them, and end the threads. NULL is fine. */
void pool_free(struct pool *p);

#endif /* !BACKUPD_POOL_H */
