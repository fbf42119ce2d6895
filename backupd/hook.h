/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook: runs a command of the user's, for a thread that may wait for it.
 *
 * No shell: the words are its arguments.  It gets the input on its standard
 * input, default signals, a process group of its own, an environment of PATH,
 * HOME, LANG and TZ alone, and no descriptor but the first three.  When it has
 * ended or its time is over, what is left of its group is killed.  The process
 * must ignore SIGPIPE.
 */
#ifndef BACKUPD_HOOK_H
#define BACKUPD_HOOK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define HOOK_WORDS_MAX 64
#define HOOK_OUTPUT 512		/* the last bytes of output that are kept */

struct hook {
	const char *const *argv;	/* NULL-ended */
	const char *input;
	size_t input_len;
	uint64_t time_limit_ms;		/* 0: 30 s */
	const atomic_bool *stop;	/* kills it within a second; or NULL */
};

struct hook_result {
	int status;			/* exit status, or 128 and its signal */
	char output[HOOK_OUTPUT + 1];	/* of both, flattened, its last line */
};

/* Split a command into words, at spaces; "..." and '...' hold words together,
 * a backslash takes the next letter as it is (not within '...').  *argv is the
 * caller's: one free.  ERR_USAGE. */
int hook_split(const char *text, char ***argv, struct err *e);

/* Run it; 0 when it ended with status 0.  Otherwise -1: ERR_AGAIN for status
 * 75 (EX_TEMPFAIL), ERR_CANCELLED when stopped, else ERR_IO. */
int hook_run(const struct hook *h, struct hook_result *result, struct err *e);

#endif /* !BACKUPD_HOOK_H */
