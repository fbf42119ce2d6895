/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: what every new process of ours begins with. */
#define _GNU_SOURCE	/* pipe2 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "backupd/spawn.h"

int
spawn_pipe(int ends[2], int least, int ours)
{
	int raw[2], i;

	ends[0] = ends[1] = -1;
	if (pipe2(raw, O_CLOEXEC) != 0)
		return -1;
	for (i = 0; i < 2; i++) {
		ends[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, least);
		(void)close(raw[i]);
	}
	if (ends[0] != -1 && ends[1] != -1 &&
	    fcntl(ends[ours], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	for (i = 0; i < 2; i++)
		if (ends[i] != -1)
			(void)close(ends[i]);
	ends[0] = ends[1] = -1;
	return -1;
}

void
spawn_fresh(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	(void)setpgid(0, 0);
	for (i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)sigaction(i, &plain, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
