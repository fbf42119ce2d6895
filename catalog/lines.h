/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: a stream of bytes cut into lines.
 *
 * Life cycle: lines_init; lines_take any number of times; lines_end;
 * lines_fini.  Used by one thread.
 */
#ifndef CATALOG_LINES_H
#define CATALOG_LINES_H

#include <stddef.h>

#include "base/buf.h"

struct err;

/* One line without its LF, borrowed during the call; 0 to go on. */
typedef int lines_each(void *arg, const char *line, size_t n, struct err *e);

struct lines {
	lines_each *each;
	void *arg;
	struct buf begun;	/* of a line whose end has not come */
	size_t max;
};

/* max: longest line in bytes. */
void lines_init(struct lines *l, size_t max, lines_each *each, void *arg);

/* More bytes; arg is the struct lines, so that it can be a frame_sink.  What
 * each returned, if that is not 0; -1 with ERR_CORRUPT for a line over max. */
int lines_take(void *arg, const void *data, size_t n, struct err *e);

/* No more bytes: ERR_CORRUPT if a line was begun. */
int lines_end(const struct lines *l, struct err *e);

void lines_fini(struct lines *l);

#endif /* !CATALOG_LINES_H */
