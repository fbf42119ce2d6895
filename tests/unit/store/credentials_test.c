/* SPDX-License-Identifier: Apache-2.0 */
/* credentials_test: which source decides, and the AWS files' fine print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "store/credentials.h"

#define HINT "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write " \
    "them to ~/.aws/credentials"

static char home[64];

static void
write_file(const char *name, const char *text)
{
	struct err e = {0};
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	if (file_write(path, text, strlen(text), 0600, &e) != 0)
		fail_msg("%s", e.msg);
}

/* An environment without any source, in a home of its own. */
static int
setup(void **state)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
		"AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE" };
	struct err e = {0};
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
	(void)snprintf(home, sizeof(home), "/tmp/credentials-XXXXXX");
	if (mkdtemp(home) == NULL)
		return -1;
	(void)setenv("HOME", home, 1);
	(void)snprintf(path, sizeof(path), "%s/.aws", home);
	return file_mkdirs(path, &e);
}

static int
teardown(void **state)
{
	static const char *const names[] = { ".aws/config",
		".aws/credentials", "other", ".aws", "" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", home, names[i]);
		(void)remove(path);
	}
	return 0;
}

static void
finds(const char *profile, const char *id, const char *secret,
    const char *token, const char *from)
{
	struct credentials c;
	struct err e = {0};

	if (credentials_find(profile, &c, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(c.id, id);
	assert_string_equal(c.secret, secret);
	if (token == NULL)
		assert_null(c.token);
	else
		assert_string_equal(c.token, token);
	assert_string_equal(c.from, from);
	credentials_free(&c);
	assert_null(c.secret);
	credentials_free(&c);
}

static void
fails(const char *profile, enum err_code code, const char *why,
    const char *hint)
{
	struct credentials c;
	struct err e = {0};

	assert_int_equal(credentials_find(profile, &c, &e), -1);
	assert_int_equal(e.code, code);
	assert_string_equal(e.msg, why);
	assert_string_equal(e.hint, hint);
	assert_null(c.id);
	assert_null(c.secret);
}

static void
test_credentials_from_the_environment(void **state)
{
	(void)state;
	(void)setenv("AWS_ACCESS_KEY_ID", "AKID\n", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "sec/ret+=\r\n", 1);
	finds(NULL, "AKID", "sec/ret+=", NULL, "the environment");
	(void)setenv("AWS_SESSION_TOKEN", "tok", 1);
	finds(NULL, "AKID", "sec/ret+=", "tok", "the environment");
}

static void
test_credentials_half_an_environment_is_an_error(void **state)
{
	(void)state;
	write_file(".aws/credentials", "[default]\naws_access_key_id=a\n"
	    "aws_secret_access_key=b\n");
	(void)setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	fails(NULL, ERR_USAGE, "AWS_ACCESS_KEY_ID is set, but not "
	    "AWS_SECRET_ACCESS_KEY", "");
	(void)unsetenv("AWS_ACCESS_KEY_ID");
	(void)setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
	fails(NULL, ERR_USAGE, "AWS_SECRET_ACCESS_KEY is set, but not "
	    "AWS_ACCESS_KEY_ID", "");
	/* Empty is not set. */
	(void)setenv("AWS_SECRET_ACCESS_KEY", "", 1);
	finds(NULL, "a", "b", NULL, "the AWS files");
}

static void
test_credentials_nowhere(void **state)
{
	(void)state;
	fails(NULL, ERR_DENIED, "no S3 credentials", HINT);
	fails("prod", ERR_DENIED, "the AWS files have no keys for profile "
	    "prod", HINT);
	(void)setenv("AWS_PROFILE", "dev", 1);
	fails(NULL, ERR_DENIED, "the AWS files have no keys for profile dev",
	    HINT);
}

static void
test_credentials_profiles_and_who_chooses_them(void **state)
{
	(void)state;
	write_file(".aws/credentials",
	    "[default]\naws_access_key_id = d\naws_secret_access_key = ds\n"
	    "[prod]\naws_access_key_id = p\naws_secret_access_key = ps\n"
	    "aws_session_token = pt\n");
	finds(NULL, "d", "ds", NULL, "the AWS files");
	finds("prod", "p", "ps", "pt", "the AWS files");
	(void)setenv("AWS_DEFAULT_PROFILE", "prod", 1);
	finds(NULL, "p", "ps", "pt", "the AWS files");
	(void)setenv("AWS_PROFILE", "default", 1);
	finds(NULL, "d", "ds", NULL, "the AWS files");
	/* Keys in the environment win, but not over an option. */
	(void)setenv("AWS_ACCESS_KEY_ID", "e", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "es", 1);
	finds(NULL, "e", "es", NULL, "the environment");
	finds("prod", "p", "ps", "pt", "the AWS files");
}

static void
test_credentials_config_file_and_its_extras(void **state)
{
	struct credentials c;
	struct err e = {0};

	(void)state;
	write_file(".aws/config", "[default]\nregion = eu-north-1\n"
	    "[profile prod]\nregion = eu-west-3\naws_access_key_id = p\n"
	    "aws_secret_access_key = ps\nendpoint_url = https://s3.example\n"
	    "ca_bundle = /etc/ca.pem\n");
	assert_int_equal(credentials_find("prod", &c, &e), 0);
	assert_string_equal(c.id, "p");
	assert_string_equal(c.region, "eu-west-3");
	assert_string_equal(c.endpoint, "https://s3.example");
	assert_string_equal(c.ca_bundle, "/etc/ca.pem");
	credentials_free(&c);
	/* Region and kin also when the keys stand elsewhere. */
	(void)setenv("AWS_ACCESS_KEY_ID", "e", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "es", 1);
	assert_int_equal(credentials_find(NULL, &c, &e), 0);
	assert_string_equal(c.id, "e");
	assert_string_equal(c.region, "eu-north-1");
	assert_null(c.endpoint);
	credentials_free(&c);
}

static void
test_credentials_files_named_by_the_environment(void **state)
{
	char path[128];

	(void)state;
	write_file(".aws/credentials", "[default]\naws_access_key_id=a\n"
	    "aws_secret_access_key=b\n");
	write_file("other", "[default]\naws_access_key_id=o\n"
	    "aws_secret_access_key=os\n");
	(void)snprintf(path, sizeof(path), "%s/other", home);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	finds(NULL, "o", "os", NULL, "the AWS files");
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", home, 1);
	(void)snprintf(path, sizeof(path), "%s: Is a directory", home);
	fails(NULL, ERR_IO, path, "");
}

static void
test_credentials_that_are_no_keys(void **state)
{
	(void)state;
	write_file(".aws/credentials", "[half]\naws_access_key_id=a\n"
	    "[role]\nrole_arn = arn:aws:iam::1:role/r\n"
	    "[blank]\naws_access_key_id=a b\naws_secret_access_key=c\n");
	fails("half", ERR_USAGE, "profile half has only half of a key", HINT);
	fails("role", ERR_USAGE, "profile role assumes a role, which Kura "
	    "cannot yet", HINT);
	fails("blank", ERR_USAGE, "the access key holds a blank or control "
	    "character", "");
	(void)setenv("AWS_ACCESS_KEY_ID", "a", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "b\nX-Evil: 1", 1);
	fails(NULL, ERR_USAGE, "the secret key holds a blank or control "
	    "character", "");
	(void)setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
	(void)setenv("AWS_SESSION_TOKEN", "t\x01", 1);
	fails(NULL, ERR_USAGE, "the session token holds a blank or control "
	    "character", "");
}

/* Until when they are good, as far as they say. */
static void
ends(const char *profile, const char *want)
{
	struct credentials c;
	struct err e = {0};
	int64_t us = 0;

	if (credentials_find(profile, &c, &e) != 0)
		fail_msg("%s", e.msg);
	if (want != NULL)
		assert_int_equal(clock_parse(want, &us), 0);
	assert_true(c.until_us == us);
	assert_int_equal(c.fixed, strcmp(c.from, "the environment") == 0);
	credentials_free(&c);
}

static void
test_credentials_say_when_their_token_ends(void **state)
{
	(void)state;
#define KEYS "aws_access_key_id=a\naws_secret_access_key=b\n"
#define TOKEN KEYS "aws_session_token=t\n"
	write_file(".aws/credentials",
	    "[saml]\n" TOKEN "x_security_token_expires = "
	    "2027-05-06T16:22:35+02:00\n"
	    "[mfa]\n" TOKEN "expiration = 2027-05-06 16:22:35\n"
	    "[azure]\n" TOKEN "aws_expiration=2027-05-06T16:22:35.123Z\n"
	    "[session]\n" TOKEN "aws_session_expiration = "
	    "2027-05-06T16:22:35+0000\n"
	    "[never]\n" TOKEN "[odd]\n" TOKEN "expiration = tomorrow\n"
	    "[lasting]\n" KEYS "expiration = 2027-05-06 16:22:35\n");
	ends("saml", "2027-05-06T14:22:35Z");
	ends("mfa", "2027-05-06T16:22:35Z");
	ends("azure", "2027-05-06T16:22:35.123Z");
	ends("session", "2027-05-06T16:22:35Z");
	ends("never", NULL);
	ends("odd", NULL);
	/* Of an older token: these keys do not end. */
	ends("lasting", NULL);
	(void)setenv("AWS_ACCESS_KEY_ID", "a", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
	(void)setenv("AWS_CREDENTIAL_EXPIRATION", "2027-05-06T16:22:35Z", 1);
	ends(NULL, NULL);
	(void)setenv("AWS_SESSION_TOKEN", "t", 1);
	ends(NULL, "2027-05-06T16:22:35Z");
	ends("mfa", "2027-05-06T16:22:35Z");
	(void)unsetenv("AWS_CREDENTIAL_EXPIRATION");
	ends(NULL, NULL);
}

static void
key_is(const char *text, const char *profile, int config, const char *want)
{
	char *got = awsfile_key(text, profile, config, "k");

	if (want == NULL)
		assert_null(got);
	else if (got == NULL)
		fail_msg("no key in: %s", text);
	else
		assert_string_equal(got, want);
	free(got);
}

static void
test_credentials_awsfile_syntax(void **state)
{
	(void)state;
	key_is("[p]\nk=v\n", "p", 0, "v");
	key_is("[p]\nk=v", "p", 0, "v");
	key_is("[p]\r\nk = v \r\n", "p", 0, "v");
	key_is("\xef\xbb\xbf[p]\nk\t=\tv\n", "p", 0, "v");
	key_is("[ p ]\nK = v\n", "p", 0, "v");
	key_is("# c\n; c\n\n[p] # c\nk = v # c\n", "p", 0, "v");
	key_is("[p]\nk = a#b;c\n", "p", 0, "a#b;c");
	key_is("[p]\nk = a=b==\n", "p", 0, "a=b==");
	key_is("[p]\nk =\n", "p", 0, "");
	key_is("[p]\nk=1\n[q]\nk=2\n[p]\nk=3\n", "p", 0, "3");
	key_is("[p]\nkk=1\n", "p", 0, NULL);
	key_is("[p]\nk\n", "p", 0, NULL);
	key_is("k=0\n[q]\nk=1\n", "p", 0, NULL);
	key_is("[pp]\nk=1\n", "p", 0, NULL);
	key_is("[p\nk=1\n", "p", 0, NULL);
	/* Nested settings belong to the key above them. */
	key_is("[p]\ns3 =\n  k = 1\n", "p", 0, NULL);
	key_is("", "p", 0, NULL);
}

static void
test_credentials_awsfile_sections_of_config(void **state)
{
	(void)state;
	key_is("[profile p]\nk=1\n", "p", 1, "1");
	key_is("[profile  p ]\nk=1\n", "p", 1, "1");
	key_is("[profile \"p q\"]\nk=1\n", "p q", 1, "1");
	key_is("[default]\nk=1\n", "default", 1, "1");
	key_is("[profile default]\nk=1\n", "default", 1, "1");
	key_is("[p]\nk=1\n", "p", 1, NULL);
	key_is("[profile p]\nk=1\n", "p", 0, NULL);
	key_is("[sso-session p]\nk=1\n", "p", 1, NULL);
	key_is("[profile p]\nk=1\n[services p]\nk=2\n", "p", 1, "1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_credentials_from_the_environment),
		TEST(test_credentials_half_an_environment_is_an_error),
		TEST(test_credentials_nowhere),
		TEST(test_credentials_profiles_and_who_chooses_them),
		TEST(test_credentials_config_file_and_its_extras),
		TEST(test_credentials_files_named_by_the_environment),
		TEST(test_credentials_that_are_no_keys),
		TEST(test_credentials_say_when_their_token_ends),
		TEST(test_credentials_awsfile_syntax),
		TEST(test_credentials_awsfile_sections_of_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
