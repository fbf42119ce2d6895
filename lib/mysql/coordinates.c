/* SPDX-License-Identifier: Apache-2.0 */
/* coordinates: where a server stands in its binary log, and in another's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "mysql/connect.h"

#include "mysql/snapshot_impl.h"

void
coordinates_clear(struct snapshot_facts *f)
{
	struct snapshot_xa *next;

	free(f->gtid);
	free(f->replica_gtid);
	f->gtid = f->replica_gtid = NULL;
	for (; f->xa != NULL; f->xa = next) {
		next = f->xa->next;
		free(f->xa->text);
		free(f->xa);
	}
	f->file[0] = f->replica_file[0] = '\0';
	f->position = f->replica_position = 0;
	f->is_replica = false;
}

/* GTID sets come with line breaks. */
static char *
squeeze(const char *text)
{
	char *out = malloc(strlen(text) + 1), *p = out;

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text++)
		if (*text != '\n' && *text != ' ' && *text != '\r')
			*p++ = *text;
	*p = '\0';
	return out;
}

static int
keep_gtid(char **at, const char *text, struct err *e)
{
	free(*at);
	*at = squeeze(text);
	return *at != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "GTID set");
}

int
coordinates_read(struct snapshot *s, struct conn *c, struct err *e)
{
	const struct flavour *f = s->flavour;
	struct snapshot_facts *x = &s->facts;
	bool mariadb = f->kind == FLAVOUR_MARIADB;
	struct buf value = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int got, rc = -1;

	coordinates_clear(x);
	if (!f->log_bin)
		return keep_gtid(&x->gtid, "", e);
	r = conn_query(c, !mariadb && f->version >= 80200 ?
	    "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", true, e);
	if (r == NULL) {
		(void)err_wrap(e, "binary log coordinates");
		return err_hint(e, "grant %s", mariadb ? "BINLOG MONITOR" :
		    "REPLICATION CLIENT");
	}
	got = result_next(r, &row, &len, e);
	if (got != 1 || row[0] == NULL || row[1] == NULL) {
		(void)err_set(e, ERR_IO, 0, "the binary log is on, but the "
		    "server shows no coordinates");
		goto out;
	}
	(void)snprintf(x->file, sizeof(x->file), "%s", row[0]);
	x->position = strtoull(row[1], NULL, 10);
	if (!mariadb) {
		if (keep_gtid(&x->gtid, result_columns(r) > 4 &&
		    row[4] != NULL ? row[4] : "", e) != 0)
			goto out;
	} else {
		if (conn_value(c, "SELECT @@global.gtid_binlog_pos", &value,
		    e) != 0 || keep_gtid(&x->gtid, buf_str(&value), e) != 0)
			goto out;
	}
	rc = 0;
out:	result_free(r);
	buf_free(&value);
	return rc;
}

static const char *
named(const struct result *r, char **row, const char *a, const char *b)
{
	int i = result_find(r, a);

	if (i < 0)
		i = result_find(r, b);
	return i < 0 ? NULL : row[i];
}

/* A parallel applier that does not keep the commit order leaves gaps: its
 * position is a low-water mark then. */
static bool
applier_exact(struct conn *c, bool mariadb)
{
	struct err ignored = {0};
	struct buf v = {0};
	bool exact;

	if (mariadb)
		return true;	/* commits in order, always */
	exact = conn_value(c, "SELECT @@global.replica_parallel_workers <= 1 "
	    "OR @@global.replica_preserve_commit_order", &v, &ignored) == 0 ?
	    strcmp(buf_str(&v), "1") == 0 : false;
	if (ignored.code != ERR_NONE) {
		ignored = (struct err){0};
		exact = conn_value(c, "SELECT @@global.slave_parallel_workers "
		    "<= 1", &v, &ignored) == 0 &&
		    strcmp(buf_str(&v), "1") == 0;
	}
	buf_free(&v);
	return exact;
}

static int
read_replica(struct snapshot *s, struct conn *c, struct err *e)
{
	const struct flavour *f = s->flavour;
	struct snapshot_facts *x = &s->facts;
	bool mariadb = f->kind == FLAVOUR_MARIADB;
	struct err denied = {0};
	struct buf value = {0};
	struct result *r;
	unsigned long *len;
	const char *file, *position;
	char **row;
	int got, rc = 0;

	r = conn_query(c, mariadb || f->version < 80022 ?
	    "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS", true, &denied);
	if (r == NULL) {
		if (denied.code != ERR_DENIED) {
			*e = denied;
			return -1;
		}
		log_event(LOG_WARN_, "cannot see whether this is a replica",
		    "why", denied.msg, NULL);
		return 0;
	}
	got = result_next(r, &row, &len, e);
	if (got == 1) {
		file = named(r, row, "Relay_Source_Log_File",
		    "Relay_Master_Log_File");
		position = named(r, row, "Exec_Source_Log_Pos",
		    "Exec_Master_Log_Pos");
		if (file != NULL && file[0] != '\0' && position != NULL) {
			x->is_replica = true;
			(void)snprintf(x->replica_file,
			    sizeof(x->replica_file), "%s", file);
			x->replica_position = strtoull(position, NULL, 10);
		}
	}
	result_free(r);
	if (got < 0)
		return -1;
	if (!x->is_replica)
		return 0;
	x->replica_exact = applier_exact(c, mariadb);
	rc = conn_value(c, mariadb ? "SELECT @@global.gtid_slave_pos" :
	    "SELECT @@global.gtid_executed", &value, e);
	if (rc == 0)
		rc = keep_gtid(&x->replica_gtid, buf_str(&value), e);
	buf_free(&value);
	return rc;
}

static int
add_xa(struct snapshot_facts *x, char **row, const unsigned long *len,
    struct err *e)
{
	unsigned long gtrid = row[1] != NULL ? strtoul(row[1], NULL, 10) : 0;
	unsigned long bqual = row[2] != NULL ? strtoul(row[2], NULL, 10) : 0;
	struct snapshot_xa *xa = calloc(1, sizeof(*xa));
	struct buf b = {0};
	unsigned long i;

	if (xa == NULL || row[3] == NULL || gtrid + bqual > len[3]) {
		free(xa);
		return err_set(e, ERR_IO, 0, "XA RECOVER: unexpected answer");
	}
	buf_addf(&b, "%s:", row[0] != NULL ? row[0] : "");
	for (i = 0; i < gtrid + bqual; i++)
		buf_addf(&b, "%s%02x", i == gtrid ? ":" : "",
		    (unsigned char)row[3][i]);
	if (bqual == 0)
		buf_addc(&b, ':');
	xa->text = b.data;
	xa->next = x->xa;
	x->xa = xa;
	return buf_check(&b, "XA", e);
}

/* Prepared transactions are neither in the snapshot nor after it. */
static int
read_xa(struct snapshot *s, struct conn *c, struct err *e)
{
	struct err denied = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int got;

	r = conn_query(c, "XA RECOVER", true, &denied);
	if (r == NULL) {
		/* 1401: MySQL's way to say that XA_RECOVER_ADMIN lacks. */
		if (denied.sys != 1401 && denied.code != ERR_DENIED) {
			*e = denied;
			return err_wrap(e, "XA RECOVER");
		}
		log_event(LOG_WARN_, "cannot see prepared XA transactions: "
		    "grant XA_RECOVER_ADMIN", NULL);
		return 0;
	}
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (add_xa(&s->facts, row, len, e) != 0) {
			got = -1;
			break;
		}
	result_free(r);
	return got;
}

int
coordinates_more(struct snapshot *s, struct conn *c, struct err *e)
{
	if (read_replica(s, c, e) != 0)
		return err_wrap(e, "replica's coordinates");
	return read_xa(s, c, e);
}
