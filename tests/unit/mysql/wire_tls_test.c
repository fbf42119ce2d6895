/* SPDX-License-Identifier: Apache-2.0 */
/* wire_tls_test: whom a client trusts, and what it says inside. */
#include "wire_peer.h"

#include <stdio.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "mysql/wire_server.h"
#include "mysql/wire_tls.h"

#define PASSWORD "pa ss1"

struct tls {
	struct wire_tls *tls;
	char file[32];		/* its certificate */
};

static int
make_tls(void **state)
{
	static struct tls t;
	struct err e = {0};
	SSL *ssl;
	FILE *f;
	int fd;

	t.tls = wire_tls_new("db1.example", &e);
	(void)snprintf(t.file, sizeof(t.file), "/tmp/wire-XXXXXX");
	fd = mkstemp(t.file);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	ssl = t.tls == NULL ? NULL : wire_tls_server(t.tls, &e);
	if (f == NULL || ssl == NULL || PEM_write_X509(f,
	    SSL_get_certificate(ssl)) != 1 || fclose(f) != 0)
		return -1;
	SSL_free(ssl);
	*state = &t;
	return 0;
}

static int
free_tls(void **state)
{
	struct tls *t = *state;

	(void)unlink(t->file);
	wire_tls_free(t->tls);
	return 0;
}

/* A server that offers TLS, and a client that takes it. */
static void
start_tls(struct peer *p, const struct tls *t, const struct wire_opts *opts)
{
	struct buf b = {0};
	struct err e = {0};

	peer_start(p, opts);
	peer_greet(p, PEER_CAPS | CAP_SSL, "9.7.0", AUTH_SHA2);
	assert_true(peer_hear(p, &b));
	assert_int_equal(b.len, 32);
	assert_true((uint8_t)b.data[1] & CAP_SSL >> 8);
	wire_link_tls(p->l, wire_tls_server(t->tls, &e));
	buf_free(&b);
}

static void
test_tls_in_every_mode(void **state)
{
	const struct tls *t = *state;
	const struct wire_opts all[] = {
		{ .ssl = CONN_SSL_PREFERRED }, { .ssl = CONN_SSL_REQUIRED },
		{ .ssl = CONN_SSL_VERIFY_CA, .ssl_ca = t->file,
		    .host = "elsewhere" },
		{ .ssl = CONN_SSL_VERIFY_IDENTITY, .ssl_ca = t->file,
		    .host = "db1.example" },
	};
	struct wire_opts o;
	struct buf b = {0};
	struct peer p;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		o = all[i];
		o.password = PASSWORD;
		start_tls(&p, t, &o);
		p.step = i == 1 ? 1 : SIZE_MAX;
		assert_true(peer_hear(&p, &b));
		assert_true(b.len > 32 && ((uint8_t)b.data[1] & CAP_SSL >> 8));
		/* The password itself may be said here. */
		peer_say(&p, "\1\4", 2);
		peer_hears(&p, PASSWORD, sizeof(PASSWORD));
		peer_entered(&p);
	}
	buf_free(&b);
}

static void
test_tls_clear_password_where_verified(void **state)
{
	struct wire_opts o = { .ssl = CONN_SSL_VERIFY_CA,
	    .password = PASSWORD };
	const struct tls *t = *state;
	struct buf b = {0};
	struct peer p;

	o.ssl_ca = t->file;
	start_tls(&p, t, &o);
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_CLEAR);
	peer_hears(&p, PASSWORD, sizeof(PASSWORD));
	peer_entered(&p);
	/* Not to whoever speaks TLS. */
	o.ssl = CONN_SSL_REQUIRED;
	start_tls(&p, t, &o);
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_CLEAR);
	peer_failed(&p, ERR_DENIED, "the server asks for the password in "
	    "clear text: refused without verified TLS");
	assert_string_equal(p.e.hint, "use --ssl-mode=VERIFY_CA or "
	    "VERIFY_IDENTITY");
	peer_stop(&p);
	buf_free(&b);
}

/* The handshake fails, and nothing was said inside. */
static void
mistrusts(const struct tls *t, const struct wire_opts *opts,
    const char *want)
{
	struct buf b = {0};
	struct peer p;

	start_tls(&p, t, opts);
	peer_failed(&p, ERR_DENIED, want);
	assert_string_equal(p.e.hint, "check --ssl-ca, and --ssl-mode");
	assert_false(peer_hear(&p, &b));
	peer_stop(&p);
	buf_free(&b);
}

static void
test_tls_mistrusts_certificates(void **state)
{
	const struct tls *t = *state;

	mistrusts(t, &(struct wire_opts){ .ssl = CONN_SSL_VERIFY_CA },
	    "TLS: the server's certificate: self-signed certificate");
	mistrusts(t, &(struct wire_opts){ .ssl = CONN_SSL_VERIFY_IDENTITY,
	    .ssl_ca = t->file, .host = "db2.example" },
	    "TLS: the server's certificate: hostname mismatch");
	mistrusts(t, &(struct wire_opts){ .ssl = CONN_SSL_VERIFY_IDENTITY,
	    .ssl_ca = t->file, .host = "127.0.0.1" },
	    "TLS: the server's certificate: IP address mismatch");
	mistrusts(t, &(struct wire_opts){ .ssl = CONN_SSL_VERIFY_IDENTITY,
	    .ssl_ca = t->file },
	    "TLS: the server's certificate: hostname mismatch");
}

static void
test_tls_needed(void **state)
{
	struct buf b = {0};
	struct peer p;
	int mode;

	(void)state;
	for (mode = CONN_SSL_REQUIRED; mode <= CONN_SSL_VERIFY_IDENTITY;
	    mode++) {
		peer_start(&p, &(struct wire_opts){
		    .ssl = (enum conn_ssl)mode, .password = PASSWORD });
		peer_greet(&p, PEER_CAPS, "9.7.0", AUTH_SHA2);
		peer_failed(&p, ERR_DENIED, "the server offers no TLS");
		assert_string_equal(p.e.hint, "give it a certificate, or use "
		    "--ssl-mode=DISABLED where the way to it is safe");
		assert_false(peer_hear(&p, &b));
		peer_stop(&p);
	}
	/* Where it is preferred, it goes without. */
	peer_start(&p, &(struct wire_opts){ .ssl = CONN_SSL_PREFERRED });
	peer_greet(&p, PEER_CAPS, "9.7.0", AUTH_SHA2);
	assert_true(peer_hear(&p, &b));
	assert_true(b.len > 32);
	peer_entered(&p);
	/* And where it is disabled, too. */
	peer_start(&p, &(struct wire_opts){ .ssl = CONN_SSL_DISABLED });
	peer_greet(&p, PEER_CAPS | CAP_SSL, "9.7.0", AUTH_SHA2);
	assert_true(peer_hear(&p, &b));
	assert_true(b.len > 32);
	peer_entered(&p);
	buf_free(&b);
}

static void
no_file(const struct wire_opts *opts, const char *want)
{
	struct peer p;

	peer_start(&p, opts);
	peer_greet(&p, PEER_CAPS | CAP_SSL, "9.7.0", AUTH_SHA2);
	peer_failed(&p, ERR_USAGE, want);
	peer_stop(&p);
}

static void
test_tls_files(void **state)
{
	const struct tls *t = *state;
	char want[128];

	no_file(&(struct wire_opts){ .ssl = CONN_SSL_VERIFY_CA,
	    .ssl_ca = "/no/ca.pem" },
	    "TLS: /no/ca.pem: No such file or directory");
	no_file(&(struct wire_opts){ .ssl = CONN_SSL_REQUIRED,
	    .ssl_cert = "/no/cert.pem" },
	    "TLS: /no/cert.pem: No such file or directory");
	/* A certificate without its key. */
	(void)snprintf(want, sizeof(want), "TLS: the key in %s: unsupported",
	    t->file);
	no_file(&(struct wire_opts){ .ssl = CONN_SSL_REQUIRED,
	    .ssl_cert = t->file }, want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_in_every_mode),
		cmocka_unit_test(test_tls_clear_password_where_verified),
		cmocka_unit_test(test_tls_mistrusts_certificates),
		cmocka_unit_test(test_tls_needed),
		cmocka_unit_test(test_tls_files),
	};

	return cmocka_run_group_tests(tests, make_tls, free_tls);
}
