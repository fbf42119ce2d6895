/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect: one connection to a MySQL or MariaDB server, over the client
 * library; its files alone know which library that is.
 *
 * A conn is used by one thread at a time; only conn_interrupt may be called
 * from another.  A thread that uses conns begins with conn_thread_init and
 * ends with conn_thread_end; main calls conn_library_init before the first
 * thread.  LOCAL INFILE is off, except for a conn opened with local_infile,
 * which serves exactly the name of its own statement (conn_load).
 *
 * Server errors: e->sys is the server's error number (1205, 1412 ...), msg
 * quotes its text.  Codes: 1044 1045 1142 1143 1227 and kin ERR_DENIED; 1205
 * 1213 and lost connections ERR_AGAIN; else ERR_IO.
 */
#ifndef MYSQL_CONNECT_H
#define MYSQL_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cancel;
struct conn;
struct err;
struct result;

enum conn_ssl {			/* as the mysql client's --ssl-mode */
	CONN_SSL_DEFAULT,	/* REQUIRED off the host, else PREFERRED */
	CONN_SSL_DISABLED, CONN_SSL_PREFERRED, CONN_SSL_REQUIRED,
	CONN_SSL_VERIFY_CA, CONN_SSL_VERIFY_IDENTITY,
};

struct conn_opts {
	const char *host;	/* NULL or "localhost": socket */
	unsigned port;		/* 0: 3306 */
	const char *socket;	/* NULL: the library's default */
	const char *user;	/* NULL: the login name */
	const char *password;	/* from file or environment; NULL: none */
	enum conn_ssl ssl;
	const char *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key;
	const char *program;	/* shown in connection attributes */
	unsigned connect_ms;	/* 0: 10 000 */
	unsigned io_ms;		/* longest silence of the server; 0: none */
	bool local_infile;	/* only for a load's connection */
	bool found_rows;	/* affected rows of an UPDATE are those found */
	struct cancel *cancel;	/* registers the socket, or NULL */
};

/* Do the options mean this host's socket?  And the mode that DEFAULT means for
 * them: REQUIRED off this host, else PREFERRED; none over a socket. */
bool conn_is_local(const struct conn_opts *o);
enum conn_ssl conn_ssl_mode(const struct conn_opts *o);

int conn_library_init(struct err *e);
int conn_thread_init(struct err *e);
void conn_thread_end(void);

/* Connect and log in; strings of *opts are copied.  ERR_DENIED for a refused
 * login, ERR_AGAIN for an unreachable host.  Never sends a clear-text
 * password without verified TLS. */
struct conn *conn_open(const struct conn_opts *opts, struct err *e);

/* The id of this connection on the server, and the socket/host it is on
 * ("db1:3306", "/run/mysqld.sock"). */
uint64_t conn_id(const struct conn *c);
const char *conn_where(const struct conn *c);

/* The server's version text as SELECT VERSION() gives it. */
const char *conn_version(const struct conn *c);

/* Run a statement without rows.  sql is bytes, may hold NUL.  The affected
 * rows and the number of warnings of the last statement are kept. */
int conn_exec(struct conn *c, const char *sql, struct err *e);
int conn_execn(struct conn *c, const char *sql, size_t n, struct err *e);
int conn_execf(struct conn *c, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint64_t conn_affected(const struct conn *c);
unsigned conn_warning_count(const struct conn *c);

/* Allow several statements, joined by semicolons, in one text, or not (off
 * at first).  Never on for a text that is not all ours. */
int conn_multi(struct conn *c, bool on, struct err *e);
/* Run such a text.  each (or NULL) gets what every statement gave, in order,
 * and may not use c; the server stops at the first that fails. *done: how
 * many succeeded. */
typedef int conn_each(void *arg, size_t i, uint64_t affected,
    unsigned warnings, struct err *e);
int conn_exec_many(struct conn *c, const char *sql, size_t n,
    conn_each *each, void *arg, size_t *done, struct err *e);

/* 0 if the last statement left no warnings other than those in the 0-ended
 * list allowed (may be NULL); else -1, quoting the first (ERR_CORRUPT). */
int conn_check_warnings(struct conn *c, const unsigned *allowed,
    struct err *e);

/* Run a query.  store: the whole result is read now (bounded: small results
 * only), other queries may then run; else rows are read as they come
 * (unbuffered) and the result must be ended before the next statement. */
struct result *conn_query(struct conn *c, const char *sql, bool store,
    struct err *e);
struct result *conn_queryf(struct conn *c, struct err *e, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));	/* stored */

/* Number and names of columns; index of a name (case-insensitive), or -1. */
unsigned result_columns(const struct result *r);
const char *result_name(const struct result *r, unsigned i);
int result_find(const struct result *r, const char *name);

/* The next row: 1 with *row (NULL for SQL NULL) and *len borrowed until the
 * next call; 0 at the end; -1 with *e set.  The end is only reported when the
 * server said so: a lost connection is an error. */
int result_next(struct result *r, char ***row, unsigned long **len,
    struct err *e);
/* End it (drains an unbuffered one).  NULL is fine. */
void result_free(struct result *r);

/* One value of the first row and column, appended to *out; ERR_NOTFOUND when
 * there is no row or it is NULL. */
int conn_value(struct conn *c, const char *sql, struct buf *out,
    struct err *e);

/* LOAD DATA LOCAL INFILE '<name made here>' <rest>: head is the text before
 * the file name ("LOAD DATA LOCAL INFILE "), tail what follows it; data comes
 * from read(arg, buffer, size): bytes, 0 at the end, -1 on failure with
 * *e set (the statement then fails and is rolled back).  Any other name asked
 * by the server is refused. */
typedef long conn_source(void *arg, void *data, size_t n, struct err *e);
int conn_load(struct conn *c, const char *tail, conn_source *read, void *arg,
    struct err *e);
/* Records, skipped and warnings of the last conn_load, from its info text. */
int conn_load_info(struct conn *c, uint64_t *records, uint64_t *deleted,
    uint64_t *skipped, uint64_t *warnings);

/* Make a call that blocks in another thread return with an error:
 * shutdown(2) of the socket.  Any thread, while the conn is open. */
void conn_interrupt(struct conn *c);

/* Close; NULL is fine. */
void conn_close(struct conn *c);

/* Quote into *b: an identifier in backticks, a string in quotes with
 * backslash escapes (valid without NO_BACKSLASH_ESCAPES), bytes as x'..'. */
void sql_ident(struct buf *b, const char *name);
void sql_string(struct buf *b, const char *text, size_t n);
void sql_hex(struct buf *b, const void *bytes, size_t n);

#endif /* !MYSQL_CONNECT_H */
