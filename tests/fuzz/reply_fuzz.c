/* SPDX-License-Identifier: Apache-2.0 */
/* reply_fuzz: any path has an answer, and only the token is the token. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backupd/http.h"
#include "backupd/reply.h"
#include "backupd/token.h"
#include "base/err.h"
#include "codec/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKEN "0123456789abcdef"

static void
check_path(const char *path, json_t *doc)
{
	struct reply r = {0};
	struct err e = {0};

	assert(reply_make(path, doc, &r, &e) == 0);
	assert(r.status == 200 || r.status == 404);
	assert(r.status == 404 || reply_needs(path) == REPLY_STATUS);
	assert(r.type != NULL && r.body.len > 0);
	buf_free(&r.body);
}

/* A header that shows the token holds it, in clear or in base64. */
static void
check_token(const char *header)
{
	uint8_t digest[TOKEN_DIGEST];
	char *room;
	long n;

	sha256_of(TOKEN, strlen(TOKEN), digest);
	if (!token_shown(digest, header) || strstr(header, TOKEN) != NULL)
		return;
	room = malloc(strlen(header) + 1);
	assert(room != NULL);
	n = base64_decode(header + 6 + strspn(header + 6, " "), room);
	assert(n > (long)strlen(TOKEN));
	assert(memcmp(room + n - strlen(TOKEN), TOKEN, strlen(TOKEN)) == 0);
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *doc = json_pack("{s:[{s:s}]}", "sources", "name", "orders");
	char *text = malloc(size + 1);
	struct err e = {0};

	assert(doc != NULL && text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	check_path(text, doc);
	check_token(text);
	if (http_listen_check(text, &e) != 0)
		assert(e.code == ERR_USAGE && e.msg[0] != '\0');
	free(text);
	json_decref(doc);
	return 0;
}
