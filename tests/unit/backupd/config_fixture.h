/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_fixture: settings of backupd from a kura.conf in a folder of its own.
 *
 * Life cycle: config_begin as the group's setup; config_of, any number of
 * times; config_end as its teardown.
 */
#ifndef UNIT_BACKUPD_CONFIG_FIXTURE_H
#define UNIT_BACKUPD_CONFIG_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backupd/settings.h"
#include "base/err.h"
#include "base/file.h"

static char config_folder[64], config_path[80];

static inline int
config_begin(void **state)
{
	(void)state;
	(void)snprintf(config_folder, sizeof(config_folder),
	    "/tmp/config-XXXXXX");
	if (mkdtemp(config_folder) == NULL)
		return -1;
	(void)snprintf(config_path, sizeof(config_path), "%s/kura.conf",
	    config_folder);
	return 0;
}

static inline int
config_end(void **state)
{
	(void)state;
	(void)unlink(config_path);
	return rmdir(config_folder);
}

/* The settings of this text, for the verb and up to two arguments. */
static inline struct settings *
config_of(const char *text, const char *verb, const char *first,
    const char *second)
{
	char option[100];
	char *argv[6] = { (char[]){ "backupd" }, option,
	    (char *)(size_t)verb, (char *)(size_t)first,
	    (char *)(size_t)second, NULL };
	struct err e = {0};
	struct settings *s;
	int argc = 3;

	(void)snprintf(option, sizeof(option), "--config=%s", config_path);
	while (argv[argc] != NULL)
		argc++;
	s = settings_new(&backupd_program, &e);
	if (s == NULL || file_write(config_path, text, strlen(text), 0600,
	    &e) != 0 || settings_parse(s, argc, argv, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	return s;
}

/* The message without the folder before the file's name. */
static inline const char *
config_message(const struct err *e)
{
	size_t n = strlen(config_folder);

	return strncmp(e->msg, config_folder, n) == 0 ? e->msg + n + 1 :
	    e->msg;
}

#endif /* !UNIT_BACKUPD_CONFIG_FIXTURE_H */
