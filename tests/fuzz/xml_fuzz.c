/* SPDX-License-Identifier: Apache-2.0 */
/* xml_fuzz: an answer of S3 is elements within bounds, or refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t started, ended;
};

static void
start(void *arg, const char *path)
{
	struct seen *s = arg;

	assert(path[0] == '/');
	s->started++;
}

static int
end(void *arg, const char *path, const char *text, struct err *e)
{
	struct seen *s = arg;

	assert(path[0] == '/' && strrchr(path, '/') != NULL);
	assert(strlen(text) <= XML_TEXT_MAX);
	assert(e->code == ERR_NONE);
	s->ended++;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = {0};
	struct err e = {0};

	if (xml_parse((const char *)data, size, start, end, &s, &e) == 0)
		assert(s.started == s.ended && s.ended > 0 &&
		    e.code == ERR_NONE);
	else
		assert(e.code == ERR_CORRUPT && e.msg[0] != '\0');
	return 0;
}
