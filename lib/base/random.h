/* SPDX-License-Identifier: Apache-2.0 */
/* random: unpredictable bytes and names from the system (getrandom(2)). */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fill with n random bytes; cannot fail on a running system. */
void random_bytes(void *out, size_t n);

/* n lower-case hex digits and a NUL into out[n + 1]. */
void random_hex(char *out, size_t n);

/* A double in [0, 1). */
double random_unit(void);

#endif /* !BASE_RANDOM_H */
