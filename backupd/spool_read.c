/* SPDX-License-Identifier: Apache-2.0 */
/* spool_read: what stands in a spool. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/spool_impl.h"
#include "base/err.h"
#include "base/file.h"
#include "catalog/segment.h"

#define SPOOL_FILE_MAX ((size_t)256 << 20)

/* --- names --- */

void
spool_name(const char *history, uint32_t seq, uint64_t start,
    char name[SPOOL_NAME_MAX])
{
	(void)snprintf(name, SPOOL_NAME_MAX, "%.*s-%08u-%020llu.spool",
	    HISTORY_ID_LEN, history, (unsigned)seq,
	    (unsigned long long)start);
}

int
spool_name_parse(const char *name, char history[HISTORY_ID_LEN + 1],
    uint32_t *seq, uint64_t *start)
{
	char again[SPOOL_NAME_MAX];

	if (strlen(name) != HISTORY_ID_LEN + 1 + 8 + 1 + 20 + 6)
		return -1;
	memcpy(history, name, HISTORY_ID_LEN);
	history[HISTORY_ID_LEN] = '\0';
	*seq = (uint32_t)strtoul(name + HISTORY_ID_LEN + 1, NULL, 10);
	*start = strtoull(name + HISTORY_ID_LEN + 10, NULL, 10);
	spool_name(history, *seq, *start, again);
	return *seq > 0 && strcmp(name, again) == 0 ? 0 : -1;
}

static int
in_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
add_name(struct spool_names *names, const char *name, struct err *e)
{
	size_t n = strlen(name);
	void *all;

	if (n >= SPOOL_NAME_MAX)
		return 0;	/* none of ours */
	if ((names->n & (names->n - 1)) == 0) {
		all = realloc(names->all, (names->n == 0 ? 1 : names->n * 2) *
		    sizeof(*names->all));
		if (all == NULL)
			return err_set(e, ERR_NOMEM, 0, "spool");
		names->all = all;
	}
	memcpy(names->all[names->n++], name, n + 1);
	return 0;
}

int
spool_names(const char *path, struct spool_names *names, struct err *e)
{
	char history[HISTORY_ID_LEN + 1];
	const struct dirent *d;
	DIR *dir = opendir(path);
	uint64_t start;
	uint32_t seq;
	int rc = 0;

	if (dir == NULL)
		return err_set(e, ERR_IO, errno, "%s", path);
	while (rc == 0 && (d = readdir(dir)) != NULL)
		if (spool_name_parse(d->d_name, history, &seq, &start) == 0)
			rc = add_name(names, d->d_name, e);
	(void)closedir(dir);
	if (names->n > 0)
		qsort(names->all, names->n, sizeof(*names->all), in_order);
	return rc;
}

void
spool_names_free(struct spool_names *names)
{
	free(names->all);
	*names = (struct spool_names){0};
}

/* --- records --- */

static int
each_of_file(const struct spool *s, const char *name, spool_take *each,
    void *arg, struct err *e)
{
	char path[SPOOL_PATH_MAX + SPOOL_NAME_MAX + 2];
	char history[HISTORY_ID_LEN + 1];
	struct spool_record r;
	struct buf data = {0};
	uint64_t start;
	uint32_t seq;
	size_t at, size;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", spool_path(s), name);
	rc = file_read(path, SPOOL_FILE_MAX, &data, e);
	if (rc != 0 && e->code == ERR_NOTFOUND) {
		/* It was removed meanwhile, since the store has it. */
		*e = (struct err){0};
		rc = 0;
	}
	if (rc == 0)
		(void)spool_name_parse(name, history, &seq, &start);
	for (at = 0; rc == 0 && at < data.len; at += size) {
		if (spool_record_parse(data.data + at, data.len - at, &r,
		    &size) != 1 || r.seq != seq || r.start != start)
			break;
		start += r.n;
		rc = each(arg, name, history, &r, e);
	}
	buf_free(&data);
	return rc;
}

int
spool_each(const struct spool *s, spool_take *each, void *arg, struct err *e)
{
	struct spool_names names = {0};
	size_t i;
	int rc = spool_names(spool_path(s), &names, e);

	for (i = 0; i < names.n && rc == 0; i++)
		rc = each_of_file(s, names.all[i], each, arg, e);
	spool_names_free(&names);
	return rc;
}

/* --- a part --- */

struct part {
	uint64_t at, end;
	struct buf *data, *lines;
};

/* Lines of the transactions that end behind at, and not behind end. */
static int
take_lines(const struct part *p, const struct spool_record *r, struct err *e)
{
	const char *at = r->lines, *stop = at + r->nlines, *lf;
	struct transaction t;
	uint64_t end;

	for (; at < stop; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(stop - at));
		if (lf == NULL)
			return err_set(e, ERR_CORRUPT, 0, "spool: a line has "
			    "no end");
		if (transaction_line_parse(at, (size_t)(lf - at), &t, e) != 0)
			return -1;
		end = t.offset + t.size;
		transaction_line_free(&t);
		if (end > p->at && end <= p->end)
			buf_add(p->lines, at, (size_t)(lf + 1 - at));
	}
	return buf_check(p->lines, "spool", e);
}

static int
take_part(void *arg, const char *file, const char *history,
    const struct spool_record *r, struct err *e)
{
	struct part *p = arg;
	uint64_t to = r->start + r->n;
	size_t skip;

	(void)file;
	(void)history;
	if (to <= p->at || r->start > p->at)
		return 0;
	if (take_lines(p, r, e) != 0)
		return -1;
	skip = (size_t)(p->at - r->start);
	if (to > p->end)
		to = p->end;
	buf_add(p->data, r->data + skip, (size_t)(to - p->at));
	p->at = to;
	return buf_check(p->data, "spool", e) != 0 ? -1 : p->at == p->end;
}

int
spool_read(const struct spool *s, const char *history, uint32_t seq,
    uint64_t start, uint64_t end, struct buf *data, struct buf *lines,
    struct err *e)
{
	struct part p = { .at = start, .end = end, .data = data,
	    .lines = lines };
	struct spool_names names = {0};
	char of[HISTORY_ID_LEN + 1];
	uint64_t first;
	uint32_t number;
	size_t i;
	int rc = spool_names(spool_path(s), &names, e);

	buf_clear(data);
	buf_clear(lines);
	for (i = 0; i < names.n && rc == 0; i++)
		if (spool_name_parse(names.all[i], of, &number, &first) == 0 &&
		    strcmp(of, history) == 0 && number == seq && first < end)
			rc = each_of_file(s, names.all[i], take_part, &p, e);
	spool_names_free(&names);
	if (rc == 0)
		return err_set(e, ERR_CORRUPT, 0, "spool %s: bytes %llu to "
		    "%llu of file %u are not there", spool_path(s),
		    (unsigned long long)p.at, (unsigned long long)end,
		    (unsigned)seq);
	return rc == 1 ? 0 : -1;
}
