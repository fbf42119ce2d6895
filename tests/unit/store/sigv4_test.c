/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4_test: the public vectors, signed and presigned, all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/digest.h"
#include "store/sigv4.h"

#define CASES 38	/* so many folders are in data/sigv4 */
#define PAIRS 16

struct vector {
	char folder[512];
	json_t *context;
	struct buf request;
	char *path;
	struct sigv4_pair query[PAIRS], headers[PAIRS];
	char date[32], payload[SHA256_HEX], scope[128];
	struct sigv4_request r;
	struct sigv4_keys keys;
};

static void
load(const char *folder, const char *file, struct buf *out)
{
	struct err e = {0};
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	if (file_read(path, 65536, out, &e) != 0)
		fail_msg("%s", e.msg);
}

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* "%E1" to bytes, in place. */
static char *
percent_decode(char *text)
{
	char *from, *to = text;
	uint8_t byte;
	char hex[3];

	for (from = text; *from != '\0'; ) {
		if (*from != '%') {
			*to++ = *from++;
			continue;
		}
		hex[0] = from[1] | 0x20;
		hex[1] = from[2] | 0x20;
		hex[2] = '\0';
		assert_int_equal(hex_decode(hex, &byte, 1), 0);
		*to++ = (char)byte;
		from += 3;
	}
	*to = '\0';
	return text;
}

/* "GET /path?query HTTP/1.1": the path may hold blanks. */
static void
take_line(struct vector *v, char *line)
{
	char *end = strrchr(line, ' '), *p = strchr(line, ' '), *query, *next,
	    *equals;

	*end = '\0';
	*p++ = '\0';
	v->r.method = line;
	query = strchr(p, '?');
	if (query != NULL)
		*query++ = '\0';
	v->path = percent_decode(p);
	for (; query != NULL && *query != '\0'; query = next) {
		next = strchr(query, '&');
		if (next != NULL)
			*next++ = '\0';
		equals = strchr(query, '=');
		assert_non_null(equals);
		*equals = '\0';
		v->query[v->r.nquery++] = (struct sigv4_pair){
		    percent_decode(query), percent_decode(equals + 1) };
	}
}

/* Headers up to the blank line; folded lines are one.  Gives the body. */
static char *
take_headers(struct vector *v, char *p)
{
	char *lf, *colon, *fold;

	while (*p != '\0' && *p != '\n') {
		for (lf = strchr(p, '\n'); lf != NULL && lf[1] == ' ';
		    lf = strchr(lf, '\n'))
			*lf = ' ';
		if (lf != NULL)
			*lf = '\0';
		colon = strchr(p, ':');
		assert_non_null(colon);
		*colon = '\0';
		v->headers[v->r.nheaders++] = (struct sigv4_pair){ p,
		    colon + 1 };
		fold = lf != NULL ? lf + 1 : strchr(colon + 1, '\0');
		p = fold;
	}
	return *p == '\n' ? p + 1 : p;
}

static void
read_vector(struct vector *v, const char *name)
{
	const json_t *keys;
	uint8_t digest[SHA256_SIZE];
	const char *t;
	char path[600], *lf, *body;

	*v = (struct vector){0};
	(void)snprintf(v->folder, sizeof(v->folder), "%s/sigv4/%s",
	    KURA_TEST_DATA, name);
	load(v->folder, "request.txt", &v->request);
	(void)snprintf(path, sizeof(path), "%s/context.json", v->folder);
	v->context = json_load_file(path, 0, NULL);
	assert_non_null(v->context);
	lf = strchr(v->request.data, '\n');
	assert_non_null(lf);
	*lf = '\0';
	take_line(v, v->request.data);
	body = take_headers(v, lf + 1);
	sha256_of(body, strlen(body), digest);
	hex_encode(digest, sizeof(digest), v->payload);
	/* 2015-08-30T12:36:00Z */
	t = text_of(v->context, "timestamp");
	(void)snprintf(v->date, sizeof(v->date), "%.4s%.2s%.2sT%.2s%.2s%.2sZ",
	    t, t + 5, t + 8, t + 11, t + 14, t + 17);
	keys = json_object_get(v->context, "credentials");
	v->keys = (struct sigv4_keys){ text_of(keys, "access_key_id"),
	    text_of(keys, "secret_access_key"), text_of(keys, "token") };
	v->r.path = v->path;
	v->r.query = v->query;
	v->r.headers = v->headers;
	v->r.payload_sha256 = v->payload;
	v->r.region = text_of(v->context, "region");
	v->r.service = text_of(v->context, "service");
	v->r.date = v->date;
	v->r.plain_path = !json_is_true(json_object_get(v->context,
	    "normalize"));
	(void)snprintf(v->scope, sizeof(v->scope), "%s/%.8s/%s/%s/"
	    "aws4_request", v->keys.id, v->date, v->r.region, v->r.service);
}

static void
free_vector(struct vector *v)
{
	json_decref(v->context);
	buf_free(&v->request);
}

static bool
token_is_signed(const struct vector *v)
{
	return v->keys.token != NULL && !json_is_true(json_object_get(
	    v->context, "omit_session_token"));
}

/* Files may or may not end with a line break that is not theirs. */
static void
same_as_file(const struct vector *v, const char *file, const char *got)
{
	struct buf want = {0};

	load(v->folder, file, &want);
	while (want.len > 0 && want.data[want.len - 1] == '\n')
		want.data[--want.len] = '\0';
	if (strcmp(buf_str(&want), got) != 0)
		fail_msg("%s/%s\nwant: %s\n got: %s", v->folder, file,
		    buf_str(&want), got);
	buf_free(&want);
}

static void
check(const struct vector *v, const char *canonical_file,
    const char *signature_file, const char *signed_file)
{
	struct buf canonical = {0}, authorization = {0}, whole = {0};
	struct err e = {0};
	const char *signature;

	assert_int_equal(sigv4_canonical(&v->r, &canonical, &e), 0);
	same_as_file(v, canonical_file, buf_str(&canonical));
	assert_int_equal(sigv4_sign(&v->r, &v->keys, &authorization, &e), 0);
	signature = strstr(buf_str(&authorization), "Signature=");
	assert_non_null(signature);
	same_as_file(v, signature_file, signature + 10);
	if (signed_file != NULL) {
		/* The header's value as a whole. */
		load(v->folder, signed_file, &whole);
		assert_non_null(strstr(buf_str(&whole),
		    buf_str(&authorization)));
	}
	buf_free(&canonical);
	buf_free(&authorization);
	buf_free(&whole);
}

static void
check_header_form(const char *name)
{
	struct vector v;

	read_vector(&v, name);
	v.headers[v.r.nheaders++] = (struct sigv4_pair){ "X-Amz-Date",
	    v.date };
	if (token_is_signed(&v))
		v.headers[v.r.nheaders++] = (struct sigv4_pair){
		    "X-Amz-Security-Token", v.keys.token };
	if (json_is_true(json_object_get(v.context, "sign_body")))
		v.headers[v.r.nheaders++] = (struct sigv4_pair){
		    "x-amz-content-sha256", v.payload };
	check(&v, "header-canonical-request.txt", "header-signature.txt",
	    "header-signed-request.txt");
	free_vector(&v);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "host;my-header1" of what is signed. */
static void
signed_names(const struct vector *v, char *out, size_t n)
{
	char names[PAIRS][64];
	const char *sorted[PAIRS];
	size_t i, k, len = 0;

	for (i = 0; i < v->r.nheaders; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%s",
		    v->headers[i].name);
		for (k = 0; names[i][k] != '\0'; k++)
			if (names[i][k] >= 'A' && names[i][k] <= 'Z')
				names[i][k] |= 0x20;
		sorted[i] = names[i];
	}
	qsort(sorted, v->r.nheaders, sizeof(sorted[0]), by_text);
	for (i = 0; i < v->r.nheaders; i++)
		if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
			len += (size_t)snprintf(out + len, n - len, "%s%s",
			    len > 0 ? ";" : "", sorted[i]);
}

static void
check_query_form(const char *name)
{
	struct vector v;
	char names[512], expires[24];
	size_t n;

	read_vector(&v, name);
	signed_names(&v, names, sizeof(names));
	(void)snprintf(expires, sizeof(expires), "%lld",
	    (long long)json_integer_value(json_object_get(v.context,
	    "expiration_in_seconds")));
	n = v.r.nquery;
	v.query[n++] = (struct sigv4_pair){ "X-Amz-Algorithm",
	    "AWS4-HMAC-SHA256" };
	v.query[n++] = (struct sigv4_pair){ "X-Amz-Credential", v.scope };
	v.query[n++] = (struct sigv4_pair){ "X-Amz-Date", v.date };
	v.query[n++] = (struct sigv4_pair){ "X-Amz-Expires", expires };
	v.query[n++] = (struct sigv4_pair){ "X-Amz-SignedHeaders", names };
	if (token_is_signed(&v))
		v.query[n++] = (struct sigv4_pair){ "X-Amz-Security-Token",
		    v.keys.token };
	v.r.nquery = n;
	check(&v, "query-canonical-request.txt", "query-signature.txt", NULL);
	free_vector(&v);
}

static void
each_case(void (*one)(const char *name))
{
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir = opendir(KURA_TEST_DATA "/sigv4");

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		/* What stands beside the folders has an upper-case name. */
		if (entry->d_name[0] < 'a' || entry->d_name[0] > 'z')
			continue;
		one(entry->d_name);
		n++;
	}
	(void)closedir(dir);
	assert_int_equal(n, CASES);
}

static void
test_sigv4_signs_every_vector_by_header(void **state)
{
	(void)state;
	each_case(check_header_form);
}

static void
test_sigv4_signs_every_vector_by_query(void **state)
{
	(void)state;
	each_case(check_query_form);
}

static void
test_sigv4_encode_spares_the_unreserved_alone(void **state)
{
	struct buf b = {0};

	(void)state;
	sigv4_encode("aZ09-._~/ +%\xff", 13, false, &b);
	assert_string_equal(buf_str(&b), "aZ09-._~%2F%20%2B%25%FF");
	buf_clear(&b);
	sigv4_encode("a/b\0c", 5, true, &b);
	assert_string_equal(buf_str(&b), "a/b%00c");
	buf_free(&b);
}

static void
test_sigv4_query_sorts_names_before_values(void **state)
{
	/* "a" before "a-b", though '=' comes after '-'. */
	static const struct sigv4_pair query[] = { { "a-b", "1" },
		{ "a", "2" }, { "a", "10" }, { "uploads", "" } };
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(sigv4_query(query, 4, false, &b, &e), 0);
	assert_string_equal(buf_str(&b), "a=10&a=2&a-b=1&uploads=");
	buf_free(&b);
}

static void
test_sigv4_refuses_more_than_it_holds(void **state)
{
	struct sigv4_pair many[65];
	struct sigv4_request r = { .method = "GET", .path = "/",
	    .payload_sha256 = "x", .region = "r", .service = "s3",
	    .date = "20150830T123600Z" };
	struct buf b = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 65; i++)
		many[i] = (struct sigv4_pair){ "n", "v" };
	assert_int_equal(sigv4_query(many, 65, false, &b, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "query of 65 parameters");
	e = (struct err){0};
	r.headers = many;
	r.nheaders = 65;
	assert_int_equal(sigv4_canonical(&r, &b, &e), -1);
	assert_string_equal(e.msg, "65 headers");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigv4_signs_every_vector_by_header),
		cmocka_unit_test(test_sigv4_signs_every_vector_by_query),
		cmocka_unit_test(
		    test_sigv4_encode_spares_the_unreserved_alone),
		cmocka_unit_test(test_sigv4_query_sorts_names_before_values),
		cmocka_unit_test(test_sigv4_refuses_more_than_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
