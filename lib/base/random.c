/* SPDX-License-Identifier: Apache-2.0 */
/* random: unpredictable bytes and names from the system. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/random.h"

void
random_bytes(void *out, size_t n)
{
	unsigned char *p = out;
	ssize_t got;

	while (n > 0) {
		got = getrandom(p, n, 0);
		if (got < 0) {
			/* Only EINTR is possible; anything else means that
			 * no name we make is safe any more. */
			if (errno == EINTR)
				continue;
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}

void
random_hex(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i % 2 == 0)
			random_bytes(&byte, 1);
		out[i] = digits[byte & 15];
		byte = (unsigned char)(byte >> 4);
	}
	out[n] = '\0';
}

double
random_unit(void)
{
	uint64_t bits;

	random_bytes(&bits, sizeof(bits));
	return (double)(bits >> 11) * (1.0 / 9007199254740992.0);
}
