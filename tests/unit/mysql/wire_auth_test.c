/* SPDX-License-Identifier: Apache-2.0 */
/* wire_auth_test: what a password answers to a challenge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/wire_auth.h"

static const uint8_t scramble[] = "0123456789abcdefghij";

/* Answers computed apart, by the formulas of the documentation. */
static void
test_auth_native(void **state)
{
	static const uint8_t want[] = {
		0x94, 0x99, 0x6f, 0x61, 0xed, 0xd9, 0xcf, 0xb5, 0x79, 0x4e,
		0x29, 0x29, 0xf8, 0xb4, 0xd5, 0x7c, 0x70, 0xcc, 0x9e, 0x4c,
	};
	uint8_t out[20];

	(void)state;
	wire_auth_native("pa ss1", scramble, out);
	assert_memory_equal(out, want, sizeof(want));
}

static void
test_auth_sha2(void **state)
{
	static const uint8_t want[] = {
		0x1d, 0xf1, 0xab, 0xc4, 0x90, 0x12, 0x36, 0x9c, 0x58, 0xd2,
		0x76, 0xb2, 0x9e, 0xe9, 0x9d, 0x2c, 0x91, 0xa4, 0x81, 0x08,
		0x97, 0x34, 0xb8, 0xc1, 0x4d, 0xa6, 0x45, 0x75, 0xa9, 0xf1,
		0x3b, 0x5a,
	};
	uint8_t out[32];

	(void)state;
	wire_auth_sha2("pa ss1", scramble, out);
	assert_memory_equal(out, want, sizeof(want));
}

/* The public key as a server sends it. */
static void
pem_of(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long n;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	n = BIO_get_mem_data(bio, &data);
	buf_add(out, data, (size_t)n);
	BIO_free(bio);
}

static void
test_auth_encrypt(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	struct buf pem = {0}, out = {0};
	struct err e = {0};
	uint8_t plain[256];
	size_t n = sizeof(plain), i;

	(void)state;
	pem_of(key, &pem);
	assert_int_equal(wire_auth_encrypt("pa ss1", scramble, pem.data,
	    pem.len, &out, &e), 0);
	assert_int_equal(out.len, 256);
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
	    RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &n,
	    (const uint8_t *)out.data, out.len), 1);
	assert_int_equal(n, 7);
	for (i = 0; i < n; i++)
		plain[i] ^= scramble[i];
	assert_string_equal((char *)plain, "pa ss1");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	buf_free(&pem);
	buf_free(&out);
}

static void
bad_key(const void *pem, size_t n, const char *password, const char *want)
{
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(wire_auth_encrypt(password, scramble, pem, n, &out,
	    &e), -1);
	assert_string_equal(e.msg, want);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
test_auth_encrypt_bad_key(void **state)
{
	static const char unreadable[] = "the server's public key cannot be "
	    "read";
	EVP_PKEY *rsa = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256");
	struct buf pem = {0};
	char password[3000];

	(void)state;
	memset(password, 'x', sizeof(password));
	password[sizeof(password) - 1] = '\0';
	bad_key("", 0, "x", unreadable);
	bad_key("-----BEGIN PUBLIC KEY-----\n", 27, "x", unreadable);
	pem_of(ec, &pem);
	bad_key(pem.data, pem.len, "x", unreadable);
	buf_clear(&pem);
	pem_of(rsa, &pem);
	bad_key(pem.data, pem.len / 2, "x", unreadable);
	bad_key(pem.data, pem.len, password, "the password is too long");
	password[200] = '\0';
	bad_key(pem.data, pem.len, password, "encrypt the password with the "
	    "server's public key");
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	buf_free(&pem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auth_native),
		cmocka_unit_test(test_auth_sha2),
		cmocka_unit_test(test_auth_encrypt),
		cmocka_unit_test(test_auth_encrypt_bad_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
