/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_packet: numbers and strings as the packets of MySQL's protocol hold
 * them, beyond what bytes.h reads.
 */
#ifndef MYSQL_WIRE_PACKET_H
#define MYSQL_WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct bytes;

/* First bytes of packets. */
#define PACKET_OK	0x00
#define PACKET_MORE	0x01	/* AuthMoreData */
#define PACKET_LOCAL	0xfb	/* LOCAL INFILE */
#define PACKET_EOF	0xfe	/* and AuthSwitchRequest */
#define PACKET_ERR	0xff

/* Capabilities, by the names of the protocol's documentation. */
#define CAP_LONG_PASSWORD	(1u << 0)
#define CAP_LONG_FLAG		(1u << 2)
#define CAP_CONNECT_WITH_DB	(1u << 3)
#define CAP_PROTOCOL_41		(1u << 9)
#define CAP_SSL			(1u << 11)
#define CAP_TRANSACTIONS	(1u << 13)
#define CAP_SECURE_CONNECTION	(1u << 15)
#define CAP_PLUGIN_AUTH		(1u << 19)
#define CAP_CONNECT_ATTRS	(1u << 20)
#define CAP_PLUGIN_AUTH_LENENC	(1u << 21)

/* Commands. */
#define COM_QUIT		0x01
#define COM_QUERY		0x03
#define COM_PING		0x0e
#define COM_BINLOG_DUMP		0x12
#define COM_REGISTER_SLAVE	0x15
#define COM_BINLOG_DUMP_GTID	0x1e

#define SEMISYNC_MAGIC		0xef

/* A length-encoded integer, *null true for the mark of SQL NULL. */
uint64_t packet_lenenc(struct bytes *b, bool *null);
/* Text to a NUL, which must be there: NULL otherwise. */
const char *packet_string(struct bytes *b);

void packet_put_int(struct buf *b, uint64_t value, unsigned bytes);
void packet_put_lenenc(struct buf *b, uint64_t value);
/* A length-encoded string. */
void packet_put_string(struct buf *b, const char *text);

#endif /* !MYSQL_WIRE_PACKET_H */
