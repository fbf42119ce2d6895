/* SPDX-License-Identifier: Apache-2.0 */
/* served: a daemon of which the fleet alone is there, from a kura.conf. */
#ifndef UNIT_BACKUPD_SERVED_H
#define UNIT_BACKUPD_SERVED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backupd/depot.h"
#include "backupd/serve_impl.h"
#include "backupd/settings.h"
#include "base/settings.h"

/* End with served_end. */
static inline void
served_begin(struct serve *s, const char *text)
{
	char path[] = "/tmp/serve-XXXXXX", option[100];
	char *argv[] = { (char *)(uintptr_t)"backupd",
	    (char *)(uintptr_t)"serve", option, NULL };
	struct err e = {0};
	struct settings *all = settings_new(&backupd_program, &e);
	int fd = mkstemp(path);

	*s = (struct serve){0};
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	assert_int_equal(settings_parse(all, 3, argv, &e), 0);
	(void)unlink(path);
	s->fleet = fleet_load(all, &e);
	assert_non_null(s->fleet);
}

static inline void
served_shut(void *arg, struct depot *d)
{
	(void)arg;
	depot_close(d);
}

static inline void
served_end(struct serve *s)
{
	fleet_free(s->fleet, served_shut, NULL);
}

#endif /* !UNIT_BACKUPD_SERVED_H */
