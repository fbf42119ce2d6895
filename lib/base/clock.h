/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: times of day and durations.
 *
 * Times of day are microseconds since the epoch, UTC.  Durations and
 * deadlines are milliseconds on the monotonic clock.  No function here
 * depends on locale or time zone.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT 48		/* room for any text written here */

/* Now, wall clock and monotonic. */
int64_t clock_now_us(void);
int64_t clock_mono_ms(void);

/* The system's own clock, which signatures and certificates go by.  Only in the
 * test build can it differ from clock_now_us: KURA_TEST_CLOCK=REAL:SHOWN:RATE
 * (two times in microseconds, and how many seconds pass in one) lets months
 * pass in minutes, in every process alike. */
int64_t clock_system_us(void);
/* The system's time at which clock_now_us shows this, and back: for timers,
 * and for times that others stamped. */
int64_t clock_to_system(int64_t us);
int64_t clock_from_system(int64_t us);

/* "2026-11-22T18:15:00.000000Z" and "20261122T181500Z". */
void clock_rfc3339(int64_t us, char text[CLOCK_TEXT]);
void clock_basic(int64_t us, char text[CLOCK_TEXT]);

/* "Sun, 22 Nov 2026 18:15:00 GMT", as HTTP writes it. */
void clock_http(int64_t us, char text[CLOCK_TEXT]);

/* Parse RFC 3339 (with zone), "YYYYMMDDThhmmssZ" or an HTTP date; returns 0,
 * or -1 if text is none of them. */
int clock_parse(const char *text, int64_t *us);

/* Time to wait before retry number attempt (1, 2, ...): full jitter,
 * random(0,1) * min(cap_ms, base_ms * 2^(attempt-1)). */
unsigned clock_backoff_ms(unsigned attempt, unsigned base_ms,
    unsigned cap_ms);

#endif /* !BASE_CLOCK_H */
