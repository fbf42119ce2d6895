/* SPDX-License-Identifier: Apache-2.0 */
/* buf: a growing byte buffer with a ceiling. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "base/buf.h"

void
buf_init(struct buf *b, size_t max)
{
	assert(max <= BUF_MAX);
	*b = (struct buf){ .max = max };
}

int
buf_reserve(struct buf *b, size_t n)
{
	size_t max = b->max == 0 ? BUF_MAX : b->max, cap;
	char *data;

	if (b->failed || n > max - b->len) {
		b->failed = true;
		return -1;
	}
	/* One byte more, for the NUL. */
	if (b->data != NULL && b->cap - b->len > n)
		return 0;
	cap = b->cap + b->cap / 2;
	if (cap < b->len + n + 1)
		cap = b->len + n + 1;
	if (cap < 64)
		cap = 64;
	if (cap > max + 1)
		cap = max + 1;
	data = realloc(b->data, cap);
	if (data == NULL) {
		b->failed = true;
		return -1;
	}
	if (b->data == NULL)
		data[0] = '\0';
	b->data = data;
	b->cap = cap;
	return 0;
}

void
buf_add(struct buf *b, const void *data, size_t n)
{
	if (buf_reserve(b, n) != 0)
		return;
	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n) != 0) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

const char *
buf_str(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

int
buf_check(const struct buf *b, const char *what, struct err *e)
{
	if (!b->failed)
		return 0;
	return err_set(e, ERR_NOMEM, 0, "%s: too large or out of memory",
	    what);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->failed = false;
}
