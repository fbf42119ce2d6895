/* SPDX-License-Identifier: Apache-2.0 */
/* deliver: one notice to one channel, one attempt. */
#ifndef BACKUPD_DELIVER_H
#define BACKUPD_DELIVER_H

#include <stdatomic.h>
#include <stddef.h>

struct err;
struct notice;
struct notice_origin;
struct notify_channel;
struct post_link;

#define DELIVER_SAID 600

struct delivery {
	const struct notify_channel *channel;
	const struct notice_origin *origin;
	struct post_link *link;		/* for webhooks */
	const atomic_bool *stop;	/* ends it; or NULL */
};

/* Deliver it; said: what came back ("HTTP 200: ok"), retry_after_s: what the
 * other side asked for, or 0.  -1: as post_send and hook_run. */
int deliver(const struct delivery *d, const struct notice *n,
    char said[DELIVER_SAID], unsigned *retry_after_s, struct err *e);

/* A dead man's switch: GET url, or url/fail, as notify_ping says. */
int deliver_ping(struct post_link *link, const char *url, int ok,
    const atomic_bool *stop, struct err *e);

#endif /* !BACKUPD_DELIVER_H */
