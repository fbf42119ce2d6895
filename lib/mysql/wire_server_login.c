/* SPDX-License-Identifier: Apache-2.0 */
/* wire_server_login: whom the serving side lets in. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/random.h"
#include "mysql/bytes.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"
#include "mysql/wire_tls.h"

#include "mysql/wire_server_impl.h"

#define PROTOCOL 10
#define COMMAND_MAX ((size_t)16 << 20)	/* a set of very many GTIDs */
#define SSL_REQUEST 32			/* bytes */

/* No results without EOF packets, no compression: nobody needs them. */
#define CAPS (CAP_LONG_PASSWORD | CAP_LONG_FLAG | CAP_PROTOCOL_41 | \
    CAP_TRANSACTIONS | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | \
    CAP_CONNECT_ATTRS | CAP_PLUGIN_AUTH_LENENC)
#define CAPS_NEEDED (CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION)

/* A new challenge, of letters that every client takes. */
static void
challenge(struct wire_server *w)
{
	size_t i;

	random_bytes(w->scramble, sizeof(w->scramble));
	for (i = 0; i < sizeof(w->scramble); i++)
		w->scramble[i] = (uint8_t)('0' + w->scramble[i] % 64);
}

int
wire_serve_greet(struct wire_server *w, const struct wire_server_opts *o,
    struct err *e)
{
	uint32_t caps = CAPS | (o->tls != NULL ? CAP_SSL : 0);
	struct buf b = {0};

	challenge(w);
	packet_put_int(&b, PROTOCOL, 1);
	buf_add(&b, o->version, strlen(o->version) + 1);
	packet_put_int(&b, o->connection, 4);
	buf_add(&b, w->scramble, 8);
	packet_put_int(&b, 0, 1);
	packet_put_int(&b, caps & 0xffff, 2);
	packet_put_int(&b, SERVE_CHARSET, 1);
	packet_put_int(&b, SERVE_STATUS, 2);
	packet_put_int(&b, caps >> 16, 2);
	packet_put_int(&b, WIRE_SCRAMBLE + 1, 1);
	packet_put_int(&b, 0, 8);
	packet_put_int(&b, 0, 2);
	buf_add(&b, w->scramble + 8, WIRE_SCRAMBLE - 8);
	packet_put_int(&b, 0, 1);
	buf_add(&b, w->method, strlen(w->method) + 1);
	return wire_serve_send(w, &b, e);
}

/* Is this the user, and what the password answers?  Both are looked at to
 * the end, whatever is wrong. */
static bool
is_right(const struct wire_server *w, const char *user, const uint8_t *answer,
    size_t n)
{
	size_t len = strcmp(w->method, AUTH_SHA2) == 0 ? 32 : 20;
	uint8_t right[32], given[32] = {0};
	char known[sizeof(w->who)] = {0}, named[sizeof(w->who)] = {0};
	int wrong;

	if (len == 32)
		wire_auth_sha2(w->password, w->scramble, right);
	else
		wire_auth_native(w->password, w->scramble, right);
	if (n == len)
		memcpy(given, answer, len);
	(void)snprintf(known, sizeof(known), "%s", w->user);
	(void)snprintf(named, sizeof(named), "%s", user);
	wrong = n != len;
	wrong |= CRYPTO_memcmp(known, named, sizeof(known));
	wrong |= CRYPTO_memcmp(right, given, len);
	OPENSSL_cleanse(right, sizeof(right));
	return wrong == 0;
}

static int
judge(struct wire_server *w, const uint8_t *answer, size_t n, struct err *e)
{
	const uint8_t fast[] = { PACKET_MORE, AUTH_SHA2_FAST };
	char text[128];

	if (!is_right(w, w->who, answer, n)) {
		(void)snprintf(text, sizeof(text), "Access denied for user "
		    "'%s' (using password: %s)", w->who, n > 1 ? "YES" :
		    "NO");
		(void)wire_serve_error(w, 1045, "28000", text, e);
		return err_set(e, ERR_DENIED, 0, "a client with the wrong "
		    "user or password was refused");
	}
	if (strcmp(w->method, AUTH_SHA2) == 0 &&
	    wire_link_send(w->link, fast, sizeof(fast), NULL, 0, e) != 0)
		return -1;
	if (wire_serve_ok(w, e) != 0)
		return -1;
	wire_link_packet_max(w->link, COMMAND_MAX);
	wire_serve_await(w);
	return 0;
}

/* The client meant another method. */
static int
switch_method(struct wire_server *w, struct err *e)
{
	struct buf b = {0};

	challenge(w);
	packet_put_int(&b, PACKET_EOF, 1);
	buf_add(&b, w->method, strlen(w->method) + 1);
	buf_add(&b, w->scramble, sizeof(w->scramble));
	packet_put_int(&b, 0, 1);
	w->state = SERVE_SWITCHED;
	return wire_serve_send(w, &b, e);
}

static int
start_tls(struct wire_server *w, struct err *e)
{
	SSL *ssl;

	if (w->tls == NULL || wire_link_is_tls(w->link))
		return wire_serve_malformed("request for TLS", e);
	ssl = wire_tls_server(w->tls, e);
	if (ssl == NULL)
		return -1;
	wire_link_tls(w->link, ssl);
	return 0;
}

/* A request for TLS, or who the client is and what it answers. */
static int
hello(struct wire_server *w, const uint8_t *data, size_t n, struct err *e)
{
	struct bytes p = bytes_of(data, n);
	uint32_t caps = (uint32_t)bytes_le(&p, 4);
	const char *user, *method = AUTH_NATIVE;
	const uint8_t *answer;
	uint64_t len;

	(void)bytes_take(&p, SSL_REQUEST - 4);
	if (p.bad || (caps & CAPS_NEEDED) != CAPS_NEEDED)
		return wire_serve_malformed("login", e);
	if (p.left == 0 && (caps & CAP_SSL))
		return start_tls(w, e);
	if (w->tls_required && !wire_link_is_tls(w->link)) {
		(void)wire_serve_error(w, 3159, "HY000", "Connections using "
		    "insecure transport are prohibited", e);
		return err_set(e, ERR_DENIED, 0, "a client without TLS was "
		    "refused");
	}
	user = packet_string(&p);
	len = caps & CAP_PLUGIN_AUTH_LENENC ? bytes_lenenc(&p) :
	    bytes_le(&p, 1);
	answer = bytes_take(&p, len);
	if (caps & CAP_CONNECT_WITH_DB)
		(void)packet_string(&p);
	if (caps & CAP_PLUGIN_AUTH)
		method = packet_string(&p);
	if (p.bad)
		return wire_serve_malformed("login", e);
	(void)snprintf(w->who, sizeof(w->who), "%s", user);
	if (strcmp(method, w->method) != 0)
		return switch_method(w, e);
	return judge(w, answer, len, e);
}

int
wire_serve_login(struct wire_server *w, const uint8_t *data, size_t n,
    struct err *e)
{
	return w->state == SERVE_SWITCHED ? judge(w, data, n, e) :
	    hello(w, data, n, e);
}
