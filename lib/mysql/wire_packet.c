/* SPDX-License-Identifier: Apache-2.0 */
/* wire_packet: numbers and strings as the packets hold them. */
#include <string.h>

#include "base/buf.h"
#include "mysql/bytes.h"

#include "mysql/wire_packet.h"

uint64_t
packet_lenenc(struct bytes *b, bool *null)
{
	*null = !b->bad && b->left > 0 && *b->at == 0xfb;
	if (!*null)
		return bytes_lenenc(b);
	(void)bytes_take(b, 1);
	return 0;
}

const char *
packet_string(struct bytes *b)
{
	const uint8_t *nul = b->left == 0 ? NULL :
	    memchr(b->at, '\0', b->left);

	return (const char *)bytes_take(b, nul == NULL ? UINT64_MAX :
	    (uint64_t)(nul - b->at) + 1);
}

void
packet_put_int(struct buf *b, uint64_t value, unsigned bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		buf_addc(b, (char)(value & 0xff));
}

void
packet_put_lenenc(struct buf *b, uint64_t value)
{
	if (value < 0xfb) {
		packet_put_int(b, value, 1);
	} else if (value <= 0xffff) {
		packet_put_int(b, 0xfc, 1);
		packet_put_int(b, value, 2);
	} else if (value <= 0xffffff) {
		packet_put_int(b, 0xfd, 1);
		packet_put_int(b, value, 3);
	} else {
		packet_put_int(b, 0xfe, 1);
		packet_put_int(b, value, 8);
	}
}

void
packet_put_string(struct buf *b, const char *text)
{
	packet_put_lenenc(b, strlen(text));
	buf_adds(b, text);
}
