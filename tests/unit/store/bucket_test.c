/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_test: rules, versions and locks, as S3 tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/bucket.h"

static struct bucket
rules(const char *prefix, const char *inner)
{
	struct bucket b = {0};
	struct err e = {0};
	char text[4000];

	(void)snprintf(text, sizeof(text), "<?xml version=\"1.0\"?>"
	    "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/"
	    "2006-03-01/\">%s</LifecycleConfiguration>", inner);
	assert_int_equal(bucket_lifecycle(&b, prefix, text, strlen(text), &e),
	    0);
	return b;
}

#define RULE(prefix, what) "<Rule><ID>r1</ID><Filter><Prefix>" prefix \
    "</Prefix></Filter><Status>Enabled</Status>" what "</Rule>"
#define DAYS "<Expiration><Days>30</Days></Expiration>"

static void
test_bucket_expiry_that_meets_our_prefix(void **state)
{
	(void)state;
	assert_string_equal(rules("backups/", RULE("", DAYS)).expires,
	    "'r1'");
	assert_string_equal(rules("backups/", RULE("back", DAYS)).expires,
	    "'r1'");
	/* A part of ours is ours. */
	assert_string_equal(rules("backups/", RULE("backups/sources/a",
	    DAYS)).expires, "'r1'");
	assert_string_equal(rules("backups/", RULE("logs/", DAYS)).expires,
	    "");
	assert_string_equal(rules("", RULE("logs/", DAYS)).expires, "'r1'");
	assert_string_equal(rules("b/", "<Rule><Prefix>b/</Prefix><Status>"
	    "Enabled</Status><Expiration><Date>2030-01-01</Date></Expiration>"
	    "</Rule>").expires, "number 1");
	assert_string_equal(rules("b/", "<Rule><ID>x</ID><Filter><And><Prefix>"
	    "b/</Prefix><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></And>"
	    "</Filter><Status>Enabled</Status>" DAYS "</Rule>").expires,
	    "'x'");
}

static void
test_bucket_rules_that_meet_nothing_of_ours(void **state)
{
	(void)state;
	assert_string_equal(rules("b/", "<Rule><ID>x</ID><Prefix></Prefix>"
	    "<Status>Disabled</Status>" DAYS "</Rule>").expires, "");
	assert_string_equal(rules("b/", "<Rule><ID>x</ID><Filter><Tag><Key>k"
	    "</Key><Value>v</Value></Tag></Filter><Status>Enabled</Status>"
	    DAYS "</Rule>").expires, "");
	assert_string_equal(rules("b/", RULE("", "<Expiration>"
	    "<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>"
	    "</Expiration>")).expires, "");
	assert_int_equal(rules("b/", "").lifecycle, BUCKET_NO);
}

static void
test_bucket_archive_tiers_uploads_and_versions(void **state)
{
	struct bucket b = rules("b/", RULE("b/", "<Transition><Days>1</Days>"
	    "<StorageClass>DEEP_ARCHIVE</StorageClass></Transition>"
	    "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7"
	    "</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
	    "<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays>"
	    "</NoncurrentVersionExpiration>"));

	(void)state;
	assert_string_equal(b.archives, "'r1'");
	assert_string_equal(b.expires, "");
	assert_true(b.aborts);
	assert_true(b.drops_versions);
	assert_int_equal(b.lifecycle, BUCKET_YES);
	/* What is for a part of ours alone leaves the rest as it is. */
	b = rules("b/", RULE("b/sources/", "<AbortIncompleteMultipartUpload>"
	    "<DaysAfterInitiation>7</DaysAfterInitiation>"
	    "</AbortIncompleteMultipartUpload>"));
	assert_false(b.aborts);
	b = rules("b/", RULE("b/", "<Transition><Days>1</Days><StorageClass>"
	    "STANDARD_IA</StorageClass></Transition>"));
	assert_string_equal(b.archives, "");
}

static void
test_bucket_versions_and_locks(void **state)
{
	static const char on[] = "<VersioningConfiguration><Status>Enabled"
	    "</Status></VersioningConfiguration>";
	static const char never[] = "<VersioningConfiguration/>";
	static const char lock[] = "<ObjectLockConfiguration>"
	    "<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
	    "<DefaultRetention><Mode>COMPLIANCE</Mode><Days>14</Days>"
	    "</DefaultRetention></Rule></ObjectLockConfiguration>";
	struct bucket b = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(bucket_versioning(&b, on, strlen(on), &e), 0);
	assert_int_equal(b.versions, BUCKET_YES);
	assert_int_equal(bucket_versioning(&b, never, strlen(never), &e), 0);
	assert_int_equal(b.versions, BUCKET_NO);
	assert_int_equal(bucket_object_lock(&b, lock, strlen(lock), &e), 0);
	assert_int_equal(b.lock, BUCKET_YES);
	assert_string_equal(b.lock_mode, "COMPLIANCE");
	assert_int_equal(b.lock_days, 14);
}

static void
test_bucket_answers_that_are_none(void **state)
{
	static const char other[] = "<html><body>no</body></html>";
	struct bucket b = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(bucket_lifecycle(&b, "", other, strlen(other), &e),
	    -1);
	assert_string_equal(e.msg, "the answer is no lifecycle");
	assert_int_equal(b.lifecycle, BUCKET_UNKNOWN);
	e = (struct err){0};
	assert_int_equal(bucket_versioning(&b, other, strlen(other), &e), -1);
	assert_string_equal(e.msg, "the answer tells of no versions");
	assert_int_equal(b.versions, BUCKET_UNKNOWN);
	e = (struct err){0};
	assert_int_equal(bucket_object_lock(&b, "x", 1, &e), -1);
	assert_int_equal(b.lock, BUCKET_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket_expiry_that_meets_our_prefix),
		cmocka_unit_test(test_bucket_rules_that_meet_nothing_of_ours),
		cmocka_unit_test(
		    test_bucket_archive_tiers_uploads_and_versions),
		cmocka_unit_test(test_bucket_versions_and_locks),
		cmocka_unit_test(test_bucket_answers_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
