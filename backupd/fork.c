/* SPDX-License-Identifier: Apache-2.0 */
/* fork: why the newest history of a source cannot go on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/identity.h"
#include "backupd/match.h"
#include "backupd/probe.h"
#include "base/err.h"
#include "mysql/connect.h"

#include "backupd/fork.h"

#define MAGIC_LEN 4

struct search {
	struct conn *conn;
	const struct ask *ask;
	const struct archived *parent;
	struct fork *fork;
	struct gtid_set *server;	/* all that it has executed */
	struct gtid_set *common;	/* of the parent, up to the fork */
	bool all;		/* by GTIDs: the server has all of the parent */
};

/* Does it call itself as the server did that the history came from? */
static bool
same_name(const struct search *x)
{
	const struct history *h = x->parent->history;
	const struct flavour *f = &x->ask->probe->flavour;

	if (h->uuid[0] != '\0' || f->uuid[0] != '\0')
		return strcmp(h->uuid, f->uuid) == 0;
	return h->server_id == f->server_id;
}

/* 1 is what every MariaDB is called that was given no number. */
static bool
name_is_own(const struct search *x)
{
	const struct flavour *f = &x->ask->probe->flavour;

	return f->uuid[0] != '\0' || f->server_id != 1;
}

/* --- by bytes --- */

static int
stored_of(const struct archived *a, uint32_t seq, struct segment **list,
    struct stored *stored, uint64_t *end, struct err *e)
{
	struct binlog_file *files = NULL;
	size_t n = 0, i;
	int rc;

	if (seq > a->finished)
		return archived_cover(a, seq, list, stored, end, e);
	*list = NULL;
	rc = files_list(a->store, a->source, a->history->id, seq, &files, &n,
	    e);
	if (rc == 0 && (n == 0 || files[0].seq != seq))
		rc = err_set(e, ERR_CORRUPT, 0, "history %s: file %u is not "
		    "listed", a->history->id, (unsigned)seq);
	if (rc == 0) {
		*list = calloc(files[0].nobjects, sizeof(**list));
		if (*list == NULL)
			rc = err_set(e, ERR_NOMEM, 0, "segments");
	}
	*stored = (struct stored){ .store = a->store, .source = a->source,
	    .history = a->history->id, .segments = *list };
	for (i = 0; rc == 0 && i < files[0].nobjects; i++) {
		(*list)[i] = (struct segment){ .seq = seq,
		    .start = files[0].objects[i].start,
		    .end = files[0].objects[i].end };
		*end = (*list)[i].end;
		stored->n = i + 1;
	}
	files_free(files, n);
	return rc;
}

/* How many bytes of an archived file the server has too. */
static int
common_bytes(struct search *x, uint32_t seq, const char *name,
    uint64_t *common, struct err *e)
{
	struct segment *list = NULL;
	struct stream stream = {0};
	struct link *link = NULL;
	struct buf carry = {0};
	struct stored stored;
	struct match m = { .stream = &stream, .carry = &carry };
	uint64_t end = 0;
	int rc;

	*common = 0;
	rc = stored_of(x->parent, seq, &list, &stored, &end, e);
	if (rc == 0 && end > MAGIC_LEN)
		rc = ask_dump(x->ask, name, 0, true, &link, &stream, e);
	if (rc == 0 && end > MAGIC_LEN) {
		m.link = link;
		rc = match_stored(&m, &stored, MAGIC_LEN, end, common, e);
		if (rc == 1)
			*common = end;
		rc = rc < 0 ? -1 : 0;
	}
	link_close(link);
	stream_fini(&stream);
	buf_free(&carry);
	free(list);
	return rc;
}

struct last_within {
	struct search *x;
	uint64_t within, end;
};

static int
take_within(void *arg, const struct transaction *t, struct err *e)
{
	struct last_within *l = arg;

	if (t->offset + t->size > l->within)
		return 1;
	l->end = t->offset + t->size;
	return t->gtid.gtid.set ? gtid_set_add(l->x->common, &t->gtid.gtid,
	    e) : 0;
}

/* Have both a transaction of this file?  1, 0 or -1. */
static int
common_file(struct search *x, uint32_t seq, struct err *e)
{
	struct last_within l = { .x = x, .end = 0 };
	char name[STREAM_NAME_MAX];

	archived_name(x->parent, seq, name);
	if (probe_find(x->ask->probe, name) < 0)
		return 0;
	if (common_bytes(x, seq, name, &l.within, e) != 0)
		return -1;
	/* No fork: it has all by now. */
	if (seq == x->parent->seq && l.within > 0 &&
	    l.within == x->parent->end)
		return err_set(e, ERR_AGAIN, 0, "%s changed while it was "
		    "compared with what is stored", name);
	gtid_set_free(x->common);
	x->common = gtid_set_new(gtid_set_kind(x->server), e);
	if (x->common == NULL || archived_each(x->parent, seq, take_within,
	    &l, e) < 0)
		return -1;
	if (l.end == 0)
		return 0;
	if (archived_before(x->parent, seq, x->common, e) != 0)
		return -1;
	x->fork->seq = seq;
	x->fork->offset = l.end;
	memcpy(x->fork->file, name, sizeof(name));
	return 1;
}

/* The newest file of which both have a part: 1, 0 when there is none. */
static int
by_bytes(struct search *x, struct err *e)
{
	uint32_t seq;
	int rc = 0;

	for (seq = x->parent->seq; seq > 0 && seq >= x->parent->first &&
	    rc == 0; seq--)
		rc = common_file(x, seq, e);
	return rc;
}

/* --- by GTIDs --- */

/* Has the server executed these?  MariaDB's numbers count for each server of a
 * domain: its own would say nothing of another's. */
static bool
knows_all(const struct search *x, const struct gtid_set *set)
{
	struct buf text = {0}, all = {0};
	bool yes;

	if (gtid_set_kind(set) == FLAVOUR_MYSQL)
		return gtid_set_includes(x->server, set);
	gtid_set_text(set, &text);
	gtid_set_text(x->server, &all);
	yes = text.len == 0 || identity_gtid_within(buf_str(&text),
	    buf_str(&all));
	buf_free(&text);
	buf_free(&all);
	return yes;
}

static bool
knows(const struct search *x, const struct gtid *g)
{
	char one[GTID_TEXT];
	struct buf all = {0};
	bool yes;

	if (g->kind == FLAVOUR_MYSQL)
		return gtid_set_contains(x->server, g);
	gtid_text(g, one);
	gtid_set_text(x->server, &all);
	yes = identity_gtid_within(one, buf_str(&all));
	buf_free(&all);
	return yes;
}

struct first_missing {
	struct search *x;
	uint64_t end;
};

static int
take_known(void *arg, const struct transaction *t, struct err *e)
{
	struct first_missing *m = arg;

	if (t->gtid.gtid.set && !knows(m->x, &t->gtid.gtid))
		return 1;
	m->end = t->offset + t->size;
	return t->gtid.gtid.set ? gtid_set_add(m->x->common, &t->gtid.gtid,
	    e) : 0;
}

/* The first archived transaction that the server has not: the parent is
 * common up to there.  1, or 0 when the two have nothing in common. */
static int
by_gtids(struct search *x, struct err *e)
{
	struct first_missing m = { .x = x, .end = MAGIC_LEN };
	struct gtid_set *before;
	uint32_t seq = x->parent->seq;
	bool known = false;
	int rc;

	for (; seq > 0 && seq >= x->parent->first && !known; seq--) {
		before = gtid_set_new(gtid_set_kind(x->server), e);
		if (before == NULL || archived_before(x->parent, seq, before,
		    e) != 0) {
			gtid_set_free(before);
			return -1;
		}
		known = knows_all(x, before) &&
		    (seq == 1 || !gtid_set_empty(before));
		if (known) {
			gtid_set_free(x->common);
			x->common = before;
		} else {
			gtid_set_free(before);
		}
	}
	if (!known)
		return 0;
	seq++;
	rc = archived_each(x->parent, seq, take_known, &m, e);
	if (rc < 0)
		return -1;
	if (gtid_set_empty(x->common))
		return 0;
	/* Of the last file there may be nothing yet. */
	x->all = rc == 0 && seq + (x->parent->end == 0) >= x->parent->seq;
	x->fork->seq = seq;
	x->fork->offset = m.end;
	return 1;
}

/* The server's last file before whose events nothing is that the parent has
 * not got; else its oldest. */
static int
file_by_gtids(struct search *x, struct err *e)
{
	const struct probe *p = x->ask->probe;
	struct gtid_set *set;
	struct buf text = {0};
	bool fits = false;
	size_t i = p->nlogs;
	int rc = 0;

	while (i > 0 && !fits && rc == 0) {
		set = gtid_set_new(gtid_set_kind(x->server), e);
		buf_clear(&text);
		rc = set == NULL || probe_gtids_before(x->conn,
		    p->logs[--i].name, &text, e) != 0 ||
		    gtid_set_parse(set, buf_str(&text), e) != 0 ? -1 : 0;
		fits = rc == 0 && gtid_set_includes(x->common, set);
		gtid_set_free(set);
	}
	buf_free(&text);
	if (rc == 0)
		memcpy(x->fork->file, p->logs[i].name,
		    sizeof(x->fork->file));
	return rc;
}

/* --- what it is --- */

/* Everything that is left is behind what is archived, and not next to it. */
static bool
is_purged(const struct search *x)
{
	const char *oldest = x->ask->probe->logs[0].name;
	char name[STREAM_NAME_MAX];
	uint64_t number, have;
	size_t base, same;

	archived_name(x->parent, x->parent->seq, name);
	return stream_name_split(oldest, &base, &number) &&
	    stream_name_split(name, &same, &have) && base == same &&
	    memcmp(oldest, name, base) == 0 &&
	    number >= have + (x->parent->end > 0);
}

static int
refuse(const struct search *x, struct err *e)
{
	const struct history *h = x->parent->history;
	const struct flavour *f = &x->ask->probe->flavour;

	(void)err_set(e, ERR_EXISTS, 0, "source %s: this server (%s, host %s, "
	    "server_id %llu%s%s) is not the one that history %s came from "
	    "(%s %s, server_id %llu%s%s), and has nothing of it",
	    x->parent->source, f->name, f->host,
	    (unsigned long long)f->server_id, f->uuid[0] != '\0' ? ", uuid " :
	    "", f->uuid, h->id, h->flavour, h->version,
	    (unsigned long long)h->server_id, h->uuid[0] != '\0' ? ", uuid " :
	    "", h->uuid);
	return err_hint(e, "check the host name, or use --adopt if it took "
	    "the source's place");
}

/* A server that has nothing of the history may yet have what the newest
 * backup has. */
static int
belongs(const struct search *x, struct err *e)
{
	struct head newest;
	int rc = identity_newest(x->parent->store, x->parent->source, &newest,
	    e);

	if (rc == 1) {
		rc = identity_check(x->conn, &x->ask->probe->flavour, &newest,
		    e) == 0 ? 1 : e->code == ERR_EXISTS ? 0 : -1;
		if (rc == 0)
			*e = (struct err){0};
	}
	head_free(&newest);
	return rc;
}

static void
begin_at(struct search *x, enum history_why why, size_t log)
{
	x->fork->why = why;
	x->fork->seq = 0;
	memcpy(x->fork->file, x->ask->probe->logs[log].name,
	    sizeof(x->fork->file));
}

/* Its numbers began anew, so that GTIDs mean nothing; or what comes next was
 * purged. */
static int
same_again(struct search *x, bool adopt, struct err *e)
{
	bool purged = is_purged(x), sure = name_is_own(x) || adopt;
	int rc = sure ? 1 : purged ? by_gtids(x, e) : belongs(x, e);

	if (rc < 0)
		return -1;
	if (!sure && (rc == 0 || (purged && !x->all)))
		return refuse(x, e);
	begin_at(x, purged ? HISTORY_GAP : HISTORY_RESET, 0);
	return 0;
}

static int
another(struct search *x, bool adopt, struct err *e)
{
	int rc = by_gtids(x, e);

	if (rc == 1) {
		x->fork->why = HISTORY_FAILOVER;
		return file_by_gtids(x, e);
	}
	if (rc == 0)
		rc = adopt ? 1 : belongs(x, e);
	if (rc == 0)
		return refuse(x, e);
	begin_at(x, HISTORY_FAILOVER, x->ask->probe->nlogs - 1);
	return rc < 0 ? -1 : 0;
}

static int
decide(struct search *x, bool adopt, struct err *e)
{
	int rc = by_bytes(x, e);

	if (rc == 1)
		x->fork->why = same_name(x) ? HISTORY_ROLLBACK :
		    HISTORY_CLONE;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return same_name(x) ? same_again(x, adopt, e) : another(x, adopt, e);
}

int
fork_find(struct conn *c, const struct ask *ask,
    const struct archived *parent, bool adopt, struct fork *f, struct err *e)
{
	enum flavour_kind kind = ask->probe->flavour.kind;
	struct search x = { .conn = c, .ask = ask, .parent = parent,
	    .fork = f };
	int rc = -1;

	*f = (struct fork){0};
	if (strcmp(parent->history->flavour, kind == FLAVOUR_MARIADB ?
	    "mariadb" : "mysql") != 0) {
		(void)err_hint(e, "another vendor's server needs a source of "
		    "its own");
		return refuse(&x, e);
	}
	x.server = gtid_set_new(kind, e);
	x.common = gtid_set_new(kind, e);
	if (x.server != NULL && x.common != NULL &&
	    gtid_set_parse(x.server, buf_str(&ask->probe->gtids), e) == 0)
		rc = decide(&x, adopt, e);
	if (rc == 0 && f->seq != 0) {
		gtid_set_text(x.common, &f->gtid);
		rc = buf_check(&f->gtid, "GTIDs", e);
	}
	gtid_set_free(x.server);
	gtid_set_free(x.common);
	return rc;
}

void
fork_free(struct fork *f)
{
	buf_free(&f->gtid);
	*f = (struct fork){0};
}
