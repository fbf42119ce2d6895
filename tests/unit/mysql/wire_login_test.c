/* SPDX-License-Identifier: Apache-2.0 */
/* wire_login_test: every way in, and what is said to whom. */
#include "wire_peer.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "mysql/bytes.h"

#define PASSWORD "pa ss1"

static const uint8_t scramble[] = PEER_SCRAMBLE;

/* The parts of a client's response. */
struct response {
	uint32_t caps, packet;
	char user[32], method[32];
	uint8_t answer[64];
	size_t answer_len;
	struct buf attributes;
};

static void
hear_response(struct peer *p, struct response *r)
{
	const char *text;
	struct buf b = {0};
	struct bytes at;
	uint64_t n;

	*r = (struct response){0};
	assert_true(peer_hear(p, &b));
	at = bytes_of(b.data, b.len);
	r->caps = (uint32_t)bytes_le(&at, 4);
	r->packet = (uint32_t)bytes_le(&at, 4);
	(void)bytes_take(&at, 24);
	text = packet_string(&at);
	(void)snprintf(r->user, sizeof(r->user), "%s", text);
	r->answer_len = bytes_lenenc(&at);
	assert_true(r->answer_len <= sizeof(r->answer));
	memcpy(r->answer, bytes_take(&at, r->answer_len), r->answer_len);
	text = packet_string(&at);
	(void)snprintf(r->method, sizeof(r->method), "%s", text);
	if (at.left > 0) {
		n = bytes_lenenc(&at);
		assert_int_equal(n, at.left);
		buf_add(&r->attributes, at.at, at.left);
	}
	assert_false(at.bad);
	buf_free(&b);
}

static void
start(struct peer *p, const char *method, const char *password)
{
	peer_start(p, &(struct wire_opts){ .password = password });
	peer_greet(p, PEER_CAPS, "9.7.0", method);
}

/* Greet with a method, and the answer must be these bytes by that method. */
static void
first(struct peer *p, const char *greeted, const char *password,
    const char *method, const void *answer, size_t n)
{
	struct response r;

	start(p, greeted, password);
	hear_response(p, &r);
	assert_string_equal(r.method, method);
	assert_int_equal(r.answer_len, n);
	assert_memory_equal(r.answer, answer, n);
	buf_free(&r.attributes);
}

static void
test_login_says_who_and_what(void **state)
{
	const uint32_t never = 1u << 7 | 1u << 5 | 1u << 16 | 1u << 17 |
	    1u << 24 | 1u << 26 | CAP_SSL;
	struct response r;
	struct peer p;

	(void)state;
	peer_start(&p, &(struct wire_opts){ .user = "archiver",
	    .password = PASSWORD, .program = "backupd" });
	p.step = 1;
	peer_greet(&p, PEER_CAPS, "5.5.5-10.11.6-MariaDB-log", AUTH_NATIVE);
	hear_response(&p, &r);
	assert_string_equal(r.user, "archiver");
	assert_int_equal(r.packet, 1 << 30);
	/* Neither files, compression, results after results, nor an end of
	 * EOF packets. */
	assert_int_equal(r.caps & never, 0);
	assert_int_equal(r.attributes.len, 39);
	assert_memory_equal(r.attributes.data, "\14_client_name\4kura"
	    "\14program_name\7backupd", 39);
	buf_free(&r.attributes);
	peer_ok(&p);
	assert_int_equal(peer_next(&p), WIRE_READY);
	assert_string_equal(wire_version(p.w), "10.11.6-MariaDB-log");
	assert_int_equal(wire_id(p.w), 77);
	peer_stop(&p);
	/* Attributes only for servers that take them. */
	peer_start(&p, &(struct wire_opts){ .password = PASSWORD });
	peer_greet(&p, PEER_CAPS & ~CAP_CONNECT_ATTRS, "8.0.1", AUTH_SHA2);
	hear_response(&p, &r);
	assert_int_equal(r.attributes.len, 0);
	peer_entered(&p);
}

static void
test_login_native(void **state)
{
	struct peer p;
	uint8_t answer[20];

	(void)state;
	wire_auth_native(PASSWORD, scramble, answer);
	first(&p, AUTH_NATIVE, PASSWORD, AUTH_NATIVE, answer, 20);
	peer_entered(&p);
	first(&p, AUTH_NATIVE, "", AUTH_NATIVE, "", 0);
	peer_entered(&p);
	/* A default that we have not, or would not use so lightly. */
	first(&p, "dialog", PASSWORD, AUTH_NATIVE, answer, 20);
	peer_entered(&p);
	first(&p, AUTH_CLEAR, PASSWORD, AUTH_NATIVE, answer, 20);
	peer_error(&p, 1045, "#28000Access denied for user 'me'@'here'");
	peer_failed(&p, ERR_DENIED, "server error 1045: Access denied for "
	    "user 'me'@'here'");
	assert_int_equal(p.e.sys, 1045);
	assert_string_equal(p.e.hint, "check --user and the password file or "
	    "option file");
	peer_stop(&p);
}

static void
test_login_sha2_fast(void **state)
{
	struct peer p;
	uint8_t answer[32];

	(void)state;
	wire_auth_sha2(PASSWORD, scramble, answer);
	first(&p, AUTH_SHA2, PASSWORD, AUTH_SHA2, answer, 32);
	peer_say(&p, "\1\3", 2);
	assert_int_equal(peer_next(&p), WIRE_WAIT);
	peer_entered(&p);
	first(&p, AUTH_SHA2, "", AUTH_SHA2, "", 1);
	peer_entered(&p);
}

static void
test_login_sha2_full_on_a_socket(void **state)
{
	struct buf b = {0};
	struct peer p;

	(void)state;
	peer_start(&p, &(struct wire_opts){ .password = PASSWORD,
	    .secure = true });
	peer_greet(&p, PEER_CAPS, "9.7.0", AUTH_SHA2);
	assert_true(peer_hear(&p, &b));
	peer_say(&p, "\1\4", 2);
	peer_hears(&p, PASSWORD, sizeof(PASSWORD));
	peer_entered(&p);
	buf_free(&b);
}

/* The password, as the holder of the key reads it. */
static void
decrypt(EVP_PKEY *key, const struct buf *sealed, const uint8_t *with)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t plain[256];
	size_t n = sizeof(plain), i;

	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
	    RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &n,
	    (const uint8_t *)sealed->data, sealed->len), 1);
	for (i = 0; i < n; i++)
		plain[i] ^= with[i % WIRE_SCRAMBLE];
	assert_int_equal(n, sizeof(PASSWORD));
	assert_string_equal((char *)plain, PASSWORD);
	EVP_PKEY_CTX_free(ctx);
}

static void
test_login_sha2_full_with_a_key(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *bio = BIO_new(BIO_s_mem());
	struct buf b = {0};
	struct peer p;
	char *pem;
	long n;

	(void)state;
	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	n = BIO_get_mem_data(bio, &pem);
	start(&p, AUTH_SHA2, PASSWORD);
	p.step = 1;
	assert_true(peer_hear(&p, &b));
	peer_say(&p, "\1\4", 2);
	peer_hears(&p, "\2", 1);
	buf_clear(&b);
	buf_addc(&b, 1);
	buf_add(&b, pem, (size_t)n);
	peer_say(&p, b.data, b.len);
	assert_true(peer_hear(&p, &b));
	decrypt(key, &b, scramble);
	peer_entered(&p);

	/* What is no key gets nothing. */
	start(&p, AUTH_SHA2, PASSWORD);
	assert_true(peer_hear(&p, &b));
	peer_say(&p, "\1\4", 2);
	peer_hears(&p, "\2", 1);
	peer_say(&p, "\1no key", 7);
	peer_failed(&p, ERR_CORRUPT, "the server's public key cannot be read");
	assert_false(peer_hear(&p, &b));
	peer_stop(&p);
	BIO_free(bio);
	EVP_PKEY_free(key);
	buf_free(&b);
}

static void
test_login_changes_method(void **state)
{
	struct peer p;
	struct buf b = {0};
	uint8_t answer[32];

	(void)state;
	start(&p, AUTH_SHA2, PASSWORD);
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_NATIVE);
	wire_auth_native(PASSWORD, peer_other, answer);
	peer_hears(&p, answer, 20);
	peer_entered(&p);

	start(&p, AUTH_NATIVE, PASSWORD);
	p.step = 1;
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_SHA2);
	wire_auth_sha2(PASSWORD, peer_other, answer);
	peer_hears(&p, answer, 32);
	peer_say(&p, "\1\3", 2);
	peer_entered(&p);

	/* An answer without a byte is a packet too. */
	start(&p, AUTH_SHA2, "");
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_NATIVE);
	peer_hears(&p, "", 0);
	peer_entered(&p);
	buf_free(&b);
}

/* After the response, this packet ends it all. */
static void
breaks(const void *packet, size_t n, enum err_code code, const char *want)
{
	struct buf b = {0};
	struct peer p;

	start(&p, AUTH_SHA2, PASSWORD);
	assert_true(peer_hear(&p, &b));
	peer_say(&p, packet, n);
	peer_failed(&p, code, want);
	assert_false(peer_hear(&p, &b));
	peer_stop(&p);
	buf_free(&b);
}

static void
test_login_refuses_methods(void **state)
{
	(void)state;
	breaks("\xfe" AUTH_CLEAR "\0", 22, ERR_DENIED, "the server asks for "
	    "the password in clear text: refused without verified TLS");
	breaks("\xfe" "client_ed25519\0abc", 19, ERR_DENIED, "the account's "
	    "authentication plugin client_ed25519 is not supported");
	breaks("\xfe", 1, ERR_DENIED, "the account's authentication plugin "
	    "mysql_old_password is not supported");
}

static void
test_login_malformed(void **state)
{
	static const char what[] = "the server sent a malformed packet "
	    "during login";
	struct buf b = {0};
	struct peer p;

	(void)state;
	breaks("", 0, ERR_CORRUPT, "the server sent a malformed packet: it "
	    "is empty");
	breaks("\1", 1, ERR_CORRUPT, what);
	breaks("\1\5", 2, ERR_CORRUPT, what);
	breaks("\1\3x", 3, ERR_CORRUPT, what);
	breaks("\x0c", 1, ERR_CORRUPT, what);
	breaks("\xfb/etc/passwd", 12, ERR_CORRUPT, what);
	breaks("\xff\1", 2, ERR_CORRUPT, "the server sent a malformed error");
	breaks("\xfe" AUTH_NATIVE, 22, ERR_CORRUPT,
	    "the server sent a malformed AuthSwitchRequest");
	breaks("\xfe" AUTH_SHA2 "\0short", 28, ERR_CORRUPT,
	    "the server sent a malformed AuthSwitchRequest");
	/* Neither a second change nor a key that nobody asked for. */
	start(&p, AUTH_NATIVE, PASSWORD);
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_SHA2);
	assert_true(peer_hear(&p, &b));
	peer_change(&p, AUTH_NATIVE);
	peer_failed(&p, ERR_CORRUPT,
	    "the server sent a malformed AuthSwitchRequest");
	peer_stop(&p);
	start(&p, AUTH_SHA2, PASSWORD);
	assert_true(peer_hear(&p, &b));
	peer_say(&p, "\1\3", 2);
	peer_say(&p, "\1\4", 2);
	peer_failed(&p, ERR_CORRUPT, what);
	peer_stop(&p);
	buf_free(&b);
}

/* These bytes as a greeting. */
static void
greeted(const char *bytes, size_t n, enum err_code code, const char *want)
{
	struct buf b = {0};
	struct peer p;

	peer_start(&p, &(struct wire_opts){ .password = PASSWORD });
	peer_say(&p, bytes, n);
	peer_failed(&p, code, want);
	assert_false(peer_hear(&p, &b));
	peer_stop(&p);
	buf_free(&b);
}

static void
test_login_greeting(void **state)
{
	struct err e = {0};
	struct peer p;

	(void)state;
	greeted("\x09" "3.23\0", 6, ERR_CORRUPT,
	    "this is no MySQL server (protocol 9)");
	greeted("\x0a" "9.7", 4, ERR_CORRUPT,
	    "the server sent a malformed greeting");
	greeted("\x0a" "9.7\0\1\0\0\0saltsalt\0\0\0", 20, ERR_CORRUPT,
	    "the server sent a malformed greeting");
	greeted("\x0a" "9.7\0\1\0\0\0saltsalt\0\xff\xff\1\2\0\xff\xff\x15"
	    "0123456789saltsalt", 45, ERR_CORRUPT,
	    "the server sent a malformed greeting");
	greeted("\x0a" "5.1\0\1\0\0\0saltsalt\0\xff\xff\1\2\0\0\0", 25,
	    ERR_IO, "the server is too old: 5.1");
	/* Errors before the login have no SQLSTATE. */
	greeted("\xff\x10\4Too many connections", 23, ERR_AGAIN,
	    "server error 1040: Too many connections");
	peer_start(&p, &(struct wire_opts){ .password = PASSWORD });
	assert_int_equal(wire_input(p.w, "", 0, &e), 0);
	peer_failed(&p, ERR_AGAIN, "the server closed the connection");
	peer_stop(&p);
	/* Long before a packet of a gigabyte would be there. */
	peer_start(&p, &(struct wire_opts){ .password = PASSWORD });
	assert_int_equal(wire_input(p.w, "\0\0\2\0", 4, &e), 0);
	peer_failed(&p, ERR_CORRUPT, "the server sent a packet of more than "
	    "65536 bytes");
	peer_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_says_who_and_what),
		cmocka_unit_test(test_login_native),
		cmocka_unit_test(test_login_sha2_fast),
		cmocka_unit_test(test_login_sha2_full_on_a_socket),
		cmocka_unit_test(test_login_sha2_full_with_a_key),
		cmocka_unit_test(test_login_changes_method),
		cmocka_unit_test(test_login_refuses_methods),
		cmocka_unit_test(test_login_malformed),
		cmocka_unit_test(test_login_greeting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
