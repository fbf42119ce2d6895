/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_test: every form of URL, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/endpoint.h"

struct form {
	const char *bucket, *url, *region, *addressing;
	const char *want_url, *want_host, *want_base;
};

static void
gives(const struct form *f)
{
	const struct endpoint_opts opts = { f->bucket, f->url, f->region,
	    f->addressing };
	struct endpoint at;
	struct err e = {0};

	if (endpoint_make(&opts, &at, &e) != 0)
		fail_msg("%s %s: %s", f->bucket, f->url, e.msg);
	assert_string_equal(at.url, f->want_url);
	assert_string_equal(at.host, f->want_host);
	assert_string_equal(at.base, f->want_base);
	assert_string_equal(at.region, f->region != NULL ? f->region :
	    "us-east-1");
	assert_int_equal(at.custom, f->url != NULL);
}

static void
test_endpoint_of_amazon(void **state)
{
	static const struct form forms[] = {
		{ "bkt", NULL, NULL, NULL,
		    "https://bkt.s3.us-east-1.amazonaws.com",
		    "bkt.s3.us-east-1.amazonaws.com", "" },
		{ "bkt", NULL, "eu-central-1", "auto",
		    "https://bkt.s3.eu-central-1.amazonaws.com",
		    "bkt.s3.eu-central-1.amazonaws.com", "" },
		{ "bkt", NULL, "eu-central-1", "path",
		    "https://s3.eu-central-1.amazonaws.com",
		    "s3.eu-central-1.amazonaws.com", "/bkt" },
		{ "bkt", NULL, "eu-central-1", "virtual",
		    "https://bkt.s3.eu-central-1.amazonaws.com",
		    "bkt.s3.eu-central-1.amazonaws.com", "" },
		/* No certificate covers a bucket with dots. */
		{ "my.bkt", NULL, "eu-central-1", "auto",
		    "https://s3.eu-central-1.amazonaws.com",
		    "s3.eu-central-1.amazonaws.com", "/my.bkt" },
		{ "Old_Bkt", NULL, NULL, NULL,
		    "https://s3.us-east-1.amazonaws.com",
		    "s3.us-east-1.amazonaws.com", "/Old_Bkt" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		gives(&forms[i]);
}

static void
test_endpoint_of_each_partition(void **state)
{
	static const char *const regions[][2] = {
		{ "cn-north-1", "s3.cn-north-1.amazonaws.com.cn" },
		{ "us-gov-west-1", "s3.us-gov-west-1.amazonaws.com" },
		{ "eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu" },
		{ "us-iso-east-1", "s3.us-iso-east-1.c2s.ic.gov" },
		{ "us-isob-east-1", "s3.us-isob-east-1.sc2s.sgov.gov" },
		{ "us-isof-south-1", "s3.us-isof-south-1.csp.hci.ic.gov" },
		{ "eu-isoe-west-1", "s3.eu-isoe-west-1.cloud.adc-e.uk" },
	};
	struct endpoint_opts opts = { "bkt", NULL, NULL, "path" };
	struct endpoint at;
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		opts.region = regions[i][0];
		assert_int_equal(endpoint_make(&opts, &at, &e), 0);
		assert_string_equal(at.host, regions[i][1]);
	}
}

static void
test_endpoint_of_one_s_own(void **state)
{
	static const struct form forms[] = {
		{ "bkt", "https://s3.example.com", NULL, NULL,
		    "https://s3.example.com", "s3.example.com", "/bkt" },
		{ "bkt", "https://s3.example.com/", "garage", "auto",
		    "https://s3.example.com", "s3.example.com", "/bkt" },
		{ "bkt", "http://127.0.0.1:9000", NULL, NULL,
		    "http://127.0.0.1:9000", "127.0.0.1:9000", "/bkt" },
		{ "bkt", "http://[::1]:9000", NULL, NULL,
		    "http://[::1]:9000", "[::1]:9000", "/bkt" },
		/* The client leaves its scheme's own port out of Host. */
		{ "bkt", "https://s3.example.com:443", NULL, NULL,
		    "https://s3.example.com", "s3.example.com", "/bkt" },
		{ "bkt", "http://s3.example.com:80", NULL, NULL,
		    "http://s3.example.com", "s3.example.com", "/bkt" },
		{ "bkt", "http://s3.example.com:443", NULL, NULL,
		    "http://s3.example.com:443", "s3.example.com:443",
		    "/bkt" },
		{ "bkt", "https://h.example/base/path//", NULL, NULL,
		    "https://h.example", "h.example", "/base/path/bkt" },
		{ "bkt", "https://h.example:8443", NULL, "virtual",
		    "https://bkt.h.example:8443", "bkt.h.example:8443", "" },
		{ "bkt", "https://h.example/base", NULL, "virtual",
		    "https://bkt.h.example", "bkt.h.example", "/base" },
		{ "my.bkt", "https://h.example", NULL, "path",
		    "https://h.example", "h.example", "/my.bkt" },
		/* A host may begin as the bucket does. */
		{ "s3x", "https://s3x-west.example", NULL, NULL,
		    "https://s3x-west.example", "s3x-west.example", "/s3x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		gives(&forms[i]);
}

static void
refuses(const struct endpoint_opts *o, const char *why)
{
	struct endpoint at;
	struct err e = {0};

	assert_int_equal(endpoint_make(o, &at, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, why);
}

static void
test_endpoint_refuses_what_is_no_url(void **state)
{
	static const char *const bad[] = { "s3.example.com", "",
		"ftp://s3.example.com", "https://", "https:///x",
		"https://user@h.example", "https://h.example/?q",
		"https://h.example/#f", "https://h.example?q" };
	struct endpoint_opts o = { .bucket = "bkt" };
	char want[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o.url = bad[i];
		(void)snprintf(want, sizeof(want), "endpoint '%s' is no "
		    "http(s)://HOST[:PORT][/PATH]", bad[i]);
		refuses(&o, want);
	}
}

static void
test_endpoint_refuses_other_names(void **state)
{
	struct endpoint_opts o = { .bucket = "ab" };

	(void)state;
	refuses(&o, "bucket 'ab': not a name that Kura can use");
	o.bucket = "a/b@c";
	refuses(&o, "bucket 'a/b@c': not a name that Kura can use");
	o.bucket = "arn:aws:s3:::x";
	refuses(&o, "bucket 'arn:aws:s3:::x': not a name that Kura can use");
	o.bucket = "zone--use1-az4--x-s3";
	refuses(&o, "bucket 'zone--use1-az4--x-s3': not a name that Kura can "
	    "use");
	o = (struct endpoint_opts){ .bucket = "bkt", .region = "x.evil.com/" };
	refuses(&o, "region 'x.evil.com/' is no region");
	o.region = "";
	refuses(&o, "region '' is no region");
	o = (struct endpoint_opts){ .bucket = "my.bkt",
	    .addressing = "virtual" };
	refuses(&o, "bucket 'my.bkt' cannot stand in a host name: use "
	    "--s3-addressing=path");
}

static void
test_endpoint_refuses_a_bucket_given_twice(void **state)
{
	const struct endpoint_opts o = { .bucket = "bkt",
	    .url = "https://bkt.s3.example.com" };
	struct endpoint at;
	struct err e = {0};

	(void)state;
	assert_int_equal(endpoint_make(&o, &at, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "endpoint https://bkt.s3.example.com: the "
	    "bucket stands in it already");
	assert_string_equal(e.hint, "give the endpoint without the bucket");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint_of_amazon),
		cmocka_unit_test(test_endpoint_of_each_partition),
		cmocka_unit_test(test_endpoint_of_one_s_own),
		cmocka_unit_test(test_endpoint_refuses_what_is_no_url),
		cmocka_unit_test(test_endpoint_refuses_other_names),
		cmocka_unit_test(test_endpoint_refuses_a_bucket_given_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
