/* SPDX-License-Identifier: Apache-2.0 */
/* zone_impl: what the files of the zones share; nobody else's. */
#ifndef BASE_ZONE_IMPL_H
#define BASE_ZONE_IMPL_H

#include <stdbool.h>

#include "base/zone.h"

/* When in a year summer time begins or ends, as POSIX TZ writes it. */
struct zone_when {
	char kind;		/* 'J', 'M', or 0: day of the year from 0 */
	int month, week, day;
	int32_t time;		/* seconds after that day's midnight */
};

/* A footer: standard time all year, or summer time between the two. */
struct zone_rule {
	bool there, summer;
	int32_t standard, daylight;	/* seconds east of UTC */
	struct zone_when begin, end;
};

struct zone {
	char *name;
	int64_t *times;		/* ascending: when offsets[i + 1] begins */
	int32_t *offsets;	/* offsets[0] is that before all times */
	size_t n;		/* times */
	struct zone_rule rule;	/* after the last of times */
};

/* zone_rule.c: a footer's text; 0, or -1 when it is none. */
int zone_rule_parse(const char *text, struct zone_rule *r);
int32_t zone_rule_offset(const struct zone_rule *r, int64_t utc);
int64_t zone_rule_change(const struct zone_rule *r, int64_t utc);

#endif /* !BASE_ZONE_IMPL_H */
