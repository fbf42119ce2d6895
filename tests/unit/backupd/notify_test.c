/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/digest.h"
#include "tests/unit/http/peer.h"

#include "backupd/notify.h"

/* What the peer heard; under peer->lock. */
static struct heard {
	struct buf bodies[16], heads[16];
	size_t n;
	int answers[16];	/* 0: 200 */
	size_t hold;		/* answers held back until `go` */
	bool go;
} heard;

static void
hear(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	size_t n = heard.n;

	a->status = 200;
	if (n < 16) {
		buf_adds(&heard.bodies[n], buf_str(&r->body));
		buf_adds(&heard.heads[n], buf_str(&r->head));
		a->status = heard.answers[n] != 0 ? heard.answers[n] : 200;
		heard.n++;
	}
	(void)pthread_cond_broadcast(&p->change);
	while (n < heard.hold && !heard.go && !p->stop)
		(void)pthread_cond_wait(&p->change, &p->lock);
}

static struct peer *
start(void)
{
	struct peer *peer;
	size_t i;

	for (i = 0; i < 16; i++) {
		buf_free(&heard.bodies[i]);
		buf_free(&heard.heads[i]);
	}
	heard = (struct heard){0};
	peer = peer_start(hear, NULL);
	assert_non_null(peer);
	return peer;
}

/* Wait for n requests; alarm() bounds it. */
static void
await(struct peer *p, size_t n)
{
	(void)pthread_mutex_lock(&p->lock);
	while (heard.n < n)
		(void)pthread_cond_wait(&p->change, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
}

static struct notify *
made(struct notify_channel *c, size_t n, const char *state)
{
	struct notify_opts o = { .channels = c, .nchannels = n,
	    .state = state, .origin = { .host = "here" } };
	struct err e = {0};
	struct notify *notify = notify_new(&o, &e);

	if (notify == NULL)
		fail_msg("%s", e.msg);
	return notify;
}

static void
tell(struct notify *n, const char *source, enum notice_kind kind,
    bool recovered)
{
	struct notify_event event = { .kind = kind, .recovered = recovered,
	    .error = true, .source = source, .job = "dump",
	    .text = "it\nbroke" };

	notify_event(n, &event);
}

static void
is(size_t i, const char *name, const char *want)
{
	json_t *doc = json_loads(buf_str(&heard.bodies[i]), 0, NULL);
	const char *got = json_string_value(json_object_get(doc, name));

	assert_non_null(doc);
	assert_non_null(got);
	assert_string_equal(got, want);
	json_decref(doc);
}

static struct notify_figures
figures(struct notify *n, size_t i)
{
	struct notify_figures f;

	assert_true(notify_figures(n, i, &f));
	return f;
}

static void
test_notify_event_is_told_once_and_its_end(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url };
	struct notify *n = made(&c, 1, NULL);

	(void)state;
	tell(n, "orders", NOTICE_FAILURE, true);
	tell(n, "orders", NOTICE_FAILURE, false);
	tell(n, "orders", NOTICE_FAILURE, false);
	tell(n, "billing", NOTICE_FAILURE, false);
	tell(n, "orders", NOTICE_FAILURE, true);
	tell(n, "orders", NOTICE_FAILURE, true);
	notify_stop(n, 30000);
	assert_int_equal(heard.n, 3);
	is(0, "state", "firing");
	is(0, "source", "orders");
	is(0, "text", "it broke");
	is(0, "key", "orders/dump/failure");
	is(1, "source", "billing");
	is(2, "state", "recovered");
	is(2, "key", "orders/dump/failure");
	assert_int_equal(figures(n, 0).delivered, 3);
	/* It is over. */
	tell(n, "orders", NOTICE_GAP, false);
	notify_free(n);
	assert_int_equal(heard.n, 3);
	peer_stop(peer);
}

static void
test_notify_forget_tells_no_end(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url };
	struct notify *n = made(&c, 1, NULL);

	(void)state;
	tell(n, "orders", NOTICE_FAILURE, false);
	/* Behind it in the queue: when this is there, that is done. */
	tell(n, "billing", NOTICE_FAILURE, false);
	await(peer, 2);
	notify_forget(n, "orders/dump/failure");
	tell(n, "orders", NOTICE_FAILURE, true);
	notify_stop(n, 30000);
	assert_int_equal(heard.n, 2);
	notify_free(n);
	peer_stop(peer);
}

static void
test_notify_webhook_is_signed(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url, .secret = "geheim" };
	struct notify *n = made(&c, 1, NULL);
	uint8_t mac[SHA256_SIZE];
	char hex[SHA256_HEX], want[128];

	(void)state;
	tell(n, "orders", NOTICE_DAMAGE, false);
	notify_stop(n, 30000);
	hmac_sha256("geheim", 6, heard.bodies[0].data, heard.bodies[0].len,
	    mac);
	hex_encode(mac, sizeof(mac), hex);
	(void)snprintf(want, sizeof(want), "\r\nX-Kura-Signature: "
	    "sha256=%s\r\n", hex);
	assert_non_null(strstr(buf_str(&heard.heads[0]), want));
	assert_non_null(strstr(buf_str(&heard.heads[0]),
	    "\r\nContent-Type: application/json\r\n"));
	assert_null(strstr(buf_str(&heard.bodies[0]), "geheim"));
	notify_free(n);
	peer_stop(peer);
}

static void
test_notify_webhook_is_tried_again(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url, .retry_ms = 60000 };
	struct notify *n = made(&c, 1, NULL);
	json_t *one, *two;

	(void)state;
	heard.answers[0] = 503;
	tell(n, "orders", NOTICE_FAILURE, false);
	notify_stop(n, 60000);
	assert_int_equal(heard.n, 2);
	one = json_loads(buf_str(&heard.bodies[0]), 0, NULL);
	two = json_loads(buf_str(&heard.bodies[1]), 0, NULL);
	/* The same notice, sent anew. */
	assert_string_equal(json_string_value(json_object_get(one, "id")),
	    json_string_value(json_object_get(two, "id")));
	assert_true(strcmp(json_string_value(json_object_get(one, "sent")),
	    json_string_value(json_object_get(two, "sent"))) < 0);
	json_decref(one);
	json_decref(two);
	assert_int_equal(figures(n, 0).delivered, 1);
	assert_int_equal(figures(n, 0).failed, 0);
	notify_free(n);
	peer_stop(peer);
}

/* What is refused is not tried again, nor told again at once, and its end is
 * not told. */
static void
test_notify_what_was_refused(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url, .retry_ms = 60000 };
	struct notify *n = made(&c, 1, NULL);

	(void)state;
	heard.answers[0] = 400;
	heard.hold = 1;
	tell(n, "orders", NOTICE_FAILURE, false);
	await(peer, 1);
	tell(n, "orders", NOTICE_FAILURE, true);
	(void)pthread_mutex_lock(&peer->lock);
	heard.go = true;
	(void)pthread_cond_broadcast(&peer->change);
	(void)pthread_mutex_unlock(&peer->lock);
	/* Behind it in the queue, so it is done when this is there. */
	tell(n, "billing", NOTICE_FAILURE, false);
	await(peer, 2);
	is(1, "source", "billing");
	notify_stop(n, 30000);
	assert_int_equal(heard.n, 2);
	assert_int_equal(figures(n, 0).delivered, 1);
	assert_int_equal(figures(n, 0).failed, 1);
	notify_free(n);
	peer_stop(peer);
}

static void
test_notify_channels_hear_what_is_theirs(void **state)
{
	static const char *const only[] = { "b", NULL };
	static const char *const nobody[] = { NULL };
	static const struct notice_filter gaps = { NOTICE_GAP, "" };
	static const struct notice_filter two[] = { { NOTICE_DAMAGE, "" },
	    { NOTICE_LAG, "dump" } };
	struct peer *peer = start();
	char urls[3][80];
	struct notify_channel c[3] = {
		{ .name = "a", .type = NOTIFY_WEBHOOK, .url = urls[0],
		    .on = &gaps, .non = 1 },
		{ .name = "b", .type = NOTIFY_WEBHOOK, .url = urls[1] },
		{ .name = "c", .type = NOTIFY_WEBHOOK, .url = urls[2],
		    .on = two, .non = 2 },
	};
	struct notify_event event = { .kind = NOTICE_GAP, .source = "x",
	    .text = "t", .to = only };
	struct notify *n;

	(void)state;
	(void)snprintf(urls[0], 80, "%s/a", peer->url);
	(void)snprintf(urls[1], 80, "%s/b", peer->url);
	(void)snprintf(urls[2], 80, "%s/c", peer->url);
	n = made(c, 3, NULL);
	notify_event(n, &event);
	event.to = nobody;
	event.key = "other";
	notify_event(n, &event);
	tell(n, "y", NOTICE_LAG, false);
	tell(n, "y", NOTICE_LAG, true);
	notify_stop(n, 30000);
	assert_int_equal(figures(n, 0).delivered, 0);
	assert_int_equal(figures(n, 1).delivered, 3);
	assert_int_equal(figures(n, 2).delivered, 2);
	assert_string_equal(figures(n, 3).name, "ping");
	assert_false(notify_figures(n, 4, &(struct notify_figures){0}));
	notify_free(n);
	peer_stop(peer);
}

static void
test_notify_queue_drops_the_oldest_and_never_blocks(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url };
	struct notify *n = made(&c, 1, NULL);
	char source[32];
	size_t i;

	(void)state;
	heard.hold = 1;
	tell(n, "first", NOTICE_FAILURE, false);
	await(peer, 1);
	for (i = 0; i < NOTIFY_QUEUE + 3; i++) {
		(void)snprintf(source, sizeof(source), "s%zu", i);
		tell(n, source, NOTICE_FAILURE, false);
	}
	assert_int_equal(figures(n, 0).dropped, 3);
	assert_int_equal(figures(n, 0).waiting, NOTIFY_QUEUE + 1);
	/* None comes again at once. */
	tell(n, "s1", NOTICE_FAILURE, false);
	tell(n, "s200", NOTICE_FAILURE, false);
	assert_int_equal(figures(n, 0).dropped, 3);
	(void)pthread_mutex_lock(&peer->lock);
	heard.go = true;
	(void)pthread_cond_broadcast(&peer->change);
	(void)pthread_mutex_unlock(&peer->lock);
	notify_stop(n, 60000);
	assert_int_equal(figures(n, 0).delivered, NOTIFY_QUEUE + 1);
	is(1, "source", "s3");
	notify_free(n);
	peer_stop(peer);
}

static void
test_notify_stop_ends_what_hangs(void **state)
{
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url, .time_limit_ms = 90000 };
	struct notify *n = made(&c, 1, NULL);

	(void)state;
	heard.hold = 16;
	tell(n, "orders", NOTICE_FAILURE, false);
	tell(n, "billing", NOTICE_FAILURE, false);
	await(peer, 1);
	notify_stop(n, 50);
	assert_int_equal(figures(n, 0).failed, 1);
	assert_int_equal(figures(n, 0).waiting, 1);
	notify_free(n);
	assert_int_equal(heard.n, 1);
	peer_stop(peer);
}

static bool
is_wrong(void *arg, const char *key)
{
	return strcmp(arg, key) == 0;
}

static void
test_notify_remembers_over_a_restart(void **state)
{
	char folder[] = "/tmp/notify_test.XXXXXX", path[100];
	struct peer *peer = start();
	struct notify_channel c = { .name = "ops", .type = NOTIFY_WEBHOOK,
	    .url = peer->url };
	struct notify *n;
	struct err e = {0};
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/notify-ops.json", folder);
	n = made(&c, 1, folder);
	tell(n, "orders", NOTICE_FAILURE, false);
	notify_stop(n, 30000);
	notify_free(n);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	n = made(&c, 1, folder);
	tell(n, "orders", NOTICE_FAILURE, false);
	notify_settle(n, is_wrong, (char[]){ "orders/dump/failure" });
	notify_settle(n, is_wrong, (char[]){ "billing/dump/failure" });
	notify_settle(n, is_wrong, (char[]){ "billing/dump/failure" });
	notify_stop(n, 30000);
	notify_free(n);
	assert_int_equal(heard.n, 2);
	is(1, "state", "recovered");
	is(1, "key", "orders/dump/failure");
	is(1, "source", "orders");
	/* A damaged one is begun anew. */
	assert_int_equal(file_write(path, "{", 1, 0600, &e), 0);
	n = made(&c, 1, folder);
	tell(n, "orders", NOTICE_FAILURE, false);
	notify_stop(n, 30000);
	notify_free(n);
	assert_int_equal(heard.n, 3);
	(void)unlink(path);
	(void)rmdir(folder);
	peer_stop(peer);
}

static void
test_notify_exec_gets_the_notice(void **state)
{
	static const char *const argv[] = { "sh", "-c",
	    "read -r x; case $x in *'\"key\":\"orders/dump/failure\"'*) "
	    "exit 0;; esac; exit 1", NULL };
	struct notify_channel c = { .name = "ops", .type = NOTIFY_EXEC,
	    .argv = argv };
	struct notify *n = made(&c, 1, NULL);

	(void)state;
	tell(n, "orders", NOTICE_FAILURE, false);
	tell(n, "billing", NOTICE_FAILURE, false);
	notify_stop(n, 30000);
	assert_int_equal(figures(n, 0).delivered, 1);
	assert_int_equal(figures(n, 0).failed, 1);
	notify_free(n);
}

static void
test_notify_ping_asks_for_one_or_the_other(void **state)
{
	struct peer *peer = start();
	struct notify *n = made(NULL, 0, NULL);
	char url[100];

	(void)state;
	heard.answers[0] = 503;
	heard.hold = 1;
	(void)snprintf(url, sizeof(url), "%s/uuid?rid=1", peer->url);
	notify_ping(n, url, true);
	await(peer, 1);
	/* What waits for the same URL is the newest alone. */
	notify_ping(n, url, true);
	notify_ping(n, url, false);
	(void)pthread_mutex_lock(&peer->lock);
	heard.go = true;
	(void)pthread_cond_broadcast(&peer->change);
	(void)pthread_mutex_unlock(&peer->lock);
	notify_stop(n, 60000);
	assert_int_equal(heard.n, 3);
	assert_int_equal(strncmp(buf_str(&heard.heads[0]),
	    "GET /uuid?rid=1 ", 16), 0);
	assert_int_equal(strncmp(buf_str(&heard.heads[1]),
	    "GET /uuid?rid=1 ", 16), 0);
	assert_int_equal(strncmp(buf_str(&heard.heads[2]),
	    "GET /uuid/fail?rid=1 ", 21), 0);
	assert_int_equal(figures(n, 0).delivered, 2);
	notify_free(n);
	notify_free(NULL);
	peer_stop(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify_event_is_told_once_and_its_end),
		cmocka_unit_test(test_notify_forget_tells_no_end),
		cmocka_unit_test(test_notify_webhook_is_signed),
		cmocka_unit_test(test_notify_webhook_is_tried_again),
		cmocka_unit_test(test_notify_what_was_refused),
		cmocka_unit_test(test_notify_channels_hear_what_is_theirs),
		cmocka_unit_test(
		    test_notify_queue_drops_the_oldest_and_never_blocks),
		cmocka_unit_test(test_notify_stop_ends_what_hangs),
		cmocka_unit_test(test_notify_remembers_over_a_restart),
		cmocka_unit_test(test_notify_exec_gets_the_notice),
		cmocka_unit_test(test_notify_ping_asks_for_one_or_the_other),
	};

	log_setup(&(struct log_opts){ .program = "test",
	    .level = LOG_ERROR_ });
	peer_main();
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
