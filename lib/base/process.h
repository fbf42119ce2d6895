/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: names of a process that hold across boots and reused pids, and
 * whether the one they name is gone.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
	char host[256];		/* where it runs; "" */
	char boot[64];		/* tells one boot of one host from all others;
				 * "" where the kernel says none */
	long pid;
	uint64_t start;		/* when it began, in ticks; 0: unknown */
};

/* This one. */
void process_self(struct process *p);

/* Is it surely of this host and boot? */
bool process_here(const struct process *p);

/* Is it surely gone: of this host and boot, and no process has its pid, or one
 * that began at another time, or that has ended and is not yet waited for? */
bool process_gone(const struct process *p);

#endif /* !BASE_PROCESS_H */
