/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_record: bytes of a binary log as they stand in a spool file.
 *
 * A header of 56 bytes, integers little-endian: "kuraspl1", the file's number
 * (4), length of the index lines (4), offset of the first byte (8), number of
 * bytes (8), offset up to which transactions are whole (8), XXH3-64 of what
 * follows (8) and of these 48 bytes (8).  Then the bytes, and the index lines
 * of the transactions that end in them.  What a crash tore off is no record.
 */
#ifndef BACKUPD_SPOOL_RECORD_H
#define BACKUPD_SPOOL_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct buf;

#define SPOOL_HEADER 56
#define SPOOL_RECORD_MAX ((size_t)64 << 20)

struct spool_record {
	uint32_t seq;
	uint64_t start;
	uint64_t whole;		/* 0: not known */
	const char *data;	/* borrowed */
	size_t n;
	const char *lines;
	size_t nlines;
};

/* Append it; its check is buf_check. */
void spool_record_write(const struct spool_record *r, struct buf *out);

/* The record that data begins with, and its size with the header: 1; 0 when
 * there is no whole one. */
int spool_record_parse(const void *data, size_t n, struct spool_record *r,
    size_t *size);

#endif /* !BACKUPD_SPOOL_RECORD_H */
