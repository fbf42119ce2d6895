/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame: one zstd frame with checksum, compressed or decompressed as a
 * stream in bounded memory (window at most 8 MiB; larger is refused).
 */
#ifndef CODEC_FRAME_H
#define CODEC_FRAME_H

#include <stddef.h>

struct err;
struct frame_writer;
struct frame_reader;

/* Takes n compressed (or plain) bytes; 0, or -1 with *e set. */
typedef int frame_sink(void *arg, const void *data, size_t n, struct err *e);

/* Compressor; level 1 to 19.  Reusable for any number of frames. */
struct frame_writer *frame_writer_new(int level, struct err *e);
/* Start a frame whose bytes go to sink(arg). */
void frame_writer_begin(struct frame_writer *w, frame_sink *sink, void *arg);
int frame_write(struct frame_writer *w, const void *data, size_t n,
    struct err *e);
/* Finish the frame; all bytes have then been given to the sink. */
int frame_writer_end(struct frame_writer *w, struct err *e);
void frame_writer_free(struct frame_writer *w);

/* Decompressor, push model: give stored bytes in pieces of any size, plain
 * bytes go to sink.  ERR_CORRUPT: damaged, window too large, bytes after the
 * last frame, or (at end) cut short.  Several frames in a row are read as one
 * stream; skippable frames are skipped. */
struct frame_reader *frame_reader_new(struct err *e);
void frame_reader_begin(struct frame_reader *r, frame_sink *sink, void *arg);
int frame_read(struct frame_reader *r, const void *data, size_t n,
    struct err *e);
int frame_reader_end(struct frame_reader *r, struct err *e);
/* Pull model, with a sink of NULL: plain bytes into out[cap], *got of them,
 * moving *data and *n past the stored bytes that were used.  As long as out
 * comes back full there may be more without any stored byte. */
int frame_pull(struct frame_reader *r, const void **data, size_t *n,
    void *out, size_t cap, size_t *got, struct err *e);
void frame_reader_free(struct frame_reader *r);

/* Whole small messages: append to *out (its ceiling bounds the result). */
struct buf;
int frame_compress(const void *data, size_t n, int level, struct buf *out,
    struct err *e);
int frame_decompress(const void *data, size_t n, struct buf *out,
    struct err *e);

#endif /* !CODEC_FRAME_H */
