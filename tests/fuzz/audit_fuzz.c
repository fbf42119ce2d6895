/* SPDX-License-Identifier: Apache-2.0 */
/* audit_fuzz: any line is an entry of the audit log, or refused. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "catalog/audit.h"
#include "catalog/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	json_t *doc = audit_parse((const char *)data, size, &e), *back;
	int64_t us;
	char *text;

	if (doc == NULL) {
		assert(e.code == ERR_CORRUPT || e.code == ERR_USAGE);
		assert(e.msg[0] != '\0');
		return 0;
	}
	assert(clock_parse(json_string_value(json_object_get(doc, "at")),
	    &us) == 0);
	assert(backup_id_valid(json_string_value(json_object_get(doc,
	    "id"))));
	assert(json_is_array(json_object_get(doc, "command")));
	assert(json_is_string(json_object_get(doc, "result")));
	text = json_dumps(doc, JSON_COMPACT);
	back = json_loads(text, 0, NULL);
	assert(json_equal(doc, back));
	json_decref(back);
	json_decref(doc);
	free(text);
	return 0;
}
