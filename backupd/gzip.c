/* SPDX-License-Identifier: Apache-2.0 */
/* gzip: a body as the content coding of HTTP has it. */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "base/buf.h"

#include "backupd/gzip.h"

#define LEVEL 3			/* one thread answers all */
#define WINDOW (15 + 16)	/* the largest, in gzip's frame */
#define MEMORY 8		/* zlib's own default */
#define SMALL 1024		/* no packet less is sent for it */

/* The weight of "gzip;q=0.5": is it anything but 0? */
static bool
has_weight(const char *item, size_t n)
{
	size_t i = strcspn(item, ";,");

	if (i >= n)
		return true;
	item += i + 1;
	item += strspn(item, " \t");
	if (strncasecmp(item, "q=", 2) != 0)
		return true;
	item += 2;
	return item[strspn(item, "0.")] >= '1' &&
	    item[strspn(item, "0.")] <= '9';
}

bool
gzip_accepted(const char *header)
{
	bool any = false;
	size_t n, name;

	if (header == NULL)
		return false;
	for (; *header != '\0'; header += n, header += *header == ',') {
		header += strspn(header, " \t");
		n = strcspn(header, ",");
		name = strcspn(header, ";, \t");
		if ((name == 4 && strncasecmp(header, "gzip", 4) == 0) ||
		    (name == 6 && strncasecmp(header, "x-gzip", 6) == 0))
			return has_weight(header, n);
		if (name == 1 && header[0] == '*')
			any = has_weight(header, n);
	}
	return any;
}

bool
gzip_pack(struct buf *b)
{
	z_stream z = {0};
	struct buf out = {0};
	int rc;

	if (b->len < SMALL || b->len > UINT_MAX || b->failed ||
	    deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW, MEMORY,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	/* No more room than there was: what is not shorter is not sent. */
	if (buf_reserve(&out, b->len) != 0) {
		(void)deflateEnd(&z);
		return false;
	}
	z.next_in = (Bytef *)b->data;
	z.avail_in = (uInt)b->len;
	z.next_out = (Bytef *)out.data;
	z.avail_out = (uInt)b->len;
	rc = deflate(&z, Z_FINISH);
	out.len = b->len - z.avail_out;
	(void)deflateEnd(&z);
	if (rc != Z_STREAM_END) {
		buf_free(&out);
		return false;
	}
	/* What waits to be sent takes no more room than it needs. */
	buf_free(b);
	buf_add(b, out.data, out.len);
	if (b->failed)
		*b = out;
	else
		buf_free(&out);
	return true;
}
