/* SPDX-License-Identifier: Apache-2.0 */
/* child: one of our own programs at work, as a process of its own. */
#define _GNU_SOURCE	/* close_range */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backupd/spawn.h"
#include "base/buf.h"
#include "base/err.h"

#include "backupd/child.h"

enum { OUT, EVENTS, PROGRESS };

/* A pipe that is read line by line. */
struct lines {
	char data[CHILD_LINE_MAX];
	size_t n;
	bool cut;		/* the line is longer: its rest is dropped */
};

struct child {
	struct child_opts opts;
	char label[CHILD_LABEL + 1];
	pid_t pid;
	int fds[CHILD_FDS];
	bool over;
	int status;
	struct buf out;
	struct lines events, progress;
	char message[CHILD_LINE_MAX];
	char last[CHILD_LINE_MAX];	/* of progress */
};

void
child_program(const char *name, char *path, size_t n)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			*slash = '\0';
			(void)snprintf(path, n, "%s/%s", self, name);
			if (access(path, X_OK) == 0)
				return;
		}
	}
	(void)snprintf(path, n, "%s", name);
}

/* --- the new process: nothing but system calls until it is another --- */

static void
become(const char *const *argv, char **env, const int ends[CHILD_FDS],
    pid_t parent)
{
	static const int places[CHILD_FDS] = { STDOUT_FILENO, STDERR_FILENO,
	    3 };
	int i, null;

	/* A parent that died before this would never be noticed. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(127);
	spawn_fresh();
	null = open("/dev/null", O_RDONLY);
	/* The ends are above 3 (child_start): no place is overwritten early. */
	if (null == -1 || dup2(null, STDIN_FILENO) == -1)
		_exit(127);
	for (i = 0; i < CHILD_FDS; i++)
		if (dup2(ends[i], places[i]) == -1)
			_exit(127);
	/* Whatever we were started with is nothing for it. */
	(void)close_range(4, ~0u, 0);
	environ = env;
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Ours, with some more variables; borrowed strings. */
static char **
environment(const char *const variables[CHILD_VARIABLES])
{
	size_t n = 0, k = 0, i;
	char **env;

	while (environ[n] != NULL)
		n++;
	env = calloc(n + CHILD_VARIABLES + 1, sizeof(*env));
	if (env == NULL)
		return NULL;
	for (i = 0; i < CHILD_VARIABLES; i++)
		if (variables[i] != NULL)
			env[k++] = (char *)(uintptr_t)variables[i];
	memcpy(env + k, environ, n * sizeof(*env));
	return env;
}

struct child *
child_start(const struct child_opts *opts, struct err *e)
{
	struct child *c = calloc(1, sizeof(*c));
	char **env = environment(opts->variables);
	int theirs[CHILD_FDS] = { -1, -1, -1 }, ends[2], i;
	pid_t parent = getpid();

	if (c == NULL || env == NULL) {
		free(c);
		free(env);
		(void)err_set(e, ERR_NOMEM, 0, "start %s", opts->argv[0]);
		return NULL;
	}
	c->opts = *opts;
	(void)snprintf(c->label, sizeof(c->label), "%s",
	    opts->label != NULL ? opts->label : "");
	c->pid = -1;
	buf_init(&c->out, CHILD_OUT_MAX);
	for (i = 0; i < CHILD_FDS; i++)
		c->fds[i] = -1;
	for (i = 0; i < CHILD_FDS; i++) {
		if (spawn_pipe(ends, 4, 0) != 0)
			goto err0;
		c->fds[i] = ends[0];
		theirs[i] = ends[1];
	}
	c->pid = fork();
	if (c->pid == 0)
		become(opts->argv, env, theirs, parent);
	if (c->pid == -1)
		goto err0;
	for (i = 0; i < CHILD_FDS; i++)
		(void)close(theirs[i]);
	free(env);
	return c;

err0:	(void)err_set(e, ERR_NOMEM, errno, "start %s", opts->argv[0]);
	for (i = 0; i < CHILD_FDS; i++)
		if (theirs[i] != -1)
			(void)close(theirs[i]);
	free(env);
	child_free(c);
	return NULL;
}

void
child_fds(const struct child *c, int fds[CHILD_FDS])
{
	memcpy(fds, c->fds, sizeof(c->fds));
}

/* --- what it says --- */

static void
take_event(struct child *c, const char *line)
{
	if (line[0] == '{') {
		if (c->opts.event != NULL)
			c->opts.event(c->opts.arg, c->label, line);
	} else if (line[0] != '\0') {
		(void)snprintf(c->message, sizeof(c->message), "%s", line);
	}
}

static void
take_progress(struct child *c, const char *line)
{
	if (line[0] == '{')
		(void)snprintf(c->last, sizeof(c->last), "%s", line);
}

static void
take_lines(struct child *c, struct lines *l, const char *data, size_t n,
    void (*take)(struct child *, const char *))
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (data[i] == '\n') {
			l->data[l->n] = '\0';
			take(c, l->data);
			l->n = 0;
			l->cut = false;
		} else if (l->n < sizeof(l->data) - 1 && !l->cut) {
			l->data[l->n++] = data[i];
		} else {
			l->cut = true;
		}
	}
}

/* What a pipe has; it is closed at its end. */
static void
drain(struct child *c, int which)
{
	char data[16384];
	ssize_t n;

	while (c->fds[which] != -1) {
		n = read(c->fds[which], data, sizeof(data));
		if (n > 0 && which == OUT)
			buf_add(&c->out, data, (size_t)n);
		else if (n > 0 && which == EVENTS)
			take_lines(c, &c->events, data, (size_t)n,
			    take_event);
		else if (n > 0)
			take_lines(c, &c->progress, data, (size_t)n,
			    take_progress);
		if (n > 0 || (n == -1 && errno == EINTR))
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		(void)close(c->fds[which]);
		c->fds[which] = -1;
	}
}

void
child_ready(struct child *c)
{
	drain(c, OUT);
	drain(c, EVENTS);
	drain(c, PROGRESS);
}

bool
child_reap(struct child *c)
{
	int status, i;
	pid_t pid;

	if (c->over)
		return true;
	do
		pid = waitpid(c->pid, &status, WNOHANG);
	while (pid == -1 && errno == EINTR);
	if (pid == 0)
		return false;
	child_ready(c);
	take_lines(c, &c->events, "\n", 1, take_event);
	for (i = 0; i < CHILD_FDS; i++) {
		/* A grandchild may keep it open: it is none of ours. */
		if (c->fds[i] != -1)
			(void)close(c->fds[i]);
		c->fds[i] = -1;
	}
	c->over = true;
	c->status = pid == -1 ? 127 : WIFEXITED(status) ?
	    WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

void
child_stop(struct child *c)
{
	if (!c->over)
		(void)kill(c->pid, SIGTERM);
}

void
child_kill(struct child *c)
{
	if (!c->over)
		(void)kill(c->pid, SIGKILL);
}

int
child_status(const struct child *c)
{
	return c->status;
}

const char *
child_out(const struct child *c, size_t *n)
{
	*n = c->out.failed ? 0 : c->out.len;
	return c->out.failed ? "" : buf_str(&c->out);
}

const char *
child_message(const struct child *c)
{
	return c->message;
}

const char *
child_progress(const struct child *c)
{
	return c->last;
}

void
child_free(struct child *c)
{
	int i;

	if (c == NULL)
		return;
	if (c->pid != -1 && !c->over) {
		(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	for (i = 0; i < CHILD_FDS; i++)
		if (c->fds[i] != -1)
			(void)close(c->fds[i]);
	buf_free(&c->out);
	free(c);
}
