/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_auth: what a password answers to a server's challenge.  The serving
 * side, which knows the password too, computes the same and compares.
 *
 * Sources: MySQL's documentation of mysql_native_password and of
 * caching_sha2_password.
 */
#ifndef MYSQL_WIRE_AUTH_H
#define MYSQL_WIRE_AUTH_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define WIRE_SCRAMBLE 20	/* bytes of a challenge */

#define AUTH_NATIVE	"mysql_native_password"
#define AUTH_SHA2	"caching_sha2_password"
#define AUTH_CLEAR	"mysql_clear_password"

#define AUTH_SHA2_KEY	2	/* we ask for the server's public key */
#define AUTH_SHA2_FAST	3	/* the answer was right; OK follows */
#define AUTH_SHA2_FULL	4	/* the password itself is wanted */

/* SHA1(password) XOR SHA1(scramble + SHA1(SHA1(password))). */
void wire_auth_native(const char *password,
    const uint8_t scramble[WIRE_SCRAMBLE], uint8_t out[20]);

/* SHA256(password) XOR SHA256(SHA256(SHA256(password)) + scramble). */
void wire_auth_sha2(const char *password, const uint8_t scramble[WIRE_SCRAMBLE],
    uint8_t out[32]);

/* The password, for the holder of a public key (n bytes of PEM) alone,
 * appended to *out.  The key is as trustworthy as the way it came. */
int wire_auth_encrypt(const char *password,
    const uint8_t scramble[WIRE_SCRAMBLE], const void *pem, size_t n,
    struct buf *out, struct err *e);

#endif /* !MYSQL_WIRE_AUTH_H */
