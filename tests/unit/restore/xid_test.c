/* SPDX-License-Identifier: Apache-2.0 */
/* xid_test: identifiers of XA transactions, from statements and events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"
#include "mysql/event.h"
#include "restore/xid.h"

static void
of_text(const char *sql, const char *want)
{
	struct buf out = {0};
	struct err e = {0};
	int rc = xid_of_text(sql, strlen(sql), &out, &e);

	assert_int_equal(rc, want == NULL ? -1 : 0);
	assert_string_equal(buf_str(&out), want == NULL ? "" : want);
	assert_string_equal(e.msg, want == NULL ? "Query event: an XA "
	    "statement whose identifier cannot be read" : "");
	buf_free(&out);
}

static void
test_of_text(void **state)
{
	(void)state;
	of_text("XA START X'666f6f',X'62',7", "x'666f6f',x'62',7");
	of_text("XA COMMIT X'',X'',1", "x'',x'',1");
	of_text("xa rollback x'00FF' , x'' , 2147483647",
	    "x'00ff',x'',2147483647");
	of_text("XA COMMIT 'foo','b',7", NULL);
	of_text("XA COMMIT X'6',X'',1", NULL);
	of_text("XA COMMIT X'6g',X'',1", NULL);
	of_text("XA COMMIT X'66',X''", NULL);
	of_text("XA COMMIT X'66',X'',-1", NULL);
	of_text("XA COMMIT X'66',X'',4294967296", NULL);
	of_text("XA COMMIT", NULL);
}

static void
of_gtid(const char *hex, const char *want)
{
	uint8_t body[256];
	struct event ev = { .type = EVENT_MARIA_GTID, .body = body,
	    .body_len = strlen(hex) / 2 };
	struct buf out = {0};
	struct err e = {0};
	int rc;

	assert_int_equal(hex_decode(hex, body, ev.body_len), 0);
	rc = xid_of_gtid(&ev, &out, &e);
	assert_int_equal(rc, want == NULL ? -1 : 0);
	assert_string_equal(buf_str(&out), want == NULL ? "" : want);
	assert_string_equal(e.msg, want == NULL ? "Gtid event: an XA "
	    "identifier that cannot be read" : "");
	buf_free(&out);
}

static void
test_of_gtid(void **state)
{
	(void)state;
	of_gtid("0500000000000000" "00000000" "40" "07000000" "03" "01"
	    "666f6f62", "x'666f6f',x'62',7");
	of_gtid("0500000000000000" "00000000" "42" "0900000000000000"
	    "01000000" "01" "00" "66", "x'66',x'',1");
	of_gtid("0500000000000000" "00000000" "40" "07000000" "03" "01"
	    "666f6f", NULL);
	of_gtid("0500", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_text),
		cmocka_unit_test(test_of_gtid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
