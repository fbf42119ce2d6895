/* SPDX-License-Identifier: Apache-2.0 */
/* show_timeline: windows, gaps and histories for people and programs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/document.h"
#include "catalog/drill_note.h"
#include "catalog/timeline.h"

#include "catalog/show.h"

#define LINE_WIDTH 64		/* of the drawn line */

/* --- what both forms say --- */

static uint64_t
bytes_of(const struct timeline_history *h)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < h->nfiles; i++)
		sum += h->files[i].end;
	return sum;
}

static const struct timeline_file *
last_file(const struct timeline_history *h)
{
	return h->nfiles == 0 ? NULL : &h->files[h->nfiles - 1];
}

/* The run that holds a child's fork, if what it has goes on after it: a side
 * branch.  SIZE_MAX: there is none. */
static size_t
side_branch(const struct timeline *t, const struct history *child)
{
	const struct timeline_file *f, *last;
	size_t i;

	if (child->why == HISTORY_RESET || child->fork_seq == 0)
		return SIZE_MAX;
	for (i = 0; i < t->nhistories; i++) {
		if (strcmp(t->histories[i].history.id, child->parent) != 0)
			continue;
		f = timeline_file_of(&t->histories[i], child->fork_seq);
		last = last_file(&t->histories[i]);
		if (f != NULL && (last->file.seq > child->fork_seq ||
		    last->end > child->fork_offset))
			return i;
	}
	return SIZE_MAX;
}

/* A run of a history whose earlier one is before it. */
static bool
is_continued(const struct timeline *t, size_t i)
{
	return i > 0 && strcmp(t->histories[i].history.id,
	    t->histories[i - 1].history.id) == 0;
}

/* Seconds since a time; what lies ahead, by another clock, is now. */
static int64_t
age_s(int64_t now_us, int64_t us)
{
	return us < now_us ? (now_us - us) / 1000000 : 0;
}

/* --- JSON --- */

static json_t *
age_json(int64_t now_us, int64_t us)
{
	return now_us == 0 || us == 0 ? json_null() :
	    json_integer((json_int_t)age_s(now_us, us));
}

/* How far the archive is, by its newest history. */
static json_t *
archived_json(const struct timeline *t, int64_t now_us)
{
	const struct timeline_history *h;

	if (t->nhistories == 0)
		return json_null();
	h = &t->histories[t->nhistories - 1];
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "now",
	    document_time(now_us), "last_commit", document_time(h->last_us),
	    "commit_age_s", age_json(now_us, h->last_us), "stored",
	    document_time(h->stored_us), "stored_age_s",
	    age_json(now_us, h->stored_us), "nothing_until",
	    h->stood_us > h->last_us ? document_time(h->stood_us) :
	    json_null());
}

static json_t *
windows_json(const struct timeline_window *all, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, json_pack(
		    "{s:o, s:o, s:I}", "from", document_time(all[i].from_us),
		    "to", document_time(all[i].to_us), "backups",
		    (json_int_t)all[i].backups));
	return list;
}

json_t *
show_pitr_json(const struct timeline *t, const struct timeline_backup *b)
{
	if (b->history < 0)
		return json_pack("{s:n, s:s}", "until", "why_not",
		    b->why_not);
	return json_pack("{s:o, s:s}", "until", document_time(b->until_us),
	    "history", t->histories[b->history].history.id);
}

static json_t *
backups_json(const struct timeline *t)
{
	const struct timeline_backup *b;
	json_t *list = json_array(), *one;
	size_t i;

	for (i = 0; i < t->nbackups; i++) {
		b = &t->backups[i];
		one = json_pack("{s:s, s:o, s:b, s:b, s:s, s:I, s:s}",
		    "id", b->id, "at", document_time(b->at_us), "proven",
		    b->proven, "partial", b->partial, "file", b->file,
		    "position", (json_int_t)b->position, "gtid", b->gtid);
		(void)json_object_set_new(one, "pitr", show_pitr_json(t, b));
		(void)json_array_append_new(list, one);
	}
	return list;
}

static json_t *
history_json(const struct timeline *t, const struct timeline_history *h)
{
	const struct history *x = &h->history;
	const struct timeline_file *last = last_file(h);
	json_t *one, *parent = json_null();
	size_t side = side_branch(t, x);

	if (x->parent[0] != '\0')
		parent = json_pack("{s:s, s:I, s:I, s:s, s:b}", "history",
		    x->parent, "seq", (json_int_t)x->fork_seq, "offset",
		    (json_int_t)x->fork_offset, "gtid", x->fork_gtid,
		    "side_branch", side != SIZE_MAX);
	one = json_pack("{s:s, s:s, s:{s:s, s:s, s:I}, s:s, s:o, s:s, s:o, "
	    "s:I, s:I, s:o}", "id", x->id, "flavour", x->flavour,
	    "server", "version", x->version, "uuid", x->uuid, "server_id",
	    (json_int_t)x->server_id, "why", history_why_text(x->why),
	    "parent", parent, "marked", x->marked, "opened",
	    document_time(x->opened_us), "files", (json_int_t)h->nfiles,
	    "bytes", (json_int_t)bytes_of(h), "last_transaction",
	    document_time(h->last_us));
	(void)json_object_set_new(one, "first_file", last == NULL ?
	    json_null() : json_string(h->files[0].file.name));
	(void)json_object_set_new(one, "last_file", last == NULL ?
	    json_null() : json_string(last->file.name));
	(void)json_object_set_new(one, "end", json_integer(last == NULL ? 0 :
	    (json_int_t)last->end));
	(void)json_object_set_new(one, "segments", json_integer(
	    last == NULL ? 0 : (json_int_t)last->nsegments));
	(void)json_object_set_new(one, "broken", h->broken ?
	    json_string(h->broken_what) : json_null());
	return one;
}

#define DRILLS_MAX 10

static json_t *
drills_json(const struct drill_note *all, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:o, s:b, "
		    "s:I, s:o, s:f}", "backup", all[i].backup,
		    "at", document_time(all[i].ended_us), "ok", all[i].ok,
		    "status", (json_int_t)all[i].status,
		    "recovered_to", all[i].recovered_us != 0 ?
		    document_time(all[i].recovered_us) : json_null(),
		    "seconds", (double)all[i].recover_ms / 1000));
	return list;
}

static void
print_drills(const struct drill_note *all, size_t n)
{
	char at[SHOW_TIME], to[SHOW_TIME];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)printf("%-13s%s  %s  ", "drill", show_time(
		    all[i].ended_us, at), all[i].backup);
		if (all[i].ok)
			(void)printf("proven, to %s in %.1f s\n", show_time(
			    all[i].recovered_us, to),
			    (double)all[i].recover_ms / 1000);
		else
			(void)printf("FAILED%s\n", all[i].status == 3 ?
			    ": damage" : all[i].untrue > 0 ?
			    ": an assertion" : "");
	}
}

static void
print_json(const struct timeline *t, const struct timeline_window *all,
    size_t n, int64_t now_us, json_t *drills)
{
	json_t *histories = json_array(), *damage = json_array(), *doc;
	size_t i;

	for (i = 0; i < t->nhistories; i++)
		(void)json_array_append_new(histories, history_json(t,
		    &t->histories[i]));
	for (i = 0; i < t->ndamage; i++)
		(void)json_array_append_new(damage,
		    json_string(t->damage[i]));
	doc = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "version", 1, "source", t->source, "archived", archived_json(t, now_us),
	    "windows", windows_json(all, n), "backups", backups_json(t),
	    "drills", drills, "histories", histories, "damage", damage);
	(void)json_dumpf(doc, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(doc);
}

/* --- text --- */

/* From the oldest backup or window to the newest: '=' can be restored, 'o' is
 * a backup with a window, 'x' one without. */
static void
draw(const struct timeline *t, const struct timeline_window *all, size_t n)
{
	int64_t from = INT64_MAX, to = INT64_MIN, at;
	char line[LINE_WIDTH + 1], text[SHOW_TIME], other[SHOW_TIME];
	size_t i, k, end;

	for (i = 0; i < t->nbackups; i++) {
		at = t->backups[i].at_us;
		from = at < from ? at : from;
		to = at > to ? at : to;
		to = t->backups[i].until_us > to ? t->backups[i].until_us :
		    to;
	}
	if (to <= from)
		return;
#define COLUMN(us) (size_t)((double)((us) - from) / (double)(to - from) *    \
    (LINE_WIDTH - 1))
	memset(line, '.', LINE_WIDTH);
	line[LINE_WIDTH] = '\0';
	for (i = 0; i < n; i++) {
		end = COLUMN(all[i].to_us);
		for (k = COLUMN(all[i].from_us); k <= end; k++)
			line[k] = '=';
	}
	for (i = 0; i < t->nbackups; i++)
		line[COLUMN(t->backups[i].at_us)] =
		    t->backups[i].history < 0 ? 'x' : 'o';
	(void)printf("%-*s%s\n", LINE_WIDTH - 20 + 13,
	    show_time(from, text), show_time(to, other));
	(void)printf("%-13s%s\n", "", line);
#undef COLUMN
}

static void
print_windows(const struct timeline_window *all, size_t n)
{
	char from[SHOW_TIME], to[SHOW_TIME];
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			(void)printf("%-13s%s to %s\n", "gap",
			    show_time(all[i - 1].to_us, from),
			    show_time(all[i].from_us, to));
		(void)printf("%-13s%s to %s, %zu backup%s\n", "window",
		    show_time(all[i].from_us, from),
		    show_time(all[i].to_us, to), all[i].backups,
		    all[i].backups == 1 ? "" : "s");
	}
	if (n == 0)
		(void)printf("%-13snone: no backup stands in archived binary "
		    "logs\n", "window");
}

static void
print_backups(const struct timeline *t)
{
	const struct timeline_backup *b;
	char at[SHOW_TIME], until[SHOW_TIME];
	size_t i;

	for (i = 0; i < t->nbackups; i++) {
		b = &t->backups[i];
		(void)printf("%-13s%s  %s  ", "backup", b->id,
		    show_time(b->at_us, at));
		if (b->history < 0)
			(void)printf("no window: %s\n", b->why_not);
		else
			(void)printf("%s:%" PRIu64 "%s, to %s%s\n", b->file,
			    b->position, b->by_gtid ? " of a replica" : "",
			    show_time(b->until_us, until), b->partial ?
			    ", partial" : "");
	}
}

static void
print_fork(const struct timeline *t, const struct history *h)
{
	size_t side = side_branch(t, h);
	const struct timeline_file *f;

	if (h->parent[0] == '\0')
		return;
	(void)printf("%-13s%s of %s", "", history_why_text(h->why),
	    h->parent);
	if (side != SIZE_MAX) {
		f = timeline_file_of(&t->histories[side], h->fork_seq);
		(void)printf("; what that has after %s:%" PRIu64 " is a side "
		    "branch: reached by GTID alone", f->file.name,
		    h->fork_offset);
	}
	(void)putchar('\n');
}

static void
print_history(const struct timeline *t, size_t i)
{
	const struct timeline_history *h = &t->histories[i];
	const struct timeline_file *last = last_file(h);
	const struct history *x = &h->history;
	char time[SHOW_TIME], size[SHOW_SIZE];

	(void)printf("%-13s%s  %s %s", is_continued(t, i) ? "  goes on" :
	    "history", x->id, x->flavour, x->version);
	if (x->uuid[0] != '\0')
		(void)printf(", uuid %s", x->uuid);
	else
		(void)printf(", server_id %" PRIu64, x->server_id);
	(void)putchar('\n');
	if (!is_continued(t, i))
		print_fork(t, x);
	if (last == NULL)
		(void)printf("%-13sempty\n", "");
	else
		(void)printf("%-13s%s to %s:%" PRIu64 " (%zu file%s, %s), "
		    "last transaction %s\n", "", h->files[0].file.name,
		    last->file.name, last->end, h->nfiles, h->nfiles == 1 ?
		    "" : "s", show_size(bytes_of(h), size), h->last_us == 0 ?
		    "none" : show_time(h->last_us, time));
	if (x->marked[0] != '\0')
		(void)printf("%-13sMARKED: %s\n", "", x->marked);
	if (h->broken)
		(void)printf("%-13sBROKEN %s\n", "", h->broken_what);
}

/* How far the archive is, by its newest history. */
static void
print_archived(const struct timeline *t, int64_t now_us)
{
	const struct timeline_history *h;
	char time[SHOW_TIME];

	if (t->nhistories == 0)
		return;
	h = &t->histories[t->nhistories - 1];
	(void)printf("%-13s", "archived");
	if (h->last_us == 0)
		(void)printf("no transaction yet");
	else
		(void)printf("up to %s", show_time(h->last_us, time));
	if (h->last_us != 0 && now_us != 0)
		(void)printf(", %" PRId64 " s ago", age_s(now_us,
		    h->last_us));
	if (h->stood_us > h->last_us)
		(void)printf("; nothing more until %s", show_time(h->stood_us,
		    time));
	if (h->stored_us != 0)
		(void)printf("; last stored %s", show_time(h->stored_us,
		    time));
	if (h->stored_us != 0 && now_us != 0)
		(void)printf(", %" PRId64 " s ago", age_s(now_us,
		    h->stored_us));
	(void)putchar('\n');
}

static void
print_text(const struct timeline *t, const struct timeline_window *all,
    size_t n, int64_t now_us, bool drawn, const struct drill_note *drills,
    size_t ndrills)
{
	size_t i;

	if (drawn)
		draw(t, all, n);
	print_archived(t, now_us);
	print_windows(all, n);
	print_backups(t);
	print_drills(drills, ndrills);
	for (i = 0; i < t->nhistories; i++)
		print_history(t, i);
	for (i = 0; i < t->ndamage; i++)
		(void)printf("%-13s%s\n", "DAMAGED", t->damage[i]);
}

int
show_timeline(struct store *s, const struct timeline *t, int64_t now_us,
    bool json, bool drawn, struct err *e)
{
	struct timeline_window *all;
	struct drill_note *drills;
	size_t n, ndrills;

	if (drill_notes_list(s, t->source, DRILLS_MAX, &drills, &ndrills,
	    e) != 0)
		return -1;
	if (timeline_windows(t, &all, &n, e) != 0) {
		free(drills);
		return -1;
	}
	if (json)
		print_json(t, all, n, now_us, drills_json(drills, ndrills));
	else
		print_text(t, all, n, now_us, drawn, drills, ndrills);
	free(all);
	free(drills);
	return 0;
}
