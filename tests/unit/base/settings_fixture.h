/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_fixture: a program with one setting of each kind, and a file.
 *
 * parse("run", "--size=1M", NULL) gives settings or fails the test; refuse
 * gives the failure instead.  fixture_file(text) is what --config then names.
 */
#ifndef UNIT_SETTINGS_FIXTURE_H
#define UNIT_SETTINGS_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/settings.h"

#define FIXTURE_ARGS 16

static const struct settings_verb fixture_verbs[] = {
	{ "run", "SOURCE", 1, 1, "Run it once" },
	{ "show", "[SOURCE [ID]]", 0, 2, "Show it" },
	{ .name = NULL }
};

static const struct setting fixture_table[] = {
	{ "config", SETTING_STRING, 0, NULL, "FILE", NULL, NULL,
	    "Read this file instead of the standard one" },
	{ "max-memory", SETTING_SIZE, SETTING_IN_SOURCE, "256MiB", "SIZE",
	    NULL, " run ", "Use no more memory than this" },
	{ "threads", SETTING_UINT, SETTING_IN_SOURCE, "4", "N", NULL, NULL,
	    "Read with so many connections" },
	{ "timeout", SETTING_DURATION, SETTING_IN_SOURCE, NULL, "TIME", NULL,
	    NULL, "Give up after this time" },
	{ "addressing", SETTING_CHOICE, SETTING_IN_STORE, "auto", NULL,
	    "auto|path|virtual", NULL, "How buckets stand in URLs" },
	{ "exclude", SETTING_STRING, SETTING_IN_SOURCE | SETTING_REPEATED,
	    NULL, "PATTERN", NULL, NULL, "Leave these out" },
	{ "resume", SETTING_FLAG, SETTING_IN_SOURCE, "yes", NULL, NULL, NULL,
	    "Go on where the last run ended" },
	{ .name = NULL }
};

static const struct setting fixture_more[] = {
	{ "store", SETTING_STRING, SETTING_IN_SOURCE, NULL, "URL", NULL, NULL,
	    "Where backups live" },
	{ "url", SETTING_STRING, SETTING_IN_STORE | SETTING_NO_ENV, NULL,
	    "URL", NULL, NULL, "Where this store is" },
	{ "wait", SETTING_CHOICE, SETTING_SWITCH, "never", "WHEN",
	    "never|once|always", NULL, "Wait for it" },
	{ "yes", SETTING_FLAG, SETTING_NO_ENV, NULL, NULL, NULL, " run ",
	    "Ask nothing" },
	{ .name = NULL }
};

static const struct setting fixture_file_only[] = {
	{ "socket", SETTING_STRING, SETTING_IN_DAEMON, NULL, "PATH", NULL,
	    " ", "Where the daemon listens" },
	{ "max-jobs", SETTING_UINT, SETTING_IN_DAEMON, "4", "N", NULL, " ",
	    "Jobs at once" },
	{ "include", SETTING_STRING, SETTING_IN_DAEMON | SETTING_REPEATED,
	    NULL, "PATTERN", NULL, " ", "Further files" },
	{ "url", SETTING_STRING, SETTING_IN_NOTIFY, NULL, "URL", NULL, " ",
	    "Whom to tell" },
	{ "on", SETTING_STRING, SETTING_IN_NOTIFY | SETTING_LIST, NULL,
	    "KINDS", NULL, " ", "What to tell" },
	{ "socket", SETTING_STRING, SETTING_IN_SOURCE, NULL, "PATH", NULL,
	    " ", "The server's socket" },
	{ "use", SETTING_STRING, SETTING_IN_SOURCE, NULL, "NAME", NULL, " ",
	    "Take a template" },
	{ .name = NULL }
};

static const struct setting *const fixture_tables[] = { fixture_table,
	fixture_more, fixture_file_only, NULL };
static const struct setting fixture_others[] = {
	{ "keep-days", SETTING_UINT, SETTING_IN_SOURCE, NULL, "N", NULL, NULL,
	    "Keep backups so long" },
	{ .name = NULL }
};

static const struct setting *const fixture_elsewhere[] = { fixture_others,
	NULL };

static const struct settings_program fixture_program = { "prog",
	"does things", fixture_verbs, fixture_tables, fixture_elsewhere, NULL };

static char fixture_path[64];

/* Write the file; its path is in fixture_path until fixture_clean. */
static inline void
fixture_file(const char *text)
{
	FILE *f;

	if (fixture_path[0] == '\0') {
		(void)snprintf(fixture_path, sizeof(fixture_path),
		    "/tmp/settings-XXXXXX");
		(void)close(mkstemp(fixture_path));
	}
	f = fopen(fixture_path, "w");
	if (f == NULL)
		abort();
	(void)fputs(text, f);
	(void)fclose(f);
	(void)setenv("KURA_CONFIG", fixture_path, 1);
}

/* No file, and none of the variables that a setting could come from. */
static inline int
fixture_clean(void **state)
{
	static const char *const names[] = { "KURA_CONFIG",
		"KURA_MAX_MEMORY", "KURA_THREADS", "KURA_TIMEOUT",
		"KURA_ADDRESSING", "KURA_EXCLUDE", "KURA_RESUME",
		"KURA_STORE", "KURA_URL", "KURA_YES" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
	if (fixture_path[0] != '\0')
		(void)unlink(fixture_path);
	fixture_path[0] = '\0';
	/* The host's own file must not speak. */
	(void)setenv("KURA_CONFIG", "/dev/null", 1);
	return 0;
}

/* Parse the words up to NULL; the settings, also when *rc is -1. */
static inline struct settings *
fixture_parse(int *rc, struct err *e, va_list ap)
{
	char *argv[FIXTURE_ARGS] = { (char *)(size_t)"prog" };
	struct settings *s = settings_new(&fixture_program, e);
	int argc = 1;

	if (s == NULL)
		abort();
	while (argc < FIXTURE_ARGS - 1 &&
	    (argv[argc] = va_arg(ap, char *)) != NULL)
		argc++;
	*rc = settings_parse(s, argc, argv, e);
	return s;
}

#endif /* !UNIT_SETTINGS_FIXTURE_H */
