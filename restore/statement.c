/* SPDX-License-Identifier: Apache-2.0 */
/* statement: the session state that a QUERY event was run under. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/bytes.h"
#include "mysql/connect.h"
#include "mysql/event.h"
#include "mysql/rows.h"

#include "restore/statement.h"

/* Option bits that are logged. */
#define NULL_IS_AUTO	(1u << 14)
#define NO_CHECKS	(1u << 15)	/* MariaDB */
#define NO_FOREIGN_KEYS	(1u << 26)
#define RELAXED_UNIQUE	(1u << 27)
#define IF_EXISTS	(1u << 28)	/* MariaDB */

#define DECIMAL_DIGITS	81	/* more than either server's 65 */

const struct statement_state statement_unknown = { .unknown = true };

/* What an event says that has none of them. */
static const struct statement_state plain = {
	.increment = 1, .offset = 1, .explicit_timestamp = -1,
	.require_key = -1, .encryption = -1,
};

static void
zone(struct bytes *b, struct statement_state *s)
{
	size_t n = (size_t)bytes_le(b, 1);
	const uint8_t *p = bytes_take(b, n);

	if (p == NULL || memchr(p, 0, n) != NULL) {
		b->bad = true;
		return;
	}
	memcpy(s->zone, p, n);
	s->zone[n] = '\0';
}

/* Names of the schemas it wrote to: a number, then texts that end with NUL. */
static void
schemas(struct bytes *b)
{
	uint64_t n = bytes_le(b, 1);
	const uint8_t *nul;

	if (n == 254)	/* too many to be listed */
		return;
	for (; n > 0 && !b->bad; n--) {
		nul = b->left == 0 ? NULL : memchr(b->at, 0, b->left);
		(void)bytes_take(b, nul == NULL ? b->left + 1 :
		    (size_t)(nul - b->at) + 1);
	}
}

/* MariaDB's extra GTID flags: a two-phase ALTER's end names its start. */
static void
maria_flags(struct bytes *b)
{
	if ((bytes_le(b, 1) & 0x0c) != 0)
		(void)bytes_take(b, 8);
}

/* One variable; false when the code is not known. */
static bool
variable(struct bytes *b, struct statement_state *s)
{
	switch (bytes_le(b, 1)) {
	case 0:
		s->flags = (uint32_t)bytes_le(b, 4);
		break;
	case 1:
		s->sql_mode = bytes_le(b, 8);
		break;
	case 2:		/* catalog, with a NUL of its own */
		(void)bytes_take(b, bytes_le(b, 1) + 1);
		break;
	case 3:
		s->increment = (uint16_t)bytes_le(b, 2);
		s->offset = (uint16_t)bytes_le(b, 2);
		break;
	case 4:
		s->client = (uint16_t)bytes_le(b, 2);
		s->connection = (uint16_t)bytes_le(b, 2);
		s->server = (uint16_t)bytes_le(b, 2);
		break;
	case 5:
		zone(b, s);
		break;
	case 6:		/* catalog */
		(void)bytes_take(b, bytes_le(b, 1));
		break;
	case 7:
		s->locale = (uint16_t)bytes_le(b, 2);
		break;
	case 8:
		s->database = (uint16_t)bytes_le(b, 2);
		break;
	case 9:		/* tables of a multi-table UPDATE */
	case 17:	/* XID of a DDL */
	case 129:	/* the same, MariaDB */
		(void)bytes_take(b, 8);
		break;
	case 10:	/* length before it was rewritten */
		(void)bytes_take(b, 4);
		break;
	case 11:	/* invoker: user, host */
		(void)bytes_take(b, bytes_le(b, 1));
		(void)bytes_take(b, bytes_le(b, 1));
		break;
	case 12:
		schemas(b);
		break;
	case 13:
	case 128:
		s->micros = (uint32_t)bytes_le(b, 3);
		break;
	case 16:
		s->explicit_timestamp = bytes_le(b, 1) != 0;
		break;
	case 18:
		s->utf8mb4 = (uint16_t)bytes_le(b, 2);
		break;
	case 19:
		s->require_key = bytes_le(b, 1) != 0;
		break;
	case 20:
		s->encryption = bytes_le(b, 1) != 0;
		break;
	case 21:	/* cascades fire triggers */
		(void)bytes_take(b, 1);
		break;
	case 130:
		maria_flags(b);
		break;
	case 131:	/* pairs of character set and its collation */
		(void)bytes_take(b, 4 * bytes_le(b, 1));
		break;
	default:
		return false;
	}
	return true;
}

int
statement_state(const void *status, size_t n, struct statement_state *s,
    struct err *e)
{
	struct bytes b = bytes_of(status, n);

	*s = plain;
	while (b.left > 0 && variable(&b, s))
		continue;
	if (b.bad)
		return err_set(e, ERR_CORRUPT, 0, "Query event: its status "
		    "variables are cut short");
	return 0;
}

/* --- SET --- */

static void
set(struct buf *out, const char *name, uint64_t value)
{
	buf_addf(out, "%s%s=%" PRIu64, out->len == 0 ? "" : ",", name, value);
}

static void
set_flags(uint32_t from, uint32_t to, bool known, bool mariadb,
    struct buf *out)
{
	uint32_t changed = known ? from ^ to : UINT32_MAX;

	if ((changed & NULL_IS_AUTO) != 0)
		set(out, "sql_auto_is_null", (to & NULL_IS_AUTO) != 0);
	if ((changed & NO_FOREIGN_KEYS) != 0)
		set(out, "foreign_key_checks", (to & NO_FOREIGN_KEYS) == 0);
	if ((changed & RELAXED_UNIQUE) != 0)
		set(out, "unique_checks", (to & RELAXED_UNIQUE) == 0);
	if (mariadb && (changed & NO_CHECKS) != 0)
		set(out, "check_constraint_checks", (to & NO_CHECKS) == 0);
	if (mariadb && (changed & IF_EXISTS) != 0)
		set(out, "sql_if_exists", (to & IF_EXISTS) != 0);
}

static void
set_collations(const struct statement_state *from,
    const struct statement_state *to, bool all, struct buf *out)
{
	if (to->client != 0 && (all || from->client != to->client ||
	    from->connection != to->connection ||
	    from->server != to->server)) {
		set(out, "character_set_client", to->client);
		set(out, "collation_connection", to->connection);
		set(out, "collation_server", to->server);
	}
	/* A zero is the schema's own, which USE has set. */
	if (to->database != 0 && (all || from->database != to->database))
		set(out, "collation_database", to->database);
	if (all || to->locale != from->locale)
		set(out, "lc_time_names", to->locale);
}

void
statement_set(const struct statement_state *from,
    const struct statement_state *to, enum flavour_kind kind,
    struct buf *out)
{
	bool mariadb = kind == FLAVOUR_MARIADB, all = from->unknown;
	struct buf list = {0};

	set_flags(from->flags, to->flags, !all, mariadb, &list);
	if (all || from->sql_mode != to->sql_mode)
		set(&list, "sql_mode", to->sql_mode);
	if (all || from->increment != to->increment || from->offset != to->offset) {
		set(&list, "auto_increment_increment", to->increment);
		set(&list, "auto_increment_offset", to->offset);
	}
	set_collations(from, to, all, &list);
	if (to->zone[0] != '\0' && (all || strcmp(from->zone, to->zone) !=
	    0)) {
		/* In hex: no backslash or quote whatever the sql_mode is. */
		buf_addf(&list, "%stime_zone=", list.len == 0 ? "" : ",");
		sql_hex(&list, to->zone, strlen(to->zone));
	}
	if (to->explicit_timestamp >= 0 && (all ||
	    from->explicit_timestamp != to->explicit_timestamp))
		set(&list, "explicit_defaults_for_timestamp",
		    (uint64_t)to->explicit_timestamp);
	if (!mariadb && to->utf8mb4 != 0 && (all ||
	    from->utf8mb4 != to->utf8mb4))
		set(&list, "default_collation_for_utf8mb4", to->utf8mb4);
	if (!mariadb && to->encryption >= 0 && (all ||
	    from->encryption != to->encryption))
		set(&list, "default_table_encryption",
		    (uint64_t)to->encryption);
	if (list.len > 0) {
		buf_adds(out, "SET ");
		buf_add(out, list.data, list.len);
	}
	out->failed |= list.failed;
	buf_free(&list);
}

/* --- variables before a statement --- */

static int
intvar(struct bytes *b, struct buf *out, struct err *e)
{
	uint64_t kind = bytes_le(b, 1), value = bytes_le(b, 8);

	if (b->bad || (kind != 1 && kind != 2))
		return err_set(e, ERR_CORRUPT, 0, "Intvar event: not read");
	set(out, kind == 1 ? "LAST_INSERT_ID" : "INSERT_ID", value);
	return 0;
}

static int
seeds(struct bytes *b, struct buf *out, struct err *e)
{
	uint64_t one = bytes_le(b, 8), two = bytes_le(b, 8);

	if (b->bad)
		return err_set(e, ERR_CORRUPT, 0, "Rand event: cut short");
	set(out, "RAND_SEED1", one);
	set(out, "RAND_SEED2", two);
	return 0;
}

static int
decimal(struct bytes *b, struct buf *out, struct err *e)
{
	unsigned precision = (unsigned)bytes_le(b, 1);
	unsigned scale = (unsigned)bytes_le(b, 1);

	if (b->bad || precision == 0 || precision > DECIMAL_DIGITS ||
	    !rows_decimal_text(b, precision, scale, out))
		return err_set(e, ERR_CORRUPT, 0, "User_var event: a DECIMAL "
		    "that cannot be");
	return 0;
}

static int
text_value(const struct bytes *b, unsigned number,
    int (*name)(void *arg, unsigned number, struct statement_collation *c,
    struct err *e), void *arg, struct buf *out, struct err *e)
{
	struct statement_collation c = {0};

	if (name(arg, number, &c, e) != 0)
		return -1;
	buf_addf(out, "_%s ", c.charset);
	sql_hex(out, b->at, b->left);
	buf_addf(out, " COLLATE %s", c.collation);
	return 0;
}

static int
real(struct bytes *b, struct buf *out, struct err *e)
{
	uint64_t bits = bytes_le(b, 8);
	double v;

	memcpy(&v, &bits, sizeof(v));
	if (b->bad || !isfinite(v))
		return err_set(e, ERR_CORRUPT, 0, "User_var event: a number "
		    "that cannot be");
	buf_addf(out, "%.17e", v);
	return 0;
}

/* Types of a user variable's value. */
enum { TYPE_TEXT = 0, TYPE_REAL = 1, TYPE_INT = 2, TYPE_DECIMAL = 4 };

static int
user_variable(struct bytes *b,
    int (*name)(void *arg, unsigned number, struct statement_collation *c,
    struct err *e), void *arg, struct buf *out, struct err *e)
{
	size_t n = (size_t)bytes_le(b, 4), len;
	const uint8_t *p = bytes_take(b, n);
	struct buf ident = {0};
	unsigned type, collation;
	struct bytes value;
	bool is_unsigned;

	if (p == NULL || n == 0 || memchr(p, 0, n) != NULL)
		return err_set(e, ERR_CORRUPT, 0, "User_var event: its name "
		    "cannot be read");
	buf_add(&ident, p, n);
	buf_addf(out, "%s@", out->len == 0 ? "" : ",");
	sql_ident(out, buf_str(&ident));
	buf_adds(out, ":=");
	out->failed |= ident.failed;
	buf_free(&ident);
	if (bytes_le(b, 1) != 0 && !b->bad) {
		buf_adds(out, "NULL");
		return 0;
	}
	type = (unsigned)bytes_le(b, 1);
	collation = (unsigned)bytes_le(b, 4);
	len = (size_t)bytes_le(b, 4);
	p = bytes_take(b, len);
	if (p == NULL)
		return err_set(e, ERR_CORRUPT, 0, "User_var event: its value "
		    "is cut short");
	value = bytes_of(p, len);
	is_unsigned = b->left > 0 && (*b->at & 1) != 0;
	switch (type) {
	case TYPE_TEXT:
		return text_value(&value, collation, name, arg, out, e);
	case TYPE_REAL:
		return real(&value, out, e);
	case TYPE_INT:
		if (is_unsigned)
			buf_addf(out, "%" PRIu64, bytes_le(&value, 8));
		else
			buf_addf(out, "%" PRId64, (int64_t)bytes_le(&value, 8));
		return value.bad ? err_set(e, ERR_CORRUPT, 0, "User_var "
		    "event: its value is cut short") : 0;
	case TYPE_DECIMAL:
		return decimal(&value, out, e);
	default:
		return err_set(e, ERR_CORRUPT, 0, "User_var event: a value of "
		    "unknown type %u", type);
	}
}

int
statement_variable(const struct event *ev,
    int (*name)(void *arg, unsigned number, struct statement_collation *c,
    struct err *e), void *arg, struct buf *out, struct err *e)
{
	struct bytes b = bytes_of(ev->body, ev->body_len);

	switch (ev->type) {
	case EVENT_INTVAR:
		return intvar(&b, out, e);
	case EVENT_RAND:
		return seeds(&b, out, e);
	case EVENT_USER_VAR:
		return user_variable(&b, name, arg, out, e);
	default:
		return err_set(e, ERR_CORRUPT, 0, "%s event: no variable",
		    event_name(ev->type));
	}
}
