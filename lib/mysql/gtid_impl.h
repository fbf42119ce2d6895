/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid_impl: what a set of GTIDs is made of; for gtid*.c alone.
 *
 * Between calls a set is in order: spans by (UUID, tag, from), neither
 * overlapping nor touching; points by (domain, server), one each, order 1 for
 * the one that came last in its domain and 0 for the others.  Readers append
 * whatever comes and gtid_set_settle puts that in order once at the end, so
 * that hostile sets cost no more than sorting them; gtid_set_cut undoes what
 * was appended since, so that a failed call leaves a set as it was.
 */
#ifndef MYSQL_GTID_IMPL_H
#define MYSQL_GTID_IMPL_H

#include "mysql/gtid.h"

/* MySQL numbers go from 1 to 2^63 - 2. */
#define GTID_NUMBER_MAX ((uint64_t)INT64_MAX - 1)

struct gtid_source {
	uint8_t uuid[16];
	char tag[GTID_TAG_MAX + 1];
};

struct gtid_span {
	struct gtid_source source;
	uint64_t from, to;	/* both are in it */
};

struct gtid_point {
	uint32_t domain, server;
	uint64_t number;
	uint64_t order;
};

struct gtid_set {
	enum flavour_kind kind;
	struct gtid_span *spans;	/* MySQL */
	struct gtid_point *points;	/* MariaDB */
	size_t n, cap;			/* of whichever it is */
};

int gtid_set_append_span(struct gtid_set *s, const struct gtid_source *source,
    uint64_t from, uint64_t to, struct err *e);
int gtid_set_append_point(struct gtid_set *s, const struct gtid_point *p,
    struct err *e);
void gtid_set_settle(struct gtid_set *s);
void gtid_set_cut(struct gtid_set *s, size_t n);

/* Read "uuid" (36 characters), a tag, a decimal number from *at, moving it
 * on; false, with *at as it was, when there is none. */
bool gtid_read_uuid(const char **at, uint8_t uuid[16]);
bool gtid_read_tag(const char **at, char tag[GTID_TAG_MAX + 1]);
bool gtid_read_number(const char **at, uint64_t max, uint64_t *v);
/* Room for 37 bytes. */
void gtid_uuid_text(const uint8_t uuid[16], char text[37]);

#endif /* !MYSQL_GTID_IMPL_H */
