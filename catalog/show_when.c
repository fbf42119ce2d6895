/* SPDX-License-Identifier: Apache-2.0 */
/* show_when: can a moment be restored, from what, and what happened then? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/binlog.h"
#include "catalog/document.h"
#include "catalog/show.h"
#include "catalog/show_transaction.h"

#include "catalog/show_when.h"

#define NEAR_US INT64_C(5000000)
#define NEAR_MAX 1000		/* transactions shown */

struct when {
	struct store *store;
	const struct timeline *t;
	const struct moment *m;
	struct route r;
	struct head head;	/* of the backup */
	uint64_t objects, stored;	/* of the legs */
	uint64_t near;		/* transactions */
	json_t *list;		/* of them; NULL: text */
};

/* --- those about the time --- */

static int
show_near(void *arg, const struct transaction *t, bool taken, struct err *e)
{
	struct when *w = arg;
	json_t *one;

	(void)e;
	if (w->near++ >= NEAR_MAX)
		return 0;
	if (w->list == NULL) {
		(void)printf("  %s ", taken ? "taken " : "not   ");
		show_transaction(NULL, t);
		return 0;
	}
	one = show_transaction_json(NULL, t);
	(void)json_object_set_new(one, "taken", json_boolean(taken));
	(void)json_array_append_new(w->list, one);
	return 0;
}

/* The time that the moment is about; 0: none. */
static int64_t
middle_of(const struct when *w)
{
	if (w->m->kind == MOMENT_TIME)
		return w->m->time_us;
	if (w->m->before && w->r.first_not.size > 0)
		return w->r.first_not.time_us;
	return w->r.last.size > 0 ? w->r.last.time_us : 0;
}

static int
find_near(struct when *w, struct err *e)
{
	int64_t middle = middle_of(w);

	return middle == 0 ? 0 : route_near(w->store, w->t, &w->r, middle,
	    NEAR_US, show_near, w, e);
}

/* --- JSON --- */

static json_t *
moment_json(const struct moment *m)
{
	static const char *const kinds[] = { "latest", "time", "gtid",
		"position" };

	return json_pack("{s:s, s:s, s:b, s:o}", "text", m->text, "kind",
	    kinds[m->kind], "before", m->before, "time", m->kind ==
	    MOMENT_TIME ? document_time(m->time_us) : json_null());
}

static json_t *
legs_json(const struct when *w)
{
	const struct timeline_history *h;
	const struct route_leg *leg;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < w->r.nlegs; i++) {
		leg = &w->r.legs[i];
		h = &w->t->histories[leg->history];
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:I, s:s, s:I}", "history", h->history.id,
		    "from_file", timeline_file_of(h,
		    leg->from_seq)->file.name, "from_position",
		    (json_int_t)leg->from_offset, "to_file",
		    timeline_file_of(h, leg->to_seq)->file.name,
		    "to_position", (json_int_t)leg->to_offset));
	}
	return list;
}

static json_t *
transaction_or_null(const struct transaction *t)
{
	return t->size == 0 ? json_null() : show_transaction_json(NULL, t);
}

static int
print_json(struct when *w, struct err *e)
{
	const json_t *totals = w->head.totals;
	json_t *doc;
	int rc;

	w->list = json_array();
	rc = find_near(w, e);
	doc = json_pack("{s:i, s:s, s:o, s:b, s:s, s:o, s:o, s:o, s:I, s:I, "
	    "s:I, s:o, s:{s:I, s:I, s:I, s:I}}", "version", 1, "source",
	    w->t->source, "moment", moment_json(w->m), "restorable", 1,
	    "backup", w->r.backup, "legs", legs_json(w),
	    "last", transaction_or_null(&w->r.last), "first_not",
	    transaction_or_null(&w->r.first_not),
	    "bytes", (json_int_t)w->r.bytes, "transactions",
	    (json_int_t)w->r.transactions, "late", (json_int_t)w->r.late,
	    "near", w->list, "cost", "backup_stored",
	    (json_int_t)head_count(totals, "stored"), "backup_objects",
	    (json_int_t)head_count(totals, "objects"), "binlog_stored",
	    (json_int_t)w->stored, "binlog_objects", (json_int_t)w->objects);
	if (rc == 0) {
		(void)json_dumpf(doc, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	}
	json_decref(doc);
	return rc;
}

/* --- text --- */

static void
print_legs(const struct when *w)
{
	const struct timeline_history *h;
	const struct route_leg *leg;
	size_t i;

	for (i = 0; i < w->r.nlegs; i++) {
		leg = &w->r.legs[i];
		h = &w->t->histories[leg->history];
		(void)printf("%-13s%s:%" PRIu64 " to ", i == 0 ?
		    "binary logs" : "", timeline_file_of(h,
		    leg->from_seq)->file.name, leg->from_offset);
		(void)printf("%s:%" PRIu64 " of history %s%s\n",
		    timeline_file_of(h, leg->to_seq)->file.name,
		    leg->to_offset, h->history.id, leg->have != NULL ?
		    ", less what is there already" : "");
		if (h->history.marked[0] != '\0')
			(void)printf("%-13sMARKED: %s\n", "",
			    h->history.marked);
	}
}

static int
print_text(struct when *w, struct err *e)
{
	const json_t *totals = w->head.totals;
	char size[SHOW_SIZE], more[SHOW_SIZE], at[SHOW_TIME];

	(void)printf("%-13syes, from backup %s/%s of %s\n", "restorable",
	    w->t->source, w->r.backup, show_time(timeline_backup_of(w->t,
	    w->r.backup)->at_us, at));
	print_legs(w);
	if (w->r.nlegs == 0)
		(void)printf("%-13snone: the backup itself is the moment\n",
		    "binary logs");
	(void)printf("%-13s", "last");
	if (w->r.last.size > 0)
		show_transaction(NULL, &w->r.last);
	else
		(void)printf("none after the backup's\n");
	(void)printf("%-13s", "first not");
	if (w->r.first_not.size > 0)
		show_transaction(NULL, &w->r.first_not);
	else
		(void)printf("none archived\n");
	if (w->r.late > 0)
		(void)printf("%-13s%" PRIu64 " transaction%s with earlier times "
		    "come%s after it, and %s not taken\n", "late", w->r.late,
		    w->r.late == 1 ? "" : "s", w->r.late == 1 ? "s" : "",
		    w->r.late == 1 ? "is" : "are");
	(void)printf("%-13s%s in %" PRIu64 " objects of the backup, %s in %"
	    PRIu64 " of binary logs", "cost", show_size(head_count(totals,
	    "stored"), size), head_count(totals, "objects"),
	    show_size(w->stored, more), w->objects);
	(void)printf("; replays %s", show_size(w->r.bytes, size));
	if (w->r.transactions > 0)
		(void)printf(" in %" PRIu64 " transactions",
		    w->r.transactions);
	(void)printf("\n%-13swithin 5 s:\n", "near");
	if (find_near(w, e) != 0)
		return -1;
	if (w->near > NEAR_MAX)
		(void)printf("  and %" PRIu64 " more\n", w->near - NEAR_MAX);
	if (w->near == 0)
		(void)printf("  none\n");
	return 0;
}

/* --- either --- */

static int
say_no(const struct when *w, bool json, const struct err *why)
{
	json_t *doc;

	if (!json) {
		(void)printf("%-13sno\n", "restorable");
		return -1;
	}
	doc = json_pack("{s:i, s:s, s:o, s:b, s:s}", "version", 1, "source",
	    w->t->source, "moment", moment_json(w->m), "restorable", 0,
	    "why", why->msg);
	(void)json_dumpf(doc, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(doc);
	return -1;
}

int
show_when(struct store *s, const struct timeline *t, const struct moment *m,
    const char *backup, bool json, struct err *e)
{
	struct when w = { .store = s, .t = t, .m = m };
	char text[160];
	size_t i;
	int rc = -1;

	moment_text(m, text, sizeof(text));
	if (!json)
		(void)printf("%-13s%s\n", "moment", text);
	if (route_find(s, t, backup, m, &w.r, e) != 0)
		return e->code == ERR_NOTFOUND ? say_no(&w, json, e) : -1;
	for (i = 0; i < w.r.nlegs; i++)
		if (binlog_cost(t, &w.r.legs[i], &w.objects, &w.stored,
		    e) != 0)
			goto out;
	if (head_load(s, t->source, w.r.backup, &w.head, e) != 0)
		goto out;
	rc = json ? print_json(&w, e) : print_text(&w, e);
	head_free(&w.head);
out:	route_free(&w.r);
	return rc;
}
