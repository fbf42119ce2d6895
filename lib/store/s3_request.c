/* SPDX-License-Identifier: Apache-2.0 */
/* s3_request: one request to S3, signed anew for each try. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/digest.h"
#include "store/xml.h"

#include "store/s3_request.h"

#define EMPTY_SHA256 \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BUDGET		500.0	/* as the AWS SDKs' standard mode */
#define BUDGET_COST	5.0
#define TRIES_MIN	4u	/* these are never refused by the budget */

void
s3_query(struct s3_request *r, const char *name, const char *value)
{
	r->query[r->nquery++] = (struct sigv4_pair){ name, value };
}

void
s3_extra(struct s3_request *r, const char *name, const char *value)
{
	r->extra[r->nextra++] = (struct sigv4_pair){ name, value };
}

/* --- before each try --- */

static int
url_and_path(struct s3_request *r, struct endpoint *at, struct buf *path,
    struct err *e)
{
	struct s3 *s = r->s3;

	(void)pthread_mutex_lock(&s->lock);
	*at = s->endpoint;
	(void)pthread_mutex_unlock(&s->lock);
	buf_addf(path, "%s/", at->base);
	if (r->key != NULL)
		buf_addf(path, "%s%s", s->prefix, r->key);
	buf_clear(&r->job.url);
	buf_adds(&r->job.url, at->url);
	sigv4_encode(buf_str(path), path->len, true, &r->job.url);
	if (r->nquery > 0) {
		buf_addc(&r->job.url, '?');
		if (sigv4_query(r->query, r->nquery, false, &r->job.url,
		    e) != 0)
			return -1;
	}
	return buf_check(&r->job.url, "URL", e) != 0 ||
	    buf_check(path, "path", e) != 0 ? -1 : 0;
}

/* Requests to the bucket itself are listings, and deletions of many keys. */
static enum store_kind
kind_of(const struct s3_request *r)
{
	const char *method = r->job.method;

	if (strcmp(method, "GET") == 0)
		return r->key == NULL ? STORE_LIST : STORE_GET;
	if (strcmp(method, "DELETE") == 0)
		return STORE_DELETE;
	if (strcmp(method, "POST") == 0)
		return r->key == NULL ? STORE_DELETE : STORE_PUT;
	return strcmp(method, "PUT") == 0 ? STORE_PUT : STORE_OTHER;
}

static int
prepare(struct transfer_job *job, struct err *e)
{
	struct s3_request *r = job->arg;
	struct s3 *s = r->s3;
	struct credentials found = {0};
	struct sigv4_keys keys;
	struct sigv4_pair headers[S3_EXTRA_MAX + 4];
	struct buf path = {0}, authorization = {0};
	struct sigv4_request sign = {0};
	struct endpoint at;
	char date[CLOCK_TEXT];
	size_t i, n = 0;
	int rc = -1;

	r->attempt++;
	s->requests++;
	s->kinds[kind_of(r)]++;
	s->retries += r->attempt > 1;
	if (url_and_path(r, &at, &path, e) != 0 ||
	    s3_keys_get(&s->keys, &found, &r->turn, e) != 0)
		goto out;
	keys = (struct sigv4_keys){ found.id, found.secret, found.token };
	clock_basic(clock_system_us() + s->clock_off_us, date);
	headers[n++] = (struct sigv4_pair){ "host", at.host };
	headers[n++] = (struct sigv4_pair){ "x-amz-content-sha256",
	    r->payload };
	headers[n++] = (struct sigv4_pair){ "x-amz-date", date };
	if (keys.token != NULL)
		headers[n++] = (struct sigv4_pair){ "x-amz-security-token",
		    keys.token };
	for (i = 0; i < r->nextra; i++)
		headers[n++] = r->extra[i];
	sign = (struct sigv4_request){ .method = job->method,
	    .path = buf_str(&path), .query = r->query, .nquery = r->nquery,
	    .headers = headers, .nheaders = n, .payload_sha256 = r->payload,
	    .region = at.region, .service = "s3", .date = date,
	    .plain_path = true };
	if (sigv4_sign(&sign, &keys, &authorization, e) != 0)
		goto out;
	rc = 0;
	/* Host is what libcurl itself sends. */
	for (i = 1; i < n && rc == 0; i++)
		rc = transfer_header(job, headers[i].name, headers[i].value,
		    e);
	if (rc == 0)
		rc = transfer_header(job, "Authorization",
		    buf_str(&authorization), e);
out:	credentials_free(&found);
	buf_free(&path);
	buf_free(&authorization);
	return rc;
}

/* --- after each try --- */

static int
error_element(void *arg, const char *path, const char *text, struct err *e)
{
	struct s3_request *r = arg;
	const char *name = strrchr(path, '/') + 1;

	(void)e;
	/* STS and S3 nest differently; the names are the same. */
	if (strcmp(name, "Code") == 0)
		(void)snprintf(r->code, sizeof(r->code), "%s", text);
	else if (strcmp(name, "Message") == 0)
		(void)snprintf(r->message, sizeof(r->message), "%s", text);
	else if (strcmp(name, "Region") == 0)
		(void)snprintf(r->region, sizeof(r->region), "%s", text);
	else if (strcmp(name, "RequestId") == 0)
		(void)snprintf(r->request_id, sizeof(r->request_id), "%s",
		    text);
	return 0;
}

/* An error may stand behind a 200: what matters is the root element.  An
 * object's own bytes are nobody's answer, whatever they look like. */
static bool
is_error_body(const struct s3_request *r)
{
	const char *p = buf_str(&r->job.reply.body);

	if (r->key != NULL && strcmp(r->job.method, "GET") == 0)
		return false;
	p += strspn(p, " \t\r\n");
	if (strncmp(p, "<?xml", 5) == 0) {
		p += strcspn(p, ">");
		p += strspn(p, "> \t\r\n");
	}
	return strncmp(p, "<Error", 6) == 0 && strchr("> /\t\r\n",
	    p[6]) != NULL;
}

static void
read_error(struct s3_request *r)
{
	struct err ignored = {0};
	char id[80];

	r->code[0] = r->message[0] = r->region[0] = r->request_id[0] = '\0';
	(void)transfer_reply_header(&r->job, "x-amz-bucket-region", r->region,
	    sizeof(r->region));
	if (r->job.reply.body.len > 0)
		(void)xml_parse(r->job.reply.body.data,
		    r->job.reply.body.len, NULL, error_element, r, &ignored);
	(void)transfer_reply_header(&r->job, "x-amz-request-id", id,
	    sizeof(id));
	if (id[0] != '\0')
		(void)snprintf(r->request_id, sizeof(r->request_id), "%s", id);
}

static void
note_date(struct s3_request *r)
{
	char text[64];
	int64_t us;

	(void)transfer_reply_header(&r->job, "date", text, sizeof(text));
	if (text[0] != '\0' && clock_parse(text, &us) == 0) {
		r->s3->date_us = us;
		r->s3->date_mono_ms = clock_mono_ms();
	}
}

static bool
in_list(const char *code, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(code, *list) == 0)
			return true;
	return false;
}

static bool
is_transient(const struct s3_request *r)
{
	static const char *const codes[] = { "InternalError",
	    "InternalErrors", "SlowDown", "ServiceUnavailable",
	    "RequestTimeout", "RequestTimeoutException",
	    "PriorRequestNotComplete", "Throttling", "ThrottlingException",
	    "RequestLimitExceeded", "BandwidthLimitExceeded",
	    "TooManyRequests", "TooManyRequestsException",
	    "OperationAborted", "ClientDisconnected", NULL };
	long status = r->job.reply.status;

	if (status == 0)
		return true;
	if (in_list(r->code, codes))
		return true;
	return status == 408 || status == 429 || status == 499 ||
	    status == 500 || status == 502 || status == 503 || status == 504;
}

/* Damaged on the way: the same bytes once or twice more. */
static bool
is_garbled(const struct s3_request *r)
{
	static const char *const codes[] = { "BadDigest",
	    "XAmzContentSHA256Mismatch", "IncompleteBody", NULL };

	return in_list(r->code, codes) && r->attempt < 3;
}

/* A clock that is off: learn theirs from Date, sign again, once. */
static bool
correct_clock(struct s3_request *r)
{
	static const char *const codes[] = { "RequestTimeTooSkewed",
	    "RequestExpired", NULL };
	int64_t off = r->s3->date_us - clock_system_us();
	char text[32];

	if (r->skewed || r->s3->date_us == 0 || (!in_list(r->code, codes) &&
	    !(r->job.reply.status == 403 && (off > 600000000 ||
	    off < -600000000))))
		return false;
	r->skewed = true;
	r->s3->clock_off_us = off;
	(void)snprintf(text, sizeof(text), "%lld",
	    (long long)(off / 1000000));
	log_event(LOG_WARN_, "this host's clock is off: going by the store's",
	    "seconds", text, NULL);
	return true;
}

static bool
is_of_token(const struct s3_request *r)
{
	static const char *const codes[] = { "ExpiredToken",
	    "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken",
	    NULL };

	return in_list(r->code, codes);
}

/* Keys that end are renewed by somebody else: are there newer ones? */
static bool
take_newer_keys(struct s3_request *r)
{
	long status = r->job.reply.status;

	/* A refusal of HEAD has no words. */
	return (is_of_token(r) || strcmp(r->code, "InvalidAccessKeyId") == 0 ||
	    (r->code[0] == '\0' && (status == 400 || status == 403))) &&
	    s3_keys_renew(&r->s3->keys, r->turn);
}

/* The bucket is in another region: go there, once. */
static bool
follow_region(struct s3_request *r)
{
	struct s3 *s = r->s3;
	struct endpoint at;
	struct err ignored = {0};
	char bucket[320];
	const char *slash;
	bool moved = false;

	if (r->moved || r->region[0] == '\0' || (r->job.reply.status != 301 &&
	    r->job.reply.status != 307 && r->job.reply.status != 400 &&
	    r->job.reply.status != 403))
		return false;
	(void)pthread_mutex_lock(&s->lock);
	if (strcmp(s->endpoint.region, r->region) != 0) {
		slash = strrchr(s->endpoint.base, '/');
		(void)snprintf(bucket, sizeof(bucket), "%s", slash != NULL ?
		    slash + 1 : s->endpoint.host);
		if (slash == NULL)
			bucket[strcspn(bucket, ".")] = '\0';
		if (s->endpoint.custom) {
			(void)snprintf(s->endpoint.region,
			    sizeof(s->endpoint.region), "%s", r->region);
			moved = true;
		} else if (endpoint_make(&(struct endpoint_opts){
		    .bucket = bucket, .region = r->region, .addressing =
		    slash != NULL ? "path" : "virtual" }, &at,
		    &ignored) == 0) {
			s->endpoint = at;
			moved = true;
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
	r->moved = moved;
	return moved;
}

static bool
may_retry(struct s3_request *r)
{
	struct s3 *s = r->s3;
	bool may;

	if (clock_mono_ms() >= r->deadline)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	/* An outage is waited out up to the deadline: the budget limits how
	 * often all requests together try, by longer pauses. */
	may = true;
	s->budget = s->budget > BUDGET_COST ? s->budget - BUDGET_COST : 0;
	(void)pthread_mutex_unlock(&s->lock);
	return may;
}

static long
pause_ms(struct s3_request *r)
{
	bool throttled = strcmp(r->code, "SlowDown") == 0 ||
	    r->job.reply.status == 503 || r->job.reply.status == 429;
	unsigned base = throttled ? 1000 : 100, ms;
	int64_t left = r->deadline - clock_mono_ms();
	bool spent;

	(void)pthread_mutex_lock(&r->s3->lock);
	spent = r->s3->budget <= 0 && r->attempt > TRIES_MIN;
	(void)pthread_mutex_unlock(&r->s3->lock);
	ms = clock_backoff_ms(r->attempt, base, 20000);
	if (spent)
		ms += 5000;
	return left < ms ? (left > 0 ? (long)left : 0) : (long)ms;
}

static int
fail(struct s3_request *r)
{
	struct err *e = &r->job.err;
	long status = r->job.reply.status;
	enum err_code code = ERR_IO;

	if (status == 0) {
		(void)err_set(e, ERR_IO, 0, "no answer after %u tries: %s",
		    r->attempt, r->job.reply.what);
		return err_hint(e, r->job.reply.fatal ? "check --s3-ca-file "
		    "and the endpoint's certificate" : "check the endpoint "
		    "and the network");
	}
	if (status == 404)
		code = strcmp(r->code, "NoSuchBucket") == 0 ? ERR_USAGE :
		    ERR_NOTFOUND;
	else if (status == 412)
		code = ERR_EXISTS;
	else if (status == 401 || status == 403 || is_of_token(r))
		code = ERR_DENIED;
	(void)err_set(e, code, 0, "S3 answered %ld%s%s%s%s%s%s%s", status,
	    r->code[0] != '\0' ? " " : "", r->code,
	    r->message[0] != '\0' ? " (" : "", r->message,
	    r->message[0] != '\0' ? ")" : "",
	    r->request_id[0] != '\0' ? ", request " : "", r->request_id);
	if (strcmp(r->code, "NoSuchBucket") == 0)
		return err_hint(e, "create the bucket, or correct its name");
	if (strcmp(r->code, "InvalidAccessKeyId") == 0 ||
	    strcmp(r->code, "SignatureDoesNotMatch") == 0)
		return err_hint(e, "check the S3 keys (from %s) and region",
		    r->s3->keys.from);
	if (is_of_token(r))
		return err_hint(e, "renew the session token (from %s)",
		    r->s3->keys.from);
	if (code == ERR_DENIED)
		return err_hint(e, "let these S3 keys read, write, list and "
		    "delete under the prefix");
	return -1;
}

/* As transfer_job's decide. */
static long
judge(struct s3_request *r)
{
	struct transfer_job *job = &r->job;
	struct s3 *s = r->s3;
	long status = job->reply.status;

	note_date(r);
	s->bytes_in += job->reply.body.len;
	if (status >= 200 && status < 300 && job->reply.curl == 0 &&
	    !is_error_body(r)) {
		s->bytes_out += job->body_len;
		(void)pthread_mutex_lock(&s->lock);
		s->budget = s->budget + 1 > BUDGET ? BUDGET : s->budget + 1;
		(void)pthread_mutex_unlock(&s->lock);
		return -1;
	}
	/* Too large stays too large. */
	if (job->reply.body.failed && status >= 200 && status < 300) {
		(void)err_set(&job->err, ERR_CORRUPT, 0,
		    "larger than %zu bytes", job->reply.body.max);
		return -1;
	}
	/* A good answer cut short is no answer. */
	if (job->reply.curl != 0 && status >= 200 && status < 300)
		job->reply.status = 0;
	read_error(r);
	if (status == 404 && r->missing_ok)
		return -1;
	if (correct_clock(r) || follow_region(r) || take_newer_keys(r))
		return 0;
	if (!job->reply.fatal && (is_transient(r) || is_garbled(r)) &&
	    may_retry(r))
		return pause_ms(r);
	(void)fail(r);
	return -1;
}

static long
decide(struct transfer_job *job)
{
	struct s3_request *r = job->arg;
	long ms = judge(r);

	if (ms < 0 && r->ended != NULL)
		r->ended(r);
	return ms;
}

/* --- running --- */

void
s3_request_init(struct s3_request *r, struct s3 *s, const char *method,
    const char *key, const void *body, size_t n)
{
	*r = (struct s3_request){ .s3 = s, .key = key };
	r->job.method = method;
	r->job.body = body;
	r->job.body_len = n;
	r->job.prepare = prepare;
	r->job.decide = decide;
}

void
s3_start(struct s3_request *r)
{
	uint8_t digest[SHA256_SIZE], md5[MD5_SIZE];

	r->job.arg = r;
	r->deadline = clock_mono_ms() + (int64_t)r->s3->opts.retry_ms;
	if (r->job.body_len == 0) {
		memcpy(r->payload, EMPTY_SHA256, sizeof(r->payload));
	} else if (r->payload[0] == '\0') {
		sha256_of(r->job.body, r->job.body_len, digest);
		hex_encode(digest, sizeof(digest), r->payload);
	}
	if (r->job.body_len > 0 && (r->md5_needed ||
	    r->s3->opts.content_md5)) {
		md5_of(r->job.body, r->job.body_len, md5);
		base64_encode(md5, sizeof(md5), r->md5);
		s3_extra(r, "content-md5", r->md5);
	}
	transfer_submit(r->s3->transfer, &r->job);
}

int
s3_finish(struct s3_request *r, struct err *e)
{
	return transfer_wait(r->s3->transfer, &r->job, e);
}

void
s3_drop(struct s3_request *r)
{
	transfer_drop(r->s3->transfer, &r->job);
}

int
s3_run(struct s3_request *r, struct err *e)
{
	s3_start(r);
	return s3_finish(r, e);
}

void
s3_request_fini(struct s3_request *r)
{
	transfer_job_fini(&r->job);
}
