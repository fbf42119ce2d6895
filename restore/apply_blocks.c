/* SPDX-License-Identifier: Apache-2.0 */
/* apply_blocks: LOAD DATA that was logged as a statement, with its file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "mysql/bytes.h"
#include "mysql/connect.h"
#include "restore/ddl.h"

#include "restore/apply_impl.h"

#define LOCAL_OFF 3948		/* MySQL: local data is disabled */
#define LOCAL_OFF_OLD 1148	/* MariaDB, MySQL 5.7 */
#define LOCAL_OFF_MARIA 4166

/* --- the file --- */

/* A block of the file: it goes where no memory is needed for it. */
int
blocks_take(struct apply *a, const struct event *ev, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);
	uint32_t id = (uint32_t)bytes_le(&b, 4);

	if (b.bad)
		return err_set(e, ERR_CORRUPT, 0, "%s event: wrong size",
		    event_name(ev->type));
	if (a->left || a->skipped || a->done)
		return 0;
	if (ev->type == EVENT_BEGIN_LOAD_QUERY) {
		blocks_clear(a);
		a->blocks = tmpfile();
		a->block_id = id;
		if (a->blocks == NULL)
			return err_set(e, ERR_IO, errno, "temporary file for "
			    "LOAD DATA");
	}
	if (a->blocks == NULL || a->block_id != id)
		return err_set(e, ERR_CORRUPT, 0, "%s event: of a file that "
		    "has no begin", event_name(ev->type));
	if (b.left > 0 && fwrite(b.at, 1, b.left, a->blocks) != b.left)
		return err_set(e, ERR_IO, errno, "temporary file for LOAD "
		    "DATA");
	return 0;
}

void
blocks_clear(struct apply *a)
{
	if (a->blocks != NULL)
		(void)fclose(a->blocks);
	a->blocks = NULL;
}

static long
read_blocks(void *arg, void *data, size_t n, struct err *e)
{
	FILE *f = arg;
	size_t got = fread(data, 1, n, f);

	if (got == 0 && ferror(f))
		return err_set(e, ERR_IO, errno, "temporary file for LOAD "
		    "DATA");
	return (long)got;
}

/* --- the statement --- */

static bool
is_load_data(const struct apply_query *x)
{
	struct ddl_reader r;
	struct ddl_token first, second;

	ddl_reader_init(&r, x->sql, x->q.load_from);
	first = ddl_next(&r);
	second = ddl_next(&r);
	return ddl_is(&first, "LOAD") && ddl_is(&second, "DATA");
}

static int
check(const struct apply *a, const struct apply_query *x, struct err *e)
{
	if (x->q.load_from > x->q.load_to || x->q.load_to > x->q.sql_len)
		return err_set(e, ERR_CORRUPT, 0, "Execute_load_query event: "
		    "wrong place of its file's name");
	if (a->blocks == NULL || a->block_id != x->q.load_file)
		return err_set(e, ERR_CORRUPT, 0, "LOAD DATA without its "
		    "file");
	if (x->sql != x->q.sql || !is_load_data(x) || x->q.error != 0) {
		(void)err_set(e, ERR_USAGE, 0, "LOAD %s cannot be applied "
		    "through SQL", x->q.error != 0 ? "DATA that failed on the "
		    "source" : x->sql != x->q.sql ?
		    "DATA of a part of the server" : "XML");
		return err_hint(e, "use --replay=serve");
	}
	return 0;
}

/* LOCAL turns duplicates into warnings: where they were errors on the source
 * there are none, here neither. */
static int
check_duplicates(const struct apply *a, const struct apply_query *x,
    struct err *e)
{
	uint64_t records, deleted, skipped, warnings;

	if (x->q.load_duplicates != 0)
		return 0;
	if (conn_load_info(a->conn, &records, &deleted, &skipped,
	    &warnings) != 0)
		return err_set(e, ERR_IO, 0, "the server does not say how "
		    "many rows it loaded");
	return skipped == 0 ? 0 : err_set(e, ERR_CORRUPT, 0, "LOAD DATA: %"
	    PRIu64 " rows were there already", skipped);
}

int
blocks_load(struct apply *a, const struct apply_query *x, struct err *e)
{
	struct buf tail = {0};
	int rc = check(a, x, e);

	if (rc != 0)
		goto out;
	if (fseek(a->blocks, 0, SEEK_SET) != 0) {
		rc = err_set(e, ERR_IO, errno, "temporary file for LOAD DATA");
		goto out;
	}
	/* What is between stands for the file, and says what becomes of
	 * duplicates: LOCAL alone leaves them out. */
	buf_adds(&tail, x->q.load_duplicates == LOAD_REPLACE ?
	    "REPLACE INTO " : "INTO ");
	buf_add(&tail, x->sql + x->q.load_to, x->n - x->q.load_to);
	rc = buf_check(&tail, "LOAD DATA", e);
	if (rc == 0)
		rc = batch_load(&a->batch, buf_str(&tail), read_blocks,
		    a->blocks, e);
	if (rc != 0 && (e->sys == LOCAL_OFF || e->sys == LOCAL_OFF_OLD ||
	    e->sys == LOCAL_OFF_MARIA))
		(void)err_hint(e, "set local_infile=ON on the target, or use "
		    "--replay=serve");
	if (rc == 0)
		rc = check_duplicates(a, x, e);
out:	blocks_clear(a);
	buf_free(&tail);
	return rc;
}
