/* SPDX-License-Identifier: Apache-2.0 */
/* window: the time of the day in which dumps may run, "22:00-06:00". */
#include <stddef.h>

#include "base/err.h"
#include "base/zone.h"

#include "backupd/window.h"

#define DAY 1440u	/* minutes */
#define DAY_S INT64_C(86400)

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HH:MM at p, up to 24:00; NULL when it is none. */
static const char *
take_time(const char *p, unsigned *minute)
{
	unsigned h, m;

	if (!digit(p[0]) || !digit(p[1]) || p[2] != ':' || !digit(p[3]) ||
	    !digit(p[4]))
		return NULL;
	h = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
	m = (unsigned)(p[3] - '0') * 10 + (unsigned)(p[4] - '0');
	*minute = h * 60 + m;
	return m < 60 && *minute <= DAY ? p + 5 : NULL;
}

int
window_parse(const char *text, struct window *w, struct err *e)
{
	const char *p = take_time(text, &w->from);

	if (p != NULL)
		p = *p == '-' ? take_time(p + 1, &w->to) : NULL;
	if (p == NULL || *p != '\0' || w->from == DAY)
		return err_set(e, ERR_USAGE, 0, "'%.60s' is not HH:MM-HH:MM",
		    text);
	if (w->from == w->to)
		return err_set(e, ERR_USAGE, 0, "'%.60s' has no length", text);
	return 0;
}

bool
window_is_day(const struct window *w)
{
	return w->from == w->to || (w->from == 0 && w->to == DAY);
}

bool
window_holds(const struct window *w, const struct zone *z, int64_t us,
    int64_t *end_us)
{
	int64_t utc = us / 1000000, local, day, from, to, later;
	int back;

	*end_us = INT64_MAX;
	if (window_is_day(w))
		return true;
	local = utc + zone_offset(z, utc);
	day = local - ((local % DAY_S) + DAY_S) % DAY_S;
	/* One that began today, or yesterday and goes over midnight. */
	for (back = 0; back < 2; back++, day -= DAY_S) {
		from = day + w->from * 60;
		to = day + w->to * 60 + (w->to < w->from ? DAY_S : 0);
		if (local < from || local >= to)
			continue;
		(void)zone_utc(z, to, &from, &later);
		*end_us = from * 1000000;
		return true;
	}
	return false;
}
