/* SPDX-License-Identifier: Apache-2.0 */
/* process: names of a process, and whether the one they name is gone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "base/process.h"

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

/* Fields 3 and 22 of /proc/PID/stat: '\0' and 0 when they cannot be read. */
static uint64_t
start_of(long pid, char *state)
{
	char path[64];
	struct err ignored = {0};
	struct buf text = {0};
	const char *p;
	uint64_t start = 0;
	int i;

	*state = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (file_read(path, 4096, &text, &ignored) == 0) {
		p = strrchr(buf_str(&text), ')');
		if (p != NULL && p[1] == ' ')
			*state = p[2];
		for (i = 2; p != NULL && i < 22; i++)
			p = strchr(p + 1, ' ');
		if (p != NULL)
			start = strtoull(p + 1, NULL, 10);
	}
	buf_free(&text);
	return start;
}

void
process_self(struct process *p)
{
	char state;

	*p = (struct process){ .pid = (long)getpid() };
	(void)gethostname(p->host, sizeof(p->host) - 1);
	boot_id(p->boot);
	p->start = start_of(p->pid, &state);
}

bool
process_here(const struct process *p)
{
	char host[256] = "", boot[64];

	(void)gethostname(host, sizeof(host) - 1);
	if (strcmp(host, p->host) != 0)
		return false;
	boot_id(boot);
	return boot[0] != '\0' && strcmp(boot, p->boot) == 0;
}

bool
process_gone(const struct process *p)
{
	uint64_t now;
	char state;

	if (p->pid <= 0 || !process_here(p))
		return false;
	if (kill((pid_t)p->pid, 0) != 0 && errno == ESRCH)
		return true;
	now = start_of(p->pid, &state);
	/* A zombie waits for its parent, and does nothing any more. */
	return state == 'Z' || state == 'X' ||
	    (p->start != 0 && now != 0 && now != p->start);
}
