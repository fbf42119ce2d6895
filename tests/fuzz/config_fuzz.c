/* SPDX-License-Identifier: Apache-2.0 */
/* config_fuzz: any text is a kura.conf or refused, with the line. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/settings.h"
#include "base/err.h"
#include "base/settings_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	unsigned long lines, last;
	size_t n;
};

/* "x:12: ...", of a line that is there, none before the one told last. */
static void
tell(void *arg, const struct err *e)
{
	struct told *t = arg;
	unsigned long line;

	assert(e->code == ERR_USAGE && strncmp(e->msg, "x:", 2) == 0);
	line = strtoul(e->msg + 2, NULL, 10);
	assert(line >= 1 && line <= t->lines && line >= t->last);
	t->last = line;
	t->n++;
}

/* Each section can be chosen; all in it is of its type, if all was right. */
static void
choose(const struct settings *s, bool right)
{
	struct settings *c;
	const char *name;
	struct err e;
	size_t i;

	for (i = 0; i < 8 && (name = settings_name(s, "source", i)) != NULL;
	    i++) {
		e = (struct err){0};
		c = settings_clone(s, &e);
		assert(c != NULL && settings_has_source(s, name));
		if (settings_use_source(c, name, &e) != 0)
			assert(e.code == ERR_USAGE && (!right ||
			    strstr(e.msg, "there is no [template ") != NULL));
		assert(settings_uint(c, "workers") <= INT64_MAX);
		settings_free(c);
	}
	for (i = 0; i < 8 && (name = settings_name(s, "notify", i)) != NULL;
	    i++) {
		e = (struct err){0};
		c = settings_clone(s, &e);
		assert(c != NULL);
		assert(settings_use_notify(c, name, &e) == 0 || !right);
		settings_free(c);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told t = { .lines = 1 };
	char *text = malloc(size + 1);
	struct settings *s, *all;
	struct err e = {0};
	size_t i;
	int rc;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (i = 0; text[i] != '\0'; i++)
		t.lines += text[i] == '\n';
	s = settings_new(&backupd_program, &e);
	all = settings_new(&backupd_program, &e);
	assert(s != NULL && all != NULL);
	rc = settings_read_text(s, "x", text, NULL, NULL, &e);
	assert((rc == 0) == (e.code == ERR_NONE));
	if (rc != 0) {
		assert(e.code == ERR_USAGE && strncmp(e.msg, "x:", 2) == 0);
		e = (struct err){0};
	}
	(void)settings_read_text(all, "x", text, tell, &t, &e);
	if (e.code != ERR_NONE)
		tell(&t, &e);
	assert(rc == 0 || t.n > 0);
	choose(s, rc == 0 && t.n == 0);
	settings_free(all);
	settings_free(s);
	free(text);
	return 0;
}
