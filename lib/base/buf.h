/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: a growing byte buffer with a ceiling.
 *
 * Life cycle: {0} or buf_init; any number of appends; buf_free.  A zeroed
 * buf is empty, valid, and has the ceiling BUF_MAX.  Errors are sticky: after
 * a failed append `failed` is true and later appends do nothing, so a caller
 * may check once at the end with buf_check.  Used by one thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define BUF_MAX ((size_t)1 << 31)	/* ceiling when none is given */

struct buf {
	char *data;		/* NUL-terminated whenever it is not NULL */
	size_t len, cap;
	size_t max;		/* ceiling on len; 0 means BUF_MAX */
	bool failed;
};

/* Empty buffer with a ceiling of max bytes. */
void buf_init(struct buf *b, size_t max);

/* Make room for n more bytes; returns 0, or -1 with b->failed set. */
int buf_reserve(struct buf *b, size_t n);

/* Append n bytes, one byte, a string, or formatted text. */
void buf_add(struct buf *b, const void *data, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The text so far, never NULL ("" when empty); valid until the next call. */
const char *buf_str(const struct buf *b);

/* 0, or -1 with *e set (ERR_NOMEM, "what: too large ...") if any append
 * failed. */
int buf_check(const struct buf *b, const char *what, struct err *e);

/* Empty it, keep the memory. */
void buf_clear(struct buf *b);

/* Free the memory; the buf is then empty and usable again. */
void buf_free(struct buf *b);

#endif /* !BASE_BUF_H */
