/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: the secret that a reader of the daemon's pages has to show.
 *
 * Only its digest is kept.  A browser may send it as the password of Basic
 * authentication, under any user name.
 */
#ifndef BACKUPD_TOKEN_H
#define BACKUPD_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

struct err;

#define TOKEN_DIGEST 32
#define TOKEN_MIN 16		/* characters; fewer could be guessed */
#define TOKEN_MAX 512

/* Read the token from a secret's file (settings_secret): TOKEN_MIN to
 * TOKEN_MAX visible ASCII characters.  0, or -1 with *e set (ERR_USAGE). */
int token_read(const char *path, uint8_t digest[TOKEN_DIGEST], struct err *e);

/* Does the value of an Authorization header (NULL: none came) show the token?
 * Takes the same time wherever a wrong token differs. */
bool token_shown(const uint8_t digest[TOKEN_DIGEST], const char *header);

#endif /* !BACKUPD_TOKEN_H */
