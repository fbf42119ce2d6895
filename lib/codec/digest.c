/* SPDX-License-Identifier: Apache-2.0 */
/* digest: SHA-256 and MD5 of bytes, and the order-free digest of rows. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/err.h"

#include "codec/digest.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

/* Digests of a broken OpenSSL would be worse than none. */
static void
must(int ok)
{
	if (ok != 1)
		abort();
}

struct sha256 *
sha256_new(struct err *e)
{
	struct sha256 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		goto err0;
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL)
		goto err1;
	must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
	return h;

err1:	free(h);
err0:	(void)err_set(e, ERR_NOMEM, 0, "SHA-256");
	return NULL;
}

void
sha256_add(struct sha256 *h, const void *data, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, data, n));
}

void
sha256_finish(struct sha256 *h, uint8_t out[SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL));
	must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
}

void
sha256_free(struct sha256 *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void
sha256_of(const void *data, size_t n, uint8_t out[SHA256_SIZE])
{
	must(EVP_Digest(data, n, out, NULL, EVP_sha256(), NULL));
}

void
md5_of(const void *data, size_t n, uint8_t out[MD5_SIZE])
{
	/* "-fips": Content-MD5 is no security here, and a FIPS provider
	 * refuses it otherwise. */
	EVP_MD *md = EVP_MD_fetch(NULL, "MD5", "-fips");

	if (md == NULL)
		abort();
	must(EVP_Digest(data, n, out, NULL, md, NULL));
	EVP_MD_free(md);
}

void
hmac_sha256(const void *key, size_t key_len, const void *data, size_t n,
    uint8_t out[SHA256_SIZE])
{
	if (HMAC(EVP_sha256(), key, (int)key_len, data, n, out, NULL) == NULL)
		abort();
}

void
hex_encode(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
hex_decode(const char *text, uint8_t *bytes, size_t n)
{
	int high, low;
	size_t i;

	if (strlen(text) != 2 * n)
		return -1;
	for (i = 0; i < n; i++) {
		high = nibble(text[2 * i]);
		low = nibble(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void
base64_encode(const void *bytes, size_t n, char *out)
{
	(void)EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
	if (n == 0)
		out[0] = '\0';
}

long
base64_decode(const char *text, void *out)
{
	size_t n = strlen(text), digits = strcspn(text, "=");
	int got;

	if (n % 4 != 0 || n > (size_t)1 << 30)
		return -1;
	if (n == 0)
		return 0;
	/* EVP_DecodeBlock itself takes blanks, and padding anywhere. */
	if (n - digits > 2 || strspn(text + digits, "=") != n - digits ||
	    strcspn(text, " \t\r\n") != n)
		return -1;
	got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
	if (got < 0)
		return -1;
	/* EVP_DecodeBlock counts the padding as bytes. */
	if (text[n - 1] == '=')
		got--;
	if (text[n - 2] == '=')
		got--;
	return got;
}

void
rowsum_add_row(struct rowsum *s, const void *line, size_t n)
{
	XXH128_hash_t h = XXH3_128bits(line, n);
	struct rowsum one = { h.high64, h.low64 };

	rowsum_add(s, &one);
}

void
rowsum_add(struct rowsum *s, const struct rowsum *other)
{
	uint64_t low = s->low + other->low;

	s->high += other->high + (low < s->low);
	s->low = low;
}

bool
rowsum_equal(const struct rowsum *a, const struct rowsum *b)
{
	return a->high == b->high && a->low == b->low;
}

static void
big_endian(uint64_t v, uint8_t out[8])
{
	int i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
}

void
rowsum_hex(const struct rowsum *s, char out[ROWSUM_HEX])
{
	uint8_t bytes[16];

	big_endian(s->high, bytes);
	big_endian(s->low, bytes + 8);
	hex_encode(bytes, sizeof(bytes), out);
}

int
rowsum_parse(const char *text, struct rowsum *s)
{
	uint8_t bytes[16];
	int i;

	if (hex_decode(text, bytes, sizeof(bytes)) != 0)
		return -1;
	*s = (struct rowsum){0};
	for (i = 0; i < 8; i++) {
		s->high = s->high << 8 | bytes[i];
		s->low = s->low << 8 | bytes[8 + i];
	}
	return 0;
}

uint64_t
xxh3_64(const void *data, size_t n)
{
	return XXH3_64bits(data, n);
}
