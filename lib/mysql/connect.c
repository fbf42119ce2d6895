/* SPDX-License-Identifier: Apache-2.0 */
/* connect: one connection to a MySQL or MariaDB server. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mysql/mysql.h>
#include <mysql/errmsg.h>

#include "base/cancel.h"
#include "base/err.h"

#include "mysql/connect_impl.h"

#ifdef MARIADB_BASE_VERSION
typedef my_bool option_bool;
#else
typedef bool option_bool;
#endif

int
conn_library_init(struct err *e)
{
	if (mysql_library_init(0, NULL, NULL) != 0)
		return err_set(e, ERR_NOMEM, 0, "MySQL client library");
	return 0;
}

int
conn_thread_init(struct err *e)
{
	if (mysql_thread_init() != 0)
		return err_set(e, ERR_NOMEM, 0, "MySQL client library");
	return 0;
}

void
conn_thread_end(void)
{
	mysql_thread_end();
}

bool
conn_is_local(const struct conn_opts *o)
{
	return o->host == NULL || o->host[0] == '\0' ||
	    strcasecmp(o->host, "localhost") == 0;
}

static bool
is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

#ifdef MARIADB_BASE_VERSION
/* Connector/C has one option for chain and name.  Up to 3.3 it checks the
 * chain, whatever the option says, as soon as it is given a CA (its
 * SSL_CTX_set_verify asks for nothing else); from 3.4 on only by the option. */
static bool
ca_is_enough(const struct conn_opts *o)
{
	unsigned long version = mysql_get_client_version();

	return (o->ssl_ca != NULL || o->ssl_capath != NULL) &&
	    version >= 30000 && version < 30400;
}
#endif

static void
set_tls(MYSQL *m, const struct conn_opts *o, enum conn_ssl mode)
{
	option_bool yes = 1, no = 0;

	if (mode == CONN_SSL_DISABLED)
		return;
	(void)mysql_ssl_set(m, o->ssl_key, o->ssl_cert, o->ssl_ca,
	    o->ssl_capath, NULL);
#ifdef MARIADB_BASE_VERSION
	(void)mysql_optionsv(m, MYSQL_OPT_SSL_ENFORCE,
	    mode >= CONN_SSL_REQUIRED ? &yes : &no);
	(void)mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
	    mode == CONN_SSL_VERIFY_IDENTITY || (mode == CONN_SSL_VERIFY_CA &&
	    !ca_is_enough(o)) ? &yes : &no);
#else
	unsigned ssl = mode == CONN_SSL_PREFERRED ? SSL_MODE_PREFERRED :
	    mode == CONN_SSL_REQUIRED ? SSL_MODE_REQUIRED :
	    mode == CONN_SSL_VERIFY_CA ? SSL_MODE_VERIFY_CA :
	    SSL_MODE_VERIFY_IDENTITY;
	(void)yes;
	(void)no;
	(void)mysql_options(m, MYSQL_OPT_SSL_MODE, &ssl);
#endif
}

static void
set_options(MYSQL *m, const struct conn_opts *o, enum conn_ssl mode)
{
	unsigned connect = o->connect_ms == 0 ? 10 : (o->connect_ms + 999) /
	    1000;
	unsigned io = (o->io_ms + 999) / 1000;
	unsigned local = o->local_infile ? 1 : 0;
	unsigned long packet = 1ul << 30;

	(void)mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	if (io > 0) {
		(void)mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &io);
		(void)mysql_options(m, MYSQL_OPT_WRITE_TIMEOUT, &io);
	}
	(void)mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &local);
	(void)mysql_options(m, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	(void)mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	(void)mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name",
	    o->program != NULL ? o->program : "kura");
#ifdef MARIADB_BASE_VERSION
	/* A server may ask for the password in clear text: only over TLS that
	 * was verified is that plugin allowed. */
	(void)mysql_optionsv(m, MARIADB_OPT_RESTRICTED_AUTH,
	    mode >= CONN_SSL_VERIFY_CA ?
	    "mysql_native_password,caching_sha2_password,client_ed25519,"
	    "sha256_password,auth_socket,unix_socket,mysql_clear_password" :
	    "mysql_native_password,caching_sha2_password,client_ed25519,"
	    "sha256_password,auth_socket,unix_socket");
#else
	{
		bool clear = mode >= CONN_SSL_VERIFY_CA;

		(void)mysql_options(m, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &clear);
	}
#endif
	set_tls(m, o, mode);
}

enum conn_ssl
conn_ssl_mode(const struct conn_opts *o)
{
	if (o->ssl != CONN_SSL_DEFAULT)
		return o->ssl;
	if (conn_is_local(o))
		return CONN_SSL_DISABLED;
	return is_loopback(o->host) ? CONN_SSL_PREFERRED : CONN_SSL_REQUIRED;
}

static void
wake(void *arg)
{
	conn_interrupt(arg);
}

static int
socket_of(MYSQL *m)
{
#ifdef MARIADB_BASE_VERSION
	return (int)mysql_get_socket(m);
#else
	return m->net.fd;
#endif
}

static int
login(struct conn *c, const struct conn_opts *o, struct err *e)
{
	bool local = conn_is_local(o);
	MYSQL *m = c->mysql;
	unsigned number;

	/* An empty password is none: the library must not look elsewhere. */
	if (mysql_real_connect(m, local ? NULL : o->host, o->user,
	    o->password != NULL ? o->password : "", NULL,
	    local ? 0 : o->port == 0 ? 3306 : o->port,
	    local ? o->socket : NULL, CLIENT_REMEMBER_OPTIONS |
	    (o->found_rows ? (unsigned long)CLIENT_FOUND_ROWS : 0)) != NULL)
		return 0;
	number = mysql_errno(m);
	/* The server's words name account and host, never the password. */
	(void)err_set(e, number == 1045 || number == 1698 || number == 1044 ||
	    number == 2059 ? ERR_DENIED : ERR_AGAIN, 0, "%s: error %u: %s",
	    c->where, number, mysql_error(m));
	e->sys = (int)number;
	if (e->code == ERR_DENIED)
		(void)err_hint(e, "check --user and the password file or "
		    "option file");
	else if (number == CR_SSL_CONNECTION_ERROR)
		(void)err_hint(e, "check --ssl-mode and --ssl-ca");
	else
		(void)err_hint(e, "check --host, --port or --socket, and that "
		    "the server is up");
	return -1;
}

/* Connector/C goes on in the clear with a server that offers no TLS, unless
 * certificates are verified: nothing more is said to such a server. */
static int
need_tls(struct conn *c, enum conn_ssl mode, struct err *e)
{
	if (mode < CONN_SSL_REQUIRED || mysql_get_ssl_cipher(c->mysql) != NULL)
		return 0;
	(void)err_set(e, ERR_DENIED, 0, "%s: the server offers no TLS",
	    c->where);
	return err_hint(e, "give it a certificate, or use --ssl-mode=DISABLED "
	    "where the way to it is safe");
}

struct conn *
conn_open(const struct conn_opts *o, struct err *e)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		goto nomem;
	c->fd = -1;
	c->mysql = mysql_init(NULL);
	if (c->mysql == NULL)
		goto nomem;
	if (conn_is_local(o))
		(void)snprintf(c->where, sizeof(c->where), "%s",
		    o->socket != NULL ? o->socket : "localhost");
	else
		(void)snprintf(c->where, sizeof(c->where), "%s:%u", o->host,
		    o->port == 0 ? 3306 : o->port);
	if (cancel_check(o->cancel, e) != 0)
		goto fail;
	set_options(c->mysql, o, conn_ssl_mode(o));
	conn_serve_files(c);
	if (login(c, o, e) != 0 || need_tls(c, conn_ssl_mode(o), e) != 0)
		goto fail;
	c->fd = socket_of(c->mysql);
	/* No program that is started meanwhile has it. */
	(void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	c->cancel = o->cancel;
	if (o->cancel != NULL)
		c->waker = cancel_add(o->cancel, wake, c);
	return c;

nomem:	(void)err_set(e, ERR_NOMEM, 0, "connection");
fail:	if (c != NULL && c->mysql != NULL)
		mysql_close(c->mysql);
	free(c);
	return NULL;
}

uint64_t
conn_id(const struct conn *c)
{
	return mysql_thread_id(c->mysql);
}

const char *
conn_where(const struct conn *c)
{
	return c->where;
}

const char *
conn_version(const struct conn *c)
{
	const char *text = mysql_get_server_info(c->mysql);

	/* MariaDB before 11 hides behind a prefix in the handshake. */
	return strncmp(text, "5.5.5-", 6) == 0 ? text + 6 : text;
}

void
conn_interrupt(struct conn *c)
{
	if (c->fd >= 0)
		(void)shutdown(c->fd, SHUT_RDWR);
}

void
conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->cancel != NULL)
		cancel_remove(c->cancel, c->waker);
	mysql_close(c->mysql);
	free(c);
}
