/* SPDX-License-Identifier: Apache-2.0 */
/* page_impl: what the files of page share. */
#ifndef BACKUPD_PAGE_IMPL_H
#define BACKUPD_PAGE_IMPL_H

#include <jansson.h>
#include <stdint.h>

struct buf;

#define PAGE_DAY ((int64_t)86400 * 1000000)
#define PAGE_DAYS 30		/* that are drawn */

/* --- words (page_text.c); each appends --- */

/* Text, so that it is text anywhere in HTML: in elements and in quoted
 * attributes.  NULL is nothing.  Control characters become spaces. */
void page_escape(struct buf *out, const char *text);

/* Text between two pieces of HTML. */
void page_put(struct buf *out, const char *before, const char *text,
    const char *after);

/* "45 s", "12 min", "3 h 20 min", "5 days": as long as us. */
void page_span(struct buf *out, int64_t us);

/* "just now", "3 h ago", "in 5 days", as a <time> with the whole time; "never"
 * for FACTS_UNKNOWN. */
void page_age(struct buf *out, int64_t now, int64_t at);

/* "12 Nov 02:15" as a <time> with the whole time. */
void page_date(struct buf *out, int64_t at);

/* "4.2 GiB", "1 234 567". */
void page_bytes(struct buf *out, double bytes);
void page_count(struct buf *out, double n);

/* --- drawings (page_draw.c) --- */

/* The last 30 days of a source: windows, dumps, gaps, drills. */
void page_timeline(struct buf *out, const json_t *source, int64_t now);
/* The same larger, with days. */
void page_timeline_large(struct buf *out, const json_t *source, int64_t now);

/* The line of a member of the source's backups over 30 days; say writes a
 * value of it. */
void page_spark(struct buf *out, const json_t *source, const char *key,
    const char *label, void (*say)(struct buf *, double), int64_t now);

/* Seconds as page_span, for page_spark. */
void page_seconds(struct buf *out, double seconds);

/* How a job's run ended: a word for it ("cancelled"), and its class. */
const char *page_result(const json_t *run);
const char *page_class(const json_t *run);

/* --- parts --- */

/* The table of all sources (page_row.c). */
void page_sources(struct buf *out, const json_t *status, int64_t now);

/* What the drawings mean. */
void page_legend(struct buf *out);

/* All that is known of one source (page_detail.c). */
void page_detail(struct buf *out, const json_t *status, const json_t *source,
    int64_t now);

/* "failing", "warning", "ok", "unknown", or "paused": the source's state as a
 * word that is also its class. */
const char *page_state(const json_t *source);

/* What is wrong with a source, each as a list item (page_problem.c). */
void page_problem(struct buf *out, const json_t *source, const json_t *problem,
    int64_t now);
/* All that is wrong, what is worst first. */
void page_problems(struct buf *out, const json_t *status, int64_t now);

/* A running job with its progress (page_running.c), and all of them. */
void page_running(struct buf *out, const json_t *status, int64_t now);

/* Daemons, stores, the last jobs (page_fleet.c). */
void page_fleet(struct buf *out, const json_t *status, int64_t now);
void page_history(struct buf *out, const json_t *status, const char *source,
    int64_t now);

#endif /* !BACKUPD_PAGE_IMPL_H */
