/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: which of a source's servers is dumped, and which of them can be
 * archived.
 */
#ifndef BACKUPD_ENDPOINT_H
#define BACKUPD_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct conn_opts;
struct err;
struct flavour;
struct settings;

#define ENDPOINTS_MAX 1024	/* letters of a list */

struct endpoint {
	char host[256];		/* "": the server of the connection's options */
	unsigned port;		/* 0: none was given */
};

/* The servers of a source; no pointers, so that it is copied with `=`. */
struct endpoints {
	char list[ENDPOINTS_MAX];	/* "HOST[:PORT],..."; "": there is only
					 * that of the connection's options */
	bool alone;		/* that is none of them */
	uint64_t max_lag_s;
	uint64_t failover_ms;	/* how long to wait for one that is gone */
};

/* "HOST", "HOST:PORT", "[::1]:PORT". */
void endpoint_split(const char *text, struct endpoint *x);

/* The first of a source's endpoints that answers and, if it is a replica,
 * replicates and is not further behind than max-lag; where there is none of
 * them the server that host or socket name, if they do.  *conn then means it, and
 * *x, which it points at, must live as long.  Without endpoints nothing is
 * done.  ERR_AGAIN: none will do, why the last will not. */
int endpoint_choose(const struct settings *s, struct conn_opts *conn,
    struct endpoint *x, struct err *e);

/* A source's servers, from its settings. */
int endpoint_list(const struct settings *s, struct endpoints *all,
    struct err *e);
/* The i-th server, that of the connection's options first; false: there are no
 * more. */
bool endpoint_at(const struct endpoints *all, size_t i, struct endpoint *x);
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);
/* The options of a connection to it; they point at *x. */
void endpoint_conn(const struct conn_opts *base, const struct endpoint *x,
    struct conn_opts *out);

/* Does what is committed at the source come into this server's binary log, and
 * soon?  A replica must replicate, log what it replicates, and be not further
 * behind than max_lag_s; any other must take writes.  ERR_AGAIN: why not. */
int endpoint_archivable(struct conn *c, const struct flavour *f,
    uint64_t max_lag_s, struct err *e);

#endif /* !BACKUPD_ENDPOINT_H */
