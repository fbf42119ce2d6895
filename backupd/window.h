/* SPDX-License-Identifier: Apache-2.0 */
/* window: the time of the day in which dumps may run, "22:00-06:00". */
#ifndef BACKUPD_WINDOW_H
#define BACKUPD_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct zone;

/* Minutes of the day; the window ends before `to`, which may be of the next
 * day (to < from) and is 24:00 at most.  Zeroed: the whole day. */
struct window {
	unsigned from, to;
};

/* ERR_USAGE: no such text, or a window without length. */
int window_parse(const char *text, struct window *w, struct err *e);

bool window_is_day(const struct window *w);

/* Is a moment inside?  Then *end_us is when the window ends: INT64_MAX for the
 * whole day. */
bool window_holds(const struct window *w, const struct zone *z, int64_t us,
    int64_t *end_us);

#endif /* !BACKUPD_WINDOW_H */
