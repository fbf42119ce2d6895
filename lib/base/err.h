/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: why an operation failed, as a value that can cross threads.
 *
 * The lowest layer calls err_set once, each layer that knows one more noun
 * calls err_wrap, whoever knows the remedy calls err_hint; main prints one
 * line: "prog: where: what; do this".  Never put secrets or row data in.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* What the caller can do about it.  Values are stable: main() maps them. */
enum err_code {
	ERR_NONE = 0,	/* no failure recorded */
	ERR_USAGE,	/* bad option or configuration; fix and rerun */
	ERR_NOTFOUND,	/* expected absence: object, table, file */
	ERR_EXISTS,	/* expected presence: refuse to overwrite */
	ERR_AGAIN,	/* transient: the same call may succeed later */
	ERR_BUSY,	/* a claim or lock is another's; come back later */
	ERR_DENIED,	/* credentials or grants */
	ERR_CORRUPT,	/* bytes do not match their checksum or format */
	ERR_CANCELLED,	/* stopped on request; never shown to the user */
	ERR_NOMEM,	/* out of memory or of another process limit */
	ERR_IO,		/* any other failure of the system or the peer */
};

/* Plain data: no destructor, copy with `=`.  Initialise with {0}. */
struct err {
	enum err_code code;
	int sys;		/* errno or server error at the failure, or 0 */
	char msg[384];		/* "outer: inner: cause", one line */
	char hint[160];		/* what to do, "" if nothing useful is known */
};

/* Record a failure; the first record wins.  sys is an errno (its text is
 * appended) or 0.  Control characters are flattened.  Always returns -1. */
int err_set(struct err *e, enum err_code code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Prefix what the outer layer knows ("upload part 7").  Returns -1. */
int err_wrap(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Set the hint unless one is set already.  Returns -1. */
int err_hint(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What analysers of one file at a time cannot see. */
#ifdef __clang_analyzer__
#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_wrap(...) (err_wrap(__VA_ARGS__), -1)
#define err_hint(...) (err_hint(__VA_ARGS__), -1)
#endif

/* The exit status of a program that ends with this code (DESIGN, "Habits
 * of the programs"): 0, 1, 2, 3, 4 or 75. */
int err_exit_status(enum err_code code);

#endif /* !BASE_ERR_H */
