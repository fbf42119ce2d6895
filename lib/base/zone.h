/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone: a time zone, read from the system's own files (TZif, RFC 8536).
 *
 * Life cycle: zone_open or zone_parse; questions from any threads at once
 * (a zone never changes); zone_free.  Neither tzset nor the variable TZ nor
 * the C library's one zone is touched.  Times are seconds since the epoch,
 * UTC, without leap seconds; local times are counted the same way, as if
 * their clock showed UTC: zone_civil makes a date of either.
 *
 * After the last change that the file lists, its footer's rule goes on.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct zone;

#define ZONE_NEVER INT64_MAX	/* no further change of offset */
#define ZONE_TEXT 64		/* room for zone_text */

/* What a local time means. */
enum zone_fit {
	ZONE_SINGLE,	/* it comes once */
	ZONE_GAP,	/* clocks were put forward over it: it never comes */
	ZONE_DOUBLE,	/* clocks were put back over it: it comes twice */
};

/* A date and time of day; month and mday from 1, wday 0 for Sunday. */
struct zone_civil {
	int64_t year;
	unsigned month, mday, wday, hour, minute, second;
};

/* Open "UTC" (needs no file), "Europe/Berlin" (below TZDIR, else
 * /usr/share/zoneinfo), or, for NULL, /etc/localtime (UTC without it).  NULL
 * on failure, with *e set: ERR_USAGE for a name that is none. */
struct zone *zone_open(const char *name, struct err *e);

/* The same of a file's bytes; ERR_CORRUPT when they are no TZif. */
struct zone *zone_parse(const char *name, const void *data, size_t n,
    struct err *e);

/* The name that it was opened by; of NULL what /etc/localtime points at. */
const char *zone_name(const struct zone *z);

/* Seconds east of UTC at a time, and the first time after it at which that
 * may be another, or ZONE_NEVER. */
int32_t zone_offset(const struct zone *z, int64_t utc);
int64_t zone_change(const struct zone *z, int64_t utc);

/* When is it local o'clock?  *first is set to the time, of two the earlier,
 * and in a gap to the moment that ends it; *second to the later of two, else
 * to *first. */
enum zone_fit zone_utc(const struct zone *z, int64_t local, int64_t *first,
    int64_t *second);

/* Seconds as a date, and back; months beyond 12 and days beyond the month's
 * count on. */
struct zone_civil zone_civil(int64_t seconds);
int64_t zone_seconds(const struct zone_civil *c);
unsigned zone_month_days(int64_t year, unsigned month);

/* "2026-11-22T19:15:00+01:00", the second `utc` as the zone's clocks show
 * it. */
void zone_text(const struct zone *z, int64_t utc, char text[ZONE_TEXT]);

void zone_free(struct zone *z);

#endif /* !BASE_ZONE_H */
