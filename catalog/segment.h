/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment: objects of binary log bytes, finished files, and their indexes.
 *
 *   binlog/<h>/<seq>/<start>-<end>.zst   bytes start to end of a file: a zstd
 *       frame with checksum, then a skippable frame with the index of the
 *       transactions that begin in it; seq is 8 digits, positions are 20.
 *       The skippable frame (magic 0x184D2A50) holds a zstd frame of NDJSON
 *       and then 16 bytes: the zstd frame's length, 64 bits little-endian,
 *       and "kuraidx1".  Objects of a finished file may lack it.
 *   files/<h>-<seq>.json                 a finished file, and
 *   files/<h>-<seq>-<seq>.json           4, 16, 64 or 256 of them
 *   index/<h>-<seq>.ndjson.zst           a finished file's transactions
 *
 * A segment ends between two transactions, unless the transaction is larger
 * than a segment; an index line stands in the segment in which its
 * transaction ends.  Everything read is foreign bytes.
 */
#ifndef CATALOG_SEGMENT_H
#define CATALOG_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/history.h"
#include "mysql/transaction.h"
#include "store/store.h"

#define SEGMENT_MAX ((uint64_t)1 << 30)	/* raw bytes of a finished object */
#define SEGMENT_LIVE ((uint64_t)8 << 20)	/* of one as it comes */
#define SEGMENT_INDEX_MAX ((size_t)64 << 20)	/* bytes of a live index */
#define TRANSACTION_LINE_MAX ((size_t)1 << 20)
#define FILE_MAX ((size_t)1 << 20)	/* bytes of a document read; written
					 * are 4 KiB and less */
#define FILE_ROLL 256			/* files in the largest roll */

struct segment {
	uint32_t seq;
	uint64_t start, end;	/* bytes of the file */
	uint64_t size;		/* stored */
	int64_t stored_us;	/* when, as listed; 0: not known */
};

void segment_key(const char *source, const char *history, uint32_t seq,
    uint64_t start, uint64_t end, char key[STORE_KEY_MAX]);

/* "<seq>/<start>-<end>.zst"; and the segments of a history from seq on, in
 * order of (seq, start, -end); owned array.  Names that are none are
 * ERR_CORRUPT. */
int segment_name_parse(const char *name, struct segment *g, struct err *e);
int segments_list(struct store *s, const char *source, const char *history,
    uint32_t from_seq, struct segment **list, size_t *n, struct err *e);

/* Larger ones than SEGMENT_LIVE count only through their file's document: what
 * is being finished is not whole before that.
 *
 * The fewest segments of one file (n of them, in order) that cover offset
 * from up to *end without a hole; *end: how far they go.  Moves them to the
 * front and returns their number. */
size_t segments_cover(struct segment *list, size_t n, uint64_t from,
    uint64_t *end);

const char *transaction_kind_text(enum transaction_kind kind);	/* "ddl" */

/* One index line, with its LF, appended; and back (zeroed first):
 * ERR_CORRUPT. t owns what it points at: transaction_line_free.  copy: an
 * owned copy of what was borrowed. */
void transaction_line(const struct transaction *t, struct buf *out);
int transaction_line_parse(const char *line, size_t n, struct transaction *t,
    struct err *e);
int transaction_line_copy(const struct transaction *from,
    struct transaction *to, struct err *e);
void transaction_line_free(struct transaction *t);

/* The skippable frame with index lines (may be empty), appended to *out; its
 * size from the last bytes of a segment (16 at least); and the lines of a whole
 * one, in place of what *lines holds. */
int segment_index_write(const struct buf *lines, struct buf *out,
    struct err *e);
int segment_index_size(const void *tail, size_t n, uint64_t *size,
    struct err *e);
int segment_index_parse(const void *data, size_t n, struct buf *lines,
    struct err *e);
/* Read a live segment's lines by ranged GETs of its end: one, or two when they
 * are many. */
int segment_index_read(struct store *s, const char *source,
    const char *history, const struct segment *g, struct buf *lines,
    struct err *e);

struct file_object {
	uint64_t start, end, size;
	char sha256[65];	/* of the stored bytes */
};

/* files/<h>-<seq>.json */
struct binlog_file {
	uint32_t seq;
	char *name;		/* "binlog.000042" */
	uint64_t size;		/* whole file, raw */
	char sha256[65];	/* of the raw bytes */
	bool crashed;		/* ended without a ROTATE or STOP */
	int64_t first_us, last_us;	/* earliest and latest time of its
					 * transactions (the clock may have
					 * been set back); 0: none */
	char *gtid_before;	/* its PREVIOUS_GTIDS or GTID_LIST; NULL when
				 * over 1 KiB */
	char *gtids;		/* those in it; NULL when over 1 KiB */
	uint64_t transactions, index_size;
	struct file_object *objects;
	size_t nobjects;
};

/* Create-only. */
int file_create(struct store *s, const char *source, const char *history,
    const struct binlog_file *f, struct err *e);
/* Parse the document of the files first to last; each is zeroed first. */
int files_parse(const char *text, size_t n, const char *source,
    const char *history, uint32_t first, uint32_t last,
    struct binlog_file *files, struct err *e);
/* Finished files of a history from seq on, in order, by the fewest documents;
 * owned: files_free. */
int files_list(struct store *s, const char *source, const char *history,
    uint32_t from_seq, struct binlog_file **list, size_t *n, struct err *e);
/* As files_list from the first on, but a document that cannot be read is given
 * to bad: 0 goes on without it, -1 (with *e) fails.  marked: with what is
 * marked to be swept (floor.h), too.  *last: the highest number of a document,
 * read or not, or of what is gone. */
typedef int files_bad(void *arg, struct err *why, struct err *e);
int files_load(struct store *s, const char *source, const char *history,
    bool marked, files_bad *bad, void *arg, struct binlog_file **list,
    size_t *n, uint32_t *last, struct err *e);
/* The last file of the unbroken run of finished ones from the first; 0: none.
 * Reads names alone. */
int files_last(struct store *s, const char *source, const char *history,
    uint32_t *seq, struct err *e);
/* Roll up: four documents of 1, 4, 16 or 64 files become one, and are
 * marked.  Called after each file, a history of n files has n / 256 documents
 * and at most 12 more. */
int files_roll(struct store *s, const char *source, const char *history,
    struct err *e);
void files_free(struct binlog_file *list, size_t n);
void binlog_file_free(struct binlog_file *f);

/* The index object's key, and all its lines, streamed: each returns 0 to go
 * on, 1 to stop, -1 with *e.  Returns 0, 1 when stopped, or -1.  An index that
 * is not there is ERR_CORRUPT.  index_lines: the same of lines in memory. */
void index_key(const char *source, const char *history, uint32_t seq,
    char key[STORE_KEY_MAX]);
int index_each(struct store *s, const char *source, const char *history,
    uint32_t seq, int (*each)(void *arg, const struct transaction *t,
    struct err *e), void *arg, struct err *e);
int index_lines(const struct buf *lines, int (*each)(void *arg,
    const struct transaction *t, struct err *e), void *arg, struct err *e);

/* The lines of a segment's own index, as index_lines: every transaction must
 * end in the segment; damage is ERR_CORRUPT naming the object. */
int segment_index_each(const struct store *s, const char *source,
    const char *history, const struct segment *g, const struct buf *lines,
    int (*each)(void *arg, const struct transaction *t, struct err *e),
    void *arg, struct err *e);

#endif /* !CATALOG_SEGMENT_H */
