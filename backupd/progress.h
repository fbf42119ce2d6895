/* SPDX-License-Identifier: Apache-2.0 */
/* progress: bytes, rows, rate and time left of a dump, now and then. */
#ifndef BACKUPD_PROGRESS_H
#define BACKUPD_PROGRESS_H

#include <stdint.h>

struct chunk_totals;
struct err;
struct progress;

/* A thread that draws a line each half second on a terminal, else logs one
 * each 30 s.  total: estimated raw bytes, 0 when unknown. */
struct progress *progress_start(const struct chunk_totals *t, uint64_t total,
    struct err *e);
void progress_stop(struct progress *p);

#endif /* !BACKUPD_PROGRESS_H */
