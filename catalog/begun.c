/* SPDX-License-Identifier: Apache-2.0 */
/* begun: notes that a run has begun, and when it is surely dead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/process.h"
#include "store/store.h"

#include "catalog/begun.h"

#define HOUR_US		INT64_C(3600000000)
#define LONGEST_US	(7 * 24 * HOUR_US)
#define NOTE_MAX	((size_t)64 << 10)

static void
begun_key(const char *source, const char *id, char key[STORE_KEY_MAX])
{
	(void)snprintf(key, STORE_KEY_MAX, "sources/%s/begun/%s.json", source,
	    id);
}

void
begun_owner(json_t *doc)
{
	struct process self;

	process_self(&self);
	(void)json_object_set_new(doc, "host", json_string(self.host));
	(void)json_object_set_new(doc, "boot_id", json_string(self.boot));
	(void)json_object_set_new(doc, "pid", json_integer(
	    (json_int_t)self.pid));
	(void)json_object_set_new(doc, "pid_start", json_integer(
	    (json_int_t)self.start));
}

int
begun_write(struct store *s, const char *source, const char *id,
    int64_t deadline_us, struct err *e)
{
	char key[STORE_KEY_MAX], started[CLOCK_TEXT], deadline[CLOCK_TEXT];
	json_t *note = json_pack("{s:s}", "id", id);
	char *text;
	int rc;

	clock_rfc3339(clock_now_us(), started);
	clock_rfc3339(deadline_us, deadline);
	begun_key(source, id, key);
	begun_owner(note);
	(void)json_object_set_new(note, "started", json_string(started));
	(void)json_object_set_new(note, "deadline", json_string(deadline));
	(void)json_object_set_new(note, "may_borrow_from", json_array());
	text = note == NULL ? NULL : json_dumps(note, JSON_COMPACT);
	json_decref(note);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, 0, "begun note");
	rc = store_put(s, key, text, strlen(text), false, e);
	free(text);
	return rc;
}

int
begun_remove(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	const char *keys[1] = { key };

	begun_key(source, id, key);
	return store_delete(s, keys, 1, e);
}

bool
begun_owner_gone(const json_t *note)
{
	struct process p = { .pid = (long)head_count(note, "pid"),
	    .start = head_count(note, "pid_start") };

	(void)snprintf(p.host, sizeof(p.host), "%s",
	    head_text(note, "host"));
	(void)snprintf(p.boot, sizeof(p.boot), "%s",
	    head_text(note, "boot_id"));
	return process_gone(&p);
}

int
begun_dead(struct store *s, const char *source, const char *id,
    struct err *e)
{
	char key[STORE_KEY_MAX], when[17];
	struct err missing = {0};
	struct buf text = {0};
	int64_t now, deadline;
	json_t *note = NULL;
	int dead = -1;

	begun_key(source, id, key);
	if (store_time(s, &now, e) != 0)
		return -1;
	if (store_get(s, key, NOTE_MAX, &text, &missing) != 0) {
		if (missing.code != ERR_NOTFOUND) {
			*e = missing;
			goto out;
		}
		memcpy(when, id, 16);
		when[16] = '\0';
		dead = clock_parse(when, &deadline) == 0 &&
		    now > deadline + LONGEST_US + HOUR_US;
		goto out;
	}
	note = json_loadb(buf_str(&text), text.len, 0, NULL);
	if (note == NULL ||
	    clock_parse(head_text(note, "deadline"), &deadline) != 0) {
		(void)err_set(e, ERR_CORRUPT, 0, "%s: not a begun note", key);
		goto out;
	}
	dead = begun_owner_gone(note) || now > deadline + HOUR_US;
out:	json_decref(note);
	buf_free(&text);
	return dead;
}

/* --- who may borrow --- */

static int
add_id(void *arg, const struct store_entry *entry, struct err *e)
{
	const char *name = strrchr(entry->key, '/') + 1;
	json_t *ids = arg;

	(void)e;
	if (strlen(name) == BACKUP_ID_LEN + 5)
		(void)json_array_append_new(ids, json_stringn(name,
		    BACKUP_ID_LEN));
	return 0;
}

static int
borrows(struct store *s, const char *source, const char *id,
    int (*each)(void *, const char *, const char *, struct err *), void *arg,
    struct err *e)
{
	char key[STORE_KEY_MAX];
	const json_t *from, *one;
	struct buf text = {0};
	struct err why = {0};
	json_t *note;
	int rc = 0;
	size_t i;

	begun_key(source, id, key);
	if (store_get(s, key, NOTE_MAX, &text, &why) != 0) {
		buf_free(&text);
		/* It has ended meanwhile. */
		if (why.code == ERR_NOTFOUND)
			return 0;
		*e = why;
		return -1;
	}
	note = json_loadb(buf_str(&text), text.len, 0, NULL);
	buf_free(&text);
	from = json_object_get(note, "may_borrow_from");
	if (!json_is_array(from))
		rc = err_set(e, ERR_CORRUPT, 0, "%s: not a begun note", key);
	json_array_foreach(from, i, one)
		if (rc == 0)
			rc = !json_is_string(one) || !backup_id_valid(
			    json_string_value(one)) ? err_set(e, ERR_CORRUPT,
			    0, "%s: not a begun note", key) : each(arg, id,
			    json_string_value(one), e);
	json_decref(note);
	return rc;
}

int
begun_borrows(struct store *s, const char *source, int (*each)(void *,
    const char *, const char *, struct err *), void *arg, struct err *e)
{
	char prefix[STORE_KEY_MAX];
	json_t *ids = json_array();
	const json_t *id;
	int rc, dead;
	size_t i;

	(void)snprintf(prefix, sizeof(prefix), "sources/%s/begun/", source);
	rc = store_list(s, prefix, add_id, ids, e);
	json_array_foreach(ids, i, id) {
		if (rc != 0 || !backup_id_valid(json_string_value(id)))
			continue;
		dead = begun_dead(s, source, json_string_value(id), e);
		rc = dead < 0 ? -1 : dead == 1 ? 0 : borrows(s, source,
		    json_string_value(id), each, arg, e);
	}
	json_decref(ids);
	return rc;
}
