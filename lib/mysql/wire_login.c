/* SPDX-License-Identifier: Apache-2.0 */
/* wire_login: how a client comes in, and to whom it says what. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mysql/bytes.h"
#include "mysql/server_error.h"
#include "mysql/wire_link.h"
#include "mysql/wire_packet.h"
#include "mysql/wire_tls.h"

#include "mysql/wire_impl.h"

#define PROTOCOL 10
#define CHARSET_UTF8MB4 45
#define PACKET_MAX (1u << 30)
#define CAPS_NEEDED (CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | \
    CAP_PLUGIN_AUTH)
/* Not announced, so that a server may not use them: LOCAL INFILE, more than
 * one result, results without EOF packets, compression. */
#define CAPS_ASKED (CAPS_NEEDED | CAP_LONG_PASSWORD | CAP_LONG_FLAG | \
    CAP_TRANSACTIONS | CAP_CONNECT_ATTRS | CAP_PLUGIN_AUTH_LENENC)

struct greeting {
	uint32_t caps;
	const char *version;
	uint32_t id;
	uint8_t scramble[WIRE_SCRAMBLE];
	char method[32];
};

static int
malformed(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, 0, "the server sent a malformed %s",
	    what);
}

/* --- the greeting --- */

static int
read_greeting(const uint8_t *data, size_t n, struct greeting *g,
    struct err *e)
{
	struct bytes p = bytes_of(data, n);
	unsigned protocol = (unsigned)bytes_le(&p, 1);
	const uint8_t *part;

	if (p.bad || protocol != PROTOCOL)
		return err_set(e, ERR_CORRUPT, 0, "this is no MySQL server "
		    "(protocol %u)", protocol);
	g->version = packet_string(&p);
	g->id = (uint32_t)bytes_le(&p, 4);
	part = bytes_take(&p, 8);
	if (part != NULL)
		memcpy(g->scramble, part, 8);
	(void)bytes_le(&p, 1);
	g->caps = (uint32_t)bytes_le(&p, 2);
	(void)bytes_le(&p, 3);		/* charset, status */
	g->caps |= (uint32_t)bytes_le(&p, 2) << 16;
	if (p.bad)
		return malformed(e, "greeting");
	if ((g->caps & CAPS_NEEDED) != CAPS_NEEDED)
		return err_set(e, ERR_IO, 0, "the server is too old: %.64s",
		    g->version);
	/* Length of the challenge (21), reserve, its second part. */
	(void)bytes_take(&p, 11);
	part = bytes_take(&p, WIRE_SCRAMBLE - 8 + 1);
	if (part == NULL)
		return malformed(e, "greeting");
	memcpy(g->scramble + 8, part, WIRE_SCRAMBLE - 8);
	/* Some servers leave its NUL out. */
	(void)snprintf(g->method, sizeof(g->method), "%.*s",
	    (int)p.left, (const char *)p.at);
	return 0;
}

/* --- what a password says to a challenge --- */

/* The first answer to the method in use, into *out. */
static int
first_answer(struct wire *w, struct buf *out, struct err *e)
{
	const char *password = w->opts.password;
	const struct wire_login *l = &w->login;
	uint8_t answer[32];

	if (strcmp(l->method, AUTH_NATIVE) == 0) {
		wire_auth_native(password, l->scramble, answer);
		buf_add(out, answer, password[0] != '\0' ? 20 : 0);
	} else if (strcmp(l->method, AUTH_SHA2) == 0) {
		wire_auth_sha2(password, l->scramble, answer);
		/* No password is a NUL. */
		if (password[0] != '\0')
			buf_add(out, answer, 32);
		else
			buf_addc(out, '\0');
	} else if (strcmp(l->method, AUTH_CLEAR) != 0) {
		return err_set(e, ERR_DENIED, 0, "the account's "
		    "authentication plugin %s is not supported", l->method);
	} else if (w->opts.ssl < CONN_SSL_VERIFY_CA ||
	    !wire_link_is_tls(w->link)) {
		(void)err_set(e, ERR_DENIED, 0, "the server asks for the "
		    "password in clear text: refused without verified TLS");
		return err_hint(e, "use --ssl-mode=VERIFY_CA or "
		    "VERIFY_IDENTITY");
	} else {
		buf_add(out, password, strlen(password) + 1);
	}
	return buf_check(out, "login", e);
}

static int
send_answer(struct wire *w, struct buf *answer, struct err *e)
{
	int rc = wire_link_send(w->link, answer->data, answer->len, NULL, 0,
	    e);

	if (answer->data != NULL)
		OPENSSL_cleanse(answer->data, answer->len);
	buf_free(answer);
	return rc;
}

/* --- our response --- */

static void
put_caps(struct buf *b, uint32_t caps)
{
	packet_put_int(b, caps, 4);
	packet_put_int(b, PACKET_MAX, 4);
	packet_put_int(b, CHARSET_UTF8MB4, 1);
	packet_put_int(b, 0, 8);
	packet_put_int(b, 0, 8);
	packet_put_int(b, 0, 7);
}

static void
put_attributes(struct buf *b, const struct wire_opts *o)
{
	struct buf attrs = {0};

	packet_put_string(&attrs, "_client_name");
	packet_put_string(&attrs, "kura");
	packet_put_string(&attrs, "program_name");
	packet_put_string(&attrs, o->program != NULL ? o->program : "kura");
	packet_put_lenenc(b, attrs.len);
	buf_add(b, attrs.data, attrs.len);
	b->failed |= attrs.failed;
	buf_free(&attrs);
}

static int
send_response(struct wire *w, uint32_t caps, struct err *e)
{
	struct buf answer = {0}, b = {0};
	int rc = first_answer(w, &answer, e);

	if (rc == 0) {
		put_caps(&b, caps);
		buf_add(&b, w->opts.user, strlen(w->opts.user) + 1);
		/* Below 251 bytes the two forms are one. */
		packet_put_lenenc(&b, answer.len);
		buf_add(&b, answer.data, answer.len);
		buf_add(&b, w->login.method, strlen(w->login.method) + 1);
		if (caps & CAP_CONNECT_ATTRS)
			put_attributes(&b, &w->opts);
		rc = buf_check(&b, "login", e);
	}
	buf_free(&answer);
	if (rc == 0)
		return send_answer(w, &b, e);
	buf_free(&b);
	return -1;
}

/* Ask for TLS and begin it: nothing else is said before. */
static int
start_tls(struct wire *w, uint32_t caps, struct err *e)
{
	struct buf b = {0};
	SSL *ssl;

	put_caps(&b, caps | CAP_SSL);
	if (buf_check(&b, "login", e) != 0 || send_answer(w, &b, e) != 0)
		return -1;
	ssl = wire_tls_client(&w->opts, e);
	if (ssl == NULL)
		return -1;
	wire_link_tls(w->link, ssl);
	return 0;
}

static int
greet(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	struct wire_login *l = &w->login;
	struct greeting g = {0};
	uint32_t caps;

	if (read_greeting(data, n, &g, e) != 0)
		return -1;
	/* MariaDB before 11 hides behind a prefix. */
	(void)snprintf(w->version, sizeof(w->version), "%s",
	    strncmp(g.version, "5.5.5-", 6) == 0 ? g.version + 6 : g.version);
	w->id = g.id;
	memcpy(l->scramble, g.scramble, sizeof(l->scramble));
	/* A server's default method is not yet the account's: of those that
	 * need more trust nothing is said before they are asked for. */
	(void)snprintf(l->method, sizeof(l->method), "%s",
	    strcmp(g.method, AUTH_SHA2) == 0 ? AUTH_SHA2 : AUTH_NATIVE);
	caps = CAPS_ASKED & g.caps;
	if (w->opts.ssl >= CONN_SSL_REQUIRED && !(g.caps & CAP_SSL)) {
		(void)err_set(e, ERR_DENIED, 0, "the server offers no TLS");
		return err_hint(e, "give it a certificate, or use "
		    "--ssl-mode=DISABLED where the way to it is safe");
	}
	if (w->opts.ssl >= CONN_SSL_PREFERRED && (g.caps & CAP_SSL)) {
		if (start_tls(w, caps, e) != 0)
			return -1;
		caps |= CAP_SSL;
	}
	l->phase = LOGIN_ANSWER;
	return send_response(w, caps, e);
}

/* --- what the server says to it --- */

/* Another method, and its challenge. */
static int
change_method(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	struct bytes p = bytes_of(data, n);
	struct wire_login *l = &w->login;
	struct buf answer = {0};
	const uint8_t *scramble;
	const char *method;

	(void)bytes_le(&p, 1);
	method = n == 1 ? "mysql_old_password" : packet_string(&p);
	if (method == NULL || l->switched)
		return malformed(e, "AuthSwitchRequest");
	l->switched = true;
	(void)snprintf(l->method, sizeof(l->method), "%s", method);
	if (strcmp(l->method, AUTH_NATIVE) == 0 ||
	    strcmp(l->method, AUTH_SHA2) == 0) {
		scramble = bytes_take(&p, WIRE_SCRAMBLE);
		if (scramble == NULL)
			return malformed(e, "AuthSwitchRequest");
		memcpy(l->scramble, scramble, WIRE_SCRAMBLE);
	}
	if (first_answer(w, &answer, e) != 0) {
		buf_free(&answer);
		return -1;
	}
	l->phase = strcmp(l->method, AUTH_SHA2) == 0 ? LOGIN_ANSWER :
	    LOGIN_END;
	return send_answer(w, &answer, e);
}

/* caching_sha2_password does not know our password yet: it gets the password
 * itself over TLS or a Unix socket, else encrypted with the server's key. */
static int
full_answer(struct wire *w, struct err *e)
{
	struct buf answer = {0};

	if (wire_link_is_tls(w->link) || w->opts.secure) {
		buf_add(&answer, w->opts.password,
		    strlen(w->opts.password) + 1);
		w->login.phase = LOGIN_END;
	} else {
		buf_addc(&answer, AUTH_SHA2_KEY);
		w->login.phase = LOGIN_KEY;
	}
	if (buf_check(&answer, "login", e) != 0) {
		buf_free(&answer);
		return -1;
	}
	return send_answer(w, &answer, e);
}

static int
more(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	struct wire_login *l = &w->login;
	struct buf answer = {0};

	if (l->phase == LOGIN_KEY) {
		l->phase = LOGIN_END;
		if (wire_auth_encrypt(w->opts.password, l->scramble, data + 1,
		    n - 1, &answer, e) == 0)
			return send_answer(w, &answer, e);
		buf_free(&answer);
		return -1;
	}
	if (l->phase == LOGIN_ANSWER && n == 2 &&
	    strcmp(l->method, AUTH_SHA2) == 0) {
		if (data[1] == AUTH_SHA2_FULL)
			return full_answer(w, e);
		if (data[1] == AUTH_SHA2_FAST) {
			l->phase = LOGIN_END;
			return 0;
		}
	}
	return malformed(e, "packet during login");
}

static int
refused(struct wire *w, const uint8_t *data, size_t n, struct err *e)
{
	if (wire_take_error(w, data, n, e) != 0)
		return -1;
	(void)wire_server_words(w, e);
	if (e->code == ERR_DENIED)
		(void)err_hint(e, "check --user and the password file or "
		    "option file");
	return -1;
}

int
wire_login_packet(struct wire *w, const uint8_t *data, size_t n,
    struct err *e)
{
	if (data[0] == PACKET_ERR)
		return refused(w, data, n, e);
	if (w->login.phase == LOGIN_GREETING)
		return greet(w, data, n, e);
	if (data[0] == PACKET_OK && w->login.phase != LOGIN_KEY)
		return 1;
	if (data[0] == PACKET_EOF && w->login.phase == LOGIN_ANSWER)
		return change_method(w, data, n, e);
	if (data[0] == PACKET_MORE)
		return more(w, data, n, e);
	return malformed(e, "packet during login");
}
