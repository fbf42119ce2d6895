/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice: one thing that people are told of, and the forms in which.
 *
 * Plain data without pointers: copied with `=`, held in queues.  What does
 * not fit is cut.  No I/O.
 */
#ifndef BACKUPD_NOTICE_H
#define BACKUPD_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define NOTICE_TEXT 600
#define NOTICE_KEY 200
#define NOTICE_ID 16

/* The words of kura.conf's `on`, see notice_kind_name. */
enum notice_kind {
	NOTICE_FAILURE,		/* a job failed */
	NOTICE_OVERDUE,		/* a job did not succeed in its time */
	NOTICE_GAP,		/* binary logs are missing in the archive */
	NOTICE_PURGE_AHEAD,	/* the source will purge what is not archived */
	NOTICE_LAG,		/* the archive is far behind */
	NOTICE_DAMAGE,		/* an object of the store is damaged */
	NOTICE_DRILL_FAILED,	/* a drill could not bring a backup back */
	NOTICE_SPOOL_FILLING,	/* what waits to be stored takes most of it */
	NOTICE_SPOOL_FULL,	/* what waits to be stored fills its room */
	NOTICE_ACK_LOST,	/* semi-synchronous commits do not wait */
	NOTICE_CREDENTIALS,	/* a certificate or credential ends soon */
	NOTICE_KINDS
};

struct notice {
	enum notice_kind kind;
	bool recovered;		/* it is over */
	bool error;		/* data is in danger; else a warning */
	bool test;
	char source[64], job[16];	/* "" where there is none */
	char key[NOTICE_KEY];	/* equal: the same trouble */
	char text[NOTICE_TEXT];	/* plain words, one line */
	int64_t since_us;	/* when the trouble began */
	int64_t at_us;		/* when this was noticed */
	char id[NOTICE_ID + 1];	/* of this notice; a retry has the same */
};

enum notice_form { NOTICE_JSON, NOTICE_SLACK, NOTICE_PAGERDUTY };

struct notice_origin {
	const char *host;	/* this machine */
	const char *daemon;	/* its id, or NULL */
	const char *page;	/* URL of the status page, or NULL */
};

/* "purge-ahead"; and back, also from the kinds of problems of a status
 * document ("dump_failed", "drill_overdue", "archive_lag", "ack_lost").
 * 0, or -1 for no kind. */
const char *notice_kind_name(enum notice_kind kind);
int notice_kind_parse(const char *name, enum notice_kind *kind);

/* One word of `on`: a kind ("gap", "failure"), or a kind of one job alone
 * ("dump_failed", "verify_overdue", "archive_lag").  ERR_USAGE, with a
 * did-you-mean. */
struct notice_filter {
	enum notice_kind kind;
	char job[16];		/* "": whatever job */
};
int notice_filter_parse(const char *word, struct notice_filter *filter,
    struct err *e);
bool notice_filter_fits(const struct notice_filter *filter,
    const struct notice *n);

/* "source/job/kind", the key of a notice that was given none. */
void notice_default_key(struct notice *n);

/* Append the body of a request in a form.  sent_us: now; secret: PagerDuty's
 * routing key. */
int notice_body(const struct notice *n, enum notice_form form,
    const struct notice_origin *origin, const char *secret, int64_t sent_us,
    struct buf *out, struct err *e);

#endif /* !BACKUPD_NOTICE_H */
