/* SPDX-License-Identifier: Apache-2.0 */
/* wire_auth: what a password answers to a server's challenge. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/wire_auth.h"

#define KEY_MAX 2048		/* bytes: RSA with 16 384 bits */

/* The digest of two parts, either of which may be empty.  An answer from a
 * broken OpenSSL would be worse than none. */
static void
digest(const EVP_MD *md, const void *a, size_t an, const void *b, size_t bn,
    uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, md, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, a, an) != 1 ||
	    EVP_DigestUpdate(ctx, b, bn) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

void
wire_auth_native(const char *password, const uint8_t scramble[WIRE_SCRAMBLE],
    uint8_t out[20])
{
	uint8_t once[20], twice[20];
	size_t i;

	digest(EVP_sha1(), password, strlen(password), "", 0, once);
	digest(EVP_sha1(), once, sizeof(once), "", 0, twice);
	digest(EVP_sha1(), scramble, WIRE_SCRAMBLE, twice, sizeof(twice), out);
	for (i = 0; i < sizeof(once); i++)
		out[i] ^= once[i];
	OPENSSL_cleanse(once, sizeof(once));
	OPENSSL_cleanse(twice, sizeof(twice));
}

void
wire_auth_sha2(const char *password, const uint8_t scramble[WIRE_SCRAMBLE],
    uint8_t out[32])
{
	uint8_t once[32], twice[32];
	size_t i;

	digest(EVP_sha256(), password, strlen(password), "", 0, once);
	digest(EVP_sha256(), once, sizeof(once), "", 0, twice);
	digest(EVP_sha256(), twice, sizeof(twice), scramble, WIRE_SCRAMBLE,
	    out);
	for (i = 0; i < sizeof(once); i++)
		out[i] ^= once[i];
	OPENSSL_cleanse(once, sizeof(once));
	OPENSSL_cleanse(twice, sizeof(twice));
}

static EVP_PKEY *
read_key(const void *pem, size_t n)
{
	BIO *bio = n > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)n);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL,
	    NULL, NULL);

	BIO_free(bio);
	if (key != NULL && (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
	    EVP_PKEY_get_size(key) > KEY_MAX)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

int
wire_auth_encrypt(const char *password, const uint8_t scramble[WIRE_SCRAMBLE],
    const void *pem, size_t n, struct buf *out, struct err *e)
{
	size_t len = strlen(password) + 1, i, sealed = KEY_MAX;
	uint8_t plain[KEY_MAX], secret[KEY_MAX];
	EVP_PKEY *key = read_key(pem, n);
	EVP_PKEY_CTX *ctx = NULL;
	int rc = -1;

	if (key == NULL) {
		(void)err_set(e, ERR_CORRUPT, 0, "the server's public key "
		    "cannot be read");
		goto out;
	}
	if (len > sizeof(plain)) {
		(void)err_set(e, ERR_USAGE, 0, "the password is too long");
		goto out;
	}
	/* With its NUL, and never twice the same on the wire. */
	for (i = 0; i < len; i++)
		plain[i] = (uint8_t)password[i] ^ scramble[i % WIRE_SCRAMBLE];
	ctx = EVP_PKEY_CTX_new(key, NULL);
	if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_encrypt(ctx, secret, &sealed, plain, len) != 1) {
		(void)err_set(e, ERR_IO, 0, "encrypt the password with the "
		    "server's public key");
		goto out;
	}
	buf_add(out, secret, sealed);
	rc = buf_check(out, "password", e);

out:	OPENSSL_cleanse(plain, sizeof(plain));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
