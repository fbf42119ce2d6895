/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_tls: OpenSSL as the two sides of the wire need it, over memory BIOs.
 *
 * What is made here is one connection's SSL object, which the caller frees
 * (wire_link does).  A client's verifies by itself as its mode says: the
 * handshake fails where the server's certificate is not what it must be.
 */
#ifndef MYSQL_WIRE_TLS_H
#define MYSQL_WIRE_TLS_H

#include <openssl/types.h>

struct err;
struct wire_opts;
struct wire_tls;

/* For a client: ssl, ssl_*, and host of *opts. ERR_USAGE for files that
 * cannot be used. */
SSL *wire_tls_client(const struct wire_opts *opts, struct err *e);

/* For the serving side. */
SSL *wire_tls_server(const struct wire_tls *t, struct err *e);

/* Record why an operation of ssl failed. ERR_DENIED: the certificate. */
int wire_tls_fail(SSL *ssl, struct err *e);

#endif /* !MYSQL_WIRE_TLS_H */
