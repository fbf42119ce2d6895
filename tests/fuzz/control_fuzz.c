/* SPDX-License-Identifier: Apache-2.0 */
/* control_fuzz: any line is a request or refused; any document is shown. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/control.h"
#include "backupd/status.h"
#include "base/err.h"
#include "catalog/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is printed has no control character but its line ends. */
static void
show(const json_t *doc, bool json)
{
	struct err e = {0};
	char *text = NULL;
	size_t n = 0, i;
	FILE *out = open_memstream(&text, &n);

	(void)status_print(doc, NULL, json, out, &e);
	(void)fclose(out);
	for (i = 0; i < n; i++)
		assert((unsigned char)text[i] >= ' ' || text[i] == '\n');
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	json_t *doc = control_request((const char *)data, size, &e);
	json_t *reply;

	if (doc != NULL) {
		assert(control_verb(doc) != NULL);
		assert(control_source(doc) == NULL ||
		    source_name_valid(control_source(doc)));
		assert(control_job(doc) == NULL ||
		    strlen(control_job(doc)) <= 32);
		json_decref(doc);
	} else {
		assert(e.code == ERR_USAGE);
		reply = control_refuse(&e);
		assert(reply != NULL);
		json_decref(reply);
	}
	doc = json_loadb((const char *)data, size, 0, NULL);
	show(doc, false);
	show(doc, true);
	json_decref(doc);
	return 0;
}
