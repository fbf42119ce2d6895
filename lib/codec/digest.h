/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: SHA-256 and MD5 of bytes, and the order-free digest of rows.
 *
 * The table digest (DESIGN, "Decisions"): the sum modulo 2^128 of XXH3-128
 * (seed 0) of each row's TSV line with its LF; high64 * 2^64 + low64.
 */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sha256;

#define SHA256_SIZE 32
#define SHA256_HEX 65		/* hex digits and NUL */
#define MD5_SIZE 16
#define ROWSUM_HEX 33

/* Streaming SHA-256.  Life cycle: new; add...; finish; free. new/finish can
 * fail only for lack of memory or a broken OpenSSL: NULL / abort. */
struct sha256 *sha256_new(struct err *e);
void sha256_add(struct sha256 *h, const void *data, size_t n);
/* Writes the digest and starts over for the next message. */
void sha256_finish(struct sha256 *h, uint8_t out[SHA256_SIZE]);
void sha256_free(struct sha256 *h);

/* One-shot forms. */
void sha256_of(const void *data, size_t n, uint8_t out[SHA256_SIZE]);
void md5_of(const void *data, size_t n, uint8_t out[MD5_SIZE]);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t n,
    uint8_t out[SHA256_SIZE]);

/* Lower-case hex of n bytes and a NUL into out[2 * n + 1]; and back: 0, or -1
 * when text is not exactly 2 * n hex digits. */
void hex_encode(const uint8_t *bytes, size_t n, char *out);
int hex_decode(const char *text, uint8_t *bytes, size_t n);

/* Standard base64 with padding: encode writes 4 * ((n + 2) / 3) + 1 bytes;
 * decode returns the length, or -1 (out has room for strlen/4*3 bytes). */
void base64_encode(const void *bytes, size_t n, char *out);
long base64_decode(const char *text, void *out);

/* Sum of row hashes; {0} is the sum of no rows. */
struct rowsum {
	uint64_t high, low;
};

/* Add one row (its TSV line with LF). */
void rowsum_add_row(struct rowsum *s, const void *line, size_t n);
/* Add another sum (addition modulo 2^128). */
void rowsum_add(struct rowsum *s, const struct rowsum *other);
bool rowsum_equal(const struct rowsum *a, const struct rowsum *b);
/* 32 hex digits, most significant first; and back, 0 or -1. */
void rowsum_hex(const struct rowsum *s, char out[ROWSUM_HEX]);
int rowsum_parse(const char *text, struct rowsum *s);

/* XXH3-64, seed 0: the cut rule's hash of the key columns. */
uint64_t xxh3_64(const void *data, size_t n);

#endif /* !CODEC_DIGEST_H */
