/* SPDX-License-Identifier: Apache-2.0 */
/* resume_begin: a new history of a source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "codec/digest.h"
#include "store/store.h"

#include "backupd/resume_impl.h"

#define HEAD_EVENTS 8		/* a file's list of GTIDs comes before */

/* Keep what the file begins with, for the history's document; the archiver
 * takes it all the same. */
static int
read_head(struct resume *r, struct gtid_set *before, struct err *e)
{
	struct event_format f = { .known = true,
	    .checksum = r->probe.checksum };
	const uint8_t *data;
	struct event ev;
	bool found = false;
	size_t n;
	int i, rc;

	buf_add(&r->history.head_bytes, EVENT_MAGIC, 4);
	for (i = 0; i < HEAD_EVENTS && !found; i++) {
		rc = link_event(r->link, ASK_WAIT_MS, &data, &n, e);
		if (rc <= 0)
			return rc == 0 ? err_set(e, ERR_AGAIN, 0, "the dump "
			    "ended") : -1;
		buf_add(&r->carry, data, n);
		if (event_parse(data, n, &f, &ev, e) != 0)
			return -1;
		/* An idle server, and nothing came: there is no list. */
		if (ev.type == EVENT_HEARTBEAT)
			break;
		if (stream_is_bytes(data, n))
			buf_add(&r->history.head_bytes, data, n);
		found = ev.type == EVENT_PREVIOUS_GTIDS ||
		    (ev.type == EVENT_MARIA_GTID_LIST &&
		    (ev.flags & EVENT_FLAG_ARTIFICIAL) == 0);
		if (found && event_gtid_set(&ev, before, e) != 0)
			return -1;
	}
	if (buf_check(&r->history.head_bytes, "file's head", e) != 0)
		return -1;
	return buf_check(&r->carry, "file's head", e);
}

/* parent: NULL for the first. */
static int
describe(struct resume_where *w, const struct fork *f,
    const struct history *parent, const char *before, struct err *e)
{
	const struct probe *p = &w->r->probe;
	const struct flavour *v = &p->flavour;
	struct history *h = &w->r->history;

	h->flavour = strdup(v->kind == FLAVOUR_MARIADB ? "mariadb" : "mysql");
	h->uuid = strdup(v->uuid);
	h->version = strdup(v->version_text);
	h->first_file = strdup(f->file);
	h->gtid_before = strdup(before);
	h->fork_gtid = strdup(buf_str(&f->gtid));
	h->marked = strdup(buf_str(&p->marked));
	h->server_id = v->server_id;
	/* The newest history is the one that was opened last: also when this
	 * host's clock is behind that of another, or was set back. */
	h->opened_us = clock_now_us();
	if (parent != NULL && h->opened_us <= parent->opened_us)
		h->opened_us = parent->opened_us + 1;
	h->why = f->why;
	h->fork_seq = f->seq;
	h->fork_offset = f->offset;
	if (h->flavour == NULL || h->uuid == NULL || h->version == NULL ||
	    h->first_file == NULL || h->gtid_before == NULL ||
	    h->fork_gtid == NULL || h->marked == NULL)
		return err_set(e, ERR_NOMEM, 0, "history");
	return 0;
}

static int
any(void *arg, const struct store_entry *entry, struct err *e)
{
	(void)entry;
	(void)e;
	*(bool *)arg = true;
	return 0;
}

/* Made of what the history begins with, so that two archivers that begin it at
 * the same time begin the same one: the second of the file, or that after the
 * parent's, and a hash.  But one of this name may have been, and be swept. */
static int
make_id(struct resume_where *w, const char *parent, struct err *e)
{
	struct history *h = &w->r->history;
	char at[CLOCK_TEXT], after[CLOCK_TEXT], prefix[STORE_KEY_MAX];
	const char *head = buf_str(&h->head_bytes);
	struct buf all = {0};
	uint32_t second = 0;
	int64_t us = 0;
	bool used = false;
	size_t i;
	int rc;

	for (i = 0; i < 4 && h->head_bytes.len >= 8; i++)
		second |= (uint32_t)(uint8_t)head[4 + i] << (8 * i);
	clock_basic(clock_from_system((int64_t)second * 1000000), at);
	(void)snprintf(after, sizeof(after), "%.16s", parent);
	if (parent[0] != '\0' && memcmp(at, parent, 16) <= 0 &&
	    clock_parse(after, &us) == 0)
		clock_basic(us + 1000000, at);
	buf_addf(&all, "%s %s %s %s ", w->opts->source, parent,
	    w->r->probe.flavour.uuid, h->first_file);
	buf_add(&all, head, h->head_bytes.len);
	rc = buf_check(&all, "history", e);
	(void)snprintf(h->id, sizeof(h->id), "%.16s-%04x", at,
	    (unsigned)(xxh3_64(buf_str(&all), all.len) & 0xffff));
	buf_free(&all);
	(void)snprintf(prefix, sizeof(prefix), "sources/%s/files/%s-",
	    w->opts->source, h->id);
	if (rc == 0)
		rc = store_list(w->opts->store, prefix, any, &used, e);
	if (used)
		random_hex(h->id + 17, 4);
	return rc;
}

/* Has another archiver begun one with another file in the same place?  Whoever
 * sees both gives way, and goes on with the other: 1, 0 or -1. */
static int
is_second(struct resume_where *w, struct err *e)
{
	const struct resume_opts *o = w->opts;
	const struct history *h = &w->r->history;
	struct history *list = NULL;
	size_t n = 0, i;
	int rc = histories_list(o->store, o->source, &list, &n, e);

	for (i = 0; i < n && rc == 0; i++)
		if (strcmp(list[i].id, h->id) != 0 &&
		    strcmp(list[i].parent, h->parent) == 0)
			rc = 1;
	histories_free(list, n);
	if (rc == 1 && history_remove(o->store, o->source, h->id, e) != 0)
		rc = -1;
	return rc;
}

/* 1, or -1 with ERR_AGAIN: another archiver did it at the same time. */
static int
create(struct resume_where *w, struct err *e)
{
	const struct resume_opts *o = w->opts;
	int rc = history_create(o->store, o->source, &w->r->history, e);

	if (rc == 0)
		rc = is_second(w, e);
	else if (e->code != ERR_EXISTS)
		return -1;
	if (rc == 0)
		return 0;
	if (rc == -1 && e->code != ERR_EXISTS)
		return -1;
	*e = (struct err){0};
	return err_set(e, ERR_AGAIN, 0, "another archiver begins a history at "
	    "the same time");
}

int
resume_begin(struct resume_where *w, const struct fork *f,
    const struct history *parent, struct err *e)
{
	const struct resume_opts *o = w->opts;
	struct resume *r = w->r;
	const char *id = parent == NULL ? "" : parent->id;
	struct gtid_set *before = gtid_set_new(r->probe.flavour.kind, e);
	struct buf text = {0};
	int rc = -1;

	memcpy(r->history.parent, id, strlen(id) + 1);
	buf_clear(&r->carry);
	if (before == NULL || resume_dump(w, f->file, 0, e) != 0 ||
	    read_head(r, before, e) != 0)
		goto out;
	gtid_set_text(before, &text);
	if (describe(w, f, parent, buf_str(&text), e) == 0 &&
	    make_id(w, id, e) == 0)
		rc = create(w, e);
	r->finished = 0;
	r->seq = 1;
	r->stored = 0;
	r->began = rc == 0;
	if (rc == 0)
		log_event(f->why == HISTORY_FIRST ? LOG_INFO_ : LOG_WARN_,
		    "a history begins", "source", o->source, "history",
		    r->history.id, "why", history_why_text(f->why), "file",
		    f->file, "parent", id[0] != '\0' ? id : NULL, NULL);
out:	gtid_set_free(before);
	buf_free(&text);
	return rc;
}
