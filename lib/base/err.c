/* SPDX-License-Identifier: Apache-2.0 */
/* err: why an operation failed, as a value that can cross threads. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Servers send control characters; an error is one line on a terminal. */
static void
flatten(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

int
(err_set)(struct err *e, enum err_code code, int sys, const char *fmt, ...)
{
	va_list ap;
	size_t len;
	char text[128];

	assert(code != ERR_NONE);
	if (e->code != ERR_NONE)
		return -1;
	e->code = code;
	e->sys = sys;
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (sys != 0 && strerror_r(sys, text, sizeof(text)) == 0) {
		len = strlen(e->msg);
		(void)snprintf(e->msg + len, sizeof(e->msg) - len, ": %s",
		    text);
	}
	flatten(e->msg);
	return -1;
}

int
(err_wrap)(struct err *e, const char *fmt, ...)
{
	char outer[sizeof(e->msg)], joined[2 * sizeof(e->msg) + 3];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(outer, sizeof(outer), fmt, ap);
	va_end(ap);
	(void)snprintf(joined, sizeof(joined), "%s: %s", outer, e->msg);
	joined[sizeof(e->msg) - 1] = '\0';
	memcpy(e->msg, joined, strlen(joined) + 1);
	flatten(e->msg);
	return -1;
}

int
(err_hint)(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->hint[0] != '\0')
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	flatten(e->hint);
	return -1;
}

int
err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_CORRUPT:
		return 3;
	case ERR_NOTFOUND:
		return 4;
	case ERR_BUSY:
		return 75;
	case ERR_EXISTS:
	case ERR_AGAIN:
	case ERR_DENIED:
	case ERR_CANCELLED:
	case ERR_NOMEM:
	case ERR_IO:
		break;
	}
	return 1;
}
