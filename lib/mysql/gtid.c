/* SPDX-License-Identifier: Apache-2.0 */
/* gtid: global transaction identifiers; one of them. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#include "mysql/gtid_impl.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
gtid_read_uuid(const char **at, uint8_t uuid[16])
{
	const char *p = *at;
	int i, high, low;

	for (i = 0; i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			return false;
		high = digit(p[0]);
		low = high < 0 ? -1 : digit(p[1]);
		if (low < 0)
			return false;
		uuid[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	*at = p;
	return true;
}

/* Tags are folded to small letters, as the server does. */
bool
gtid_read_tag(const char **at, char tag[GTID_TAG_MAX + 1])
{
	const char *p;
	size_t n = 0;
	char c;

	for (p = *at; ; p++) {
		c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
		if (c != '_' && !(c >= 'a' && c <= 'z') &&
		    !(n > 0 && c >= '0' && c <= '9'))
			break;
		if (n == GTID_TAG_MAX)
			return false;
		tag[n++] = c;
	}
	if (n == 0)
		return false;
	memset(tag + n, 0, GTID_TAG_MAX + 1 - n);
	*at = p;
	return true;
}

bool
gtid_read_number(const char **at, uint64_t max, uint64_t *v)
{
	const char *p = *at;
	uint64_t n = 0, d;

	for (; *p >= '0' && *p <= '9'; p++) {
		d = (uint64_t)(*p - '0');
		if (d > max || n > (max - d) / 10)
			return false;
		n = n * 10 + d;
	}
	if (p == *at)
		return false;
	*at = p;
	*v = n;
	return true;
}

void
gtid_uuid_text(const uint8_t uuid[16], char text[37])
{
	static const char hex[] = "0123456789abcdef";
	int i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = hex[uuid[i] >> 4];
		*text++ = hex[uuid[i] & 15];
	}
	*text = '\0';
}

static bool
parse_mysql(const char *p, struct gtid *g)
{
	if (!gtid_read_uuid(&p, g->uuid) || *p++ != ':')
		return false;
	if (gtid_read_tag(&p, g->tag) && *p++ != ':')
		return false;
	return gtid_read_number(&p, GTID_NUMBER_MAX, &g->number) &&
	    g->number > 0 && *p == '\0';
}

static bool
parse_mariadb(const char *p, struct gtid *g)
{
	uint64_t domain, server;

	if (!gtid_read_number(&p, UINT32_MAX, &domain) || *p++ != '-' ||
	    !gtid_read_number(&p, UINT32_MAX, &server) || *p++ != '-' ||
	    !gtid_read_number(&p, UINT64_MAX, &g->number) ||
	    g->number == 0 || *p != '\0')
		return false;
	g->domain = (uint32_t)domain;
	g->server = (uint32_t)server;
	return true;
}

int
gtid_parse(const char *text, enum flavour_kind kind, struct gtid *g,
    struct err *e)
{
	struct gtid found = { .set = true, .kind = kind };
	bool mysql = kind == FLAVOUR_MYSQL;

	if (mysql ? !parse_mysql(text, &found) : !parse_mariadb(text, &found))
		return err_set(e, ERR_USAGE, 0, "'%.100s' is no GTID (%s)",
		    text, mysql ? "uuid:number or uuid:tag:number" :
		    "domain-server-number");
	*g = found;
	return 0;
}

void
gtid_text(const struct gtid *g, char text[GTID_TEXT])
{
	char uuid[37];

	assert(g->set);
	if (g->kind == FLAVOUR_MARIADB) {
		(void)snprintf(text, GTID_TEXT, "%" PRIu32 "-%" PRIu32 "-%"
		    PRIu64, g->domain, g->server, g->number);
		return;
	}
	gtid_uuid_text(g->uuid, uuid);
	(void)snprintf(text, GTID_TEXT, "%s:%s%s%" PRIu64, uuid, g->tag,
	    g->tag[0] == '\0' ? "" : ":", g->number);
}

bool
gtid_equal(const struct gtid *a, const struct gtid *b)
{
	if (!a->set || !b->set)
		return a->set == b->set;
	if (a->kind != b->kind || a->number != b->number)
		return false;
	if (a->kind == FLAVOUR_MARIADB)
		return a->domain == b->domain && a->server == b->server;
	return memcmp(a->uuid, b->uuid, 16) == 0 &&
	    strcmp(a->tag, b->tag) == 0;
}
