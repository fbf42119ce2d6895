/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply: what a request gets, by its path and the status document.
 *
 * Pure functions: no I/O, no state.  Paths are compared as they came, before
 * any %-escape is undone: no path of ours has one.
 */
#ifndef BACKUPD_REPLY_H
#define BACKUPD_REPLY_H

#include <jansson.h>

#include "base/buf.h"

struct err;

#define REPLY_MAX ((size_t)64 << 20)	/* bytes of a body */

/* What has to be known to answer a path. */
enum reply_needs {
	REPLY_NOTHING,		/* there is no such path */
	REPLY_HEALTH,		/* /healthz: anybody may ask */
	REPLY_READY,		/* /readyz: anybody may ask */
	REPLY_STATUS,		/* the status document */
};

struct reply {
	unsigned status;	/* of HTTP */
	const char *type;	/* Content-Type; static */
	bool page;		/* HTML with our style and script */
	struct buf body;
};

enum reply_needs reply_needs(const char *path);

/* Answer a path that needs the status document (and, by 404, any other);
 * status NULL: 503, there is none yet.  r is zeroed by the caller, who frees
 * r->body.  0, or -1 with *e set when the body got too large. */
int reply_make(const char *path, json_t *status, struct reply *r,
    struct err *e);

/* Answer with a line of text. */
void reply_line(unsigned status, const char *line, struct reply *r);

#endif /* !BACKUPD_REPLY_H */
