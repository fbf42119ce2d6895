/* SPDX-License-Identifier: Apache-2.0 */
/* resume: where the archive of a source goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archived.h"
#include "backupd/identity.h"
#include "backupd/match.h"
#include "base/buf.h"
#include "base/err.h"
#include "catalog/backups.h"
#include "catalog/segment.h"
#include "mysql/connect.h"

#include "backupd/resume_impl.h"

int
resume_dump(struct resume_where *w, const char *name, uint64_t offset,
    struct err *e)
{
	return ask_dump(&w->ask, name, offset, false, &w->r->link,
	    &w->r->stream, e);
}

/* The file of the newest backup's coordinates, so that what came after it can
 * be restored; else the active one. */
static int
first_file(struct resume_where *w, char file[STREAM_NAME_MAX], struct err *e)
{
	const struct probe *p = &w->r->probe;
	const char *name = p->logs[p->nlogs - 1].name;
	struct head newest;
	long at;
	int rc = identity_newest(w->opts->store, w->opts->source, &newest, e);

	if (rc == 1) {
		rc = identity_check(w->conn, &p->flavour, &newest, e);
		at = probe_find(p, head_text(newest.coordinates, "file"));
		if (rc == 0 && at >= 0 && p->logs[at].size >=
		    head_count(newest.coordinates, "position"))
			name = p->logs[at].name;
		if (rc != 0 && w->opts->adopt && e->code == ERR_EXISTS) {
			*e = (struct err){0};
			rc = 0;
		}
	}
	head_free(&newest);
	memcpy(file, name, strlen(name) + 1);
	return rc;
}

static int
first_history(struct resume_where *w, struct err *e)
{
	struct fork f = { .why = HISTORY_FIRST };

	return first_file(w, f.file, e) == 0 ? resume_begin(w, &f, NULL, e) :
	    -1;
}

/* --- the newest history --- */

/* Nothing of the file is stored: is it the one that follows?  Its head is in
 * the history's document, or its GTIDs go on where the file before ends. */
static int
follows_head(struct resume_where *w, const struct archived *a, const char *name,
    struct err *e)
{
	const struct buf *head = &a->history->head_bytes;
	struct match m = { .stream = &w->r->stream, .carry = &w->r->carry };
	uint64_t common;
	int rc = 1;

	if (resume_dump(w, name, 0, e) != 0)
		return -1;
	m.link = w->r->link;
	if (head->len > 4)
		rc = match_bytes(&m, head->data + 4, head->len - 4, 4,
		    &common, e);
	buf_clear(&w->r->carry);
	return rc;
}

static int
take_gtid(void *arg, const struct transaction *t, struct err *e)
{
	return t->gtid.gtid.set ? gtid_set_add(arg, &t->gtid.gtid, e) : 0;
}

static int
follows_gtids(struct resume_where *w, const struct archived *a,
    const char *name, struct err *e)
{
	enum flavour_kind kind = w->r->probe.flavour.kind;
	struct gtid_set *have = gtid_set_new(kind, e);
	struct gtid_set *says = gtid_set_new(kind, e);
	struct buf text = {0};
	int rc = -1;

	if (have != NULL && says != NULL &&
	    archived_before(a, a->seq - 1, have, e) == 0 &&
	    archived_each(a, a->seq - 1, take_gtid, have, e) == 0 &&
	    probe_gtids_before(w->conn, name, &text, e) == 0 &&
	    gtid_set_parse(says, buf_str(&text), e) == 0)
		rc = gtid_set_equal(have, says);
	gtid_set_free(have);
	gtid_set_free(says);
	buf_free(&text);
	return rc;
}

bool
resume_is_stranger(const struct flavour *f, const struct history *h)
{
	return h->uuid[0] != '\0' && f->uuid[0] != '\0' ?
	    strcmp(h->uuid, f->uuid) != 0 : h->server_id != f->server_id;
}

/* Does the server have what is stored of a file from `from` on?  1, 0, and the
 * dump goes on behind it; with stop it ends with what the server has: a place
 * in the middle of another log's event may look like one that is still being
 * written, for the rest of which a server waits. */
static int
compare(struct resume_where *w, const struct stored *stored, const char *name,
    uint64_t from, uint64_t end, bool stop, struct err *e)
{
	struct match m = { .stream = &w->r->stream, .carry = &w->r->carry };
	uint64_t common;

	buf_clear(&w->r->carry);
	if (ask_dump(&w->ask, name, from, stop, &w->r->link, &w->r->stream,
	    e) != 0)
		return -1;
	m.link = w->r->link;
	return match_stored(&m, stored, from, end, &common, e);
}

/* Start the dump where the history stands: 1 when the server has what is
 * stored, 0 when it has not. */
static int
go_on_in(struct resume_where *w, const struct archived *a, const char *name,
    struct err *e)
{
	struct segment *list = NULL;
	struct stored stored;
	uint64_t from, end;
	int rc;

	if (a->end == 0) {
		rc = a->seq == 1 ? follows_head(w, a, name, e) :
		    follows_gtids(w, a, name, e);
		return rc == 1 && resume_dump(w, name, 0, e) != 0 ? -1 : rc;
	}
	rc = archived_cover(a, a->seq, &list, &stored, &end, e);
	if (rc == 0)
		rc = archived_last(&stored, &from, e);
	if (rc != 0)
		goto out;
	from = ask_offset(&w->ask, from);
	rc = !resume_is_stranger(&w->r->probe.flavour, a->history) ? 1 :
	    compare(w, &stored, name, from, end, true, e);
	if (rc == 1)
		rc = compare(w, &stored, name, from, end, false, e);
	if (rc < 0 && e->code == ERR_AGAIN) {
		/* Silence proves nothing; the end that comes instead does. */
		*e = (struct err){0};
		rc = compare(w, &stored, name, from, end, true, e);
		if (rc == 1)
			rc = compare(w, &stored, name, from, end, false, e);
	}
	/* Within an event of another log there is nothing to read. */
	if (rc < 0 && e->sys == LINK_DUMP_ENDED && e->code != ERR_BUSY) {
		*e = (struct err){0};
		rc = 0;
	}
out:	free(list);
	return rc;
}

/* The file is purged, but stored to its end: the next one may follow. */
static int
step_over(struct resume_where *w, struct archived *a, struct err *e)
{
	struct segment *list = NULL;
	struct stored stored;
	uint64_t from, end;
	char name[STREAM_NAME_MAX];
	int rc;

	archived_name(a, a->seq + 1, name);
	if (a->end == 0 || strcmp(name, w->r->probe.logs[0].name) != 0)
		return 0;
	rc = archived_cover(a, a->seq, &list, &stored, &end, e);
	if (rc == 0)
		rc = archived_last(&stored, &from, e);
	if (rc == 0)
		rc = archived_closed(&stored, from, e);
	free(list);
	if (rc == 1) {
		a->seq++;
		a->end = 0;
	}
	return rc;
}

static int
try_newest(struct resume_where *w, struct archived *a, struct err *e)
{
	char name[STREAM_NAME_MAX];
	long at;
	int rc = 1;

	archived_name(a, a->seq, name);
	at = probe_find(&w->r->probe, name);
	if (at < 0) {
		rc = step_over(w, a, e);
		archived_name(a, a->seq, name);
	} else if (w->r->probe.logs[at].size < a->end) {
		rc = 0;
	}
	if (rc == 1)
		rc = go_on_in(w, a, name, e);
	w->r->finished = a->finished;
	w->r->seq = a->seq;
	w->r->stored = a->end;
	return rc;
}

static int
newest_history(struct resume_where *w, struct archived *a,
    struct history *newest, struct err *e)
{
	const struct resume_opts *o = w->opts;
	struct fork f = {0};
	int rc;

	if (o->gap != NULL && probe_find(&w->r->probe, o->gap) >= 0) {
		f.why = HISTORY_GAP;
		memcpy(f.file, o->gap, strlen(o->gap) + 1);
		rc = 0;
	} else {
		rc = strcmp(newest->flavour, w->r->probe.flavour.kind ==
		    FLAVOUR_MARIADB ? "mariadb" : "mysql") == 0 ?
		    try_newest(w, a, e) : 0;
		if (rc == 0) {
			/* A server waits for a replica's dump to end before
			 * its next: one that nobody reads would not. */
			link_close(w->r->link);
			w->r->link = NULL;
			rc = fork_find(w->conn, &w->ask, a, o->adopt, &f, e);
		} else if (rc == 1) {
			w->r->history = *newest, *newest = (struct history){0};
		}
	}
	if (rc == 0)
		rc = resume_begin(w, &f, newest, e);
	fork_free(&f);
	return rc < 0 ? -1 : 0;
}

int
resume(const struct resume_opts *o, struct resume *r, struct err *e)
{
	struct resume_where w = { .opts = o, .r = r, .ask = { .conn = o->conn,
	    .store_id = o->store_id, .source = o->source,
	    .probe = &r->probe, .role = "archive",
	    .ack = o->ack } };
	struct history *list = NULL;
	struct archived a = {0};
	size_t n = 0;
	int rc = -1;

	*r = (struct resume){0};
	w.conn = conn_open(o->conn, e);
	if (w.conn == NULL)
		return -1;
	(void)snprintf(r->where, sizeof(r->where), "%s", conn_where(w.conn));
	/* The store first: another archiver may go on meanwhile, and what it
	 * stores after the server was asked is no other history. */
	if (histories_list(o->store, o->source, &list, &n, e) != 0 ||
	    (n > 0 && archived_load(o->store, o->source, &list[n - 1], &a,
	    e) != 0))
		goto out;
	if (probe_server(w.conn, &r->probe, e) != 0)
		(void)err_wrap(e, "%s", conn_where(w.conn));
	else
		rc = n == 0 ? first_history(&w, e) :
		    newest_history(&w, &a, &list[n - 1], e);
out:	archived_free(&a);
	histories_free(list, n);
	conn_close(w.conn);
	return rc;
}

void
resume_free(struct resume *r)
{
	link_close(r->link);
	stream_fini(&r->stream);
	history_free(&r->history);
	probe_free(&r->probe);
	buf_free(&r->carry);
	*r = (struct resume){0};
}
