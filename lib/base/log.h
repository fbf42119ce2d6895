/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line an event on stderr, key=value or JSON.
 *
 * The sink is process-wide and set once by main before threads start.  Any
 * thread may call log_event; a line is written whole.  Values are quoted and
 * flattened as needed.  Never log secrets or row data.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

struct log_opts {
	const char *program;	/* static */
	enum log_level level;	/* least level that is written */
	bool json;		/* one JSON object a line */
};

/* Set the sink; call once, before the first thread. */
void log_setup(const struct log_opts *opts);

/* Write an event: a message, then pairs of key and value strings, then NULL:
 * log_event(LOG_INFO_, "table done", "table", name, "rows", text, NULL).
 * A NULL value is left out. */
void log_event(enum log_level level, const char *message, ...)
    __attribute__((sentinel));

/* Keep a terminal's progress line apart from events: text is drawn again
 * after each event; NULL clears it.  Does nothing when stderr is no
 * terminal. */
void log_progress(const char *text);

/* True if stderr is a terminal. */
bool log_is_terminal(void);

#endif /* !BASE_LOG_H */
