/* SPDX-License-Identifier: Apache-2.0 */
/* xml: S3's answers, element by element, in bounded depth and size. */
#ifndef STORE_XML_H
#define STORE_XML_H

#include <stddef.h>

struct err;

#define XML_TEXT_MAX 4096

/* Called at the end of each element: path as "/Error/Code", its text (cut at
 * XML_TEXT_MAX). 0, or -1 with *e to stop. */
typedef int xml_element(void *arg, const char *path, const char *text,
    struct err *e);

/* Called at the start of an element; may be NULL. */
typedef void xml_start(void *arg, const char *path);

/* Parse; blanks before the declaration are skipped.  ERR_CORRUPT: no XML, too
 * deep, or a document type (none of S3's answers has one). */
int xml_parse(const char *text, size_t n, xml_start *start, xml_element *end,
    void *arg, struct err *e);

#endif /* !STORE_XML_H */
