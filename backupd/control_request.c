/* SPDX-License-Identifier: Apache-2.0 */
/* control: what a peer asks, and what it is answered. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/settings.h"
#include "catalog/head.h"

#include "backupd/control.h"

#define JOB_MAX 32

static const struct {
	const char *verb;
	bool source;		/* must be named */
} verbs[] = {
	{ "status", false }, { "start", true }, { "cancel", true },
	{ "pause", true }, { "resume", true }, { "drain", false },
	{ "reload", false },
};

/* A member that is absent, null, or text without NUL. */
static int
take_text(const json_t *doc, const char *name, const char **out,
    struct err *e)
{
	const json_t *value = json_object_get(doc, name);

	*out = NULL;
	if (value == NULL || json_is_null(value))
		return 0;
	*out = json_string_value(value);
	if (*out == NULL || strlen(*out) != json_string_length(value))
		return err_set(e, ERR_USAGE, 0, "request: '%s' is no text",
		    name);
	return 0;
}

static int
check(const json_t *doc, struct err *e)
{
	const json_t *version = json_object_get(doc, "version");
	const char *verb, *source, *job;
	size_t i;

	if (!json_is_integer(version) ||
	    json_integer_value(version) != CONTROL_VERSION)
		return err_set(e, ERR_USAGE, 0, "request: its version is not "
		    "%d", CONTROL_VERSION);
	if (take_text(doc, "verb", &verb, e) != 0 ||
	    take_text(doc, "source", &source, e) != 0 ||
	    take_text(doc, "job", &job, e) != 0)
		return -1;
	if (verb == NULL)
		return err_set(e, ERR_USAGE, 0, "request: it has no verb");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			break;
	if (i == sizeof(verbs) / sizeof(verbs[0]))
		return err_set(e, ERR_USAGE, 0, "request: verb '%.40s' is "
		    "not known", verb);
	if (source == NULL && verbs[i].source)
		return err_set(e, ERR_USAGE, 0, "request: '%s' needs a source",
		    verb);
	if (source != NULL && !source_name_valid(source))
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", source);
	if (job != NULL && (job[0] == '\0' || strlen(job) > JOB_MAX ||
	    job[strspn(job, "abcdefghijklmnopqrstuvwxyz-")] != '\0'))
		return err_set(e, ERR_USAGE, 0, "'%.40s' is no job", job);
	return 0;
}

json_t *
control_request(const char *text, size_t n, struct err *e)
{
	json_error_t why;
	json_t *doc;

	if (n > CONTROL_REQUEST_MAX) {
		(void)err_set(e, ERR_USAGE, 0, "request: over %zu KiB",
		    CONTROL_REQUEST_MAX >> 10);
		return NULL;
	}
	doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(doc))
		(void)err_set(e, ERR_USAGE, 0, "request: it is no JSON "
		    "object");
	else if (check(doc, e) == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

int
control_path(const struct settings *s, char path[CONTROL_PATH],
    struct err *e)
{
	const char *socket = settings_str(s, "socket");
	const char *state = settings_str(s, "state");
	int n = socket != NULL ? snprintf(path, CONTROL_PATH, "%s", socket) :
	    snprintf(path, CONTROL_PATH, "%s/backupd.sock",
	    state != NULL ? state : CONTROL_STATE);

	return n > 0 && n < CONTROL_PATH ? 0 : err_set(e, ERR_USAGE, 0,
	    "socket: a path of 1 to %d bytes is needed", CONTROL_PATH - 1);
}

const char *
control_verb(const json_t *request)
{
	return json_string_value(json_object_get(request, "verb"));
}

const char *
control_source(const json_t *request)
{
	return json_string_value(json_object_get(request, "source"));
}

const char *
control_job(const json_t *request)
{
	return json_string_value(json_object_get(request, "job"));
}

json_t *
control_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

json_t *
control_refuse(const struct err *why)
{
	const char *code = "failed";
	json_t *text;

	if (why->code == ERR_USAGE)
		code = "usage";
	else if (why->code == ERR_NOTFOUND)
		code = "notfound";
	else if (why->code == ERR_BUSY || why->code == ERR_AGAIN)
		code = "busy";
	else if (why->code == ERR_DENIED)
		code = "denied";
	text = json_string(why->msg);
	/* A message that quotes what is no UTF-8. */
	if (text == NULL)
		text = json_string("the reason cannot be shown");
	return json_pack("{s:b, s:s, s:o, s:s*}", "ok", 0, "code", code,
	    "message", text, "hint", why->hint[0] != '\0' ? why->hint : NULL);
}
