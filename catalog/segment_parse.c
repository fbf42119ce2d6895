/* SPDX-License-Identifier: Apache-2.0 */
/* segment_parse: documents of finished files, each member checked. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/document.h"
#include "catalog/member.h"

#include "catalog/segment.h"

#define GTID_MAX 1024
#define ROLL_MAX ((size_t)4 << 20)
#define OBJECTS_MAX 4096	/* of one file */

static int
take_time(const json_t *json, const char *name, int64_t *us, struct err *e)
{
	*us = 0;
	return member_null(json, name) ? 0 : member_time(json, name, us, e);
}

static int
take_gtid(const json_t *json, const char *name, char **out, struct err *e)
{
	return member_null(json, name) ? 0 : member_copy(json, name, GTID_MAX,
	    out, e);
}

/* Each begins where the one before ended, from the file's first byte to its
 * last. */
static int
take_objects(const json_t *json, struct binlog_file *f, struct err *e)
{
	const json_t *objects = json_object_get(json, "objects"), *one;
	size_t n = json_array_size(objects), i;
	struct file_object *o;
	uint64_t at = 0;

	if (!json_is_array(objects) || n == 0 || n > OBJECTS_MAX)
		return member_bad(e, "objects");
	f->objects = calloc(n, sizeof(*f->objects));
	if (f->objects == NULL)
		return err_set(e, ERR_NOMEM, 0, "files");
	f->nobjects = n;
	for (i = 0; i < n; i++, at = o->end) {
		one = json_array_get(objects, i);
		o = &f->objects[i];
		if (member_count(one, "start", INT64_MAX, &o->start, e) != 0 ||
		    member_count(one, "end", f->size, &o->end, e) != 0 ||
		    member_count(one, "size", INT64_MAX, &o->size, e) != 0 ||
		    member_digest(one, "sha256", o->sha256, e) != 0)
			return -1;
		if (o->start != at || o->end <= o->start)
			return member_bad(e, "objects");
	}
	return at == f->size ? 0 : member_bad(e, "objects");
}

static int
take_file(const json_t *json, struct binlog_file *f, struct err *e)
{
	const char *closed;
	uint64_t seq;

	if (!json_is_object(json))
		return member_bad(e, "files");
	if (member_count(json, "seq", UINT32_MAX, &seq, e) != 0 ||
	    member_copy(json, "name", 511, &f->name, e) != 0)
		return -1;
	f->seq = (uint32_t)seq;
	if (!binlog_name_valid(f->name))
		return member_bad(e, "name");
	if (member_count(json, "size", INT64_MAX, &f->size, e) != 0 ||
	    member_digest(json, "sha256", f->sha256, e) != 0 ||
	    member_text(json, "closed", 32, &closed, e) != 0)
		return -1;
	f->crashed = strcmp(closed, "crash") == 0;
	if (!f->crashed && strcmp(closed, "rotate") != 0)
		return member_bad(e, "closed");
	if (take_time(json, "first", &f->first_us, e) != 0 ||
	    take_time(json, "last", &f->last_us, e) != 0 ||
	    take_gtid(json, "gtid_before", &f->gtid_before, e) != 0 ||
	    take_gtid(json, "gtids", &f->gtids, e) != 0 ||
	    member_count(json, "transactions", INT64_MAX, &f->transactions,
	    e) != 0 || member_count(json, "index_size", INT64_MAX,
	    &f->index_size, e) != 0)
		return -1;
	return take_objects(json, f, e);
}

static int
take_files(const json_t *doc, const char *source, const char *history,
    uint32_t first, uint32_t last, struct binlog_file *files, struct err *e)
{
	const json_t *all = json_object_get(doc, "files");
	const char *text;
	uint32_t i;

	if (member_text(doc, "source", SOURCE_NAME_MAX, &text, e) != 0)
		return -1;
	if (strcmp(text, source) != 0)
		return member_bad(e, "source");
	if (member_text(doc, "history", HISTORY_ID_LEN, &text, e) != 0)
		return -1;
	if (strcmp(text, history) != 0)
		return member_bad(e, "history");
	if (!json_is_array(all) || json_array_size(all) != last - first + 1)
		return member_bad(e, "files");
	for (i = 0; i <= last - first; i++) {
		if (take_file(json_array_get(all, i), &files[i], e) != 0)
			return err_wrap(e, "file %u", (unsigned)(first + i));
		if (files[i].seq != first + i)
			return member_bad(e, "seq");
	}
	return 0;
}

int
files_parse(const char *text, size_t n, const char *source,
    const char *history, uint32_t first, uint32_t last,
    struct binlog_file *files, struct err *e)
{
	json_t *doc = document_read(text, n, first == last ? FILE_MAX :
	    ROLL_MAX, "files", e);
	uint32_t i;
	int rc = -1;

	for (i = 0; i <= last - first; i++)
		files[i] = (struct binlog_file){0};
	if (doc != NULL) {
		rc = take_files(doc, source, history, first, last, files, e);
		if (rc != 0)
			(void)err_wrap(e, "files");
	}
	for (i = 0; rc != 0 && i <= last - first; i++)
		binlog_file_free(&files[i]);
	json_decref(doc);
	return rc;
}
