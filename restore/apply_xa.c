/* SPDX-License-Identifier: Apache-2.0 */
/* apply_xa: XA transactions: their ends are told by the server's list of them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/connect.h"
#include "restore/xid.h"

#include "restore/apply_impl.h"

int
xa_start(struct apply *a, const char *xid, struct err *e)
{
	bool format = a->o->mode == APPLY_BINLOG && !a->format_sent;

	if (group_alone(a, e) != 0)
		return -1;
	a->xa = true;
	buf_clear(&a->xid);
	buf_adds(&a->xid, xid);
	if (a->resumed == NOTE_XA) {
		int there = xid_prepared(a->side, xid, e);

		if (there < 0)
			return -1;
		a->done |= there == 1;
	}
	a->resumed = NOTE_DONE;
	if (a->done)
		return 0;
	if (group_note(a, NOTE_XA, "", e) != 0)
		return -1;
	buf_clear(&a->text);
	apply_where_text(a, NULL, NULL, &a->text);
	batch_where(&a->batch, buf_str(&a->text));
	if (format)
		binlog_send_format(a);
	group_gtid(a);
	buf_addf(batch_add(&a->batch), "XA START %s", xid);
	a->sql = a->changes = true;
	return buf_check(&a->xid, "XID", e);
}

int
xa_start_gtid(struct apply *a, const struct event *ev, struct err *e)
{
	struct buf xid = {0};
	int rc = xid_of_gtid(ev, &xid, e);

	if (rc == 0)
		rc = xa_start(a, buf_str(&xid), e);
	buf_free(&xid);
	return rc;
}

int
xa_prepare(struct apply *a, const struct event *ev, struct err *e)
{
	struct buf xid = {0};
	bool one_phase;

	if (a->left || a->skipped || !a->xa)
		return group_commit(a, e);
	if (event_xa(ev, &one_phase, &xid, e) != 0 || binlog_flush(a, e) != 0)
		goto fail;
	if (!a->done) {
		buf_addf(batch_add(&a->batch), "XA END %s", buf_str(&xid));
		buf_addf(batch_add(&a->batch), one_phase ?
		    "XA COMMIT %s ONE PHASE" : "XA PREPARE %s",
		    buf_str(&xid));
	}
	a->sql = false;
	buf_free(&xid);
	return group_noted(a, e);

fail:	buf_free(&xid);
	return -1;
}

/* XA COMMIT or ROLLBACK of one that was prepared before. */
int
xa_finish(struct apply *a, const struct apply_query *x, struct err *e)
{
	struct buf xid = {0};
	bool resumed = a->resumed == NOTE_XA;
	int there;

	if (group_alone(a, e) != 0 || xid_of_text(x->sql, x->n, &xid, e) != 0)
		goto fail;
	there = xid_prepared(a->side, buf_str(&xid), e);
	if (there < 0)
		goto fail;
	/* Gone: done before, or nothing in it was wanted. */
	if (there == 1 || (!resumed && a->o->filter == NULL && !a->done)) {
		if (group_note(a, NOTE_XA, "", e) != 0)
			goto fail;
		group_gtid(a);
		buf_addf(batch_add(&a->batch), "XA %s %s", x->kind ==
		    KIND_XA_COMMIT ? "COMMIT" : "ROLLBACK", buf_str(&xid));
	}
	buf_free(&xid);
	return group_noted(a, e);

fail:	buf_free(&xid);
	return -1;
}
