/* SPDX-License-Identifier: Apache-2.0 */
/* wire_tls: OpenSSL as the two sides of the wire need it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/random.h"
#include "mysql/wire.h"
#include "mysql/wire_server.h"

#include "mysql/wire_tls.h"

struct wire_tls {
	SSL_CTX *ctx;
};

#define CERTIFICATE_DAYS 365

/* The first of OpenSSL's errors is the cause; the rest is forgotten. */
static int
fail(struct err *e, enum err_code code, const char *what)
{
	unsigned long number = ERR_get_error();
	const char *why = ERR_reason_error_string(number);

	ERR_clear_error();
	if (ERR_SYSTEM_ERROR(number))
		return err_set(e, code, ERR_GET_REASON(number), "%s", what);
	return err_set(e, code, 0, "%s: %s", what, why != NULL ? why :
	    "OpenSSL does not say why");
}

int
wire_tls_fail(SSL *ssl, struct err *e)
{
	long verified = SSL_get_verify_result(ssl);

	if (verified == X509_V_OK)
		return fail(e, ERR_IO, "TLS");
	ERR_clear_error();
	(void)err_set(e, ERR_DENIED, 0, "TLS: the server's certificate: %s",
	    X509_verify_cert_error_string(verified));
	return err_hint(e, "check --ssl-ca, and --ssl-mode");
}

static SSL_CTX *
new_ctx(const SSL_METHOD *method, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx,
	    TLS1_2_VERSION) != 1) {
		(void)fail(e, ERR_NOMEM, "TLS");
		SSL_CTX_free(ctx);
		return NULL;
	}
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	return ctx;
}

/* One connection's SSL, with memory where a socket would be. */
static SSL *
new_ssl(SSL_CTX *ctx, struct err *e)
{
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (ssl == NULL || in == NULL || out == NULL) {
		BIO_free(in);
		BIO_free(out);
		SSL_free(ssl);
		(void)fail(e, ERR_NOMEM, "TLS");
		return NULL;
	}
	SSL_set_bio(ssl, in, out);
	return ssl;
}

/* --- the client --- */

static int
load_trust(SSL_CTX *ctx, const struct wire_opts *o, struct err *e)
{
	char what[300];

	if (o->ssl_ca == NULL && o->ssl_capath == NULL)
		return SSL_CTX_set_default_verify_paths(ctx) == 1 ? 0 :
		    fail(e, ERR_USAGE, "TLS: the system's certificates");
	(void)snprintf(what, sizeof(what), "TLS: %s", o->ssl_ca != NULL ?
	    o->ssl_ca : o->ssl_capath);
	return SSL_CTX_load_verify_locations(ctx, o->ssl_ca,
	    o->ssl_capath) == 1 ? 0 : fail(e, ERR_USAGE, what);
}

/* Our own certificate, for accounts with REQUIRE X509.  The key may be in
 * the same file. */
static int
load_own(SSL_CTX *ctx, const struct wire_opts *o, struct err *e)
{
	const char *key = o->ssl_key != NULL ? o->ssl_key : o->ssl_cert;
	char what[300];

	if (o->ssl_cert == NULL)
		return 0;
	(void)snprintf(what, sizeof(what), "TLS: %s", o->ssl_cert);
	if (SSL_CTX_use_certificate_chain_file(ctx, o->ssl_cert) != 1)
		return fail(e, ERR_USAGE, what);
	(void)snprintf(what, sizeof(what), "TLS: the key in %s", key);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return fail(e, ERR_USAGE, what);
	return 0;
}

/* Whose certificate it must be. */
static int
expect_name(SSL *ssl, const char *host, struct err *e)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (host == NULL || host[0] == '\0')
		host = "localhost";
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return 0;
	ERR_clear_error();
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 ? 0 : fail(e, ERR_NOMEM, "TLS");
}

SSL *
wire_tls_client(const struct wire_opts *o, struct err *e)
{
	SSL_CTX *ctx = new_ctx(TLS_client_method(), e);
	SSL *ssl = NULL;

	assert(o->ssl >= CONN_SSL_PREFERRED);
	if (ctx == NULL)
		return NULL;
	if (load_own(ctx, o, e) != 0)
		goto out;
	if (o->ssl >= CONN_SSL_VERIFY_CA && load_trust(ctx, o, e) != 0)
		goto out;
	SSL_CTX_set_verify(ctx, o->ssl >= CONN_SSL_VERIFY_CA ?
	    SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	ssl = new_ssl(ctx, e);
	if (ssl == NULL)
		goto out;
	SSL_set_connect_state(ssl);
	if (o->ssl == CONN_SSL_VERIFY_IDENTITY &&
	    expect_name(ssl, o->host, e) != 0) {
		SSL_free(ssl);
		ssl = NULL;
	}

	/* What is in use lives on with the connection. */
out:	SSL_CTX_free(ctx);
	return ssl;
}

/* --- the serving side --- */

static int
add_names(X509 *cert, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	uint8_t serial[16];
	BIGNUM *number;
	int ok;

	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number,
	    X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return ok && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, subject) == 1;
}

/* A certificate for key, by itself. */
static X509 *
certify(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();

	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    !add_names(cert, name) ||
	    /* Clocks differ: it holds since yesterday. */
	    X509_gmtime_adj(X509_getm_notBefore(cert), -86400L) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(cert),
	    86400L * CERTIFICATE_DAYS) == NULL ||
	    X509_set_pubkey(cert, key) != 1 ||
	    X509_sign(cert, key, EVP_sha256()) == 0) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

struct wire_tls *
wire_tls_new(const char *name, struct err *e)
{
	struct wire_tls *t = calloc(1, sizeof(*t));
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int done = 0;

	if (t == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "TLS");
		return NULL;
	}
	t->ctx = new_ctx(TLS_server_method(), e);
	if (t->ctx == NULL)
		goto out;
	/* No sessions to resume: each connection proves itself anew. */
	(void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(t->ctx, 0);
	key = EVP_EC_gen("P-256");
	cert = key == NULL ? NULL : certify(key, name);
	done = cert != NULL && SSL_CTX_use_certificate(t->ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(t->ctx, key) == 1;
	if (!done)
		(void)fail(e, ERR_IO, "TLS: make a key and a certificate");

out:	X509_free(cert);
	EVP_PKEY_free(key);
	if (!done) {
		wire_tls_free(t);
		t = NULL;
	}
	return t;
}

void
wire_tls_free(struct wire_tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

SSL *
wire_tls_server(const struct wire_tls *t, struct err *e)
{
	SSL *ssl = new_ssl(t->ctx, e);

	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}
