/* SPDX-License-Identifier: Apache-2.0 */
/* names: object keys of a backup, and the readable tails in them. */
#include <stdio.h>
#include <string.h>

#include "catalog/names.h"

static size_t
add(char *out, size_t at, const char *text)
{
	for (; *text != '\0' && at < NAME_TAIL_SIZE - 1; text++) {
		if ((*text >= 'A' && *text <= 'Z') ||
		    (*text >= 'a' && *text <= 'z') ||
		    (*text >= '0' && *text <= '9') || *text == '_' ||
		    *text == '-')
			out[at++] = *text;
		else
			out[at++] = '_';
	}
	return at;
}

void
name_tail(const char *schema, const char *name, char tail[NAME_TAIL_SIZE])
{
	size_t at = add(tail, 0, schema);

	if (name[0] != '\0' && at < NAME_TAIL_SIZE - 1) {
		tail[at++] = '.';
		at = add(tail, at, name);
	}
	tail[at] = '\0';
}

void
chunk_key(const char *id, uint32_t table, const char *schema,
    const char *name, uint32_t n, char key[STORE_KEY_MAX])
{
	char tail[NAME_TAIL_SIZE];

	name_tail(schema, name, tail);
	(void)snprintf(key, STORE_KEY_MAX, "data/%s/%05u-%s/%u.tsv.zst", id,
	    (unsigned)table, tail, (unsigned)n);
}

int
source_key(const char *source, const char *relative, char key[STORE_KEY_MAX])
{
	return snprintf(key, STORE_KEY_MAX, "sources/%s/%s", source,
	    relative) < STORE_KEY_MAX ? 0 : -1;
}
