/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_impl: what the files of metrics share. */
#ifndef BACKUPD_METRICS_IMPL_H
#define BACKUPD_METRICS_IMPL_H

#include "backupd/metrics.h"

/* What a metric is one of for each of. */
enum of {
	OF_DAEMON,	/* the member `in` of the document, or the document */
	OF_STORE,
	OF_NOTIFIER,
	OF_SOURCE,	/* the member `in` of each source, or the source */
	OF_NEWEST,	/* the newest element of the array `in` of a source */
	OF_COUNT,	/* the length of the array `in` of a source */
	OF_JOB,		/* the member `in` of each job of a source, or it */
};

enum as {
	AS_NUMBER,
	AS_TIME,	/* RFC 3339 to seconds */
	AS_AGE,		/* seconds since then */
	AS_PRESENT,	/* 1 if there is an object, else 0 */
	AS_FAILED,	/* 0 for true, 1 for false */
};

struct metric {
	const char *name, *type, *help;
	enum of of;
	enum as as;
	const char *in, *key;
	const char *order;	/* OF_NEWEST: by this time */
};

/* Ends with name NULL. */
extern const struct metric metrics_table[];

#endif /* !BACKUPD_METRICS_IMPL_H */
