/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: the daemon that watches over all sources of a configuration.
 *
 * One thread runs a loop over signals, a timer, children, the control socket
 * and the claims; jobs are children (child.h), the archive and what blocks
 * have threads of their own.
 *
 * Signals: SIGTERM and SIGINT end it within ten seconds, SIGHUP reads the
 * configuration anew (valid or not at all), SIGUSR1 drains: no new jobs, and
 * the end once those that run are done.
 */
#ifndef BACKUPD_SERVE_H
#define BACKUPD_SERVE_H

struct err;
struct settings;

struct serve_opts {
	/* A configuration read anew: the same command line, and the file as
	 * it is now. */
	struct settings *(*load)(void *arg, struct err *e);
	void *arg;
};

/* Run until it is told to end: 0 then.  Blocks all signals it takes; call it
 * before any other thread is started. */
int serve_run(const struct serve_opts *opts, struct err *e);

#endif /* !BACKUPD_SERVE_H */
