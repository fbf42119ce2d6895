/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_keys: what signs the requests of a store, and newer keys once those have
 * ended.
 *
 * Life cycle: s3_keys_open; all others from any thread; s3_keys_close.  Each
 * change of the keys is a turn, so that a request that was refused knows
 * whether it was signed with those that are used now.
 */
#ifndef STORE_S3_KEYS_H
#define STORE_S3_KEYS_H

#include <pthread.h>
#include <stdbool.h>

#include "store/credentials.h"
#include "store/store.h"

struct err;

struct s3_keys {
	char *profile;			/* or NULL */
	char *first;			/* the id that it was opened with */
	const char *from;		/* static: which source */
	pthread_mutex_t lock;		/* guards the fields below */
	struct credentials now;
	unsigned turn;
};

/* Find keys, as credentials_find does. */
int s3_keys_open(struct s3_keys *k, const char *profile, struct err *e);

/* Those of now: id, secret and token alone, to be freed, and their turn. */
int s3_keys_get(struct s3_keys *k, struct credentials *out, unsigned *turn,
    struct err *e);

/* The store takes those of a turn no more: are there others?  Reads the AWS
 * files anew, which are small and local. */
bool s3_keys_renew(struct s3_keys *k, unsigned turn);

/* As store_until; reads the files anew, too. */
bool s3_keys_until(struct s3_keys *k, struct store_until *out);

/* A zeroed one that was never opened is fine. */
void s3_keys_close(struct s3_keys *k);

#endif /* !STORE_S3_KEYS_H */
