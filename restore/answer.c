/* SPDX-License-Identifier: Apache-2.0 */
/* answer: what a primary says to a replica's questions. */
#define _GNU_SOURCE	/* strcasestr */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#include "restore/answer.h"

/* The value of @name in SET @a = 1, @b = 'x': its first byte, or NULL. */
static const char *
assigned(const char *sql, const char *name)
{
	const char *p = sql;
	size_t n = strlen(name);

	while ((p = strchr(p, '@')) != NULL) {
		p++;
		if (strncasecmp(p, name, n) != 0)
			continue;
		p += n;
		while (isspace((unsigned char)*p))
			p++;
		if (*p != '=')
			continue;
		p++;
		while (isspace((unsigned char)*p))
			p++;
		return p;
	}
	return NULL;
}

/* A quoted value; false when it does not fit. */
static bool
copy_quoted(const char *p, char *out, size_t n)
{
	size_t len;

	out[0] = '\0';
	if (*p != '\'')
		return true;
	len = strcspn(++p, "'");
	if (len >= n)
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

static void
keep(struct answer_replica *r, const char *sql)
{
	const char *p;

	/* Both spellings come in one statement, with the same value. */
	p = assigned(sql, "master_heartbeat_period");
	if (p == NULL)
		p = assigned(sql, "source_heartbeat_period");
	if (p != NULL)
		r->heartbeat_ns = strtoull(p, NULL, 10);
	p = assigned(sql, "replica_uuid");
	if (p == NULL)
		p = assigned(sql, "slave_uuid");
	if (p != NULL)
		(void)copy_quoted(p, r->uuid, sizeof(r->uuid));
	p = assigned(sql, "slave_connect_state");
	if (p != NULL) {
		r->has_state = true;
		r->state_cut = !copy_quoted(p, r->state, sizeof(r->state));
	}
}

static enum answer_kind
one(struct answer *a, const char *name, const char *value)
{
	a->names[0] = name;
	a->values[0] = value;
	a->n = 1;
	return ANSWER_ROW;
}

static enum answer_kind
variable(struct answer *a, const char *name, const char *value)
{
	a->names[0] = "Variable_name";
	a->values[0] = name;
	a->names[1] = "Value";
	a->values[1] = value;
	a->n = 2;
	return ANSWER_ROW;
}

static const char *
number(struct answer *a, uint64_t v)
{
	(void)snprintf(a->room, sizeof(a->room), "%" PRIu64, v);
	return a->room;
}

static enum answer_kind
show(const struct answer_opts *o, const char *sql, struct answer *a)
{
	if (strcasestr(sql, "'server_id'") != NULL)
		return variable(a, "server_id", number(a, o->server_id));
	if (strcasestr(sql, "'rpl_semi_sync_") != NULL)
		return variable(a, "rpl_semi_sync_master_enabled", "OFF");
	return ANSWER_UNKNOWN;
}

enum answer_kind
answer_to(const struct answer_opts *o, struct answer_replica *r,
    const char *sql, struct answer *a)
{
	*a = (struct answer){0};
	while (isspace((unsigned char)*sql))
		sql++;
	if (strncasecmp(sql, "SET ", 4) == 0) {
		keep(r, sql);
		return ANSWER_OK;
	}
	if (strncasecmp(sql, "SHOW ", 5) == 0)
		return show(o, sql, a);
	if (strncasecmp(sql, "SELECT ", 7) != 0)
		return ANSWER_UNKNOWN;
	if (strcasestr(sql, "UNIX_TIMESTAMP") != NULL)
		return one(a, "UNIX_TIMESTAMP()", number(a,
		    (uint64_t)(clock_now_us() / 1000000)));
	if (strcasestr(sql, "@@GLOBAL.SERVER_ID") != NULL)
		return one(a, "@@GLOBAL.SERVER_ID", number(a, o->server_id));
	if (strcasestr(sql, "@@GLOBAL.SERVER_UUID") != NULL)
		return one(a, "@@GLOBAL.SERVER_UUID", o->uuid);
	if (strcasestr(sql, "@@GLOBAL.GTID_MODE") != NULL)
		return one(a, "@@GLOBAL.GTID_MODE", o->gtid ? "ON" : "OFF");
	if (strcasestr(sql, "@@GLOBAL.gtid_domain_id") != NULL)
		return one(a, "@@GLOBAL.gtid_domain_id", "0");
	/* What they set themselves before; each file then says its own. */
	if (strcasestr(sql, "_binlog_checksum") != NULL)
		return one(a, "@source_binlog_checksum", "CRC32");
	/* Semi-synchronous replication among others: no such variable. */
	return ANSWER_UNKNOWN;
}
