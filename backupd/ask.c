/* SPDX-License-Identifier: Apache-2.0 */
/* ask: a server is asked for its binary log, as its replica would. */
#include <stdio.h>
#include <string.h>

#include "backupd/probe.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "codec/digest.h"
#include "mysql/connect.h"

#include "backupd/ask.h"

#define UNKNOWN_VARIABLE 1193	/* the plugin is not there */
#define POSITION_MAX UINT32_MAX	/* that every server can be asked for */

/* Numbers of our own that stay the same, so that a new connection takes the
 * place of a dead one. */
static void
own_ids(const struct ask *a, uint32_t *id, char uuid[37])
{
	uint8_t digest[SHA256_SIZE];
	struct buf text = {0};
	char hex[33];
	int i;

	buf_addf(&text, "%s %s %s", a->role, a->store_id, a->source);
	sha256_of(buf_str(&text), text.len, digest);
	buf_free(&text);
	*id = 0x80000000u;
	for (i = 0; i < 4; i++)
		*id ^= (uint32_t)digest[16 + i] << (8 * i);
	if (*id == 0 || *id == a->probe->flavour.server_id)
		*id ^= 0x5a5a5a5au;
	hex_encode(digest, 16, hex);
	(void)snprintf(uuid, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

/* Say that we acknowledge; a server that does not ask for it goes on as with
 * any replica. */
static int
setup_ack(const struct ask *a, struct link *l, struct err *e)
{
	bool old = a->probe->flavour.kind == FLAVOUR_MARIADB ||
	    a->probe->flavour.version < 80026;
	struct buf on = {0};
	struct err none = {0};
	int rc;

	rc = link_query(l, old ? "SELECT @@global.rpl_semi_sync_master_enabled"
	    : "SELECT @@global.rpl_semi_sync_source_enabled", &on, &none);
	if (rc != 0 || strcmp(buf_str(&on), "1") != 0) {
		log_event(LOG_WARN_, "semi-synchronous replication is off on "
		    "the server: commits do not wait for the archive",
		    "source", a->source, NULL);
		rc = rc == 0 || none.sys == UNKNOWN_VARIABLE ? 0 : -1;
		if (rc != 0)
			*e = none;
	} else {
		rc = link_query(l, old ? "SET @rpl_semi_sync_slave = 1" :
		    "SET @rpl_semi_sync_replica = 1", NULL, e);
		if (rc == 0)
			wire_semisync(link_wire(l));
	}
	buf_free(&on);
	return rc;
}

static int
setup(const struct ask *a, struct link *l, const char *uuid, struct err *e)
{
	char sql[256];

	/* A reader that pauses, because the store does, is not hung up on. */
	if (link_query(l, "SET SESSION net_write_timeout = 3600", NULL, e) !=
	    0 || link_query(l, "SET @master_binlog_checksum = "
	    "@@global.binlog_checksum, @source_binlog_checksum = "
	    "@@global.binlog_checksum", NULL, e) != 0)
		return -1;
	(void)snprintf(sql, sizeof(sql), "SET @master_heartbeat_period = "
	    "%lld, @source_heartbeat_period = %lld",
	    ASK_HEARTBEAT_MS * 1000000LL, ASK_HEARTBEAT_MS * 1000000LL);
	if (link_query(l, sql, NULL, e) != 0)
		return -1;
	if (a->probe->flavour.kind == FLAVOUR_MARIADB)
		/* Without it the server rewrites events for older replicas. */
		return link_query(l, "SET @mariadb_slave_capability = 4",
		    NULL, e);
	(void)snprintf(sql, sizeof(sql), "SET @slave_uuid = '%s', "
	    "@replica_uuid = '%s'", uuid, uuid);
	return link_query(l, sql, NULL, e);
}

int
ask_dump(const struct ask *a, const char *name, uint64_t offset, bool stop,
    struct link **l, struct stream *s, struct err *e)
{
	struct conn_opts conn = *a->conn;
	struct link_dump dump = { .file = name, .position = offset < 4 ? 4 :
	    offset, .mysql = a->probe->flavour.kind == FLAVOUR_MYSQL,
	    .stop = stop };
	char uuid[37];

	if (conn.socket == NULL)
		conn.socket = a->probe->socket;
	own_ids(a, &dump.id, uuid);
	link_close(*l);
	*l = link_open(&conn, e);
	if (*l == NULL)
		return -1;
	if (setup(a, *l, uuid, e) == 0 &&
	    (!a->ack || setup_ack(a, *l, e) == 0) &&
	    stream_begin(s, name, offset, a->probe->checksum, e) == 0 &&
	    link_dump(*l, &dump, e) == 0)
		return 0;
	link_close(*l);
	*l = NULL;
	return -1;
}

uint64_t
ask_offset(const struct ask *a, uint64_t from)
{
	return from > POSITION_MAX &&
	    (a->probe->flavour.kind != FLAVOUR_MYSQL ||
	    !a->probe->flavour.gtid) ? 4 : from;
}
