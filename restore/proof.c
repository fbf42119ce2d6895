/* SPDX-License-Identifier: Apache-2.0 */
/* proof: did a target change as many rows as it was given? */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mysql/connect.h"
#include "mysql/transaction.h"
#include "restore/ddl.h"

#include "restore/proof.h"

#define BUCKETS_MIN 1024u
#define MENTIONS_MAX 200000u
#define BETWEEN '\001'		/* schema and table in a key */
#define DROPPED "\002"		/* begins the key of a schema */

/* A table ("schema\1table"), or a name that a statement mentioned: that of a
 * table, or of a schema ("\2schema") that it dropped. */
struct slot {
	struct slot *next;
	uint64_t hash;
	uint64_t owed;		/* changes given since the last mention */
	uint64_t base, now;	/* the target's counter before, after */
	uint64_t serial;	/* of the statement that last counted */
	char key[];
};

struct proof {
	enum flavour_kind kind;
	bool lower, counting;
	uint64_t serial;	/* of the last statement */
	uint64_t all;		/* of the last that may have named any table */
	struct slot **buckets;
	size_t nbuckets, nslots, nmentions;
};

/* --- a map of names --- */

static uint64_t
hash_of(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *key != '\0'; key++)
		h = (h ^ (uint8_t)*key) * 0x100000001b3u;
	return h;
}

static int
grow(struct proof *p, struct err *e)
{
	size_t i, n = p->nbuckets * 2;
	struct slot **wider = calloc(n, sizeof(*wider)), *s, *next;

	if (wider == NULL)
		return err_set(e, ERR_NOMEM, 0, "tables of the replay");
	for (i = 0; i < p->nbuckets; i++)
		for (s = p->buckets[i]; s != NULL; s = next) {
			next = s->next;
			s->next = wider[s->hash % n];
			wider[s->hash % n] = s;
		}
	free(p->buckets);
	p->buckets = wider;
	p->nbuckets = n;
	return 0;
}

static struct slot *
find(const struct proof *p, const char *key)
{
	uint64_t h = hash_of(key);
	struct slot *s = p->buckets[h % p->nbuckets];

	while (s != NULL && (s->hash != h || strcmp(s->key, key) != 0))
		s = s->next;
	return s;
}

static struct slot *
find_or_add(struct proof *p, const char *key, struct err *e)
{
	struct slot *s = find(p, key);
	size_t n = strlen(key) + 1;

	if (s != NULL)
		return s;
	if (p->nslots >= p->nbuckets && grow(p, e) != 0)
		return NULL;
	s = calloc(1, sizeof(*s) + n);
	if (s == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "tables of the replay");
		return NULL;
	}
	assert(p->nbuckets > 0);
	memcpy(s->key, key, n);
	s->hash = hash_of(key);
	s->next = p->buckets[s->hash % p->nbuckets];
	p->buckets[s->hash % p->nbuckets] = s;
	p->nslots++;
	return s;
}

/* The key of a table, or of a name where table is NULL. */
static const char *
key_of(const struct proof *p, const char *schema, const char *table,
    struct buf *room)
{
	size_t i;

	buf_clear(room);
	buf_adds(room, schema);
	if (table != NULL) {
		buf_addc(room, BETWEEN);
		buf_adds(room, table);
	}
	if (p->lower && !room->failed)
		for (i = 0; i < room->len; i++)
			room->data[i] = (char)tolower(
			    (unsigned char)room->data[i]);
	return buf_str(room);
}

/* --- mentions --- */

static void
forget_mentions(struct proof *p)
{
	struct slot **at, *s;
	size_t i;

	for (i = 0; i < p->nbuckets; i++)
		for (at = &p->buckets[i]; (s = *at) != NULL;) {
			if (strchr(s->key, BETWEEN) != NULL) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			free(s);
			p->nslots--;
		}
	p->nmentions = 0;
	p->all = p->serial;
}

/* A word or a quoted name as it is stored: without quotes. */
static int
mention(struct proof *p, const struct ddl_token *t, bool schema,
    struct buf *room, struct err *e)
{
	const char *at = t->at;
	struct buf name = {0};
	struct slot *s = NULL;
	size_t i, n = t->len;
	char quote = '\0';

	if (schema)
		buf_adds(&name, DROPPED);
	if (n >= 2 && (*at == '`' || *at == '"')) {
		quote = *at++;
		n -= 2;
	}
	for (i = 0; i < n; i++) {
		buf_addc(&name, at[i]);
		if (at[i] == quote && quote != '\0')
			i++;
	}
	if (buf_check(&name, "a name", e) == 0)
		s = find_or_add(p, key_of(p, buf_str(&name), NULL, room), e);
	buf_free(&name);
	if (s == NULL)
		return -1;
	if (s->serial == 0)
		p->nmentions++;
	s->serial = p->serial;
	return 0;
}

static int
mentions(struct proof *p, const struct transaction *t, struct buf *room,
    struct err *e)
{
	struct ddl_reader r;
	struct ddl_token token;
	size_t n = strlen(t->sql);
	bool drop, schema;

	p->serial++;
	/* Cut short, it may go on with any name. */
	if (n >= TRANSACTION_SQL_MAX - 4 || p->nmentions > MENTIONS_MAX) {
		forget_mentions(p);
		return 0;
	}
	ddl_reader_init(&r, t->sql, n);
	token = ddl_next(&r);
	drop = ddl_is(&token, "DROP");
	token = ddl_next(&r);
	schema = drop && (ddl_is(&token, "DATABASE") ||
	    ddl_is(&token, "SCHEMA"));
	for (;; token = ddl_next(&r)) {
		if (token.kind == DDL_END)
			return 0;
		if (token.kind == DDL_BAD) {
			forget_mentions(p);
			return 0;
		}
		/* With ANSI_QUOTES a string is a name. */
		if ((token.kind == DDL_WORD || token.kind == DDL_NAME ||
		    token.kind == DDL_STRING) && mention(p, &token,
		    schema, room, e) != 0)
			return -1;
	}
}

/* Begin anew what a table owes if it was named since it was last counted. */
static void
settle(const struct proof *p, struct slot *s, struct buf *room)
{
	const char *table = strchr(s->key, BETWEEN);
	uint64_t latest = p->all;
	const struct slot *m;

	buf_clear(room);
	buf_adds(room, DROPPED);
	buf_add(room, s->key, (size_t)(table - s->key));
	m = find(p, buf_str(room));
	if (m != NULL && m->serial > latest)
		latest = m->serial;
	m = find(p, table + 1);
	if (m != NULL && m->serial > latest)
		latest = m->serial;
	if (latest > s->serial) {
		s->owed = s->base = 0;
		s->serial = latest;
	}
}

int
proof_add(struct proof *p, const struct transaction *t, struct err *e)
{
	const struct transaction_table *x;
	struct buf room = {0};
	struct slot *s;
	int rc = 0;
	size_t i;

	if (!p->counting)
		return 0;
	if (t->kind == TRANSACTION_DDL)
		rc = mentions(p, t, &room, e);
	for (i = 0; i < t->ntables && rc == 0; i++) {
		x = &t->tables[i];
		s = find_or_add(p, key_of(p, x->schema, x->table, &room), e);
		if (s == NULL) {
			rc = -1;
			break;
		}
		settle(p, s, &room);
		s->owed += x->writes + x->updates + x->deletes;
	}
	if (rc == 0)
		rc = buf_check(&room, "a table's name", e);
	buf_free(&room);
	return rc;
}

/* --- the target's counters --- */

static int
read_counters(struct proof *p, struct conn *c, bool before, struct err *e)
{
	struct result *r = conn_query(c, p->kind == FLAVOUR_MARIADB ?
	    "SELECT TABLE_SCHEMA, TABLE_NAME, ROWS_CHANGED FROM "
	    "information_schema.TABLE_STATISTICS" :
	    "SELECT OBJECT_SCHEMA, OBJECT_NAME, COUNT_INSERT + COUNT_UPDATE + "
	    "COUNT_DELETE FROM performance_schema."
	    "table_io_waits_summary_by_table WHERE OBJECT_TYPE = 'TABLE'",
	    false, e);
	struct buf room = {0};
	unsigned long *len;
	struct slot *s;
	const char *key;
	uint64_t v;
	char **row;
	int got;

	if (r == NULL)
		return -1;
	while ((got = result_next(r, &row, &len, e)) == 1) {
		key = key_of(p, row[0], row[1], &room);
		s = before ? find_or_add(p, key, e) : find(p, key);
		if (s == NULL && before) {
			got = -1;
			break;
		}
		v = strtoull(row[2], NULL, 10);
		if (s != NULL && before)
			s->base = v;
		else if (s != NULL)
			s->now = v;
	}
	result_free(r);
	buf_free(&room);
	return got;
}

static int
counts(const struct proof *p, struct conn *c, struct buf *why, struct err *e)
{
	struct buf v = {0};
	int rc = conn_value(c, p->kind == FLAVOUR_MARIADB ?
	    "SELECT IF(@@GLOBAL.userstat, '', 'userstat is off')" :
	    "SELECT IF(@@GLOBAL.performance_schema = 0, "
	    "'performance_schema is off', IF((SELECT COUNT(*) FROM "
	    "performance_schema.setup_instruments WHERE NAME = "
	    "'wait/io/table/sql/handler' AND ENABLED = 'YES') + (SELECT "
	    "COUNT(*) FROM performance_schema.setup_consumers WHERE NAME = "
	    "'global_instrumentation' AND ENABLED = 'YES') < 2, "
	    "'performance_schema counts no table I/O', IF((SELECT "
	    "VARIABLE_VALUE FROM performance_schema.global_status WHERE "
	    "VARIABLE_NAME = 'Performance_schema_table_instances_lost') > 0, "
	    "'performance_schema has no room for all tables', '')))", &v, e);

	buf_adds(why, buf_str(&v));
	buf_free(&v);
	return rc == 0 ? buf_check(why, "counters", e) : -1;
}

int
proof_begin(struct proof *p, struct conn *c, struct buf *why, struct err *e)
{
	p->counting = false;
	if (counts(p, c, why, e) != 0)
		return err_wrap(e, "row counters of the target");
	if (why->len > 0)
		return 0;
	p->counting = true;
	if (read_counters(p, c, true, e) != 0)
		return err_wrap(e, "row counters of the target");
	return 0;
}

int
proof_check(struct proof *p, struct conn *c, uint64_t *rows,
    uint64_t *tables, struct err *e)
{
	const struct slot *worst = NULL;
	struct buf why = {0}, room = {0};
	uint64_t short_of = 0;
	struct slot *s;
	size_t i;
	int rc = 0;

	*rows = *tables = 0;
	if (!p->counting)
		return 0;
	/* It may have lost its counters meanwhile. */
	if (counts(p, c, &why, e) != 0 || read_counters(p, c, false, e) != 0)
		rc = err_wrap(e, "row counters of the target");
	else if (why.len > 0)
		p->counting = false;
	for (i = 0; i < p->nbuckets && rc == 0 && p->counting; i++)
		for (s = p->buckets[i]; s != NULL; s = s->next) {
			if (strchr(s->key, BETWEEN) == NULL)
				continue;
			settle(p, s, &room);
			if (s->owed == 0)
				continue;
			*rows += s->owed;
			(*tables)++;
			if (s->now - (s->now < s->base ? 0 : s->base) >=
			    s->owed)
				continue;
			short_of++;
			if (worst == NULL || strcmp(s->key, worst->key) < 0)
				worst = s;
		}
	if (worst != NULL) {
		i = strcspn(worst->key, "\001");
		rc = err_set(e, ERR_CORRUPT, 0, "table %.*s.%s: %" PRIu64
		    " row changes were given to the target, it made %" PRIu64
		    " (%" PRIu64 " such tables)", (int)i, worst->key,
		    worst->key + i + 1, worst->owed, worst->now -
		    (worst->now < worst->base ? 0 : worst->base), short_of);
	}
	buf_free(&why);
	buf_free(&room);
	return rc;
}

/* --- life --- */

struct proof *
proof_new(const struct flavour *f, struct err *e)
{
	struct proof *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->buckets = calloc(BUCKETS_MIN, sizeof(struct slot *));
	if (p == NULL || p->buckets == NULL) {
		free(p);
		(void)err_set(e, ERR_NOMEM, 0, "tables of the replay");
		return NULL;
	}
	p->nbuckets = BUCKETS_MIN;
	p->kind = f->kind;
	p->lower = f->lower_case_table_names != 0;
	return p;
}

void
proof_free(struct proof *p)
{
	struct slot *s, *next;
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->nbuckets; i++)
		for (s = p->buckets[i]; s != NULL; s = next) {
			next = s->next;
			free(s);
		}
	free(p->buckets);
	free(p);
}
