/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4: AWS Signature Version 4, header form. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"

#include "store/sigv4.h"

#define PAIRS_MAX 64

struct pair {
	char *name, *value;
};

void
sigv4_encode(const char *text, size_t n, bool slash, struct buf *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		    c == '_' || c == '~' || (slash && c == '/'))
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

static int
by_pair(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int rc = strcmp(x->name, y->name);

	return rc != 0 ? rc : strcmp(x->value, y->value);
}

static char *
encoded(const char *text, bool already)
{
	struct buf b = {0};

	if (already)
		return strdup(text);
	sigv4_encode(text, strlen(text), false, &b);
	if (b.data == NULL)
		return strdup("");
	return b.data;
}

int
sigv4_query(const struct sigv4_pair *query, size_t n, bool already,
    struct buf *out, struct err *e)
{
	struct pair pairs[PAIRS_MAX];
	size_t i;

	if (n > PAIRS_MAX)
		return err_set(e, ERR_IO, 0, "query of %zu parameters", n);
	for (i = 0; i < n; i++) {
		pairs[i].name = encoded(query[i].name, already);
		pairs[i].value = encoded(query[i].value, already);
		if (pairs[i].name == NULL || pairs[i].value == NULL)
			out->failed = true;
	}
	/* Sorted after encoding, by the pair: '=' would order wrongly. */
	if (!out->failed && n > 0)
		qsort(pairs, n, sizeof(*pairs), by_pair);
	for (i = 0; i < n; i++) {
		if (!out->failed)
			buf_addf(out, "%s%s=%s", i == 0 ? "" : "&",
			    pairs[i].name, pairs[i].value);
		free(pairs[i].name);
		free(pairs[i].value);
	}
	return buf_check(out, "query", e);
}

/* Lower-case name; value trimmed, runs of blanks folded. */
static int
add_header(struct pair *p, const struct sigv4_pair *h)
{
	const char *v = h->value;
	char *to;
	size_t i;

	p->name = strdup(h->name);
	p->value = malloc(strlen(v) + 1);
	if (p->name == NULL || p->value == NULL)
		return -1;
	for (i = 0; p->name[i] != '\0'; i++)
		p->name[i] = (char)tolower((unsigned char)p->name[i]);
	to = p->value;
	while (*v == ' ' || *v == '\t')
		v++;
	for (; *v != '\0'; v++) {
		if ((*v == ' ' || *v == '\t') && (v[1] == ' ' ||
		    v[1] == '\t' || v[1] == '\0'))
			continue;
		*to++ = *v == '\t' ? ' ' : *v;
	}
	*to = '\0';
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name,
	    ((const struct pair *)b)->name);
}

/* Header block and the list of signed names.  Values of one name keep their
 * order. */
static int
headers(const struct sigv4_request *r, struct buf *block, struct buf *names,
    struct err *e)
{
	struct pair pairs[PAIRS_MAX], one;
	size_t i, k, n = r->nheaders;

	if (n > PAIRS_MAX)
		return err_set(e, ERR_IO, 0, "%zu headers", n);
	memset(pairs, 0, sizeof(pairs));
	for (i = 0; i < n; i++)
		if (add_header(&pairs[i], &r->headers[i]) != 0)
			block->failed = true;
	/* An insertion sort is stable. */
	for (i = 1; i < n && !block->failed; i++) {
		one = pairs[i];
		for (k = i; k > 0 && by_name(&pairs[k - 1], &one) > 0; k--)
			pairs[k] = pairs[k - 1];
		pairs[k] = one;
	}
	for (i = 0; i < n; i++) {
		if (block->failed)
			continue;
		if (i > 0 && strcmp(pairs[i].name, pairs[i - 1].name) == 0) {
			block->len--;	/* the LF */
			buf_addf(block, ",%s\n", pairs[i].value);
			continue;
		}
		buf_addf(block, "%s:%s\n", pairs[i].name, pairs[i].value);
		buf_addf(names, "%s%s", names->len > 0 ? ";" : "",
		    pairs[i].name);
	}
	for (i = 0; i < n; i++) {
		free(pairs[i].name);
		free(pairs[i].value);
	}
	return buf_check(block, "headers", e) != 0 ||
	    buf_check(names, "headers", e) != 0 ? -1 : 0;
}

/* Other services: dot and empty segments are removed. */
static void
normalise(const char *path, struct buf *out)
{
	const char *p = path, *end;
	size_t n;

	while (*p != '\0') {
		while (*p == '/')
			p++;
		end = p + strcspn(p, "/");
		n = (size_t)(end - p);
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (out->len > 0 && out->data[--out->len] != '/')
				continue;
			if (out->data != NULL)
				out->data[out->len] = '\0';
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			buf_addc(out, '/');
			buf_add(out, p, n);
		}
		p = end;
	}
	if (out->len == 0 || (path[0] != '\0' &&
	    path[strlen(path) - 1] == '/'))
		buf_addc(out, '/');
}

int
sigv4_canonical(const struct sigv4_request *r, struct buf *out,
    struct err *e)
{
	struct buf path = {0}, block = {0}, names = {0};
	int rc = -1;

	buf_addf(out, "%s\n", r->method);
	if (r->plain_path) {
		sigv4_encode(r->path, strlen(r->path), true, out);
	} else {
		normalise(r->path, &path);
		sigv4_encode(buf_str(&path), path.len, true, out);
	}
	buf_addc(out, '\n');
	if (sigv4_query(r->query, r->nquery, r->encoded_query, out, e) != 0 ||
	    headers(r, &block, &names, e) != 0)
		goto out;
	buf_addf(out, "\n%s\n%s\n%s", buf_str(&block), buf_str(&names),
	    r->payload_sha256);
	rc = buf_check(out, "request", e);
out:	buf_free(&path);
	buf_free(&block);
	buf_free(&names);
	return rc;
}

int
sigv4_sign(const struct sigv4_request *r, const struct sigv4_keys *k,
    struct buf *authorization, struct err *e)
{
	struct buf canonical = {0}, block = {0}, names = {0}, text = {0};
	uint8_t key[SHA256_SIZE], digest[SHA256_SIZE];
	char hex[SHA256_HEX], day[9];
	int rc = -1;

	if (sigv4_canonical(r, &canonical, e) != 0 ||
	    headers(r, &block, &names, e) != 0)
		goto out;
	(void)snprintf(day, sizeof(day), "%.8s", r->date);
	sha256_of(buf_str(&canonical), canonical.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s",
	    r->date, day, r->region, r->service, hex);
	buf_clear(&block);
	buf_addf(&block, "AWS4%s", k->secret);
	if (buf_check(&text, "request", e) != 0 ||
	    buf_check(&block, "request", e) != 0)
		goto out;
	hmac_sha256(block.data, block.len, day, strlen(day), key);
	hmac_sha256(key, sizeof(key), r->region, strlen(r->region), key);
	hmac_sha256(key, sizeof(key), r->service, strlen(r->service), key);
	hmac_sha256(key, sizeof(key), "aws4_request", 12, key);
	hmac_sha256(key, sizeof(key), text.data, text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(authorization, "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/"
	    "aws4_request, SignedHeaders=%s, Signature=%s", k->id, day,
	    r->region, r->service, buf_str(&names), hex);
	rc = buf_check(authorization, "request", e);
out:	if (block.data != NULL)
		memset(block.data, 0, block.cap);
	memset(key, 0, sizeof(key));
	buf_free(&canonical);
	buf_free(&block);
	buf_free(&names);
	buf_free(&text);
	return rc;
}
