/* SPDX-License-Identifier: Apache-2.0 */
/* control_test: one request, one reply; who may ask; floods hurt nobody. */
#define _GNU_SOURCE		/* setresuid */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backupd/control.h"
#include "base/err.h"

static char dir[64], path[96];
static unsigned asked;
static uid_t asker;
static size_t reply_bytes;

/* A fake daemon: says what it was asked, at length where wanted. */
static json_t *
handle(void *arg, const json_t *request, uid_t peer)
{
	const char *source = control_source(request);
	struct err e = {0};
	json_t *reply;
	char *text;

	assert_ptr_equal(arg, dir);
	asked++;
	asker = peer;
	if (source != NULL && strcmp(source, "none") == 0) {
		(void)err_set(&e, ERR_NOTFOUND, 0, "no source none");
		(void)err_hint(&e, "look at backupd status");
		return control_refuse(&e);
	}
	reply = control_ok();
	(void)json_object_set_new(reply, "verb",
	    json_string(control_verb(request)));
	if (reply_bytes > 0) {
		text = malloc(reply_bytes);
		memset(text, 'x', reply_bytes);
		(void)json_object_set_new(reply, "much",
		    json_stringn(text, reply_bytes));
		free(text);
	}
	return reply;
}

static struct control *
try_start(const char *at, const char *group, struct err *e)
{
	const struct control_opts opts = { .path = at, .group = group,
	    .handle = handle, .arg = dir };

	return control_new(&opts, e);
}

static struct control *
start(void)
{
	struct err e = {0};
	struct control *c = try_start(path, NULL, &e);

	assert_string_equal(e.msg, "");
	assert_non_null(c);
	return c;
}

static int
dial_at(const char *at)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", at);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int
dial(void)
{
	int fd = dial_at(path);

	assert_true(fd >= 0);
	return fd;
}

/* Let the daemon work as long as there is something to do. */
static void
work(struct control *c)
{
	struct pollfd p = { .fd = control_fd(c), .events = POLLIN };
	int i;

	for (i = 0; i < 1000 && poll(&p, 1, 0) > 0; i++)
		control_ready(c);
	assert_true(i < 1000);
}

/* All that it says until it hangs up. */
static const char *
hear(struct control *c, int fd)
{
	static char text[8192];
	size_t n = 0;
	ssize_t got;

	do {
		work(c);
		got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 && n < sizeof(text) - 1);
	text[n] = '\0';
	(void)close(fd);
	return text;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    strlen(text));
}

static const char *
ask(struct control *c, const char *text)
{
	int fd = dial();

	say(fd, text);
	return hear(c, fd);
}

#define STATUS "{\"version\":1,\"verb\":\"status\"}\n"
#define IS_OK "{\"ok\":true,\"verb\":\"status\"}\n"

static void
test_control_answers(void **state)
{
	struct control *c = start();
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(ask(c, STATUS), IS_OK);
	assert_int_equal(asker, geteuid());
	assert_string_equal(ask(c, "{\"version\":1,\"verb\":\"start\","
	    "\"source\":\"none\"}\n"), "{\"ok\":false,\"code\":\"notfound\","
	    "\"message\":\"no source none\",\"hint\":\"look at backupd "
	    "status\"}\n");
	control_free(c);
	assert_int_equal(access(path, F_OK), -1);
	control_free(NULL);
}

static void
refuses(struct control *c, const char *request, const char *why)
{
	char want[300];
	unsigned before = asked;

	(void)snprintf(want, sizeof(want), "{\"ok\":false,\"code\":\"usage\","
	    "\"message\":\"%s\"}\n", why);
	assert_string_equal(ask(c, request), want);
	assert_int_equal(asked, before);
}

static void
test_control_refuses_requests(void **state)
{
	struct control *c = start();

	(void)state;
	refuses(c, "\n", "request: it is no JSON object");
	refuses(c, "[1]\n", "request: it is no JSON object");
	refuses(c, "{\"version\":2,\"verb\":\"status\"}\n", "request: its "
	    "version is not 1");
	refuses(c, STATUS STATUS, "request: more than one line");
	control_free(c);
}

static void
test_control_half_a_request(void **state)
{
	struct control *c = start();
	int fd = dial(), gone = dial();
	unsigned before = asked;

	(void)state;
	say(fd, "{\"version\":1,");
	say(gone, "{\"version\":1,");
	(void)close(gone);
	work(c);
	/* Others are answered while it thinks. */
	assert_string_equal(ask(c, STATUS), IS_OK);
	assert_int_equal(asked, before + 1);
	say(fd, "\"verb\":\"status\"}\n");
	assert_string_equal(hear(c, fd), IS_OK);
	fd = dial();
	say(fd, "{\"version\":1");
	(void)shutdown(fd, SHUT_WR);
	assert_string_equal(hear(c, fd), "{\"ok\":false,\"code\":\"usage\","
	    "\"message\":\"request: it has no end\"}\n");
	control_free(c);
}

static void
test_control_silent_peer_is_dropped(void **state)
{
	const struct control_opts opts = { .path = path, .ask_ms = 200,
	    .handle = handle, .arg = dir };
	struct err e = {0};
	struct control *c = control_new(&opts, &e);
	struct pollfd p = { .fd = control_fd(c), .events = POLLIN };
	char byte;
	int fd = dial();

	(void)state;
	work(c);
	/* The loop is woken when its time is over, with no one else there. */
	assert_int_equal(poll(&p, 1, 20000), 1);
	control_ready(c);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	(void)close(fd);
	control_free(c);
}

static void
test_control_flood(void **state)
{
	struct control *c = start();
	int fds[3 * CONTROL_PEERS], i;

	(void)state;
	for (i = 0; i < 3 * CONTROL_PEERS; i++) {
		fds[i] = dial();
		if (i % 2 == 0)
			say(fds[i], "{");
		if (i % 8 == 0)
			work(c);
	}
	assert_string_equal(ask(c, STATUS), IS_OK);
	for (i = 0; i < 3 * CONTROL_PEERS; i++)
		(void)close(fds[i]);
	work(c);
	assert_string_equal(ask(c, STATUS), IS_OK);
	control_free(c);
}

static void
test_control_endless_request(void **state)
{
	static char much[CONTROL_REQUEST_MAX + 4096];
	struct control *c = start();
	size_t at = 0;
	ssize_t n;
	int fd = dial();

	(void)state;
	memset(much, ' ', sizeof(much));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (at < sizeof(much)) {
		n = send(fd, much + at, sizeof(much) - at, MSG_NOSIGNAL);
		if (n < 0)
			break;
		at += (size_t)n;
		work(c);
	}
	(void)fcntl(fd, F_SETFL, 0);
	assert_string_equal(hear(c, fd), "{\"ok\":false,\"code\":\"usage\","
	    "\"message\":\"request: over 64 KiB\"}\n");
	control_free(c);
}

/* A large reply to a slow reader blocks nobody, and arrives whole. */
static void
test_control_slow_reader(void **state)
{
	struct control *c = start();
	static char some[65536];
	size_t got = 0;
	ssize_t n;
	int fd = dial();

	(void)state;
	reply_bytes = 3 << 20;
	say(fd, STATUS);
	work(c);
	reply_bytes = 0;
	assert_string_equal(ask(c, STATUS), IS_OK);
	do {
		n = recv(fd, some, sizeof(some), 0);
		got += n > 0 ? (size_t)n : 0;
		work(c);
	} while (n > 0);
	assert_int_equal(got, strlen(IS_OK) + (3 << 20) +
	    strlen(",\"much\":\"\""));
	(void)close(fd);
	control_free(c);
}

static void
test_control_reply_too_large(void **state)
{
	struct control *c = start();

	(void)state;
	reply_bytes = CONTROL_REPLY_MAX + 1;
	assert_string_equal(ask(c, STATUS), "{\"ok\":false,\"code\":\"failed\""
	    ",\"message\":\"out of memory\"}\n");
	reply_bytes = 0;
	control_free(c);
}

/* --- the socket's place --- */

static void
test_control_stale_and_live(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct err e = {0};
	char why[200];
	struct control *c;
	int fd;

	(void)state;
	/* Left by one that died. */
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(fd);
	c = start();
	assert_null(try_start(path, NULL, &e));
	(void)snprintf(why, sizeof(why), "%s: a daemon already listens there",
	    path);
	assert_string_equal(e.msg, why);
	assert_int_equal(err_exit_status(e.code), 75);
	/* The second has not hurt the first. */
	assert_string_equal(ask(c, STATUS), IS_OK);
	control_free(c);

	/* A live one that took no lock. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	e = (struct err){0};
	assert_null(try_start(path, NULL, &e));
	(void)snprintf(why, sizeof(why), "%s: someone already listens there",
	    path);
	assert_string_equal(e.msg, why);
	assert_int_equal(access(path, F_OK), 0);
	(void)close(fd);
	(void)unlink(path);
}

static void
test_control_bad_place(void **state)
{
	char far[200], why[300];
	struct err e = {0};
	FILE *f;

	(void)state;
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fclose(f);
	assert_null(try_start(path, NULL, &e));
	(void)snprintf(why, sizeof(why), "%s: is there, and is no socket",
	    path);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_USAGE);
	(void)unlink(path);
	memset(far, 'a', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	e = (struct err){0};
	assert_null(try_start(far, NULL, &e));
	(void)snprintf(why, sizeof(why), "socket %.60s...: its path has 199 "
	    "bytes, not 1 to 107", far);
	assert_string_equal(e.msg, why);
	e = (struct err){0};
	assert_null(try_start(path, "no-such-group", &e));
	assert_string_equal(e.msg, "socket-group: there is no group "
	    "'no-such-group'");
	assert_int_equal(e.code, ERR_USAGE);
	e = (struct err){0};
	(void)snprintf(far, sizeof(far), "%s/none/x", dir);
	assert_null(try_start(far, NULL, &e));
	(void)snprintf(why, sizeof(why), "%s.lock: No such file or directory",
	    far);
	assert_string_equal(e.msg, why);
}

/* What another user hears, with the file's mode out of the way. */
static void
as_other(struct control *c, gid_t gid, gid_t further, const char *want)
{
	char text[512];
	ssize_t n;
	pid_t pid;
	int ready[2], status = -1, fd;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(1, &further) != 0 ||
		    setresgid(gid, gid, gid) != 0 ||
		    setresuid(65534, 65534, 65534) != 0)
			_exit(2);
		fd = dial_at(path);
		if (fd < 0 || send(fd, STATUS, strlen(STATUS),
		    MSG_NOSIGNAL) < 0)
			_exit(3);
		if (write(ready[1], "x", 1) != 1)
			_exit(6);
		n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
		if (n < 0)
			_exit(4);
		text[n] = '\0';
		_exit(strcmp(text, want) == 0 ? 0 : 5);
	}
	(void)close(ready[1]);
	/* At its end the child died: its status says so. */
	if (read(ready[0], text, 1) < 0)
		fail();
	(void)close(ready[0]);
	work(c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_control_who_may_ask(void **state)
{
	struct group *g = getgrnam("daemon");
	struct err e = {0};
	struct control *c;
	struct stat st;
	unsigned before;

	(void)state;
	if (geteuid() != 0 || g == NULL) {
		skip();
		return;
	}
	c = start();
	/* The mode alone keeps others out; here it does not. */
	assert_int_equal(chmod(path, 0666), 0);
	before = asked;
	as_other(c, 65534, 65534, "{\"ok\":false,\"code\":\"denied\","
	    "\"message\":\"uid 65534 is neither the daemon's nor in its "
	    "socket-group\"}\n");
	as_other(c, g->gr_gid, 65534, "{\"ok\":false,\"code\":\"denied\","
	    "\"message\":\"uid 65534 is neither the daemon's nor in its "
	    "socket-group\"}\n");
	assert_int_equal(asked, before);
	control_free(c);

	c = try_start(path, "daemon", &e);
	assert_string_equal(e.msg, "");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(st.st_gid, g->gr_gid);
	as_other(c, g->gr_gid, 65534, IS_OK);
	assert_int_equal(asker, 65534);
	as_other(c, 65534, g->gr_gid, IS_OK);
	assert_int_equal(chmod(path, 0666), 0);
	before = asked;
	as_other(c, 65534, 65534, "{\"ok\":false,\"code\":\"denied\","
	    "\"message\":\"uid 65534 is neither the daemon's nor in its "
	    "socket-group\"}\n");
	assert_int_equal(asked, before);
	control_free(c);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/control-test-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int
tear_down(void **state)
{
	char lock[128];

	(void)state;
	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	(void)unlink(lock);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_answers),
		cmocka_unit_test(test_control_refuses_requests),
		cmocka_unit_test(test_control_half_a_request),
		cmocka_unit_test(test_control_silent_peer_is_dropped),
		cmocka_unit_test(test_control_flood),
		cmocka_unit_test(test_control_endless_request),
		cmocka_unit_test(test_control_slow_reader),
		cmocka_unit_test(test_control_reply_too_large),
		cmocka_unit_test(test_control_stale_and_live),
		cmocka_unit_test(test_control_bad_place),
		cmocka_unit_test(test_control_who_may_ask),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
