/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: where a bucket is, and how its URLs look. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#include "store/endpoint.h"

/* A label that may go into a host name: an injection guard as well. */
static bool
is_label(const char *s)
{
	size_t n = strlen(s), i;

	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return true;
}

static bool
is_bucket(const char *s)
{
	size_t n = strlen(s), i;

	if (n < 3 || n > 255)
		return false;
	for (i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' &&
		    s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') ||
		    s[i] == '-' || s[i] == '.' || s[i] == '_'))
			return false;
	return true;
}

static const char *
suffix(const char *region)
{
	static const struct { const char *prefix, *suffix; } parts[] = {
		{ "cn-", "amazonaws.com.cn" }, { "eusc-", "amazonaws.eu" },
		{ "us-isob-", "sc2s.sgov.gov" }, { "us-isof-",
		"csp.hci.ic.gov" }, { "us-iso-", "c2s.ic.gov" },
		{ "eu-isoe-", "cloud.adc-e.uk" },
	};
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strncmp(region, parts[i].prefix,
		    strlen(parts[i].prefix)) == 0)
			return parts[i].suffix;
	return "amazonaws.com";
}

/* Authority without its scheme's own port, which the client leaves out. */
static void
host_of(const char *authority, size_t n, bool tls, char *out, size_t size)
{
	const char *port = tls ? ":443" : ":80";
	size_t len = strlen(port);

	if (n > len && strncmp(authority + n - len, port, len) == 0)
		n -= len;
	(void)snprintf(out, size, "%.*s", (int)n, authority);
}

static int
custom(const struct endpoint_opts *o, bool virtual_host,
    struct endpoint *out, struct err *e)
{
	bool tls = strncmp(o->url, "https://", 8) == 0;
	const char *authority, *path;
	size_t n, base;
	char host[256];

	if (!tls && strncmp(o->url, "http://", 7) != 0)
		goto bad;
	authority = o->url + (tls ? 8 : 7);
	n = strcspn(authority, "/?#");
	path = authority + n;
	if (n == 0 || n >= sizeof(host) || memchr(authority, '@', n) != NULL ||
	    strpbrk(path, "?#") != NULL)
		goto bad;
	for (base = strlen(path); base > 0 && path[base - 1] == '/'; base--)
		continue;
	host_of(authority, n, tls, host, sizeof(host));
	if (strncmp(host, o->bucket, strlen(o->bucket)) == 0 &&
	    host[strlen(o->bucket)] == '.') {
		(void)err_set(e, ERR_USAGE, 0, "endpoint %.120s: the bucket "
		    "stands in it already", o->url);
		return err_hint(e, "give the endpoint without the bucket");
	}
	(void)snprintf(out->host, sizeof(out->host), "%s%s%s",
	    virtual_host ? o->bucket : "", virtual_host ? "." : "", host);
	(void)snprintf(out->url, sizeof(out->url), "%s://%s",
	    tls ? "https" : "http", out->host);
	if (snprintf(out->base, sizeof(out->base), "%.*s%s%s", (int)base,
	    path, virtual_host ? "" : "/", virtual_host ? "" : o->bucket) >=
	    (int)sizeof(out->base))
		goto bad;
	out->custom = true;
	return 0;

bad:	(void)err_set(e, ERR_USAGE, 0, "endpoint '%.120s' is no "
	    "http(s)://HOST[:PORT][/PATH]", o->url);
	return -1;
}

static int
amazon(const struct endpoint_opts *o, bool virtual_host,
    struct endpoint *out)
{
	(void)snprintf(out->host, sizeof(out->host), "%s%ss3.%s.%s",
	    virtual_host ? o->bucket : "", virtual_host ? "." : "",
	    out->region, suffix(out->region));
	(void)snprintf(out->url, sizeof(out->url), "https://%s", out->host);
	(void)snprintf(out->base, sizeof(out->base), "%s%s",
	    virtual_host ? "" : "/", virtual_host ? "" : o->bucket);
	return 0;
}

int
endpoint_bucket(const char *bucket, struct err *e)
{
	size_t n = strlen(bucket);

	if (!is_bucket(bucket) || strncmp(bucket, "arn:", 4) == 0 ||
	    (n > 6 && (strcmp(bucket + n - 6, "--x-s3") == 0)))
		return err_set(e, ERR_USAGE, 0, "bucket '%.80s': not a name "
		    "that Kura can use", bucket);
	return 0;
}

int
endpoint_make(const struct endpoint_opts *o, struct endpoint *out,
    struct err *e)
{
	const char *style = o->addressing != NULL ? o->addressing : "auto";
	bool label = is_label(o->bucket), virtual_host;

	*out = (struct endpoint){0};
	if (endpoint_bucket(o->bucket, e) != 0)
		return -1;
	(void)snprintf(out->region, sizeof(out->region), "%s",
	    o->region != NULL ? o->region : "us-east-1");
	if (!is_label(out->region))
		return err_set(e, ERR_USAGE, 0, "region '%.60s' is no region",
		    o->region);
	if (strcmp(style, "virtual") == 0 && !label)
		return err_set(e, ERR_USAGE, 0, "bucket '%.80s' cannot stand "
		    "in a host name: use --s3-addressing=path", o->bucket);
	virtual_host = strcmp(style, "virtual") == 0 ||
	    (strcmp(style, "auto") == 0 && o->url == NULL && label);
	return o->url != NULL ? custom(o, virtual_host, out, e) :
	    amazon(o, virtual_host, out);
}
