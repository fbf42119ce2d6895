/* SPDX-License-Identifier: Apache-2.0 */
/* log_test: one whole, harmless line an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"

/* Stands for stderr while events are written. */
static int kept;
static FILE *file;
static char text[8192];

static void
begin(bool json, enum log_level level)
{
	const struct log_opts opts = { "prog", level, json };

	log_setup(&opts);
	file = tmpfile();
	assert_non_null(file);
	(void)fflush(stderr);
	kept = dup(STDERR_FILENO);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static const char *
end(void)
{
	size_t n;

	(void)fflush(stderr);
	(void)dup2(kept, STDERR_FILENO);
	(void)close(kept);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return text;
}

/* The line without its time, which must be one. */
static const char *
untimed(const char *line)
{
	char when[64];
	int64_t us;

	assert_true(strlen(line) > 21);
	(void)snprintf(when, sizeof(when), "%.20s", line);
	assert_int_equal(clock_parse(when, &us), 0);
	assert_int_equal(line[20], ' ');
	return line + 21;
}

static void
test_log_writes_message_and_pairs(void **state)
{
	(void)state;
	begin(false, LOG_INFO_);
	log_event(LOG_INFO_, "table done", "table", "a.b", "left", NULL,
	    "rows", "7", NULL);
	assert_string_equal(untimed(end()),
	    "info prog: table done table=a.b rows=7\n");
}

static void
test_log_names_its_levels(void **state)
{
	(void)state;
	begin(false, LOG_DEBUG_);
	log_event(LOG_DEBUG_, "m", NULL);
	assert_string_equal(untimed(end()), "debug prog: m\n");
	begin(false, LOG_DEBUG_);
	log_event(LOG_WARN_, "m", NULL);
	assert_string_equal(untimed(end()), "warn prog: m\n");
	begin(false, LOG_DEBUG_);
	log_event(LOG_ERROR_, "m", NULL);
	assert_string_equal(untimed(end()), "error prog: m\n");
}

static void
test_log_leaves_out_lesser_levels(void **state)
{
	(void)state;
	begin(false, LOG_WARN_);
	log_event(LOG_INFO_, "not this", NULL);
	log_event(LOG_DEBUG_, "nor this", NULL);
	assert_string_equal(end(), "");
}

static void
test_log_quotes_what_would_mislead(void **state)
{
	(void)state;
	begin(false, LOG_INFO_);
	log_event(LOG_INFO_, "m", "a", "", "b", "x y", "c", "p=q", "d",
	    "say \"hi\"", "e", "back\\slash", "f", "line\nbreak", NULL);
	assert_string_equal(untimed(end()), "info prog: m a=\"\" b=\"x y\" "
	    "c=\"p=q\" d=\"say \\\"hi\\\"\" e=\"back\\\\slash\" "
	    "f=\"line\\u000abreak\"\n");
}

static void
test_log_lets_no_terminal_sequence_through(void **state)
{
	(void)state;
	begin(false, LOG_INFO_);
	log_event(LOG_INFO_, "bad\033[2J\nname", "a", "\033[2J", "b", "\177",
	    NULL);
	assert_string_equal(untimed(end()), "info prog: bad [2J name "
	    "a=\"\\u001b[2J\" b=\"\\u007f\"\n");
}

static void
test_log_json_is_one_object_a_line(void **state)
{
	json_error_t error;
	json_t *root;
	const char *line;
	int64_t us;

	(void)state;
	begin(true, LOG_INFO_);
	log_event(LOG_WARN_, "a \"b\"\n", "table", "t\\\t\033\303\244", "none",
	    NULL, "rows", "7", NULL);
	line = end();
	assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
	root = json_loads(line, 0, &error);
	assert_non_null(root);
	assert_int_equal(clock_parse(json_string_value(json_object_get(root,
	    "time")), &us), 0);
	assert_string_equal(json_string_value(json_object_get(root,
	    "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(root,
	    "program")), "prog");
	assert_string_equal(json_string_value(json_object_get(root,
	    "message")), "a \"b\"\n");
	assert_string_equal(json_string_value(json_object_get(root,
	    "table")), "t\\\t\033\303\244");
	assert_string_equal(json_string_value(json_object_get(root,
	    "rows")), "7");
	assert_int_equal(json_object_size(root), 6);
	json_decref(root);
}

/* Names and words of servers may be any bytes; JSON is UTF-8. */
static void
test_log_json_replaces_what_is_no_utf8(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "\303\244 \342\202\254 \360\237\215\266",
		    "\303\244 \342\202\254 \360\237\215\266" },
		{ "caf\351", "caf\357\277\275" },		/* latin1 */
		{ "\200x", "\357\277\275x" },
		{ "\303", "\357\277\275" },
		{ "\303x\342\202", "\357\277\275x\357\277\275"
		    "\357\277\275" },
		{ "\300\257", "\357\277\275\357\277\275" },	/* overlong */
		{ "\340\237\277", "\357\277\275\357\277\275"
		    "\357\277\275" },
		{ "\360\217\277\277", "\357\277\275\357\277\275"
		    "\357\277\275\357\277\275" },
		{ "\355\240\200", "\357\277\275\357\277\275"
		    "\357\277\275" },			/* surrogate */
		{ "\364\220\200\200", "\357\277\275\357\277\275"
		    "\357\277\275\357\277\275" },		/* too high */
		{ "\365\377", "\357\277\275\357\277\275" },
	};
	json_t *root;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(true, LOG_INFO_);
		log_event(LOG_INFO_, "m", "name", cases[i].in, NULL);
		root = json_loads(end(), 0, NULL);
		assert_non_null(root);
		assert_string_equal(json_string_value(json_object_get(root,
		    "name")), cases[i].out);
		json_decref(root);
	}
}

static void
test_log_progress_is_nothing_without_a_terminal(void **state)
{
	bool terminal;

	(void)state;
	begin(false, LOG_INFO_);
	terminal = log_is_terminal();
	log_progress("50 %");
	log_event(LOG_INFO_, "m", NULL);
	log_progress(NULL);
	assert_string_equal(untimed(end()), "info prog: m\n");
	assert_false(terminal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_writes_message_and_pairs),
		cmocka_unit_test(test_log_names_its_levels),
		cmocka_unit_test(test_log_leaves_out_lesser_levels),
		cmocka_unit_test(test_log_quotes_what_would_mislead),
		cmocka_unit_test(test_log_lets_no_terminal_sequence_through),
		cmocka_unit_test(test_log_json_is_one_object_a_line),
		cmocka_unit_test(test_log_json_replaces_what_is_no_utf8),
		cmocka_unit_test(
		    test_log_progress_is_nothing_without_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
