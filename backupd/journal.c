/* SPDX-License-Identifier: Apache-2.0 */
/* journal: which jobs ran when, and how they ended (SQLite). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/err.h"
#include "base/log.h"

#include "backupd/journal.h"

#define VERSION "1"
#define BUSY_MS 5000

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS run (source TEXT NOT NULL, job TEXT NOT NULL,"
    " started INTEGER NOT NULL, finished INTEGER NOT NULL,"
    " status INTEGER NOT NULL, ok INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, stored INTEGER NOT NULL, backup TEXT NOT NULL,"
    " message TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS run_job ON run (source, job, started);"
    "CREATE INDEX IF NOT EXISTS run_finished ON run (finished);"
    "CREATE TABLE IF NOT EXISTS paused (source TEXT PRIMARY KEY);"
    "PRAGMA user_version = " VERSION ";";

#define COLUMNS "source, job, started, finished, status, ok, bytes, rows," \
    " stored, backup, message"

struct journal {
	sqlite3 *db;
};

static int
failed(const struct journal *j, struct err *e)
{
	return err_set(e, ERR_IO, 0, "job history: %s", j->db != NULL ?
	    sqlite3_errmsg(j->db) : "out of memory");
}

/* 0, or SQLite's code. */
static int
try_open(struct journal *j, const char *path)
{
	int rc = sqlite3_open_v2(path != NULL ? path : ":memory:", &j->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_busy_timeout(j->db, BUSY_MS);
	/* A crash may cost the last lines, and nothing else. */
	(void)sqlite3_exec(j->db, "PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	return sqlite3_exec(j->db, schema, NULL, NULL, NULL);
}

static void
begin_anew(struct journal *j, const char *path)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char name[4096];
	size_t i;

	log_event(LOG_WARN_, "the job history is damaged: a new one begins",
	    "file", path, "why", sqlite3_errmsg(j->db), NULL);
	(void)sqlite3_close(j->db);
	j->db = NULL;
	for (i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
		(void)remove(name);
	}
}

struct journal *
journal_open(const char *path, struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));
	int rc;

	if (j == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "job history");
		return NULL;
	}
	rc = try_open(j, path);
	if (path != NULL && (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT)) {
		begin_anew(j, path);
		rc = try_open(j, path);
	}
	if (rc == SQLITE_OK)
		return j;
	(void)failed(j, e);
	(void)err_wrap(e, "%s", path != NULL ? path : "memory");
	journal_close(j);
	return NULL;
}

static sqlite3_stmt *
prepare(struct journal *j, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(j->db, sql, -1, &s, NULL) != SQLITE_OK)
		(void)failed(j, e);
	return s;
}

static void
bind_text(sqlite3_stmt *s, int i, const char *text)
{
	(void)sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
}

/* Run a statement that gives no rows. */
static int
finish(struct journal *j, sqlite3_stmt *s, struct err *e)
{
	int rc = sqlite3_step(s) == SQLITE_DONE ? 0 : failed(j, e);

	(void)sqlite3_finalize(s);
	return rc;
}

int
journal_add(struct journal *j, const struct journal_run *r, struct err *e)
{
	sqlite3_stmt *s = prepare(j, "INSERT INTO run (" COLUMNS ") VALUES "
	    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", e);

	if (s == NULL)
		return -1;
	bind_text(s, 1, r->source);
	bind_text(s, 2, r->job);
	(void)sqlite3_bind_int64(s, 3, r->started_us);
	(void)sqlite3_bind_int64(s, 4, r->finished_us);
	(void)sqlite3_bind_int(s, 5, r->status);
	(void)sqlite3_bind_int(s, 6, r->ok);
	(void)sqlite3_bind_int64(s, 7, r->bytes);
	(void)sqlite3_bind_int64(s, 8, r->rows);
	(void)sqlite3_bind_int64(s, 9, r->stored);
	bind_text(s, 10, r->backup);
	bind_text(s, 11, r->message);
	return finish(j, s, e);
}

static void
take_text(sqlite3_stmt *s, int i, char *out, size_t n)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	(void)snprintf(out, n, "%s", text != NULL ? text : "");
}

static void
take(sqlite3_stmt *s, struct journal_run *r)
{
	take_text(s, 0, r->source, sizeof(r->source));
	take_text(s, 1, r->job, sizeof(r->job));
	r->started_us = sqlite3_column_int64(s, 2);
	r->finished_us = sqlite3_column_int64(s, 3);
	r->status = sqlite3_column_int(s, 4);
	r->ok = sqlite3_column_int(s, 5) != 0;
	r->bytes = sqlite3_column_int64(s, 6);
	r->rows = sqlite3_column_int64(s, 7);
	r->stored = sqlite3_column_int64(s, 8);
	take_text(s, 9, r->backup, sizeof(r->backup));
	take_text(s, 10, r->message, sizeof(r->message));
}

/* One row or none: 1, 0, -1. */
static int
one(struct journal *j, sqlite3_stmt *s, struct journal_run *run,
    struct err *e)
{
	int rc = sqlite3_step(s), found = rc == SQLITE_ROW ? 1 : 0;

	if (found && run != NULL)
		take(s, run);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		found = failed(j, e);
	(void)sqlite3_finalize(s);
	return found;
}

int
journal_last(struct journal *j, const char *source, const char *job, bool ok,
    struct journal_run *run, struct err *e)
{
	sqlite3_stmt *s = prepare(j, "SELECT " COLUMNS " FROM run WHERE "
	    "source = ? AND job = ? AND ok >= ? AND status <> ? ORDER BY "
	    "started DESC, rowid DESC LIMIT 1", e);

	if (s == NULL)
		return -1;
	bind_text(s, 1, source);
	bind_text(s, 2, job);
	(void)sqlite3_bind_int(s, 3, ok);
	(void)sqlite3_bind_int(s, 4, JOURNAL_CANCELLED);
	return one(j, s, run, e);
}

/* All that a statement finds; it is freed. */
static int
every(struct journal *j, sqlite3_stmt *s,
    void (*each)(void *arg, const struct journal_run *run), void *arg,
    struct err *e)
{
	struct journal_run run;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		take(s, &run);
		each(arg, &run);
	}
	rc = rc == SQLITE_DONE ? 0 : failed(j, e);
	(void)sqlite3_finalize(s);
	return rc;
}

int
journal_recent(struct journal *j, size_t n,
    void (*each)(void *arg, const struct journal_run *run), void *arg,
    struct err *e)
{
	sqlite3_stmt *s = prepare(j, "SELECT " COLUMNS " FROM run ORDER BY "
	    "finished DESC, rowid DESC LIMIT ?", e);

	if (s == NULL)
		return -1;
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)n);
	return every(j, s, each, arg, e);
}

int
journal_of(struct journal *j, const char *source, const char *job, size_t n,
    void (*each)(void *arg, const struct journal_run *run), void *arg,
    struct err *e)
{
	sqlite3_stmt *s = prepare(j, "SELECT " COLUMNS " FROM run WHERE "
	    "source = ? AND job = ? AND status <> ? ORDER BY started DESC, "
	    "rowid DESC LIMIT ?", e);

	if (s == NULL)
		return -1;
	bind_text(s, 1, source);
	bind_text(s, 2, job);
	(void)sqlite3_bind_int(s, 3, JOURNAL_CANCELLED);
	(void)sqlite3_bind_int64(s, 4, (sqlite3_int64)n);
	return every(j, s, each, arg, e);
}

int
journal_pause(struct journal *j, const char *source, bool paused,
    struct err *e)
{
	sqlite3_stmt *s = prepare(j, paused ?
	    "INSERT OR REPLACE INTO paused (source) VALUES (?)" :
	    "DELETE FROM paused WHERE source = ?", e);

	if (s == NULL)
		return -1;
	bind_text(s, 1, source);
	return finish(j, s, e);
}

int
journal_paused(struct journal *j, const char *source, bool *paused,
    struct err *e)
{
	sqlite3_stmt *s = prepare(j, "SELECT 1 FROM paused WHERE source = ?",
	    e);
	int rc;

	if (s == NULL)
		return -1;
	bind_text(s, 1, source);
	rc = one(j, s, NULL, e);
	*paused = rc == 1;
	return rc < 0 ? -1 : 0;
}

int
journal_prune(struct journal *j, int64_t before_us, struct err *e)
{
	sqlite3_stmt *s = prepare(j, "DELETE FROM run WHERE finished < ?", e);

	if (s == NULL)
		return -1;
	(void)sqlite3_bind_int64(s, 1, before_us);
	return finish(j, s, e);
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	(void)sqlite3_close(j->db);
	free(j);
}
