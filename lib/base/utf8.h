/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: text that may hold any bytes, checked and written as JSON. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Length of the UTF-8 character at p (RFC 3629, 4: no overlong forms, no
 * surrogates), 0 if there is none; reads no further than a NUL. */
size_t utf8_length(const char *p);

/* Is all of the text UTF-8? */
bool utf8_valid(const char *text);

/* Make it so: each byte that is no part of a character becomes '?'. */
void utf8_mend(char *text);

/* Append text as a JSON string with its quotes; each byte that is no UTF-8
 * becomes U+FFFD. */
void utf8_json(const char *text, struct buf *out);

#endif /* !BASE_UTF8_H */
