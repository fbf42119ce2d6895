/* SPDX-License-Identifier: Apache-2.0 */
/* rows_json: MySQL's binary JSON as text. */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "mysql/rows_impl.h"

#define DEPTH_MAX 100		/* the server's own */

enum {
	JSON_SMALL_OBJECT = 0, JSON_LARGE_OBJECT = 1, JSON_SMALL_ARRAY = 2,
	JSON_LARGE_ARRAY = 3, JSON_LITERAL = 4, JSON_INT16 = 5,
	JSON_UINT16 = 6, JSON_INT32 = 7, JSON_UINT32 = 8, JSON_INT64 = 9,
	JSON_UINT64 = 10, JSON_DOUBLE = 11, JSON_STRING = 12,
	JSON_OPAQUE = 15,
};

/* Values lie apart in a document that a server wrote, so all that is read
 * adds up to its size at most: a hostile one that lets many places share a
 * value would take for ever. */
struct json {
	uint64_t budget;
	struct buf *out;
};

static bool value(struct json *j, unsigned type, struct bytes b, int depth);

static bool
spend(struct json *j, uint64_t n)
{
	if (n > j->budget)
		return false;
	j->budget -= n;
	return true;
}

/* A length of seven bits a byte, the lowest first. */
static uint64_t
length(struct bytes *b)
{
	uint64_t n = 0, byte = 0x80;
	unsigned shift;

	for (shift = 0; shift < 35 && (byte & 0x80) != 0; shift += 7) {
		byte = bytes_le(b, 1);
		n |= (byte & 0x7f) << shift;
	}
	return n;
}

static bool
string(struct json *j, const uint8_t *p, uint64_t n)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *found;
	uint64_t i, from = 0;

	if (p == NULL || !spend(j, n))
		return false;
	buf_addc(j->out, '"');
	for (i = 0; i < n; i++) {
		if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
			continue;
		buf_add(j->out, p + from, (size_t)(i - from));
		from = i + 1;
		found = p[i] == 0 ? NULL : strchr(plain, p[i]);
		if (found != NULL)
			buf_addf(j->out, "\\%c", letter[found - plain]);
		else
			buf_addf(j->out, "\\u%04x", p[i]);
	}
	buf_add(j->out, p + from, (size_t)(n - from));
	buf_addc(j->out, '"');
	return true;
}

static void
base64(const uint8_t *p, size_t n, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t v;
	size_t i;

	for (i = 0; i < n; i += 3) {
		v = (uint32_t)p[i] << 16;
		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		buf_addc(out, digits[v >> 18]);
		buf_addc(out, digits[v >> 12 & 63]);
		buf_addc(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_addc(out, i + 2 < n ? digits[v & 63] : '=');
	}
}

/* A value of a column type. */
static bool
opaque(struct json *j, struct bytes b)
{
	unsigned type = (unsigned)bytes_le(&b, 1), precision;
	uint64_t n = length(&b), v;
	const uint8_t *p = bytes_take(&b, n);
	bool good;

	if (p == NULL || !spend(j, n))
		return false;
	b = bytes_of(p, (size_t)n);
	if (type == TYPE_DECIMAL) {
		precision = (unsigned)bytes_le(&b, 1);
		return rows_decimal_text(&b, precision,
		    (unsigned)bytes_le(&b, 1), j->out);
	}
	buf_addc(j->out, '"');
	switch (type) {
	case TYPE_DATE:
		good = rows_packed_date(bytes_le(&b, 8), j->out);
		break;
	case TYPE_DATETIME:
	case TYPE_TIMESTAMP:
		good = rows_packed_datetime(bytes_le(&b, 8), 6, j->out);
		break;
	case TYPE_TIME:
		v = bytes_le(&b, 8);
		good = rows_packed_time(v >> 63 != 0, v >> 63 != 0 ? 0 - v : v,
		    6, j->out);
		break;
	default:
		buf_addf(j->out, "base64:type%u:", type);
		base64(p, (size_t)n, j->out);
		good = true;
		break;
	}
	buf_addc(j->out, '"');
	return good && !b.bad;
}

/* Integers are told from doubles by having no point. */
static bool
real(struct json *j, uint64_t bits)
{
	size_t at = j->out->len;
	double d;

	memcpy(&d, &bits, sizeof(d));
	if (d == 0) {
		buf_adds(j->out, bits == 0 ? "0.0" : "-0.0");
		return true;
	}
	if (!rows_double_text(d, j->out))
		return false;
	if (strpbrk(buf_str(j->out) + at, ".e") == NULL)
		buf_adds(j->out, ".0");
	return true;
}

static bool
literal(struct json *j, uint64_t v)
{
	static const char *const texts[] = { "null", "true", "false" };

	if (v >= sizeof(texts) / sizeof(texts[0]))
		return false;
	buf_adds(j->out, texts[v]);
	return true;
}

static bool
scalar(struct json *j, unsigned type, struct bytes b)
{
	unsigned size = type <= JSON_UINT16 ? 2 : type <= JSON_UINT32 ? 4 : 8;
	uint64_t v, sign = (uint64_t)1 << (8 * size - 1);

	switch (type) {
	case JSON_LITERAL:
		return literal(j, bytes_le(&b, 1)) && !b.bad;
	case JSON_INT16:
	case JSON_INT32:
	case JSON_INT64:
		v = bytes_le(&b, size);
		if ((v & sign) != 0)
			buf_addf(j->out, "-%" PRIu64, (sign << 1) - v);
		else
			buf_addf(j->out, "%" PRIu64, v);
		return !b.bad;
	case JSON_UINT16:
	case JSON_UINT32:
	case JSON_UINT64:
		buf_addf(j->out, "%" PRIu64, bytes_le(&b, size));
		return !b.bad;
	case JSON_DOUBLE:
		v = bytes_le(&b, 8);
		return !b.bad && real(j, v);
	case JSON_STRING:
		v = length(&b);
		return string(j, bytes_take(&b, v), v);
	case JSON_OPAQUE:
		return opaque(j, b);
	default:
		return false;
	}
}

/* What is small enough stands where else its offset would. */
static bool
is_inline(unsigned type, bool large)
{
	return type == JSON_LITERAL || type == JSON_INT16 ||
	    type == JSON_UINT16 ||
	    (large && (type == JSON_INT32 || type == JSON_UINT32));
}

/* An object or array: count, size, offsets and lengths of keys, types and
 * offsets of values; offsets are from its first byte. */
static bool
container(struct json *j, unsigned type, struct bytes b, int depth)
{
	bool large = type == JSON_LARGE_OBJECT || type == JSON_LARGE_ARRAY;
	bool object = type <= JSON_LARGE_OBJECT;
	unsigned width = large ? 4 : 2, of;
	struct bytes whole = b, keys, at;
	uint64_t count = bytes_le(&b, width), size = bytes_le(&b, width), i;
	uint64_t key, key_len, from;

	if (b.bad || size > whole.left || depth == DEPTH_MAX)
		return false;
	whole.left = (size_t)size;
	b = whole;
	(void)bytes_take(&b, (uint64_t)2 * width);
	keys = b;
	if (object)
		(void)bytes_take(&b, count * (width + 2));
	buf_addc(j->out, object ? '{' : '[');
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_adds(j->out, ", ");
		if (object) {
			key = bytes_le(&keys, width);
			key_len = bytes_le(&keys, 2);
			at = whole;
			(void)bytes_take(&at, key);
			if (!string(j, bytes_take(&at, key_len), key_len))
				return false;
			buf_adds(j->out, ": ");
		}
		of = (unsigned)bytes_le(&b, 1);
		at = b;
		from = bytes_le(&b, width);
		if (b.bad || !spend(j, 1 + width))
			return false;
		if (!is_inline(of, large)) {
			at = whole;
			(void)bytes_take(&at, from);
		} else
			at.left = width;
		if (at.bad || !value(j, of, at, depth + 1))
			return false;
	}
	buf_addc(j->out, object ? '}' : ']');
	return true;
}

static bool
value(struct json *j, unsigned type, struct bytes b, int depth)
{
	if (j->out->failed)
		return false;
	if (type <= JSON_LARGE_ARRAY)
		return container(j, type, b, depth);
	return scalar(j, type, b);
}

int
rows_json_text(const void *data, size_t n, struct buf *out, struct err *e)
{
	struct bytes b = bytes_of(data, n);
	struct json j = { .budget = n, .out = out };
	bool good;

	/* The server reads an empty document as null, too. */
	if (n == 0)
		buf_adds(out, "null");
	good = n == 0 || value(&j, (unsigned)bytes_le(&b, 1), b, 0);
	if (buf_check(out, "JSON document", e) != 0)
		return -1;
	return good ? 0 : err_set(e, ERR_CORRUPT, 0, "damaged JSON document");
}

/* Operation, path, and the value as a document of its own. */
int
rows_change_next(const char **data, size_t *n, enum rows_step *step,
    const char **path, size_t *path_len, struct buf *value, struct err *e)
{
	struct bytes b = bytes_of(*data, *n);
	uint64_t operation, len;
	const uint8_t *p;

	if (b.left == 0)
		return 0;
	operation = bytes_le(&b, 1);
	*path_len = (size_t)bytes_lenenc(&b);
	*path = (const char *)bytes_take(&b, *path_len);
	if (b.bad || operation > ROWS_REMOVE)
		return err_set(e, ERR_CORRUPT, 0,
		    "damaged change of a JSON document");
	*step = (enum rows_step)operation;
	if (*step != ROWS_REMOVE) {
		len = bytes_lenenc(&b);
		p = bytes_take(&b, len);
		if (p == NULL)
			return err_set(e, ERR_CORRUPT, 0,
			    "damaged change of a JSON document");
		if (rows_json_text(p, (size_t)len, value, e) != 0)
			return -1;
	}
	*data = (const char *)b.at;
	*n = b.left;
	return 1;
}
