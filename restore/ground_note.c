/* SPDX-License-Identifier: Apache-2.0 */
/* ground_note: what a drill notes on its target. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include "restore/ground_note.h"

#define VERSION 1

static int
nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, 0, "notes of the drill");
}

int
ground_note_init(struct ground_note *n, const char *source,
    const char *backup, struct err *e)
{
	char now[CLOCK_TEXT];

	clock_rfc3339(clock_now_us(), now);
	n->doc = json_pack("{s:i, s:s, s:s, s:s, s:n, s:[], s:[], s:n}",
	    "version", VERSION, "source", source, "backup", backup,
	    "began", now, "failed", "schemas", "before", "after");
	return n->doc != NULL ? 0 : nomem(e);
}

static bool
is_list(const json_t *list, bool pairs)
{
	const json_t *x;
	size_t i;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, x)
		if (pairs ? !json_is_string(json_array_get(x, 0)) ||
		    !json_is_string(json_array_get(x, 1)) :
		    !json_is_string(x))
			return false;
	return true;
}

int
ground_note_parse(struct ground_note *n, const char *text, size_t len,
    struct err *e)
{
	json_t *doc = json_loadb(text, len, 0, NULL);
	const json_t *failed = json_object_get(doc, "failed");
	const json_t *after = json_object_get(doc, "after");

	if (json_integer_value(json_object_get(doc, "version")) == VERSION &&
	    json_is_string(json_object_get(doc, "source")) &&
	    json_is_string(json_object_get(doc, "backup")) &&
	    json_is_string(json_object_get(doc, "began")) &&
	    (json_is_null(failed) || json_is_string(failed)) &&
	    is_list(json_object_get(doc, "schemas"), false) &&
	    is_list(json_object_get(doc, "before"), true) &&
	    (json_is_null(after) || is_list(after, true))) {
		n->doc = doc;
		return 0;
	}
	json_decref(doc);
	return err_set(e, ERR_CORRUPT, 0, "the notes of a drill on the target "
	    "are damaged");
}

int
ground_note_text(const struct ground_note *n, struct buf *out, struct err *e)
{
	char *text = json_dumps(n->doc, JSON_COMPACT);

	if (text == NULL)
		return nomem(e);
	buf_adds(out, text);
	free(text);
	return buf_check(out, "notes of the drill", e);
}

static const char *
member(const struct ground_note *n, const char *name)
{
	return json_string_value(json_object_get(n->doc, name));
}

const char *
ground_note_source(const struct ground_note *n)
{
	return member(n, "source");
}

const char *
ground_note_backup(const struct ground_note *n)
{
	return member(n, "backup");
}

const char *
ground_note_began(const struct ground_note *n)
{
	return member(n, "began");
}

const char *
ground_note_failed(const struct ground_note *n)
{
	return member(n, "failed");
}

bool
ground_note_has_schema(const struct ground_note *n, const char *name,
    bool any_case)
{
	const json_t *x;
	size_t i;

	json_array_foreach(json_object_get(n->doc, "schemas"), i, x)
		if ((any_case ? strcasecmp(json_string_value(x), name) :
		    strcmp(json_string_value(x), name)) == 0)
			return true;
	return false;
}

int
ground_note_add_schema(struct ground_note *n, const char *name,
    struct err *e)
{
	if (ground_note_has_schema(n, name, false))
		return 0;
	return json_array_append_new(json_object_get(n->doc, "schemas"),
	    json_string(name)) == 0 ? 0 : nomem(e);
}

/* MySQL's names of hosts know no case. */
static bool
has_account(const json_t *list, const char *user, const char *host)
{
	const json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (strcmp(json_string_value(json_array_get(x, 0)),
		    user) == 0 && strcasecmp(json_string_value(
		    json_array_get(x, 1)), host) == 0)
			return true;
	return false;
}

int
ground_note_add_account(struct ground_note *n, bool after, const char *user,
    const char *host, struct err *e)
{
	const char *name = after ? "after" : "before";

	if (after && !json_is_array(json_object_get(n->doc, name)) &&
	    json_object_set_new(n->doc, name, json_array()) != 0)
		return nomem(e);
	return json_array_append_new(json_object_get(n->doc, name),
	    json_pack("[s, s]", user, host)) == 0 ? 0 : nomem(e);
}

bool
ground_note_had_account(const struct ground_note *n, const char *user,
    const char *host)
{
	return has_account(json_object_get(n->doc, "before"), user, host);
}

bool
ground_note_made_account(const struct ground_note *n, const char *user,
    const char *host)
{
	const json_t *after = json_object_get(n->doc, "after");

	return !ground_note_had_account(n, user, host) &&
	    (!json_is_array(after) || has_account(after, user, host));
}

int
ground_note_fail(struct ground_note *n, const char *why, struct err *e)
{
	return json_object_set_new(n->doc, "failed", json_string(why)) == 0 ?
	    0 : nomem(e);
}

void
ground_note_free(struct ground_note *n)
{
	json_decref(n->doc);
	n->doc = NULL;
}
