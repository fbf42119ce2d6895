/* SPDX-License-Identifier: Apache-2.0 */
/* notify_fuzz: any text is a command's words, a kind, or what was told, or is
 * refused; what was told comes back. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/hook.h"
#include "backupd/notice.h"
#include "backupd/told.h"
#include "base/buf.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
words(const char *text)
{
	struct err e = {0};
	struct notice_filter filter;
	char **argv;
	size_t n, all = 0;

	if (hook_split(text, &argv, &e) == 0) {
		for (n = 0; argv[n] != NULL; n++)
			all += strlen(argv[n]);
		assert(n > 0 && n <= HOOK_WORDS_MAX && all <= strlen(text));
		free(argv);
	} else {
		assert(e.code == ERR_USAGE && argv == NULL);
	}
	e = (struct err){0};
	assert(notice_filter_parse(text, &filter, &e) == 0 ||
	    e.code == ERR_USAGE);
}

static void
told(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct told *t = told_new(64, &e), *u = told_new(64, &e);
	struct buf one = {0}, two = {0};

	assert(t != NULL && u != NULL);
	if (told_parse(t, (const char *)data, size, &e) == 0) {
		assert(told_text(t, &one, &e) == 0);
		assert(told_parse(u, one.data, one.len, &e) == 0);
		assert(told_count(t) == told_count(u));
		assert(told_text(u, &two, &e) == 0);
		assert(strcmp(buf_str(&one), buf_str(&two)) == 0);
	} else {
		assert(e.code == ERR_CORRUPT && told_count(t) == 0);
	}
	buf_free(&one);
	buf_free(&two);
	told_free(t);
	told_free(u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	assert(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	words(text);
	told(data, size);
	free(text);
	return 0;
}
