/* SPDX-License-Identifier: Apache-2.0 */
/* finish: few large objects take the place of a file's segments. */
#include <stdlib.h>
#include <string.h>

#include "backupd/ask.h"
#include "backupd/merge.h"
#include "backupd/stored.h"
#include "backupd/stream.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/mark.h"
#include "catalog/segment.h"

#include "backupd/finish.h"

#define MAGIC_LEN 4

struct finish {
	const struct finish_opts *opts;
	struct segment *all;	/* of the file */
	size_t nall;
	struct segment *cover;
	struct stored stored;
	uint64_t end;		/* of the file, as far as is known */
	struct stream stream;
	struct buf event;	/* the part of an event that was read */
	struct merge *merge;
	uint64_t whole;		/* where the last transaction ends */
	struct binlog_file file;
};

static int
check_stop(const struct finish *f, struct err *e)
{
	return atomic_load(f->opts->stop) ? err_set(e, ERR_CANCELLED, 0,
	    "stopped") : 0;
}

/* --- the segments --- */

static int
list_segments(struct finish *f, struct err *e)
{
	const struct finish_opts *o = f->opts;
	size_t n;

	if (segments_list(o->store, o->source, o->history, o->seq, &f->all,
	    &n, e) != 0)
		return -1;
	while (f->nall < n && f->all[f->nall].seq == o->seq)
		f->nall++;
	f->cover = calloc(f->nall + 1, sizeof(*f->cover));
	if (f->cover == NULL)
		return err_set(e, ERR_NOMEM, 0, "segments");
	if (f->nall > 0)
		memcpy(f->cover, f->all, f->nall * sizeof(*f->cover));
	f->stored = (struct stored){ .store = o->store, .source = o->source,
	    .history = o->history, .segments = f->cover };
	f->stored.n = segments_cover(f->cover, f->nall, 0, &f->end);
	if (f->end <= MAGIC_LEN)
		return err_set(e, ERR_CORRUPT, 0, "%s: nothing of it is "
		    "stored", o->name);
	return 0;
}

/* --- events --- */

static int
take_event(struct finish *f, const uint8_t *data, size_t n, struct err *e)
{
	struct stream_event ev;

	if (check_stop(f, e) != 0 ||
	    stream_take(&f->stream, data, n, &ev, e) != 0)
		return -1;
	if (ev.what != STREAM_BYTES)
		return 0;
	if (stream_between(&f->stream))
		f->whole = f->stream.offset;
	if (ev.offset == MAGIC_LEN && merge_bytes(f->merge, EVENT_MAGIC,
	    MAGIC_LEN, e) != 0)
		return -1;
	return merge_bytes(f->merge, data, n, e) == 0 ?
	    merge_event(f->merge, &ev, e) : -1;
}

/* Pieces of the file, cut into events. */
static int
take_bytes(void *arg, const void *data, size_t n, struct err *e)
{
	struct finish *f = arg;
	const uint8_t *p = data;
	size_t size, len;

	while (n > 0) {
		size = EVENT_HEADER;
		if (f->event.len >= EVENT_HEADER)
			size = event_size((const uint8_t *)f->event.data);
		if (size == 0)
			return err_set(e, ERR_CORRUPT, 0, "%s at %llu: an "
			    "event has no size", f->opts->name,
			    (unsigned long long)f->stream.offset);
		len = size - f->event.len < n ? size - f->event.len : n;
		buf_add(&f->event, p, len);
		if (buf_check(&f->event, "event", e) != 0)
			return -1;
		p += len;
		n -= len;
		if (f->event.len < EVENT_HEADER || f->event.len < event_size(
		    (const uint8_t *)f->event.data))
			continue;
		if (take_event(f, (const uint8_t *)f->event.data,
		    f->event.len, e) != 0)
			return -1;
		buf_clear(&f->event);
	}
	return 0;
}

static int
begin(struct finish *f, struct err *e)
{
	merge_free(f->merge);
	binlog_file_free(&f->file);
	f->whole = 0;
	buf_clear(&f->event);
	f->merge = merge_new(&f->stored, f->end, e);
	if (f->merge == NULL ||
	    stream_begin(&f->stream, f->opts->name, 0, false, e) != 0)
		return -1;
	stream_file_next(&f->stream, f->opts->name);
	return 0;
}

/* A crash may have torn the last transaction: the file ends before it. */
static int
from_store(struct finish *f, struct err *e)
{
	int again;

	for (again = 0; again < 2; again++) {
		if (begin(f, e) != 0 || stored_read(&f->stored, MAGIC_LEN,
		    take_bytes, f, e) != 0)
			return -1;
		if (f->whole >= f->end)
			return merge_end(f->merge, NULL, &f->file, e) == 1 ?
			    0 : -1;
		f->end = f->whole;
	}
	return err_set(e, ERR_CORRUPT, 0, "%s: no end of it can be found",
	    f->opts->name);
}

/* 1; 0 when the server does not have the same file any more. */
static int
from_server(struct finish *f, struct err *e)
{
	const struct finish_opts *o = f->opts;
	struct ask ask = { .conn = o->conn, .store_id = o->store_id,
	    .source = o->source, .probe = o->probe, .role = "finish" };
	struct link *link = NULL;
	const uint8_t *data;
	struct err why = {0};
	size_t n;
	int rc;

	if (!o->known || o->conn == NULL)
		return 0;
	rc = begin(f, e);
	if (rc == 0 && ask_dump(&ask, o->name, 0, true, &link, &f->stream,
	    &why) != 0)
		rc = 1;
	while (rc == 0 && f->stream.offset < f->end) {
		rc = link_event(link, ASK_WAIT_MS, &data, &n, &why);
		rc = rc == 1 ? take_event(f, data, n, e) : 1;
	}
	link_close(link);
	if (rc == 0 && f->stream.offset == f->end && f->whole == f->end)
		return merge_end(f->merge, o->sha256, &f->file, e);
	if (rc == -1 && e->code != ERR_CORRUPT)
		return -1;
	*e = (struct err){0};
	return 0;
}

/* --- the end --- */

static int
mark_segments(const struct finish *f, struct err *e)
{
	const struct finish_opts *o = f->opts;
	char (*keys)[STORE_KEY_MAX] = calloc(f->nall, sizeof(*keys));
	const char **all = calloc(f->nall, sizeof(*all));
	size_t i, n = 0;
	int rc;

	for (i = 0; i < f->nall && keys != NULL && all != NULL; i++) {
		if (merge_uses(f->merge, f->all[i].start, f->all[i].end))
			continue;
		segment_key(o->source, o->history, o->seq, f->all[i].start,
		    f->all[i].end, keys[n]);
		all[n] = keys[n];
		n++;
	}
	rc = keys == NULL || all == NULL ? err_set(e, ERR_NOMEM, 0, "marks") :
	    mark_create(o->store, o->source, "merged", all, n, e);
	free(keys);
	free(all);
	return rc;
}

static int
merge_all(struct finish *f, struct err *e)
{
	const struct finish_opts *o = f->opts;
	const char *from;
	int rc;

	if (list_segments(f, e) != 0)
		return -1;
	rc = from_server(f, e);
	if (rc == -1 || (rc == 0 && from_store(f, e) != 0))
		return -1;
	from = rc == 1 ? "server" : "store";
	f->file.name = strdup(o->name);
	f->file.crashed = !f->stream.closed;
	if (f->file.name == NULL)
		return err_set(e, ERR_NOMEM, 0, "file");
	if (merge_verify(f->merge, &f->file, e) != 0)
		return -1;
	rc = file_create(o->store, o->source, o->history, &f->file, e);
	if (rc != 0 && e->code == ERR_EXISTS) {
		/* Another archiver of this source was quicker. */
		*e = (struct err){0};
		return 0;
	}
	if (rc != 0 || mark_segments(f, e) != 0)
		return -1;
	log_event(LOG_INFO_, "a file is finished", "source", o->source,
	    "history", o->history, "file", o->name, "from", from, "closed",
	    f->file.crashed ? "crash" : "rotate", NULL);
	return files_roll(o->store, o->source, o->history, e);
}

int
finish_file(const struct finish_opts *o, struct err *e)
{
	struct finish f = { .opts = o };
	int rc = merge_all(&f, e);

	if (rc != 0)
		(void)err_wrap(e, "finish %s", o->name);
	merge_free(f.merge);
	binlog_file_free(&f.file);
	stream_fini(&f.stream);
	buf_free(&f.event);
	free(f.all);
	free(f.cover);
	return rc;
}
