/* SPDX-License-Identifier: Apache-2.0 */
/* serve_stream: who gets the stream, and its bytes. */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "restore/ledger.h"

#include "restore/serve_impl.h"

#define PENDING_MAX ((size_t)1 << 20)	/* of output, before more is made */
#define EVENTS_MAX 1000		/* in a row, before others get their turn */

/* Why this client may not have the stream, or NULL. */
static const char *
unwanted(const struct serve *s, const struct guest *g,
    const struct wire_server_dump *d)
{
	if (d->server_id != s->opts.target_id)
		return "asked for the stream with another server id than the "
		    "target's";
	if (s->opts.target_uuid[0] != '\0' &&
	    strcasecmp(g->replica.uuid, s->opts.target_uuid) != 0)
		return "asked for the stream with another UUID than the "
		    "target's";
	if (s->dumper != NULL)
		return "asked for a second stream";
	if (s->opts.kind == FLAVOUR_MARIADB && (!g->replica.has_state ||
	    g->replica.state_cut))
		return "asked for the stream without a GTID position";
	if (s->opts.kind == FLAVOUR_MYSQL && s->opts.gtid !=
	    (d->gtids != NULL))
		return "asked for the stream in another way than it was told "
		    "to";
	return NULL;
}

/* The stream from where this replica stands. */
static int
begin_stream(struct serve *s, struct guest *g,
    const struct wire_server_dump *d, struct err *e)
{
	struct gtid_set *set = NULL;
	int rc = 0;

	if (s->opts.kind == FLAVOUR_MARIADB) {
		set = gtid_set_new(FLAVOUR_MARIADB, e);
		rc = set != NULL ? gtid_set_parse(set, g->replica.state, e) :
		    -1;
	}
	if (rc == 0) {
		s->stream = stream_open(&s->stream_opts, set != NULL ? set :
		    d->gtids, d->file, d->position, e);
		rc = s->stream != NULL ? 0 : -1;
	}
	gtid_set_free(set);
	s->ended = false;
	s->sent = clock_mono_ms();
	return rc;
}

int
serve_dump(struct serve *s, struct guest *g, struct err *e)
{
	const struct wire_server_dump *d = wire_server_dump(g->wire);
	const char *why = unwanted(s, g, d);

	if (why != NULL) {
		/* An error packet might tell a replica to stop for good. */
		serve_refuse(s, g, why);
		return 0;
	}
	(void)pthread_mutex_lock(&s->mtx);
	s->state.asked = true;
	(void)pthread_mutex_unlock(&s->mtx);
	s->dumper = g;
	g->deadline = 0;
	g->v2 = (d->flags & 0x02u) != 0 && s->opts.kind == FLAVOUR_MYSQL;
	if (s->opts.trial)
		return 0;
	if (begin_stream(s, g, d, e) == 0)
		return 0;
	serve_fail(s, e);
	return -1;
}

/* The target must catch up before it gets more. */
static bool
far_ahead(struct serve *s)
{
	struct ledger_totals t;
	bool far;

	if (!stream_idle(s->stream))
		return false;
	ledger_totals(s->stream_opts.ledger, &t);
	(void)pthread_mutex_lock(&s->mtx);
	far = t.bytes > s->applied + SERVE_AHEAD;
	(void)pthread_mutex_unlock(&s->mtx);
	return far;
}

/* Could more be made now? */
bool
serve_wants_more(struct serve *s)
{
	return !s->ended && wire_server_pending(s->dumper->wire) <
	    PENDING_MAX && !far_ahead(s);
}

/* Make output until there is enough of it. */
int
serve_pump(struct serve *s, struct err *e)
{
	struct guest *g = s->dumper;
	unsigned events = 0;
	const void *data;
	size_t n;
	int got;

	while (events++ < EVENTS_MAX && serve_wants_more(s)) {
		got = stream_next(s->stream, &data, &n, e);
		if (got < 0 || (got == 1 && wire_server_send_event(g->wire,
		    data, n, e) != 0))
			return -1;
		s->ended = got == 0;
		s->sent = clock_mono_ms();
	}
	if (s->ended) {
		(void)pthread_mutex_lock(&s->mtx);
		s->state.given = true;
		(void)pthread_mutex_unlock(&s->mtx);
	}
	return 0;
}

int64_t
serve_period_ms(const struct guest *g)
{
	return (int64_t)(g->replica.heartbeat_ns / 1000000);
}

int
serve_heartbeat(struct serve *s, struct err *e)
{
	struct guest *g = s->dumper;
	struct buf event = {0};
	int rc = 0;

	if (serve_period_ms(g) == 0 || clock_mono_ms() - s->sent < serve_period_ms(g) ||
	    wire_server_pending(g->wire) > 0)
		return 0;
	if (stream_heartbeat(s->stream, g->v2, &event))
		rc = buf_check(&event, "heartbeat", e) != 0 ? -1 :
		    wire_server_send_event(g->wire, event.data, event.len, e);
	s->sent = clock_mono_ms();
	buf_free(&event);
	return rc;
}
