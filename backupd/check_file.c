/* SPDX-License-Identifier: Apache-2.0 */
/* check_file: every mistake of the configuration, source by source. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backupd/cron.h"
#include "backupd/follow.h"
#include "backupd/run.h"
#include "backupd/settings.h"
#include "backupd/timetable.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/zone.h"
#include "catalog/head.h"
#include "catalog/settings.h"
#include "mysql/optfile.h"

#include "backupd/check.h"
#include "backupd/check_impl.h"

/* One source: its clone, and where it begins. */
struct look {
	const struct settings *all;
	struct settings *c;
	const char *name;
	struct findings *f;
	struct finding at;
};

static struct finding
from(const struct look *l, const char *key, char text[CHECK_WHERE])
{
	struct finding x = l->at;

	x.where = check_where(l->c, key, l->at.where, text);
	return x;
}

unsigned
check_source_jobs(const struct settings *c)
{
	unsigned jobs = FINDING_DUMP;

	if (settings_flag(c, "archive"))
		jobs |= FINDING_ARCHIVE;
	if (settings_str(c, "verify") != NULL)
		jobs |= FINDING_VERIFY;
	if (settings_str(c, "drill") != NULL)
		jobs |= FINDING_DRILL;
	if (settings_str(c, "keep-last") != NULL ||
	    settings_str(c, "keep-hourly") != NULL ||
	    settings_str(c, "keep-daily") != NULL ||
	    settings_str(c, "keep-weekly") != NULL ||
	    settings_str(c, "keep-monthly") != NULL ||
	    settings_str(c, "keep-yearly") != NULL ||
	    settings_str(c, "keep-within") != NULL ||
	    settings_str(c, "keep-window") != NULL)
		jobs |= FINDING_EXPIRE;
	return jobs;
}

/* A failure whose text begins with --NAME is of that setting. */
static void
failed(struct look *l, const struct err *why)
{
	char key[64], where[CHECK_WHERE];
	struct finding x = l->at;
	struct err bare = *why;
	size_t n;

	if (strncmp(why->msg, "--", 2) == 0) {
		n = strcspn(why->msg + 2, " :=");
		if (n < sizeof(key)) {
			memcpy(key, why->msg + 2, n);
			key[n] = '\0';
			x = from(l, key, where);
		}
		(void)snprintf(bare.msg, sizeof(bare.msg), "%.*s",
		    (int)sizeof(bare.msg) - 3, why->msg + 2);
	}
	finding_err(l->f, &x, &bare);
}

static void
check_store(struct look *l)
{
	const char *store = settings_str(l->c, "store");
	struct finding x;
	char where[CHECK_WHERE];
	char state[SETTINGS_STATE];
	struct store_opts o = {0};
	struct err e = {0};

	/* What a section lacks is told of the section. */
	if (store != NULL && settings_has_store(l->all, store))
		return;
	if (store == NULL && settings_only_store(l->all) != NULL)
		return;
	if (settings_store_opts(l->c, &o, state, &e) == 0)
		return;
	x = from(l, "store", where);
	finding_err(l->f, &x, &e);
}

static void
check_connection(struct look *l)
{
	struct optfile files = {0};
	struct conn_opts conn = {0};
	char where[CHECK_WHERE];
	struct err e = {0};
	struct finding x;

	if (check_secret(l->c, "password-file", l->f, &l->at) &&
	    settings_connect(l->c, "backupd", &conn, &files, &e) != 0) {
		x = from(l, settings_str(l->c, "defaults-file") != NULL ?
		    "defaults-file" : "host", where);
		finding_err(l->f, &x, &e);
	}
	optfile_free(&files);
	check_there(l->c, "ssl-ca", l->f, &l->at);
	check_there(l->c, "ssl-capath", l->f, &l->at);
	check_there(l->c, "ssl-cert", l->f, &l->at);
	check_there(l->c, "ssl-key", l->f, &l->at);
}

static void
check_dump(struct look *l)
{
	struct run_opts opts = { .source = l->name };
	struct follow_opts follow = { .source = l->name };
	uint64_t memory = settings_size(l->c, "archive-memory");
	char where[CHECK_WHERE];
	struct err e = {0};
	struct finding x;

	if (run_opts_from(l->c, &opts, &e) != 0)
		failed(l, &e);
	run_opts_free(&opts);
	e = (struct err){0};
	if (follow_opts_from(l->c, &follow, &e) != 0)
		failed(l, &e);
	x = from(l, "archive-memory", where);
	if (memory < (uint64_t)16 << 20 || memory > (uint64_t)64 << 30)
		finding_add(l->f, &x, "archive-memory: not 16MiB to 64GiB");
	x = from(l, "ack", where);
	x.level = FINDING_WARNING;
	x.todo = "write archive = yes as well";
	if (follow.ack && !settings_flag(l->c, "archive"))
		finding_add(l->f, &x, "ack: nothing is acknowledged where "
		    "nothing is archived");
}

/* Each of the times by itself, so that all mistakes are found. */
static void
check_schedule(struct look *l)
{
	static const char *const crons[] = { "dump", "expire", "verify",
		"drill" };
	const char *text, *zone = settings_str(l->c, "zone");
	char where[CHECK_WHERE];
	struct timetable *times;
	struct cron *cron;
	struct zone *z;
	struct err e = {0};
	struct finding x;
	bool right = true;
	size_t i;

	for (i = 0; i < sizeof(crons) / sizeof(crons[0]); i++) {
		text = settings_str(l->c, crons[i]);
		if (cron_is_off(text) || (i == 1 && strcmp(text, "after-dump") ==
		    0))
			continue;
		cron = cron_parse(text, &e);
		if (cron == NULL) {
			x = from(l, crons[i], where);
			(void)err_wrap(&e, "%s", crons[i]);
			finding_err(l->f, &x, &e);
			right = false;
		}
		cron_free(cron);
		e = (struct err){0};
	}
	z = zone_open(zone, &e);
	if (z == NULL) {
		x = from(l, "zone", where);
		(void)err_wrap(&e, "zone");
		finding_err(l->f, &x, &e);
	}
	if (right && z != NULL) {
		x = l->at;
		x.where = "";
		times = timetable_read(l->c, l->name, &e);
		if (times == NULL)
			finding_err(l->f, &x, &e);
		timetable_free(times);
	}
	zone_free(z);
}

static void
check_retention(struct look *l)
{
	char where[CHECK_WHERE];
	struct finding x = from(l, "keep-window", where);

	x.level = FINDING_WARNING;
	x.todo = "write archive = yes as well";
	if (settings_str(l->c, "keep-window") != NULL &&
	    !settings_flag(l->c, "archive"))
		finding_add(l->f, &x, "keep-window: without an archive there "
		    "is no moment between backups to restore to");
	x = from(l, "keep-min", where);
	if (settings_uint(l->c, "keep-min") < 1)
		finding_add(l->f, &x, "keep-min: not 1 or more");
	x = l->at;
	x.level = FINDING_HINT;
	x.todo = "set keep-daily or another of them";
	if ((check_source_jobs(l->c) & FINDING_EXPIRE) == 0 &&
	    settings_str(l->c, "dump") != NULL)
		finding_add(l->f, &x, "%s has no keep-...: its backups pile "
		    "up for ever", l->name);
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

/* The server that drills empty: named, and none that is backed up. */
static void
check_drill(struct look *l)
{
	const char *host = settings_str(l->c, "drill-host");
	const char *socket = settings_str(l->c, "drill-socket"), *listen;
	uint64_t port = settings_uint(l->c, "port");
	uint64_t drill_port = settings_uint(l->c, "drill-port");
	struct optfile files = {0};
	char where[CHECK_WHERE];
	struct err e = {0};
	struct finding x = from(l, "drill", where);

	x.jobs = FINDING_DRILL;
	if (settings_str(l->c, "drill") != NULL && host == NULL &&
	    socket == NULL && settings_str(l->c, "drill-defaults-file") ==
	    NULL) {
		x.todo = "set drill-host or drill-socket";
		finding_add(l->f, &x, "drill: no server is named to restore "
		    "into");
	}
	(void)check_secret(l->c, "drill-password-file", l->f, &l->at);
	check_there(l->c, "drill-ssl-ca", l->f, &l->at);
	if (settings_str(l->c, "drill-defaults-file") != NULL &&
	    optfile_read(settings_str(l->c, "drill-defaults-file"), &files,
	    &e) != 0) {
		x = from(l, "drill-defaults-file", where);
		finding_err(l->f, &x, &e);
	}
	optfile_free(&files);
	listen = settings_str(l->c, "drill-listen");
	if (listen != NULL && settings_str(l->c, "drill-advertise") == NULL &&
	    (strncmp(listen, "0.0.0.0:", 8) == 0 ||
	    strncmp(listen, "[::]:", 5) == 0)) {
		x = from(l, "drill-listen", where);
		x.todo = "set drill-advertise, by which the server reaches it";
		finding_add(l->f, &x, "drill-listen: %s stands for all "
		    "addresses", listen);
	}
	x = from(l, host != NULL ? "drill-host" : "drill-socket", where);
	x.todo = "name a server that holds nothing else";
	if ((same(host, settings_str(l->c, "host")) &&
	    (port == 0 ? 3306 : port) == (drill_port == 0 ? 3306 :
	    drill_port)) || same(socket, settings_str(l->c, "socket")))
		finding_add(l->f, &x, "drill: it is the source itself that "
		    "would be emptied");
}

static void
check_notify(struct look *l)
{
	char where[CHECK_WHERE];
	struct finding x = from(l, "notify", where);
	const char *name;
	size_t i;

	for (i = 0; i < settings_count(l->c, "notify"); i++) {
		name = settings_item(l->c, "notify", i);
		if (settings_section_origin(l->all, "notify", name) == NULL)
			finding_add(l->f, &x, "notify: there is no [notify "
			    "%s]", name);
	}
}

/* Where a source is, to find two that are the same server. */
struct address {
	char *text;		/* NULL: not known */
	const char *name;
	size_t i;		/* in the file's order */
};

static void
note_address(const struct look *l, struct address *a)
{
	const char *host = settings_str(l->c, "host");
	const char *socket = settings_str(l->c, "socket");
	struct buf text = {0};
	struct err e = {0};

	if (socket != NULL)
		buf_addf(&text, "%s", socket);
	else if (host != NULL && !same(host, "localhost"))
		buf_addf(&text, "%s:%llu", host, settings_str(l->c, "port") !=
		    NULL ? (unsigned long long)settings_uint(l->c, "port") :
		    3306ull);
	if (text.len > 0 && buf_check(&text, "address", &e) == 0)
		a->text = strdup(buf_str(&text));
	buf_free(&text);
}

static int
by_address(const void *x, const void *y)
{
	const struct address *a = x, *b = y;
	int order;

	if (a->text == NULL || b->text == NULL)
		return (a->text != NULL) - (b->text != NULL);
	order = strcmp(a->text, b->text);
	return order != 0 ? order : a->i < b->i ? -1 : a->i > b->i;
}

static void
check_twins(const struct settings *s, struct address *all, size_t n,
    struct findings *f)
{
	struct finding x = { .level = FINDING_WARNING,
	    .todo = "one of them will do" };
	size_t i;

	qsort(all, n, sizeof(*all), by_address);
	for (i = 1; i < n; i++) {
		if (all[i].text == NULL || all[i - 1].text == NULL ||
		    strcmp(all[i].text, all[i - 1].text) != 0)
			continue;
		x.source = all[i].name;
		x.where = settings_section_origin(s, "source", all[i].name);
		finding_add(f, &x, "%s is the same server as %s",
		    all[i].name, all[i - 1].name);
	}
}

static void
check_source(const struct settings *s, const char *name, struct findings *f,
    struct address *address)
{
	struct look l = { .all = s, .name = name, .f = f, .at = {
	    .level = FINDING_ERROR, .source = name, .jobs = FINDING_ALL,
	    .where = settings_section_origin(s, "source", name) } };
	struct err e = {0};

	if (!source_name_valid(name)) {
		finding_add(f, &l.at, "source name '%s' is not "
		    "[a-z0-9][a-z0-9._-]{0,62} without '..'", name);
		return;
	}
	l.c = settings_clone(s, &e);
	if (l.c == NULL || settings_use_source(l.c, name, &e) != 0) {
		/* The message says where. */
		l.at.where = "";
		finding_err(f, &l.at, &e);
	} else {
		check_store(&l);
		check_connection(&l);
		check_dump(&l);
		check_schedule(&l);
		check_retention(&l);
		check_drill(&l);
		check_notify(&l);
		note_address(&l, address);
	}
	settings_free(l.c);
}

static void
take_mistake(void *arg, const struct err *mistake)
{
	const struct finding at = { .level = FINDING_ERROR };

	finding_err(arg, &at, mistake);
}

size_t
check_offline(const struct settings *s, struct findings *f)
{
	const struct finding none = { .level = FINDING_WARNING,
	    .where = settings_config(s), .todo = "write [source NAME] and "
	    "host = ..." };
	struct address *all;
	const char *name;
	size_t i, n = 0;

	/* What cannot be read cannot be looked at any closer. */
	if (settings_mistakes(s, take_mistake, f) > 0)
		return findings_count(f, FINDING_ERROR);
	check_daemon(s, f);
	check_stores(s, f);
	check_notifiers(s, f);
	while (settings_name(s, "source", n) != NULL)
		n++;
	all = calloc(n + 1, sizeof(*all));
	for (i = 0; all != NULL && i < n; i++) {
		name = settings_name(s, "source", i);
		all[i].name = name;
		all[i].i = i;
		check_source(s, name, f, &all[i]);
	}
	if (n == 0)
		finding_add(f, &none, "there is no source: nothing is backed "
		    "up");
	if (all != NULL)
		check_twins(s, all, n, f);
	for (i = 0; all != NULL && i < n; i++)
		free(all[i].text);
	free(all);
	return findings_count(f, FINDING_ERROR);
}
