/* SPDX-License-Identifier: Apache-2.0 */
/* keep_fuzz: any document is a hold, a note, a mark, a verdict, or refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/expiring.h"
#include "catalog/floor.h"
#include "catalog/hold.h"
#include "catalog/note.h"
#include "catalog/verdict.h"
#include "codec/digest.h"

#define ID	"20261122T181500Z-7c1e"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
refused(const struct err *e)
{
	assert((e->code == ERR_CORRUPT || e->code == ERR_USAGE) &&
	    e->msg[0] != '\0');
}

static void
look_hold(const char *text, size_t n)
{
	struct hold h;
	struct err e = {0};
	json_t *json;

	if (hold_parse(text, n, "a", ID, "audit", &h, &e) != 0) {
		assert(h.owner == NULL && h.reason == NULL);
		refused(&e);
		return;
	}
	assert(strcmp(h.backup, ID) == 0 && strcmp(h.name, "audit") == 0);
	assert(strlen(h.reason) <= HOLD_TEXT_MAX);
	json = holds_json(&h, 1, ID);
	assert(json_array_size(json) == 1);
	json_decref(json);
	hold_free(&h);
}

static void
look_note(const char *text, size_t n)
{
	struct note note;
	struct err e = {0};

	if (note_parse(text, n, "a", ID, ID, &note, &e) != 0) {
		assert(note.owner == NULL && note.text == NULL);
		refused(&e);
		return;
	}
	assert(strlen(note.text) <= NOTE_TEXT_MAX);
	note_free(&note);
}

static void
look_marks(const char *text, size_t n)
{
	struct floor f = { .history = ID, .before = 7 };
	struct expiring x;
	struct err e = {0};
	enum verdict is;

	if (expiring_parse(text, n, "a", ID, &x, &e) == 0) {
		assert(x.marked && x.why != NULL);
		expiring_fini(&x);
	} else {
		assert(x.why == NULL);
		refused(&e);
	}
	e = (struct err){0};
	if (floor_parse(text, n, "a", &f, &e) != 0)
		refused(&e);
	e = (struct err){0};
	if (verdict_parse(text, n, &is, &e) != 0)
		refused(&e);
}

static void
look(const char *text, size_t n)
{
	look_hold(text, n);
	look_note(text, n);
	look_marks(text, n);
}

/* As it is, and as a document whose sum is right. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = ",\"sum\":\"";
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct buf text = {0};

	buf_add(&text, data, size);
	look(buf_str(&text), text.len);
	while (text.len > 0 && (text.data[text.len - 1] == '\n' ||
	    text.data[text.len - 1] == '}'))
		text.len--;
	if (text.len > sizeof(mark) + 64 && memcmp(text.data + text.len - 65 -
	    (sizeof(mark) - 1), mark, sizeof(mark) - 1) == 0)
		text.len -= 65 + sizeof(mark) - 1;
	sha256_of(buf_str(&text), text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_addf(&text, "%s%s\"}", mark, hex);
	look(buf_str(&text), text.len);
	buf_free(&text);
	return 0;
}
