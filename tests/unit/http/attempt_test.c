/* SPDX-License-Identifier: Apache-2.0 */
/* attempt_test: one request as it goes out, and what becomes of its reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/err.h"
#include "http/attempt.h"
#include "http/sockets.h"
#include "http/transfer.h"
#include "tests/unit/http/peer.h"

static struct sockets sockets;
static struct peer *peer;
static struct buf sent;		/* what the peer was sent */
static const struct attempt_opts plain = { .sockets = &sockets };

static void
answer(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)p;
	buf_clear(&sent);
	buf_add(&sent, buf_str(&r->head), r->head.len);
	buf_add(&sent, buf_str(&r->body), r->body.len);
	buf_adds(&a->headers, "X-Name: Value\r\n");
	buf_adds(&a->body, "hello");
}

static int
setup(void **state)
{
	(void)state;
	peer = peer_start(answer, NULL);
	return peer != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	peer_stop(peer);
	buf_free(&sent);
	sockets_free(&sockets);
	return 0;
}

static int
prepare(struct transfer_job *job, struct err *e)
{
	buf_clear(&job->url);
	buf_addf(&job->url, "%s/a?b", (const char *)job->arg);
	return transfer_header(job, "X-Mine", "1", e);
}

static int
refuse(struct transfer_job *job, struct err *e)
{
	(void)job;
	return err_set(e, ERR_DENIED, 0, "not signed");
}

static void
make(struct transfer_job *job, const struct attempt_opts *opts)
{
	struct err e = {0};
	struct attempt *a = attempt_new(opts, job, 0, false, &e);

	if (a == NULL)
		fail_msg("%s", e.msg);
	assert_ptr_equal(attempt_of(attempt_handle(a)), a);
	assert_ptr_equal(attempt_ended(a, curl_easy_perform(
	    attempt_handle(a))), job);
	attempt_free(a);
	assert_int_equal(sockets.n, 0);
}

static void
test_attempt_sends_nothing_but_what_the_job_set(void **state)
{
	struct transfer_job job = { .method = "PUT", .body = "body",
	    .body_len = 4, .prepare = prepare, .arg = peer->url };
	struct buf want = {0};

	(void)state;
	make(&job, &plain);
	buf_addf(&want, "PUT /a?b HTTP/1.1\r\nHost: %s\r\nX-Mine: 1\r\n"
	    "Content-Length: 4\r\n\r\nbody", peer->url + strlen("http://"));
	assert_string_equal(buf_str(&sent), buf_str(&want));
	assert_int_equal(job.reply.curl, 0);
	assert_int_equal(job.reply.status, 200);
	assert_string_equal(buf_str(&job.reply.body), "hello");
	assert_string_equal(buf_str(&job.reply.headers),
	    "x-name: Value\ncontent-length: 5\n");
	transfer_job_fini(&job);
	buf_free(&want);
}

/* Known to be too large by its head alone: nothing is kept of it. */
static void
test_attempt_keeps_no_more_than_the_job_takes(void **state)
{
	struct transfer_job job = { .method = "GET", .body_max = 4,
	    .prepare = prepare, .arg = peer->url };

	(void)state;
	make(&job, &plain);
	assert_int_not_equal(job.reply.curl, 0);
	assert_int_equal(job.reply.status, 200);
	assert_true(job.reply.body.failed);
	assert_int_equal(job.reply.body.len, 0);
	job.body_max = 5;
	make(&job, &plain);
	assert_int_equal(job.reply.curl, 0);
	assert_string_equal(buf_str(&job.reply.body), "hello");
	transfer_job_fini(&job);
}

static void
test_attempt_tells_what_the_transport_says(void **state)
{
	static char odd[] = "gopher://127.0.0.1";
	struct transfer_job job = { .method = "GET", .prepare = prepare,
	    .arg = odd };

	(void)state;
	make(&job, &plain);
	assert_int_equal(job.reply.status, 0);
	assert_true(job.reply.fatal);
	assert_non_null(strstr(job.reply.what, "gopher"));
	transfer_job_fini(&job);
}

static void
test_attempt_ends_when_it_is_cancelled(void **state)
{
	struct err e = {0};
	struct attempt_opts opts = plain;
	struct cancel *c = cancel_new(&e);
	struct transfer_job job = { .method = "GET", .prepare = prepare,
	    .arg = peer->url };

	(void)state;
	assert_non_null(c);
	opts.cancel = c;
	cancel_request(c, "SIGTERM");
	make(&job, &opts);
	assert_int_equal(job.reply.curl, CURLE_ABORTED_BY_CALLBACK);
	transfer_job_fini(&job);
	cancel_free(c);
}

static void
test_attempt_is_none_when_prepare_fails(void **state)
{
	struct transfer_job job = { .method = "GET", .prepare = refuse };
	struct err e = {0};

	(void)state;
	assert_null(attempt_new(&plain, &job, 0, false, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.msg, "not signed");
	attempt_free(NULL);
	transfer_job_fini(&job);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attempt_sends_nothing_but_what_the_job_set),
		TEST(test_attempt_keeps_no_more_than_the_job_takes),
		TEST(test_attempt_tells_what_the_transport_says),
		TEST(test_attempt_ends_when_it_is_cancelled),
		TEST(test_attempt_is_none_when_prepare_fails),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
