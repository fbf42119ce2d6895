/* SPDX-License-Identifier: Apache-2.0 */
/* record: what a run found and did, as the parts of its head. */
#include <string.h>

#include <zstd.h>

#include "backupd/plan.h"
#include "base/buf.h"
#include "base/err.h"
#include "catalog/head.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"
#include "mysql/snapshot.h"
#include "base/clock.h"
#include "store/store.h"

#include "backupd/record.h"

/* Settings that matter to whoever restores, as the server spells them. */
static const char settings_sql[] =
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('sql_mode',"
    "'character_set_server','collation_server','binlog_format',"
    "'binlog_row_image','binlog_row_metadata','binlog_checksum','time_zone',"
    "'system_time_zone','gtid_mode','gtid_domain_id','gtid_strict_mode',"
    "'lower_case_table_names','explicit_defaults_for_timestamp',"
    "'default_storage_engine','innodb_page_size','log_bin',"
    "'log_slave_updates','log_replica_updates','max_allowed_packet')";

static json_t *
settings_json(struct conn *c, struct err *e)
{
	json_t *all = json_object();
	struct result *r;
	unsigned long *len;
	char **row;
	int got;

	r = conn_query(c, settings_sql, true, e);
	if (r == NULL || all == NULL)
		goto fail;
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (row[0] != NULL && row[1] != NULL)
			(void)json_object_set_new(all, row[0],
			    json_stringn_nocheck(row[1], len[1]));
	result_free(r);
	if (got == 0)
		return all;
	r = NULL;
fail:	result_free(r);
	json_decref(all);
	return NULL;
}

static json_t *
xa_json(const struct snapshot_xa *xa)
{
	json_t *all = json_array();

	for (; xa != NULL; xa = xa->next)
		(void)json_array_append_new(all, json_string(xa->text));
	return all;
}

static json_t *
replica_json(const struct snapshot_facts *s)
{
	if (!s->is_replica)
		return json_null();
	return json_pack("{s:s, s:I, s:s, s:s}", "file", s->replica_file,
	    "position", (json_int_t)s->replica_position,
	    "gtid", s->replica_gtid != NULL ? s->replica_gtid : "",
	    "exact", s->replica_exact ? "exact" : "low-water");
}

int
record_server(struct head *h, struct conn *c, const struct flavour *f,
    const struct snapshot_facts *s, unsigned workers, struct err *e)
{
	char at[CLOCK_TEXT];

	h->settings = settings_json(c, e);
	if (h->settings == NULL)
		return err_wrap(e, "settings of the server");
	clock_rfc3339(s->at_us, at);
	h->server = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I}",
	    "flavour", f->name, "version", f->version_text, "uuid", f->uuid,
	    "server_id", (json_int_t)f->server_id, "host", f->host,
	    "port", (json_int_t)f->port,
	    "lower_case_table_names", (json_int_t)f->lower_case_table_names);
	h->snapshot = json_pack("{s:s, s:b, s:s, s:I, s:s, s:I, s:I}",
	    "method", s->method, "proven", s->proven, "proof", s->proof,
	    "workers", (json_int_t)workers, "at", at,
	    "commits_held_ms", (json_int_t)s->commits_held_ms,
	    "ddl_held_ms", (json_int_t)s->ddl_held_ms);
	h->coordinates = json_pack("{s:s, s:I, s:s, s:o, s:o}",
	    "file", s->file, "position", (json_int_t)s->position,
	    "gtid", s->gtid != NULL ? s->gtid : "",
	    "replica", replica_json(s), "xa", xa_json(s->xa));
	if (h->server == NULL || h->snapshot == NULL || h->coordinates == NULL)
		return err_set(e, ERR_NOMEM, 0, "head");
	return 0;
}

static json_t *
patterns(const char *const *list, size_t n)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(all, json_string(list[i]));
	return all;
}

int
record_totals(struct head *h, const struct plan *p,
    const struct schema_scope *scope, const struct chunk_totals *t,
    const struct dump_inexact *inexact, const struct store *s, int level,
    struct err *e)
{
	struct store_counters n;

	store_counters(s, &n);
	h->partial = scope->includes + scope->excludes == 0 ? json_null() :
	    json_pack("{s:o, s:o}", "include",
	    patterns(scope->include, scope->includes), "exclude",
	    patterns(scope->exclude, scope->excludes));
	h->totals = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
	    " s:I, s:I, s:I, s:I}",
	    "schemas", (json_int_t)p->counts[SCHEMA_SCHEMA],
	    "tables", (json_int_t)p->counts[SCHEMA_TABLE],
	    "views", (json_int_t)p->counts[SCHEMA_VIEW],
	    "routines", (json_int_t)p->counts[SCHEMA_ROUTINE],
	    "triggers", (json_int_t)p->counts[SCHEMA_TRIGGER],
	    "events", (json_int_t)p->counts[SCHEMA_EVENT],
	    "accounts", (json_int_t)p->accounts,
	    "rows", (json_int_t)t->done.rows, "raw", (json_int_t)t->done.raw,
	    "stored", (json_int_t)t->stored, "borrowed", (json_int_t)0,
	    "objects", (json_int_t)t->objects,
	    "requests", (json_int_t)n.requests);
	h->inexact = json_array();
	for (; inexact != NULL; inexact = inexact->next)
		(void)json_array_append_new(h->inexact, json_pack(
		    "{s:I, s:I, s:I}", "table", (json_int_t)inexact->table,
		    "column", (json_int_t)inexact->column,
		    "rows", (json_int_t)inexact->rows));
	h->lenders = json_array();
	h->codec = json_pack("{s:s, s:I, s:n}", "zstd", ZSTD_versionString(),
	    "level", (json_int_t)level, "encryption");
	if (h->partial == NULL || h->totals == NULL || h->inexact == NULL ||
	    h->lenders == NULL || h->codec == NULL)
		return err_set(e, ERR_NOMEM, 0, "head");
	return 0;
}
