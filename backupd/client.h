/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: asks and tells a running daemon over its control socket, for the
 * verbs status, start, cancel, pause, resume, drain and reload.
 *
 * Waits are bounded: 30 seconds for a whole answer.
 */
#ifndef BACKUPD_CLIENT_H
#define BACKUPD_CLIENT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct cancel;
struct err;
struct settings;

/* Is this one of the verbs above? */
bool client_knows(const char *verb);

/* Send a request (borrowed) and take the reply, owned, which is one that
 * begins with ok true.  No daemon there is ERR_IO; what it refuses comes as
 * its own code and words.  NULL on failure. */
json_t *client_ask(const char *path, const json_t *request,
    struct cancel *cancel, struct err *e);

/* Do the verb of the command line, and print what came of it to out. */
int client_run(const struct settings *s, struct cancel *cancel, FILE *out,
    struct err *e);

#endif /* !BACKUPD_CLIENT_H */
