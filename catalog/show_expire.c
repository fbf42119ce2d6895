/* SPDX-License-Identifier: Apache-2.0 */
/* show_expire: what stays and goes, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/document.h"
#include "catalog/expire.h"
#include "catalog/kept.h"
#include "catalog/show.h"
#include "catalog/sweep.h"

#include "catalog/show_expire.h"

struct show_expire {
	json_t *sources;	/* or NULL: text */
	json_t *source;		/* the one at hand, borrowed */
	uint64_t goes;		/* that --yes would do something to */
};

struct show_expire *
show_expire_new(bool json, struct err *e)
{
	struct show_expire *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "expire");
		return NULL;
	}
	if (json)
		s->sources = json_array();
	return s;
}

static const char *
state_name(enum expire_state state)
{
	static const char *const names[] = { "stays", "unmark", "mark",
	    "marked", "sweep" };

	return names[state];
}

/* "to be marked, then swept after ..." */
static void
print_when(enum expire_state state, int64_t after_us, bool yes)
{
	char after[SHOW_TIME];

	(void)show_time(after_us, after);
	switch (state) {
	case EXPIRE_STAYS:
		break;
	case EXPIRE_UNMARK:
		(void)printf("    its mark is %s\n", yes ? "taken away" :
		    "to be taken away");
		break;
	case EXPIRE_MARK:
		(void)printf("    %s now, swept after %s\n", yes ? "marked" :
		    "to be marked", after);
		break;
	case EXPIRE_WAITS:
		(void)printf("    marked, swept after %s\n", after);
		break;
	case EXPIRE_DUE:
		(void)printf("    marked, %s now\n", yes ? "swept" :
		    "to be swept");
		break;
	}
}

/* --- one backup --- */

static void
print_backup(const struct expire *x, size_t i, bool yes)
{
	const struct retention_fate *f = &x->fates[i];
	const struct retention_backup *b = &x->backups[i];
	char at[SHOW_TIME], size[SHOW_SIZE], until[SHOW_TIME];
	size_t k;

	(void)show_time(b->at_us, at);
	at[16] = '\0';
	at[10] = ' ';
	(void)printf("%s/%s  %s  %s  %s\n", x->source, b->id, at,
	    show_size(x->states[i].stored, size), f->keep ? "stays" :
	    "goes");
	for (k = 0; k < f->nwhy; k++)
		(void)printf("    %s\n", f->why[k]);
	if (x->states[i].damaged > 0)
		(void)printf("    no good one: damaged when it was verified "
		    "last\n");
	if (f->keep && f->until_us > x->now_us)
		(void)printf("    goes after %s, if nothing else changes\n",
		    show_time(f->until_us, until));
	print_when(x->states[i].state, x->states[i].sweep_after_us, yes);
}

static json_t *
backup_json(const struct expire *x, size_t i)
{
	const struct retention_fate *f = &x->fates[i];
	const struct retention_backup *b = &x->backups[i];
	json_t *why = json_array();
	size_t k;

	for (k = 0; k < f->nwhy; k++)
		(void)json_array_append_new(why, json_string(f->why[k]));
	return json_pack("{s:s, s:o, s:s, s:b, s:s, s:o, s:o, s:o, s:I, s:I}",
	    "id", b->id, "at", document_time(b->at_us), "lineage",
	    b->lineage, "stays", f->keep, "state",
	    state_name(x->states[i].state), "why", why, "until",
	    document_time(f->keep ? f->until_us : 0), "sweep_after",
	    document_time(x->states[i].sweep_after_us), "stored",
	    (json_int_t)x->states[i].stored, "damaged",
	    (json_int_t)x->states[i].damaged);
}

/* --- binary logs --- */

static void
print_logs(const struct expire *x, const struct expire_logs *l, bool yes)
{
	char size[SHOW_SIZE];

	if (l->before == 0)
		return;
	(void)printf("%s: binary logs of history %s %s%s: %" PRIu64 " file%s, "
	    "%s, go\n    no backup that stays needs them\n", x->source,
	    l->history, l->until[0] != '\0' ? "before " : "altogether",
	    l->until, l->files, l->files == 1 ? "" : "s",
	    show_size(l->bytes, size));
	print_when(l->state, l->sweep_after_us, yes);
}

static json_t *
logs_json(const struct expire_logs *l)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "history",
	    l->history, "state", state_name(l->state), "files",
	    (json_int_t)l->files, "bytes", (json_int_t)l->bytes,
	    "until_file", l->until[0] != '\0' ? json_string(l->until) :
	    json_null(), "sweep_after", document_time(l->sweep_after_us));
}

/* --- a source --- */

void
show_expire_source(struct show_expire *s, const struct expire *x, bool yes)
{
	json_t *backups = json_array(), *logs = json_array();
	size_t i;

	for (i = 0; i < x->nbackups; i++) {
		s->goes += x->states[i].state != EXPIRE_STAYS &&
		    x->states[i].state != EXPIRE_WAITS;
		if (s->sources == NULL)
			print_backup(x, i, yes);
		else
			(void)json_array_append_new(backups,
			    backup_json(x, i));
	}
	for (i = 0; i < x->nlogs; i++) {
		s->goes += x->logs[i].state == EXPIRE_MARK ||
		    x->logs[i].state == EXPIRE_DUE;
		if (s->sources == NULL)
			print_logs(x, &x->logs[i], yes);
		else if (x->logs[i].before != 0)
			(void)json_array_append_new(logs,
			    logs_json(&x->logs[i]));
	}
	if (s->sources == NULL && !retention_is_set(&x->opts.rules) &&
	    x->nbackups > 0)
		(void)printf("%s: no rule is set: nothing expires\n",
		    x->source);
	s->source = json_pack("{s:s, s:o, s:o}", "source", x->source,
	    "backups", backups, "binary_logs", logs);
	if (s->sources != NULL)
		(void)json_array_append(s->sources, s->source);
	json_decref(s->source);
	if (s->sources == NULL)
		s->source = NULL;
}

void
show_expire_swept(struct show_expire *s, const struct expire *x,
    const struct sweep_result *r)
{
	if (r == NULL)
		return;
	if (s->source != NULL)
		(void)json_object_set_new(s->source, "swept", json_pack(
		    "{s:I, s:I, s:I, s:I}", "backups",
		    (json_int_t)r->backups, "binary_logs",
		    (json_int_t)r->floors, "replaced", (json_int_t)r->objects,
		    "left", (json_int_t)r->left));
	else if (r->backups + r->floors + r->objects > 0)
		(void)printf("%s: swept %" PRIu64 " backup%s, binary logs of "
		    "%" PRIu64 " histor%s, %" PRIu64 " replaced object%s\n",
		    x->source, r->backups, r->backups == 1 ? "" : "s",
		    r->floors, r->floors == 1 ? "y" : "ies", r->objects,
		    r->objects == 1 ? "" : "s");
}

void
show_expire_end(struct show_expire *s, bool yes)
{
	json_t *doc;

	if (s->sources != NULL) {
		doc = json_pack("{s:i, s:b, s:o}", "version", 1, "done", yes,
		    "sources", s->sources);
		(void)json_dumpf(doc, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		json_decref(doc);
	} else if (!yes && s->goes > 0) {
		(void)printf("Nothing was done; --yes does it.\n");
	}
	free(s);
}

/* --- holds and notes --- */

int
show_kept(struct store *store, const char *source, const char *id, bool json,
    struct err *e)
{
	struct kept k;
	json_t *doc;

	if (kept_load(store, source, id, &k, e) != 0)
		return -1;
	if (json) {
		doc = json_pack("{s:i, s:s, s:s}", "version", 1, "source",
		    source, "id", id);
		kept_json(&k, id, doc);
		(void)json_dumpf(doc, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		json_decref(doc);
	} else {
		kept_print(&k, id, stdout);
	}
	kept_free(&k);
	return 0;
}
