/* SPDX-License-Identifier: Apache-2.0 */
/* follow_impl: what the files of follow share. */
#ifndef BACKUPD_FOLLOW_IMPL_H
#define BACKUPD_FOLLOW_IMPL_H

#include <stdatomic.h>

#include "backupd/ask.h"
#include "backupd/link.h"
#include "backupd/pool.h"
#include "backupd/resume.h"
#include "backupd/stream.h"
#include "base/err.h"
#include "catalog/stand.h"
#include "codec/digest.h"

#include "backupd/follow.h"

#define FOLLOW_LAG_MS 60000
#define FOLLOW_SOUND_MS 5000	/* so long a link must do to be sound */

enum follow_state {
	FOLLOW_WAITING,		/* until due_ms */
	FOLLOW_STARTING,	/* a job looks where to go on */
	FOLLOW_RUNNING,
	FOLLOW_DRAINING,	/* no link; uploads are on their way */
	FOLLOW_OVER,
};

/* Where the bytes of a segment on its way are. */
enum follow_place {
	FOLLOW_HELD,		/* in memory, and nobody reads them */
	FOLLOW_TAKEN,		/* a thread of the pool reads them */
	FOLLOW_SPOOLED,		/* in the spool alone */
};

/* A segment on its way; in the order of the bytes. */
struct follow_upload {
	struct job job;		/* first */
	struct follow *follow;
	struct follow_upload *next;
	struct tail_cut cut;	/* empty once it is sent */
	uint32_t seq;
	uint64_t start, end;
	atomic_int place;	/* enum follow_place, of the cut's bytes */
	struct err err;
	unsigned tries;
	int64_t retry_ms;	/* when to try again; 0: it is with the pool */
	bool asked;		/* it is with the pool */
	bool sent, shed;
};

struct follow_finish;
struct follow_spool;

/* How far the store is behind the server. */
struct follow_lag {
	struct job job;		/* first */
	struct follow *follow;
	bool asked;		/* it is with the pool */
	int64_t due_ms;
	char name[STREAM_NAME_MAX];	/* the first byte that is not stored */
	uint64_t offset;
	int64_t commit_us;	/* the oldest commit that is not; 0: none is
				 * known */
	int64_t event_us;	/* time of the last event that was read */
	uint64_t bytes, files;	/* behind, and files that wait */
	int64_t last;		/* bytes behind, when last asked; -1 */
	uint32_t seq, last_seq;	/* the file, now and then */
	uint64_t last_offset;
	struct err err;
	bool behind;		/* it was, the last time */
	/* Of several servers: is the one that is followed still of use? */
	struct resume_opts others;
	struct err unfit;	/* why it is not */
	int64_t unfit_ms;	/* since when; 0: it is */
	bool other;		/* another one would do */
	struct flavour flavour;	/* of the server that is asked */
	struct stand stand;	/* where its log ended */
	int64_t password_us;	/* as probe's */
};

/* What is left behind at the end. */
struct follow_stand {
	struct job job;		/* first */
	struct follow *follow;
	struct stand stand;
	bool asked;		/* it is with the pool */
	struct err err;
};

/* Why it does not go on, as long as it does not. */
struct follow_trouble {
	char text[640];		/* "": it does */
	int64_t since_us, since_ms;
};
enum follow_with { FOLLOW_SERVER, FOLLOW_STORE, FOLLOW_WITHS };

struct follow_start {
	struct job job;		/* first */
	struct follow *follow;
	struct resume_opts opts;
	struct resume resume;
	struct err err;
};

struct follow {
	struct follow_shared *shared;
	struct follow_opts opts;
	enum follow_state state;
	bool stopping;		/* read no more */
	bool hurry;		/* and leave what can be done later */
	struct err err;		/* why it is over */
	int64_t due_ms;		/* WAITING */
	unsigned failures;	/* in a row, without a byte between */
	int64_t taken_ms;	/* when another archiver took its place; 0 */
	bool yields;		/* to that one, for a while */
	bool started;		/* it was followed before */

	struct follow_start start;
	struct endpoint at;	/* the server that is, or was, followed */
	char where[300];
	bool move;		/* it is left for another one */
	struct link *link;
	struct stream stream;
	struct probe probe;	/* its lists and texts are left out */
	struct buf carry;
	size_t carried;		/* bytes of carry that were taken */
	char history[HISTORY_ID_LEN + 1];
	struct tail tail;
	struct sha256 *sha;	/* of the file's bytes so far, */
	bool sha_known;		/* if they came from its first one on */
	bool watched;		/* epoll knows the link, */
	uint32_t events;	/* and waits for these */
	int64_t heard_ms;	/* when the server last sent something */
	int64_t running_ms;	/* since when it runs */
	struct follow_trouble trouble[FOLLOW_WITHS];
	bool told;		/* of trouble */
	unsigned gaps;

	/* The event whose bytes are not all in the tail. */
	struct stream_event event;
	bool feeding;
	bool busy;		/* it has more, and lets others go first */

	struct follow_upload *first, *last;
	uint64_t stored;	/* bytes sent in all */
	int64_t commit_us;	/* of the last transaction that was sent */

	/* The GTIDs of all files so far; not whole: since we follow. */
	struct gtid_set *gtids;
	bool gtids_whole;
	char gap[STREAM_NAME_MAX];	/* what precedes this file is missing;
					 * "": nothing is */

	/* Semi-synchronous replication. */
	bool ack_wanted;	/* of the event that is being taken */
	uint32_t ack_seq;	/* the last place that is to be acknowledged, */
	uint64_t ack_offset;	/* 0: none is */
	struct follow_spool *spool;	/* NULL: none, or not yet */
	bool acked;		/* the server waits for us */
	bool was_acked;		/* over this link or an earlier one */
	int64_t alone_us;	/* since when it does not; 0: it does */

	struct follow_lag lag;
	struct stand stand;	/* where the log ended when last asked */
	struct follow_stand leave;
	uint64_t expire_s;	/* the server purges files after; 0: never */
	int64_t password_us;	/* as probe's */

	/* Files that have ended, oldest first. */
	struct follow_finish *ended;
	bool finishing;		/* the first one is with the pool */
	atomic_bool finish_stop;
	int64_t finish_ms;	/* not before */

	/* Where the server stood when the dump began. */
	uint32_t end_seq;
	uint64_t end_position;
};

/* Read no more; what can be done at leisure is done. */
void follow_end(struct follow *f);
/* What the archive of the source goes on with. */
struct resume_opts follow_resume(const struct follow *f);
/* The link is of no use any more: it is made anew after a while. */
void follow_lost(struct follow *f, const struct err *e);
/* Take what has come, but not so much that others starve. */
int follow_read(struct follow *f, struct err *e);
/* Let epoll wait for these events of the link. */
void follow_watch(struct follow *f, uint32_t events);

/* Send what is before at. */
int follow_send(struct follow *f, uint64_t at, struct err *e);
/* Send what is whole and throw the rest away. */
int follow_flush(struct follow *f, struct err *e);
/* Try again what is due; the next time when something is, or INT64_MAX. */
void follow_retry(struct follow *f, int64_t now_ms);
int64_t follow_retry_due(const struct follow *f);
/* When memory is short, give back what the spool holds as well. */
void follow_unload(struct follow *f);
void follow_uploads_free(struct follow *f);

/* Tell whoever wants to know. */
void follow_tell(const struct follow *f, enum follow_event event,
    const char *text);
void follow_tell_began(struct follow *f, const struct history *h);
/* It does not go on, with the server or the store; it does again. */
void follow_troubled(struct follow *f, enum follow_with with,
    const struct err *e);
void follow_well(struct follow *f, enum follow_with with);
/* Tell of trouble that lasts; and when there is something to tell. */
void follow_trouble(struct follow *f, int64_t now_ms);
int64_t follow_trouble_due(const struct follow *f);

/* Ask the server once a minute how far it is ahead, and whether it is of use at
 * all where there are others. */
void follow_lag(struct follow *f, int64_t now_ms);
int64_t follow_lag_ms(const struct follow *f);	/* how often */

/* Of this source's history; and the server said that its log ended there. */
void follow_stand_init(const struct follow *f, struct stand *x);
void follow_stand_learn(struct follow *f, const struct stand *x);
/* At the end: store where the log ended, unless later commits say as much:
 * true while that goes on. */
bool follow_stand_leave(struct follow *f);

/* The link goes on behind what is stored, for which commits may wait that came
 * over a link that was lost: say so. */
int follow_ack_begin(struct follow *f, struct err *e);
/* An event of the link came; ack: the server waits for it to be stored. */
void follow_ack_event(struct follow *f, bool ack);
/* A transaction is whole: send it at once if the server waits for it. */
int follow_ack_due(struct follow *f, struct err *e);
/* All is stored up to offset of a file: say so. */
int follow_ack(struct follow *f, uint32_t seq, uint64_t offset,
    struct err *e);

/* Tell the server, whatever it waits for. */
int follow_ack_say(struct follow *f, uint32_t seq, uint64_t offset,
    struct err *e);

/* A file has ended: all its segments are on their way.  sha256 of its bytes,
 * or NULL when it is not known. */
int follow_ended(struct follow *f, uint32_t seq, const char *name,
    const uint8_t *sha256, struct err *e);
/* Finish what can be; and when something is to be tried again. */
void follow_finish(struct follow *f, int64_t now_ms);
int64_t follow_finish_due(const struct follow *f);
void follow_ended_free(struct follow *f);

/* Nothing is in flight any more, or a file is finished; something cannot
 * succeed. */
void follow_sent(struct follow *f);
void follow_fail(struct follow *f, const struct err *e);

#endif /* !BACKUPD_FOLLOW_IMPL_H */
