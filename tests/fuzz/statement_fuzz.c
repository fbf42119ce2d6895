/* SPDX-License-Identifier: Apache-2.0 */
/* statement_fuzz: status variables and variables before a statement become
 * nothing but assignments. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/event.h"
#include "restore/ddl.h"
#include "restore/statement.h"
#include "restore/xid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
collation(void *arg, unsigned number, struct statement_collation *c,
    struct err *e)
{
	(void)arg;
	(void)number;
	(void)e;
	(void)snprintf(c->charset, sizeof(c->charset), "binary");
	(void)snprintf(c->collation, sizeof(c->collation), "binary");
	return 0;
}

/* No text of ours ends a statement or opens a comment. */
static void
one_statement(const struct buf *out)
{
	struct ddl_reader r;
	struct ddl_token t;

	assert(!out->failed);
	ddl_reader_init(&r, buf_str(out), out->len);
	while ((t = ddl_next(&r)).kind != DDL_END)
		assert(t.kind != DDL_BAD && !ddl_is_punct(&t, ';'));
	assert(r.versioned == 0);
}

static void
states(const uint8_t *data, size_t size)
{
	struct statement_state to;
	struct buf out = {0};
	struct err e = {0};

	if (statement_state(data, size, &to, &e) != 0) {
		assert(e.code == ERR_CORRUPT && e.msg[0] != '\0');
		return;
	}
	statement_set(&statement_unknown, &to, FLAVOUR_MYSQL, &out);
	one_statement(&out);
	buf_clear(&out);
	statement_set(&statement_unknown, &to, FLAVOUR_MARIADB, &out);
	one_statement(&out);
	buf_clear(&out);
	statement_set(&to, &to, FLAVOUR_MARIADB, &out);
	assert(out.len == 0);
	buf_free(&out);
}

static void
variables(uint8_t type, const uint8_t *data, size_t size)
{
	struct event ev = { .type = type, .body = data, .body_len = size };
	struct buf out = {0};
	struct err e = {0};

	if (statement_variable(&ev, collation, NULL, &out, &e) != 0)
		assert(e.code == ERR_CORRUPT && e.msg[0] != '\0');
	else
		one_statement(&out);
	buf_free(&out);
}

static void
xids(const uint8_t *data, size_t size)
{
	struct event ev = { .type = EVENT_MARIA_GTID, .body = data,
	    .body_len = size };
	struct buf out = {0}, again = {0}, text = {0};
	struct err e = {0};

	if (xid_of_gtid(&ev, &out, &e) == 0) {
		one_statement(&out);
		buf_addf(&text, "XA COMMIT %s", buf_str(&out));
		/* Formats above 31 bits are no server's. */
		if (xid_of_text(buf_str(&text), text.len, &again, &e) == 0)
			assert(strcmp(buf_str(&again), buf_str(&out)) == 0);
	}
	e = (struct err){0};
	buf_clear(&out);
	if (xid_of_text((const char *)data, size, &out, &e) == 0)
		one_statement(&out);
	buf_free(&out);
	buf_free(&again);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 5) {
	case 0:
		states(data + 1, size - 1);
		break;
	case 1:
		variables(EVENT_INTVAR, data + 1, size - 1);
		break;
	case 2:
		variables(EVENT_RAND, data + 1, size - 1);
		break;
	case 3:
		variables(EVENT_USER_VAR, data + 1, size - 1);
		break;
	default:
		xids(data + 1, size - 1);
		break;
	}
	return 0;
}
