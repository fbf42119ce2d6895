/* SPDX-License-Identifier: Apache-2.0 */
/* identity: does this server belong to the source it is dumped for? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/backups.h"
#include "catalog/head.h"
#include "catalog/timeline.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"

#include "backupd/identity.h"

int
identity_newest(struct store *s, const char *source, struct head *h,
    struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0;
	int rc;

	*h = (struct head){0};
	rc = backups_list(s, source, &refs, &n, e);
	if (rc == 0 && n > 0)
		rc = head_load(s, source, refs[n - 1].id, h, e) == 0 ? 1 : -1;
	free(refs);
	return rc;
}

struct triple {
	unsigned long domain, server;
	unsigned long long seq;
};

/* The next domain-server-sequence of a list; NULL at its end or on junk. */
static const char *
next_gtid(const char *p, struct triple *g)
{
	char *end;

	while (*p == ',' || *p == ' ' || *p == '\n')
		p++;
	if (*p < '0' || *p > '9')
		return NULL;
	g->domain = strtoul(p, &end, 10);
	if (*end != '-')
		return NULL;
	g->server = strtoul(end + 1, &end, 10);
	if (*end != '-')
		return NULL;
	g->seq = strtoull(end + 1, &end, 10);
	return end;
}

bool
identity_gtid_within(const char *inner, const char *outer)
{
	const char *p, *q;
	struct triple a, b;
	bool found;

	if (next_gtid(inner, &a) == NULL)
		return false;
	for (p = inner; (p = next_gtid(p, &a)) != NULL;) {
		found = false;
		for (q = outer; (q = next_gtid(q, &b)) != NULL;)
			found |= a.domain == b.domain &&
			    a.server == b.server && a.seq <= b.seq;
		if (!found)
			return false;
	}
	return true;
}

/* 1 yes, 0 no, -1 failure. */
static int
gtid_belongs(struct conn *c, const struct flavour *f, const char *gtid,
    struct err *e)
{
	struct buf sql = {0}, value = {0};
	int yes = -1;

	if (f->kind == FLAVOUR_MARIADB) {
		/* A replica may not write what it replicates to its own
		 * log. */
		if (conn_value(c, "SELECT CONCAT_WS(',', NULLIF("
		    "@@global.gtid_binlog_state, ''), "
		    "@@global.gtid_slave_pos)", &value, e) == 0)
			yes = identity_gtid_within(gtid, buf_str(&value));
	} else {
		buf_adds(&sql, "SELECT GTID_SUBSET(");
		sql_string(&sql, gtid, strlen(gtid));
		buf_adds(&sql, ", @@global.gtid_executed)");
		if (conn_value(c, buf_str(&sql), &value, e) == 0)
			yes = strcmp(buf_str(&value), "1") == 0;
	}
	buf_free(&sql);
	buf_free(&value);
	return yes;
}

/* Without GTIDs: is the head's binlog file still there, and as long? */
static int
file_belongs(struct conn *c, const char *file, uint64_t position,
    struct err *e)
{
	struct result *r;
	unsigned long *len;
	char **row;
	int got, yes = 0;

	r = conn_query(c, "SHOW BINARY LOGS", true, e);
	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (row[0] != NULL && row[1] != NULL &&
		    strcmp(row[0], file) == 0)
			yes = strtoull(row[1], NULL, 10) >= position;
	result_free(r);
	return got < 0 ? -1 : yes;
}

/* Without a UUID only GTIDs tell a server from another of its number: after a
 * RESET they do not either. */
static int
refuse_reset(const struct flavour *f, const struct head *h, struct err *e)
{
	(void)err_set(e, ERR_EXISTS, 0, "source %s: this server (%s, host %s, "
	    "server_id %llu) does not have the transactions of its newest "
	    "backup %s (host %s): its binary log was reset, or it is another "
	    "server of that number", h->source, f->name, f->host,
	    (unsigned long long)f->server_id, h->id,
	    head_text(h->server, "host"));
	return err_hint(e, "if it was reset, 'backupd run %s --adopt' takes "
	    "it as it is now", h->source);
}

static int
refuse(const struct flavour *f, const struct head *h, struct err *e)
{
	const char *uuid = head_text(h->server, "uuid");

	if (uuid[0] == '\0' && f->uuid[0] == '\0' &&
	    head_count(h->server, "server_id") == f->server_id)
		return refuse_reset(f, h, e);
	(void)err_set(e, ERR_EXISTS, 0, "source %s: this server (%s, host %s, "
	    "server_id %llu%s%s) is not the one that its newest backup %s "
	    "came from (%s, host %s, server_id %llu%s%s)", h->source, f->name,
	    f->host, (unsigned long long)f->server_id,
	    f->uuid[0] != '\0' ? ", uuid " : "", f->uuid, h->id,
	    head_text(h->server, "flavour"), head_text(h->server, "host"),
	    (unsigned long long)head_count(h->server, "server_id"),
	    uuid[0] != '\0' ? ", uuid " : "", uuid);
	return err_hint(e, "check the host name, or use --adopt if it took "
	    "the source's place");
}

int
identity_check(struct conn *c, const struct flavour *f,
    const struct head *newest, struct err *e)
{
	const char *uuid = head_text(newest->server, "uuid");
	const char *gtid = head_text(json_object_get(newest->coordinates,
	    "replica"), "gtid");
	const char *file = head_text(newest->coordinates, "file");
	int yes = 0;

	if (uuid[0] != '\0' && strcmp(uuid, f->uuid) == 0)
		return 0;
	/* A backup of a replica has its primary's transactions in it. */
	if (gtid[0] == '\0')
		gtid = head_text(newest->coordinates, "gtid");
	if (gtid[0] != '\0') {
		if (f->gtid)
			yes = gtid_belongs(c, f, gtid, e);
	} else if (head_count(newest->server, "server_id") == f->server_id) {
		/* A head without a binlog has only the id to go by. */
		yes = file[0] == '\0' ? 1 : file_belongs(c, file,
		    head_count(newest->coordinates, "position"), e);
	}
	if (yes < 0)
		return err_wrap(e, "does this server belong to source %s",
		    newest->source);
	return yes ? 0 : refuse(f, newest, e);
}

/* What was committed before the first of its files that tells; a replica that
 * is behind has that, too. */
static const char *
archived_gtid(const struct timeline_history *h)
{
	const char *gtid;
	size_t i;

	for (i = 0; i < h->nfiles; i++) {
		gtid = h->files[i].file.gtid_before;
		if (gtid != NULL && gtid[0] != '\0')
			return gtid;
	}
	return NULL;
}

static int
check_history(const struct timeline *t, struct conn *c,
    const struct flavour *f, struct err *e)
{
	const struct timeline_history *h = &t->histories[t->nhistories - 1];
	const char *gtid = archived_gtid(h);
	int yes = 0;

	if (h->history.uuid[0] != '\0' && strcmp(h->history.uuid,
	    f->uuid) == 0)
		return 0;
	if (t->kind == f->kind) {
		if (gtid == NULL || !f->gtid)
			return 0;
		yes = gtid_belongs(c, f, gtid, e);
	}
	if (yes < 0)
		return err_wrap(e, "does this server belong to source %s",
		    t->source);
	if (yes)
		return 0;
	(void)err_set(e, ERR_EXISTS, 0, "source %s: this server (%s, host %s, "
	    "server_id %llu) does not have the transactions that are archived "
	    "for it (history %s, %s, server_id %llu)", t->source, f->name,
	    f->host, (unsigned long long)f->server_id, h->history.id,
	    h->history.flavour, (unsigned long long)h->history.server_id);
	return err_hint(e, "check the host name, or use --adopt if it took "
	    "the source's place");
}

int
identity_check_archive(struct store *s, const char *source, struct conn *c,
    const struct flavour *f, struct err *e)
{
	struct timeline t;
	int rc = 0;

	if (timeline_load_archive(s, source, &t, e) != 0)
		return -1;
	if (t.nhistories > 0)
		rc = check_history(&t, c, f, e);
	timeline_free(&t);
	return rc;
}
