/* SPDX-License-Identifier: Apache-2.0 */
/* serve: the daemon that watches over all sources of a configuration. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backupd/accepted.h"
#include "backupd/archiver.h"
#include "backupd/child.h"
#include "backupd/control.h"
#include "backupd/http.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "catalog/settings.h"

#ifdef KURA_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "backupd/serve_impl.h"

#define POOL 4			/* threads that wait for stores */
#define ROUND_MS 15000		/* a round at least so often */
#define QUEUE_MS 1000		/* while a job waits for its turn */
#define KEEP_US (INT64_C(400) * 86400 * 1000000)	/* of job history */
#define END_MS 9000		/* for children, when all is to end */
#define FDS_MAX 1024

void
serve_system(const char *state)
{
#ifdef KURA_SYSTEMD
	(void)sd_notify(0, state);
#else
	(void)state;
#endif
}

/* --- beginning --- */

static int
open_fds(struct serve *s, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGCHLD);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->signals == -1 || s->timer == -1 || s->wake == -1)
		return err_set(e, ERR_NOMEM, errno, "descriptors");
	s->pool = pool_new(POOL, e);
	return s->pool != NULL ? 0 : -1;
}

/* The folder for job history and the socket. */
static int
open_state(struct serve *s, struct err *e)
{
	const struct settings *all = s->fleet->settings;
	const char *folder = settings_str(all, "state");
	const char *path = settings_str(all, "socket");
	char name[4096];
	struct control_opts control = { .group = settings_str(all,
	    "socket-group"), .handle = serve_control, .arg = s };

	if (folder == NULL)
		folder = "/var/lib/kura";
	if (file_mkdirs(folder, e) != 0)
		return err_hint(e, "name a folder that it may write to: state "
		    "= DIR in [daemon]");
	(void)snprintf(name, sizeof(name), "%s/kura.db", folder);
	s->journal = journal_open(name, e);
	if (s->journal == NULL)
		return -1;
	(void)snprintf(name, sizeof(name), "%s/backupd.sock", folder);
	control.path = path != NULL ? path : name;
	s->control = control_new(&control, e);
	if (s->control == NULL)
		return -1;
	s->accepted = accepted_new(folder, all, e);
	return s->accepted != NULL ? 0 : -1;
}

static void
close_now(void *arg, struct depot *d)
{
	(void)arg;
	depot_close(d);
}

static int
begin(struct serve *s, struct err *e)
{
	const struct settings *all;

	if (serve_load(s, &s->fleet, e) != 0)
		return -1;
	all = s->fleet->settings;
	if (geteuid() == 0 && !settings_flag(all, "allow-root")) {
		(void)err_set(e, ERR_USAGE, 0, "serve: will not run as root");
		return err_hint(e, "run it as a user of its own, or write "
		    "allow-root = yes into [daemon]");
	}
	(void)snprintf(s->config, sizeof(s->config), "%s",
	    settings_config(all));
	if (gethostname(s->host, sizeof(s->host)) != 0)
		(void)snprintf(s->host, sizeof(s->host), "localhost");
	s->retry_ms = settings_ms(all, "retry-after");
	/* Those of [daemon], which main does not know. */
	if (settings_log(all, "backupd", e) != 0 || open_state(s, e) != 0 || serve_tellers(s, e) != 0 ||
	    serve_listen(s, e) != 0)
		return -1;
	log_event(LOG_INFO_, "watching", "id", s->id, "config", s->config,
	    NULL);
	serve_system("READY=1");
	return 0;
}

/* --- signals --- */

static void
take_signals(struct serve *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			s->reload = true;
		else if (info.ssi_signo == SIGUSR1)
			s->draining = true;
		else if (info.ssi_signo != SIGCHLD)
			s->stopping = true;
	}
}

/* --- the loop --- */

struct waiting {
	struct pollfd fds[FDS_MAX];
	nfds_t n;
};

static void
add_fd(struct waiting *w, int fd)
{
	if (fd != -1 && w->n < FDS_MAX)
		w->fds[w->n++] = (struct pollfd){ .fd = fd,
		    .events = POLLIN };
}

static void
add_children(const struct serve *s, struct waiting *w)
{
	const struct fleet *f = s->fleet;
	int fds[CHILD_FDS], n;
	enum task_kind k;
	size_t i;

	for (i = 0; i < f->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++) {
			if (f->sources[i].tasks[k].child == NULL)
				continue;
			child_fds(f->sources[i].tasks[k].child, fds);
			for (n = 0; n < CHILD_FDS; n++)
				add_fd(w, fds[n]);
		}
}

static void
collect(struct serve *s, struct waiting *w)
{
	const struct fleet *f = s->fleet;
	size_t i;

	w->n = 0;
	add_fd(w, s->signals);
	add_fd(w, s->timer);
	add_fd(w, s->wake);
	add_fd(w, pool_fd(s->pool));
	add_fd(w, control_fd(s->control));
	for (i = 0; i < f->ndepots; i++)
		if (f->depots[i]->open)
			add_fd(w, claims_fd(f->depots[i]->claims));
	add_children(s, w);
}

/* One timer for all that is due by the clock; it also fires when somebody
 * sets that. */
static void
set_timer(struct serve *s)
{
	int64_t due = serve_due(s);
	struct itimerspec at = {0};

	if (due != INT64_MAX) {
		due = clock_to_system(due);
		at.it_value.tv_sec = (time_t)(due / 1000000);
		at.it_value.tv_nsec = (long)(due % 1000000) * 1000;
	} else {
		at.it_value.tv_sec = (time_t)1 << 40;
	}
	(void)timerfd_settime(s->timer, TFD_TIMER_ABSTIME |
	    TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void
go_round(struct serve *s)
{
	int64_t now_us = clock_now_us(), now_ms = clock_mono_ms();
	uint64_t count;
	struct err e = {0};

	if (read(s->timer, &count, sizeof(count)) < 0 && errno == ECANCELED) {
		log_event(LOG_WARN_, "the clock was set", NULL);
		serve_forget_due(s);
	}
	take_signals(s);
	pool_reap(s->pool);
	control_ready(s->control);
	serve_children(s);
	if (s->reload && !s->stopping)
		(void)serve_anew(s, &e);
	serve_assign(s, now_ms);
	serve_stores(s, now_ms);
	serve_tasks(s, now_us, now_ms);
	serve_problems(s, now_us, now_ms);
	serve_answer(s);
	if (now_us > s->pruned_us + INT64_C(86400000000)) {
		s->pruned_us = now_us;
		e = (struct err){0};
		(void)journal_prune(s->journal, now_us - KEEP_US, &e);
	}
	serve_system("WATCHDOG=1");
}

static bool
is_drained(const struct serve *s)
{
	return s->draining && fleet_running(s->fleet) == 0;
}

/* --- the end --- */

static void
stop_children(struct serve *s, const char *why)
{
	enum task_kind k;
	size_t i;

	for (i = 0; i < s->fleet->nsources; i++)
		for (k = 0; k < TASK_KINDS; k++)
			serve_stop_task(&s->fleet->sources[i].tasks[k], why);
}

static void
reap_children(struct serve *s, int64_t until_ms)
{
	struct waiting w;
	int64_t left;
	enum task_kind k;
	size_t i;

	while (fleet_running(s->fleet) > 0) {
		left = until_ms - clock_mono_ms();
		for (i = 0; i < s->fleet->nsources && left <= 0; i++)
			for (k = 0; k < TASK_KINDS; k++)
				if (s->fleet->sources[i].tasks[k].child !=
				    NULL)
					child_kill(s->fleet->sources[i].
					    tasks[k].child);
		/* Nothing else is looked at any more. */
		w.n = 0;
		add_fd(&w, s->signals);
		add_children(s, &w);
		(void)poll(w.fds, w.n, left <= 0 ? 100 : left > 1000 ? 1000 :
		    (int)left);
		take_signals(s);
		serve_children(s);
	}
}

struct ending {
	pthread_t thread;
	struct depot *depot;
	bool started;
};

static void *
end_depot(void *arg)
{
	struct ending *x = arg;

	archiver_stop(x->depot->archiver);
	claims_stop(x->depot->claims);
	x->depot->archiver = NULL;
	x->depot->claims = NULL;
	/* What still looks at the store has no use any more. */
	cancel_request(x->depot->cancel, "the end");
	return NULL;
}

/* Archives and claims of all stores end at the same time, beside the
 * children. */
static void
end(struct serve *s)
{
	int64_t until_ms = clock_mono_ms() + END_MS;
	size_t n = s->fleet->ndepots, i;
	struct ending *all = calloc(n + 1, sizeof(*all));

	s->stopping = true;
	stop_children(s, "the daemon was told to end");
	for (i = 0; i < n && all != NULL; i++) {
		all[i].depot = s->fleet->depots[i];
		/* Nobody here asks it for anything any more. */
		all[i].depot->open = false;
		all[i].started = pthread_create(&all[i].thread, NULL,
		    end_depot, &all[i]) == 0;
	}
	reap_children(s, until_ms);
	for (i = 0; i < n && all != NULL; i++)
		if (all[i].started)
			(void)pthread_join(all[i].thread, NULL);
	free(all);
}

static void
close_all(struct serve *s)
{
	serve_system("STOPPING=1");
	serve_answer_none(s);
	http_stop(s->http);
	if (s->fleet != NULL && s->journal != NULL)
		end(s);
	serve_tellers_end(s);
	pool_free(s->pool);
	if (s->fleet != NULL)
		fleet_free(s->fleet, close_now, NULL);
	control_free(s->control);
	accepted_free(s->accepted);
	journal_close(s->journal);
	json_decref(s->status);
	free(s->problems);
	free(s->heard);
	free(s->endings);
	if (s->signals != -1)
		(void)close(s->signals);
	if (s->timer != -1)
		(void)close(s->timer);
	if (s->wake != -1)
		(void)close(s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->fresh);
}

int
serve_run(const struct serve_opts *opts, struct err *e)
{
	struct serve s = { .opts = opts, .signals = -1, .timer = -1,
	    .wake = -1, .started_us = clock_now_us() };
	struct waiting *w = malloc(sizeof(*w));
	pthread_condattr_t attr;
	int rc = -1;

	if (w == NULL)
		return err_set(e, ERR_NOMEM, 0, "serve");
	(void)pthread_mutex_init(&s.lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s.fresh, &attr);
	(void)pthread_condattr_destroy(&attr);
	claims_id_make(s.id);
	if (open_fds(&s, e) == 0 && begin(&s, e) == 0) {
		rc = 0;
		while (!s.stopping && !is_drained(&s)) {
			go_round(&s);
			if (s.stopping || is_drained(&s))
				break;
			set_timer(&s);
			collect(&s, w);
			(void)poll(w->fds, w->n,
			    fleet_queued(s.fleet) > 0 ? QUEUE_MS : ROUND_MS);
		}
		log_event(LOG_INFO_, s.stopping ? "told to end" : "drained",
		    NULL);
	}
	free(w);
	close_all(&s);
	return rc;
}
