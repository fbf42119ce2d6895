/* SPDX-License-Identifier: Apache-2.0 */
/* archive_fuzz: any document is a history, files, a mark or a drill, or refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/drill_note.h"
#include "catalog/history.h"
#include "catalog/mark.h"
#include "catalog/segment.h"
#include "tests/fuzz/mended.h"

#define ID	"20261122T181500Z-7c1e"
#define FILES	4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
refused(const struct err *e)
{
	assert((e->code == ERR_CORRUPT || e->code == ERR_USAGE) &&
	    e->msg[0] != '\0');
}

static void
look_history(const char *text, size_t n)
{
	struct history h;
	struct err e = {0};

	if (history_parse(text, n, "a", ID, &h, &e) != 0) {
		assert(h.flavour == NULL && h.head_bytes.data == NULL);
		refused(&e);
		return;
	}
	assert(strcmp(h.id, ID) == 0 && binlog_name_valid(h.first_file));
	assert(h.parent[0] == '\0' || (backup_id_valid(h.parent) &&
	    strcmp(h.parent, ID) != 0));
	assert(history_why_text(h.why) != NULL && h.fork_gtid != NULL &&
	    h.gtid_before != NULL && h.marked != NULL);
	history_free(&h);
}

static void
look_files(const char *text, size_t n, uint32_t last)
{
	struct binlog_file files[FILES];
	const struct file_object *o;
	struct err e = {0};
	uint32_t i;
	size_t k;

	if (files_parse(text, n, "a", ID, 1, last, files, &e) != 0) {
		for (i = 0; i < last; i++)
			assert(files[i].name == NULL &&
			    files[i].objects == NULL);
		refused(&e);
		return;
	}
	for (i = 0; i < last; i++) {
		assert(files[i].seq == i + 1 && files[i].nobjects > 0);
		assert(binlog_name_valid(files[i].name));
		o = files[i].objects;
		for (k = 0; k < files[i].nobjects; k++)
			assert(o[k].end > o[k].start && o[k].start == (k > 0 ?
			    o[k - 1].end : 0) && strlen(o[k].sha256) == 64);
		assert(o[k - 1].end == files[i].size);
		binlog_file_free(&files[i]);
	}
}

static void
look_mark(const char *text, size_t n)
{
	struct mark m;
	struct err e = {0};
	size_t i;

	if (mark_parse(text, n, "a", ID, &m, &e) != 0) {
		assert(m.keys == NULL && m.why == NULL);
		refused(&e);
		return;
	}
	assert(m.nkeys > 0 && m.nkeys <= MARK_KEYS_MAX);
	for (i = 0; i < m.nkeys; i++)
		assert(strncmp(m.keys[i], "sources/a/", 10) == 0);
	mark_free(&m);
}

static void
look_drill(const char *text, size_t n)
{
	struct drill_note d;
	struct err e = {0};

	if (drill_note_parse(text, n, "a", ID, &d, &e) != 0)
		refused(&e);
	else
		assert(strcmp(d.id, ID) == 0 && backup_id_valid(d.backup));
}

static void
look(const char *text, size_t n)
{
	look_history(text, n);
	look_files(text, n, 1);
	look_files(text, n, FILES);
	look_mark(text, n);
	look_drill(text, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mended(data, size, look);
	return 0;
}
