/* SPDX-License-Identifier: Apache-2.0 */
/* deliver: one notice to one channel, one attempt. */
#include <stdio.h>
#include <string.h>

#include "backupd/hook.h"
#include "backupd/notice.h"
#include "backupd/notify.h"
#include "backupd/post.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/digest.h"

#include "backupd/deliver.h"

#define PING_LIMIT_MS 10000

static int
by_hook(const struct delivery *d, const struct buf *body, char *said,
    struct err *e)
{
	struct hook hook = { .argv = d->channel->argv, .input = body->data,
	    .input_len = body->len, .stop = d->stop,
	    .time_limit_ms = d->channel->time_limit_ms };
	struct hook_result result;
	int rc = hook_run(&hook, &result, e);

	(void)snprintf(said, DELIVER_SAID, "status %d%s%s", result.status,
	    result.output[0] != '\0' ? ": " : "", result.output);
	return rc;
}

static int
by_post(const struct delivery *d, const struct buf *body, char *said,
    unsigned *retry_after_s, struct err *e)
{
	const struct notify_channel *c = d->channel;
	char signature[64 + 2 * SHA256_SIZE];
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct post post = { .url = c->url, .body = buf_str(body),
	    .body_len = body->len, .secret = c->secret, .stop = d->stop,
	    .time_limit_ms = c->time_limit_ms,
	    .headers = { "Content-Type: application/json" } };
	struct post_reply reply;
	int rc;

	/* PagerDuty's secret is in the body, Slack's is the URL. */
	if (c->secret != NULL && c->form == NOTICE_JSON) {
		hmac_sha256(c->secret, strlen(c->secret), body->data,
		    body->len, mac);
		hex_encode(mac, sizeof(mac), hex);
		(void)snprintf(signature, sizeof(signature),
		    "X-Kura-Signature: sha256=%s", hex);
		post.headers[1] = signature;
	}
	rc = post_send(d->link, &post, &reply, e);
	*retry_after_s = reply.retry_after_s;
	if (reply.status != 0)
		(void)snprintf(said, DELIVER_SAID, "HTTP %ld%s%s",
		    reply.status, reply.text[0] != '\0' ? ": " : "",
		    reply.text);
	return rc;
}

int
deliver(const struct delivery *d, const struct notice *n,
    char said[DELIVER_SAID], unsigned *retry_after_s, struct err *e)
{
	struct buf body = {0};
	int rc;

	said[0] = '\0';
	*retry_after_s = 0;
	/* Made anew for each attempt: it says when it was sent. */
	rc = notice_body(n, d->channel->type == NOTIFY_EXEC ? NOTICE_JSON :
	    d->channel->form, d->origin, d->channel->secret, clock_now_us(),
	    &body, e);
	if (rc == 0 && d->channel->type == NOTIFY_EXEC) {
		buf_addc(&body, '\n');
		rc = by_hook(d, &body, said, e);
	} else if (rc == 0) {
		rc = by_post(d, &body, said, retry_after_s, e);
	}
	buf_free(&body);
	return rc;
}

int
deliver_ping(struct post_link *link, const char *url, int ok,
    const atomic_bool *stop, struct err *e)
{
	size_t n = strcspn(url, "?#");
	struct buf text = {0};
	struct post_reply reply;
	struct post post = { .time_limit_ms = PING_LIMIT_MS, .stop = stop };
	int rc;

	buf_add(&text, url, n);
	if (!ok)
		buf_adds(&text, n > 0 && url[n - 1] == '/' ? "fail" :
		    "/fail");
	buf_adds(&text, url + n);
	post.url = buf_str(&text);
	rc = buf_check(&text, "ping", e) != 0 ? -1 :
	    post_send(link, &post, &reply, e);
	buf_free(&text);
	return rc;
}
