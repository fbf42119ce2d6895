/* SPDX-License-Identifier: Apache-2.0 */
/* procedures: how Amazon RDS and Aurora let a user replicate. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"
#include "mysql/gtid.h"
#include "mysql/rights.h"
#include "restore/replica.h"

#include "restore/procedures.h"

#define NOWHERE "127.0.0.1"	/* a source that is never asked */

/* A procedure and its parameters, a letter for each: host, port, user,
 * word of the user, file, place in it, ssl (1: on), delay in seconds, gtids;
 * UUID and the two ends of an interval. */
struct offer {
	enum procedures_verb verb;
	const char *name;
	const char *form;
};

/* Names with "source" came with MySQL 8.4 and Aurora MySQL 3; the first that
 * is there counts. */
static const struct offer all[] = {
	{ PROCEDURES_PLACE, "mysql.rds_set_external_source", "hpuwfns" },
	{ PROCEDURES_PLACE, "mysql.rds_set_external_master", "hpuwfns" },
	{ PROCEDURES_GTID, "mysql.rds_set_external_source_with_auto_position",
	    "hpuwsd" },
	{ PROCEDURES_GTID, "mysql.rds_set_external_source_with_auto_position",
	    "hpuws" },
	{ PROCEDURES_GTID, "mysql.rds_set_external_master_with_auto_position",
	    "hpuwsd" },
	{ PROCEDURES_GTID, "mysql.rds_set_external_master_with_auto_position",
	    "hpuws" },
	{ PROCEDURES_GTID, "mysql.rds_set_external_master_gtid", "hpuwgs" },
	{ PROCEDURES_START, "mysql.rds_start_replication", "" },
	{ PROCEDURES_STOP, "mysql.rds_stop_replication", "" },
	{ PROCEDURES_RESET, "mysql.rds_reset_external_source", "" },
	{ PROCEDURES_RESET, "mysql.rds_reset_external_master", "" },
	{ PROCEDURES_PURGED, "mysql.rds_gtid_purged", "g" },
	{ PROCEDURES_PURGED, "mysql.rds_set_external_source_gtid_purged",
	    "U12" },
};

#define ALL (sizeof(all) / sizeof(all[0]))

/* --- which there are --- */

static void
take(struct procedures *p, const char *name, size_t parameters)
{
	const struct offer **at;
	size_t i;

	for (i = 0; i < ALL; i++) {
		at = &p->offers[all[i].verb];
		if (strcmp(name, all[i].name) == 0 &&
		    strlen(all[i].form) == parameters &&
		    (*at == NULL || *at > &all[i]))
			*at = &all[i];
	}
}

/* The right to replicate without them. */
static int
may_replicate(struct conn *c, const struct flavour *f, bool *may,
    struct err *e)
{
	struct rights rights = {0};
	int rc = rights_read(c, f, &rights, e);

	*may = rc == 0 && (rights_has(&rights, "SUPER") ||
	    rights_has(&rights, "REPLICATION_SLAVE_ADMIN") ||
	    rights_has(&rights, "REPLICATION SLAVE ADMIN"));
	rights_free(&rights);
	return rc;
}

int
procedures_find(struct conn *c, const struct flavour *f,
    struct procedures *p, struct err *e)
{
	struct result *q;
	unsigned long *len;
	char **row;
	bool may = false;
	int got;

	*p = (struct procedures){0};
	/* Those of RDS for MariaDB were not even emulated. */
	if (f->kind == FLAVOUR_MARIADB)
		return 0;
	/* Who may not call one does not see it. */
	q = conn_query(c, "SELECT CONCAT('mysql.', r.ROUTINE_NAME), "
	    "COUNT(a.PARAMETER_NAME) FROM information_schema.ROUTINES r LEFT "
	    "JOIN information_schema.PARAMETERS a ON a.SPECIFIC_SCHEMA = "
	    "'mysql' AND a.SPECIFIC_NAME = r.SPECIFIC_NAME WHERE "
	    "r.ROUTINE_SCHEMA = 'mysql' AND r.ROUTINE_TYPE = 'PROCEDURE' AND "
	    "r.ROUTINE_NAME LIKE 'rds\\_%' GROUP BY 1", true, e);
	if (q == NULL)
		return -1;
	while ((got = result_next(q, &row, &len, e)) == 1)
		take(p, row[0], strtoul(row[1], NULL, 10));
	result_free(q);
	if (got == 0 && p->offers[PROCEDURES_START] != NULL)
		got = may_replicate(c, f, &may, e);
	p->used = p->offers[PROCEDURES_START] != NULL && !may;
	return got;
}

const char *
procedures_name(const struct procedures *p, enum procedures_verb v)
{
	return p->offers[v] != NULL ? p->offers[v]->name : "";
}

/* --- calls --- */

static int
need(const struct procedures *p, enum procedures_verb v, struct err *e)
{
	size_t i;

	if (p->offers[v] != NULL)
		return 0;
	for (i = 0; i < ALL && all[i].verb != v; i++)
		;
	return err_set(e, ERR_USAGE, 0, "this account may call no %s with "
	    "parameters that are known", all[i].name);
}

/* They tell what they did as rows, which nobody reads. */
static int
call(struct conn *c, const struct offer *o, struct buf *sql, struct err *e)
{
	size_t done;

	if (buf_check(sql, "CALL", e) != 0 || conn_exec_many(c, sql->data,
	    sql->len, NULL, NULL, &done, e) != 0)
		return err_wrap(e, "%s", o->name);
	return 0;
}

int
procedures_call(const struct procedures *p, enum procedures_verb v,
    struct conn *c, struct err *e)
{
	struct buf sql = {0};
	int rc;

	if (need(p, v, e) != 0)
		return -1;
	buf_addf(&sql, "CALL %s()", p->offers[v]->name);
	rc = call(c, p->offers[v], &sql, e);
	buf_free(&sql);
	return rc;
}

static void
add_text(struct buf *sql, const char *text)
{
	sql_string(sql, text, strlen(text));
}

static enum procedures_verb
verb_of(const struct replica_source *s)
{
	return s->gtid ? PROCEDURES_GTID : PROCEDURES_PLACE;
}

int
procedures_text(const struct procedures *p, const struct replica_source *s,
    const char *gtids, struct buf *sql, struct err *e)
{
	const struct offer *o = p->offers[verb_of(s)];
	const char *letter;

	if (need(p, verb_of(s), e) != 0)
		return -1;
	buf_addf(sql, "CALL %s(", o->name);
	for (letter = o->form; *letter != '\0'; letter++) {
		if (letter > o->form)
			buf_adds(sql, ", ");
		switch (*letter) {
		case 'h': add_text(sql, s->host); break;
		case 'p': buf_addf(sql, "%u", s->port); break;
		case 'u': add_text(sql, s->user); break;
		case 'w': add_text(sql, s->password); break;
		case 'f': add_text(sql, s->file); break;
		case 'n': buf_addf(sql, "%" PRIu64, s->position); break;
		case 'g': add_text(sql, gtids); break;
		case 's': buf_addc(sql, '1'); break;
		default: buf_addc(sql, '0'); break;
		}
	}
	buf_addc(sql, ')');
	return buf_check(sql, "CALL", e);
}

int
procedures_connect(const struct procedures *p, struct conn *c,
    const struct replica_source *s, const char *gtids, struct err *e)
{
	struct buf sql = {0};
	int rc = procedures_text(p, s, gtids, &sql, e);

	if (rc == 0)
		rc = call(c, p->offers[verb_of(s)], &sql, e);
	buf_free(&sql);
	return rc;
}

/* --- GTIDs --- */

/* "uuid:1-5:7": each(uuid, 1, 5), each(uuid, 7, 7).  ERR_USAGE for tags. */
typedef int each_interval(void *arg, const char *uuid, uint64_t first,
    uint64_t last, struct err *e);

static int
intervals(const char *text, each_interval *each, void *arg, struct err *e)
{
	uint64_t first, last;
	char uuid[37], *end;
	int rc = 0;

	while (rc == 0 && *text != '\0') {
		(void)snprintf(uuid, sizeof(uuid), "%s", text);
		text += strlen(uuid);
		while (rc == 0 && *text == ':') {
			if (!isdigit((unsigned char)text[1]))
				return err_set(e, ERR_USAGE, 0, "GTIDs with "
				    "tags cannot be given here");
			first = last = strtoull(text + 1, &end, 10);
			if (*end == '-')
				last = strtoull(end + 1, &end, 10);
			rc = each != NULL ? each(arg, uuid, first, last, e) :
			    0;
			text = end;
		}
		text += *text == ',' ? 1 : 0;
	}
	return rc;
}

int
procedures_may_purge(const struct procedures *p, const struct gtid_set *set,
    struct err *e)
{
	struct buf text = {0};
	int rc;

	if (gtid_set_kind(set) == FLAVOUR_MARIADB)
		return need(p, PROCEDURES_GTID, e);
	if (need(p, PROCEDURES_PURGED, e) != 0)
		return -1;
	if (p->offers[PROCEDURES_PURGED]->form[0] != 'U')
		return 0;
	gtid_set_text(set, &text);
	rc = buf_check(&text, "GTIDs", e);
	if (rc == 0)
		rc = intervals(buf_str(&text), NULL, NULL, e);
	buf_free(&text);
	return rc;
}

struct purge {
	struct conn *conn;
	const struct offer *offer;
};

static int
purge_one(void *arg, const char *uuid, uint64_t first, uint64_t last,
    struct err *e)
{
	const struct purge *to = arg;
	struct buf sql = {0};
	int rc;

	buf_addf(&sql, "CALL %s('%s',%" PRIu64 ",%" PRIu64 ")",
	    to->offer->name, uuid, first, last);
	rc = call(to->conn, to->offer, &sql, e);
	buf_free(&sql);
	return rc;
}

/* MariaDB's position comes with a source alone: with one that goes again. */
static int
stand(const struct procedures *p, struct conn *c, const char *position,
    struct err *e)
{
	const struct replica_source nobody = { .host = NOWHERE, .port = 1,
	    .user = "", .password = "", .gtid = true };

	return procedures_connect(p, c, &nobody, position, e) == 0 &&
	    procedures_call(p, PROCEDURES_RESET, c, e) == 0 ? 0 : -1;
}

int
procedures_purge(const struct procedures *p, struct conn *c,
    const struct gtid_set *set, struct err *e)
{
	const struct purge to = { c, p->offers[PROCEDURES_PURGED] };
	struct buf text = {0}, sql = {0};
	int rc = -1;

	gtid_set_position(set, &text);
	if (procedures_may_purge(p, set, e) != 0 ||
	    buf_check(&text, "GTIDs", e) != 0)
		goto out;
	if (gtid_set_kind(set) == FLAVOUR_MARIADB) {
		rc = stand(p, c, buf_str(&text), e);
	} else if (to.offer->form[0] == 'U') {
		rc = intervals(buf_str(&text), purge_one, (void *)&to, e);
	} else {
		buf_addf(&sql, "CALL %s('+%s')", to.offer->name,
		    buf_str(&text));
		rc = call(c, to.offer, &sql, e);
	}
out:	buf_free(&text);
	buf_free(&sql);
	return rc;
}
