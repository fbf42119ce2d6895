/* SPDX-License-Identifier: Apache-2.0 */
/* transfer_test: requests against a peer that fails on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/err.h"
#include "http/transfer.h"
#include "tests/unit/http/peer.h"

/* A job with what its callbacks are to do. */
struct job {
	struct transfer_job job;	/* first */
	const char *url;
	unsigned tries, again;		/* prepared so often; try so often */
	long pause;
	bool refuse;
};

static int
prepare(struct transfer_job *job, struct err *e)
{
	struct job *j = job->arg;

	j->tries++;
	buf_clear(&job->url);
	buf_adds(&job->url, j->url);
	return j->refuse ? err_set(e, ERR_DENIED, 0, "not signed") : 0;
}

static long
decide(struct transfer_job *job)
{
	struct job *j = job->arg;

	return j->tries < j->again ? j->pause : -1;
}

static struct job
make(const char *method, const char *url)
{
	struct job j = { .url = url };

	j.job.method = method;
	j.job.prepare = prepare;
	j.job.decide = decide;
	return j;
}

static struct transfer *
start(unsigned at_once, struct cancel *cancel)
{
	const struct transfer_opts opts = { .at_once = at_once,
	    .cancel = cancel };
	struct err e = {0};
	struct transfer *t = transfer_new(&opts, &e);

	assert_non_null(t);
	return t;
}

static void
submit(struct transfer *t, struct job *j)
{
	j->job.arg = j;
	transfer_submit(t, &j->job);
}

static void
run(struct transfer *t, struct job *j)
{
	struct err e = {0};

	submit(t, j);
	if (transfer_wait(t, &j->job, &e) != 0)
		fail_msg("%s", e.msg);
}

/* --- peers --- */

struct seen {
	char method[16], target[64];
	struct buf head, body;
};

static void
echo(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct seen *s = p->arg;

	(void)snprintf(s->method, sizeof(s->method), "%s", r->method);
	(void)snprintf(s->target, sizeof(s->target), "%.60s", r->target);
	buf_clear(&s->head);
	buf_clear(&s->body);
	buf_adds(&s->head, buf_str(&r->head));
	buf_add(&s->body, buf_str(&r->body), r->body.len);
	a->status = 207;
	buf_adds(&a->headers, "ETag: \"x\"\r\nX-Long-Name:  padded \r\n"
	    "Location: /elsewhere\r\n");
	buf_adds(&a->body, "hello");
}

static void
fails_twice(struct peer *p, const struct peer_request *r,
    struct peer_answer *a)
{
	(void)p;
	a->status = r->n == 1 ? 0 : r->n == 2 ? 500 : 200;
	buf_addf(&a->body, "answer %u", r->n);
	if (r->n == 2)
		buf_adds(&a->headers, "Only-Once: yes\r\n");
}

static void
redirects(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)r;
	a->status = 301;
	buf_addf(&a->headers, "Location: %s/elsewhere\r\n", p->url);
}

static void
cuts(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)p;
	(void)r;
	buf_adds(&a->body, "0123456789");
	a->cut = 4;
}

static void
holds(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)r;
	(void)a;
	(void)pthread_cond_broadcast(&p->change);
	while (!p->stop)
		(void)pthread_cond_wait(&p->change, &p->lock);
}

struct crowd {
	unsigned arrived, at_once, most;
};

/* Nobody is answered before two stand side by side. */
static void
pairs(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	struct crowd *c = p->arg;
	unsigned pair = c->arrived / 2 * 2 + 2;

	(void)r;
	(void)a;
	c->arrived++;
	c->at_once++;
	c->most = c->at_once > c->most ? c->at_once : c->most;
	(void)pthread_cond_broadcast(&p->change);
	while (c->arrived < pair && !p->stop)
		(void)pthread_cond_wait(&p->change, &p->lock);
	c->at_once--;
}

/* --- tests --- */

static void
test_transfer_gives_status_headers_and_body(void **state)
{
	struct seen s = {0};
	struct peer *p = peer_start(echo, &s);
	struct transfer *t = start(2, NULL);
	struct job j = make("GET", p->url);
	char text[64];

	(void)state;
	run(t, &j);
	assert_int_equal(j.job.reply.status, 207);
	assert_int_equal(j.job.reply.curl, 0);
	assert_string_equal(buf_str(&j.job.reply.body), "hello");
	assert_string_equal(transfer_reply_header(&j.job, "etag", text,
	    sizeof(text)), "\"x\"");
	assert_string_equal(transfer_reply_header(&j.job, "x-long-name", text,
	    sizeof(text)), "padded ");
	assert_string_equal(transfer_reply_header(&j.job, "x-long", text,
	    sizeof(text)), "");
	assert_string_equal(transfer_reply_header(&j.job, "none", text,
	    sizeof(text)), "");
	assert_string_equal(transfer_reply_header(&j.job, "x-long-name", text,
	    4), "pad");
	transfer_job_fini(&j.job);
	transfer_free(t);
	peer_stop(p);
	buf_free(&s.head);
	buf_free(&s.body);
}

static void
test_transfer_sends_what_it_was_given_and_no_more(void **state)
{
	static const char *const methods[] = { "PUT", "POST", "DELETE",
		"HEAD", "GET" };
	struct seen s = {0};
	struct peer *p = peer_start(echo, &s);
	struct transfer *t = start(2, NULL);
	struct err e = {0};
	char body[3000];
	struct job j;
	size_t i;

	(void)state;
	memset(body, '\xfe', sizeof(body));
	for (i = 0; i < 5; i++) {
		j = make(methods[i], p->url);
		j.job.body = i < 2 ? body : NULL;
		j.job.body_len = i < 2 ? sizeof(body) : 0;
		assert_int_equal(transfer_header(&j.job, "X-One", "1", &e), 0);
		assert_int_equal(transfer_header(&j.job, "x-one", "2", &e), 0);
		run(t, &j);
		assert_string_equal(s.method, methods[i]);
		assert_int_equal(s.body.len, j.job.body_len);
		assert_memory_equal(buf_str(&s.body), body, s.body.len);
		assert_non_null(strstr(buf_str(&s.head), "\r\nx-one: 2\r\n"));
		assert_null(strstr(buf_str(&s.head), "X-One"));
		assert_null(strstr(buf_str(&s.head), "\r\nAccept"));
		assert_null(strstr(buf_str(&s.head), "\r\nExpect"));
		assert_null(strstr(buf_str(&s.head), "\r\nContent-Type"));
		assert_null(strstr(buf_str(&s.head), "\r\nTransfer-Enc"));
		transfer_job_fini(&j.job);
	}
	transfer_free(t);
	peer_stop(p);
	buf_free(&s.head);
	buf_free(&s.body);
}

static void
test_transfer_keeps_the_path_as_it_is(void **state)
{
	struct seen s = {0};
	struct peer *p = peer_start(echo, &s);
	struct transfer *t = start(2, NULL);
	char url[128];
	struct job j = make("GET", url);

	(void)state;
	assert_non_null(p);
	if (p == NULL)	/* the compiler does not know that assert ends */
		return;
	(void)snprintf(url, sizeof(url), "%s/a/../b/./c//d%%2F?x=%%20", p->url);
	run(t, &j);
	assert_string_equal(s.target, "/a/../b/./c//d%2F?x=%20");
	transfer_job_fini(&j.job);
	transfer_free(t);
	peer_stop(p);
	buf_free(&s.head);
	buf_free(&s.body);
}

static void
test_transfer_tries_until_decide_is_content(void **state)
{
	struct peer *p = peer_start(fails_twice, NULL);
	struct transfer *t = start(2, NULL);
	struct job j = make("PUT", p->url);
	char text[8];

	(void)state;
	j.again = 3;
	j.job.body = "body";
	j.job.body_len = 4;
	run(t, &j);
	assert_int_equal(j.tries, 3);
	assert_int_equal(p->requests, 3);
	/* The reply is the last one's alone. */
	assert_int_equal(j.job.reply.status, 200);
	assert_string_equal(buf_str(&j.job.reply.body), "answer 3");
	assert_string_equal(transfer_reply_header(&j.job, "only-once", text,
	    sizeof(text)), "");
	transfer_job_fini(&j.job);
	transfer_free(t);
	peer_stop(p);
}

static void
test_transfer_follows_no_redirect(void **state)
{
	struct peer *p = peer_start(redirects, NULL);
	struct transfer *t = start(2, NULL);
	struct job j = make("GET", p->url);

	(void)state;
	run(t, &j);
	assert_int_equal(j.job.reply.status, 301);
	assert_int_equal(p->requests, 1);
	transfer_job_fini(&j.job);
	transfer_free(t);
	peer_stop(p);
}

static void
test_transfer_tells_an_answer_cut_short(void **state)
{
	struct peer *p = peer_start(cuts, NULL);
	struct transfer *t = start(2, NULL);
	struct job j = make("GET", p->url);

	(void)state;
	run(t, &j);
	assert_int_equal(j.job.reply.status, 200);
	assert_int_not_equal(j.job.reply.curl, 0);
	assert_false(j.job.reply.fatal);
	assert_string_equal(j.job.reply.what, "transfer closed with 6 bytes "
	    "remaining to read");
	transfer_job_fini(&j.job);
	transfer_free(t);
	peer_stop(p);
}

static void
test_transfer_bounds_the_answer(void **state)
{
	struct seen s = {0};
	struct peer *p = peer_start(echo, &s);
	struct transfer *t = start(2, NULL);
	struct job j = make("GET", p->url);

	(void)state;
	j.job.body_max = 4;
	run(t, &j);
	assert_true(j.job.reply.body.failed);
	assert_int_not_equal(j.job.reply.curl, 0);
	assert_true(j.job.reply.body.len <= 4);
	transfer_job_fini(&j.job);
	transfer_free(t);
	peer_stop(p);
	buf_free(&s.head);
	buf_free(&s.body);
}

static void
test_transfer_knows_what_no_other_try_mends(void **state)
{
	static const char *const urls[] = { "file:///etc/passwd",
		"gopher://127.0.0.1:1/x" };
	struct transfer *t = start(2, NULL);
	struct job j;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		j = make("GET", urls[i]);
		run(t, &j);
		assert_int_equal(j.job.reply.status, 0);
		assert_true(j.job.reply.fatal);
		assert_int_equal(j.job.reply.body.len, 0);
		transfer_job_fini(&j.job);
	}
	/* Nobody listens there: that may change. */
	j = make("GET", "http://127.0.0.1:1/");
	run(t, &j);
	assert_int_equal(j.job.reply.status, 0);
	assert_false(j.job.reply.fatal);
	assert_true(j.job.reply.what[0] != '\0');
	transfer_job_fini(&j.job);
	transfer_free(t);
}

static void
test_transfer_passes_prepares_failure_on(void **state)
{
	struct transfer *t = start(2, NULL);
	struct job j = make("GET", "http://127.0.0.1:1/");
	struct err e = {0};

	(void)state;
	j.refuse = true;
	submit(t, &j);
	assert_int_equal(transfer_wait(t, &j.job, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.msg, "not signed");
	assert_int_equal(j.tries, 1);
	transfer_job_fini(&j.job);
	transfer_free(t);
}

static void
test_transfer_makes_so_many_at_once_and_no_more(void **state)
{
	struct crowd c = {0};
	struct peer *p = peer_start(pairs, &c);
	struct transfer *t = start(2, NULL);
	struct err e = {0};
	struct job j[8];
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		j[i] = make("GET", p->url);
		submit(t, &j[i]);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(transfer_wait(t, &j[i].job, &e), 0);
		assert_int_equal(j[i].job.reply.status, 200);
		transfer_job_fini(&j[i].job);
	}
	assert_int_equal(c.arrived, 8);
	assert_int_equal(c.most, 2);
	transfer_free(t);
	peer_stop(p);
}

/* One runs and is never answered, one waits for its place, one pauses. */
static void
test_transfer_drop_ends_a_job_alone(void **state)
{
	struct peer *held = peer_start(holds, NULL);
	struct peer *p = peer_start(fails_twice, NULL);
	struct transfer *t = start(1, NULL);
	struct err e = {0};
	struct job j[3];
	size_t i;

	(void)state;
	j[0] = make("GET", p->url);
	j[0].again = 2;
	j[0].pause = 1000000;
	submit(t, &j[0]);
	/* One at a time: once this one runs, the first one pauses. */
	j[1] = make("GET", held->url);
	submit(t, &j[1]);
	(void)pthread_mutex_lock(&held->lock);
	while (held->requests == 0)
		(void)pthread_cond_wait(&held->change, &held->lock);
	(void)pthread_mutex_unlock(&held->lock);
	j[2] = make("GET", held->url);
	submit(t, &j[2]);
	for (i = 3; i-- > 0; e = (struct err){0}) {
		transfer_drop(t, &j[i].job);
		assert_int_equal(transfer_wait(t, &j[i].job, &e), -1);
		assert_int_equal(e.code, ERR_CANCELLED);
		assert_string_equal(e.msg, "dropped");
	}
	assert_int_equal(j[2].tries, 0);
	/* What is done stays done, and the thread goes on. */
	run(t, &j[0]);
	assert_int_equal(j[0].job.reply.status, 500);
	transfer_drop(t, &j[0].job);
	assert_int_equal(transfer_wait(t, &j[0].job, &e), 0);
	for (i = 0; i < 3; i++)
		transfer_job_fini(&j[i].job);
	transfer_free(t);
	peer_stop(held);
	peer_stop(p);
}

static void
test_transfer_cancel_ends_what_runs_waits_and_pauses(void **state)
{
	struct err e = {0};
	struct cancel *cancel = cancel_new(&e);
	struct peer *p = peer_start(holds, NULL);
	struct transfer *t;
	struct job j[4];
	size_t i;

	(void)state;
	assert_non_null(cancel);
	t = start(2, cancel);
	/* One in a pause of an hour, two at the peer, one in the queue. */
	j[0] = make("GET", "http://127.0.0.1:1/");
	j[0].again = 2;
	j[0].pause = 3600000;
	for (i = 1; i < 4; i++)
		j[i] = make("GET", p->url);
	for (i = 0; i < 4; i++)
		submit(t, &j[i]);
	(void)pthread_mutex_lock(&p->lock);
	while (p->requests < 2)
		(void)pthread_cond_wait(&p->change, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
	cancel_request(cancel, "SIGTERM");
	for (i = 0; i < 4; i++) {
		e = (struct err){0};
		assert_int_equal(transfer_wait(t, &j[i].job, &e), -1);
		assert_int_equal(e.code, ERR_CANCELLED);
		assert_string_equal(e.msg, "stopped by SIGTERM");
		transfer_job_fini(&j[i].job);
	}
	transfer_free(t);
	cancel_free(cancel);
	peer_stop(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfer_gives_status_headers_and_body),
		cmocka_unit_test(
		    test_transfer_sends_what_it_was_given_and_no_more),
		cmocka_unit_test(test_transfer_keeps_the_path_as_it_is),
		cmocka_unit_test(test_transfer_tries_until_decide_is_content),
		cmocka_unit_test(test_transfer_follows_no_redirect),
		cmocka_unit_test(test_transfer_tells_an_answer_cut_short),
		cmocka_unit_test(test_transfer_bounds_the_answer),
		cmocka_unit_test(test_transfer_knows_what_no_other_try_mends),
		cmocka_unit_test(test_transfer_passes_prepares_failure_on),
		cmocka_unit_test(
		    test_transfer_makes_so_many_at_once_and_no_more),
		cmocka_unit_test(test_transfer_drop_ends_a_job_alone),
		cmocka_unit_test(
		    test_transfer_cancel_ends_what_runs_waits_and_pauses),
	};

	peer_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
