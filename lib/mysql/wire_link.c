/* SPDX-License-Identifier: Apache-2.0 */
/* wire_link: packets to and from a peer, over bytes that others move. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/wire_packet.h"
#include "mysql/wire_tls.h"

#include "mysql/wire_link.h"

#define HEADER 4
#define SLICE ((size_t)64 << 10)	/* into and out of OpenSSL at once */
#define RECORD ((size_t)17 << 10)	/* no TLS record is longer */
#define KEEP ((size_t)256 << 10)	/* memory that an idle queue keeps */

/* Bytes in order: put in at the end, taken from the front. */
struct fifo {
	struct buf b;
	size_t head;
};

struct wire_link {
	const char *peer;
	size_t memory, packet_max;
	struct fifo in;		/* plain bytes that arrived */
	struct fifo plain;	/* plain bytes to be encrypted */
	struct fifo out;	/* bytes for the socket */
	SSL *ssl;
	struct err failed;	/* TLS: nothing more will arrive */
	bool end;		/* the peer closed */
	int sequence;		/* due next, or LINK_ANY */
	bool apart;		/* what arrives does not count */
	/* The packet at in.head: its header, then joined bytes of whole
	 * frames, then perhaps part of the next. */
	size_t joined;
	size_t frame;		/* length of the frame that is arriving */
	bool framed;		/* its header was read */
	bool whole;		/* joined is all, and lent to the caller */
};

static size_t
fifo_len(const struct fifo *f)
{
	return f->b.len - f->head;
}

static uint8_t *
fifo_at(const struct fifo *f)
{
	return f->b.data == NULL ? NULL : (uint8_t *)f->b.data + f->head;
}

/* Make room for n bytes at the end: what was taken goes first, and so does
 * the memory of something big that has passed. */
static int
fifo_reserve(struct fifo *f, size_t n)
{
	size_t len = fifo_len(f);
	struct buf small = {0};

	if (f->b.cap > KEEP && len + n < f->b.cap / 4) {
		buf_add(&small, fifo_at(f), len);
		if (buf_reserve(&small, n) == 0) {
			buf_free(&f->b);
			f->b = small;
			f->head = 0;
			return 0;
		}
		buf_free(&small);
	}
	/* Moving less than was taken costs less than reading it did. */
	if (f->head > 0 && (len == 0 || (f->head >= len &&
	    f->b.cap - f->b.len <= n))) {
		memmove(f->b.data, f->b.data + f->head, len);
		f->b.len = len;
		f->head = 0;
	}
	return buf_reserve(&f->b, n);
}

static void
fifo_put(struct fifo *f, const void *data, size_t n)
{
	if (fifo_reserve(f, n) == 0)
		buf_add(&f->b, data, n);
}

static void
fifo_take(struct fifo *f, size_t n)
{
	assert(n <= fifo_len(f));
	f->head += n;
}

struct wire_link *
wire_link_new(const char *peer, size_t memory, size_t packet_max,
    struct err *e)
{
	struct wire_link *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "wire");
		return NULL;
	}
	l->peer = peer;
	l->memory = memory;
	l->packet_max = packet_max;
	return l;
}

void
wire_link_packet_max(struct wire_link *l, size_t packet_max)
{
	l->packet_max = packet_max;
}

/* --- TLS --- */

/* Did the last call on the connection fail for good? */
static bool
tls_broken(struct wire_link *l, int rc)
{
	switch (SSL_get_error(l->ssl, rc)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return false;
	case SSL_ERROR_ZERO_RETURN:
		l->end = true;
		return true;
	default:
		(void)wire_tls_fail(l->ssl, &l->failed);
		return true;
	}
}

/* Take what OpenSSL wants to be sent. */
static void
tls_drain(struct wire_link *l)
{
	BIO *from = SSL_get_wbio(l->ssl);
	size_t n;
	int got;

	while ((n = BIO_ctrl_pending(from)) > 0) {
		if (n > SLICE)
			n = SLICE;
		if (fifo_reserve(&l->out, n) != 0)
			return;
		got = BIO_read(from, l->out.b.data + l->out.b.len, (int)n);
		if (got <= 0)
			return;
		l->out.b.len += (size_t)got;
	}
}

/* Go on with the handshake, and read all that can be read. */
static int
tls_pump(struct wire_link *l)
{
	size_t got;
	int rc = 1;

	ERR_clear_error();
	if (!SSL_is_init_finished(l->ssl))
		rc = SSL_do_handshake(l->ssl);
	while (rc == 1) {
		if (fifo_reserve(&l->in, RECORD) != 0)
			return -1;
		rc = SSL_read_ex(l->ssl, l->in.b.data + l->in.b.len, RECORD,
		    &got);
		if (rc == 1)
			l->in.b.len += got;
	}
	(void)tls_broken(l, rc);
	/* An alert that says what we did not like goes out as well. */
	tls_drain(l);
	return l->in.b.failed || l->out.b.failed ? -1 : 0;
}

static int
tls_input(struct wire_link *l, const uint8_t *data, size_t n)
{
	size_t some;

	for (; n > 0 && !l->end && l->failed.code == ERR_NONE; n -= some) {
		some = n < SLICE ? n : SLICE;
		if (BIO_write(SSL_get_rbio(l->ssl), data, (int)some) !=
		    (int)some)
			return -1;
		data += some;
		if (tls_pump(l) != 0)
			return -1;
	}
	return 0;
}

/* Encrypt some of what waits, once the handshake is done. */
static void
tls_output(struct wire_link *l)
{
	size_t n = fifo_len(&l->plain), done = 0;
	int rc;

	if (n == 0 || l->failed.code != ERR_NONE || l->end ||
	    !SSL_is_init_finished(l->ssl))
		return;
	ERR_clear_error();
	rc = SSL_write_ex(l->ssl, fifo_at(&l->plain), n < SLICE ? n : SLICE,
	    &done);
	if (rc != 1)
		(void)tls_broken(l, rc);
	/* A password may be among it. */
	OPENSSL_cleanse(fifo_at(&l->plain), done);
	fifo_take(&l->plain, done);
	tls_drain(l);
}

void
wire_link_tls(struct wire_link *l, SSL *ssl)
{
	size_t n;

	wire_link_release(l);
	l->ssl = ssl;
	/* What came behind the last packet in the clear is TLS, or a forgery
	 * that TLS will refuse. */
	n = fifo_len(&l->in);
	if (n > 0 && BIO_write(SSL_get_rbio(ssl), fifo_at(&l->in), (int)n) !=
	    (int)n)
		(void)err_set(&l->failed, ERR_NOMEM, 0, "TLS");
	fifo_take(&l->in, n);
	if (tls_pump(l) != 0)
		(void)err_set(&l->failed, ERR_NOMEM, 0, "TLS");
}

bool
wire_link_is_tls(const struct wire_link *l)
{
	return l->ssl != NULL;
}

/* --- bytes --- */

const void *
wire_link_output(struct wire_link *l, size_t *n)
{
	if (l->ssl != NULL && fifo_len(&l->out) == 0)
		tls_output(l);
	*n = fifo_len(&l->out);
	return fifo_at(&l->out);
}

void
wire_link_sent(struct wire_link *l, size_t n)
{
	fifo_take(&l->out, n);
}

size_t
wire_link_pending(const struct wire_link *l)
{
	return fifo_len(&l->out) + fifo_len(&l->plain);
}

/* Where the part of the packet that has not arrived begins. */
static size_t
packet_end(const struct wire_link *l)
{
	return l->framed ? HEADER + l->joined + l->frame :
	    l->joined == 0 ? HEADER : HEADER + l->joined + HEADER;
}

size_t
wire_link_room(const struct wire_link *l)
{
	size_t have = fifo_len(&l->in), due = packet_end(l);

	if (l->whole || l->end || l->failed.code != ERR_NONE)
		return 0;
	if (have < l->memory)
		return l->memory - have;
	/* More only for a packet that is longer than that. */
	return due > have ? due - have + RECORD : 0;
}

int
wire_link_input(struct wire_link *l, const void *data, size_t n,
    struct err *e)
{
	assert(n == 0 || n <= wire_link_room(l));
	if (n == 0) {
		l->end = true;
		return 0;
	}
	if (l->ssl != NULL) {
		if (tls_input(l, data, n) != 0)
			return err_set(e, ERR_NOMEM, 0, "TLS");
		return 0;
	}
	fifo_put(&l->in, data, n);
	return buf_check(&l->in.b, "packet", e);
}

/* --- packets --- */

void
wire_link_sequence(struct wire_link *l, int next)
{
	l->sequence = next;
}

void
wire_link_release(struct wire_link *l)
{
	if (!l->whole)
		return;
	fifo_take(&l->in, HEADER + l->joined);
	l->joined = 0;
	l->whole = false;
}

/* Is the frame's number right, or excused?  1, 0 (more input) or -1. */
static int
in_order(const struct wire_link *l, const uint8_t *header, size_t have,
    struct err *e)
{
	int due = l->apart ? (int)(l->joined / LINK_FRAME) : l->sequence;

	if (due == LINK_ANY || header[3] == due)
		return 1;
	if (l->joined == 0 && have == HEADER && (header[0] | header[1] |
	    header[2]) != 0)
		return 0;
	if (l->joined == 0 && have > HEADER && header[HEADER] == PACKET_ERR)
		return 1;
	return err_set(e, ERR_CORRUPT, 0, "the %s sent packet %u where %d "
	    "was due", l->peer, header[3], due);
}

/* Read the next frame's header; one behind joined bytes is cut out, so that
 * the payload is in one piece.  As in_order. */
static int
read_header(struct wire_link *l, struct err *e)
{
	size_t at = l->joined == 0 ? 0 : HEADER + l->joined;
	size_t have = fifo_len(&l->in);
	uint8_t *header;
	int rc;

	if (have < at + HEADER)
		return 0;
	header = fifo_at(&l->in) + at;
	rc = in_order(l, header, have - at, e);
	if (rc != 1)
		return rc;
	l->frame = (size_t)header[0] | (size_t)header[1] << 8 |
	    (size_t)header[2] << 16;
	if (l->frame > l->packet_max - l->joined)
		return err_set(e, ERR_CORRUPT, 0, "the %s sent a packet of "
		    "more than %zu bytes", l->peer, l->packet_max);
	if (!l->apart)
		l->sequence = (header[3] + 1) & 0xff;
	l->framed = true;
	if (at > 0) {
		memmove(header, header + HEADER, have - at - HEADER);
		l->in.b.len -= HEADER;
	}
	return 1;
}

static int
closed(const struct wire_link *l, struct err *e)
{
	if (l->failed.code != ERR_NONE) {
		*e = l->failed;
		return -1;
	}
	return l->end ? err_set(e, ERR_AGAIN, 0, "the %s closed the "
	    "connection", l->peer) : 0;
}

int
wire_link_packet(struct wire_link *l, uint8_t **data, size_t *n,
    struct err *e)
{
	bool last;
	int rc;

	wire_link_release(l);
	do {
		rc = l->framed ? 1 : read_header(l, e);
		if (rc < 0)
			return -1;
		if (rc == 0 || fifo_len(&l->in) < packet_end(l))
			return closed(l, e);
		last = l->frame < LINK_FRAME;
		l->joined += l->frame;
		l->framed = false;
	} while (!last);
	l->whole = true;
	*data = fifo_at(&l->in) + HEADER;
	*n = l->joined;
	return 1;
}

int
wire_link_send(struct wire_link *l, const void *head, size_t head_len,
    const void *data, size_t n, struct err *e)
{
	struct fifo *to = l->ssl != NULL ? &l->plain : &l->out;
	const uint8_t *p = data;
	size_t frame, part;
	uint8_t header[HEADER];

	assert(head_len < LINK_FRAME);
	do {
		frame = n < LINK_FRAME - head_len ? n + head_len : LINK_FRAME;
		header[0] = frame & 0xff;
		header[1] = frame >> 8 & 0xff;
		header[2] = frame >> 16 & 0xff;
		header[3] = (uint8_t)l->sequence;
		l->sequence = (l->sequence + 1) & 0xff;
		fifo_put(to, header, sizeof(header));
		fifo_put(to, head, head_len);
		part = frame - head_len;
		if (part > 0) {
			fifo_put(to, p, part);
			p += part;
			n -= part;
		}
		head_len = 0;
	} while (frame == LINK_FRAME);
	return buf_check(&to->b, "packet", e);
}

void
wire_link_apart(struct wire_link *l, bool apart)
{
	l->apart = apart;
}

int
wire_link_aside(struct wire_link *l, const void *data, size_t n,
    struct err *e)
{
	int due = l->sequence, rc;

	l->sequence = 0;
	rc = wire_link_send(l, NULL, 0, data, n, e);
	l->sequence = due;
	return rc;
}

void
wire_link_free(struct wire_link *l)
{
	if (l == NULL)
		return;
	/* A password may be among what was sent, or not. */
	if (l->plain.b.data != NULL)
		OPENSSL_cleanse(l->plain.b.data, l->plain.b.cap);
	if (l->out.b.data != NULL)
		OPENSSL_cleanse(l->out.b.data, l->out.b.cap);
	SSL_free(l->ssl);
	buf_free(&l->in.b);
	buf_free(&l->plain.b);
	buf_free(&l->out.b);
	free(l);
}
