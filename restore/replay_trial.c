/* SPDX-License-Identifier: Apache-2.0 */
/* replay_trial: who serves whom, and whether the target reaches us at all. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "restore/listen.h"
#include "restore/memo.h"
#include "restore/replica.h"
#include "restore/serve.h"
#include "restore/target.h"

#include "restore/replay_impl.h"

#define TRY_MS 15000		/* for the target to reach us */
#define LOOK_MS 200u
#define REPLAY_LISTEN "127.0.0.1:0"
#define WORKERS_MIN 4u		/* as MySQL's own default */

/* --- who serves whom --- */

int
replay_where_to(const struct replay *r, char host[64], struct err *e)
{
	bool any = false;

	if (r->opts.listen == NULL)
		(void)snprintf(host, 64, "127.0.0.1");
	else if (listen_host(r->opts.listen, host, 64, &any, e) != 0)
		return -1;
	if (r->opts.advertise != NULL) {
		if (strlen(r->opts.advertise) >= 64)
			return err_set(e, ERR_USAGE, 0, "--advertise: too "
			    "long");
		(void)snprintf(host, 64, "%s", r->opts.advertise);
	} else if (any) {
		(void)err_set(e, ERR_USAGE, 0, "--listen=%.80s stands for all "
		    "addresses", r->opts.listen);
		return err_hint(e, "add --advertise=HOST, by which the target "
		    "reaches this machine");
	}
	return 0;
}

unsigned
replay_workers(const struct replay *r)
{
	return r->opts.workers < WORKERS_MIN ? WORKERS_MIN : r->opts.workers;
}

/* As the greeting has it: MariaDB below 11 says it is a 5.5.5. */
static void
greeting(const struct replay *r, const struct target *t, char *out, size_t n)
{
	bool old = r->timeline.kind == FLAVOUR_MARIADB &&
	    t->flavour.version < 110000;

	(void)snprintf(out, n, "%s%s", old ? "5.5.5-" : "",
	    t->flavour.version_text);
}

int
replay_start(const struct replay *r, const struct target *t, uint32_t target_id,
    const struct stream_opts *stream, struct serve **out, struct err *e)
{
	char version[128];
	const struct serve_opts opts = {
		.listen = r->opts.listen != NULL ? r->opts.listen :
		    REPLAY_LISTEN,
		.kind = r->timeline.kind, .version = version,
		.gtid = r->gtid, .target_id = target_id,
		.target_uuid = t->flavour.kind == FLAVOUR_MYSQL ?
		    t->flavour.uuid : "",
		.trial = stream == NULL, .stream = stream,
		.cancel = r->opts.cancel,
	};

	greeting(r, t, version, sizeof(version));
	*out = serve_start(&opts, e);
	return *out != NULL ? 0 : -1;
}

int
replay_attach(const struct replay *r, const struct replica *replica,
    const struct serve *serve, const char *host, const char *file,
    uint64_t position, bool apply, struct err *e)
{
	const struct replica_source source = { .host = host,
	    .port = serve_port(serve), .user = serve_user(serve),
	    .password = serve_password(serve), .gtid = r->gtid,
	    .file = file, .position = position };

	return replica_connect(replica, &source, apply, e);
}

/* Where the route begins. */
static void
first_place(const struct replay *r, char file[512], uint64_t *position)
{
	const struct route_leg *leg = &r->route.legs[0];
	const struct timeline_history *h =
	    &r->timeline.histories[leg->history];
	size_t i;

	file[0] = '\0';
	*position = leg->from_offset;
	for (i = 0; i < h->nfiles; i++)
		if (h->files[i].file.seq == leg->from_seq)
			(void)snprintf(file, 512, "%s", h->files[i].file.name);
}

int
replay_place(const struct replay *r, struct conn *c, char file[512],
    uint64_t *position, struct err *e)
{
	struct buf text = {0};
	const char *colon;
	int got;

	first_place(r, file, position);
	if (r->gtid)
		return 0;
	got = memo_get(c, "place", &text, e);
	colon = got == 1 ? strrchr(buf_str(&text), ':') : NULL;
	if (colon != NULL) {
		(void)snprintf(file, 512, "%.*s", (int)(colon -
		    buf_str(&text)), buf_str(&text));
		*position = strtoull(colon + 1, NULL, 10);
	}
	buf_free(&text);
	return got < 0 ? -1 : 0;
}

bool
replay_bears(const struct replay *r, uint64_t id)
{
	size_t i;

	for (i = 0; i < r->route.nlegs; i++)
		if (r->timeline.histories[r->route.legs[i].history].history
		    .server_id == id)
			return true;
	return false;
}

/* --- the trial --- */

static int
wait_for_target(struct replay *r, const struct replica *replica,
    struct serve *serve, struct err *e)
{
	int64_t end = clock_mono_ms() + TRY_MS;
	struct replica_status st;
	struct serve_state state;

	for (;;) {
		if (serve_look(serve, &state, e) != 0 ||
		    replica_status(replica, &st, e) != 0)
			return -1;
		if (st.filtered)
			buf_adds(&r->why, "the target has replication "
			    "filters");
		if (state.asked || st.filtered)
			return 0;
		if (!st.connection || clock_mono_ms() > end) {
			buf_addf(&r->why, "the target does not reach %s: %s",
			    r->at, st.error[0] != '\0' ? st.error :
			    "no answer");
			return 0;
		}
		if (cancel_wait(r->opts.cancel, LOOK_MS, e) != 0)
			return -1;
	}
}

int
replay_try(struct replay *r, struct target *t, struct err *e)
{
	const struct replica replica = { .conn = t->conn,
	    .flavour = &t->flavour, .procedures = &t->procedures };
	struct serve *serve = NULL;
	struct err refused = {0}, end = {0};
	char host[64], file[512];
	uint64_t position;
	int left, rc = -1;

	if (replay_where_to(r, host, e) != 0 ||
	    replica_settings_text(&replica, replay_workers(r), &r->settings,
	    e) != 0 ||
	    replica_reasons(&replica, &r->why, e) != 0)
		return -1;
	if (t->procedures.used) {
		(void)snprintf(r->by, sizeof(r->by), "%s",
		    procedures_name(&t->procedures, r->gtid ?
		    PROCEDURES_GTID : PROCEDURES_PLACE));
		if (r->why.len == 0 && replay_bears(r, t->flavour.server_id))
			buf_addf(&r->why, "the target has the source's server "
			    "id %" PRIu64 ", and would pass over what bears "
			    "it", t->flavour.server_id);
	}
	left = replica_left(&replica, e);
	if (left != 0 || r->why.len > 0) {
		/* A killed run's channel: it was tried then. */
		(void)snprintf(r->at, sizeof(r->at), "%s, as before", host);
		return left < 0 ? -1 : 0;
	}
	/* A trial that is killed leaves its channel: at no other place. */
	if (replay_place(r, t->conn, file, &position, e) != 0 ||
	    replay_start(r, t, (uint32_t)t->flavour.server_id, NULL, &serve,
	    e) != 0)
		return -1;
	(void)snprintf(r->at, sizeof(r->at), "%s:%u", host,
	    serve_port(serve));
	if (replay_attach(r, &replica, serve, host, file, position, false,
	    &refused) != 0) {
		buf_addf(&r->why, "%s", refused.msg);
		rc = 0;
	} else {
		rc = wait_for_target(r, &replica, serve, e);
	}
	serve_stop(serve);
	if (replica_end(&replica, &end) != 0 && refused.code == ERR_NONE &&
	    rc == 0) {
		*e = end;
		rc = -1;
	}
	return rc;
}
