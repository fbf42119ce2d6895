/* SPDX-License-Identifier: Apache-2.0 */
/* http_service: the files and the socket of one set of http's options. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "base/file.h"

#include "backupd/http_impl.h"
#include "backupd/http.h"

#define PEM_MAX 262144

void
http_service_end(struct http_service *s)
{
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	else if (s->fd >= 0)
		(void)close(s->fd);
	if (s->key.data != NULL)
		OPENSSL_cleanse(s->key.data, s->key.len);
	buf_free(&s->key);
	buf_free(&s->cert);
	free(s->said);
	free(s->listen);
	*s = (struct http_service){ .fd = -1 };
}

static int
read_tls(const struct http_opts *o, struct http_service *s, struct err *e)
{
	struct stat st;

	if (o->tls_cert == NULL && o->tls_key == NULL)
		return 0;
	if (o->tls_cert == NULL || o->tls_key == NULL)
		return err_set(e, ERR_USAGE, 0, "tls-cert and tls-key: one is "
		    "of no use without the other");
	if (stat(o->tls_key, &st) == 0 &&
	    (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		(void)err_set(e, ERR_USAGE, 0, "%s: others may read this key",
		    o->tls_key);
		return err_hint(e, "chmod 600 %s", o->tls_key);
	}
	if (file_read(o->tls_cert, PEM_MAX, &s->cert, e) != 0 ||
	    file_read(o->tls_key, PEM_MAX, &s->key, e) != 0) {
		e->code = ERR_USAGE;
		return -1;
	}
	return 0;
}

int
http_service_read(const struct http_opts *opts, struct http_service *s,
    struct err *e)
{
	s->listen = strdup(opts->listen);
	s->said = calloc(1, sizeof(*s->said));
	if (s->listen == NULL || s->said == NULL)
		return err_set(e, ERR_NOMEM, 0, "start http");
	s->asks = opts->token_file != NULL;
	if (s->asks && token_read(opts->token_file, s->token, e) != 0)
		return -1;
	return read_tls(opts, s, e);
}

/* A key with a passphrase is refused, not asked for at the terminal. */
static int
no_passphrase(char *text, int size, int writing, void *arg)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int
http_tls_check(const char *cert, const char *key, struct err *e)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	int rc = 0;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, 0, "TLS");
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(c, cert) != 1)
		rc = err_set(e, ERR_USAGE, 0, "tls-cert: %s is no PEM "
		    "certificate", cert);
	else if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
		rc = err_set(e, ERR_USAGE, 0, "tls-key: %s is not the PEM key "
		    "of %s", key, cert);
	ERR_clear_error();
	SSL_CTX_free(c);
	return rc;
}
