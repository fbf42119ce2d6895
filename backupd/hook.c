/* SPDX-License-Identifier: Apache-2.0 */
/* hook: runs a command of the user's, for a thread that may wait for it. */
#define _GNU_SOURCE	/* close_range, execvpe */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backupd/spawn.h"
#include "base/clock.h"
#include "base/err.h"

#include "backupd/hook.h"

#define LOOK_MS 500		/* how often `stop` is looked at */

/* --- words --- */

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_USAGE, 0, "command: %s", what);
}

/* One word at *p into *to, both moved on. */
static int
word(const char **p, char **to, struct err *e)
{
	char quote = '\0';

	for (; **p != '\0'; (*p)++) {
		if (quote == '\0' && (**p == ' ' || **p == '\t'))
			break;
		if (quote == '\0' && (**p == '"' || **p == '\'')) {
			quote = **p;
		} else if (quote != '\0' && **p == quote) {
			quote = '\0';
		} else {
			if (**p == '\\' && quote != '\'' && *++*p == '\0')
				return bad(e, "a \\ at the end");
			*(*to)++ = **p;
		}
	}
	*(*to)++ = '\0';
	return quote == '\0' ? 0 : bad(e, "a quote without its end");
}

int
hook_split(const char *text, char ***argv, struct err *e)
{
	size_t table = (HOOK_WORDS_MAX + 1) * sizeof(char *), n = 0;
	char **words = calloc(1, table + strlen(text) + 1), *to;

	*argv = NULL;
	if (words == NULL)
		return err_set(e, ERR_NOMEM, 0, "command");
	to = (char *)words + table;
	for (text += strspn(text, " \t"); *text != '\0';
	    text += strspn(text, " \t")) {
		if (n == HOOK_WORDS_MAX) {
			(void)err_set(e, ERR_USAGE, 0, "command: more than "
			    "%d words", HOOK_WORDS_MAX);
			goto out;
		}
		words[n++] = to;
		if (word(&text, &to, e) != 0)
			goto out;
	}
	if (n > 0 && words[0][0] != '\0') {
		*argv = words;
		return 0;
	}
	(void)bad(e, "it names no program");
out:	free(words);
	return -1;
}

/* --- the new process: nothing but system calls until it is another --- */

static void
become(const struct hook *h, char *const *env, int in, int out)
{
	spawn_fresh();
	/* The ends are above 2 (see ends): no place is overwritten early. */
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(out, STDERR_FILENO) == -1)
		_exit(126);
	(void)close_range(3, ~0u, 0);
	(void)execvpe(h->argv[0], (char *const *)(uintptr_t)h->argv, env);
	_exit(errno == ENOENT ? 127 : 126);
}

/* NAME=value of ours, or a default; in room. */
static char *
variable(const char *name, const char *without, char *room, size_t n)
{
	const char *value = getenv(name);
	size_t len = strlen(name);

	if (value == NULL || len + 2 + strlen(value) > n)
		value = without;
	(void)memcpy(room, name, len);
	room[len] = '=';
	(void)memcpy(room + len + 1, value, strlen(value) + 1);
	return room;
}

/* --- the process that waits --- */

struct running {
	const struct hook *h;
	struct hook_result *result;
	pid_t pid;
	int in, out, fd;	/* our ends; the process */
	size_t sent, n;
};

static void
end(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static int
launch(struct running *r, struct err *e)
{
	char path[1024], home[1024], lang[128], zone[128];
	char *env[5] = {
	    variable("PATH", "/usr/local/bin:/usr/bin:/bin", path,
	    sizeof(path)),
	    variable("HOME", "/", home, sizeof(home)),
	    variable("LANG", "C.UTF-8", lang, sizeof(lang)),
	    variable("TZ", "", zone, sizeof(zone)), NULL };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, error;

	if (getenv("TZ") == NULL)
		env[3] = NULL;
	if (spawn_pipe(in, 3, 1) == 0 && spawn_pipe(out, 3, 0) == 0)
		r->pid = fork();
	error = errno;
	if (r->pid == 0)
		become(r->h, env, in[0], out[1]);
	end(&in[0]);
	end(&out[1]);
	r->in = in[1];
	r->out = out[0];
	if (r->pid <= 0)
		return err_set(e, ERR_NOMEM, error, "%s", r->h->argv[0]);
	/* Against the race of who comes first. */
	(void)setpgid(r->pid, r->pid);
	r->fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->fd == -1)
		return err_set(e, ERR_IO, errno, "%s: pidfd_open",
		    r->h->argv[0]);
	return 0;
}

static void
send_input(struct running *r)
{
	size_t left = r->h->input_len - r->sent;
	ssize_t n = left > 0 ? write(r->in, r->h->input + r->sent, left) : 0;

	if (n > 0)
		r->sent += (size_t)n;
	/* Who does not read it does not want it. */
	if (r->sent == r->h->input_len || (n == -1 && errno != EAGAIN &&
	    errno != EINTR))
		end(&r->in);
}

/* Keep the last line that says something. */
static void
take_output(struct running *r)
{
	char data[1024], *text = r->result->output;
	ssize_t n = read(r->out, data, sizeof(data)), i;

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		end(&r->out);
	for (i = 0; i < n; i++) {
		if (data[i] == '\n') {
			r->n = 0;
			continue;
		}
		if (r->n == HOOK_OUTPUT)
			continue;
		text[r->n++] = (unsigned char)data[i] < 0x20 ||
		    data[i] == 0x7f ? ' ' : data[i];
		text[r->n] = '\0';
	}
}

/* Until it has ended, or its time has: 0, or -1 with the error. */
static int
attend(struct running *r, struct err *e)
{
	int64_t limit = r->h->time_limit_ms == 0 ? 30000 :
	    (int64_t)r->h->time_limit_ms;
	int64_t until = clock_mono_ms() + limit, left;
	struct pollfd p[3];

	for (;;) {
		left = until - clock_mono_ms();
		if (r->h->stop != NULL && atomic_load(r->h->stop))
			return err_set(e, ERR_CANCELLED, 0, "%s: stopped",
			    r->h->argv[0]);
		if (left <= 0)
			return err_set(e, ERR_IO, 0, "%s: killed: not done "
			    "after %lld ms", r->h->argv[0],
			    (long long)limit);
		p[0] = (struct pollfd){ .fd = r->fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = r->in, .events = POLLOUT };
		p[2] = (struct pollfd){ .fd = r->out, .events = POLLIN };
		if (poll(p, 3, (int)(left < LOOK_MS ? left : LOOK_MS)) < 0)
			continue;
		if (p[1].revents != 0)
			send_input(r);
		if (p[2].revents != 0)
			take_output(r);
		/* It is over once it is, whoever keeps its pipes open. */
		if (p[0].revents != 0 && p[2].revents == 0)
			return 0;
	}
}

static int
judge(const struct running *r, int status, struct err *e)
{
	const char *text = r->result->output;

	r->result->status = WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
	if (e->code != ERR_NONE)
		return -1;
	if (r->result->status == 0)
		return 0;
	if (r->result->status == 127 && text[0] == '\0')
		return err_set(e, ERR_IO, 0, "%s: no such program",
		    r->h->argv[0]);
	return err_set(e, r->result->status == 75 ? ERR_AGAIN : ERR_IO, 0,
	    "%s: status %d%s%.160s", r->h->argv[0], r->result->status,
	    text[0] != '\0' ? ": " : "", text);
}

int
hook_run(const struct hook *h, struct hook_result *result, struct err *e)
{
	struct running r = { .h = h, .result = result, .pid = -1, .in = -1,
	    .out = -1, .fd = -1 };
	int status = 0, rc = -1;

	*result = (struct hook_result){ .status = -1 };
	if (launch(&r, e) == 0)
		(void)attend(&r, e);
	if (r.pid > 0) {
		/* Whatever is left of it, too. */
		(void)kill(-r.pid, SIGKILL);
		while (waitpid(r.pid, &status, 0) == -1 && errno == EINTR)
			continue;
		rc = judge(&r, status, e);
	}
	end(&r.in);
	end(&r.out);
	end(&r.fd);
	return rc;
}
