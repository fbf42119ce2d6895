/* SPDX-License-Identifier: Apache-2.0 */
/* client: asks and tells a running daemon over its control socket. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backupd/control.h"
#include "backupd/status.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/settings.h"

#include "backupd/client.h"

#define ANSWER_MS 30000

static const char *const verbs[] = { "status", "start", "cancel", "pause",
	"resume", "drain", "reload" };

bool
client_knows(const char *verb)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

/* --- one question, one answer --- */

static int
dial(const char *path, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };
	size_t n = strlen(path);
	int fd;

	if (n == 0 || n >= sizeof(addr.sun_path))
		return err_set(e, ERR_USAGE, 0, "socket %.60s%s: its path has "
		    "%zu bytes, not 1 to %zu", path, n > 60 ? "..." : "", n,
		    sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, ERR_NOMEM, errno, "socket");
	/* connect(2) waits while the daemon's queue is full. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED) {
		(void)err_set(e, ERR_IO, 0, "%s: no daemon listens there",
		    path);
		(void)err_hint(e, "start 'backupd serve', or name its socket "
		    "by --socket or --config");
	} else if (errno == EACCES || errno == EPERM) {
		(void)err_set(e, ERR_DENIED, errno, "%s", path);
		(void)err_hint(e, "be the daemon's user, or a member of its "
		    "socket-group");
	} else {
		(void)err_set(e, ERR_IO, errno, "%s: the daemon does not "
		    "answer", path);
	}
	(void)close(fd);
	return -1;
}

static void
stop(void *arg)
{
	(void)shutdown(*(const int *)arg, SHUT_RDWR);
}

static int
send_all(int fd, const char *data, size_t n, struct err *e)
{
	ssize_t done;

	while (n > 0) {
		done = send(fd, data, n, MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		/* It may have said why before it hung up. */
		if (done < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (done < 0)
			return err_set(e, ERR_IO, errno, "the daemon took no "
			    "request");
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

static int
hear_all(int fd, struct buf *in, struct err *e)
{
	int64_t until = clock_mono_ms() + ANSWER_MS, left;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char some[16384];
	ssize_t n;

	for (;;) {
		left = until - clock_mono_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return err_set(e, ERR_IO, 0, "the daemon has not "
			    "answered within %d s", ANSWER_MS / 1000);
		n = recv(fd, some, sizeof(some), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		/* Hung up on what it had not read: no more comes. */
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		if (n < 0)
			return err_set(e, ERR_IO, errno, "the daemon broke "
			    "off");
		if (n == 0)
			return 0;
		buf_add(in, some, (size_t)n);
		if (buf_check(in, "the daemon's answer", e) != 0)
			return -1;
	}
}

static int
exchange(const char *path, const char *line, size_t n, struct cancel *cancel,
    struct buf *in, struct err *e)
{
	int fd = dial(path, e), rc;
	unsigned handle;

	if (fd < 0)
		return -1;
	handle = cancel == NULL ? 0 : cancel_add(cancel, stop, &fd);
	rc = send_all(fd, line, n, e) == 0 ? hear_all(fd, in, e) : -1;
	if (cancel != NULL)
		cancel_remove(cancel, handle);
	(void)close(fd);
	if (cancel_requested(cancel)) {
		*e = (struct err){0};
		return cancel_check(cancel, e);
	}
	return rc != 0 ? err_wrap(e, "%s", path) : 0;
}

/* What a daemon says when it will not. */
static void
refused(const json_t *reply, struct err *e)
{
	static const struct { const char *name; enum err_code code; } all[] = {
		{ "usage", ERR_USAGE }, { "notfound", ERR_NOTFOUND },
		{ "busy", ERR_BUSY }, { "denied", ERR_DENIED },
	};
	const char *code = json_string_value(json_object_get(reply, "code"));
	const char *text = json_string_value(json_object_get(reply,
	    "message"));
	const char *hint = json_string_value(json_object_get(reply, "hint"));
	enum err_code c = ERR_IO;
	size_t i;

	for (i = 0; code != NULL && i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(code, all[i].name) == 0)
			c = all[i].code;
	(void)err_set(e, c, 0, "the daemon says: %s", text != NULL ? text :
	    "no, without a reason");
	if (hint != NULL)
		(void)err_hint(e, "%s", hint);
}

json_t *
client_ask(const char *path, const json_t *request, struct cancel *cancel,
    struct err *e)
{
	char *line = json_dumps(request, JSON_COMPACT);
	json_t *reply = NULL;
	struct buf out = {0}, in = {0};

	buf_init(&in, CONTROL_REPLY_MAX + 1);
	if (line != NULL)
		buf_addf(&out, "%s\n", line);
	if (line == NULL || out.failed) {
		(void)err_set(e, ERR_NOMEM, 0, "request");
	} else if (exchange(path, out.data, out.len, cancel, &in, e) == 0) {
		/* Cut short it is no object: a daemon that died says nothing
		 * else. */
		reply = json_loadb(buf_str(&in), in.len,
		    JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(reply))
			(void)err_set(e, ERR_IO, 0, "%s: the daemon broke off "
			    "its answer", path);
		else if (!json_is_true(json_object_get(reply, "ok")))
			refused(reply, e);
	}
	if (e->code != ERR_NONE) {
		json_decref(reply);
		reply = NULL;
	}
	free(line);
	buf_free(&out);
	buf_free(&in);
	return reply;
}

/* --- the verbs --- */

static void
print_done(const char *verb, const char *source, const char *job,
    const json_t *reply, FILE *out)
{
	const char *said = json_string_value(json_object_get(reply,
	    "message"));

	if (said != NULL)
		(void)fprintf(out, "%s\n", said);
	else
		(void)fprintf(out, "%s%s%s%s%s: done\n", verb,
		    source != NULL ? " " : "", source != NULL ? source : "",
		    job != NULL ? " " : "", job != NULL ? job : "");
}

int
client_run(const struct settings *s, struct cancel *cancel, FILE *out,
    struct err *e)
{
	const char *verb = settings_verb(s), *source = settings_arg(s, 0);
	const char *job = settings_arg(s, 1);
	char path[CONTROL_PATH];
	json_t *request, *reply = NULL;
	int rc = -1;

	request = json_pack("{s:i, s:s, s:s*, s:s*}", "version",
	    CONTROL_VERSION, "verb", verb, "source", source, "job", job);
	if (request == NULL)
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", source != NULL ? source : "");
	if (control_path(s, path, e) == 0)
		reply = client_ask(path, request, cancel, e);
	if (reply != NULL && strcmp(verb, "status") == 0) {
		rc = status_print(json_object_get(reply, "status"), source,
		    settings_flag(s, "json"), out, e);
	} else if (reply != NULL) {
		rc = 0;
		if (settings_flag(s, "json"))
			(void)json_dumpf(reply, out, JSON_INDENT(2));
		else
			print_done(verb, source, job, reply, out);
		if (settings_flag(s, "json"))
			(void)fputc('\n', out);
	}
	json_decref(request);
	json_decref(reply);
	return rc;
}
