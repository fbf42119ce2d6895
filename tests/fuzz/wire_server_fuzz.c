/* SPDX-License-Identifier: Apache-2.0 */
/* wire_server_fuzz: whatever a client says, the serving side waits or ends,
 * stays in bounds, and lets nobody in who does not know the password.
 *
 * The first byte: how (below), the second: bytes at once; what follows is
 * the client's bytes. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/gtid.h"
#include "mysql/wire.h"
#include "mysql/wire_server.h"

#define HOW_IN		1	/* the client is logged in already */
#define HOW_MARIADB	2
#define HOW_TLS		4	/* offered */
#define HOW_NEEDED	8	/* required */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct serve {
	struct wire_server *w;
	unsigned how;
	bool over;
	size_t answers;
};

static struct wire_tls *tls;
static volatile size_t sum;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err e = {0};

	(void)argc;
	(void)argv;
	tls = wire_tls_new("fuzz", &e);
	assert(tls != NULL);
	return 0;
}

static void
drain(struct serve *s)
{
	size_t n;

	while ((void)wire_server_output(s->w, &n), n > 0)
		wire_server_sent(s->w, n);
	assert(s->how & HOW_TLS || wire_server_pending(s->w) == 0);
}

static void
answer(struct serve *s)
{
	const char *const names[] = { "a", "b" };
	const char *const values[] = { wire_server_text(s->w), NULL };
	struct err e = {0};
	int rc;

	switch (s->answers++ % 3) {
	case 0:
		rc = wire_server_row(s->w, names, values, 2, &e);
		break;
	case 1:
		rc = wire_server_ok(s->w, &e);
		break;
	default:
		rc = wire_server_refuse(s->w, 1193, "HY000", values[0], &e);
	}
	assert(rc == 0);
}

static void
stream(struct serve *s)
{
	const struct wire_server_dump *d = wire_server_dump(s->w);
	struct err e = {0};
	struct buf b = {0};
	int rc;

	assert(memchr(d->file, '\0', sizeof(d->file)) != NULL);
	if (d->gtids != NULL)
		gtid_set_text(d->gtids, &b);
	sum += b.len + d->server_id;
	buf_free(&b);
	assert(wire_server_send_event(s->w, "event", 5, &e) == 0);
	/* Go on streaming, or end it in either way. */
	rc = s->answers % 3 == 0 ? 0 : s->answers % 3 == 1 ?
	    wire_server_eof(s->w, &e) :
	    wire_server_refuse(s->w, 1236, "HY000", "gone", &e);
	s->answers++;
	assert(rc == 0);
}

static void
react(struct serve *s)
{
	struct err e = {0};
	enum server_event event;

	while (!s->over && (event = wire_server_next(s->w, &e)) !=
	    SERVER_WAIT) {
		/* Nobody guesses an answer to a challenge. */
		assert(s->how & HOW_IN || event == SERVER_QUIT);
		if (event == SERVER_QUERY)
			answer(s);
		else if (event == SERVER_REGISTER)
			assert(wire_server_ok(s->w, &e) == 0);
		else if (event == SERVER_DUMP)
			stream(s);
		s->over = event == SERVER_QUIT;
		assert(!s->over || (e.code != ERR_NONE &&
		    wire_server_room(s->w) == 0));
	}
	drain(s);
}

/* Bring somebody in who knows the password. */
static void
log_in(struct serve *s)
{
	const struct wire_opts opts = { .user = "replica", .password = "x",
	    .ssl = s->how & HOW_TLS ? CONN_SSL_REQUIRED : CONN_SSL_DISABLED };
	struct err e = {0};
	struct wire *c = wire_new(&opts, &e);
	enum server_event event = SERVER_WAIT;
	const void *out;
	size_t n;

	assert(c != NULL);
	while (event == SERVER_WAIT) {
		out = wire_server_output(s->w, &n);
		if (n > 0)
			assert(wire_input(c, out, n, &e) == 0);
		wire_server_sent(s->w, n);
		assert(wire_next(c, &e) == WIRE_WAIT);
		out = wire_output(c, &n);
		if (n > 0)
			assert(wire_server_input(s->w, out, n, &e) == 0);
		wire_sent(c, n);
		event = wire_server_next(s->w, &e);
	}
	assert(event == SERVER_LOGIN);
	wire_free(c);
	drain(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct serve s = { .how = size > 0 ? data[0] : 0 };
	struct wire_server_opts opts = { .kind = s.how & HOW_MARIADB ?
	    FLAVOUR_MARIADB : FLAVOUR_MYSQL, .version = "9.7.0",
	    .user = "replica", .password = "x" };
	size_t step = size > 1 ? data[1] + 1u : 1, n, room;
	struct err e = {0};

	if (size < 2)
		return 0;
	/* In TLS nothing of a client without keys is a packet. */
	if (s.how & HOW_IN)
		s.how &= ~(unsigned)HOW_TLS;
	opts.tls = s.how & HOW_TLS ? tls : NULL;
	opts.tls_required = (s.how & HOW_TLS) && (s.how & HOW_NEEDED);
	s.w = wire_server_new(&opts, &e);
	assert(s.w != NULL);
	if (s.how & HOW_IN)
		log_in(&s);
	for (data += 2, size -= 2; size > 0 && !s.over; size -= n) {
		room = wire_server_room(s.w);
		assert(room > 0);
		n = size < step ? size : step;
		n = n < room ? n : room;
		assert(wire_server_input(s.w, data, n, &e) == 0);
		data += n;
		react(&s);
	}
	assert(wire_server_input(s.w, "", 0, &e) == 0);
	react(&s);
	assert(s.over);
	wire_server_free(s.w);
	return 0;
}
