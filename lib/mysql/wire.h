/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: the client's side of the MySQL protocol as a state machine without
 * I/O, for following binary logs.
 *
 * Life cycle: wire_new; then, as long as the connection lives: send what
 * wire_output gives (wire_sent says how much went out), put what arrived in
 * by wire_input, call wire_next until it says WIRE_WAIT; wire_free.  Between
 * WIRE_READY or the end of an answer and the next command nothing is asked.
 * One thread at a time.  TLS runs inside (memory BIOs), so that bytes in and
 * out are what the socket carries.
 *
 * Memory: what arrived and is not yet taken is at most wire_opts.memory or
 * one event, whichever is more; wire_room says how much more may be put in.
 * It is 0 while a row or event is lent, so until the next wire_next.
 *
 * Secrets: nothing is said to a server without TLS where TLS is required, nor
 * to one whose certificate is not what `ssl` asks for.  The password itself
 * goes out only inside TLS or over a Unix socket (caching_sha2_password), in
 * verified TLS (mysql_clear_password), or encrypted with the server's public
 * key (caching_sha2_password without TLS: as safe from eavesdroppers, no safer
 * from impostors than the mode that was chosen).  LOCAL INFILE is refused.
 *
 * Failures: the server's words are quoted, e->sys is its number, codes are
 * server_error.h's; ERR_AGAIN for a lost connection, ERR_DENIED for what the
 * client refuses, ERR_CORRUPT for what is not the protocol.
 *
 * Sources: MySQL's client/server protocol documentation; facts/mysql.md 6.
 */
#ifndef MYSQL_WIRE_H
#define MYSQL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/connect.h"

struct err;
struct gtid_set;
struct wire;

struct wire_opts {
	const char *user, *password;	/* copied */
	const char *host;		/* for VERIFY_IDENTITY; copied */
	enum conn_ssl ssl;		/* DEFAULT is the caller's to resolve */
	bool secure;			/* a Unix socket: secrets may pass */
	const char *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key;	/* copied */
	const char *program;		/* connection attribute */
	size_t memory;			/* 0: 1 MiB */
};

struct wire *wire_new(const struct wire_opts *opts, struct err *e);

/* Bytes to send: *n of them, 0 when there are none; borrowed until the next
 * call.  Then say how many were sent. */
const void *wire_output(struct wire *w, size_t *n);
void wire_sent(struct wire *w, size_t n);

/* How many bytes wire_input takes now (0: call wire_next first), and the
 * bytes that arrived; n 0 is the peer's end. */
size_t wire_room(const struct wire *w);
int wire_input(struct wire *w, const void *data, size_t n, struct err *e);

enum wire_event {
	WIRE_WAIT,	/* more input is needed, or output must go first */
	WIRE_READY,	/* logged in; once */
	WIRE_ROW,	/* wire_values */
	WIRE_OK,	/* a command ended well (after its rows) */
	WIRE_REFUSED,	/* the server's ERR for a command: wire_error */
	WIRE_BINLOG,	/* one event: wire_binlog */
	WIRE_END,	/* EOF of the binary log stream */
	WIRE_FAILED,	/* login, protocol or TLS: *e set; only free is left */
};
enum wire_event wire_next(struct wire *w, struct err *e);

/* The server's version text, as SELECT VERSION() gives it, and our connection
 * id, after WIRE_READY. */
const char *wire_version(const struct wire *w);
uint32_t wire_id(const struct wire *w);

/* Values of the row (NULL: SQL NULL), valid until the next wire_next; behind
 * each one's bytes stands a NUL. */
size_t wire_values(const struct wire *w, const char *const **values,
    const size_t **lengths);
/* Number and text of the server's error. */
void wire_error(const struct wire *w, unsigned *number, const char **text);
/* The event's bytes (whole, without the OK byte), valid until the next
 * wire_next; *ack: the server wants a semi-sync acknowledgement. */
void wire_binlog(const struct wire *w, const uint8_t **data, size_t *n,
    bool *ack);

/* Commands; one at a time.  Text results only. */
int wire_query(struct wire *w, const char *sql, struct err *e);
int wire_register(struct wire *w, uint32_t server_id, struct err *e);
/* COM_BINLOG_DUMP from file (may be "") and position (below 4 GiB). */
int wire_dump(struct wire *w, uint32_t server_id, const char *file,
    uint64_t position, uint16_t flags, struct err *e);
/* COM_BINLOG_DUMP_GTID (MySQL). */
int wire_dump_gtid(struct wire *w, uint32_t server_id, const char *file,
    uint64_t position, uint16_t flags, const struct gtid_set *set,
    struct err *e);
/* From the dump command on, packets carry the semi-sync magic: call before
 * it, after SET @rpl_semi_sync_replica=1 was answered. */
void wire_semisync(struct wire *w);
bool wire_is_semisync(const struct wire *w);
/* Acknowledge everything up to position of file; ERR_AGAIN once the stream is
 * over. */
int wire_ack(struct wire *w, const char *file, uint64_t position,
    struct err *e);
/* Say good-bye, at any time after WIRE_READY; then send what is left. */
int wire_quit(struct wire *w, struct err *e);

void wire_free(struct wire *w);

#endif /* !MYSQL_WIRE_H */
