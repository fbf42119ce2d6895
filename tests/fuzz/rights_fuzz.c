/* SPDX-License-Identifier: Apache-2.0 */
/* rights_fuzz: any lines of SHOW GRANTS give rights that stand in them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mysql/rights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *line, *end;
	struct rights r = {0};

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (line = text; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		rights_take(&r, line);
	}
	if (end == NULL && strlen(text) == size && size > 0 &&
	    rights_has(&r, "RELOAD"))
		assert(strstr(text, "GRANT ") != NULL);
	assert(r.list.len <= 65536);
	rights_free(&r);
	free(text);
	return 0;
}
