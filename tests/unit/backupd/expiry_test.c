/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/err.h"

#include "backupd/expiry.h"

static char path[] = "/tmp/expiry-XXXXXX";

/* Append a certificate that ends at a time. */
static void
add(FILE *f, EVP_PKEY *key, const char *end)
{
	X509 *x = X509_new();

	assert_non_null(x);
	assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(x),
	    "20200101000000Z"), 1);
	assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(x),
	    end), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	X509_free(x);
}

static void
test_expiry_of_the_first_to_end(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	FILE *f = fopen(path, "w");
	struct err e = {0};
	int64_t until = 0, want = 0;

	(void)state;
	assert_non_null(key);
	assert_non_null(f);
	(void)fputs("words before it\n", f);
	add(f, key, "20300102030405Z");
	add(f, key, "20270102030405Z");
	add(f, key, "20600102030405Z");
	/* A key is no certificate. */
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL,
	    NULL), 1);
	(void)fclose(f);
	assert_int_equal(expiry_of(path, &until, &e), 0);
	assert_int_equal(clock_parse("2027-01-02T03:04:05Z", &want), 0);
	assert_true(until == want);
	EVP_PKEY_free(key);
}

static void
test_expiry_of_what_is_none(void **state)
{
	char want[100];
	struct err e = {0};
	FILE *f = fopen(path, "w");
	int64_t until;

	(void)state;
	assert_non_null(f);
	(void)fputs("-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n", f);
	(void)fclose(f);
	assert_int_equal(expiry_of(path, &until, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	(void)snprintf(want, sizeof(want), "%s: no certificate", path);
	assert_string_equal(e.msg, want);
	e = (struct err){0};
	assert_int_equal(expiry_of("/nonexistent", &until, &e), -1);
	assert_int_equal(e.code, ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry_of_the_first_to_end),
		cmocka_unit_test(test_expiry_of_what_is_none),
	};
	int fd = mkstemp(path), failed;

	failed = fd < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	(void)close(fd);
	(void)unlink(path);
	return failed;
}
