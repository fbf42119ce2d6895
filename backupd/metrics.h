/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: the status document as Prometheus reads it.
 *
 * A pure function.  What the document does not know has no sample.  Times are
 * those of the facts, so that what happened long ago is seen to be old even
 * where the daemon learns nothing new.
 */
#ifndef BACKUPD_METRICS_H
#define BACKUPD_METRICS_H

#include <jansson.h>

struct buf;
struct err;

/* Append all metrics in the text format 0.0.4; 0, or -1 with *e set. */
int metrics_write(const json_t *status, struct buf *out, struct err *e);

#endif /* !BACKUPD_METRICS_H */
