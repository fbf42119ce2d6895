/* SPDX-License-Identifier: Apache-2.0 */
/* cron_impl: what the files of cron share; nobody else's. */
#ifndef BACKUPD_CRON_IMPL_H
#define BACKUPD_CRON_IMPL_H

#include <stdbool.h>

#include "backupd/cron.h"

#define CRON_MINUTE 60
#define CRON_HOUR 3600
#define CRON_DAY 86400

enum { F_MINUTE, F_HOUR, F_MDAY, F_MONTH, F_WDAY, FIELDS };

struct cron {
	char text[CRON_MAX + 1];
	int64_t every;			/* seconds, or 0: the fields */
	uint64_t bits[FIELDS];		/* bit n: n is admitted */
	bool star[FIELDS];		/* it begins with * */
};

static inline bool
cron_has(const struct cron *c, int field, unsigned value)
{
	return (c->bits[field] >> value & 1) != 0;
}

#endif /* !BACKUPD_CRON_IMPL_H */
