/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorded: binary logs that real servers wrote (tests/tools/record_binlogs),
 * and events made by hand.
 */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/event.h"

static const char *const recorded_names[] = { "mariadb-plain",
	"mariadb-transactions", "mariadb-values", "mysql-plain",
	"mysql-transactions", "mysql-values" };
#define RECORDED (sizeof(recorded_names) / sizeof(recorded_names[0]))

static inline void
recorded_read(const char *name, const char *suffix, struct buf *out)
{
	char path[512], block[65536];
	size_t n;
	FILE *fp;

	(void)snprintf(path, sizeof(path), "%s/%s.%s",
	    KURA_RECORDED, name, suffix);
	fp = fopen(path, "rb");
	assert_non_null(fp);
	while ((n = fread(block, 1, sizeof(block), fp)) > 0)
		buf_add(out, block, n);
	(void)fclose(fp);
	assert_false(out->failed);
}

/* The next event of a recorded file at *at, which is moved on; false at its
 * end. */
static inline bool
recorded_next(const struct buf *file, size_t *at, struct event_format *f,
    struct event *ev)
{
	const uint8_t *data = (const uint8_t *)file->data + *at;
	struct err e = {0};

	if (*at == file->len)
		return false;
	assert_int_equal(event_parse(data, event_size(data), f, ev, &e), 0);
	*at += ev->size;
	return true;
}

/* An event of n bytes' body without checksum, appended. */
static inline void
recorded_make(struct buf *out, unsigned type, unsigned flags,
    const void *body, size_t n)
{
	uint8_t header[EVENT_HEADER] = {0};

	header[4] = (uint8_t)type;
	header[9] = (uint8_t)(sizeof(header) + n);
	header[10] = (uint8_t)((sizeof(header) + n) >> 8);
	header[11] = (uint8_t)((sizeof(header) + n) >> 16);
	header[17] = (uint8_t)flags;
	buf_add(out, header, sizeof(header));
	buf_add(out, body, n);
}

/* The same, parsed; its bytes are in *room. */
static inline struct event
recorded_event(struct buf *room, unsigned type, unsigned flags,
    const void *body, size_t n)
{
	struct event_format f = {0};
	struct event ev;
	struct err e = {0};

	buf_clear(room);
	recorded_make(room, type, flags, body, n);
	assert_int_equal(event_parse((const uint8_t *)room->data, room->len,
	    &f, &ev, &e), 0);
	return ev;
}

#endif /* !TESTS_RECORDED_H */
