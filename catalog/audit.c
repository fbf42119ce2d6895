/* SPDX-License-Identifier: Apache-2.0 */
/* audit: who did what, on which backup, and what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "catalog/head.h"
#include "catalog/settings.h"
#include "store/store.h"

#include "catalog/audit.h"

#define WORD_MAX 512		/* bytes of one word of a command */

struct audit {
	struct store *store;
	struct settings *settings;	/* to open it with, ours; or NULL */
	bool ours;		/* the store was opened by us */
	bool acts;
	bool job;		/* started by a daemon */
	char *file;
	json_t *entry;		/* all that does not change */
	char host[65];		/* as it stands in keys */
	int64_t begun_us, begun_mono;
};

/* Text of others as a JSON string: what is no UTF-8 becomes '?', and what is
 * too long ends in dots. */
static json_t *
text_json(const char *text, size_t max)
{
	char copy[WORD_MAX + 1];
	json_t *out;
	size_t n, i;

	if (text == NULL)
		return json_null();
	n = strlen(text);
	max = max < WORD_MAX ? max : WORD_MAX;
	if (n <= max) {
		out = json_string(text);
		if (out != NULL)
			return out;
	}
	(void)snprintf(copy, sizeof(copy), "%.*s", (int)max, text);
	for (i = 0; copy[i] != '\0'; i++)
		if ((unsigned char)copy[i] >= 0x80)
			copy[i] = '?';
	if (n > max)
		memcpy(copy + max - 3, "...", 3);
	return json_string(copy);
}

static json_t *
words_json(const struct audit_opts *o)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < o->nwords && i < AUDIT_WORDS_MAX; i++)
		(void)json_array_append_new(all, text_json(o->command[i],
		    WORD_MAX));
	return all;
}

/* The host's name as letters that keys may have. */
static void
find_host(char host[65])
{
	size_t i;

	if (gethostname(host, 64) != 0 || host[0] == '\0')
		(void)snprintf(host, 65, "unknown");
	host[64] = '\0';
	for (i = 0; host[i] != '\0'; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
		    "xyz0123456789-.", host[i]) == NULL || (host[i] == '.' &&
		    i == 0))
			host[i] = '_';
}

/* Access key ids are no secrets, but need not be read in full either. */
static json_t *
identity_json(const struct store *s)
{
	const char *id = store_identity(s);
	char some[12];

	if (id == NULL)
		return json_null();
	(void)snprintf(some, sizeof(some), "%.8s%s", id,
	    strlen(id) > 8 ? "..." : "");
	return text_json(some, sizeof(some));
}

static json_t *
entry_json(const struct audit *a, const struct audit_opts *o)
{
	char id[BACKUP_ID_LEN + 1], tool[64];
	struct passwd pw, *who = NULL;
	char names[4096];

	backup_id_make(id);
	(void)getpwuid_r(geteuid(), &pw, names, sizeof(names), &who);
	(void)snprintf(tool, sizeof(tool), "%s %s", o->program, KURA_VERSION);
	return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:I, s:o, s:s, s:I, "
	    "s:o, s:o, s:o, s:o, s:o, s:o}", "version", AUDIT_VERSION, "id",
	    id, "at", "", "tool", tool, "verb", text_json(o->verb, 64),
	    "command", words_json(o), "uid", (json_int_t)getuid(), "user",
	    text_json(who != NULL ? who->pw_name : NULL, 64), "host",
	    a->host, "pid", (json_int_t)getpid(), "by", text_json(o->by, 64),
	    "identity", json_null(), "store", json_null(),
	    "source", text_json(o->source, SOURCE_NAME_MAX), "backup",
	    text_json(o->backup, 64), "target", text_json(o->target, 256));
}

struct audit *
audit_new(const struct audit_opts *o, struct err *e)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (a == NULL)
		goto err0;
	a->store = o->store;
	if (o->file != NULL && (a->file = strdup(o->file)) == NULL)
		goto err1;
	a->begun_us = clock_now_us();
	a->begun_mono = clock_mono_ms();
	find_host(a->host);
	a->entry = entry_json(a, o);
	if (a->entry == NULL)
		goto err1;
	return a;

err1:	audit_free(a);
err0:	(void)err_set(e, ERR_NOMEM, 0, "audit");
	return NULL;
}

static struct audit *
of_settings(const struct settings *s, struct audit_opts *o, struct err *e)
{
	struct settings *mine = settings_clone(s, e);
	struct audit *a = NULL;

	if (mine != NULL && settings_use_daemon(mine, e) == 0) {
		o->file = settings_str(mine, "audit-file");
		a = audit_new(o, e);
	}
	if (a != NULL)
		a->settings = mine;
	else
		settings_free(mine);
	return a;
}

struct audit *
audit_of(const struct settings *s, const char *program, int argc,
    char **argv, const char *source)
{
	const char *by = getenv("KURA_AUDIT_BY"), *sudo = getenv("SUDO_USER");
	struct audit_opts o = { .program = program,
	    .verb = settings_verb(s), .source = source,
	    .command = (const char *const *)(uintptr_t)(argv + 1),
	    .nwords = argc > 1 ? (size_t)argc - 1 : 0 };
	struct err e = {0};
	struct audit *a;
	char text[64];

	(void)snprintf(text, sizeof(text), "%s%s", by != NULL ? "" : "sudo ",
	    by != NULL ? by : sudo != NULL ? sudo : "");
	o.by = by != NULL || sudo != NULL ? text : NULL;
	a = of_settings(s, &o, &e);
	if (a != NULL)
		a->job = by != NULL;
	else
		log_event(LOG_WARN_, "audit: nothing is recorded", "why",
		    e.msg, NULL);
	return a;
}

void
audit_backup(struct audit *a, const char *id)
{
	if (a != NULL)
		(void)json_object_set_new(a->entry, "backup", text_json(id,
		    64));
}

void
audit_target(struct audit *a, const char *target)
{
	if (a != NULL)
		(void)json_object_set_new(a->entry, "target",
		    text_json(target, 256));
}

/* --- writing --- */

/* One write(2) a line: lines of several programs do not mix. */
static int
to_file(const char *path, const char *line, size_t n, struct err *e)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW | O_NONBLOCK, 0640);
	ssize_t done;
	int rc = 0;

	if (fd < 0)
		return err_set(e, ERR_IO, errno, "%s", path);
	do {
		done = write(fd, line, n);
	} while (done < 0 && errno == EINTR);
	if (done != (ssize_t)n)
		rc = err_set(e, ERR_IO, done < 0 ? errno : ENOSPC, "%s",
		    path);
	if (fsync(fd) != 0 && errno != EINVAL && rc == 0)
		rc = err_set(e, ERR_IO, errno, "%s", path);
	(void)close(fd);
	return rc;
}

static int
to_store(struct audit *a, int64_t at_us, const char *line, size_t n,
    struct err *e)
{
	char key[STORE_KEY_MAX], at[CLOCK_TEXT], tail[9];

	clock_rfc3339(at_us, at);
	random_hex(tail, 8);
	/* 2026-11-22 and 18:15:00 */
	(void)snprintf(key, sizeof(key), "audit/%.10s/%s-%.2s%.2s%.2s%s.jsonl",
	    at, a->host, at + 11, at + 14, at + 17, tail);
	return store_put(a->store, key, line, n, true, e);
}

static void
put(struct audit *a, int64_t at_us, const json_t *entry)
{
	char *text = json_dumps(entry, JSON_COMPACT);
	struct err file = {0}, store = {0};
	struct buf line = {0};

	if (text != NULL)
		buf_addf(&line, "%s\n", text);
	free(text);
	if (line.len == 0 || line.failed) {
		log_event(LOG_WARN_, "audit: nothing is recorded", "why",
		    "out of memory", NULL);
		buf_free(&line);
		return;
	}
	if (a->file != NULL && to_file(a->file, line.data, line.len,
	    &file) != 0)
		log_event(LOG_WARN_, "audit: the file takes no record", "why",
		    file.msg, NULL);
	/* Who may only read the store leaves the record in the file. */
	if (a->store != NULL && to_store(a, at_us, line.data, line.len,
	    &store) != 0)
		log_event(store.code == ERR_DENIED && a->file != NULL &&
		    file.code == ERR_NONE ? LOG_INFO_ : LOG_WARN_,
		    "audit: the store takes no record", "why", store.msg,
		    NULL);
	buf_free(&line);
}

/* The store, opened when there is something to write. */
static void
open_store(struct audit *a)
{
	struct err e = {0};

	if (a->store == NULL && a->settings != NULL) {
		a->store = settings_open_briefly(a->settings, &e);
		a->ours = a->store != NULL;
		settings_free(a->settings);	/* not again */
		a->settings = NULL;
		if (a->store == NULL)
			log_event(LOG_WARN_, "audit: the store takes no "
			    "record", "why", e.msg, NULL);
	}
	if (a->store == NULL)
		return;
	(void)json_object_set_new(a->entry, "identity",
	    identity_json(a->store));
	(void)json_object_set_new(a->entry, "store",
	    text_json(store_name(a->store), WORD_MAX));
}

/* Copy of the entry at this time, with what came of it. */
static void
tell(struct audit *a, const char *result, json_t *status, json_t *seconds,
    const char *message)
{
	int64_t now = clock_now_us();
	char at[CLOCK_TEXT];
	json_t *entry;

	open_store(a);
	entry = json_copy(a->entry);
	clock_rfc3339(now, at);
	(void)json_object_set_new(entry, "at", json_string(at));
	(void)json_object_set_new(entry, "result", json_string(result));
	(void)json_object_set_new(entry, "exit", status);
	(void)json_object_set_new(entry, "seconds", seconds);
	(void)json_object_set_new(entry, "message", text_json(message,
	    WORD_MAX));
	put(a, now, entry);
	json_decref(entry);
}

void
audit_acts(struct audit *a)
{
	if (a != NULL)
		a->acts = true;
}

void
audit_acts_as_job(struct audit *a)
{
	if (a != NULL && a->job)
		audit_acts(a);
}

void
audit_begun(struct audit *a)
{
	audit_acts(a);
	if (a != NULL)
		tell(a, "begun", json_null(), json_null(), NULL);
}

static const char *
result_of(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return "done";
	case ERR_USAGE: case ERR_DENIED: case ERR_EXISTS:
		return "refused";
	case ERR_CORRUPT:
		return "damage";
	case ERR_NOTFOUND:
		return "nothing";
	case ERR_BUSY:
		return "busy";
	case ERR_CANCELLED:
		return "stopped";
	case ERR_AGAIN: case ERR_NOMEM: case ERR_IO:
		break;
	}
	return "failed";
}

void
audit_ended(struct audit *a, const struct err *how)
{
	if (a != NULL && a->acts)
		tell(a, result_of(how->code), json_integer(
		    err_exit_status(how->code)), json_real((double)(
		    clock_mono_ms() - a->begun_mono) / 1000),
		    how->code != ERR_NONE ? how->msg : NULL);
}

void
audit_free(struct audit *a)
{
	if (a == NULL)
		return;
	if (a->ours)
		store_close(a->store);
	settings_free(a->settings);
	json_decref(a->entry);
	free(a->file);
	free(a);
}
