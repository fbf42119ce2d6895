/* SPDX-License-Identifier: Apache-2.0 */
/* document: a JSON object in the store that ends with a digest of itself. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/member.h"
#include "codec/digest.h"
#include "store/store.h"

#include "catalog/document.h"

static int
too_large(struct err *e, enum err_code code, const char *what, size_t max)
{
	bool mib = max >= (size_t)1 << 20;

	return err_set(e, code, 0, "%s of over %zu %s", what,
	    mib ? max >> 20 : max >> 10, mib ? "MiB" : "KiB");
}

int
document_write(const json_t *doc, const char *tail, size_t max,
    const char *what, struct buf *out, struct err *e)
{
	char *text = doc == NULL ? NULL : json_dumps(doc, JSON_COMPACT);
	uint8_t digest[SHA256_SIZE];
	char sum[SHA256_HEX];
	size_t start = out->len;

	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "%s", what);
	/* The document without its brace, the tail, and then the sum over all
	 * that stands before it. */
	buf_add(out, text, strlen(text) - 1);
	free(text);
	buf_adds(out, tail);
	if (buf_check(out, what, e) != 0)
		return -1;
	sha256_of(out->data + start, out->len - start, digest);
	hex_encode(digest, sizeof(digest), sum);
	buf_addf(out, ",\"sum\":\"%s\"}\n", sum);
	if (out->len - start > max)
		return too_large(e, ERR_IO, what, max);
	return buf_check(out, what, e);
}

static int
check_sum(const char *text, size_t n, const char *what, struct err *e)
{
	static const char mark[] = ",\"sum\":\"";
	char sum[SHA256_HEX];
	uint8_t digest[SHA256_SIZE];
	size_t at;

	/* It is the last member: mark, 64 digits, quote and brace. */
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n < sizeof(mark) + 66)
		return err_set(e, ERR_CORRUPT, 0, "%s is cut short", what);
	at = n - 66 - (sizeof(mark) - 1);
	if (memcmp(text + at, mark, sizeof(mark) - 1) != 0)
		return err_set(e, ERR_CORRUPT, 0, "%s ends without its sum",
		    what);
	sha256_of(text, at, digest);
	hex_encode(digest, sizeof(digest), sum);
	if (memcmp(text + at + sizeof(mark) - 1, sum, 64) != 0)
		return err_set(e, ERR_CORRUPT, 0, "%s is damaged: its sum "
		    "does not match", what);
	return 0;
}

json_t *
document_read(const char *text, size_t n, size_t max, const char *what,
    struct err *e)
{
	json_error_t why;
	json_int_t format;
	json_t *doc;

	if (n > max) {
		(void)too_large(e, ERR_CORRUPT, what, max);
		return NULL;
	}
	doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(doc)) {
		(void)err_set(e, ERR_CORRUPT, 0, "%s is no JSON object: %s",
		    what, doc == NULL ? why.text : "another type");
		goto fail;
	}
	format = json_integer_value(json_object_get(doc, "format"));
	if (format > DOCUMENT_FORMAT) {
		(void)err_set(e, ERR_USAGE, 0, "%s has format %lld, which "
		    "needs a newer Kura", what, (long long)format);
		goto fail;
	}
	if (format != DOCUMENT_FORMAT) {
		(void)member_bad(e, "format");
		(void)err_wrap(e, "%s", what);
		goto fail;
	}
	if (check_sum(text, n, what, e) == 0)
		return doc;
fail:	json_decref(doc);
	return NULL;
}

int
document_create(struct store *s, const char *key, json_t *doc, size_t max,
    const char *what, struct err *e)
{
	struct buf text = {0};
	int rc = document_write(doc, "", max, what, &text, e);

	if (rc == 0)
		rc = store_put(s, key, text.data, text.len, true, e);
	json_decref(doc);
	buf_free(&text);
	return rc;
}

json_t *
document_time(int64_t us)
{
	char text[CLOCK_TEXT];

	if (us == 0)
		return json_null();
	clock_rfc3339(us, text);
	return json_string(text);
}
