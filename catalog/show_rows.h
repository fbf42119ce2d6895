/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_rows: the rows that archived transactions changed, with the names of
 * their columns.
 *
 * Life cycle: show_rows_new; for each batch of transactions of one file
 * show_rows_prepare, then for each of them show_rows_begin, show_rows_event,
 * show_rows_end; show_rows_free.
 *
 * Names are those of the table map (binlog_row_metadata=FULL), else those of
 * the newest backup before, as long as no statement since has named the table
 * and the number of columns is the same; else "@1", "@2".
 */
#ifndef CATALOG_SHOW_ROWS_H
#define CATALOG_SHOW_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/event.h"

struct err;
struct route_whole;
struct show_rows;
struct store;
struct timeline;
struct transaction;

struct show_rows *show_rows_new(struct store *s, const struct timeline *t,
    const struct route_whole *w, bool json, struct err *e);

/* These of one file of a leg of the whole are next: names are looked for. */
int show_rows_prepare(struct show_rows *r, size_t leg, uint32_t seq,
    const struct transaction *all, size_t n, struct err *e);

/* A transaction at this place of the whole; its events; its end. */
void show_rows_begin(struct show_rows *r, size_t leg, uint32_t seq,
    uint64_t offset);
int show_rows_event(struct show_rows *r, const struct event *ev,
    const struct event_format *f, struct err *e);
void show_rows_end(struct show_rows *r);

void show_rows_free(struct show_rows *r);

#endif /* !CATALOG_SHOW_ROWS_H */
