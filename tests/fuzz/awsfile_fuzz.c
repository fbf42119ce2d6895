/* SPDX-License-Identifier: Apache-2.0 */
/* awsfile_fuzz: any text is an AWS file, and gives lines' parts at most. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const char *text, const char *profile, int config)
{
	static const char *const keys[] = { "aws_access_key_id",
		"aws_secret_access_key", "region", "k" };
	char *value;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = awsfile_key(text, profile, config, keys[i]);
		if (value == NULL)
			continue;
		assert(strstr(text, value) != NULL);
		assert(strchr(value, '\n') == NULL);
		free(value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	look(text, "default", 0);
	look(text, "default", 1);
	look(text, "prod", 0);
	look(text, "prod", 1);
	free(text);
	return 0;
}
