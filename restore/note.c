/* SPDX-License-Identifier: Apache-2.0 */
/* note: how far archived transactions are applied. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "restore/notes.h"

#include "restore/note.h"

static const char *const states[] = { "done", "ddl", "xa", "plain" };

#define NSTATES (sizeof(states) / sizeof(states[0]))

static void
copy(char *to, size_t n, const char *from)
{
	(void)snprintf(to, n, "%s", from == NULL ? "" : from);
}

static int
take(char **row, struct note *n, struct err *e)
{
	size_t i;

	copy(n->history, sizeof(n->history), row[0]);
	n->seq = (uint32_t)strtoul(row[1], NULL, 10);
	n->offset = strtoull(row[2], NULL, 10);
	copy(n->gtid, sizeof(n->gtid), row[3]);
	copy(n->proof, sizeof(n->proof), row[5]);
	n->temporary = (unsigned)strtoul(row[6], NULL, 10);
	for (i = 0; i < NSTATES; i++)
		if (strcmp(row[4], states[i]) == 0) {
			n->state = (enum note_state)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, 0, "kura_restore.apply on the target: "
	    "state '%s' is of a newer version", row[4]);
}

static int
read_row(struct conn *c, struct note *n, struct err *e)
{
	struct result *r = conn_query(c, "SELECT history, seq, place, gtid, "
	    "state, proof, temporary FROM kura_restore.apply WHERE one=1",
	    true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	if (got == 1 && take(row, n, e) != 0)
		got = -1;
	result_free(r);
	return got;
}

int
note_read(struct conn *c, struct note *n, struct err *e)
{
	int there;

	*n = (struct note){0};
	there = notes_has(c, "apply", e);
	return there == 1 ? read_row(c, n, e) : there;
}

int
note_open(struct conn *c, struct note *n, struct err *e)
{
	int got;

	*n = (struct note){0};
	if (notes_need(c, "apply", e) != 0)
		return -1;
	got = read_row(c, n, e);
	if (got == 0 && conn_exec(c, "INSERT INTO kura_restore.apply VALUES "
	    "(1,'',0,0,'','done','',0)", e) != 0)
		return -1;
	return got < 0 ? -1 : 0;
}

void
note_write(const struct note *n, struct buf *out)
{
	buf_addf(out, "UPDATE kura_restore.apply SET history='%s',seq=%" PRIu32
	    ",place=%" PRIu64 ",gtid='%s',state='%s',proof='%s',temporary=%u "
	    "WHERE one=1", n->history, n->seq, n->offset, n->gtid,
	    states[n->state], n->proof, n->temporary);
}
