/* SPDX-License-Identifier: Apache-2.0 */
/* serve_impl: what the files of serve share. */
#ifndef BACKUPD_SERVE_IMPL_H
#define BACKUPD_SERVE_IMPL_H

#include <pthread.h>

#include <jansson.h>

#include "backupd/archiver.h"
#include "backupd/depot.h"
#include "backupd/fleet.h"
#include "backupd/pool.h"

#include "backupd/serve.h"

#define SERVE_RETRY_BASE_MS 2000	/* a store that failed */
#define SERVE_RETRY_CAP_MS 300000
#define SERVE_LOOKS 4		/* at the store, at once */
#define SERVE_SINCE_US (INT64_C(30) * 86400 * 1000000)	/* that is shown */
#define SERVE_TEXT 512
#define SERVE_KIND 64
/* A job may end so much after its slot before it is overdue. */
#define SERVE_MARGIN_US (INT64_C(3600) * 1000000)
#define SERVE_LAG_S 300		/* of an archive that is behind */

struct accepted;
struct control;
struct ending;
struct heard;
struct http;
struct notify;

/* Something that is wrong now, in plain words. */
struct problem {
	char source[SOURCE_NAME_MAX + 1];	/* "": the daemon's own */
	char kind[SERVE_KIND];		/* "dump_failed" */
	bool error;			/* else a warning */
	int64_t since_us;
	char text[SERVE_TEXT];
	bool seen;			/* in this round */
};

struct serve {
	const struct serve_opts *opts;
	struct fleet *fleet;
	struct journal *journal;
	struct pool *pool;		/* looks; opens and closes stores */
	struct control *control;
	struct http *http;
	struct notify *notify;
	int signals, timer;
	char id[CLAIMS_ID_LEN + 1];
	char host[256], config[1024];
	struct accepted *accepted;	/* what jobs are given */
	char refused[800];		/* why the last reload was, */
	int64_t refused_us;		/* since then; 0: it was not */
	int64_t started_us;
	unsigned looking;
	bool draining, stopping;
	bool reload;			/* wanted */
	uint64_t retry_ms;		/* a dump that failed is tried again */
	int64_t pruned_us;
	int64_t round_us;		/* tasks were last looked at */
	struct problem *problems;
	size_t nproblems;
	int64_t assign_ms;		/* when owners were last asked for */
	int64_t problems_ms;		/* when they were last looked for; 0:
					 * look now */
	int64_t pinged_ms;		/* for archives */
	struct ending *endings;		/* certificates, tokens that end soon */
	size_t nendings;
	int64_t expiry_ms;		/* when they were looked for; 0: never */
	int64_t settle_ms;		/* not before: what was told is over */
	/* The status, for other threads. */
	pthread_mutex_t lock;		/* guards the fields below */
	pthread_cond_t fresh;
	json_t *status;			/* NULL: none yet */
	uint64_t asked, answered;	/* for a newer one, and up to which */
	int wake;			/* eventfd: one is asked for */
	int64_t alive_ms;		/* when the loop last went round */
	bool ready;
	struct heard *heard;		/* of the archives' threads */
	size_t nheard;
};

/* --- serve.c --- */

/* Tell systemd, if that is what began us. */
void serve_system(const char *state);

/* --- serve_reload.c --- */

/* Read the configuration: nothing goes by it yet. */
int serve_load(struct serve *s, struct fleet **out, struct err *e);
/* Read it and go on with it; -1: it, or its address, is not taken, which the
 * log and the status say as well. */
int serve_anew(struct serve *s, struct err *e);

/* --- serve_store.c: what blocks on a store --- */

/* Open stores, look at sources, as far as it is due. */
void serve_stores(struct serve *s, int64_t now_ms);
/* Who works for what may have changed: begin and end archives. */
void serve_assign(struct serve *s, int64_t now_ms);
/* Let go of a depot that was held: the last who does has it closed. */
void serve_drop(struct serve *s, struct depot *d);
/* Hand a depot that nobody holds any more to be closed. */
void serve_close(void *arg, struct depot *d);
/* Go on with another configuration; takes it on success alone. */
int serve_reload(struct serve *s, struct fleet *fresh, struct err *e);
/* Is a job of this source ours now? */
bool serve_mine(const struct source *x, enum claims_job job);

/* --- serve_look.c --- */

/* Look at sources in their stores, as far as it is due. */
void serve_looks(struct serve *s, int64_t now_ms);

/* --- serve_task.c --- */

/* Queue what is due and start what has its turn. */
void serve_tasks(struct serve *s, int64_t now_us, int64_t now_ms);
/* When the next task is due: wall clock, INT64_MAX for never. */
int64_t serve_due(const struct serve *s);
/* The clock was set: nothing that was reckoned by it holds. */
void serve_forget_due(struct serve *s);
/* It waits for its turn from now on. */
void serve_queue(struct task *t, int64_t now_us);
/* Of a new source nothing can be verified or tried before its first backup;
 * that there is none is told as what it is. */
bool serve_early(const struct task *t);
/* *us is the later of both. */
void serve_later(int64_t *us, int64_t other);

/* --- serve_child.c --- */

/* Start a task's program; task->child is NULL when that cannot be. */
void serve_start_task(struct serve *s, struct task *t, int64_t now_us,
    int64_t now_ms);
/* Stop what takes too long, or runs beyond its window. */
void serve_bound_task(struct task *t, int64_t now_us, int64_t now_ms);
/* Ask a running task to stop, with the reason that its history will have. */
void serve_stop_task(struct task *t, const char *why);
/* Take what children said, and what those that ended did. */
void serve_children(struct serve *s);
/* What is known of earlier runs: after a start, and a look. */
void serve_recall(struct serve *s, struct source *x);

/* --- serve_problem.c --- */

/* Look for what is wrong; tell of what is new and of what is over. */
void serve_problems(struct serve *s, int64_t now_us, int64_t now_ms);

/* It is wrong (still). */
typedef void serve_note(struct serve *s, const char *source, const char *kind,
    bool error, int64_t since_us, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* --- serve_heard.c --- */

/* What an archive says, from its own thread; arg is the serve. */
void serve_hear(void *arg, enum archiver_event event, const char *source,
    const char *text);
/* Note what it said of a source and still is so. */
void serve_heard(struct serve *s, const struct source *x, int64_t now_us,
    serve_note *note);

/* --- serve_expiry.c --- */

/* Note certificates that have expired, or will within 14 days, and the session
 * tokens of stores that will within ten minutes, or that stay as they are. */
void serve_expiry(struct serve *s, int64_t now_us, int64_t now_ms,
    serve_note *note);

/* --- serve_tell.c --- */

/* Have the notifiers of the configuration; anew after a reload. */
int serve_tellers(struct serve *s, struct err *e);
void serve_tellers_end(struct serve *s);
/* Something went wrong, or is right again: log it, and tell. */
void serve_tell(struct serve *s, const struct problem *p, bool wrong);
/* It is as it was: whoever could not be told may be now. */
void serve_remind(struct serve *s, const struct problem *p, bool wrong);
/* What was told before, maybe by an earlier process, and is over. */
void serve_settle(struct serve *s);
/* A job ended: whoever waits for its signal gets it. */
void serve_ping(struct serve *s, const struct source *x, const char *job,
    bool ok);
/* The same for all archives, once a minute. */
void serve_ping_archives(struct serve *s, int64_t now_ms);

/* --- serve_status.c --- */

/* The status document, new. */
json_t *serve_status(struct serve *s);

/* --- serve_http.c: what other threads ask --- */

/* Listen, or listen elsewhere, as the configuration says. */
int serve_listen(struct serve *s, struct err *e);
/* Give whoever waits for it a new status document. */
void serve_answer(struct serve *s);
/* None is made any more: nobody waits. */
void serve_answer_none(struct serve *s);

/* --- serve_control.c --- */

json_t *serve_control(void *arg, const json_t *request, uid_t peer);

#endif /* !BACKUPD_SERVE_IMPL_H */
