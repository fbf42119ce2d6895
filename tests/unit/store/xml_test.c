/* SPDX-License-Identifier: Apache-2.0 */
/* xml_test: answers of S3 as a row of elements, and hostile ones refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/xml.h"

/* Everything that is told, as one text. */
static int
note(void *arg, const char *path, const char *text, struct err *e)
{
	(void)e;
	buf_addf(arg, "%s=%s\n", path, text);
	return 0;
}

static void
note_start(void *arg, const char *path)
{
	buf_addf(arg, "+%s\n", path);
}

static int
stop_at_b(void *arg, const char *path, const char *text, struct err *e)
{
	(void)note(arg, path, text, e);
	if (strcmp(path, "/a/b") == 0)
		return err_set(e, ERR_EXISTS, 0, "seen enough");
	return 0;
}

static void
tells(const char *text, const char *want)
{
	struct buf b = {0};
	struct err e = {0};

	if (xml_parse(text, strlen(text), NULL, note, &b, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
refuses(const char *text, size_t n, const char *why)
{
	struct buf b = {0};
	struct err e = {0};

	assert_int_equal(xml_parse(text, n, NULL, note, &b, &e), -1);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.msg, why);
	buf_free(&b);
}

static void
test_xml_tells_elements_at_their_end(void **state)
{
	(void)state;
	tells("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/"
	    "\"><Name>b</Name><Contents><Key>a&amp;b c</Key><Size>7</Size>"
	    "</Contents><Empty/></ListBucketResult>",
	    "/ListBucketResult/Name=b\n"
	    "/ListBucketResult/Contents/Key=a&b c\n"
	    "/ListBucketResult/Contents/Size=7\n"
	    "/ListBucketResult/Contents=\n"
	    "/ListBucketResult/Empty=\n"
	    "/ListBucketResult=\n");
	tells("<Error><Code>NoSuchKey</Code><Message>a\nb</Message></Error>",
	    "/Error/Code=NoSuchKey\n/Error/Message=a\nb\n/Error=\n");
	tells("<InitiateMultipartUploadResult><UploadId>VX&#x2f;1</UploadId>"
	    "</InitiateMultipartUploadResult>",
	    "/InitiateMultipartUploadResult/UploadId=VX/1\n"
	    "/InitiateMultipartUploadResult=\n");
}

static void
test_xml_skips_blanks_and_name_spaces(void **state)
{
	(void)state;
	tells(" \r\n\t \n<?xml version=\"1.0\"?><s3:a xmlns:s3=\"u\"><s3:b>1"
	    "</s3:b></s3:a>", "/a/b=1\n/a=\n");
	tells("<a><![CDATA[<b>]]></a>", "/a=<b>\n");
	tells("<a><!-- <b>1</b> --></a>\n\n", "/a=\n");
}

static void
test_xml_tells_starts_too(void **state)
{
	static const char text[] = "<a><b>1</b></a>";
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(xml_parse(text, sizeof(text) - 1, note_start, note,
	    &b, &e), 0);
	assert_string_equal(buf_str(&b), "+/a\n+/a/b\n/a/b=1\n/a=\n");
	buf_free(&b);
}

static void
test_xml_stops_when_told_to(void **state)
{
	static const char text[] = "<a><x/><b>1</b><c>2</c></a>";
	struct buf b = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(xml_parse(text, sizeof(text) - 1, NULL, stop_at_b,
	    &b, &e), -1);
	assert_int_equal(e.code, ERR_EXISTS);
	assert_string_equal(e.msg, "seen enough");
	assert_string_equal(buf_str(&b), "/a/x=\n/a/b=1\n");
	buf_free(&b);
}

static void
test_xml_refuses_what_is_none(void **state)
{
	(void)state;
	refuses("", 0, "the answer is no XML: no element found");
	refuses(" \n", 2, "the answer is no XML: no element found");
	refuses("hello", 5, "the answer is no XML: syntax error");
	refuses("<a><b></a>", 10, "the answer is no XML: mismatched tag");
	refuses("<a><b></b>", 10, "the answer is no XML: no element found");
	refuses("<a>\xff</a>", 8, "the answer is no XML: not well-formed "
	    "(invalid token)");
	refuses("<a>\0</a>", 8, "the answer is no XML: not well-formed "
	    "(invalid token)");
	refuses("<a/><b/>", 8, "the answer is no XML: junk after document "
	    "element");
	refuses("<html><p>Bad gateway<br></html>", 31,
	    "the answer is no XML: mismatched tag");
}

static void
test_xml_refuses_document_types(void **state)
{
	static const char bomb[] = "<!DOCTYPE a [<!ENTITY x \"ha\">"
	    "<!ENTITY y \"&x;&x;&x;&x;\">]><a>&y;</a>";
	static const char external[] = "<!DOCTYPE a SYSTEM "
	    "\"file:///etc/passwd\"><a/>";

	(void)state;
	refuses(bomb, sizeof(bomb) - 1, "answer has a document type");
	refuses(external, sizeof(external) - 1, "answer has a document type");
	refuses("<a>&x;</a>", 10, "the answer is no XML: undefined entity");
}

static void
test_xml_refuses_what_nests_too_deep(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		buf_adds(&b, "<a>");
	for (i = 0; i < 16; i++)
		buf_adds(&b, "</a>");
	{
		struct buf out = {0};
		struct err e = {0};

		assert_int_equal(xml_parse(b.data, b.len, NULL, note, &out,
		    &e), 0);
		buf_free(&out);
	}
	buf_clear(&b);
	for (i = 0; i < 17; i++)
		buf_adds(&b, "<a>");
	refuses(b.data, b.len, "answer nests too deep");
	buf_clear(&b);
	buf_adds(&b, "<");
	for (i = 0; i < 1100; i++)
		buf_addc(&b, 'n');
	buf_adds(&b, "><b/>");
	refuses(b.data, b.len, "answer nests too deep");
	buf_free(&b);
}

static void
test_xml_cuts_long_texts(void **state)
{
	struct buf in = {0}, out = {0};
	struct err e = {0};
	int i;

	(void)state;
	buf_adds(&in, "<a>");
	for (i = 0; i < 5000; i++)
		buf_addc(&in, 'x');
	/* What comes behind the cut must not close the gap. */
	buf_adds(&in, "&amp;tail</a>");
	assert_int_equal(xml_parse(in.data, in.len, NULL, note, &out, &e), 0);
	assert_int_equal(out.len, 3 + XML_TEXT_MAX + 1);
	assert_int_equal(strspn(out.data + 3, "x"), XML_TEXT_MAX);
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml_tells_elements_at_their_end),
		cmocka_unit_test(test_xml_skips_blanks_and_name_spaces),
		cmocka_unit_test(test_xml_tells_starts_too),
		cmocka_unit_test(test_xml_stops_when_told_to),
		cmocka_unit_test(test_xml_refuses_what_is_none),
		cmocka_unit_test(test_xml_refuses_document_types),
		cmocka_unit_test(test_xml_refuses_what_nests_too_deep),
		cmocka_unit_test(test_xml_cuts_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
