/* SPDX-License-Identifier: Apache-2.0 */
/* halt: in test builds alone, a program stops itself where a test says. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "store/halt.h"

#ifdef KURA_TEST_HOOKS

#define STEP_MAX 1024

/* Does the line name this step, and one of these keys? */
static int
is_named(const char *line, const char *step, const char *const *keys,
    size_t n)
{
	size_t len = strlen(step), i;

	if (strncmp(line, step, len) != 0 || line[len] != ' ')
		return 0;
	for (i = 0; i < n; i++)
		if (strstr(keys[i], line + len + 1) != NULL)
			return 1;
	return 0;
}

void
halt_at(const char *step, const char *const *keys, size_t n)
{
	const char *path = getenv("KURA_TEST_HALT");
	struct err ignored = {0};
	char line[STEP_MAX], mine[4200];
	struct buf text = {0};

	if (path == NULL)
		return;
	line[0] = '\0';
	if (file_read(path, sizeof(line) - 1, &text, &ignored) == 0)
		(void)snprintf(line, sizeof(line), "%.*s",
		    (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	buf_free(&text);
	(void)snprintf(mine, sizeof(mine), "%s.%ld", path, (long)getpid());
	/* Whoever renames it is the one. */
	if (is_named(line, step, keys, n) && rename(path, mine) == 0)
		(void)raise(SIGSTOP);
}

#endif
