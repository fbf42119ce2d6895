/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: which of a source's servers is dumped, and which archived. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/settings.h"
#include "mysql/connect.h"
#include "mysql/flavour.h"

#include "backupd/endpoint.h"

void
endpoint_split(const char *text, struct endpoint *x)
{
	char *colon;

	(void)snprintf(x->host, sizeof(x->host), "%s", text);
	x->port = 0;
	colon = strrchr(x->host, ':');
	/* An IPv6 address has colons of its own, but within brackets. */
	if (colon != NULL && strchr(colon, ']') == NULL) {
		*colon = '\0';
		x->port = (unsigned)strtoul(colon + 1, NULL, 10);
	}
	if (x->host[0] == '[') {
		memmove(x->host, x->host + 1, strlen(x->host));
		x->host[strcspn(x->host, "]")] = '\0';
	}
}

/* A member of the replica's state, by its new or its old name. */
static const char *
named(const struct result *r, char **row, const char *now, const char *before)
{
	int at = result_find(r, now);

	if (at < 0)
		at = result_find(r, before);
	return at < 0 || row[at] == NULL ? "" : row[at];
}

/* A replica, as it says it stands. */
struct replica {
	uint64_t max_lag_s;
	bool is;		/* it is one, */
	bool stopped;		/* and both its threads are stopped */
};

static int
judge(const struct result *r, char **row, struct replica *x, struct err *e)
{
	const char *io = named(r, row, "Replica_IO_Running",
	    "Slave_IO_Running");
	const char *sql = named(r, row, "Replica_SQL_Running",
	    "Slave_SQL_Running");
	const char *lag = named(r, row, "Seconds_Behind_Source",
	    "Seconds_Behind_Master");

	x->is = true;
	x->stopped = strcasecmp(io, "No") == 0 && strcasecmp(sql, "No") == 0;
	if (strcasecmp(io, "Yes") != 0 || strcasecmp(sql, "Yes") != 0)
		return err_set(e, ERR_AGAIN, 0, "it is a replica that does "
		    "not replicate");
	if (lag[0] == '\0' || strtoull(lag, NULL, 10) > x->max_lag_s)
		return err_set(e, ERR_AGAIN, 0, "it is %s s behind, more than "
		    "max-lag of %" PRIu64 " s", lag[0] != '\0' ? lag :
		    "an unknown number of", x->max_lag_s);
	return 0;
}

static int
is_healthy(struct conn *c, const struct flavour *f, struct replica *x,
    struct err *e)
{
	struct result *r = conn_query(c, f->kind == FLAVOUR_MARIADB ?
	    "SHOW ALL SLAVES STATUS" : f->version < 80022 ?
	    "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS", true, e);
	unsigned long *len;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	/* No row: it is nobody's replica. */
	while ((got = result_next(r, &row, &len, e)) == 1)
		if (judge(r, row, x, e) != 0)
			break;
	result_free(r);
	return got == 0 ? 0 : -1;
}

static int
try(struct conn_opts *o, uint64_t max_lag_s, struct err *e)
{
	struct replica x = { .max_lag_s = max_lag_s };
	struct conn *c = conn_open(o, e);
	struct flavour f;
	int rc = c == NULL || flavour_probe(c, &f, e) != 0 ? -1 :
	    is_healthy(c, &f, &x, e);

	conn_close(c);
	return rc;
}

int
endpoint_choose(const struct settings *s, struct conn_opts *conn,
    struct endpoint *x, struct err *e)
{
	uint64_t max_lag_s = settings_ms(s, "max-lag") / 1000;
	size_t n = settings_count(s, "endpoints"), i;
	struct conn_opts o = *conn;
	struct err why = {0};

	for (i = 0; i < n; i++) {
		endpoint_split(settings_item(s, "endpoints", i), x);
		o.host = x->host;
		o.port = x->port;
		o.socket = NULL;
		why = (struct err){0};
		if (try(&o, max_lag_s, &why) == 0) {
			*conn = o;
			return 0;
		}
		if (why.code == ERR_CANCELLED)
			break;
		log_event(LOG_WARN_, "an endpoint is passed over", "endpoint",
		    settings_item(s, "endpoints", i), "why", why.msg, NULL);
	}
	/* A socket of the usual option files is some other server's. */
	if (n == 0 || (why.code != ERR_CANCELLED &&
	    (settings_str(s, "host") != NULL ||
	    settings_str(s, "socket") != NULL)))
		return 0;
	*e = why;
	return err_wrap(e, "none of %zu endpoints will do; the last", n);
}

/* --- the archive --- */

int
endpoint_list(const struct settings *s, struct endpoints *all, struct err *e)
{
	size_t n = settings_count(s, "endpoints"), i, len = 0;

	*all = (struct endpoints){ .alone = n > 0 &&
	    settings_str(s, "host") == NULL &&
	    settings_str(s, "socket") == NULL,
	    .max_lag_s = settings_ms(s, "max-lag") / 1000,
	    .failover_ms = settings_ms(s, "failover-after") };
	for (i = 0; i < n && len < sizeof(all->list); i++)
		len += (size_t)snprintf(all->list + len, sizeof(all->list) -
		    len, "%s%s", i > 0 ? "," : "", settings_item(s,
		    "endpoints", i));
	return len < sizeof(all->list) ? 0 : err_set(e, ERR_USAGE, 0,
	    "endpoints: over %d letters", ENDPOINTS_MAX - 1);
}

bool
endpoint_at(const struct endpoints *all, size_t i, struct endpoint *x)
{
	const char *p = all->list;
	char text[sizeof(x->host)];

	*x = (struct endpoint){0};
	if (!all->alone && i-- == 0)
		return true;
	while (i > 0 && p[0] != '\0') {
		p += strcspn(p, ",");
		p += p[0] == ',';
		i--;
	}
	if (p[0] == '\0')
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(p, ","), p);
	endpoint_split(text, x);
	return true;
}

bool
endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

void
endpoint_conn(const struct conn_opts *base, const struct endpoint *x,
    struct conn_opts *out)
{
	*out = *base;
	if (x->host[0] == '\0')
		return;
	out->host = x->host;
	out->port = x->port;
	out->socket = NULL;
}

/* A global variable; "" where there is none of this name. */
static int
global(struct conn *c, const char *name, char value[64], struct err *e)
{
	struct buf sql = {0};
	struct result *r;
	unsigned long *len;
	char **row;
	int got;

	buf_addf(&sql, "SHOW GLOBAL VARIABLES LIKE '%s'", name);
	r = conn_query(c, buf_str(&sql), true, e);
	buf_free(&sql);
	if (r == NULL)
		return -1;
	got = result_next(r, &row, &len, e);
	(void)snprintf(value, 64, "%s", got == 1 && row[1] != NULL ? row[1] :
	    "");
	result_free(r);
	return got < 0 ? -1 : 0;
}

int
endpoint_archivable(struct conn *c, const struct flavour *f,
    uint64_t max_lag_s, struct err *e)
{
	struct replica x = { .max_lag_s = max_lag_s };
	char read_only[64], group[64], updates[64];
	struct err why = {0};

	if (is_healthy(c, f, &x, &why) != 0 && why.code != ERR_AGAIN) {
		*e = why;
		return -1;
	}
	if (global(c, "read_only", read_only, e) != 0 ||
	    global(c, "group_replication_group_name", group, e) != 0 ||
	    global(c, "log_slave_updates", updates, e) != 0)
		return -1;
	/* Who promotes a replica may leave it one, stopped, and let it be
	 * written. */
	if (x.stopped && strcasecmp(read_only, "OFF") == 0)
		return 0;
	if (why.code != ERR_NONE) {
		*e = why;
		return -1;
	}
	if (x.is && strcasecmp(updates, "OFF") == 0)
		return err_set(e, ERR_AGAIN, 0, "it is a replica, and "
		    "log_slave_updates is off: its binary log has nothing of "
		    "what it replicates");
	/* The members of a group replicate and are no replicas. */
	if (!x.is && group[0] == '\0' && strcasecmp(read_only, "OFF") != 0)
		return err_set(e, ERR_AGAIN, 0, "it is read-only and nobody's "
		    "replica: nothing is written there");
	return 0;
}
