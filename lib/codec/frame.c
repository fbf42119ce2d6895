/* SPDX-License-Identifier: Apache-2.0 */
/* frame: one zstd frame with checksum, as a stream in bounded memory. */
#include <stdbool.h>
#include <stdlib.h>

#include <zstd.h>

#include "base/buf.h"
#include "base/err.h"

#include "codec/frame.h"

#define WINDOW_LOG_MAX 23	/* 8 MiB */

struct frame_writer {
	ZSTD_CCtx *ctx;
	frame_sink *sink;
	void *arg;
	size_t cap;
	void *out;
};

struct frame_reader {
	ZSTD_DCtx *ctx;
	frame_sink *sink;
	void *arg;
	size_t cap;
	void *out;
	bool in_frame;		/* inside a frame: the end would be too early */
	bool any;
};

struct frame_writer *
frame_writer_new(int level, struct err *e)
{
	struct frame_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		goto err0;
	w->cap = ZSTD_CStreamOutSize();
	w->out = malloc(w->cap);
	w->ctx = ZSTD_createCCtx();
	if (w->out == NULL || w->ctx == NULL ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->ctx,
	    ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(w->ctx, ZSTD_c_checksumFlag,
	    1)) ||
	    (level > 17 && ZSTD_isError(ZSTD_CCtx_setParameter(w->ctx,
	    ZSTD_c_windowLog, WINDOW_LOG_MAX))))
		goto err1;
	return w;

err1:	frame_writer_free(w);
err0:	(void)err_set(e, ERR_NOMEM, 0, "zstd level %d", level);
	return NULL;
}

void
frame_writer_begin(struct frame_writer *w, frame_sink *sink, void *arg)
{
	(void)ZSTD_CCtx_reset(w->ctx, ZSTD_reset_session_only);
	w->sink = sink;
	w->arg = arg;
}

static int
compress(struct frame_writer *w, const void *data, size_t n,
    ZSTD_EndDirective mode, struct err *e)
{
	ZSTD_inBuffer in = { data, n, 0 };
	ZSTD_outBuffer out;
	size_t left;

	do {
		out = (ZSTD_outBuffer){ w->out, w->cap, 0 };
		left = ZSTD_compressStream2(w->ctx, &out, &in, mode);
		if (ZSTD_isError(left))
			return err_set(e, ERR_NOMEM, 0, "zstd: %s",
			    ZSTD_getErrorName(left));
		if (out.pos > 0 && w->sink(w->arg, w->out, out.pos, e) != 0)
			return -1;
	} while (mode == ZSTD_e_end ? left != 0 : in.pos < in.size);
	return 0;
}

int
frame_write(struct frame_writer *w, const void *data, size_t n, struct err *e)
{
	return compress(w, data, n, ZSTD_e_continue, e);
}

int
frame_writer_end(struct frame_writer *w, struct err *e)
{
	return compress(w, NULL, 0, ZSTD_e_end, e);
}

void
frame_writer_free(struct frame_writer *w)
{
	if (w == NULL)
		return;
	(void)ZSTD_freeCCtx(w->ctx);
	free(w->out);
	free(w);
}

struct frame_reader *
frame_reader_new(struct err *e)
{
	struct frame_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		goto err0;
	r->cap = ZSTD_DStreamOutSize();
	r->out = malloc(r->cap);
	r->ctx = ZSTD_createDCtx();
	if (r->out == NULL || r->ctx == NULL ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(r->ctx, ZSTD_d_windowLogMax,
	    WINDOW_LOG_MAX)))
		goto err1;
	return r;

err1:	frame_reader_free(r);
err0:	(void)err_set(e, ERR_NOMEM, 0, "zstd");
	return NULL;
}

void
frame_reader_begin(struct frame_reader *r, frame_sink *sink, void *arg)
{
	(void)ZSTD_DCtx_reset(r->ctx, ZSTD_reset_session_only);
	r->sink = sink;
	r->arg = arg;
	r->in_frame = r->any = false;
}

int
frame_read(struct frame_reader *r, const void *data, size_t n, struct err *e)
{
	ZSTD_inBuffer in = { data, n, 0 };
	ZSTD_outBuffer out = {0};
	size_t left;

	/* A full output buffer means that more may be waiting inside; not so
	 * after a frame's end, where another call would begin a new one. */
	while (in.pos < in.size || (out.pos == r->cap && r->in_frame)) {
		out = (ZSTD_outBuffer){ r->out, r->cap, 0 };
		left = ZSTD_decompressStream(r->ctx, &out, &in);
		if (ZSTD_isError(left))
			return err_set(e, ERR_CORRUPT, 0,
			    "damaged zstd data: %s", ZSTD_getErrorName(left));
		r->in_frame = left != 0;
		r->any = true;
		if (out.pos > 0 && r->sink(r->arg, r->out, out.pos, e) != 0)
			return -1;
	}
	return 0;
}

int
frame_pull(struct frame_reader *r, const void **data, size_t *n, void *out,
    size_t cap, size_t *got, struct err *e)
{
	ZSTD_inBuffer in = { *data, *n, 0 };
	ZSTD_outBuffer o = { out, cap, 0 };
	size_t left;

	/* Without input only what is waiting inside a frame can come. */
	while (o.pos < cap && (in.pos < in.size || (*n == 0 &&
	    r->in_frame))) {
		left = ZSTD_decompressStream(r->ctx, &o, &in);
		if (ZSTD_isError(left))
			return err_set(e, ERR_CORRUPT, 0,
			    "damaged zstd data: %s", ZSTD_getErrorName(left));
		r->in_frame = left != 0;
		r->any = true;
		if (*n == 0)
			break;
	}
	*data = (const char *)*data + in.pos;
	*n -= in.pos;
	*got = o.pos;
	return 0;
}

int
frame_reader_end(struct frame_reader *r, struct err *e)
{
	if (r->in_frame || !r->any)
		return err_set(e, ERR_CORRUPT, 0,
		    "damaged zstd data: cut short");
	return 0;
}

void
frame_reader_free(struct frame_reader *r)
{
	if (r == NULL)
		return;
	(void)ZSTD_freeDCtx(r->ctx);
	free(r->out);
	free(r);
}

static int
to_buf(void *arg, const void *data, size_t n, struct err *e)
{
	struct buf *out = arg;

	buf_add(out, data, n);
	if (out->failed)
		return err_set(e, ERR_CORRUPT, 0,
		    "decompressed data is larger than allowed");
	return 0;
}

int
frame_compress(const void *data, size_t n, int level, struct buf *out,
    struct err *e)
{
	struct frame_writer *w = frame_writer_new(level, e);
	int rc = -1;

	if (w == NULL)
		return -1;
	frame_writer_begin(w, to_buf, out);
	if (frame_write(w, data, n, e) == 0)
		rc = frame_writer_end(w, e);
	frame_writer_free(w);
	return rc;
}

int
frame_decompress(const void *data, size_t n, struct buf *out, struct err *e)
{
	struct frame_reader *r = frame_reader_new(e);
	int rc = -1;

	if (r == NULL)
		return -1;
	frame_reader_begin(r, to_buf, out);
	if (frame_read(r, data, n, e) == 0)
		rc = frame_reader_end(r, e);
	frame_reader_free(r);
	return rc;
}
