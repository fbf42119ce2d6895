/* SPDX-License-Identifier: Apache-2.0 */
/* begun: notes that a run has begun, and when it is surely dead. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
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

/* Tells one boot of one host from all others; "" where the kernel says none,
 * and then nothing is ever taken for our own. */
static void
boot_id(char out[64])
{
	struct err ignored = {0};
	struct buf text = {0};

	if (file_read("/proc/sys/kernel/random/boot_id", 128, &text,
	    &ignored) != 0)
		buf_clear(&text);
	(void)snprintf(out, 64, "%.*s",
	    (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	buf_free(&text);
}

/* Field 22 of /proc/PID/stat: with it a reused pid is no longer ours. */
static uint64_t
process_start(long pid)
{
	char path[64];
	struct err ignored = {0};
	struct buf text = {0};
	const char *p;
	uint64_t start = 0;
	int i;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (file_read(path, 4096, &text, &ignored) == 0) {
		p = strrchr(buf_str(&text), ')');
		for (i = 2; p != NULL && i < 22; i++) {
			p = strchr(p + 1, ' ');
		}
		if (p != NULL)
			start = strtoull(p + 1, NULL, 10);
	}
	buf_free(&text);
	return start;
}

int
begun_write(struct store *s, const char *source, const char *id,
    int64_t deadline_us, struct err *e)
{
	char key[STORE_KEY_MAX], host[256] = "", boot[64];
	char started[CLOCK_TEXT], deadline[CLOCK_TEXT], *text;
	json_t *note;
	int rc;

	(void)gethostname(host, sizeof(host) - 1);
	boot_id(boot);
	clock_rfc3339(clock_now_us(), started);
	clock_rfc3339(deadline_us, deadline);
	begun_key(source, id, key);
	note = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:[]}", "id",
	    id, "host", host, "boot_id", boot, "pid", (json_int_t)getpid(),
	    "pid_start", (json_int_t)process_start((long)getpid()),
	    "started", started, "deadline", deadline, "may_borrow_from");
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

static bool
ours_and_gone(const json_t *note)
{
	char host[256] = "", boot[64];
	long pid = (long)head_count(note, "pid");
	uint64_t start = head_count(note, "pid_start");

	(void)gethostname(host, sizeof(host) - 1);
	boot_id(boot);
	if (boot[0] == '\0' || pid <= 0 ||
	    strcmp(host, head_text(note, "host")) != 0 ||
	    strcmp(boot, head_text(note, "boot_id")) != 0)
		return false;
	if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
		return true;
	return start != 0 && process_start(pid) != 0 &&
	    process_start(pid) != start;
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
	dead = ours_and_gone(note) || now > deadline + HOUR_US;
out:	json_decref(note);
	buf_free(&text);
	return dead;
}
