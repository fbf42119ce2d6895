/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document: a JSON object in the store whose last member, "sum", is the
 * SHA-256 of all bytes before `,"sum"`.
 *
 * Documents are foreign bytes: nothing in one is believed before its sum and
 * its format were looked at, and then each member (member.h).
 */
#ifndef CATALOG_DOCUMENT_H
#define CATALOG_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct buf;
struct err;
struct store;

#define DOCUMENT_FORMAT 1	/* member "format" of every document */

/* Append doc (which holds a format; NULL: out of memory), then tail
 * (",\"sig\":null" or ""), then the sum.  what ("head") names it in errors;
 * over max bytes is ERR_IO. */
int document_write(const json_t *doc, const char *tail, size_t max,
    const char *what, struct buf *out, struct err *e);

/* Parse and check; the caller owns what is returned.  NULL: ERR_CORRUPT, or
 * ERR_USAGE for a newer format. */
json_t *document_read(const char *text, size_t n, size_t max,
    const char *what, struct err *e);

/* Create-only write of doc, which it takes in any case. */
int document_create(struct store *s, const char *key, json_t *doc,
    size_t max, const char *what, struct err *e);

/* A time as documents, and what our programs show as JSON, hold it: RFC 3339,
 * null for 0. */
json_t *document_time(int64_t us);

#endif /* !CATALOG_DOCUMENT_H */
