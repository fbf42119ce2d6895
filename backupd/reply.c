/* SPDX-License-Identifier: Apache-2.0 */
/* reply: what a request gets, by its path and the status document. */
#include <stdbool.h>
#include <string.h>

#include "base/err.h"

#include "backupd/facts.h"
#include "backupd/metrics.h"
#include "backupd/page.h"

#include "backupd/reply.h"

#define API_SOURCES "/api/v1/sources/"
#define PAGE_SOURCES "/sources/"

static const char text_type[] = "text/plain; charset=utf-8";
static const char application_json[] = "application/json";
static const char html_type[] = "text/html; charset=utf-8";
static const char metrics_type[] =
    "text/plain; version=0.0.4; charset=utf-8";

static bool
begins(const char *path, const char *with)
{
	return strncmp(path, with, strlen(with)) == 0;
}

enum reply_needs
reply_needs(const char *path)
{
	static const char *const exact[] = { "/", "/metrics",
	    "/api/v1/status", "/api/v1/sources", "/api/v1/history" };
	size_t i;

	if (strcmp(path, "/healthz") == 0)
		return REPLY_HEALTH;
	if (strcmp(path, "/readyz") == 0)
		return REPLY_READY;
	for (i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		if (strcmp(path, exact[i]) == 0)
			return REPLY_STATUS;
	if (begins(path, API_SOURCES) || begins(path, PAGE_SOURCES))
		return REPLY_STATUS;
	return REPLY_NOTHING;
}

void
reply_line(unsigned status, const char *line, struct reply *r)
{
	r->status = status;
	r->type = text_type;
	r->page = false;
	buf_clear(&r->body);
	buf_adds(&r->body, line);
	buf_addc(&r->body, '\n');
}

static int
add_json(const char *data, size_t n, void *arg)
{
	struct buf *out = arg;

	buf_add(out, data, n);
	return out->failed ? -1 : 0;
}

/* Write a document, which is given up. */
static void
write_json(json_t *document, struct reply *r)
{
	r->status = 200;
	r->type = application_json;
	if (document == NULL ||
	    json_dump_callback(document, add_json, &r->body, JSON_COMPACT) != 0)
		r->body.failed = true;
	json_decref(document);
	buf_addc(&r->body, '\n');
}

/* One array of the status, with its time. */
static json_t *
part(const json_t *status, const char *key)
{
	json_t *array = json_object_get(status, key);
	json_t *now = json_object_get(status, "now");

	return json_pack("{s:i, s:O?, s:o}", "version", 1, "now", now, key,
	    json_is_array(array) ? json_incref(array) : json_array());
}

static void
no_source(bool api, struct reply *r)
{
	if (!api) {
		reply_line(404, "There is no source of this name.", r);
		return;
	}
	write_json(json_pack("{s:s}", "error",
	    "there is no source of this name"), r);
	r->status = 404;
}

static void
one_source(const char *path, const json_t *status, struct reply *r,
    struct err *e)
{
	bool api = begins(path, API_SOURCES);
	const char *name = path + strlen(api ? API_SOURCES : PAGE_SOURCES);
	const json_t *source = facts_source(status, name);

	if (name[0] == '\0' || source == NULL) {
		no_source(api, r);
	} else if (api) {
		write_json(json_pack("{s:i, s:O?, s:O}", "version", 1, "now",
		    json_object_get(status, "now"), "source", source), r);
	} else {
		r->status = 200;
		r->type = html_type;
		r->page = true;
		(void)page_source(status, source, &r->body, e);
	}
}

int
reply_make(const char *path, json_t *status, struct reply *r,
    struct err *e)
{
	buf_init(&r->body, REPLY_MAX);
	if (reply_needs(path) != REPLY_STATUS) {
		reply_line(404, "There is nothing here.", r);
	} else if (status == NULL) {
		reply_line(503, "The daemon knows nothing yet.", r);
	} else if (begins(path, API_SOURCES) || begins(path, PAGE_SOURCES)) {
		one_source(path, status, r, e);
	} else if (strcmp(path, "/metrics") == 0) {
		r->status = 200;
		r->type = metrics_type;
		(void)metrics_write(status, &r->body, e);
	} else if (strcmp(path, "/api/v1/status") == 0) {
		write_json(json_incref(status), r);
	} else if (strcmp(path, "/api/v1/sources") == 0) {
		write_json(part(status, "sources"), r);
	} else if (strcmp(path, "/api/v1/history") == 0) {
		write_json(part(status, "history"), r);
	} else {
		r->status = 200;
		r->type = html_type;
		r->page = true;
		(void)page_write(status, &r->body, e);
	}
	if (e->code != ERR_NONE)
		return -1;
	return buf_check(&r->body, path, e);
}
