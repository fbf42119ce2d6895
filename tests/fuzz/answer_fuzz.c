/* SPDX-License-Identifier: Apache-2.0 */
/* answer_fuzz: what clients ask of the primary that we play. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "restore/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct answer_opts opts = { .server_id = 1, .uuid = "u" };
	struct answer_replica r = {0};
	struct answer a;
	char *text = malloc(n + 1), *p, *lf;
	unsigned i;

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	for (p = text; p != NULL; p = lf) {
		lf = strchr(p, '\n');
		if (lf != NULL)
			*lf++ = '\0';
		if (answer_to(&opts, &r, p, &a) != ANSWER_ROW)
			continue;
		if (a.n == 0 || a.n > ANSWER_COLUMNS)
			abort();
		for (i = 0; i < a.n; i++)
			if (strlen(a.names[i]) == 0 || a.values[i] == NULL)
				abort();
	}
	if (strlen(r.uuid) >= sizeof(r.uuid) ||
	    strlen(r.state) >= sizeof(r.state))
		abort();
	free(text);
	return 0;
}
