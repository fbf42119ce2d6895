/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"

#include "backupd/hook.h"

static void
test_hook_split_words(void **state)
{
	static const struct { const char *text; const char *words[6]; } t[] = {
		{ "/bin/alert", { "/bin/alert" } },
		{ "  a  b\tc ", { "a", "b", "c" } },
		{ "a 'b c' \"d e\"f", { "a", "b c", "d ef" } },
		{ "a '' \"\"", { "a", "", "" } },
		{ "a \\ b \"\\\"x\\\\\" '\\'", { "a", " b", "\"x\\", "\\" } },
		{ "a $HOME;`id` >x", { "a", "$HOME;`id`", ">x" } },
	};
	struct err e = {0};
	char **argv;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(hook_split(t[i].text, &argv, &e), 0);
		for (k = 0; t[i].words[k] != NULL; k++) {
			assert_non_null(argv[k]);
			assert_string_equal(argv[k], t[i].words[k]);
		}
		assert_null(argv[k]);
		free(argv);
	}
}

static void
test_hook_split_says_what_is_wrong(void **state)
{
	static const struct { const char *text, *msg; } t[] = {
		{ "", "command: it names no program" },
		{ " ", "command: it names no program" },
		{ "'' x", "command: it names no program" },
		{ "a 'b", "command: a quote without its end" },
		{ "a \"b'", "command: a quote without its end" },
		{ "a \\", "command: a \\ at the end" },
	};
	char many[2 * HOOK_WORDS_MAX + 4];
	struct err e;
	char **argv;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err){0};
		assert_int_equal(hook_split(t[i].text, &argv, &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
		assert_string_equal(e.msg, t[i].msg);
		assert_null(argv);
	}
	for (i = 0; i <= HOOK_WORDS_MAX; i++)
		(void)memcpy(many + 2 * i, "x ", 3);
	e = (struct err){0};
	assert_int_equal(hook_split(many, &argv, &e), -1);
	assert_string_equal(e.msg, "command: more than 64 words");
}

static int
shell(const char *script, const char *input, uint64_t limit,
    struct hook_result *result, struct err *e)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct hook h = { .argv = argv, .input = input,
	    .input_len = strlen(input), .time_limit_ms = limit };

	*e = (struct err){0};
	return hook_run(&h, result, e);
}

static void
test_hook_run_gives_its_input(void **state)
{
	struct hook_result r;
	struct err e;

	(void)state;
	assert_int_equal(shell("read -r x; echo first; echo \"got $x\"",
	    "{\"a\":1}\n", 5000, &r, &e), 0);
	assert_int_equal(r.status, 0);
	assert_string_equal(r.output, "got {\"a\":1}");
}

static void
test_hook_run_gives_a_clean_process(void **state)
{
	sigset_t set, old;
	struct hook_result r;
	struct err e;

	(void)state;
	(void)sigfillset(&set);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(setenv("KURA_PASSWORD", "secret", 1), 0);
	assert_int_equal(shell("ls /proc/self/fd | tr '\\n' ' '; "
	    "grep -E 'SigBlk|SigIgn' /proc/self/status | tr '\\n\\t' '  '; "
	    "env | grep -c KURA", "", 5000, &r, &e), -1);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	/* ls itself has 3 open, on the folder. */
	assert_string_equal(r.output, "0 1 2 3 SigBlk: 0000000000000000 "
	    "SigIgn: 0000000000000000 0");
	assert_string_equal(e.msg, "sh: status 1: 0 1 2 3 SigBlk: "
	    "0000000000000000 SigIgn: 0000000000000000 0");
}

static void
test_hook_run_says_how_it_ended(void **state)
{
	const char *const missing[] = { "/nonexistent/alert", NULL };
	struct hook h = { .argv = missing, .input = "", .input_len = 0 };
	struct hook_result r;
	struct err e;

	(void)state;
	assert_int_equal(shell("echo out; echo 'no\troute' >&2; exit 3", "",
	    5000, &r, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "sh: status 3: no route");
	assert_int_equal(shell("exit 75", "", 5000, &r, &e), -1);
	assert_int_equal(e.code, ERR_AGAIN);
	assert_string_equal(e.msg, "sh: status 75");
	assert_int_equal(shell("kill -9 $$", "", 5000, &r, &e), -1);
	assert_string_equal(e.msg, "sh: status 137");
	e = (struct err){0};
	assert_int_equal(hook_run(&h, &r, &e), -1);
	assert_string_equal(e.msg, "/nonexistent/alert: no such program");
}

/* Input that nobody reads, and more output than is kept. */
static void
test_hook_run_stays_in_bounds(void **state)
{
	size_t n = (size_t)1 << 20;
	char *input = malloc(n + 1);
	struct hook_result r;
	struct err e;

	(void)state;
	assert_non_null(input);
	(void)memset(input, 'x', n);
	input[n] = '\0';
	assert_int_equal(shell("exit 0", input, 5000, &r, &e), 0);
	assert_int_equal(shell("wc -c", input, 5000, &r, &e), 0);
	assert_string_equal(r.output, "1048576");
	assert_int_equal(shell("cat", input, 5000, &r, &e), 0);
	assert_int_equal(strlen(r.output), HOOK_OUTPUT);
	free(input);
}

static void
test_hook_run_kills_the_group_when_its_time_is_over(void **state)
{
	char path[] = "/tmp/hook_test.XXXXXX", script[200];
	int fd = mkstemp(path);
	struct hook_result r;
	struct err e;
	int pid = 0, i;
	FILE *f;

	(void)state;
	assert_true(fd != -1);
	(void)snprintf(script, sizeof(script), "sleep 1000 & echo $! > %s; "
	    "trap '' TERM; wait", path);
	assert_int_equal(shell(script, "", 300, &r, &e), -1);
	assert_string_equal(e.msg, "sh: killed: not done after 300 ms");
	assert_int_equal(r.status, 137);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	/* Whoever inherits it reaps it. */
	for (i = 0; i < 5000 && kill(pid, 0) == 0; i++) {
		(void)snprintf(script, sizeof(script), "/proc/%d/stat", pid);
		f = fopen(script, "r");
		if (f == NULL)
			break;
		if (fscanf(f, "%*d %*s %c", script) != 1)
			script[0] = 'Z';
		(void)fclose(f);
		if (script[0] == 'Z')
			break;
		(void)usleep(1000);
	}
	assert_true(i < 5000);
	(void)close(fd);
	(void)unlink(path);
}

/* A child that lives on holds its output open: that is no reason to wait. */
static void
test_hook_run_does_not_wait_for_what_it_left(void **state)
{
	int64_t begun = clock_mono_ms();
	struct hook_result r;
	struct err e;

	(void)state;
	assert_int_equal(shell("sleep 1000 & echo done", "", 60000, &r, &e),
	    0);
	assert_string_equal(r.output, "done");
	assert_true(clock_mono_ms() - begun < 50000);
}

static void
test_hook_run_stops(void **state)
{
	static const char *const argv[] = { "sleep", "1000", NULL };
	const atomic_bool stop = true;
	struct hook h = { .argv = argv, .input = "", .stop = &stop };
	struct hook_result r;
	struct err e = {0};

	(void)state;
	assert_int_equal(hook_run(&h, &r, &e), -1);
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_string_equal(e.msg, "sleep: stopped");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hook_split_words),
		cmocka_unit_test(test_hook_split_says_what_is_wrong),
		cmocka_unit_test(test_hook_run_gives_its_input),
		cmocka_unit_test(test_hook_run_gives_a_clean_process),
		cmocka_unit_test(test_hook_run_says_how_it_ended),
		cmocka_unit_test(test_hook_run_stays_in_bounds),
		cmocka_unit_test(
		    test_hook_run_kills_the_group_when_its_time_is_over),
		cmocka_unit_test(test_hook_run_does_not_wait_for_what_it_left),
		cmocka_unit_test(test_hook_run_stops),
	};

	(void)alarm(100);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
