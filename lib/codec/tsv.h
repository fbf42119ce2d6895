/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsv: rows as LOAD DATA reads them (FORMAT.md, "Rows").
 *
 * One line a row; columns joined by tab; LF ends it; tab, LF, backslash and
 * NUL are \\t \\n \\\\ \\0; NULL is \\N.
 */
#ifndef CODEC_TSV_H
#define CODEC_TSV_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/* Write the escaped field to out, which has room for 2 * n bytes; returns the
 * end.  The inner loop of a dump: fast. */
char *tsv_put(char *out, const char *field, size_t n);

/* One decoded field: data is NULL for NULL.  Points into the line, which is
 * decoded in place. */
struct tsv_field {
	char *data;
	size_t len;
};

/* Split one line (n bytes without its LF) into exactly count fields, decoding
 * in place.  ERR_CORRUPT when the count differs or an escape is unknown. */
int tsv_split(char *line, size_t n, struct tsv_field *fields, size_t count,
    struct err *e);

#endif /* !CODEC_TSV_H */
