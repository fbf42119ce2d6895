/* SPDX-License-Identifier: Apache-2.0 */
/* follow_stand: where a source's log ended is left behind at the end. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "backupd/follow_impl.h"

void
follow_stand_init(const struct follow *f, struct stand *x)
{
	*x = (struct stand){0};
	(void)snprintf(x->source, sizeof(x->source), "%s", f->opts.source);
	(void)snprintf(x->history, sizeof(x->history), "%s", f->history);
}

/* A log that was reset may have files of the same names: only where the link is
 * exactly there it speaks of the same log.  Of a busy server nothing need be
 * known. */
void
follow_stand_learn(struct follow *f, const struct stand *x)
{
	if (x->at_us > f->stand.at_us && f->state == FOLLOW_RUNNING &&
	    strcmp(x->history, f->history) == 0 && x->seq == f->tail.seq &&
	    x->offset == f->stream.offset)
		f->stand = *x;
}

static void
leave_run(struct job *j)
{
	struct follow_stand *x = (struct follow_stand *)j;

	x->err = (struct err){0};
	(void)stand_store(x->follow->shared->store, &x->stand, &x->err);
}

static void
leave_done(struct job *j)
{
	struct follow_stand *x = (struct follow_stand *)j;

	x->asked = false;
	/* All that is lost is how long the server was idle. */
	if (x->err.code != ERR_NONE && x->err.code != ERR_CANCELLED)
		log_event(LOG_WARN_, "how long the server was idle cannot be "
		    "stored", "source", x->follow->opts.source, "why",
		    x->err.msg, NULL);
	follow_sent(x->follow);
}

bool
follow_stand_leave(struct follow *f)
{
	struct follow_stand *x = &f->leave;

	if (x->asked)
		return true;
	if (f->stand.at_us == 0 || f->stand.at_us <= f->commit_us)
		return false;
	x->job = (struct job){ .run = leave_run, .done = leave_done };
	x->follow = f;
	x->stand = f->stand;
	x->asked = true;
	f->stand = (struct stand){0};
	pool_submit(f->shared->finishes, &x->job);
	return true;
}
