/* SPDX-License-Identifier: Apache-2.0 */
/* credentials: keys for S3, from a chain of sources. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"

#include "store/credentials.h"

#define FILE_MAX ((size_t)1 << 20)

static const char *
env(const char *name)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* "[profile x]", "[ default ]": the name, or NULL for other sections. */
static bool
is_section(const char *line, size_t n, const char *profile, int config)
{
	const char *p = line + 1, *end = memchr(line, ']', n);
	size_t len;

	if (end == NULL)
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (config && (size_t)(end - p) > 8 &&
	    strncmp(p, "profile", 7) == 0 && isspace((unsigned char)p[7])) {
		p += 8;
		while (p < end && (*p == ' ' || *p == '\t' || *p == '"' ||
		    *p == '\''))
			p++;
		while (end > p && (end[-1] == '"' || end[-1] == '\''))
			end--;
	} else if (config && ((size_t)(end - p) != 7 ||
	    strncmp(p, "default", 7) != 0)) {
		return false;
	}
	len = strlen(profile);
	return (size_t)(end - p) == len && strncmp(p, profile, len) == 0;
}

static char *
value_of(const char *p, const char *end)
{
	const char *q;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	/* A comment inside a line begins after a blank. */
	for (q = p; q < end; q++)
		if ((*q == '#' || *q == ';') && q > p &&
		    (q[-1] == ' ' || q[-1] == '\t'))
			break;
	while (q > p && isspace((unsigned char)q[-1]))
		q--;
	return strndup(p, (size_t)(q - p));
}

char *
awsfile_key(const char *text, const char *profile, int config,
    const char *key)
{
	const char *end, *equals, *p;
	bool here = false;
	char *found = NULL;
	size_t n;

	/* A byte order mark is none of ours. */
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = text + strcspn(text, "\n");
		n = (size_t)(end - text);
		if (n == 0 || *text == '#' || *text == ';')
			continue;
		if (*text == '[') {
			here = is_section(text, n, profile, config);
			continue;
		}
		/* Indented lines belong to the key above. */
		if (!here || *text == ' ' || *text == '\t')
			continue;
		equals = memchr(text, '=', n);
		if (equals == NULL)
			continue;
		for (p = equals; p > text && isspace((unsigned char)p[-1]);
		    p--)
			continue;
		if ((size_t)(p - text) != strlen(key) ||
		    strncasecmp(text, key, strlen(key)) != 0)
			continue;
		free(found);	/* the last one wins */
		found = value_of(equals + 1, end);
	}
	return found;
}

/* The file named by the environment, or ~/.aws/NAME; absent is empty. */
static int
read_aws_file(const char *variable, const char *name, struct buf *out,
    struct err *e)
{
	const char *path = env(variable), *home = env("HOME");
	struct err missing = {0};
	char standard[4096];

	if (path == NULL) {
		if (home == NULL)
			return 0;
		(void)snprintf(standard, sizeof(standard), "%s/.aws/%s", home,
		    name);
		path = standard;
	}
	if (file_read(path, FILE_MAX, out, &missing) == 0 ||
	    missing.code == ERR_NOTFOUND)
		return 0;
	*e = missing;
	return -1;
}

static int
check_key(const char *text, const char *what, struct err *e)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return err_set(e, ERR_USAGE, 0, "%s holds a blank or "
			    "control character", what);
	return 0;
}

/* Take a value without the line break that files and shells add. */
static char *
taken(const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return strndup(text, n);
}

/* Some tools leave the zone out, and mean UTC. */
static int64_t
time_of(const char *text)
{
	char utc[64];
	int64_t us;

	if (text == NULL)
		return 0;
	(void)snprintf(utc, sizeof(utc), "%.60sZ", text);
	return clock_parse(text, &us) == 0 || clock_parse(utc, &us) == 0 ? us :
	    0;
}

static int
from_env(struct credentials *c, struct err *e)
{
	const char *id = env("AWS_ACCESS_KEY_ID");
	const char *secret = env("AWS_SECRET_ACCESS_KEY");
	const char *token = env("AWS_SESSION_TOKEN");

	if (id == NULL && secret == NULL)
		return 1;
	if (id == NULL || secret == NULL)
		return err_set(e, ERR_USAGE, 0, "%s is set, but not %s",
		    id != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		    id != NULL ? "AWS_SECRET_ACCESS_KEY" :
		    "AWS_ACCESS_KEY_ID");
	c->id = taken(id);
	c->secret = taken(secret);
	c->token = token != NULL ? taken(token) : NULL;
	c->from = "the environment";
	c->until_us = c->token != NULL ?
	    time_of(env("AWS_CREDENTIAL_EXPIRATION")) : 0;
	c->fixed = true;
	return 0;
}

static char *
either(const struct buf *credentials, const struct buf *config,
    const char *profile, const char *key)
{
	char *text = awsfile_key(buf_str(credentials), profile, 0, key);

	return text != NULL ? text : awsfile_key(buf_str(config), profile, 1,
	    key);
}

/* What tools that write session tokens into the files note of their end: none
 * of these keys is AWS's own. */
static int64_t
token_until(const struct buf *credentials, const struct buf *config,
    const char *profile)
{
	static const char *const keys[] = { "x_security_token_expires",
	    "aws_session_expiration", "aws_credential_expiration",
	    "aws_expiration", "expiration" };
	int64_t us = 0;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]) && us == 0; i++) {
		text = either(credentials, config, profile, keys[i]);
		us = time_of(text);
		free(text);
	}
	return us;
}

static int
from_profile(const char *profile, bool named, bool have, struct credentials *c,
    struct err *e)
{
	struct buf credentials = {0}, config = {0};
	char *other = NULL;
	int rc = -1;

	if (read_aws_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
	    &credentials, e) != 0 ||
	    read_aws_file("AWS_CONFIG_FILE", "config", &config, e) != 0)
		goto out;
	c->region = awsfile_key(buf_str(&config), profile, 1, "region");
	c->endpoint = awsfile_key(buf_str(&config), profile, 1,
	    "endpoint_url");
	c->ca_bundle = awsfile_key(buf_str(&config), profile, 1, "ca_bundle");
	rc = 0;
	if (have)
		goto out;
	c->id = either(&credentials, &config, profile, "aws_access_key_id");
	c->secret = either(&credentials, &config, profile,
	    "aws_secret_access_key");
	c->token = either(&credentials, &config, profile,
	    "aws_session_token");
	c->from = "the AWS files";
	if (c->token != NULL)
		c->until_us = token_until(&credentials, &config, profile);
	if (c->id != NULL && c->secret != NULL)
		goto out;
	rc = -1;
	other = either(&credentials, &config, profile, "role_arn");
	if (c->id != NULL || c->secret != NULL)
		(void)err_set(e, ERR_USAGE, 0, "profile %.60s has only half "
		    "of a key", profile);
	else if (other != NULL)
		(void)err_set(e, ERR_USAGE, 0, "profile %.60s assumes a role, "
		    "which Kura cannot yet", profile);
	else if (named)
		(void)err_set(e, ERR_DENIED, 0, "the AWS files have no keys "
		    "for profile %.60s", profile);
	else
		(void)err_set(e, ERR_DENIED, 0, "no S3 credentials");
	(void)err_hint(e, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
	    "write them to ~/.aws/credentials");
out:	free(other);
	if (credentials.data != NULL)
		memset(credentials.data, 0, credentials.len);
	buf_free(&credentials);
	buf_free(&config);
	return rc;
}

int
credentials_find(const char *profile, struct credentials *c, struct err *e)
{
	const char *named = profile;
	int rc = 1;

	*c = (struct credentials){0};
	if (named == NULL)
		named = env("AWS_PROFILE");
	if (named == NULL)
		named = env("AWS_DEFAULT_PROFILE");
	/* A profile chosen by option wins over keys in the environment. */
	if (profile == NULL)
		rc = from_env(c, e);
	if (rc >= 0)
		rc = from_profile(named != NULL ? named : "default",
		    named != NULL, rc == 0, c, e);
	if (rc == 0 && (check_key(c->id, "the access key", e) != 0 ||
	    check_key(c->secret, "the secret key", e) != 0 ||
	    (c->token != NULL && check_key(c->token, "the session token",
	    e) != 0)))
		rc = -1;
	if (rc != 0)
		credentials_free(c);
	return rc;
}

void
credentials_free(struct credentials *c)
{
	if (c->secret != NULL)
		memset(c->secret, 0, strlen(c->secret));
	free(c->id);
	free(c->secret);
	free(c->token);
	free(c->region);
	free(c->endpoint);
	free(c->ca_bundle);
	*c = (struct credentials){0};
}
