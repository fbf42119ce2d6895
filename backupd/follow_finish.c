/* SPDX-License-Identifier: Apache-2.0 */
/* follow_finish: files of a source that have ended, one after another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/finish.h"
#include "base/clock.h"
#include "base/log.h"
#include "mysql/connect.h"

#include "backupd/follow_impl.h"

#define RETRY_BASE_MS 5000
#define RETRY_CAP_MS 300000

struct follow_finish {
	struct job job;		/* first */
	struct follow *follow;
	struct follow_finish *next;
	struct finish_opts opts;
	struct probe probe;	/* what is asked with: no lists, no texts */
	struct endpoint at;
	struct conn_opts conn;	/* of it */
	char history[HISTORY_ID_LEN + 1], name[STREAM_NAME_MAX];
	struct err err;
	unsigned tries;
};

static void
finish_run(struct job *j)
{
	struct follow_finish *x = (struct follow_finish *)j;

	x->err = (struct err){0};
	(void)finish_file(&x->opts, &x->err);
}

static void
finish_done(struct job *j)
{
	struct follow_finish *x = (struct follow_finish *)j;
	struct follow *f = x->follow;

	f->finishing = false;
	if (x->err.code == ERR_NONE) {
		f->ended = x->next;
		free(x);
		f->finish_ms = 0;
	} else if (f->hurry) {
		f->finish_ms = INT64_MAX;
	} else if (f->shared->stop_at_end) {
		f->finish_ms = INT64_MAX;
		follow_fail(f, &x->err);
		return;
	} else {
		/* The bytes are safe: only what they cost is not. */
		log_event(LOG_WARN_, "a file cannot be finished; it will be "
		    "tried again", "source", f->opts.source, "why",
		    x->err.msg, NULL);
		f->finish_ms = clock_mono_ms() + clock_backoff_ms(++x->tries,
		    RETRY_BASE_MS, RETRY_CAP_MS);
	}
	follow_sent(f);
}

int
follow_ended(struct follow *f, uint32_t seq, const char *name,
    const uint8_t *sha256, struct err *e)
{
	struct follow_finish *x = calloc(1, sizeof(*x)), **at = &f->ended;

	if (x == NULL)
		return err_set(e, ERR_NOMEM, 0, "finish a file");
	x->job = (struct job){ .run = finish_run, .done = finish_done };
	x->follow = f;
	x->probe = f->probe;
	x->at = f->at;
	endpoint_conn(f->opts.conn, &x->at, &x->conn);
	memcpy(x->history, f->history, sizeof(x->history));
	(void)snprintf(x->name, sizeof(x->name), "%s", name);
	x->opts = (struct finish_opts){ .store = f->shared->store,
	    .store_id = f->shared->store_id, .source = f->opts.source,
	    .history = x->history, .seq = seq, .name = x->name,
	    .conn = &x->conn, .probe = &x->probe,
	    .known = sha256 != NULL, .stop = &f->finish_stop };
	if (sha256 != NULL)
		memcpy(x->opts.sha256, sha256, SHA256_SIZE);
	while (*at != NULL)
		at = &(*at)->next;
	*at = x;
	return 0;
}

/* Are all its segments stored? */
static bool
is_stored(const struct follow *f, const struct follow_finish *x)
{
	const struct follow_upload *u;

	if (strcmp(x->history, f->history) != 0)
		return true;
	for (u = f->first; u != NULL; u = u->next)
		if (!u->sent && u->seq <= x->opts.seq)
			return false;
	return true;
}

void
follow_finish(struct follow *f, int64_t now_ms)
{
	if (f->state == FOLLOW_OVER || f->finishing || f->ended == NULL ||
	    f->hurry || f->finish_ms > now_ms || !is_stored(f, f->ended))
		return;
	f->finishing = true;
	pool_submit(f->shared->finishes, &f->ended->job);
}

int64_t
follow_finish_due(const struct follow *f)
{
	return f->finishing || f->ended == NULL || f->hurry ||
	    f->finish_ms == 0 ? INT64_MAX : f->finish_ms;
}

void
follow_ended_free(struct follow *f)
{
	struct follow_finish *x;

	while ((x = f->ended) != NULL) {
		f->ended = x->next;
		free(x);
	}
}
