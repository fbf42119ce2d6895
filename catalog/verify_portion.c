/* SPDX-License-Identifier: Apache-2.0 */
/* verify_portion: one run that reads its part of a source. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/backups.h"
#include "catalog/portion.h"
#include "catalog/progress.h"
#include "catalog/settled.h"
#include "catalog/timeline.h"
#include "catalog/verification.h"
#include "catalog/verify_archive.h"
#include "store/store.h"

#include "catalog/verify_portion.h"

#define NOTE_MS 600000		/* what was read is noted at least so often */
#define AHEAD_US INT64_C(300000000)	/* that clocks may disagree by */

struct item {
	struct verified is;	/* at_us 0: never */
	bool picked;
	uint64_t bytes, raw;
	int64_t made_us;
};

struct part {
	struct store *store;
	const char *source;
	const struct verify_portion_opts *o;
	struct verify_portion *out;
	struct timeline t;
	struct verification known, now;
	struct item *items;	/* sorted by id and seq, once they are all */
	size_t n;
	struct portion pick;
	uint64_t raw;		/* of what was picked */
	int64_t noted_ms;
	struct progress_totals totals;
};

/* --- what there is --- */

static void
found(void *arg, const char *what, const char *why)
{
	struct part *p = arg;

	p->out->result.damaged++;
	if (json_array_size(p->now.findings) < VERIFICATION_FINDINGS)
		(void)json_array_append_new(p->now.findings, json_pack(
		    "{s:s, s:s}", "object", what, "damage", why));
	p->o->verify.found(p->o->verify.arg, what, why);
}

static int
add_item(struct part *p, const struct item *it, struct err *e)
{
	struct item *items = p->items;

	if ((p->n & (p->n - 1)) == 0)
		items = realloc(items, (p->n == 0 ? 1 : p->n * 2) *
		    sizeof(*items));
	if (items == NULL)
		return err_set(e, ERR_NOMEM, 0, "verify");
	p->items = items;
	items[p->n++] = *it;
	return 0;
}

static int
add_backup(struct part *p, const char *id, struct err *e)
{
	struct item it = {0};
	struct err bad = {0};
	struct head h;

	if (head_load(p->store, p->source, id, &h, &bad) != 0) {
		if (bad.code == ERR_NOTFOUND)
			return 0;	/* has just expired */
		if (bad.code != ERR_CORRUPT && bad.code != ERR_USAGE) {
			*e = bad;
			return -1;
		}
		found(p, id, bad.msg);
		return 0;
	}
	(void)snprintf(it.is.id, sizeof(it.is.id), "%s", id);
	it.bytes = head_count(h.totals, "stored") + head_count(h.totals,
	    "borrowed");
	it.raw = head_count(h.totals, "raw");
	it.made_us = h.finished_us;
	head_free(&h);
	return add_item(p, &it, e);
}

static int
add_files(struct part *p, struct err *e)
{
	const struct timeline_history *h;
	const struct timeline_file *f;
	size_t i, k;

	for (i = 0; i < p->t.nhistories; i++) {
		h = &p->t.histories[i];
		for (k = 0; k < h->nfiles; k++) {
			struct item it = {0};

			f = &h->files[k];
			(void)snprintf(it.is.id, sizeof(it.is.id), "%s",
			    h->history.id);
			it.is.seq = f->file.seq;
			it.is.live = f->live;
			it.bytes = verify_file_bytes(f);
			it.raw = f->end;
			it.made_us = f->file.last_us != 0 ? f->file.last_us :
			    h->history.opened_us;
			if (add_item(p, &it, e) != 0)
				return -1;
		}
	}
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int rc = strcmp(x->is.id, y->is.id);

	return rc != 0 ? rc : x->is.seq < y->is.seq ? -1 :
	    x->is.seq > y->is.seq;
}

static int
look(struct part *p, struct err *e)
{
	struct backup_ref *refs = NULL;
	size_t n = 0, i;
	int rc;

	if (settled_load(p->store, p->source, p->o->verify.looks,
	    p->o->verify.look_ms, p->o->verify.cancel, &p->t, e) != 0 ||
	    verification_load(p->store, p->source, &p->known, e) != 0)
		return -1;
	rc = backups_list(p->store, p->source, &refs, &n, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = add_backup(p, refs[i].id, e);
	free(refs);
	if (rc != 0 || add_files(p, e) != 0)
		return -1;
	if (p->n > 1)
		qsort(p->items, p->n, sizeof(*p->items), by_key);
	return 0;
}

/* --- what is read now --- */

/* What is known of an item still holds, unless it was another thing then: a
 * file that was still being written.  Times to come are no times. */
static void
recall(struct part *p, struct item *it)
{
	const struct verified *k = verification_find(&p->known, it->is.id,
	    it->is.seq);

	if (k == NULL || (k->live && !it->is.live) ||
	    k->at_us > p->now.started_us + AHEAD_US)
		return;
	it->is.at_us = k->at_us;
	it->is.damaged = k->damaged;
}

static int
choose(struct part *p, struct err *e)
{
	const struct portion_opts po = { .now_us = p->now.started_us,
	    .last_us = p->known.started_us, .within_us = p->o->within_us,
	    .balance = p->known.balance, .cap = p->o->budget };
	struct portion_unit *units = calloc(p->n + 1, sizeof(*units));
	size_t i;

	if (units == NULL)
		return err_set(e, ERR_NOMEM, 0, "verify");
	for (i = 0; i < p->n; i++) {
		recall(p, &p->items[i]);
		units[i] = (struct portion_unit){ .bytes = p->items[i].bytes,
		    .made_us = p->items[i].made_us,
		    .read_us = p->items[i].is.at_us,
		    .damaged = p->items[i].is.damaged > 0,
		    .what = &p->items[i] };
		p->out->all_backups += p->items[i].is.seq == 0;
		p->out->all_files += p->items[i].is.seq != 0;
	}
	p->pick = portion_pick(units, p->n, &po);
	p->out->all_bytes = p->pick.all;
	for (i = 0; i < p->n; i++)
		if (units[i].picked) {
			struct item *it = units[i].what;

			it->picked = true;
			p->raw += it->raw;
		}
	free(units);
	return 0;
}

/* --- notes --- */

/* What is known of what there is; of what is gone nothing stays. */
static int
note(struct part *p, struct err *e)
{
	size_t i;

	p->now.n = 0;
	for (i = 0; i < p->n; i++)
		if (p->items[i].is.at_us != 0 && verification_add(&p->now,
		    &p->items[i].is, e) != 0)
			return -1;
	verification_sort(&p->now);
	p->now.within_us = p->o->within_us;
	p->now.objects = p->out->result.objects;
	p->now.bytes = p->out->bytes;
	p->now.rows = p->out->result.rows;
	/* What was meant to be read and was not is not owed. */
	p->now.balance = p->pick.balance + (int64_t)(p->pick.cost -
	    p->out->bytes - PORTION_UNIT * (p->out->backups + p->out->files));
	p->noted_ms = clock_mono_ms();
	return store_time(p->o->notes, &p->now.finished_us, e) != 0 ? -1 :
	    verification_store(p->o->notes, p->source, &p->now, e);
}

/* An item was read to its end. */
static int
was_read(struct part *p, struct item *it, uint64_t damaged, struct err *e)
{
	it->is.at_us = p->now.started_us;
	it->is.damaged = damaged;
	p->out->bytes += it->bytes;
	p->out->backups += it->is.seq == 0;
	p->out->files += it->is.seq != 0;
	return clock_mono_ms() - p->noted_ms < NOTE_MS ? 0 : note(p, e);
}

/* --- reading --- */

static struct item *
item_of(struct part *p, const char *id, uint32_t seq)
{
	struct item want = { .is = { .seq = seq } };

	(void)snprintf(want.is.id, sizeof(want.is.id), "%s", id);
	return p->n == 0 ? NULL : bsearch(&want, p->items, p->n,
	    sizeof(*p->items), by_key);
}

static bool
wants(void *arg, const char *history, uint32_t seq)
{
	const struct item *it = item_of(arg, history, seq);

	return it != NULL && it->picked;
}

static int
file_read(void *arg, const char *history, uint32_t seq,
    const struct verify_file *f, struct err *e)
{
	struct part *p = arg;

	return was_read(p, item_of(p, history, seq), f->damaged, e);
}

static void
add_result(struct part *p, const struct verify_result *r)
{
	/* Findings were counted as they came. */
	p->out->result.objects += r->objects;
	p->out->result.bytes += r->bytes;
	p->out->result.raw += r->raw;
	p->out->result.rows += r->rows;
}

static int
read_archive(struct part *p, struct err *e)
{
	struct verify_opts v = p->o->verify;
	struct verify_result r;
	struct err why = {0};
	int rc;

	v.found = found;
	v.wants = wants;
	v.read = file_read;
	v.arg = p;
	v.totals = &p->totals;
	rc = verify_timeline(p->store, &p->t, &v, &r, &why);
	add_result(p, &r);
	if (rc == 0 || why.code == ERR_CORRUPT)
		return 0;
	*e = why;
	return -1;
}

static int
read_backup(struct part *p, struct item *it, struct err *e)
{
	struct verify_opts v = p->o->verify;
	int64_t since = clock_mono_ms();
	struct verify_result r = {0};
	struct err why = {0};
	struct head h;
	int rc;

	v.found = found;
	v.arg = p;
	v.totals = &p->totals;
	if (head_load(p->store, p->source, it->is.id, &h, &why) != 0) {
		if (why.code == ERR_NOTFOUND)
			return 0;	/* has expired meanwhile */
		*e = why;
		return -1;
	}
	rc = verify_backup(p->store, &h, &v, &r, &why);
	head_free(&h);
	add_result(p, &r);
	if (rc != 0 && why.code != ERR_CORRUPT) {
		*e = why;
		return -1;
	}
	if (p->o->each != NULL)
		p->o->each(p->o->verify.arg, it->is.id, rc == 0, &r,
		    clock_mono_ms() - since);
	return was_read(p, it, r.damaged, e);
}

static int
read_all(struct part *p, struct err *e)
{
	struct progress *progress = progress_start(&p->totals, p->raw, e);
	int rc = progress == NULL ? -1 : read_archive(p, e);
	size_t i;

	/* Newest first: ids begin with their time. */
	for (i = p->n; i > 0 && rc == 0; i--)
		if (p->items[i - 1].picked && p->items[i - 1].is.seq == 0)
			rc = read_backup(p, &p->items[i - 1], e);
	progress_stop(progress);
	return rc;
}

int
verify_portion(struct store *s, const char *source,
    const struct verify_portion_opts *opts, struct verify_portion *out,
    struct err *e)
{
	struct part p = { .store = s, .source = source, .o = opts,
	    .out = out, .noted_ms = clock_mono_ms() };
	struct err late = {0};
	int rc = -1;

	*out = (struct verify_portion){0};
	p.now.findings = json_array();
	if (store_time(s, &p.now.started_us, e) == 0 && look(&p, e) == 0 &&
	    choose(&p, e) == 0) {
		rc = read_all(&p, e);
		/* A run that was stopped has read something, too. */
		if (p.n > 0 && note(&p, &late) != 0 && rc == 0) {
			*e = late;
			rc = err_wrap(e, "note what was verified");
		}
	}
	if (rc == 0 && out->result.damaged > 0)
		rc = err_set(e, ERR_CORRUPT, 0, "%s: %" PRIu64 " damaged",
		    source, out->result.damaged);
	timeline_free(&p.t);
	verification_free(&p.known);
	verification_free(&p.now);
	free(p.items);
	return rc;
}
