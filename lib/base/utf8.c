/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: text that may hold any bytes, checked and written as JSON. */
#include "base/buf.h"

#include "base/utf8.h"

size_t
utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 :
	    p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0, i;

	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
utf8_valid(const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		n = utf8_length(text);
		if (n == 0)
			return false;
	}
	return true;
}

void
utf8_mend(char *text)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		n = utf8_length(text);
		if (n == 0) {
			*text = '?';
			n = 1;
		}
	}
}

/* Stands for itself in a JSON string. */
static bool
plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f &&
	    c != '"' && c != '\\';
}

void
utf8_json(const char *text, struct buf *out)
{
	size_t n;

	buf_addc(out, '"');
	for (; *text != '\0'; text += n) {
		for (n = 0; plain(text[n]); n++)
			continue;
		if (n > 0) {
			buf_add(out, text, n);
			continue;
		}
		n = utf8_length(text);
		if (*text == '"' || *text == '\\')
			buf_addf(out, "\\%c", *text);
		else if (n == 1)
			buf_addf(out, "\\u%04x", (unsigned)*text);
		else
			buf_add(out, n > 0 ? text : "\xef\xbf\xbd",
			    n > 0 ? n : 3);
		n += n == 0;
	}
	buf_addc(out, '"');
}
