/* SPDX-License-Identifier: Apache-2.0 */
/* page_fuzz: any JSON is a page and metrics, and nothing of it is markup. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "backupd/facts.h"
#include "backupd/metrics.h"
#include "backupd/page.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

static void
check_page(const struct buf *out)
{
	const char *text = buf_str(out);

	assert(strlen(text) == out->len && utf8_valid(text));
	assert(count(text, "<script") == 1 && count(text, "</script") == 1);
	assert(count(text, "<style") == 1 && count(text, "<main") == 1);
	assert(count(text, "javascript:") == 0 ||
	    count(text, "href=\"javascript:") == 0);
	assert(count(text, "<svg") == count(text, "</svg>"));
	assert(count(text, "<table") == count(text, "</table>"));
	assert(count(text, "<time") == count(text, "</time>"));
}

/* Each line is a comment, or a name of ours with a number. */
static void
check_metrics(const struct buf *out)
{
	const char *line = buf_str(out), *end;

	assert(strlen(line) == out->len && utf8_valid(line));
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert(end != NULL);
		assert(strncmp(line, "kura_", 5) == 0 ||
		    strncmp(line, "# HELP kura_", 12) == 0 ||
		    strncmp(line, "# TYPE kura_", 12) == 0);
		if (line[0] == 'k')
			assert(strchr("0123456789", end[-1]) != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *doc = json_loadb((const char *)data, size, 0, NULL);
	const json_t *sources = facts_array(doc, "sources");
	struct buf out = {0};
	struct err e = {0};
	size_t i;

	if (doc == NULL)
		return 0;
	assert(metrics_write(doc, &out, &e) == 0);
	check_metrics(&out);
	buf_clear(&out);
	assert(page_write(doc, &out, &e) == 0);
	check_page(&out);
	for (i = 0; i < json_array_size(sources) && i < 3; i++) {
		buf_clear(&out);
		assert(page_source(doc, json_array_get(sources, i), &out,
		    &e) == 0);
		check_page(&out);
	}
	buf_free(&out);
	json_decref(doc);
	return 0;
}
