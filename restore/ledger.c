/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: what a replay has given to its target. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/transaction.h"

#include "restore/ledger.h"

#define MARKS 4096u		/* points remembered, ever farther apart */
#define STRIDE ((uint64_t)64 << 10)
#define MAGIC 4
#define WRAP (INT64_C(1) << 32)

struct file {
	char *name;
	int64_t base;
	int64_t beyond;		/* the first end of a transaction that 32 bits
				 * do not hold, in bytes of the route; 0 */
};

struct mark {
	uint64_t bytes, transactions;
	int64_t time_us;
};

struct ledger {
	pthread_mutex_t mtx;		/* guards all below */
	struct gtid_set *gtids;		/* held and given */
	struct ledger_totals totals;
	uint64_t passed;		/* bytes, without a transaction */
	struct file *files;
	size_t nfiles, now;	/* the one that is given */
	struct mark marks[MARKS];
	size_t nmarks;
	uint64_t stride;
};

struct ledger *
ledger_new(const struct gtid_set *held, struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "replay");
		return NULL;
	}
	l->stride = STRIDE;
	l->gtids = gtid_set_copy(held, e);
	if (l->gtids == NULL)
		goto err1;
	if (pthread_mutex_init(&l->mtx, NULL) != 0) {
		(void)err_set(e, ERR_NOMEM, 0, "replay");
		goto err2;
	}
	return l;

err2:	gtid_set_free(l->gtids);
err1:	free(l);
	return NULL;
}

/* --- what is given --- */

static int
file_add(struct ledger *l, const char *file, int64_t base)
{
	struct file *files;
	size_t i;

	/* Served again to a replica that came back. */
	for (i = l->nfiles; i-- > 0;)
		if (strcmp(l->files[i].name, file) == 0) {
			l->files[i].base = base;
			l->now = i;
			return 0;
		}
	files = realloc(l->files, (l->nfiles + 1) * sizeof(*files));
	if (files == NULL)
		return -1;
	l->files = files;
	files[l->nfiles] = (struct file){ .base = base, .name = strdup(file) };
	if (files[l->nfiles].name == NULL)
		return -1;
	l->now = l->nfiles++;
	return 0;
}

int
ledger_file(struct ledger *l, const char *file, int64_t base, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&l->mtx);
	rc = file_add(l, file, base);
	(void)pthread_mutex_unlock(&l->mtx);
	return rc == 0 ? 0 : err_set(e, ERR_NOMEM, 0, "files of the replay");
}

/* Remember this point; when there is no room, every second one goes. */
static void
mark(struct ledger *l)
{
	size_t i;

	if (l->nmarks > 0 && l->totals.bytes < l->marks[l->nmarks - 1].bytes +
	    l->stride)
		return;
	if (l->nmarks == MARKS) {
		for (i = 0; i < MARKS / 2; i++)
			l->marks[i] = l->marks[i * 2];
		l->nmarks = MARKS / 2;
		l->stride *= 2;
	}
	l->marks[l->nmarks++] = (struct mark){ .bytes = l->totals.bytes,
	    .transactions = l->totals.transactions,
	    .time_us = l->totals.time_us };
}

int
ledger_add(struct ledger *l, const struct transaction *t, uint64_t bytes,
    bool emptied, bool *again, struct err *e)
{
	int rc = 0;

	(void)pthread_mutex_lock(&l->mtx);
	*again = l->totals.transactions > 0 && bytes <= l->totals.bytes;
	if (!*again) {
		if (t->gtid.gtid.set) {
			rc = gtid_set_add(l->gtids, &t->gtid.gtid, e);
			gtid_text(&t->gtid.gtid, l->totals.last);
		}
		l->totals.transactions++;
		l->totals.emptied += emptied ? 1 : 0;
		l->totals.bytes = l->passed = bytes;
		l->totals.time_us = t->time_us;
		if (l->nfiles > 0 && l->files[l->now].beyond == 0 &&
		    (int64_t)bytes - l->files[l->now].base > UINT32_MAX)
			l->files[l->now].beyond = (int64_t)bytes;
		mark(l);
	}
	(void)pthread_mutex_unlock(&l->mtx);
	return rc;
}

void
ledger_pass(struct ledger *l, uint64_t bytes)
{
	(void)pthread_mutex_lock(&l->mtx);
	if (bytes > l->passed)
		l->passed = bytes;
	(void)pthread_mutex_unlock(&l->mtx);
}

/* --- how far it is --- */

void
ledger_totals(struct ledger *l, struct ledger_totals *out)
{
	(void)pthread_mutex_lock(&l->mtx);
	*out = l->totals;
	out->bytes = l->passed;
	(void)pthread_mutex_unlock(&l->mtx);
}

static void
place(const struct ledger *l, int64_t at, struct ledger_totals *out)
{
	size_t i;

	*out = (struct ledger_totals){ .bytes = at < 0 ? 0 : (uint64_t)at };
	if (out->bytes >= l->totals.bytes) {
		out->transactions = l->totals.transactions;
		out->time_us = l->totals.time_us;
		memcpy(out->last, l->totals.last, sizeof(out->last));
		return;
	}
	for (i = l->nmarks; i-- > 0;)
		if (l->marks[i].bytes <= out->bytes) {
			out->transactions = l->marks[i].transactions;
			out->time_us = l->marks[i].time_us;
			return;
		}
}

/* A replica counts by events' headers, which have 32 bits: beyond 4 GiB of a
 * file it says what is left of them.  A file is so long by its last
 * transactions alone, so that only their ends can be meant. */
static int64_t
unwrap(const struct ledger *l, size_t i, uint64_t position)
{
	const struct file *f = &l->files[i];
	int64_t at = f->base + (int64_t)position, end = (int64_t)l->passed;
	int64_t far;

	if (f->beyond == 0 || position > UINT32_MAX)
		return at;
	if (i + 1 < l->nfiles && l->files[i + 1].base + MAGIC < end)
		end = l->files[i + 1].base + MAGIC;
	far = at + (end - at) / WRAP * WRAP;
	return end > at && far >= f->beyond ? far : at;
}

bool
ledger_place(struct ledger *l, const char *file, uint64_t position,
    struct ledger_totals *out)
{
	bool found = false;
	size_t i;

	(void)pthread_mutex_lock(&l->mtx);
	for (i = l->nfiles; i-- > 0 && !found;) {
		found = strcmp(l->files[i].name, file) == 0;
		if (found)
			place(l, unwrap(l, i, position), out);
	}
	(void)pthread_mutex_unlock(&l->mtx);
	return found;
}

/* Every domain's latest is the very one in text: numbers alone do not say so
 * where two servers write to a domain. */
static bool
same_ends(const struct gtid_set *has, const struct gtid_set *want)
{
	struct buf a = {0}, b = {0};
	const char *p, *at;
	bool same = true;
	size_t n;

	gtid_set_position(has, &a);
	gtid_set_position(want, &b);
	for (p = buf_str(&b); *p != '\0' && same; p += n) {
		p += *p == ',' ? 1 : 0;
		n = strcspn(p, ",");
		same = false;
		for (at = buf_str(&a); at[0] != '\0' && !same;) {
			same = strcspn(at, ",") == n &&
			    strncmp(at, p, n) == 0;
			at += strcspn(at, ",");
			at += *at == ',' ? 1 : 0;
		}
	}
	same = same && !a.failed && !b.failed;
	buf_free(&a);
	buf_free(&b);
	return same;
}

int
ledger_gtids(struct ledger *l, const char *text, bool *all, struct err *e)
{
	struct gtid_set *has;
	int rc;

	*all = false;
	has = gtid_set_new(gtid_set_kind(l->gtids), e);
	if (has == NULL)
		return -1;
	rc = gtid_set_parse(has, text, e);
	(void)pthread_mutex_lock(&l->mtx);
	if (rc == 0)
		*all = gtid_set_kind(has) == FLAVOUR_MARIADB ?
		    same_ends(has, l->gtids) :
		    gtid_set_includes(has, l->gtids);
	(void)pthread_mutex_unlock(&l->mtx);
	gtid_set_free(has);
	return rc;
}

void
ledger_gtid_text(struct ledger *l, struct buf *out)
{
	(void)pthread_mutex_lock(&l->mtx);
	gtid_set_text(l->gtids, out);
	(void)pthread_mutex_unlock(&l->mtx);
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	while (l->nfiles > 0)
		free(l->files[--l->nfiles].name);
	free(l->files);
	gtid_set_free(l->gtids);
	(void)pthread_mutex_destroy(&l->mtx);
	free(l);
}
