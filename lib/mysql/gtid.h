/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid: global transaction identifiers and sets of them, MySQL's (with tags)
 * and MariaDB's.
 *
 * A MySQL set holds intervals per (UUID, tag).  A MariaDB set is a position:
 * the highest sequence number per (domain, server), and which of a domain's
 * came last; it contains a GTID when the domain's highest number is not below
 * it.  Text forms are the servers' own; white space does not matter when they
 * are read, nor does order, but for which of a MariaDB domain comes last; what
 * is written is sorted and has no white space.  A call that fails leaves a set
 * as it was.
 *
 * Sources: facts/mysql.md 6; MySQL's Gtid_set text and binary encodings.
 */
#ifndef MYSQL_GTID_H
#define MYSQL_GTID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mysql/flavour.h"

struct buf;
struct err;
struct gtid_set;

#define GTID_TAG_MAX 32
#define GTID_TEXT 96		/* room for any one GTID */

struct gtid {
	bool set;		/* false: a transaction without GTID */
	enum flavour_kind kind;
	uint8_t uuid[16];	/* MySQL */
	char tag[GTID_TAG_MAX + 1];
	uint32_t domain, server;	/* MariaDB */
	uint64_t number;
};

/* One GTID from its text ("uuid:7", "uuid:tag:7", "0-101-7"); ERR_USAGE
 * otherwise, so for sets, ranges and zero. */
int gtid_parse(const char *text, enum flavour_kind kind, struct gtid *g,
    struct err *e);
void gtid_text(const struct gtid *g, char text[GTID_TEXT]);
bool gtid_equal(const struct gtid *a, const struct gtid *b);

/* An empty set; NULL when out of memory. */
struct gtid_set *gtid_set_new(enum flavour_kind kind, struct err *e);
struct gtid_set *gtid_set_copy(const struct gtid_set *s, struct err *e);
enum flavour_kind gtid_set_kind(const struct gtid_set *s);

/* Add a text's GTIDs ("" adds nothing); ERR_CORRUPT quotes what is wrong. */
int gtid_set_parse(struct gtid_set *s, const char *text, struct err *e);
/* Append the text to *out.  MariaDB's is that of gtid_binlog_state: every
 * server, a domain's latest at the domain's end. */
void gtid_set_text(const struct gtid_set *s, struct buf *out);
/* The same for MySQL; MariaDB's is that of gtid_binlog_pos and
 * slave_connect_state: each domain's latest alone. */
void gtid_set_position(const struct gtid_set *s, struct buf *out);

/* The binary form: for MySQL that of PREVIOUS_GTIDS and COM_BINLOG_DUMP_GTID,
 * with and without tags; for MariaDB that of GTID_LIST, decode alone.  decode
 * adds to *s. */
int gtid_set_decode(struct gtid_set *s, const void *data, size_t n,
    struct err *e);
int gtid_set_encode(const struct gtid_set *s, struct buf *out,
    struct err *e);

int gtid_set_add(struct gtid_set *s, const struct gtid *g, struct err *e);
int gtid_set_union(struct gtid_set *s, const struct gtid_set *other,
    struct err *e);
/* MySQL only: take other's GTIDs out of *s. */
int gtid_set_subtract(struct gtid_set *s, const struct gtid_set *other,
    struct err *e);

bool gtid_set_empty(const struct gtid_set *s);
bool gtid_set_contains(const struct gtid_set *s, const struct gtid *g);
/* Every GTID of other is in s. */
bool gtid_set_includes(const struct gtid_set *s,
    const struct gtid_set *other);
bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b);
/* MySQL: how many GTIDs; MariaDB: 0. */
uint64_t gtid_set_count(const struct gtid_set *s);

void gtid_set_free(struct gtid_set *s);

#endif /* !MYSQL_GTID_H */
