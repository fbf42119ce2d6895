/* SPDX-License-Identifier: Apache-2.0 */
/* optfile_fuzz: any text is an option file or refused; values are its parts. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mysql/optfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct optfile o = {0};
	struct err e = {0};
	size_t i;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (optfile_parse(text, "x", &o, &e) != 0)
		assert(e.code == ERR_USAGE && memcmp(e.msg, "x:", 2) == 0);
	else
		assert(e.code == ERR_NONE);
	{
		const char *const values[] = { o.host, o.port, o.socket,
			o.user, o.password, o.ssl_mode, o.ssl_ca,
			o.ssl_capath, o.ssl_cert, o.ssl_key };

		for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			assert(values[i] == NULL ||
			    strlen(values[i]) < strlen(text));
	}
	optfile_free(&o);
	assert(o.password == NULL);
	free(text);
	return 0;
}
