/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binlogcat: what Kura's readers make of a binary log file, as text.
 *
 *   binlogcat [--rows] FILE
 */
#include <stdio.h>

#include "tests/unit/mysql/listing.h"

int
main(int argc, char **argv)
{
	static struct listing l;
	struct buf data = {0};
	struct err e = {0};
	char block[65536];
	size_t n;
	FILE *fp;

	l.rows = argc == 3 && strcmp(argv[1], "--rows") == 0;
	if (argc != 2 && !l.rows) {
		fprintf(stderr, "usage: binlogcat [--rows] FILE\n");
		return 2;
	}
	fp = fopen(argv[argc - 1], "rb");
	if (fp == NULL) {
		perror(argv[argc - 1]);
		return 1;
	}
	while ((n = fread(block, 1, sizeof(block), fp)) > 0)
		buf_add(&data, block, n);
	(void)fclose(fp);
	if (listing_file(&l, (const uint8_t *)buf_str(&data), data.len,
	    &e) != 0)
		fprintf(stderr, "binlogcat: %s\n", e.msg);
	fputs(buf_str(&l.out), stdout);
	listing_free(&l);
	buf_free(&data);
	return e.code != ERR_NONE;
}
