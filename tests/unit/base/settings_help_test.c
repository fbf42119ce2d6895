/* SPDX-License-Identifier: Apache-2.0 */
/* settings_help_test: what --help, --version and completion print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/base/settings_fixture.h"

static char text[8192];

/* What parsing these words prints on stdout. */
static const char *
prints(const char *first, ...)
{
	FILE *file = tmpfile();
	struct err e = {0};
	struct settings *s;
	int rc, kept;
	va_list ap;
	size_t n;

	(void)first;
	assert_non_null(file);
	(void)fflush(stdout);
	kept = dup(STDOUT_FILENO);
	(void)dup2(fileno(file), STDOUT_FILENO);
	va_start(ap, first);
	s = fixture_parse(&rc, &e, ap);
	va_end(ap);
	(void)fflush(stdout);
	(void)dup2(kept, STDOUT_FILENO);
	(void)close(kept);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	if (rc != 0)
		fail_msg("%s", e.msg);
	assert_true(settings_done(s));
	settings_free(s);
	return text;
}

static void
test_settings_help_of_a_verb_has_its_options(void **state)
{
	(void)state;
	assert_string_equal(prints("", "show", "--help", NULL),
	    "prog: does things\n"
	    "\n"
	    "  prog show [SOURCE [ID]] [OPTION...]\n"
	    "        Show it\n"
	    "\n"
	    "Options (also in kura.conf, and in the environment as "
	    "KURA_NAME):\n"
	    "  --config=FILE\n"
	    "        Read this file instead of the standard one\n"
	    "  --threads=N\n"
	    "        Read with so many connections\n"
	    "        (default: 4)\n"
	    "  --timeout=TIME\n"
	    "        Give up after this time\n"
	    "  --addressing=auto|path|virtual\n"
	    "        How buckets stand in URLs\n"
	    "        (default: auto)\n"
	    "  --exclude=PATTERN\n"
	    "        Leave these out\n"
	    "  --[no-]resume\n"
	    "        Go on where the last run ended\n"
	    "  --store=URL\n"
	    "        Where backups live\n"
	    "  --url=URL\n"
	    "        Where this store is\n"
	    "  --wait[=WHEN]\n"
	    "        Wait for it\n"
	    "        (default: never)\n"
	    "  --help, --version, --keys, --completion=bash|zsh\n"
	    "\n"
	    "See prog(8) for all of it.\n");
}

static void
test_settings_help_of_all_lists_verbs_and_options(void **state)
{
	const char *help = prints("", "--help", NULL);

	(void)state;
	assert_non_null(strstr(help, "\n  prog run SOURCE\n        Run it "
	    "once\n  prog show [SOURCE [ID]]\n        Show it\n"));
	assert_non_null(strstr(help, "\n  --max-memory=SIZE\n"));
	assert_non_null(strstr(help, "\n  --yes\n"));
}

static void
test_settings_help_lines_stay_in_their_width(void **state)
{
	static const struct setting wordy[] = { { "wordy", SETTING_STRING, 0,
	    NULL, "TEXT", NULL, NULL, "one two three four five six seven eight "
	    "nine ten eleven twelve thirteen fourteen fifteen sixteen" },
	    { .name = NULL } };
	static const struct setting *const tables[] = { wordy, NULL };
	const struct settings_program program = { "prog", "p", fixture_verbs,
	    tables, NULL, NULL };
	char *argv[] = { text, text + 1, NULL };
	struct err e = {0};
	struct settings *s = settings_new(&program, &e);
	FILE *file = tmpfile();
	int kept = dup(STDOUT_FILENO);
	size_t n;

	(void)state;
	assert_non_null(s);
	assert_non_null(file);
	(void)snprintf(text, sizeof(text), "x--help");
	(void)fflush(stdout);
	(void)dup2(fileno(file), STDOUT_FILENO);
	assert_int_equal(settings_parse(s, 2, argv, &e), 0);
	(void)fflush(stdout);
	(void)dup2(kept, STDOUT_FILENO);
	(void)close(kept);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	settings_free(s);
	assert_non_null(strstr(text, "  --wordy=TEXT\n"
	    "        one two three four five six seven eight nine ten eleven "
	    "twelve thirteen\n"
	    "        fourteen fifteen sixteen\n"));
}

static void
test_settings_help_version(void **state)
{
	(void)state;
	assert_string_equal(prints("", "--version", NULL),
	    "prog " KURA_VERSION "\n");
}

static void
test_settings_help_keys_of_the_file(void **state)
{
	(void)state;
	assert_string_equal(prints("", "--keys", NULL),
	    "daemon\tsocket\tPATH\t\tWhere the daemon listens\n"
	    "daemon\tmax-jobs\tN\t4\tJobs at once\n"
	    "daemon\tinclude\tPATTERN\t\tFurther files\n"
	    "notify\turl\tURL\t\tWhom to tell\n"
	    "notify\ton\tKINDS\t\tWhat to tell\n"
	    "store\taddressing\tauto|path|virtual\tauto\tHow buckets stand in "
	    "URLs\n"
	    "store\turl\tURL\t\tWhere this store is\n"
	    "source\tmax-memory\tSIZE\t256MiB\tUse no more memory than this\n"
	    "source\tthreads\tN\t4\tRead with so many connections\n"
	    "source\ttimeout\tTIME\t\tGive up after this time\n"
	    "source\texclude\tPATTERN\t\tLeave these out\n"
	    "source\tresume\tyes|no\tyes\tGo on where the last run ended\n"
	    "source\tstore\tURL\t\tWhere backups live\n"
	    "source\tsocket\tPATH\t\tThe server's socket\n"
	    "source\tuse\tNAME\t\tTake a template\n");
}

static void
test_settings_help_completion_of_both_shells(void **state)
{
	static const char words[] = "run show --config= --max-memory= "
	    "--threads= --timeout= --addressing= --exclude= --resume --store= "
	    "--url= --wait --yes --help --version --keys";
	char want[1000];

	(void)state;
	(void)snprintf(want, sizeof(want), "_kura_prog() {\n\tCOMPREPLY="
	    "($(compgen -W \"%s\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
	    "complete -o nospace -F _kura_prog prog\n", words);
	assert_string_equal(prints("", "--completion=bash", NULL), want);
	assert_string_equal(prints("", "--completion", NULL), want);
	(void)snprintf(want, sizeof(want), "#compdef prog\ncompadd -S '' -- "
	    "%s\n", words);
	assert_string_equal(prints("", "--completion=zsh", NULL), want);
}

static void
refuse(const char *why, ...)
{
	struct err e = {0};
	struct settings *s;
	va_list ap;
	int rc;

	va_start(ap, why);
	s = fixture_parse(&rc, &e, ap);
	va_end(ap);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, why);
	settings_free(s);
}

static void
test_settings_help_completion_of_another_shell(void **state)
{
	(void)state;
	refuse("--completion: 'fish' is not one of bash|zsh",
	    "--completion=fish", NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_clean, \
    fixture_clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_settings_help_of_a_verb_has_its_options),
		TEST(test_settings_help_of_all_lists_verbs_and_options),
		TEST(test_settings_help_lines_stay_in_their_width),
		TEST(test_settings_help_version),
		TEST(test_settings_help_keys_of_the_file),
		TEST(test_settings_help_completion_of_both_shells),
		TEST(test_settings_help_completion_of_another_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
