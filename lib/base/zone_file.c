/* SPDX-License-Identifier: Apache-2.0 */
/* zone_file: time zones as the system's files hold them (TZif, RFC 8536). */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "base/zone_impl.h"

#define FOLDER "/usr/share/zoneinfo"
#define SYSTEM "/etc/localtime"
#define FILE_MAX ((size_t)1 << 20)
#define HEADER 44
#define NAME_MAX_ 100
#define CHANGES_MAX 65536
/* RFC 8536, 3.2: -24:59:59 to 25:59:59. */
#define WEST_MAX (-(25 * 3600 - 1))
#define EAST_MAX (26 * 3600 - 1)

/* One block of the file: 32-bit times in the first, 64-bit in the second. */
struct block {
	size_t isut, isstd, leap, time, type, chars;
	size_t wide;		/* bytes of a time */
	size_t size;		/* of the data after the header */
};

static uint64_t
big(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* A time of the file, sign-extended. */
static int64_t
signed_time(const uint8_t *p, size_t wide)
{
	uint64_t v = big(p, wide);

	if (wide == 8)
		return v > INT64_MAX ? -(int64_t)(UINT64_MAX - v) - 1 :
		    (int64_t)v;
	return v > INT32_MAX ? (int64_t)v - (INT64_C(1) << 32) : (int64_t)v;
}

static int
bad(struct err *e, const char *name, const char *what)
{
	return err_set(e, ERR_CORRUPT, 0, "time zone '%s': %s", name, what);
}

static int
block_read(struct block *b, const uint8_t *p, size_t n, size_t wide,
    const char *name, struct err *e)
{
	if (n < HEADER || memcmp(p, "TZif", 4) != 0)
		return bad(e, name, "not a TZif file");
	*b = (struct block){ .wide = wide,
	    .isut = (size_t)big(p + 20, 4), .isstd = (size_t)big(p + 24, 4),
	    .leap = (size_t)big(p + 28, 4), .time = (size_t)big(p + 32, 4),
	    .type = (size_t)big(p + 36, 4), .chars = (size_t)big(p + 40, 4) };
	if (b->type == 0 || b->type > 256 || b->chars == 0 ||
	    b->chars > FILE_MAX || b->time > CHANGES_MAX ||
	    b->leap > CHANGES_MAX || (b->isut != 0 && b->isut != b->type) ||
	    (b->isstd != 0 && b->isstd != b->type))
		return bad(e, name, "its counts are not those of a zone");
	b->size = b->time * (wide + 1) + b->type * 6 + b->chars +
	    b->leap * (wide + 4) + b->isstd + b->isut;
	return b->size > n - HEADER ? bad(e, name, "it is cut short") : 0;
}

static int
fill(struct zone *z, const struct block *b, const uint8_t *p, struct err *e)
{
	const uint8_t *types = p + b->time * b->wide;
	const uint8_t *infos = types + b->time;
	size_t i;
	int64_t offset;

	/* Such files (right/...) count seconds that no other clock counts. */
	if (b->leap > 0)
		return bad(e, z->name, "it counts leap seconds");
	z->times = calloc(b->time + 1, sizeof(*z->times));
	z->offsets = calloc(b->time + 1, sizeof(*z->offsets));
	if (z->times == NULL || z->offsets == NULL)
		return err_set(e, ERR_NOMEM, 0, "time zone '%s'", z->name);
	for (i = 0; i < b->type; i++) {
		offset = signed_time(infos + 6 * i, 4);
		if (offset < WEST_MAX || offset > EAST_MAX)
			return bad(e, z->name, "an offset is over a day");
	}
	z->offsets[0] = (int32_t)signed_time(infos, 4);
	for (i = 0; i < b->time; i++) {
		z->times[i] = signed_time(p + i * b->wide, b->wide);
		if (i > 0 && z->times[i] <= z->times[i - 1])
			return bad(e, z->name, "its times do not ascend");
		if (types[i] >= b->type)
			return bad(e, z->name, "a time has no type");
		z->offsets[i + 1] = (int32_t)signed_time(infos + 6 * types[i],
		    4);
	}
	z->n = b->time;
	return 0;
}

static int
footer(struct zone *z, const uint8_t *p, size_t n, struct err *e)
{
	const uint8_t *end = n < 2 || p[0] != '\n' ? NULL :
	    memchr(p + 1, '\n', n - 1);
	char text[128];
	size_t len;

	if (end == NULL)
		return bad(e, z->name, "its footer is cut short");
	len = (size_t)(end - p) - 1;
	/* An empty one says nothing of what comes after the table. */
	if (len == 0)
		return 0;
	if (len < sizeof(text)) {
		memcpy(text, p + 1, len);
		text[len] = '\0';
		if (strlen(text) == len && zone_rule_parse(text,
		    &z->rule) == 0)
			return 0;
	}
	return bad(e, z->name, "its footer is no rule");
}

static int
file_parse(struct zone *z, const uint8_t *p, size_t n, struct err *e)
{
	struct block b;

	if (block_read(&b, p, n, 4, z->name, e) != 0)
		return -1;
	if (p[4] < '2')
		return fill(z, &b, p + HEADER, e);
	/* From version 2 on the same comes again, with wide times. */
	p += HEADER + b.size;
	n -= HEADER + b.size;
	if (block_read(&b, p, n, 8, z->name, e) != 0 ||
	    fill(z, &b, p + HEADER, e) != 0)
		return -1;
	return footer(z, p + HEADER + b.size, n - HEADER - b.size, e);
}

struct zone *
zone_parse(const char *name, const void *data, size_t n, struct err *e)
{
	struct zone *z = calloc(1, sizeof(*z));

	if (z != NULL)
		z->name = strdup(name);
	if (z == NULL || z->name == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "time zone '%s'", name);
	} else if (file_parse(z, data, n, e) == 0) {
		return z;
	}
	zone_free(z);
	return NULL;
}

/* UTC needs no file. */
static struct zone *
utc(const char *name, struct err *e)
{
	static const uint8_t file[HEADER + 10] = {
	    'T', 'Z', 'i', 'f', [39] = 1, [43] = 4, [50] = 'U', 'T', 'C' };

	return zone_parse(name, file, sizeof(file), e);
}

static bool
name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/");

	/* No dots: no way out of the folder, no table of its own. */
	return n > 0 && n <= NAME_MAX_ && name[n] == '\0' && name[0] != '/';
}

static struct zone *
read_zone(const char *name, const char *path, struct err *e)
{
	struct buf data = {0};
	struct zone *z = NULL;

	if (file_read(path, FILE_MAX, &data, e) == 0)
		z = zone_parse(name, buf_str(&data), data.len, e);
	buf_free(&data);
	return z;
}

/* The zone of this machine: a link into the folder, or a copy. */
static struct zone *
system_zone(struct err *e)
{
	char target[PATH_MAX];
	const char *name = "localtime", *at;
	ssize_t n = readlink(SYSTEM, target, sizeof(target) - 1);
	struct zone *z;

	if (n > 0) {
		target[n] = '\0';
		at = strstr(target, "/zoneinfo/");
		if (at != NULL && name_valid(at + 10))
			name = at + 10;
	}
	z = read_zone(name, SYSTEM, e);
	if (z != NULL || e->code != ERR_NOTFOUND)
		return z;
	*e = (struct err){0};
	return utc("UTC", e);
}

struct zone *
zone_open(const char *name, struct err *e)
{
	const char *folder = getenv("TZDIR");
	struct buf path = {0};
	struct zone *z = NULL;

	if (name == NULL)
		return system_zone(e);
	if (strcmp(name, "UTC") == 0)
		return utc(name, e);
	if (folder == NULL || folder[0] == '\0')
		folder = FOLDER;
	buf_addf(&path, "%s/%s", folder, name);
	if (!name_valid(name))
		(void)err_set(e, ERR_USAGE, 0, "time zone '%.60s': no such "
		    "name", name);
	else if (buf_check(&path, "time zone", e) == 0)
		z = read_zone(name, buf_str(&path), e);
	if (z == NULL && (e->code == ERR_NOTFOUND || e->code == ERR_IO)) {
		/* A folder, too, is not a zone. */
		*e = (struct err){0};
		(void)err_set(e, ERR_USAGE, 0, "time zone '%.60s': no such "
		    "file in %.200s", name, folder);
	}
	if (z == NULL && e->code == ERR_USAGE)
		(void)err_hint(e, "zones are named as Europe/Berlin or UTC; "
		    "their files are those of package tzdata");
	buf_free(&path);
	return z;
}
