/* SPDX-License-Identifier: Apache-2.0 */
/* spool_recover: what an archiver that died left goes to the store. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/archived.h"
#include "backupd/spool_impl.h"
#include "backupd/stored.h"
#include "backupd/tail.h"
#include "backupd/upload.h"
#include "base/err.h"
#include "base/log.h"

#include "backupd/spool_recover.h"

/* Records that go on without a hole, of one file of a history. */
struct run {
	char history[HISTORY_ID_LEN + 1];
	uint32_t seq;
	uint64_t start, end;
	uint64_t whole;		/* where its last whole transaction ends */
	size_t first, n;	/* names of its files */
};

struct recover {
	struct spool *spool;
	struct store *store;
	const char *source;
	struct history *histories;
	size_t nhistories;
	struct spool_names names;
	struct run *runs;
	size_t nruns;

	/* The run in hand. */
	const struct run *run;
	struct stored stored;	/* of its file, */
	struct segment *segments;
	uint64_t end;		/* whose end this is */
	bool over;		/* the file ends there for good */
	struct tail tail;
	struct tail_memory memory;
	uint64_t uploaded;
};

/* --- which runs there are --- */

static int
take_run(void *arg, const char *file, const char *history,
    const struct spool_record *r, struct err *e)
{
	struct recover *v = arg;
	struct run *last = v->nruns > 0 ? &v->runs[v->nruns - 1] : NULL;
	void *runs;
	size_t i;

	for (i = 0; i < v->names.n && strcmp(v->names.all[i], file) != 0; i++)
		continue;
	if (i == v->names.n)
		return 0;
	if (last == NULL || strcmp(last->history, history) != 0 ||
	    last->seq != r->seq || last->end != r->start) {
		runs = realloc(v->runs, (v->nruns + 1) * sizeof(*v->runs));
		if (runs == NULL)
			return err_set(e, ERR_NOMEM, 0, "spool");
		v->runs = runs;
		last = &v->runs[v->nruns++];
		*last = (struct run){ .seq = r->seq, .start = r->start,
		    .first = i };
		(void)snprintf(last->history, sizeof(last->history), "%s",
		    history);
	}
	last->end = r->start + r->n;
	if (r->whole > last->whole)
		last->whole = r->whole;
	last->n = i + 1 - last->first;
	return 0;
}

/* --- what the store has --- */

static const struct history *
find_history(const struct recover *v, const char *id)
{
	size_t i;

	for (i = 0; i < v->nhistories; i++)
		if (strcmp(v->histories[i].id, id) == 0)
			return &v->histories[i];
	return NULL;
}

static int
load_finished(struct recover *v, struct err *e)
{
	struct binlog_file *files = NULL;
	const struct run *run = v->run;
	size_t n = 0, i;
	int rc = files_list(v->store, v->source, run->history, run->seq,
	    &files, &n, e);

	if (rc == 0 && (n == 0 || files[0].seq != run->seq))
		rc = err_set(e, ERR_CORRUPT, 0, "history %s: file %u is not "
		    "listed", run->history, (unsigned)run->seq);
	if (rc == 0) {
		v->segments = calloc(files[0].nobjects, sizeof(*v->segments));
		if (v->segments == NULL)
			rc = err_set(e, ERR_NOMEM, 0, "segments");
	}
	for (i = 0; rc == 0 && i < files[0].nobjects; i++)
		v->segments[i] = (struct segment){ .seq = run->seq,
		    .start = files[0].objects[i].start,
		    .end = files[0].objects[i].end,
		    .size = files[0].objects[i].size };
	if (rc == 0) {
		v->stored.n = files[0].nobjects;
		v->end = files[0].size;
		v->over = true;
	}
	files_free(files, n);
	return rc;
}

static int
load_stored(struct recover *v, struct err *e)
{
	struct segment *all = NULL;
	size_t n = 0, mine = 0;
	uint32_t finished;
	int rc;

	v->stored = (struct stored){ .store = v->store, .source = v->source,
	    .history = v->run->history };
	v->over = false;
	free(v->segments);
	v->segments = NULL;
	if (files_last(v->store, v->source, v->run->history, &finished,
	    e) != 0)
		return -1;
	if (v->run->seq <= finished) {
		rc = load_finished(v, e);
	} else {
		rc = segments_list(v->store, v->source, v->run->history,
		    v->run->seq, &all, &n, e);
		while (mine < n && all[mine].seq == v->run->seq)
			mine++;
		v->segments = all;
		v->stored.n = segments_cover(all, mine, 0, &v->end);
	}
	v->stored.segments = v->segments;
	return rc;
}

/* --- the same in both? --- */

struct compare {
	struct recover *v;
	struct buf data, lines;
	uint64_t from, at, end;	/* data holds from on; next to compare */
	bool differs;
};

static int
compare(void *arg, const void *data, size_t n, struct err *e)
{
	struct compare *c = arg;
	const struct run *run = c->v->run;
	const char *p = data;
	uint64_t to;
	size_t len;

	for (; n > 0 && c->at < c->end; n -= len, p += len, c->at += len) {
		if (c->at == c->from + c->data.len) {
			c->from = c->at;
			to = c->from + TAIL_MAX;
			if (spool_read(c->v->spool, run->history, run->seq,
			    c->from, to < c->end ? to : c->end, &c->data,
			    &c->lines, e) != 0)
				return -1;
		}
		len = (size_t)(c->from + c->data.len - c->at);
		if (len > n)
			len = n;
		if (memcmp(c->data.data + (c->at - c->from), p, len) != 0) {
			c->differs = true;
			return err_set(e, ERR_EXISTS, 0, "differs");
		}
	}
	return 0;
}

/* 1: what both hold is the same; 0: it differs. */
static int
is_same(struct recover *v, struct err *e)
{
	struct compare c = { .v = v, .at = v->run->start,
	    .from = v->run->start, .end = v->run->end < v->end ?
	    v->run->end : v->end };
	int rc = 0;

	if (c.at < c.end)
		rc = stored_read(&v->stored, c.at, compare, &c, e);
	buf_free(&c.data);
	buf_free(&c.lines);
	if (rc == 0)
		return 1;
	if (!c.differs)
		return -1;
	*e = (struct err){0};
	return 0;
}

/* --- to the store --- */

static int
send(struct recover *v, uint64_t at, struct err *e)
{
	struct tail_cut cut;
	int rc;

	if (tail_cut(&v->tail, at, &cut, e) != 0)
		return -1;
	rc = upload_cut(v->store, v->source, v->run->history, &cut, e);
	v->uploaded += cut.end - cut.start;
	tail_cut_free(&v->memory, &cut);
	return rc;
}

/* Bytes up to an offset of the record. */
static int
feed(struct recover *v, const struct spool_record *r, uint64_t to,
    struct err *e)
{
	struct tail *t = &v->tail;

	while (t->end < to) {
		if (tail_add(t, r->data + (t->end - r->start),
		    (size_t)(to - t->end)) > 0)
			continue;
		if (send(v, t->boundary > t->start ? t->boundary : t->end,
		    e) != 0)
			return -1;
	}
	return 0;
}

/* Transaction by transaction, so that segments end between two. */
static int
take_record(void *arg, const char *file, const char *history,
    const struct spool_record *r, struct err *e)
{
	struct recover *v = arg;
	const char *at = r->lines, *stop = at + r->nlines, *lf;
	struct buf line = {0};
	struct transaction t;
	uint64_t end, last = r->start + r->n;
	int rc = 0;

	(void)file;
	if (last > v->run->whole)
		last = v->run->whole;
	if (strcmp(history, v->run->history) != 0 || r->seq != v->run->seq ||
	    r->start < v->run->start || r->start + r->n > v->run->end)
		return 0;
	for (; rc == 0 && at < stop; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(stop - at));
		if (lf == NULL)
			return err_set(e, ERR_CORRUPT, 0, "spool: a line has "
			    "no end");
		if (transaction_line_parse(at, (size_t)(lf - at), &t, e) != 0)
			return -1;
		end = t.offset + t.size;
		if (end > v->tail.end && end <= last) {
			rc = feed(v, r, end, e);
			buf_clear(&line);
			buf_add(&line, at, (size_t)(lf + 1 - at));
			tail_line(&v->tail, &line, t.time_us);
			v->tail.boundary = v->tail.end;
		}
		transaction_line_free(&t);
	}
	buf_free(&line);
	if (rc == 0 && r->whole > v->tail.end) {
		rc = feed(v, r, r->whole, e);
		v->tail.boundary = v->tail.end;
	}
	return rc == 0 ? feed(v, r, last, e) : -1;
}

static int
upload(struct recover *v, struct err *e)
{
	int rc;

	v->memory = (struct tail_memory){ .limit = SIZE_MAX };
	v->tail = (struct tail){ .memory = &v->memory };
	tail_begin(&v->tail, v->run->seq, v->end);
	rc = spool_each(v->spool, take_record, v, e);
	if (rc == 0 && v->tail.boundary > v->tail.start)
		rc = send(v, v->tail.boundary, e);
	tail_clear(&v->tail);
	return rc;
}

/* --- all of it --- */

static int
put_aside(struct recover *v, const char *why, struct err *e)
{
	const struct run *run = v->run;
	char at[64];
	size_t i;

	(void)snprintf(at, sizeof(at), "%" PRIu64 "-%" PRIu64, run->start,
	    run->end);
	log_event(LOG_ERROR_, "the spool holds what the archive cannot take: "
	    "it is put aside", "source", v->source, "history", run->history,
	    "file", v->names.all[run->first], "bytes", at, "why", why,
	    "folder", spool_path(v->spool), NULL);
	/* A file that two runs share may be gone already. */
	for (i = 0; i < run->n; i++)
		if (spool_aside(v->spool, v->names.all[run->first + i],
		    e) != 0 && e->sys != ENOENT)
			return -1;
		else
			*e = (struct err){0};
	return 0;
}

static int
recover_run(struct recover *v, struct err *e)
{
	int rc;

	if (find_history(v, v->run->history) == NULL)
		return put_aside(v, "the store has no such history", e);
	if (load_stored(v, e) != 0)
		return -1;
	if (v->run->start > v->end)
		return put_aside(v, "the store lacks bytes before them", e);
	rc = is_same(v, e);
	if (rc == 0)
		return put_aside(v, "they differ from the store's", e);
	if (rc < 0 || v->run->whole <= v->end)
		return rc < 0 ? -1 : 0;
	return v->over ? put_aside(v, "the archive's file ends before them",
	    e) : upload(v, e);
}

static int
remove_files(struct recover *v, struct err *e)
{
	size_t i;

	/* What this process wrote is forgotten as well. */
	spool_stored(v->spool, "", 0, 0);
	for (i = 0; i < v->names.n; i++)
		if (spool_remove(v->spool, v->names.all[i], e) != 0) {
			if (e->sys != ENOENT)
				return -1;
			*e = (struct err){0};
		}
	return 0;
}

int
spool_recover(struct spool *sp, struct store *s, const char *source,
    struct err *e)
{
	struct recover v = { .spool = sp, .store = s, .source = source };
	char bytes[32];
	size_t i;
	int rc = spool_names(spool_path(sp), &v.names, e);

	if (rc == 0 && v.names.n > 0)
		rc = histories_list(s, source, &v.histories, &v.nhistories, e);
	if (rc == 0 && v.names.n > 0)
		rc = spool_each(sp, take_run, &v, e);
	for (i = 0; rc == 0 && i < v.nruns; i++) {
		v.run = &v.runs[i];
		rc = recover_run(&v, e);
	}
	if (rc == 0)
		rc = remove_files(&v, e);
	if (v.uploaded > 0) {
		(void)snprintf(bytes, sizeof(bytes), "%" PRIu64, v.uploaded);
		log_event(LOG_WARN_, "what the store had not got was taken "
		    "from the spool", "source", source, "bytes", bytes, NULL);
	}
	histories_free(v.histories, v.nhistories);
	spool_names_free(&v.names);
	free(v.segments);
	free(v.runs);
	return rc == 0 ? 0 : err_wrap(e, "spool %s", spool_path(sp));
}
