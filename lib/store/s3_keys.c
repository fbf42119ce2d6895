/* SPDX-License-Identifier: Apache-2.0 */
/* s3_keys: what signs the requests of a store, and newer keys. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "store/s3_keys.h"

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int
s3_keys_open(struct s3_keys *k, const char *profile, struct err *e)
{
	*k = (struct s3_keys){0};
	(void)pthread_mutex_init(&k->lock, NULL);
	if (credentials_find(profile, &k->now, e) != 0)
		return -1;
	k->from = k->now.from;
	k->first = strdup(k->now.id);
	if (profile != NULL)
		k->profile = strdup(profile);
	if (k->first == NULL || (profile != NULL && k->profile == NULL))
		return err_set(e, ERR_NOMEM, 0, "credentials");
	return 0;
}

int
s3_keys_get(struct s3_keys *k, struct credentials *out, unsigned *turn,
    struct err *e)
{
	*out = (struct credentials){0};
	(void)pthread_mutex_lock(&k->lock);
	*turn = k->turn;
	out->id = strdup(k->now.id);
	out->secret = strdup(k->now.secret);
	if (k->now.token != NULL)
		out->token = strdup(k->now.token);
	if (out->id == NULL || out->secret == NULL ||
	    (k->now.token != NULL && out->token == NULL)) {
		credentials_free(out);
		(void)err_set(e, ERR_NOMEM, 0, "credentials");
	}
	(void)pthread_mutex_unlock(&k->lock);
	return out->id != NULL ? 0 : -1;
}

/* Files that cannot be read, or are being written, change nothing. */
static void
look(struct s3_keys *k)
{
	struct credentials fresh, old;
	struct err ignored = {0};

	if (credentials_find(k->profile, &fresh, &ignored) != 0)
		return;
	(void)pthread_mutex_lock(&k->lock);
	old = k->now;
	k->now = fresh;
	if (!same(old.id, fresh.id) || !same(old.secret, fresh.secret) ||
	    !same(old.token, fresh.token))
		k->turn++;
	(void)pthread_mutex_unlock(&k->lock);
	credentials_free(&old);
}

bool
s3_keys_renew(struct s3_keys *k, unsigned turn)
{
	bool other;
	int i;

	/* Another request may have seen it first. */
	for (i = 0; i < 2; i++) {
		(void)pthread_mutex_lock(&k->lock);
		other = k->turn != turn;
		(void)pthread_mutex_unlock(&k->lock);
		if (other)
			return true;
		if (i == 0)
			look(k);
	}
	return false;
}

bool
s3_keys_until(struct s3_keys *k, struct store_until *out)
{
	look(k);
	(void)pthread_mutex_lock(&k->lock);
	*out = (struct store_until){ .us = k->now.until_us,
	    .renewable = !k->now.fixed };
	(void)pthread_mutex_unlock(&k->lock);
	return out->us != 0;
}

void
s3_keys_close(struct s3_keys *k)
{
	credentials_free(&k->now);
	free(k->profile);
	free(k->first);
	(void)pthread_mutex_destroy(&k->lock);
}
