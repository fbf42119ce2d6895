/* SPDX-License-Identifier: Apache-2.0 */
/* log: one line an event on stderr, key=value or JSON. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#include "base/log.h"

static const char *const names[] = { "debug", "info", "warn", "error" };

/* The one process-wide sink: where stderr is, is a fact of the process. */
static struct {
	pthread_mutex_t lock;	/* guards all below, and the writing */
	struct log_opts opts;
	char progress[200];
} sink = { PTHREAD_MUTEX_INITIALIZER, { "kura", LOG_INFO_, false }, "" };

void
log_setup(const struct log_opts *opts)
{
	(void)pthread_mutex_lock(&sink.lock);
	sink.opts = *opts;
	(void)pthread_mutex_unlock(&sink.lock);
}

bool
log_is_terminal(void)
{
	return isatty(STDERR_FILENO) == 1;
}

/* Names come from servers: no control character reaches a terminal. */
static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static void
add_flat(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		buf_addc(b, is_control(*text) ? ' ' : *text);
}

static void
add_text(struct buf *b, const char *text)
{
	const char *p = text;

	while (*p != '\0' && !is_control(*p))
		p++;
	if (text[0] == '\0' || *p != '\0' || strpbrk(text, " =\"\\") != NULL)
		utf8_json(text, b);
	else
		buf_adds(b, text);
}

static void
put(const struct buf *line)
{
	if (sink.progress[0] != '\0')
		(void)fputs("\r\033[K", stderr);
	(void)fwrite(buf_str(line), 1, line->len, stderr);
	if (sink.progress[0] != '\0')
		(void)fputs(sink.progress, stderr);
	(void)fflush(stderr);
}

void
log_event(enum log_level level, const char *message, ...)
{
	char when[CLOCK_TEXT];
	struct buf line = {0};
	const char *key, *value;
	struct log_opts opts;
	va_list ap;

	(void)pthread_mutex_lock(&sink.lock);
	opts = sink.opts;
	(void)pthread_mutex_unlock(&sink.lock);
	if (level < opts.level)
		return;
	clock_rfc3339(clock_now_us(), when);
	if (opts.json) {
		buf_addf(&line, "{\"time\":\"%s\",\"level\":\"%s\","
		    "\"program\":\"%s\",\"message\":", when, names[level],
		    opts.program);
		utf8_json(message, &line);
	} else {
		when[19] = 'Z';
		when[20] = '\0';
		buf_addf(&line, "%s %s %s: ", when, names[level],
		    opts.program);
		add_flat(&line, message);
	}
	va_start(ap, message);
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value == NULL)
			continue;
		if (opts.json) {
			buf_addf(&line, ",\"%s\":", key);
			utf8_json(value, &line);
		} else {
			buf_addf(&line, " %s=", key);
			add_text(&line, value);
		}
	}
	va_end(ap);
	buf_adds(&line, opts.json ? "}\n" : "\n");
	(void)pthread_mutex_lock(&sink.lock);
	put(&line);
	(void)pthread_mutex_unlock(&sink.lock);
	buf_free(&line);
}

void
log_progress(const char *text)
{
	if (!log_is_terminal())
		return;
	(void)pthread_mutex_lock(&sink.lock);
	if (text == NULL) {
		if (sink.progress[0] != '\0')
			(void)fputs("\r\033[K", stderr);
		sink.progress[0] = '\0';
	} else {
		(void)snprintf(sink.progress, sizeof(sink.progress),
		    "\r%s\033[K", text);
		(void)fputs(sink.progress, stderr);
	}
	(void)fflush(stderr);
	(void)pthread_mutex_unlock(&sink.lock);
}
