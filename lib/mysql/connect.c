/* SPDX-License-Identifier: Apache-2.0 */
/* connect: one connection to a MySQL or MariaDB server. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mysql/mysql.h>
#include <mysql/errmsg.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/random.h"

#include "mysql/connect.h"

#ifdef MARIADB_BASE_VERSION
typedef my_bool option_bool;
#else
typedef bool option_bool;
#endif

struct load {
	conn_source *read;
	void *arg;
	struct err err;
	char name[33];		/* what our statement asks for */
	bool served;
};

struct conn {
	MYSQL *mysql;
	struct cancel *cancel;
	unsigned waker;
	int fd;
	bool broken;
	struct load load;
	char where[300];
};

struct result {
	struct conn *conn;
	MYSQL_RES *res;
	MYSQL_FIELD *fields;
	unsigned columns;
	bool stored;
};

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

static enum err_code
code_of(unsigned number)
{
	switch (number) {
	case 1044: case 1045: case 1142: case 1143: case 1227: case 1370:
	case 1419: case 1418: case 1698: case 3118: case 4151:
		return ERR_DENIED;
	case 1205: case 1213: case 1040: case 1053: case 1158: case 1159:
	case 1160: case 1161: case 2002: case 2003: case 2006: case 2013:
	case 2055:
		return ERR_AGAIN;
	default:
		return ERR_IO;
	}
}

/* Record the server's or library's error. */
static int
fail(struct conn *c, struct err *e)
{
	unsigned number = mysql_errno(c->mysql);

	if (cancel_check(c->cancel, e) != 0)
		return -1;
	(void)err_set(e, code_of(number), 0, "server error %u: %s", number,
	    mysql_error(c->mysql));
	e->sys = (int)number;
	if (number == CR_SERVER_LOST || number == CR_SERVER_GONE_ERROR)
		c->broken = true;
	return -1;
}

/* --- LOCAL INFILE: only what our own statement asks for --- */

static int
local_init(void **ptr, const char *name, void *arg)
{
	struct conn *c = arg;

	*ptr = c;
	if (c->load.read == NULL || c->load.served ||
	    strcmp(name, c->load.name) != 0) {
		(void)err_set(&c->load.err, ERR_DENIED, 0, "the server asked "
		    "for file '%.60s', which no statement of ours names: "
		    "refused", name);
		return 1;
	}
	c->load.served = true;
	return 0;
}

static int
local_read(void *ptr, char *data, unsigned n)
{
	struct conn *c = ptr;

	return (int)c->load.read(c->load.arg, data, n, &c->load.err);
}

static void
local_end(void *ptr)
{
	(void)ptr;
}

static int
local_error(void *ptr, char *text, unsigned n)
{
	struct conn *c = ptr;

	(void)snprintf(text, n, "%s", c != NULL ? c->load.err.msg :
	    "refused");
	return CR_UNKNOWN_ERROR;
}

/* --- opening --- */

static bool
is_local(const struct conn_opts *o)
{
	return o->host == NULL || o->host[0] == '\0' ||
	    strcasecmp(o->host, "localhost") == 0;
}

static bool
is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

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
	/* Connector/C checks the name whenever it checks the chain: VERIFY_CA
	 * is as strict as VERIFY_IDENTITY here. */
	(void)mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
	    mode >= CONN_SSL_VERIFY_CA ? &yes : &no);
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

static enum conn_ssl
ssl_mode(const struct conn_opts *o)
{
	if (o->ssl != CONN_SSL_DEFAULT)
		return o->ssl;
	if (is_local(o))
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
	bool local = is_local(o);
	MYSQL *m = c->mysql;
	unsigned number;

	/* An empty password is none: the library must not look elsewhere. */
	if (mysql_real_connect(m, local ? NULL : o->host, o->user,
	    o->password != NULL ? o->password : "", NULL,
	    local ? 0 : o->port == 0 ? 3306 : o->port,
	    local ? o->socket : NULL, CLIENT_REMEMBER_OPTIONS) != NULL)
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
	if (is_local(o))
		(void)snprintf(c->where, sizeof(c->where), "%s",
		    o->socket != NULL ? o->socket : "localhost");
	else
		(void)snprintf(c->where, sizeof(c->where), "%s:%u", o->host,
		    o->port == 0 ? 3306 : o->port);
	if (cancel_check(o->cancel, e) != 0)
		goto fail;
	set_options(c->mysql, o, ssl_mode(o));
	mysql_set_local_infile_handler(c->mysql, local_init, local_read,
	    local_end, local_error, c);
	if (login(c, o, e) != 0 || need_tls(c, ssl_mode(o), e) != 0)
		goto fail;
	c->fd = socket_of(c->mysql);
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

/* --- statements --- */

int
conn_execn(struct conn *c, const char *sql, size_t n, struct err *e)
{
	MYSQL_RES *res;

	if (cancel_check(c->cancel, e) != 0)
		return -1;
	if (mysql_real_query(c->mysql, sql, (unsigned long)n) != 0)
		return fail(c, e);
	if (mysql_field_count(c->mysql) == 0)
		return 0;
	/* A statement that gives rows nobody asked for. */
	res = mysql_store_result(c->mysql);
	if (res == NULL)
		return fail(c, e);
	mysql_free_result(res);
	return 0;
}

int
conn_exec(struct conn *c, const char *sql, struct err *e)
{
	return conn_execn(c, sql, strlen(sql), e);
}

int
conn_execf(struct conn *c, struct err *e, const char *fmt, ...)
{
	struct buf sql = {0};
	va_list ap;
	char *text;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = n < 0 ? NULL : malloc((size_t)n + 1);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "statement");
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	rc = conn_execn(c, text, (size_t)n, e);
	free(text);
	buf_free(&sql);
	return rc;
}

uint64_t
conn_affected(const struct conn *c)
{
	return mysql_affected_rows(c->mysql);
}

unsigned
conn_warning_count(const struct conn *c)
{
	return mysql_warning_count(c->mysql);
}

int
conn_check_warnings(struct conn *c, const unsigned *allowed, struct err *e)
{
	unsigned count = mysql_warning_count(c->mysql), number, seen = 0;
	struct result *r;
	unsigned long *len;
	const unsigned *a;
	char **row;
	int got, rc = 0;

	if (count == 0)
		return 0;
	r = conn_query(c, "SHOW WARNINGS", true, e);
	if (r == NULL)
		return -1;
	while (rc == 0 && (got = result_next(r, &row, &len, e)) == 1) {
		number = row[1] != NULL ? (unsigned)strtoul(row[1], NULL, 10) :
		    0;
		seen++;
		for (a = allowed; a != NULL && *a != 0 && *a != number; a++)
			continue;
		if (a != NULL && *a == number && number != 0)
			continue;
		rc = err_set(e, ERR_CORRUPT, 0, "%u warning%s, first %u: %s",
		    count, count == 1 ? "" : "s", number,
		    row[2] != NULL ? row[2] : "");
		e->sys = (int)number;
	}
	result_free(r);
	if (rc == 0 && e->code != ERR_NONE)
		return -1;
	/* The server keeps only max_error_count of them to look at. */
	if (rc == 0 && seen < count && allowed == NULL)
		rc = err_set(e, ERR_CORRUPT, 0, "%u warnings, of which the "
		    "server shows %u", count, seen);
	return rc;
}

struct result *
conn_query(struct conn *c, const char *sql, bool store, struct err *e)
{
	struct result *r;

	if (cancel_check(c->cancel, e) != 0)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "result");
		return NULL;
	}
	if (mysql_real_query(c->mysql, sql, (unsigned long)strlen(sql)) != 0) {
		(void)fail(c, e);
		goto out;
	}
	r->conn = c;
	r->stored = store;
	r->res = store ? mysql_store_result(c->mysql) :
	    mysql_use_result(c->mysql);
	if (r->res == NULL) {
		if (mysql_errno(c->mysql) != 0)
			(void)fail(c, e);
		else
			(void)err_set(e, ERR_IO, 0, "the statement gave no "
			    "rows at all");
		goto out;
	}
	r->columns = mysql_num_fields(r->res);
	r->fields = mysql_fetch_fields(r->res);
	return r;

out:	free(r);
	return NULL;
}

struct result *
conn_queryf(struct conn *c, struct err *e, const char *fmt, ...)
{
	struct result *r;
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = n < 0 ? NULL : malloc((size_t)n + 1);
	if (text == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "statement");
		return NULL;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	r = conn_query(c, text, true, e);
	free(text);
	return r;
}

unsigned
result_columns(const struct result *r)
{
	return r->columns;
}

const char *
result_name(const struct result *r, unsigned i)
{
	assert(i < r->columns);
	return r->fields[i].name;
}

int
result_find(const struct result *r, const char *name)
{
	unsigned i;

	for (i = 0; i < r->columns; i++)
		if (strcasecmp(r->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
result_next(struct result *r, char ***row, unsigned long **len,
    struct err *e)
{
	*row = mysql_fetch_row(r->res);
	if (*row == NULL) {
		/* NULL is the end and any error alike. */
		if (!r->stored && mysql_errno(r->conn->mysql) != 0)
			return fail(r->conn, e);
		return 0;
	}
	*len = mysql_fetch_lengths(r->res);
	return 1;
}

void
result_free(struct result *r)
{
	if (r == NULL)
		return;
	mysql_free_result(r->res);
	free(r);
}

int
conn_value(struct conn *c, const char *sql, struct buf *out, struct err *e)
{
	struct result *r = conn_query(c, sql, true, e);
	unsigned long *len;
	char **row;
	int rc = -1;

	if (r == NULL)
		return -1;
	if (result_next(r, &row, &len, e) == 1 && row[0] != NULL) {
		buf_add(out, row[0], len[0]);
		rc = buf_check(out, "value", e);
	} else if (e->code == ERR_NONE) {
		(void)err_set(e, ERR_NOTFOUND, 0, "no value");
	}
	result_free(r);
	return rc;
}

int
conn_load(struct conn *c, const char *tail, conn_source *read, void *arg,
    struct err *e)
{
	struct buf sql = {0};
	int rc;

	c->load = (struct load){ .read = read, .arg = arg };
	random_hex(c->load.name, 32);
	buf_addf(&sql, "LOAD DATA LOCAL INFILE '%s' ", c->load.name);
	buf_adds(&sql, tail);
	rc = buf_check(&sql, "statement", e);
	if (rc == 0)
		rc = conn_execn(c, sql.data, sql.len, e);
	buf_free(&sql);
	c->load.read = NULL;
	/* The source's own failure explains the server's. */
	if (c->load.err.code != ERR_NONE) {
		*e = c->load.err;
		rc = -1;
	}
	return rc;
}

static bool
info_number(const char *info, const char *word, uint64_t *out)
{
	const char *at = strstr(info, word);

	if (at == NULL || at[strlen(word)] < '0' || at[strlen(word)] > '9')
		return false;
	*out = strtoull(at + strlen(word), NULL, 10);
	return true;
}

int
conn_load_info(struct conn *c, uint64_t *records, uint64_t *deleted,
    uint64_t *skipped, uint64_t *warnings)
{
	const char *info = mysql_info(c->mysql);

	return info != NULL && info_number(info, "Records: ", records) &&
	    info_number(info, "Deleted: ", deleted) &&
	    info_number(info, "Skipped: ", skipped) &&
	    info_number(info, "Warnings: ", warnings) ? 0 : -1;
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

/* --- quoting --- */

void
sql_ident(struct buf *b, const char *name)
{
	buf_addc(b, '`');
	for (; *name != '\0'; name++) {
		if (*name == '`')
			buf_addc(b, '`');
		buf_addc(b, *name);
	}
	buf_addc(b, '`');
}

void
sql_string(struct buf *b, const char *text, size_t n)
{
	size_t i;

	buf_addc(b, '\'');
	for (i = 0; i < n; i++) {
		switch (text[i]) {
		case '\0':
			buf_adds(b, "\\0");
			break;
		case '\'':
			buf_adds(b, "\\'");
			break;
		case '\\':
			buf_adds(b, "\\\\");
			break;
		case '\n':
			buf_adds(b, "\\n");
			break;
		case '\032':
			buf_adds(b, "\\Z");
			break;
		default:
			buf_addc(b, text[i]);
		}
	}
	buf_addc(b, '\'');
}

void
sql_hex(struct buf *b, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	size_t i;

	buf_adds(b, "x'");
	for (i = 0; i < n; i++) {
		buf_addc(b, digits[p[i] >> 4]);
		buf_addc(b, digits[p[i] & 15]);
	}
	buf_addc(b, '\'');
}
