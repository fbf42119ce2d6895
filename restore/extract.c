/* SPDX-License-Identifier: Apache-2.0 */
/* extract: a backup as plain .sql and .tsv files with a load script. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/file.h"
#include "catalog/backups.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "codec/frame.h"
#include "mysql/connect.h"
#include "restore/ddl.h"
#include "restore/load.h"
#include "restore/plan.h"
#include "restore/run.h"
#include "store/store.h"

#include "restore/extract.h"

struct extract {
	struct store *store;
	const struct restore_opts *opts;
	const char *dir;
	struct restore_plan plan;
	FILE *script;
};

/* Every file has a number, so that no name can lead out of the folder or hit
 * another; the tail is for people. */
static void
file_name(const struct extract *x, const char *schema, const char *name,
    uint32_t n, const char *suffix, char path[4096])
{
	char tail[NAME_TAIL_SIZE];

	name_tail(schema, name, tail);
	(void)snprintf(path, 4096, "%s/%05u-%s%s", x->dir, (unsigned)n, tail,
	    suffix);
}

static int
check_dir(const char *dir, struct err *e)
{
	struct dirent *entry;
	DIR *dp;
	int rc = 0;

	if (file_mkdirs(dir, e) != 0)
		return -1;
	dp = opendir(dir);
	if (dp == NULL)
		return err_set(e, ERR_IO, errno, "%s", dir);
	while ((entry = readdir(dp)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			rc = -1;
	(void)closedir(dp);
	if (rc == 0)
		return 0;
	(void)err_set(e, ERR_USAGE, 0, "--into %s: is not empty", dir);
	return err_hint(e, "name a new folder");
}

static int
to_file(void *arg, const void *data, size_t n, struct err *e)
{
	return file_write_all(*(int *)arg, data, n, e);
}

static int
copy_chunk(struct extract *x, const struct plan_chunk *c, int fd,
    struct err *e)
{
	struct frame_reader *frame = frame_reader_new(e);
	struct object_reader *object = NULL;
	char key[STORE_KEY_MAX];
	const void *data;
	size_t n;
	int rc = -1;

	if (frame == NULL)
		return -1;
	(void)source_key(x->plan.head.source, c->object, key);
	object = object_open(x->store, key, 0, UINT64_MAX, e);
	if (object == NULL)
		goto out;
	frame_reader_begin(frame, to_file, &fd);
	for (;;) {
		if (object_read(object, &data, &n, e) != 0)
			goto out;
		if (n == 0)
			break;
		if (frame_read(frame, data, n, e) != 0)
			goto out;
	}
	rc = frame_reader_end(frame, e);
out:	object_close(object);
	frame_reader_free(frame);
	return rc == 0 ? 0 : err_wrap(e, "%s", c->object);
}

static int
rows(struct extract *x, uint32_t index, const char *path, struct err *e)
{
	const struct plan_chunk *c;
	struct buf plain = {0};
	size_t i;
	int fd, rc = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_IO, errno, "%s", path);
	for (i = 0; i < x->plan.nchunks && rc == 0; i++) {
		c = &x->plan.chunks[i];
		if (c->table != index)
			continue;
		rc = cancel_check(x->opts->cancel, e);
		if (rc == 0 && c->object != NULL) {
			rc = copy_chunk(x, c, fd, e);
		} else if (rc == 0) {
			buf_clear(&plain);
			rc = place_read(x->store, x->plan.head.source,
			    &c->place, &plain, e);
			if (rc == 0)
				rc = file_write_all(fd, buf_str(&plain),
				    plain.len, e);
		}
	}
	if (close(fd) != 0 && rc == 0)
		rc = err_set(e, ERR_IO, errno, "%s", path);
	buf_free(&plain);
	return rc;
}

static void
use(struct extract *x, const char *schema)
{
	struct buf b = {0};

	sql_ident(&b, schema);
	(void)fprintf(x->script, "USE %s;\n", buf_str(&b));
	buf_free(&b);
}

/* A path inside a statement of the script. */
static const char *
base(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int
write_ddl(struct extract *x, const struct place *place, const char *path,
    const char *end, struct err *e)
{
	struct buf text = {0};
	int rc;

	rc = place_read(x->store, x->plan.head.source, place, &text, e);
	if (rc == 0) {
		buf_adds(&text, end);
		rc = buf_check(&text, "definition", e);
	}
	if (rc == 0)
		rc = file_write(path, buf_str(&text), text.len, 0600, e);
	buf_free(&text);
	return rc;
}

static int
table(struct extract *x, uint32_t index, struct err *e)
{
	const struct plan_table *t = &x->plan.tables[index];
	char sql[4096], tsv[4096];
	struct buf tail = {0};

	file_name(x, t->schema, t->name, t->n, ".sql", sql);
	file_name(x, t->schema, t->name, t->n, ".tsv", tsv);
	if (write_ddl(x, &t->ddl, sql, ";\n", e) != 0 ||
	    rows(x, index, tsv, e) != 0)
		return -1;
	use(x, t->schema);
	(void)fprintf(x->script, "SOURCE %s\n", base(sql));
	load_tail(t, &tail);
	(void)fprintf(x->script, "LOAD DATA LOCAL INFILE '%s' %s;\n",
	    base(tsv), buf_str(&tail));
	buf_free(&tail);
	return 0;
}

static int
object(struct extract *x, const struct plan_object *o, uint32_t n,
    struct err *e)
{
	char path[4096];

	file_name(x, o->schema, o->name, n, ".sql", path);
	if (write_ddl(x, &o->place, path, o->kind == LINE_VIEW ? ";\n" :
	    "\n//\n", e) != 0)
		return -1;
	use(x, o->schema);
	(void)fprintf(x->script, "SET sql_mode='%s';\n",
	    o->context.sql_mode != NULL ? o->context.sql_mode : "");
	if (o->kind != LINE_VIEW)
		(void)fprintf(x->script, "DELIMITER //\n");
	(void)fprintf(x->script, "SOURCE %s\n", base(path));
	if (o->kind != LINE_VIEW)
		(void)fprintf(x->script, "DELIMITER ;\n");
	return 0;
}

/* Inline definitions of one kind, as statements of the script. */
static void
inline_ddl(struct extract *x, enum line_kind kind)
{
	const struct plan_object *o;
	size_t i;

	for (i = 0; i < x->plan.nobjects; i++) {
		o = &x->plan.objects[i];
		if (o->kind != kind || o->ddl == NULL)
			continue;
		if (kind == LINE_SEQUENCE)
			use(x, o->schema);
		(void)fprintf(x->script, "%s;\n", o->ddl);
		if (kind == LINE_SEQUENCE) {
			struct buf b = {0};

			sql_ident(&b, o->name);
			(void)fprintf(x->script, "SELECT SETVAL(%s,%lld,0);\n",
			    buf_str(&b), o->next);
			buf_free(&b);
		}
	}
}

static int
write_all(struct extract *x, struct err *e)
{
	static const enum line_kind order[] = { LINE_ROUTINE, LINE_VIEW,
	    LINE_TRIGGER, LINE_EVENT };
	uint32_t n = 1000000;
	size_t i, k;

	(void)fprintf(x->script, "-- mysql --local-infile=1 --binary-mode=0 < "
	    "load.sql, in this folder\n"
	    "SET NAMES utf8mb4, time_zone='+00:00', foreign_key_checks=0,\n"
	    "  sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n");
	inline_ddl(x, LINE_SCHEMA);
	inline_ddl(x, LINE_SEQUENCE);
	for (i = 0; i < x->plan.ntables; i++)
		if (table(x, (uint32_t)i, e) != 0)
			return -1;
	for (k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (i = 0; i < x->plan.nobjects; i++)
			if (x->plan.objects[i].kind == order[k] &&
			    object(x, &x->plan.objects[i], n++, e) != 0)
				return -1;
	(void)fprintf(x->script, "SET sql_mode='';\n");
	inline_ddl(x, LINE_ROLE);
	inline_ddl(x, LINE_ACCOUNT);
	inline_ddl(x, LINE_GRANT);
	return 0;
}

int
extract_run(struct store *s, const struct restore_opts *opts, const char *dir,
    struct err *e)
{
	struct extract x = { .store = s, .opts = opts, .dir = dir };
	char path[4096];
	size_t i;
	int rc = -1;

	for (i = 0; i < opts->nschemas; i++)
		if (restore_plan_pick(&x.plan, opts->schemas[i], false,
		    e) != 0)
			goto out;
	for (i = 0; i < opts->ntables; i++)
		if (restore_plan_pick(&x.plan, opts->tables[i], true, e) != 0)
			goto out;
	if (restore_plan_renames(&x.plan)) {
		(void)err_set(e, ERR_USAGE, 0, "extract writes what is "
		    "stored, under its own names");
		goto out;
	}
	if (backup_find(s, opts->source, opts->backup, &x.plan.head, e) != 0 ||
	    restore_plan_read(s, &x.plan, e) != 0 || check_dir(dir, e) != 0)
		goto out;
	(void)snprintf(path, sizeof(path), "%s/load.sql", dir);
	x.script = fopen(path, "we");
	if (x.script == NULL) {
		(void)err_set(e, ERR_IO, errno, "%s", path);
		goto out;
	}
	rc = write_all(&x, e);
	if (fclose(x.script) != 0 && rc == 0)
		rc = err_set(e, ERR_IO, errno, "%s", path);
	if (rc == 0 && !opts->json)
		(void)printf("%s/%s: %zu tables in %s; load with 'mysql "
		    "--local-infile=1 < load.sql' there\n",
		    x.plan.head.source, x.plan.head.id, x.plan.ntables, dir);
out:	restore_plan_free(&x.plan);
	return rc;
}
