/* SPDX-License-Identifier: Apache-2.0 */
/* verdict: the last word on a mark, for ever. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "store/store.h"

#include "catalog/verdict.h"

#define VERDICT_MAX ((size_t)16 << 10)

void
verdict_key(const char *source, const char *kind, const char *name,
    int64_t marked_us, char *key, size_t room)
{
	(void)snprintf(key, room, "sources/%s/marks/%s-%s-%016" PRId64
	    ".json", source, kind, name, marked_us);
}

int
verdict_time(struct store *s, const char *source, const char *kind,
    const char *name, int64_t *marked_us, struct err *e)
{
	char key[STORE_KEY_MAX];
	struct err why = {0};
	uint64_t size;

	for (;; (*marked_us)++) {
		verdict_key(source, kind, name, *marked_us, key, sizeof(key));
		if (store_stat(s, key, &size, &why) == 0)
			continue;
		if (why.code == ERR_NOTFOUND)
			return 0;
		*e = why;
		return -1;
	}
}

int
verdict_parse(const char *text, size_t n, enum verdict *is, struct err *e)
{
	json_t *doc = document_read(text, n, VERDICT_MAX, "verdict", e);
	const char *word = "";
	int rc = -1;

	*is = VERDICT_NONE;
	if (doc == NULL)
		return -1;
	if (member_text(doc, "verdict", 16, &word, e) == 0) {
		if (strcmp(word, "go") == 0)
			*is = VERDICT_GO;
		else if (strcmp(word, "stay") == 0)
			*is = VERDICT_STAY;
		rc = *is != VERDICT_NONE ? 0 : member_bad(e, "verdict");
	}
	if (rc != 0)
		(void)err_wrap(e, "verdict");
	json_decref(doc);
	return rc;
}

int
verdict_look(struct store *s, const char *key, enum verdict *is,
    struct err *e)
{
	struct buf text = {0};
	struct err why = {0};

	*is = VERDICT_NONE;
	if (store_get(s, key, VERDICT_MAX, &text, &why) == 0)
		(void)verdict_parse(buf_str(&text), text.len, is, &why);
	buf_free(&text);
	/* Nobody sweeps on it; and whoever comes takes the mark away. */
	if (why.code == ERR_CORRUPT || why.code == ERR_USAGE) {
		*is = VERDICT_STAY;
	} else if (why.code != ERR_NONE && why.code != ERR_NOTFOUND) {
		*e = why;
		return -1;
	}
	return 0;
}

int
verdict_give(struct store *s, const char *key, enum verdict want,
    enum verdict *is, struct err *e)
{
	assert(want != VERDICT_NONE);
	*is = want;
	if (document_create(s, key, json_pack("{s:i, s:s}", "format",
	    DOCUMENT_FORMAT, "verdict", want == VERDICT_GO ? "go" : "stay"),
	    VERDICT_MAX, "verdict", e) == 0)
		return 0;
	if (e->code != ERR_EXISTS)
		return -1;
	*e = (struct err){0};
	return verdict_look(s, key, is, e);
}
