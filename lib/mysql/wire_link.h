/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_link: packets to and from a peer, over bytes that somebody else
 * moves; both sides of the wire stand on it.
 *
 * Frames: 3 bytes of length, one of sequence number, payload; a payload of
 * 2^24-1 bytes or more goes in several frames and is joined here.  With TLS
 * (wire_link_tls) the bytes in and out are what the socket carries; what was
 * sent before goes out in the clear, what was not yet read is TLS already,
 * and nothing sent after leaves before the handshake is done.
 *
 * Memory grows with what arrives, never by what a length field says: at most
 * `memory`, or one packet of at most `packet_max`, and a TLS record.
 */
#ifndef MYSQL_WIRE_LINK_H
#define MYSQL_WIRE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

struct err;
struct wire_link;

#define LINK_FRAME 0xffffffu	/* a frame as long as this has a successor */
#define LINK_ANY (-1)

/* peer: "server" or "client", for messages; static. */
struct wire_link *wire_link_new(const char *peer, size_t memory,
    size_t packet_max, struct err *e);
void wire_link_packet_max(struct wire_link *l, size_t packet_max);

/* Bytes for the socket, and how many of them went out. */
const void *wire_link_output(struct wire_link *l, size_t *n);
void wire_link_sent(struct wire_link *l, size_t n);
/* Bytes of output that were not sent yet. */
size_t wire_link_pending(const struct wire_link *l);

/* How many bytes may be put in, and the bytes that arrived; 0: the end. */
size_t wire_link_room(const struct wire_link *l);
int wire_link_input(struct wire_link *l, const void *data, size_t n,
    struct err *e);

/* The next packet: 1 with its payload, borrowed until wire_link_release or
 * the next call (there is no room until then) and changeable up to and with
 * data[n]; 0: more input is needed; -1: the peer closed (ERR_AGAIN), broke
 * the protocol (ERR_CORRUPT) or TLS failed. */
int wire_link_packet(struct wire_link *l, uint8_t **data, size_t *n,
    struct err *e);
void wire_link_release(struct wire_link *l);

/* Send one packet made of two parts, of which either may be empty. */
int wire_link_send(struct wire_link *l, const void *head, size_t head_len,
    const void *data, size_t n, struct err *e);

/* The same, outside the numbers of what is going on. */
int wire_link_aside(struct wire_link *l, const void *data, size_t n,
    struct err *e);

/* The number that the next packet, in or out, carries; LINK_ANY: whatever
 * the peer sends.  One that starts with PACKET_ERR is always let in: a server
 * that says why it hangs up does not count. */
void wire_link_sequence(struct wire_link *l, int next);

/* Until it is set off: what the peer sends stands outside the numbers too,
 * each packet with number 0. */
void wire_link_apart(struct wire_link *l, bool apart);

/* Go on in TLS; takes ssl. */
void wire_link_tls(struct wire_link *l, SSL *ssl);
bool wire_link_is_tls(const struct wire_link *l);

void wire_link_free(struct wire_link *l);

#endif /* !MYSQL_WIRE_LINK_H */
