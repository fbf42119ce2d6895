/* SPDX-License-Identifier: Apache-2.0 */
/* gtid_text: sets of GTIDs as text, and in MySQL's binary form. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/bytes.h"

#include "mysql/gtid_impl.h"

/* In the eight bytes that begin the binary form: the format is the highest;
 * with tags it is the lowest too, and the number of sources lies between. */
#define FORMAT_SHIFT 56
#define FORMAT_TAGGED 1

static void
skip_space(const char **at)
{
	*at += strspn(*at, " \t\r\n\v\f");
}

static bool
skip_char(const char **at, char c)
{
	skip_space(at);
	if (**at != c)
		return false;
	(*at)++;
	skip_space(at);
	return true;
}

/* After a UUID: ":1-3:5:tag:1-2". */
static bool
parse_spans(struct gtid_set *s, const char **at, struct gtid_source *source,
    struct err *e)
{
	uint64_t from, to;
	bool any = false;

	while (skip_char(at, ':')) {
		if (gtid_read_tag(at, source->tag)) {
			if (!skip_char(at, ':'))
				return false;
		}
		if (!gtid_read_number(at, GTID_NUMBER_MAX, &from))
			return false;
		to = from;
		if (skip_char(at, '-') &&
		    !gtid_read_number(at, GTID_NUMBER_MAX, &to))
			return false;
		if (from == 0 || to < from ||
		    gtid_set_append_span(s, source, from, to, e) != 0)
			return false;
		any = true;
	}
	return any;
}

/* "0-101-7". */
static bool
parse_point(struct gtid_set *s, const char **at, struct err *e)
{
	uint64_t domain, server, number;

	if (!gtid_read_number(at, UINT32_MAX, &domain) ||
	    !skip_char(at, '-') ||
	    !gtid_read_number(at, UINT32_MAX, &server) ||
	    !skip_char(at, '-') ||
	    !gtid_read_number(at, UINT64_MAX, &number) || number == 0)
		return false;
	return gtid_set_append_point(s, &(struct gtid_point){
	    .domain = (uint32_t)domain, .server = (uint32_t)server,
	    .number = number, .order = s->n + 2 }, e) == 0;
}

int
gtid_set_parse(struct gtid_set *s, const char *text, struct err *e)
{
	struct gtid_source source;
	const char *at = text, *piece;
	size_t n = s->n;
	bool good;

	do {
		skip_space(&at);
		piece = at;
		if (*at == '\0' || *at == ',')
			continue;
		source = (struct gtid_source){0};
		if (s->kind == FLAVOUR_MYSQL)
			good = gtid_read_uuid(&at, source.uuid) &&
			    parse_spans(s, &at, &source, e);
		else
			good = parse_point(s, &at, e);
		skip_space(&at);
		if (!good || (*at != '\0' && *at != ',')) {
			gtid_set_cut(s, n);
			if (good)
				piece = at;
			else if (at > piece + 40)
				piece = at - 20;
			return err_set(e, ERR_CORRUPT, 0,
			    "GTID set: wrong at '%.60s'", piece);
		}
	} while (*at++ == ',');
	gtid_set_settle(s);
	return 0;
}

static void
spans_text(const struct gtid_set *s, struct buf *out)
{
	const struct gtid_span *span, *before = NULL;
	char uuid[37];
	size_t i;

	for (i = 0; i < s->n; before = span, i++) {
		span = &s->spans[i];
		if (before == NULL || memcmp(before->source.uuid,
		    span->source.uuid, sizeof(span->source.uuid)) != 0) {
			gtid_uuid_text(span->source.uuid, uuid);
			buf_addf(out, "%s%s", i == 0 ? "" : ",", uuid);
			before = NULL;
		}
		if (span->source.tag[0] != '\0' && (before == NULL ||
		    strcmp(before->source.tag, span->source.tag) != 0))
			buf_addf(out, ":%s", span->source.tag);
		buf_addf(out, ":%" PRIu64, span->from);
		if (span->to > span->from)
			buf_addf(out, "-%" PRIu64, span->to);
	}
}

/* The servers of a domain, the latest at their end; or just that. */
static void
points_text(const struct gtid_set *s, bool latest_only, struct buf *out)
{
	const struct gtid_point *p, *latest = NULL;
	const char *comma = "";
	size_t i;

	for (i = 0; i < s->n; i++) {
		p = &s->points[i];
		if (p->order != 0)
			latest = p;
		else if (!latest_only) {
			buf_addf(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64,
			    comma, p->domain, p->server, p->number);
			comma = ",";
		}
		if (i + 1 == s->n || s->points[i + 1].domain != p->domain) {
			assert(latest != NULL);
			buf_addf(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64,
			    comma, latest->domain, latest->server,
			    latest->number);
			comma = ",";
		}
	}
}

void
gtid_set_text(const struct gtid_set *s, struct buf *out)
{
	if (s->kind == FLAVOUR_MYSQL)
		spans_text(s, out);
	else
		points_text(s, false, out);
}

void
gtid_set_position(const struct gtid_set *s, struct buf *out)
{
	if (s->kind == FLAVOUR_MYSQL)
		spans_text(s, out);
	else
		points_text(s, true, out);
}

/* One source of the binary form. */
static bool
decode_source(struct gtid_set *s, struct bytes *b, bool tagged, struct err *e)
{
	struct gtid_source source = {0};
	char text[GTID_TAG_MAX + 1] = "";
	const char *at = text;
	const uint8_t *p;
	uint64_t n, from, end;

	p = bytes_take(b, sizeof(source.uuid));
	if (p == NULL)
		return false;
	memcpy(source.uuid, p, sizeof(source.uuid));
	if (tagged) {
		/* Its length is a variable-length integer; below 64 that is
		 * one byte with its lowest bit clear. */
		n = bytes_le(b, 1);
		if (n % 2 != 0 || n / 2 > GTID_TAG_MAX)
			return false;
		p = bytes_take(b, n / 2);
		if (p == NULL)
			return false;
		memcpy(text, p, n / 2);
		if (n > 0 && (!gtid_read_tag(&at, source.tag) ||
		    at != text + n / 2))
			return false;
	}
	for (n = bytes_le(b, 8); n > 0; n--) {
		from = bytes_le(b, 8);
		end = bytes_le(b, 8);
		if (b->bad || from == 0 || end <= from ||
		    end - 1 > GTID_NUMBER_MAX ||
		    gtid_set_append_span(s, &source, from, end - 1, e) != 0)
			return false;
	}
	return !b->bad;
}

static bool
decode_spans(struct gtid_set *s, struct bytes *b, struct err *e)
{
	uint64_t head = bytes_le(b, 8), format = head >> FORMAT_SHIFT;
	uint64_t n = head & (((uint64_t)1 << FORMAT_SHIFT) - 1);

	if (format > FORMAT_TAGGED)
		return false;
	if (format == FORMAT_TAGGED)
		n >>= 8;
	for (; n > 0; n--)
		if (!decode_source(s, b, format == FORMAT_TAGGED, e))
			return false;
	return !b->bad;
}

/* The highest bits of the number of points are flags. */
static bool
decode_points(struct gtid_set *s, struct bytes *b, struct err *e)
{
	struct gtid_point p;
	uint64_t n = bytes_le(b, 4) & 0x0fffffff;

	/* An empty list is filled up. */
	if (n == 0)
		(void)bytes_take(b, b->left);
	for (; n > 0; n--) {
		p.domain = (uint32_t)bytes_le(b, 4);
		p.server = (uint32_t)bytes_le(b, 4);
		p.number = bytes_le(b, 8);
		p.order = s->n + 2;
		if (b->bad || (p.number > 0 &&
		    gtid_set_append_point(s, &p, e) != 0))
			return false;
	}
	return !b->bad;
}

int
gtid_set_decode(struct gtid_set *s, const void *data, size_t n,
    struct err *e)
{
	struct bytes b = bytes_of(data, n);
	size_t before = s->n;
	bool good;

	good = s->kind == FLAVOUR_MYSQL ? decode_spans(s, &b, e) :
	    decode_points(s, &b, e);
	if (!good || b.left > 0) {
		gtid_set_cut(s, before);
		return err_set(e, ERR_CORRUPT, 0, "GTID set: wrong at byte "
		    "%zu of %zu", (size_t)(b.at - (const uint8_t *)data), n);
	}
	gtid_set_settle(s);
	return 0;
}

static void
encode_number(struct buf *out, uint64_t v)
{
	uint8_t bytes[8];

	bytes_put_le(bytes, v, 8);
	buf_add(out, bytes, sizeof(bytes));
}

/* How many spans from i on are of one source. */
static size_t
run(const struct gtid_set *s, size_t i)
{
	const struct gtid_source *a = &s->spans[i].source, *b;
	size_t n = 1;

	for (; i + n < s->n; n++) {
		b = &s->spans[i + n].source;
		if (memcmp(a->uuid, b->uuid, sizeof(a->uuid)) != 0 ||
		    strcmp(a->tag, b->tag) != 0)
			break;
	}
	return n;
}

int
gtid_set_encode(const struct gtid_set *s, struct buf *out, struct err *e)
{
	const struct gtid_span *span;
	uint64_t sources = 0;
	bool tagged = false;
	size_t i, n;

	assert(s->kind == FLAVOUR_MYSQL);
	for (i = 0; i < s->n; i += run(s, i)) {
		sources++;
		tagged |= s->spans[i].source.tag[0] != '\0';
	}
	encode_number(out, !tagged ? sources : (uint64_t)FORMAT_TAGGED <<
	    FORMAT_SHIFT | sources << 8 | FORMAT_TAGGED);
	for (i = 0; i < s->n; i += n) {
		span = &s->spans[i];
		n = run(s, i);
		buf_add(out, span->source.uuid, sizeof(span->source.uuid));
		if (tagged) {
			buf_addc(out, (char)(strlen(span->source.tag) * 2));
			buf_adds(out, span->source.tag);
		}
		encode_number(out, n);
		for (; span < s->spans + i + n; span++) {
			encode_number(out, span->from);
			encode_number(out, span->to + 1);
		}
	}
	return buf_check(out, "GTID set", e);
}
