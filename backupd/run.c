/* SPDX-License-Identifier: Apache-2.0 */
/* run: one backup of one source, from the first look to the committed head. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/dump.h"
#include "backupd/identity.h"
#include "backupd/plan.h"
#include "backupd/record.h"
#include "backupd/guard.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/begun.h"
#include "catalog/bundle.h"
#include "catalog/feed.h"
#include "catalog/leftovers.h"
#include "catalog/list.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"
#include "mysql/rights.h"
#include "store/store.h"

#include "backupd/run.h"

struct run {
	const struct run_opts *opts;
	struct store *store;
	struct head *head;
	struct conn *conn;		/* looks at the server, no snapshot */
	struct flavour flavour;
	struct plan plan;
	struct bundle_writer *bundle;
	struct list_writer *lists;
	struct snapshot *snapshot;
	struct chunk_totals totals;
	pthread_mutex_t large_row;
	struct dump_opts dump;
	struct dump_inexact *inexact;
	struct head other;	/* made instead of ours */
	bool begun;
	bool defined;		/* definitions were read once */
	uint64_t locked_ms;	/* spent under the lock on locked tables */
};

/* Another attempt at the snapshot: nothing of the one before may be left, no
 * definition and no row that was read under its lock. */
static int
start_over(struct run *r, struct err *e)
{
	const char *source = r->opts->source;

	dump_inexact_free(r->inexact);
	r->inexact = NULL;
	memset(&r->totals, 0, sizeof(r->totals));
	bundle_writer_free(r->bundle);
	r->bundle = r->dump.chunker.bundle = NULL;
	if (leftovers_empty(r->store, source, r->head->id, e) != 0)
		return -1;
	r->bundle = bundle_writer_new(r->store, source, r->head->id, e);
	r->dump.chunker.bundle = r->bundle;
	return r->bundle == NULL ? -1 : 0;
}

static int
read_ddl(void *arg, struct conn *c, struct err *e)
{
	struct run *r = arg;

	if (r->defined && start_over(r, e) != 0)
		return -1;
	r->defined = true;
	if (plan_scan(&r->plan, c, e) != 0 || plan_define(&r->plan, c,
	    r->bundle, r->opts->accounts, r->opts->level, e) != 0)
		return -1;
	return r->opts->test_between == NULL ? 0 : conn_exec(r->conn,
	    r->opts->test_between, e);
}

static int
fingerprint(void *arg, struct conn *c, struct buf *out, struct err *e)
{
	struct run *r = arg;

	return plan_fingerprint(&r->plan, c, out, e);
}

/* Tables whose engine has no snapshots are read under the commit lock. */
static int
read_locked(void *arg, struct conn *c, struct err *e)
{
	struct run *r = arg;
	struct plan_item *it;
	size_t i;

	for (i = 0; i < r->plan.nitems; i++) {
		it = &r->plan.items[i];
		if (it->kind != SCHEMA_TABLE || it->transactional)
			continue;
		if (dump_locked(&r->dump, c, it, &r->inexact, e) != 0)
			return -1;
	}
	return 0;
}

static int
each_table(void *arg, int (*emit)(void *, const char *, const char *,
    struct err *), void *emit_arg, struct err *e)
{
	struct run *r = arg;
	const struct plan_item *it;
	size_t i;

	for (i = 0; i < r->plan.nitems; i++) {
		it = &r->plan.items[i];
		if (it->kind == SCHEMA_TABLE &&
		    emit(emit_arg, it->schema, it->name, e) != 0)
			return -1;
	}
	return 0;
}

/* What a server reads and we encode in a second, at the least: tables without
 * transactions must fit into the time that commits may be stopped. */
#define LOCKED_RATE	((uint64_t)50 << 20)

static int
check_locked(const struct run *r, struct err *e)
{
	uint64_t bytes = 0, limit, largest = 0;
	const struct plan_item *it, *worst = NULL;
	size_t i, n = 0;

	limit = r->opts->lock_hold_ms * LOCKED_RATE / 1000;
	for (i = 0; i < r->plan.nitems; i++) {
		it = &r->plan.items[i];
		if (it->kind != SCHEMA_TABLE || it->transactional)
			continue;
		n++;
		bytes += it->bytes;
		if (worst == NULL || it->bytes > largest) {
			worst = it;
			largest = it->bytes;
		}
	}
	if (worst == NULL || bytes <= limit)
		return 0;
	(void)err_set(e, ERR_USAGE, 0, "%zu tables of engines without "
	    "transactions hold %" PRIu64 " MiB (largest: %s.%s, %s): too much "
	    "to read while commits are stopped for --lock-hold %" PRIu64
	    " ms", n, bytes >> 20, worst->schema, worst->name, worst->type,
	    r->opts->lock_hold_ms);
	return err_hint(e, "convert them to InnoDB, --exclude them, or allow "
	    "a longer --lock-hold");
}

/* The newest backup, or else its archive, says who this source is; the backup
 * alone, which lineage goes on. */
static int
check_identity(struct run *r, struct err *e)
{
	struct head newest;
	int rc = identity_newest(r->store, r->opts->source, &newest, e);

	if (rc < 0)
		goto out;
	memcpy(r->head->lineage, rc == 0 ? r->head->id : newest.lineage,
	    sizeof(r->head->lineage));
	rc = rc == 0 ? identity_check_archive(r->store, r->opts->source,
	    r->conn, &r->flavour, e) : identity_check(r->conn, &r->flavour,
	    &newest, e);
	if (rc != 0 && r->opts->adopt && e->code == ERR_EXISTS) {
		log_event(LOG_WARN_, "adopting a server that does not belong "
		    "to the source", "why", e->msg, NULL);
		*e = (struct err){0};
		memcpy(r->head->lineage, r->head->id, sizeof(r->head->id));
		rc = 0;
	}
out:	head_free(&newest);
	return rc;
}

/* What an account has no right to see, a server does not even name: the backup
 * would lack it without a word. */
static int
check_sight(const struct run *r, struct err *e)
{
	static const char *const needed[] = { "SELECT", "TRIGGER", "EVENT" };
	struct rights rights = {0};
	int rc = rights_read(r->conn, &r->flavour, &rights, e);
	size_t i;

	for (i = 0; i < 3 && rc == 0; i++) {
		if (rights_has(&rights, needed[i]))
			continue;
		if (r->opts->scope.includes > 0) {
			log_event(LOG_WARN_, "the account may not see all: "
			    "what it has this right for is in the backup",
			    "right", needed[i], NULL);
			continue;
		}
		rc = err_set(e, ERR_DENIED, 0, "the account has no right %s "
		    "on *.*: what it may not see would be left out unseen",
		    needed[i]);
		(void)err_hint(e, "grant %s ON *.* to it ('backupd grants' "
		    "has all), or --include what it may see", needed[i]);
	}
	rights_free(&rights);
	return rc;
}

static int
look(struct run *r, struct err *e)
{
	r->conn = conn_open(r->opts->conn, e);
	if (r->conn == NULL)
		return -1;
	if (flavour_probe(r->conn, &r->flavour, e) != 0 ||
	    flavour_dump_session(r->conn, &r->flavour, 86400, e) != 0 ||
	    check_sight(r, e) != 0 || check_identity(r, e) != 0)
		return err_wrap(e, "%s", conn_where(r->conn));
	plan_init(&r->plan, &r->opts->scope, &r->flavour);
	if (plan_scan(&r->plan, r->conn, e) != 0)
		return err_wrap(e, "%s", conn_where(r->conn));
	if (r->plan.nitems == 0 && r->opts->scope.includes > 0) {
		(void)err_set(e, ERR_USAGE, 0, "--include %s%s: nothing on "
		    "the server matches", r->opts->scope.include[0],
		    r->opts->scope.includes > 1 ? " ..." : "");
		return err_hint(e, "see SHOW DATABASES for names");
	}
	return check_locked(r, e);
}

/* Is it what this run is to make? */
static bool
is_as_good(const struct run *r, const struct head *h)
{
	const struct schema_scope *scope = &r->opts->scope;

	return head_proven(h) && (json_is_null(h->partial) ||
	    scope->includes + scope->excludes > 0);
}

/* A daemon that was taken for dead goes on, and finds that its successor did
 * the same.  1: so it is. */
static int
made_by_another(struct run *r, struct err *e)
{
	struct backup_ref *refs = NULL;
	struct err why = {0};
	size_t n = 0;
	int rc = 0;

	if (r->opts->unless_us == 0)
		return 0;
	if (backups_list(r->store, r->opts->source, &refs, &n, e) != 0)
		return -1;
	/* The newest first; one that cannot be read is none. */
	for (; n > 0 && rc == 0; n--) {
		why = (struct err){0};
		if (head_load(r->store, r->opts->source, refs[n - 1].id,
		    &r->other, &why) != 0)
			continue;
		if (r->other.started_us < r->opts->unless_us)
			n = 1;
		else if (is_as_good(r, &r->other))
			rc = 1;
		if (rc == 0)
			head_free(&r->other);
	}
	free(refs);
	return rc;
}

static int
begin(struct run *r, struct err *e)
{
	const struct run_opts *o = r->opts;

	if (leftovers_clean(r->store, o->source, e) != 0 ||
	    begun_write(r->store, o->source, r->head->id,
	    r->head->started_us + (int64_t)o->time_limit_ms * 1000, e) != 0)
		return -1;
	r->begun = true;
	r->bundle = bundle_writer_new(r->store, o->source, r->head->id, e);
	if (r->bundle == NULL)
		return -1;
	r->lists = list_writer_new(r->store, o->source, r->head->id, o->level,
	    e);
	return r->lists == NULL ? -1 : 0;
}

static int
take_snapshot(struct run *r, struct err *e)
{
	const struct run_opts *o = r->opts;
	const struct snapshot_opts opts = {
		.conn = o->conn, .workers = o->workers, .method = o->method,
		.lock_hold_ms = o->lock_hold_ms,
		.lock_wait_ms = o->lock_wait_ms,
		.wait_ms = o->snapshot_wait_ms,
		.allow_unproven = o->allow_unproven,
		.non_transactional = r->plan.non_transactional,
		.read_ddl = read_ddl, .fingerprint = fingerprint,
		.locked = r->plan.non_transactional ? read_locked : NULL,
		.each_table = each_table, .arg = r, .cancel = o->cancel,
		.test_late_ms = o->test_late_ms,
	};
	const struct snapshot_facts *facts;
	char held[32];

	feed_phase("lock");
	r->snapshot = snapshot_open(&opts, &r->flavour, e);
	if (r->snapshot == NULL)
		return -1;
	facts = snapshot_facts(r->snapshot);
	(void)snprintf(held, sizeof(held), "%" PRIu64, facts->commits_held_ms);
	log_event(facts->proven ? LOG_INFO_ : LOG_WARN_, "snapshot",
	    "method", facts->method, "proven", facts->proven ? "yes" : "NO",
	    "commits_held_ms", held, "file", facts->file, "gtid", facts->gtid,
	    NULL);
	if (record_server(r->head, r->conn, &r->flavour, facts, o->workers,
	    e) != 0)
		return -1;
	plan_sort(&r->plan);
	return plan_write_lines(&r->plan, r->lists, e);
}

static int
dump(struct run *r, struct err *e)
{
	struct progress *progress;
	struct guard *guard;
	int rc;

	feed_phase("dump");
	r->dump.snapshot = r->snapshot;
	progress = progress_start(&r->totals.done, r->plan.bytes, e);
	if (progress == NULL)
		return -1;
	guard = guard_start(r->opts, &r->flavour, r->snapshot, &r->totals, e);
	rc = guard == NULL ? -1 : dump_run(&r->dump, &r->inexact, e);
	/* A guard that gave the dump up knows why better than the workers. */
	guard_stop(guard, e);
	progress_stop(progress);
	return e->code != ERR_NONE ? -1 : rc;
}

static int
commit(struct run *r, struct err *e)
{
	int64_t now;
	int made;

	feed_phase("commit");
	if (bundle_writer_end(r->bundle, e) != 0 ||
	    list_writer_end(r->lists, r->head, e) != 0 ||
	    record_totals(r->head, &r->plan, &r->opts->scope, &r->totals,
	    r->inexact, r->store, r->opts->level, e) != 0 ||
	    store_time(r->store, &now, e) != 0)
		return -1;
	if (now > r->head->started_us + (int64_t)r->opts->time_limit_ms * 1000)
		return err_set(e, ERR_IO, 0, "the run is past its time limit: "
		    "its objects may be swept, so it commits nothing");
	made = made_by_another(r, e);
	if (made != 0)
		return made;
	if (cancel_check(r->opts->cancel, e) != 0)
		return -1;
	r->head->finished_us = clock_now_us();
	if (head_commit(r->store, r->head, e) != 0)
		return err_wrap(e, "commit the backup");
	return 0;
}

/* A request to begin an upload whose answer was lost was made again (libcurl
 * does so unseen): the first upload would be kept, and paid for, for ever. */
static void
tidy(const struct run *r)
{
	char prefix[STORE_KEY_MAX];
	struct err late = {0};

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/data/%s/",
	    r->opts->source, r->head->id);
	if (store_abort_uploads(r->store, prefix, &late) != 0)
		log_event(LOG_WARN_, "could not look for unfinished uploads",
		    "id", r->head->id, "why", late.msg, NULL);
}

/* Free everything; after a failure also what is in the store. */
static void
finish(struct run *r, bool ok)
{
	struct err late = {0};

	bundle_writer_free(r->bundle);
	list_writer_free(r->lists);
	snapshot_close(r->snapshot);
	conn_close(r->conn);
	dump_inexact_free(r->inexact);
	plan_free(&r->plan);
	(void)pthread_mutex_destroy(&r->large_row);
	if (!r->begun)
		return;
	if (!ok && leftovers_remove(r->store, r->opts->source, r->head->id,
	    &late) != 0) {
		/* begun/ stays: the next run finds and removes the rest. */
		log_event(LOG_WARN_, "left behind; the next run or 'catalog "
		    "leftovers --delete' removes it", "id", r->head->id,
		    "why", late.msg, NULL);
		return;
	}
	if (ok)
		tidy(r);
	if (begun_remove(r->store, r->opts->source, r->head->id, &late) != 0)
		log_event(LOG_WARN_, "could not remove the begun note",
		    "id", r->head->id, "why", late.msg, NULL);
}

int
run_backup(struct store *s, const struct run_opts *opts, struct head *h,
    struct err *e)
{
	struct run r = { .opts = opts, .store = s, .head = h };
	int rc = -1;

	*h = (struct head){0};
	backup_id_make(h->id);
	h->started_us = clock_now_us();
	h->source = strdup(opts->source);
	h->tool = strdup("backupd " KURA_VERSION);
	if (h->source == NULL || h->tool == NULL)
		return err_set(e, ERR_NOMEM, 0, "head");
	(void)pthread_mutex_init(&r.large_row, NULL);
	if (look(&r, e) != 0)
		goto out;
	rc = made_by_another(&r, e);
	if (rc != 0)
		goto out;
	rc = -1;
	if (begin(&r, e) != 0)
		goto out;
	r.dump = (struct dump_opts){
		.flavour = &r.flavour, .plan = &r.plan, .lists = r.lists,
		.range_bytes = opts->range_bytes, .cancel = opts->cancel,
		.chunker = { .store = s, .source = opts->source, .id = h->id,
		    .bundle = r.bundle, .level = opts->level,
		    .chunk_bytes = opts->chunk_bytes,
		    .cancel = opts->cancel, .large_row = &r.large_row,
		    .totals = &r.totals },
	};
	log_event(LOG_INFO_, "backup begun", "source", opts->source, "id",
	    h->id, "server", r.flavour.version_text, NULL);
	if (take_snapshot(&r, e) == 0 && dump(&r, e) == 0)
		rc = commit(&r, e);
out:	finish(&r, rc == 0);
	if (rc == 1) {
		log_event(LOG_INFO_, "another run has made this backup",
		    "source", opts->source, "id", h->id, "other",
		    r.other.id, NULL);
		head_free(h);
		*h = r.other;
	} else if (rc != 0) {
		/* A worker that was woken sees a broken connection: the
		 * request to stop is the cause. */
		if (cancel_requested(opts->cancel)) {
			*e = (struct err){0};
			(void)cancel_check(opts->cancel, e);
		}
		head_free(h);
	}
	return rc;
}
