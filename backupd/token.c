/* SPDX-License-Identifier: Apache-2.0 */
/* token: the secret that a reader of the daemon's pages has to show. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "catalog/settings.h"
#include "codec/digest.h"

#include "backupd/token.h"

#define BASIC_MAX 1024		/* of an Authorization header */

/* 0, or -1: what is wrong with the token is in *e. */
static int
check(const char *path, const char *token, size_t n, struct err *e)
{
	size_t i;

	if (n < TOKEN_MIN || n > TOKEN_MAX) {
		(void)err_set(e, ERR_USAGE, 0, "%s: a token has %d to %d "
		    "characters, not %zu", path, TOKEN_MIN, TOKEN_MAX, n);
		return err_hint(e, "openssl rand -hex 32 > %s", path);
	}
	for (i = 0; i < n; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return err_set(e, ERR_USAGE, 0, "%s: a token has "
			    "visible ASCII characters alone", path);
	return 0;
}

int
token_read(const char *path, uint8_t digest[TOKEN_DIGEST], struct err *e)
{
	char *text;
	size_t n;
	int rc;

	if (settings_secret(path, &text, e) != 0)
		return -1;
	n = strlen(text);
	rc = check(path, text, n, e);
	if (rc == 0)
		sha256_of(text, n, digest);
	OPENSSL_cleanse(text, n);
	free(text);
	return rc;
}

/* The token within a header of length < BASIC_MAX, or NULL; room is used for
 * what has to be decoded. */
static const char *
token_in(const char *header, char room[BASIC_MAX])
{
	const char *colon;
	long n;

	if (strncasecmp(header, "Bearer ", 7) == 0)
		return header + 7 + strspn(header + 7, " ");
	if (strncasecmp(header, "Basic ", 6) != 0)
		return NULL;
	n = base64_decode(header + 6 + strspn(header + 6, " "), room);
	/* What stands behind a NUL would not be looked at. */
	if (n < 0 || n >= BASIC_MAX || memchr(room, '\0', (size_t)n) != NULL)
		return NULL;
	room[n] = '\0';
	colon = strchr(room, ':');
	return colon != NULL ? colon + 1 : NULL;
}

bool
token_shown(const uint8_t digest[TOKEN_DIGEST], const char *header)
{
	uint8_t shown[TOKEN_DIGEST];
	char room[BASIC_MAX];
	const char *token;
	bool same;

	if (header == NULL || strlen(header) >= BASIC_MAX)
		return false;
	token = token_in(header, room);
	if (token == NULL)
		return false;
	/* Digests are compared: neither length nor content leaks in time. */
	sha256_of(token, strlen(token), shown);
	same = CRYPTO_memcmp(shown, digest, TOKEN_DIGEST) == 0;
	OPENSSL_cleanse(room, sizeof(room));
	return same;
}
