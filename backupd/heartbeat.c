/* SPDX-License-Identifier: Apache-2.0 */
/* heartbeat: a daemon's word in a store that it is alive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "catalog/backups.h"
#include "catalog/document.h"
#include "catalog/member.h"
#include "catalog/stand.h"
#include "codec/digest.h"

#include "backupd/heartbeat.h"

#define PROCESS_MAX INT32_MAX
#define REST_SIZE 4096		/* all but the lists, at most */
#define NAME_SIZE (SOURCE_NAME_MAX + 3)
#define STAND_SIZE 256

static const struct { unsigned job; const char *name; } jobs[] = {
	{ CLAIMS_DUMP, "dump" },
	{ CLAIMS_ARCHIVE, "archive" },
	{ CLAIMS_VERIFY, "verify" },
	{ CLAIMS_EXPIRE, "expire" },
	{ CLAIMS_DRILL, "drill" },
};
#define JOBS (sizeof(jobs) / sizeof(jobs[0]))

/* --- names --- */

uint64_t
heartbeat_hash(const char *source)
{
	return xxh3_64(source, strlen(source));
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void
heartbeat_sort(uint64_t *sources, size_t *n)
{
	size_t i, kept = 0;

	if (*n == 0)
		return;
	qsort(sources, *n, sizeof(*sources), by_value);
	for (i = 1; i < *n; i++)
		if (sources[i] != sources[kept])
			sources[++kept] = sources[i];
	*n = kept + 1;
}

void
heartbeat_key(const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, HEARTBEAT_PREFIX "%s.json", id);
}

static bool
is_id(const char *text)
{
	return strlen(text) == CLAIMS_ID_LEN &&
	    strspn(text, "0123456789abcdef") == CLAIMS_ID_LEN;
}

int
heartbeat_id(const char *key, char id[CLAIMS_ID_LEN + 1])
{
	size_t before = strlen(HEARTBEAT_PREFIX);

	if (strlen(key) != before + CLAIMS_ID_LEN + 5 ||
	    strncmp(key, HEARTBEAT_PREFIX, before) != 0 ||
	    strcmp(key + before + CLAIMS_ID_LEN, ".json") != 0)
		return -1;
	(void)snprintf(id, CLAIMS_ID_LEN + 1, "%.16s", key + before);
	return is_id(id) ? 0 : -1;
}

/* --- writing --- */

int
heartbeat_write(const struct heartbeat *h, const char *const *names, size_t n,
    struct buf *out, struct err *e)
{
	char started[CLOCK_TEXT], beat[CLOCK_TEXT];
	json_t *does = json_array(), *sources = json_array();
	json_t *stands = json_array(), *doc;
	size_t i, room;
	int rc;

	for (i = 0; i < JOBS; i++)
		if ((h->jobs & jobs[i].job) != 0)
			(void)json_array_append_new(does,
			    json_string(jobs[i].name));
	for (i = 0; i < n; i++)
		(void)json_array_append_new(sources, json_string(names[i]));
	room = n > HEARTBEAT_SOURCES_MAX ? 0 : (HEARTBEAT_MAX - REST_SIZE -
	    n * NAME_SIZE) / STAND_SIZE;
	for (i = 0; i < h->nstands && i < room; i++)
		(void)json_array_append_new(stands, stand_json(&h->stands[i]));
	clock_rfc3339(h->started_us, started);
	clock_rfc3339(h->beat_us, beat);
	doc = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:o, "
	    "s:o, s:o}", "format", DOCUMENT_FORMAT, "id", h->id, "host",
	    h->process.host, "version", h->tool, "boot_id", h->process.boot,
	    "pid", (json_int_t)h->process.pid, "pid_start",
	    (json_int_t)h->process.start, "started", started, "beat", beat,
	    "jobs", does, "sources", sources, "stands", stands);
	if (json_array_size(json_object_get(doc, "sources")) != n) {
		json_decref(doc);
		return err_set(e, ERR_NOMEM, 0, "heartbeat");
	}
	rc = document_write(doc, "", HEARTBEAT_MAX, "heartbeat", out, e);
	json_decref(doc);
	return rc == 0 ? buf_check(out, "heartbeat", e) : -1;
}

/* --- reading --- */

static int
take_jobs(const json_t *doc, struct heartbeat *h, struct err *e)
{
	const json_t *list = json_object_get(doc, "jobs"), *one;
	size_t i, k;

	if (!json_is_array(list) || json_array_size(list) > 64)
		return member_bad(e, "jobs");
	json_array_foreach(list, i, one) {
		if (!json_is_string(one))
			return member_bad(e, "jobs");
		/* Kinds that came later than we do not concern us. */
		for (k = 0; k < JOBS; k++)
			if (strcmp(json_string_value(one), jobs[k].name) == 0)
				h->jobs |= jobs[k].job;
	}
	return 0;
}

static int
take_sources(const json_t *doc, struct heartbeat *h, struct err *e)
{
	const json_t *list = json_object_get(doc, "sources");
	size_t n = json_array_size(list), i;
	const char *name;

	if (!json_is_array(list) || n > HEARTBEAT_SOURCES_MAX)
		return member_bad(e, "sources");
	h->sources = calloc(n + 1, sizeof(*h->sources));
	if (h->sources == NULL)
		return err_set(e, ERR_NOMEM, 0, "heartbeat");
	for (i = 0; i < n; i++) {
		name = json_string_value(json_array_get(list, i));
		if (name == NULL || !source_name_valid(name))
			return member_bad(e, "sources");
		h->sources[i] = heartbeat_hash(name);
	}
	h->nsources = n;
	heartbeat_sort(h->sources, &h->nsources);
	return 0;
}

static int
take_text(const json_t *doc, const char *name, char *out, size_t size,
    struct err *e)
{
	const char *text;

	if (member_text(doc, name, size - 1, &text, e) != 0)
		return -1;
	(void)snprintf(out, size, "%s", text);
	return 0;
}

static int
take_all(const json_t *doc, const char *id, struct heartbeat *h,
    struct err *e)
{
	uint64_t pid;

	if (take_text(doc, "id", h->id, sizeof(h->id), e) != 0)
		return -1;
	if (strcmp(h->id, id) != 0)
		return member_bad(e, "id");
	if (take_text(doc, "host", h->process.host, sizeof(h->process.host),
	    e) != 0 ||
	    take_text(doc, "version", h->tool, sizeof(h->tool), e) != 0 ||
	    take_text(doc, "boot_id", h->process.boot,
	    sizeof(h->process.boot), e) != 0 ||
	    member_count(doc, "pid", PROCESS_MAX, &pid, e) != 0 ||
	    member_count(doc, "pid_start", INT64_MAX, &h->process.start,
	    e) != 0 ||
	    member_time(doc, "started", &h->started_us, e) != 0 ||
	    member_time(doc, "beat", &h->beat_us, e) != 0)
		return -1;
	h->process.pid = (long)pid;
	return take_jobs(doc, h, e) == 0 ? take_sources(doc, h, e) : -1;
}

int
heartbeat_parse(const char *text, size_t n, const char *id,
    struct heartbeat *h, struct err *e)
{
	json_t *doc = document_read(text, n, HEARTBEAT_MAX + 64, "heartbeat",
	    e);
	int rc = -1;

	*h = (struct heartbeat){0};
	if (doc != NULL) {
		rc = take_all(doc, id, h, e);
		if (rc != 0)
			(void)err_wrap(e, "heartbeat");
	}
	json_decref(doc);
	if (rc != 0)
		heartbeat_free(h);
	return rc;
}

void
heartbeat_free(struct heartbeat *h)
{
	free(h->sources);
	*h = (struct heartbeat){0};
}
