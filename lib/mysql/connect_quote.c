/* SPDX-License-Identifier: Apache-2.0 */
/* connect_quote: names, texts and bytes as SQL. */
#include "base/buf.h"

#include "mysql/connect.h"

void
sql_ident(struct buf *b, const char *name)
{
	buf_addc(b, '`');
	for (; *name != '\0'; name++) {
		if (*name == '`')
			buf_addc(b, '`');
		buf_addc(b, *name);
	}
	buf_addc(b, '`');
}

void
sql_string(struct buf *b, const char *text, size_t n)
{
	size_t i;

	buf_addc(b, '\'');
	for (i = 0; i < n; i++) {
		switch (text[i]) {
		case '\0':
			buf_adds(b, "\\0");
			break;
		case '\'':
			buf_adds(b, "\\'");
			break;
		case '\\':
			buf_adds(b, "\\\\");
			break;
		case '\n':
			buf_adds(b, "\\n");
			break;
		case '\032':
			buf_adds(b, "\\Z");
			break;
		default:
			buf_addc(b, text[i]);
		}
	}
	buf_addc(b, '\'');
}

void
sql_hex(struct buf *b, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	size_t i;

	buf_adds(b, "x'");
	for (i = 0; i < n; i++) {
		buf_addc(b, digits[p[i] >> 4]);
		buf_addc(b, digits[p[i] & 15]);
	}
	buf_addc(b, '\'');
}
