/* SPDX-License-Identifier: Apache-2.0 */
/* check_archive: tries on a server what the archive will need. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backupd/probe.h"
#include "base/err.h"
#include "catalog/settings.h"
#include "mysql/connect.h"

#include "backupd/check_server_impl.h"

/* Amazon purges at once unless told, whatever the server's variables say. */
static void
check_rds_retention(struct trial *t)
{
	struct finding at = t->at;
	uint64_t hours = check_server_number(t, "SELECT value FROM "
	    "mysql.rds_configuration WHERE name = 'binlog retention hours'");

	at.jobs = FINDING_ARCHIVE;
	at.level = hours == 0 ? t->at.level : FINDING_WARNING;
	at.todo = "CALL mysql.rds_set_configuration('binlog retention hours', "
	    "72)";
	if (hours == 0)
		finding_add(t->f, &at, "binary logs are purged as soon as "
		    "they end");
	else if (hours < 24)
		finding_add(t->f, &at, "binary logs are purged after %" PRIu64
		    " h: an archive that is away longer has a gap", hours);
}

static void
check_log(struct trial *t)
{
	struct finding at = t->at;
	struct probe p;
	struct err e = {0};

	at.jobs = FINDING_ARCHIVE;
	if (probe_server(t->conn, &p, &e) != 0) {
		finding_err(t->f, &at, &e);
		probe_free(&p);
		return;
	}
	at.level = FINDING_WARNING;
	at.todo = "set binlog_format = ROW, binlog_row_image = FULL, and no "
	    "filters";
	if (p.marked.len > 0)
		finding_add(t->f, &at, "what is archived cannot serve every "
		    "restore: %s", buf_str(&p.marked));
	at.todo = "set binlog_checksum = CRC32";
	if (!p.checksum)
		finding_add(t->f, &at, "binary logs have no checksums: damage "
		    "in them is found late");
	at.todo = p.flavour.kind == FLAVOUR_MARIADB ?
	    "set expire_logs_days or binlog_expire_logs_seconds higher" :
	    "set binlog_expire_logs_seconds higher";
	if (t->flavour.is_rds || t->flavour.is_aurora)
		check_rds_retention(t);
	else if (p.expire_s > 0 && p.expire_s < 86400)
		finding_add(t->f, &at, "binary logs are purged after %" PRIu64
		    " min: an archive that is away longer has a gap",
		    p.expire_s / 60);
	probe_free(&p);
}

/* What a wait for the store costs a commit, and a day. */
static void
show_cost(struct trial *t)
{
	struct finding at = t->at;
	char used[32], statements[32];
	uint64_t put = t->c->store->put_ms, up, commits;
	double rate, most, puts;

	(void)check_server_shown(t, "SHOW GLOBAL STATUS LIKE "
	    "'Binlog_cache_use'", used, sizeof(used));
	(void)check_server_shown(t, "SHOW GLOBAL STATUS LIKE "
	    "'Binlog_stmt_cache_use'", statements, sizeof(statements));
	commits = strtoull(used, NULL, 10) + strtoull(statements, NULL, 10);
	(void)check_server_shown(t, "SHOW GLOBAL STATUS LIKE 'Uptime'", used,
	    sizeof(used));
	up = strtoull(used, NULL, 10);
	rate = (double)commits / (double)(up == 0 ? 1 : up);
	/* At most four writes are under way; each takes whoever waits. */
	most = 4000.0 / (double)(put == 0 ? 1 : put);
	puts = (rate < most ? rate : most) * 86400;
	at.level = FINDING_HINT;
	finding_add(t->f, &at, "ack: a commit waits for one write to the "
	    "store, %" PRIu64 " ms here; at the %.1f commits a second since "
	    "the server's start, that is up to %.0f writes a day", put, rate,
	    puts);
}

static void
check_ack(struct trial *t)
{
	static const char *const names[][2] = {
		{ "SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync_source_enabled'",
		    "SHOW GLOBAL VARIABLES LIKE "
		    "'rpl_semi_sync_source_timeout'" },
		{ "SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync_master_enabled'",
		    "SHOW GLOBAL VARIABLES LIKE "
		    "'rpl_semi_sync_master_timeout'" },
	};
	struct finding at = t->at;
	char on[16], timeout[32];
	uint64_t ms, put = t->c->store->put_ms;
	size_t i = 0;

	at.jobs = FINDING_ARCHIVE;
	if (!check_server_shown(t, names[0][0], on, sizeof(on))) {
		i = 1;
		(void)check_server_shown(t, names[1][0], on, sizeof(on));
	}
	if (strcasecmp(on, "ON") != 0) {
		at.todo = i == 0 ? "SET PERSIST rpl_semi_sync_source_enabled "
		    "= ON" : "SET GLOBAL rpl_semi_sync_master_enabled = ON, "
		    "and in its configuration";
		if (on[0] == '\0')
			at.todo = "install its plugin for semi-synchronous "
			    "replication, and set it on";
		finding_add(t->f, &at, "ack: semi-synchronous replication is "
		    "off, so no commit waits for the archive");
	} else if (check_server_shown(t, names[i][1], timeout,
	    sizeof(timeout))) {
		ms = strtoull(timeout, NULL, 10);
		at.level = FINDING_WARNING;
		at.todo = "raise the timeout of semi-synchronous replication";
		if (ms < 10 * put || ms < 1000)
			finding_add(t->f, &at, "ack: the server waits no "
			    "longer than %" PRIu64 " ms before it goes on "
			    "without; a write to the store takes %" PRIu64
			    " ms", ms, put);
	}
	if (!t->spare)
		show_cost(t);
}

/* By GTIDs alone it finds where to go on at another server. */
static void
check_gtids(struct trial *t)
{
	struct finding at = t->at;

	at.level = FINDING_WARNING;
	at.jobs = FINDING_ARCHIVE;
	at.todo = "set gtid_mode = ON";
	if (settings_count(t->c->settings, "endpoints") > 0 &&
	    t->flavour.log_bin && !t->flavour.gtid)
		finding_add(t->f, &at, "it has no GTIDs: the archive cannot "
		    "move among the source's servers");
}

void
check_archive(struct trial *t)
{
	check_log(t);
	check_gtids(t);
	if (strcasecmp(settings_str(t->c->settings, "ack"), "off") != 0 &&
	    t->c->store->reached)
		check_ack(t);
}
