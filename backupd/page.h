/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: the status document as HTML for people.
 *
 * Pure functions.  Everything of the document is escaped.  The pages work
 * without scripts; with scripts they fetch themselves anew and replace their
 * main part.  Style and script stand in page.css and page.js, are part of
 * each page, and are let in by their digests alone.
 */
#ifndef BACKUPD_PAGE_H
#define BACKUPD_PAGE_H

#include <jansson.h>
#include <stddef.h>

struct buf;
struct err;

/* page.css and page.js, made C by the build. */
extern const char page_css[], page_js[];

/* All sources; what is wrong comes first.  0, or -1 with *e set. */
int page_write(const json_t *status, struct buf *out, struct err *e);

/* One source of the document. */
int page_source(const json_t *status, const json_t *source, struct buf *out,
    struct err *e);

/* The Content-Security-Policy that goes with the pages. */
void page_policy(char *out, size_t n);

#endif /* !BACKUPD_PAGE_H */
