/* SPDX-License-Identifier: Apache-2.0 */
/* check: reads the target back and compares every table's digest. */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "codec/digest.h"
#include "codec/tsv.h"
#include "mysql/connect.h"
#include "restore/plan.h"
#include "restore/target.h"

#include "restore/check.h"

#define IDLE_S 86400

struct check {
	const struct restore_plan *plan;
	const struct target *target;
	pthread_mutex_t lock;	/* guards the fields below */
	size_t next;
	uint64_t compared, differ;
	struct err first;	/* table that differs */
	struct err failed;
};

static void
select_sql(const struct plan_table *t, struct buf *sql)
{
	const struct schema_table def = { .columns = t->columns,
	    .ncolumns = t->ncolumns };

	buf_adds(sql, "SELECT ");
	schema_select_list(&def, sql);
	buf_adds(sql, " FROM ");
	sql_ident(sql, t->to_schema);
	buf_addc(sql, '.');
	sql_ident(sql, t->to_name);
	if (t->versioned)
		buf_adds(sql, " FOR SYSTEM_TIME ALL");
}

static int
sum_rows(const struct plan_table *t, struct result *r, struct rowsum *sum,
    uint64_t *rows, struct err *e)
{
	size_t n = t->ncolumns == 0 ? 1 : t->ncolumns, need, i;
	struct buf line = {0};
	unsigned long *len;
	char **row, *p;
	int got;

	while ((got = result_next(r, &row, &len, e)) == 1) {
		need = 2;
		/* Tables of generated columns alone were dumped empty. */
		for (i = 0; i < t->ncolumns; i++)
			need += 2 * len[i] + 3;
		buf_clear(&line);
		if (buf_reserve(&line, need) != 0) {
			got = buf_check(&line, "row", e);
			break;
		}
		p = line.data;
		for (i = 0; i < t->ncolumns; i++) {
			if (i > 0)
				*p++ = '\t';
			if (row[i] == NULL) {
				*p++ = '\\';
				*p++ = 'N';
			} else {
				p = tsv_put(p, row[i], len[i]);
			}
		}
		*p++ = '\n';
		rowsum_add_row(sum, line.data, (size_t)(p - line.data));
		(*rows)++;
	}
	(void)n;
	buf_free(&line);
	return got;
}

static int
compare(struct check *k, struct conn *c, const struct plan_table *t,
    struct err *e)
{
	struct buf sql = {0};
	struct result *r = NULL;
	struct rowsum sum = {0};
	uint64_t rows = 0;
	int rc = -1;

	select_sql(t, &sql);
	if (buf_check(&sql, "SELECT", e) == 0)
		r = conn_query(c, buf_str(&sql), false, e);
	if (r != NULL)
		rc = sum_rows(t, r, &sum, &rows, e);
	result_free(r);
	if (rc == 0)
		rc = conn_check_warnings(c, NULL, e);
	buf_free(&sql);
	if (rc != 0)
		return err_wrap(e, "check table %s.%s", t->to_schema,
		    t->to_name);
	(void)pthread_mutex_lock(&k->lock);
	k->compared++;
	if (rows != t->rows || !rowsum_equal(&sum, &t->digest)) {
		k->differ++;
		(void)err_set(&k->first, ERR_CORRUPT, 0, "table %s.%s differs "
		    "from the backup: %" PRIu64 " rows, the backup has %"
		    PRIu64 "%s", t->to_schema, t->to_name, rows, t->rows,
		    rows == t->rows ? ", and other contents" : "");
	}
	(void)pthread_mutex_unlock(&k->lock);
	return 0;
}

static const struct plan_table *
take(struct check *k)
{
	const struct plan_table *t = NULL;

	(void)pthread_mutex_lock(&k->lock);
	if (k->failed.code == ERR_NONE && k->next < k->plan->ntables)
		t = &k->plan->tables[k->next++];
	(void)pthread_mutex_unlock(&k->lock);
	return t;
}

static void *
work(void *arg)
{
	struct check *k = arg;
	const struct plan_table *t;
	struct conn *c = NULL;
	struct err e = {0};

	if (conn_thread_init(&e) == 0) {
		c = conn_open(k->target->opts, &e);
		if (c != NULL && flavour_dump_session(c, &k->target->flavour,
		    IDLE_S, &e) == 0)
			while ((t = take(k)) != NULL &&
			    compare(k, c, t, &e) == 0)
				continue;
	}
	conn_close(c);
	conn_thread_end();
	if (e.code != ERR_NONE) {
		(void)pthread_mutex_lock(&k->lock);
		if (k->failed.code == ERR_NONE)
			k->failed = e;
		(void)pthread_mutex_unlock(&k->lock);
	}
	return NULL;
}

int
check_run(const struct restore_plan *p, const struct target *t,
    unsigned workers, uint64_t *tables, struct err *e)
{
	struct check k = { .plan = p, .target = t };
	pthread_t *threads = calloc(workers, sizeof(*threads));
	unsigned n = 0, i;

	if (threads == NULL)
		return err_set(e, ERR_NOMEM, 0, "check");
	(void)pthread_mutex_init(&k.lock, NULL);
	while (n < workers && pthread_create(&threads[n], NULL, work,
	    &k) == 0)
		n++;
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_mutex_destroy(&k.lock);
	free(threads);
	*tables = k.compared;
	if (n == 0)
		return err_set(e, ERR_NOMEM, 0, "start a thread");
	if (k.failed.code != ERR_NONE) {
		*e = k.failed;
		return -1;
	}
	if (k.differ == 0)
		return 0;
	*e = k.first;
	return err_hint(e, "%" PRIu64 " of %" PRIu64 " tables differ: do not "
	    "trust this target", k.differ, k.compared);
}
