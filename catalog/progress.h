/* SPDX-License-Identifier: Apache-2.0 */
/* progress: bytes, rows, rate and time left of a long run, now and then. */
#ifndef CATALOG_PROGRESS_H
#define CATALOG_PROGRESS_H

#include <stdint.h>

struct err;
struct progress;

/* Counters that workers move on and the progress reads. */
struct progress_totals {
	_Atomic uint64_t tables, rows, raw;
};

/* A thread that draws a line each half second on a terminal, else logs one
 * each 30 s.  total: raw bytes to expect, 0 when unknown. */
struct progress *progress_start(const struct progress_totals *t,
    uint64_t total, struct err *e);
void progress_stop(struct progress *p);

#endif /* !CATALOG_PROGRESS_H */
