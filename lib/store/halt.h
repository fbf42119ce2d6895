/* SPDX-License-Identifier: Apache-2.0 */
/*
 * halt: in test builds alone, a program stops itself (SIGSTOP) at the step of
 * its work with a store that a test names.
 *
 * KURA_TEST_HALT is a file with one line, "STEP TEXT", while a test wants
 * somebody to stop: STEP is before-put, after-put, before-delete or
 * after-delete, TEXT a part of the object's key.  The first process that comes
 * there renames the file to FILE.PID, and stops until it is told to go on.
 */
#ifndef STORE_HALT_H
#define STORE_HALT_H

#include <stddef.h>

#ifdef KURA_TEST_HOOKS
void halt_at(const char *step, const char *const *keys, size_t n);
#else
static inline void
halt_at(const char *step, const char *const *keys, size_t n)
{
	(void)step;
	(void)keys;
	(void)n;
}
#endif

#endif /* !STORE_HALT_H */
