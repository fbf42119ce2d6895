/* SPDX-License-Identifier: Apache-2.0 */
/* extract: a backup as plain .sql and .tsv files with a load script. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/file.h"
#include "catalog/backups.h"
#include "catalog/expiring.h"
#include "catalog/bundle.h"
#include "catalog/names.h"
#include "codec/digest.h"
#include "codec/frame.h"
#include "mysql/connect.h"
#include "restore/create.h"
#include "restore/ddl.h"
#include "restore/load.h"
#include "restore/plan.h"
#include "restore/run.h"
#include "store/store.h"

#include "restore/extract.h"

#define VIEWS_DEEP 1000u	/* views that read views that ... */

struct extract {
	struct store *store;
	const struct restore_opts *opts;
	const char *dir;
	struct restore_plan plan;
	size_t chunk;		/* the next one to write */
	uint32_t file;		/* number of the last object's file */
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
	(void)err_set(e, ERR_USAGE, 0, "--into %s: the folder is not empty",
	    dir);
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
	struct sha256 *sha = frame != NULL ? sha256_new(e) : NULL;
	struct object_reader *object = NULL;
	uint8_t digest[SHA256_SIZE];
	char key[STORE_KEY_MAX], hex[SHA256_HEX];
	const void *data;
	size_t n;
	int rc = -1;

	if (sha == NULL)
		goto out;
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
		sha256_add(sha, data, n);
		if (frame_read(frame, data, n, e) != 0)
			goto out;
	}
	sha256_finish(sha, digest);
	hex_encode(digest, sizeof(digest), hex);
	rc = frame_reader_end(frame, e);
	if (rc == 0 && strcmp(hex, c->stored_sha256) != 0)
		rc = err_set(e, ERR_CORRUPT, 0, "its digest is not the one in "
		    "the list");
out:	object_close(object);
	frame_reader_free(frame);
	sha256_free(sha);
	return rc == 0 ? 0 : err_wrap(e, "%s", c->object);
}

static int
rows(struct extract *x, uint32_t index, const char *path, struct err *e)
{
	const struct plan_chunk *c;
	struct buf plain = {0};
	int fd, rc = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, ERR_IO, errno, "%s", path);
	/* Chunks stand in the order of their tables. */
	for (; x->chunk < x->plan.nchunks && rc == 0; x->chunk++) {
		c = &x->plan.chunks[x->chunk];
		if (c->table != index)
			break;
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

/* A definition, which must be one statement of its kind: somebody will run
 * it. */
static int
write_ddl(struct extract *x, const struct place *place, const char *kind,
    const char *path, const char *end, struct err *e)
{
	struct buf text = {0};
	int rc;

	rc = place_read(x->store, x->plan.head.source, place, &text, e);
	if (rc == 0)
		rc = ddl_check(buf_str(&text), text.len, kind, e);
	if (rc == 0)
		rc = ddl_check_script(buf_str(&text), text.len, e);
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
	if (write_ddl(x, &t->ddl, "TABLE", sql, ";\n", e) != 0 ||
	    rows(x, index, tsv, e) != 0)
		return err_wrap(e, "table %s.%s", t->schema, t->name);
	use(x, t->schema);
	(void)fprintf(x->script, "SOURCE %s\n", base(sql));
	load_tail(t, &tail);
	(void)fprintf(x->script, "LOAD DATA LOCAL INFILE '%s' %s;\n",
	    base(tsv), buf_str(&tail));
	buf_free(&tail);
	return 0;
}

static int
object(struct extract *x, const struct plan_object *o, struct err *e)
{
	struct buf context = {0};
	char path[4096];

	file_name(x, o->schema, o->name, ++x->file, ".sql", path);
	if (write_ddl(x, &o->place, create_kind(o), path,
	    o->kind == LINE_VIEW ? ";\n" : "\n//\n", e) != 0)
		return err_wrap(e, "%s %s.%s", line_kind_name(o->kind),
		    o->schema, o->name);
	use(x, o->schema);
	create_context(o, &context);
	(void)fprintf(x->script, "%s;\n", buf_str(&context));
	buf_free(&context);
	if (o->kind != LINE_VIEW)
		(void)fprintf(x->script, "DELIMITER //\n");
	(void)fprintf(x->script, "SOURCE %s\n", base(path));
	if (o->kind != LINE_VIEW)
		(void)fprintf(x->script, "DELIMITER ;\n");
	return 0;
}

/* Views that one view's text names. */
struct mentions {
	struct extract *x;
	struct plan_object **list;
	size_t n;
	bool failed;
};

static const char *
same_schema(void *arg, const char *schema)
{
	(void)arg;
	return schema;
}

static const char *
mention(void *arg, const char *schema, const char *table)
{
	struct mentions *m = arg;
	struct plan_object *o, **list;
	size_t i;

	for (i = 0; i < m->x->plan.nobjects; i++) {
		o = &m->x->plan.objects[i];
		if (o->kind != LINE_VIEW || o->done ||
		    strcmp(o->name, table) != 0 ||
		    strcmp(o->schema, schema) != 0)
			continue;
		list = realloc(m->list, (m->n + 1) * sizeof(*list));
		if (list == NULL) {
			m->failed = true;
			break;
		}
		m->list = list;
		list[m->n++] = o;
	}
	return table;
}

/* A view after the views it reads. */
static int
view(struct extract *x, struct plan_object *o, unsigned depth, struct err *e)
{
	struct mentions m = { .x = x };
	const struct ddl_map map = { .schema = same_schema, .table = mention,
	    .arg = &m, .home = o->schema };
	struct buf text = {0}, ignored = {0};
	size_t i;
	int rc;

	if (o->done)
		return 0;
	o->done = true;
	rc = place_read(x->store, x->plan.head.source, &o->place, &text, e);
	if (rc == 0)
		rc = ddl_rename(buf_str(&text), text.len, &map, &ignored, e);
	if (rc == 0 && m.failed)
		rc = err_set(e, ERR_NOMEM, 0, "views");
	buf_free(&text);
	buf_free(&ignored);
	for (i = 0; i < m.n && rc == 0 && depth < VIEWS_DEEP; i++)
		rc = view(x, m.list[i], depth + 1, e);
	free(m.list);
	return rc == 0 ? object(x, o, e) : err_wrap(e, "view %s.%s",
	    o->schema, o->name);
}

/* A grantee that the target has already is left as it is. */
static const char *
if_not_exists(const char **ddl)
{
	static const char *const verbs[] = { "CREATE USER ", "CREATE ROLE " };
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(verbs[i]);
		if (strncasecmp(*ddl, verbs[i], n) != 0 ||
		    strncasecmp(*ddl + n, "IF ", 3) == 0)
			continue;
		*ddl += n;
		return i == 0 ? "CREATE USER IF NOT EXISTS " :
		    "CREATE ROLE IF NOT EXISTS ";
	}
	return "";
}

static int
check_inline(const struct plan_object *o, struct err *e)
{
	size_t n = strlen(o->ddl);
	struct err user = {0};

	if (o->kind == LINE_GRANT)
		return ddl_check_grant(o->ddl, n, e);
	if (o->kind == LINE_SCHEMA || o->kind == LINE_SEQUENCE)
		return ddl_check(o->ddl, n, o->kind == LINE_SCHEMA ?
		    "DATABASE" : "SEQUENCE", e);
	return ddl_check(o->ddl, n, "USER", &user) == 0 ? 0 :
	    ddl_check(o->ddl, n, "ROLE", e);
}

/* Inline definitions of one kind, as statements of the script. */
static int
inline_ddl(struct extract *x, enum line_kind kind, struct err *e)
{
	const struct plan_object *o;
	const char *ddl, *start;
	size_t i;

	for (i = 0; i < x->plan.nobjects; i++) {
		o = &x->plan.objects[i];
		if (o->kind != kind || o->ddl == NULL)
			continue;
		if (check_inline(o, e) != 0)
			return err_wrap(e, "%s %s", line_kind_name(kind),
			    o->name);
		if (kind == LINE_SEQUENCE)
			use(x, o->schema);
		ddl = o->ddl;
		start = if_not_exists(&ddl);
		(void)fprintf(x->script, "%s%s;\n", start, ddl);
		if (kind == LINE_SEQUENCE) {
			struct buf b = {0};

			sql_ident(&b, o->name);
			(void)fprintf(x->script, "SELECT SETVAL(%s,%lld,0);\n",
			    buf_str(&b), o->next);
			buf_free(&b);
		}
	}
	return 0;
}

static int
write_all(struct extract *x, struct err *e)
{
	static const enum line_kind order[] = { LINE_ROUTINE, LINE_VIEW,
	    LINE_TRIGGER, LINE_EVENT };
	struct plan_object *o;
	size_t i, k;

	(void)fprintf(x->script, "-- mysql --local-infile=1 --comments < "
	    "load.sql, in this folder\n"
	    "SET NAMES utf8mb4, time_zone='+00:00', foreign_key_checks=0,\n"
	    "  sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n"
	    "/*M!101100 SET SESSION system_versioning_insert_history=1 */;"
	    "\n");
	x->file = 1000000;
	if (inline_ddl(x, LINE_SCHEMA, e) != 0 ||
	    inline_ddl(x, LINE_SEQUENCE, e) != 0)
		return -1;
	for (i = 0; i < x->plan.ntables; i++)
		if (table(x, (uint32_t)i, e) != 0)
			return -1;
	for (k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (i = 0; i < x->plan.nobjects; i++) {
			o = &x->plan.objects[i];
			if (o->kind == order[k] && (o->kind == LINE_VIEW ?
			    view(x, o, 0, e) : object(x, o, e)) != 0)
				return -1;
		}
	(void)fprintf(x->script, "SET NAMES utf8mb4, sql_mode='';\n");
	return inline_ddl(x, LINE_ROLE, e) != 0 ||
	    inline_ddl(x, LINE_ACCOUNT, e) != 0 ||
	    inline_ddl(x, LINE_GRANT, e) != 0 ? -1 : 0;
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
	    expiring_refuse(s, opts->source, x.plan.head.id, e) != 0 ||
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
		    "--local-infile=1 --comments < load.sql' there\n",
		    x.plan.head.source, x.plan.head.id, x.plan.ntables, dir);
out:	restore_plan_free(&x.plan);
	return rc;
}
