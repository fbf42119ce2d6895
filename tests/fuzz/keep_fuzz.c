/* SPDX-License-Identifier: Apache-2.0 */
/* keep_fuzz: any document is a hold, a note, a mark, a verdict, or refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/expiring.h"
#include "catalog/floor.h"
#include "catalog/hold.h"
#include "catalog/note.h"
#include "catalog/verdict.h"
#include "tests/fuzz/mended.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mended(data, size, look);
	return 0;
}
