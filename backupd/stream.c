/* SPDX-License-Identifier: Apache-2.0 */
/* stream: what a server sends as its binary log, checked event by event. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "backupd/stream.h"

#define MAGIC_LEN 4

bool
stream_name_split(const char *name, size_t *base, uint64_t *number)
{
	size_t n = strlen(name);

	while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	*base = n;
	if (n == 0 || name[n - 1] != '.' || name[n] == '\0' ||
	    strlen(name + n) > 10)
		return false;
	*number = strtoull(name + n, NULL, 10);
	return true;
}

void
stream_name_add(const char *name, int64_t n, char next[STREAM_NAME_MAX])
{
	uint64_t number;
	size_t base;

	next[0] = '\0';
	if (stream_name_split(name, &base, &number) &&
	    base + 12 < STREAM_NAME_MAX && (int64_t)number + n > 0)
		(void)snprintf(next, STREAM_NAME_MAX, "%.*s%06" PRIu64,
		    (int)base, name, (uint64_t)((int64_t)number + n));
}

int
stream_begin(struct stream *s, const char *name, uint64_t offset,
    bool checksum, struct err *e)
{
	if (s->scan == NULL) {
		s->scan = transactions_new(e);
		if (s->scan == NULL)
			return -1;
	}
	stream_file_next(s, name);
	s->offset = offset <= MAGIC_LEN ? 0 : offset;
	s->format = (struct event_format){ .known = true,
	    .checksum = checksum };
	s->announced = false;
	return 0;
}

void
stream_file_next(struct stream *s, const char *name)
{
	transactions_begin(s->scan);
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	s->offset = 0;
	s->announced = true;
	s->described = s->closed = false;
}

bool
stream_between(const struct stream *s)
{
	return transactions_idle(s->scan);
}

void
stream_fini(struct stream *s)
{
	transactions_free(s->scan);
	*s = (struct stream){0};
}

static int
keep_name(const char *name, size_t n, char out[STREAM_NAME_MAX],
    struct err *e)
{
	if (n == 0 || n >= STREAM_NAME_MAX || memchr(name, '\0', n) != NULL)
		return err_set(e, ERR_CORRUPT, 0, "a file name of %zu bytes",
		    n);
	memcpy(out, name, n);
	out[n] = '\0';
	return 0;
}

/* An artificial ROTATE says which file comes, and where it begins. */
static int
take_rotate(struct stream *s, struct stream_event *out, struct err *e)
{
	const char *name;
	uint64_t position;
	size_t n;

	if (event_rotate(&out->ev, &name, &n, &position, e) != 0 ||
	    keep_name(name, n, out->name, e) != 0)
		return -1;
	if (strcmp(out->name, s->name) != 0 && s->announced) {
		out->what = STREAM_FILE;
		return 0;
	}
	if (strcmp(out->name, s->name) != 0)
		return err_set(e, ERR_CORRUPT, 0, "the server sends file "
		    "%s instead", out->name);
	if (!s->announced && position != (s->offset == 0 ? MAGIC_LEN :
	    s->offset))
		return err_set(e, ERR_CORRUPT, 0, "the server begins at %"
		    PRIu64 " instead", position);
	s->announced = true;
	return 0;
}

static int
take_heartbeat(struct stream_event *out, struct err *e)
{
	const char *name;
	size_t n;

	if (event_heartbeat(&out->ev, &name, &n, &out->position, e) != 0 ||
	    keep_name(name, n, out->name, e) != 0)
		return -1;
	out->what = STREAM_POSITION;
	return 0;
}

static int
take_bytes(struct stream *s, struct stream_event *out, struct err *e)
{
	const struct event *ev = &out->ev;
	uint64_t next;

	if (s->offset == 0)
		s->offset = MAGIC_LEN;
	next = s->offset + ev->size;
	if (s->closed)
		return err_set(e, ERR_CORRUPT, 0, "%s event behind the end of "
		    "the file", event_name(ev->type));
	/* The header has 32 bits for it; MariaDB 11 leaves it out within
	 * transactions (binlog_legacy_event_pos). */
	if (ev->next != 0 && ev->next != (uint32_t)next)
		return err_set(e, ERR_CORRUPT, 0, "%s event of %" PRIu32
		    " bytes ends at %" PRIu32, event_name(ev->type), ev->size,
		    ev->next);
	if (transactions_event(s->scan, ev, &s->format, s->offset, &out->done,
	    e) != 0)
		return -1;
	out->what = STREAM_BYTES;
	out->offset = s->offset;
	s->offset = next;
	s->closed = ev->type == EVENT_ROTATE || ev->type == EVENT_STOP;
	return 0;
}

/* A format description, and what follows it in a file that MariaDB encrypted,
 * that is sent first because the dump begins later ends nowhere in the
 * file. */
static bool
in_file(const struct event *ev)
{
	return ev->type != EVENT_HEARTBEAT &&
	    ev->type != EVENT_HEARTBEAT_V2 &&
	    (ev->flags & EVENT_FLAG_ARTIFICIAL) == 0 &&
	    ((ev->type != EVENT_FORMAT &&
	    ev->type != EVENT_MARIA_START_ENCRYPTION) || ev->next != 0);
}

bool
stream_is_bytes(const uint8_t *data, size_t n)
{
	struct event ev;

	if (n < EVENT_HEADER)
		return false;
	event_header(data, n, &ev);
	return in_file(&ev);
}

static int
take(struct stream *s, const uint8_t *data, size_t n,
    struct stream_event *out, struct err *e)
{
	struct event *ev = &out->ev;

	if (event_parse(data, n, &s->format, ev, e) != 0)
		return -1;
	s->described |= ev->type == EVENT_FORMAT;
	if (ev->type == EVENT_HEARTBEAT || ev->type == EVENT_HEARTBEAT_V2)
		return take_heartbeat(out, e);
	if (!in_file(ev))
		return ev->type == EVENT_ROTATE ? take_rotate(s, out, e) : 0;
	if (!s->announced || !s->described)
		return err_set(e, ERR_CORRUPT, 0, "%s event before the "
		    "file's name and format", event_name(ev->type));
	return take_bytes(s, out, e);
}

int
stream_take(struct stream *s, const uint8_t *data, size_t n,
    struct stream_event *out, struct err *e)
{
	*out = (struct stream_event){ .what = STREAM_NOTHING };
	if (take(s, data, n, out, e) == 0)
		return 0;
	return err_wrap(e, "%s at %" PRIu64, s->name, s->offset);
}
