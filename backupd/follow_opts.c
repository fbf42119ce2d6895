/* SPDX-License-Identifier: Apache-2.0 */
/* follow_opts: options of a source that outlive where they came from. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"

#include "backupd/follow.h"

/* The first member of what is allocated, so that one free does it. */
struct owned {
	struct follow_opts opts;
	struct conn_opts conn;
};

/* Every text that the options hold. */
static const size_t texts[] = {
	offsetof(struct owned, opts.source),
	offsetof(struct owned, opts.spool),
	offsetof(struct owned, conn.host),
	offsetof(struct owned, conn.socket),
	offsetof(struct owned, conn.user),
	offsetof(struct owned, conn.password),
	offsetof(struct owned, conn.ssl_ca),
	offsetof(struct owned, conn.ssl_capath),
	offsetof(struct owned, conn.ssl_cert),
	offsetof(struct owned, conn.ssl_key),
	offsetof(struct owned, conn.program),
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const char **
text(struct owned *o, size_t i)
{
	return (const char **)(void *)((char *)o + texts[i]);
}

struct follow_opts *
follow_opts_copy(const struct follow_opts *opts, struct cancel *cancel,
    struct err *e)
{
	struct owned *o = calloc(1, sizeof(*o));
	bool whole = o != NULL;
	const char **t;
	size_t i;

	for (i = 0; i < TEXTS && whole; i++) {
		if (i == 0) {
			o->opts = *opts;
			o->conn = *opts->conn;
		}
		t = text(o, i);
		if (*t != NULL)
			whole = (*t = strdup(*t)) != NULL;
	}
	/* What follows the text that failed is not ours. */
	for (; o != NULL && i < TEXTS && !whole; i++)
		*text(o, i) = NULL;
	if (!whole) {
		follow_opts_free(o == NULL ? NULL : &o->opts);
		(void)err_set(e, ERR_NOMEM, 0, "source %s", opts->source);
		return NULL;
	}
	o->conn.cancel = cancel;
	o->opts.conn = &o->conn;
	return &o->opts;
}

bool
follow_opts_same(const struct follow_opts *a, const struct follow_opts *b)
{
	struct owned x = { *a, *a->conn }, y = { *b, *b->conn };
	const char *s, *t;
	size_t i;

	for (i = 0; i < TEXTS; i++) {
		s = *text(&x, i);
		t = *text(&y, i);
		if ((s == NULL) != (t == NULL) ||
		    (s != NULL && strcmp(s, t) != 0))
			return false;
	}
	return a->age_ms == b->age_ms && a->adopt == b->adopt &&
	    a->ack == b->ack && a->spool_limit == b->spool_limit &&
	    strcmp(a->endpoints.list, b->endpoints.list) == 0 &&
	    a->endpoints.alone == b->endpoints.alone &&
	    a->endpoints.max_lag_s == b->endpoints.max_lag_s &&
	    a->endpoints.failover_ms == b->endpoints.failover_ms &&
	    x.conn.port == y.conn.port && x.conn.ssl == y.conn.ssl &&
	    x.conn.connect_ms == y.conn.connect_ms &&
	    x.conn.io_ms == y.conn.io_ms;
}

void
follow_opts_free(struct follow_opts *opts)
{
	struct owned *o = (struct owned *)(void *)opts;
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < TEXTS; i++)
		free((void *)(uintptr_t)*text(o, i));
	free(o);
}
