/* SPDX-License-Identifier: Apache-2.0 */
/* xml: S3's answers, element by element. */
#include <stdbool.h>
#include <string.h>

#include <expat.h>

#include "base/buf.h"
#include "base/err.h"

#include "store/xml.h"

#define DEPTH_MAX 16
#define PATH_MAX_LEN 1024

struct xml {
	XML_Parser parser;
	xml_start *start;
	xml_element *end;
	void *arg;
	struct err *e;
	unsigned depth;
	bool failed;
	struct buf path, text;
};

static void
stop(struct xml *x)
{
	x->failed = true;
	(void)XML_StopParser(x->parser, XML_FALSE);
}

static void XMLCALL
on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *x = user;
	const char *colon = strrchr(name, ':');

	(void)attributes;
	if (++x->depth > DEPTH_MAX || x->path.len > PATH_MAX_LEN) {
		(void)err_set(x->e, ERR_CORRUPT, 0, "answer nests too deep");
		stop(x);
		return;
	}
	buf_addc(&x->path, '/');
	buf_adds(&x->path, colon != NULL ? colon + 1 : name);
	buf_clear(&x->text);
	if (x->start != NULL)
		x->start(x->arg, buf_str(&x->path));
}

static void XMLCALL
on_text(void *user, const XML_Char *s, int n)
{
	struct xml *x = user;
	size_t room = XML_TEXT_MAX - x->text.len, len = (size_t)n;

	buf_add(&x->text, s, len < room ? len : room);
}

static void XMLCALL
on_end(void *user, const XML_Char *name)
{
	struct xml *x = user;
	char *slash;

	(void)name;
	if (x->failed)
		return;
	if (x->end(x->arg, buf_str(&x->path), buf_str(&x->text), x->e) != 0) {
		stop(x);
		return;
	}
	x->depth--;
	slash = strrchr(x->path.data, '/');
	*slash = '\0';
	x->path.len = (size_t)(slash - x->path.data);
	buf_clear(&x->text);
}

static void XMLCALL
on_doctype(void *user, const XML_Char *name, const XML_Char *sys,
    const XML_Char *pub, int internal)
{
	struct xml *x = user;

	(void)name;
	(void)sys;
	(void)pub;
	(void)internal;
	(void)err_set(x->e, ERR_CORRUPT, 0, "answer has a document type");
	stop(x);
}

int
xml_parse(const char *text, size_t n, xml_start *start, xml_element *end,
    void *arg, struct err *e)
{
	struct xml x = { .start = start, .end = end, .arg = arg, .e = e };
	int rc = -1;

	/* S3 keeps a slow Complete alive with blanks. */
	while (n > 0 && (*text == ' ' || *text == '\n' || *text == '\r' ||
	    *text == '\t')) {
		text++;
		n--;
	}
	x.parser = XML_ParserCreate(NULL);
	if (x.parser == NULL)
		return err_set(e, ERR_NOMEM, 0, "XML");
	XML_SetUserData(x.parser, &x);
	XML_SetElementHandler(x.parser, on_start, on_end);
	XML_SetCharacterDataHandler(x.parser, on_text);
	XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
	if (n > 1u << 30 || XML_Parse(x.parser, text, (int)n, 1) !=
	    XML_STATUS_OK || x.failed)
		(void)err_set(e, ERR_CORRUPT, 0, "the answer is no XML: %s",
		    XML_ErrorString(XML_GetErrorCode(x.parser)));
	else
		rc = 0;
	XML_ParserFree(x.parser);
	buf_free(&x.path);
	buf_free(&x.text);
	return rc;
}
