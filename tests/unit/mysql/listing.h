/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing: what the readers of binary logs make of a file, as text.
 *
 * One line an event, one a transaction ("="), one a table of it; with rows
 * one a row image ("+" after, "-" before), its values as form and text or hex
 * digits, "!" what could not be read.  For tests and fuzzing alone.
 */
#ifndef TESTS_LISTING_H
#define TESTS_LISTING_H

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/rows.h"
#include "mysql/transaction.h"

#define LISTING_MAPS 1024

struct listing {
	bool rows;		/* show maps and rows too */
	struct buf out;
	struct rows_table maps[LISTING_MAPS];
	size_t nmaps;
	struct buf room;
};

static const char *const kinds[] = { "rows", "statement", "ddl",
	"xa-prepare", "xa-commit", "xa-rollback", "empty" };

static int
show_sets(struct listing *l, const struct event *ev, struct err *e)
{
	struct gtid_set *set;
	struct buf text = {0};
	int rc;

	set = gtid_set_new(ev->type == EVENT_PREVIOUS_GTIDS ? FLAVOUR_MYSQL :
	    FLAVOUR_MARIADB, e);
	rc = set == NULL ? -1 : event_gtid_set(ev, set, e);
	if (rc == 0) {
		gtid_set_text(set, &text);
		buf_addf(&l->out, "  %s\n", buf_str(&text));
	}
	buf_free(&text);
	gtid_set_free(set);
	return rc;
}

/* "R$.a=2" and the like, a line each, as hex digits. */
static void
show_change(struct listing *l, const struct rows_value *v)
{
	struct buf text = {0}, value = {0};
	const char *data = v->data, *path;
	size_t n = v->len, len, i;
	enum rows_step step;
	struct err e = {0};

	while (rows_change_next(&data, &n, &step, &path, &len, &value,
	    &e) == 1) {
		buf_addc(&text, "RIX"[step]);
		buf_add(&text, path, len);
		buf_addf(&text, "=%s\n", buf_str(&value));
		buf_clear(&value);
	}
	if (e.code != ERR_NONE)
		buf_addf(&text, "! %s", e.msg);
	for (i = 0; i < text.len; i++)
		buf_addf(&l->out, "%02x", (unsigned char)text.data[i]);
	buf_free(&text);
	buf_free(&value);
}

static void
show_value(struct listing *l, const struct rows_value *v)
{
	static const char forms[] = "AZNTBJGC";
	size_t i;

	buf_addf(&l->out, " %c", forms[v->form]);
	if (v->form == ROWS_NUMBER)
		buf_addf(&l->out, "%.*s", (int)v->len, v->data);
	else if (v->form == ROWS_CHANGE)
		show_change(l, v);
	else if (v->form > ROWS_NUMBER)
		for (i = 0; i < v->len; i++)
			buf_addf(&l->out, "%02x", (unsigned char)v->data[i]);
}

static void
show_image(struct listing *l, const struct rows_table *t, char mark,
    const struct rows_value *values)
{
	size_t i;

	if (values == NULL)
		return;
	buf_addf(&l->out, "  %c %s.%s", mark, t->schema, t->table);
	for (i = 0; i < t->ncolumns; i++)
		show_value(l, &values[i]);
	buf_addf(&l->out, "\n");
}

static int
show_rows(struct listing *l, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	const struct rows_value *before, *after;
	const struct rows_table *t = NULL;
	struct rows_reader *reader;
	struct rows_event r;
	size_t i;
	int rc;

	if (rows_event_parse(ev, f, &r, e) != 0)
		return -1;
	for (i = 0; i < l->nmaps; i++)
		if (l->maps[i].id == r.table_id)
			t = &l->maps[i];
	if (t == NULL)
		return err_set(e, ERR_CORRUPT, 0, "rows without a map");
	reader = rows_reader_new(t, &r, NULL, e);
	if (reader == NULL)
		return -1;
	do {
		rc = rows_next(reader, &before, &after, e);
		if (rc == 1) {
			show_image(l, t, '-', before);
			show_image(l, t, '+', after);
		}
	} while (rc == 1);
	rows_reader_free(reader);
	return rc;
}

static int
show_map(struct listing *l, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	const struct rows_column *c;
	struct rows_table t;
	size_t i;

	if (rows_table_parse(ev, f, &t, e) != 0)
		return -1;
	buf_addf(&l->out, "  %s.%s", t.schema, t.table);
	for (c = t.columns; c < t.columns + t.ncolumns; c++)
		buf_addf(&l->out, " %s:%u:%u%s:%" PRIu32, c->name == NULL ? "?" :
		    c->name, c->type, c->meta, !t.signedness ? "?" :
		    c->is_unsigned ? "u" : "", c->collation);
	buf_addf(&l->out, "\n");
	for (i = 0; i < l->nmaps && l->maps[i].id != t.id; i++)
		;
	if (i == LISTING_MAPS)
		i = 0;
	if (i < l->nmaps)
		rows_table_free(&l->maps[i]);
	else
		l->nmaps++;
	l->maps[i] = t;
	return 0;
}

static int show_event(struct listing *l, const struct event *ev,
    const struct event_format *f, struct err *e);

static int
show_payload(struct listing *l, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct event_payload *p = event_payload_open(ev, f, e);
	struct event inner;
	int rc = p == NULL ? -1 : 1;

	while (rc == 1) {
		rc = event_payload_next(p, &inner, e);
		if (rc == 1) {
			buf_addf(&l->out, " > %s %u\n", event_name(inner.type),
			    inner.size);
			if (show_event(l, &inner,
			    event_payload_format(p), e) != 0)
				rc = -1;
		}
	}
	event_payload_close(p);
	return rc;
}

static int
show_compressed(struct listing *l, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	struct event_format plain;
	struct event inner;

	return event_uncompress(ev, f, &l->room, &inner, &plain, e) != 0 ?
	    -1 : show_rows(l, &inner, &plain, e);
}

static int
show_event(struct listing *l, const struct event *ev,
    const struct event_format *f, struct err *e)
{
	if (ev->type == EVENT_PREVIOUS_GTIDS ||
	    ev->type == EVENT_MARIA_GTID_LIST)
		return show_sets(l, ev, e);
	if (ev->type == EVENT_PAYLOAD)
		return show_payload(l, ev, f, e);
	if (!l->rows)
		return 0;
	if (ev->type == EVENT_TABLE_MAP)
		return show_map(l, ev, f, e);
	if (ev->type >= EVENT_MARIA_WRITE_COMPRESSED_V1 &&
	    ev->type <= EVENT_MARIA_DELETE_COMPRESSED)
		return show_compressed(l, ev, f, e);
	if ((ev->type >= EVENT_WRITE_V1 && ev->type <= EVENT_DELETE_V1) ||
	    (ev->type >= EVENT_WRITE && ev->type <= EVENT_DELETE) ||
	    ev->type == EVENT_PARTIAL_UPDATE)
		return show_rows(l, ev, f, e);
	return 0;
}

static void
show_transaction(struct listing *l, const struct transaction *t)
{
	const struct event_gtid *g = &t->gtid;
	char text[GTID_TEXT] = "-", sql[TRANSACTION_SQL_MAX + 1];
	size_t i;

	memcpy(sql, t->sql, sizeof(sql));
	for (i = 0; sql[i] != '\0'; i++)
		if (sql[i] == '\n' || sql[i] == '\r')
			sql[i] = ' ';

	if (g->gtid.set)
		gtid_text(&g->gtid, text);
	buf_addf(&l->out, "= %s %s time %" PRId64 " at %" PRIu64 " size %" PRIu64,
	    kinds[t->kind], text, t->time_us, t->offset, t->size);
	if (g->commit_us != 0)
		buf_addf(&l->out, " committed %" PRId64 " length %" PRIu64
		    " after %" PRId64 " sequence %" PRId64, g->commit_us,
		    g->length, g->last_committed, g->sequence);
	buf_addf(&l->out, "%s%s%s%s%s%s%s%s", g->standalone ? " standalone" : "",
	    g->ddl ? " ddl" : "", g->xa_prepare ? " xa-prepare" : "",
	    g->xa_complete ? " xa-complete" : "",
	    t->tables_cut ? " cut" : "", t->uncounted ? " uncounted" : "",
	    t->mixed ? " mixed" : "", t->incident ? " incident" : "");
	if (g->start_alter + g->commit_alter + g->rollback_alter > 0)
		buf_addf(&l->out, " alter %" PRIu64 "/%" PRIu64 "/%" PRIu64,
		    g->start_alter, g->commit_alter, g->rollback_alter);
	buf_addf(&l->out, " events %" PRIu64 " [%s] %s\n", t->row_events, t->schema,
	    sql);
	for (i = 0; i < t->ntables; i++)
		buf_addf(&l->out, "  %s.%s +%" PRIu64 " ~%" PRIu64 " -%" PRIu64 "\n",
		    t->tables[i].schema, t->tables[i].table,
		    t->tables[i].writes, t->tables[i].updates,
		    t->tables[i].deletes);
}

/* The whole file, as far as it goes. */
static int
listing_file(struct listing *l, const uint8_t *data, size_t n,
    struct err *e)
{
	struct transactions *scan = transactions_new(e);
	const struct transaction *done;
	struct event_format f = {0};
	struct err why = {0};
	struct event ev;
	size_t at, size;
	int rc = scan == NULL ? -1 : 0;

	for (at = 4; rc == 0 && at < n; at += size) {
		size = n - at < EVENT_HEADER ? 0 : event_size(data + at);
		if (size == 0 || size > n - at) {
			rc = err_set(e, ERR_CORRUPT, 0, "cut at %zu", at);
			break;
		}
		rc = event_parse(data + at, size, &f, &ev, e);
		if (rc != 0)
			break;
		buf_addf(&l->out, "%zu %s %zu\n", at, event_name(ev.type), size);
		if (show_event(l, &ev, &f, &why) != 0)
			buf_addf(&l->out, "  ! %s\n", why.msg);
		why = (struct err){0};
		rc = transactions_event(scan, &ev, &f, at, &done, e);
		if (rc == 0 && done != NULL)
			show_transaction(l, done);
	}
	transactions_free(scan);
	return rc;
}

static void
listing_free(struct listing *l)
{
	while (l->nmaps > 0)
		rows_table_free(&l->maps[--l->nmaps]);
	buf_free(&l->room);
	buf_free(&l->out);
}

#endif /* !TESTS_LISTING_H */
