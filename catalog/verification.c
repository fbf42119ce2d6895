/* SPDX-License-Identifier: Apache-2.0 */
/* verification: what of a source was read and checked when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "store/store.h"

#include "catalog/verification.h"

static void
key_of(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/verifications/%s.json",
	    source, id);
}

/* --- what is known --- */

static int
by_key(const void *a, const void *b)
{
	const struct verified *x = a, *y = b;
	int rc = strcmp(x->id, y->id);

	return rc != 0 ? rc : x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Of one thing the latest comes last. */
static int
by_key_and_time(const void *a, const void *b)
{
	const struct verified *x = a, *y = b;
	int rc = by_key(a, b);

	return rc != 0 ? rc : x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

int
verification_add(struct verification *v, const struct verified *one,
    struct err *e)
{
	size_t cap = v->cap == 0 ? 16 : v->cap * 2;
	struct verified *all;

	if (v->n == v->cap) {
		all = realloc(v->all, cap * sizeof(*all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "verification");
		v->all = all;
		v->cap = cap;
	}
	v->all[v->n++] = *one;
	return 0;
}

void
verification_sort(struct verification *v)
{
	size_t i, n = 0;

	if (v->n > 1)
		qsort(v->all, v->n, sizeof(*v->all), by_key_and_time);
	for (i = 0; i < v->n; i++) {
		if (n > 0 && by_key(&v->all[n - 1], &v->all[i]) == 0)
			n--;
		v->all[n++] = v->all[i];
	}
	v->n = n;
}

const struct verified *
verification_find(const struct verification *v, const char *id, uint32_t seq)
{
	struct verified want = { .seq = seq };

	(void)snprintf(want.id, sizeof(want.id), "%s", id);
	return v->n == 0 ? NULL : bsearch(&want, v->all, v->n,
	    sizeof(*v->all), by_key);
}

/* --- writing --- */

/* Files that follow each other and were read in one run are one entry. */
static bool
joins(const struct verified *last, const struct verified *next)
{
	return strcmp(last->id, next->id) == 0 &&
	    next->seq == last->seq + 1 && next->at_us == last->at_us &&
	    next->live == last->live && last->damaged == 0 &&
	    next->damaged == 0;
}

static void
put_known(const struct verification *v, json_t *backups, json_t *files)
{
	const struct verified *x, *last;
	size_t i = 0, k;

	while (i < v->n) {
		x = last = &v->all[i];
		if (x->seq == 0) {
			(void)json_array_append_new(backups, json_pack(
			    "{s:s, s:o, s:I}", "id", x->id, "at",
			    document_time(x->at_us), "damaged",
			    (json_int_t)x->damaged));
			i++;
			continue;
		}
		for (k = i + 1; k < v->n && joins(last, &v->all[k]); k++)
			last = &v->all[k];
		(void)json_array_append_new(files, json_pack("{s:s, s:I, s:I,"
		    " s:b, s:o, s:I}", "history", x->id, "from",
		    (json_int_t)x->seq, "to", (json_int_t)last->seq, "live",
		    x->live, "at", document_time(x->at_us), "damaged",
		    (json_int_t)x->damaged));
		i = k;
	}
}

int
verification_write(const struct verification *v, const char *source,
    struct buf *out, struct err *e)
{
	json_t *backups = json_array(), *files = json_array();
	json_t *findings = v->findings != NULL ? json_incref(v->findings) :
	    json_array();
	json_t *doc;
	int rc;

	put_known(v, backups, files);
	doc = json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, "
	    "s:I, s:o, s:o, s:o}", "format", DOCUMENT_FORMAT, "id", v->id,
	    "source", source, "tool", "catalog " KURA_VERSION, "started",
	    document_time(v->started_us), "finished",
	    document_time(v->finished_us),
	    "within", (json_int_t)(v->within_us / 1000000), "objects",
	    (json_int_t)v->objects, "bytes", (json_int_t)v->bytes, "rows",
	    (json_int_t)v->rows, "balance", (json_int_t)v->balance,
	    "backups", backups, "files", files, "findings", findings);
	rc = document_write(doc, "", VERIFICATION_MAX, "verification", out,
	    e);
	json_decref(doc);
	return rc;
}

/* Remove all but the newest; ids begin with a time. */
static void
prune(struct store *s, const char *source)
{
	char keys[16][STORE_KEY_MAX];
	const char *list[16];
	struct backup_ref *refs = NULL;
	struct err e = {0};
	size_t n = 0, i, k = 0;
	int rc = backups_ids(s, source, "verifications", &refs, &n, &e);

	/* A few a run: there are never many more. */
	for (i = 0; rc == 0 && i + VERIFICATION_KEPT < n && k < 16; i++) {
		key_of(source, refs[i].id, keys[k]);
		list[k] = keys[k];
		k++;
	}
	if (rc == 0 && k > 0)
		rc = store_delete(s, list, k, &e);
	if (rc != 0)
		log_event(LOG_WARN_, "old verifications stay", "why", e.msg,
		    NULL);
	free(refs);
}

/* Ids are in the order of time also within a second, so that it is the newest
 * that are kept; another run may have taken one. */
static int
create(struct store *s, const char *source, struct verification *v,
    unsigned attempt, struct err *e)
{
	char key[STORE_KEY_MAX], time[CLOCK_TEXT];
	struct buf text = {0};
	unsigned part;
	int rc;

	part = (unsigned)((v->finished_us % 1000000) * 65536 / 1000000);
	part = part + attempt > 0xffff ? 0xffff - attempt : part + attempt;
	clock_basic(v->finished_us, time);
	(void)snprintf(v->id, sizeof(v->id), "%.16s-%04x", time,
	    part & 0xffffu);
	key_of(source, v->id, key);
	rc = verification_write(v, source, &text, e);
	if (rc == 0)
		rc = store_put(s, key, text.data, text.len, true, e);
	buf_free(&text);
	return rc;
}

int
verification_store(struct store *s, const char *source,
    struct verification *v, struct err *e)
{
	unsigned attempt = 0;
	int rc;

	while ((rc = create(s, source, v, attempt, e)) != 0 &&
	    e->code == ERR_EXISTS && attempt < 16) {
		*e = (struct err){0};
		attempt++;
	}
	if (rc == 0)
		prune(s, source);
	return rc;
}

static bool
has(const json_t *all, const json_t *want)
{
	const json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
		if (json_equal(one, want))
			return true;
	return false;
}

int
verification_note(struct store *s, const char *source,
    const struct verified *one, const json_t *findings, struct err *e)
{
	struct verification v;
	json_t *finding;
	size_t i;
	int rc = -1;

	if (verification_load(s, source, &v, e) != 0)
		return -1;
	if (verification_add(&v, one, e) != 0)
		goto out;
	verification_sort(&v);
	if (v.findings == NULL)
		v.findings = json_array();
	json_array_foreach(findings, i, finding)
		if (json_array_size(v.findings) < VERIFICATION_FINDINGS &&
		    !has(v.findings, finding))
			(void)json_array_append(v.findings, finding);
	if (v.started_us == 0)
		v.started_us = one->at_us;
	if (store_time(s, &v.finished_us, e) == 0)
		rc = verification_store(s, source, &v, e);
out:	verification_free(&v);
	return rc;
}

void
verification_free(struct verification *v)
{
	free(v->all);
	json_decref(v->findings);
	*v = (struct verification){0};
}
