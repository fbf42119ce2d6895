/* SPDX-License-Identifier: Apache-2.0 */
/* gtid_set: sets of GTIDs: what is in them, and what they make together. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "mysql/gtid_impl.h"

static int
source_compare(const struct gtid_source *a, const struct gtid_source *b)
{
	int rc = memcmp(a->uuid, b->uuid, sizeof(a->uuid));

	return rc != 0 ? rc : strcmp(a->tag, b->tag);
}

static int
span_compare(const void *x, const void *y)
{
	const struct gtid_span *a = x, *b = y;
	int rc = source_compare(&a->source, &b->source);

	if (rc != 0)
		return rc;
	return a->from < b->from ? -1 : a->from > b->from;
}

static int
point_compare(const void *x, const void *y)
{
	const struct gtid_point *a = x, *b = y;

	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	return a->server < b->server ? -1 : a->server > b->server;
}

/* b came after a: later in the text, or at the same place with the higher
 * number. */
static bool
point_later(const struct gtid_point *a, const struct gtid_point *b)
{
	return b->order != a->order ? b->order > a->order :
	    b->number > a->number;
}

/* The place of the first item that is not below key; n when all are. */
static size_t
lower(const void *items, size_t n, size_t size, const void *key,
    int (*compare)(const void *, const void *))
{
	size_t low = 0, mid;

	while (low < n) {
		mid = low + (n - low) / 2;
		if (compare((const char *)items + mid * size, key) < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

static int
grow(struct gtid_set *s, struct err *e)
{
	size_t cap = s->cap == 0 ? 4 : s->cap + s->cap / 2;
	void *p;

	if (s->n < s->cap)
		return 0;
	if (s->kind == FLAVOUR_MYSQL)
		p = reallocarray(s->spans, cap, sizeof(*s->spans));
	else
		p = reallocarray(s->points, cap, sizeof(*s->points));
	if (p == NULL)
		return err_set(e, ERR_NOMEM, 0, "a GTID set of %zu parts", cap);
	if (s->kind == FLAVOUR_MYSQL)
		s->spans = p;
	else
		s->points = p;
	s->cap = cap;
	return 0;
}

int
gtid_set_append_span(struct gtid_set *s, const struct gtid_source *source,
    uint64_t from, uint64_t to, struct err *e)
{
	assert(s->kind == FLAVOUR_MYSQL && from > 0 && from <= to &&
	    to <= GTID_NUMBER_MAX);
	if (grow(s, e) != 0)
		return -1;
	assert(s->spans != NULL);
	s->spans[s->n++] = (struct gtid_span){ *source, from, to };
	return 0;
}

int
gtid_set_append_point(struct gtid_set *s, const struct gtid_point *p,
    struct err *e)
{
	assert(s->kind == FLAVOUR_MARIADB);
	if (grow(s, e) != 0)
		return -1;
	assert(s->points != NULL);
	s->points[s->n++] = *p;
	return 0;
}

void
gtid_set_cut(struct gtid_set *s, size_t n)
{
	assert(n <= s->n);
	s->n = n;
}

static void
settle_spans(struct gtid_set *s)
{
	struct gtid_span *spans = s->spans, *last;
	size_t i, n = 1;

	qsort(spans, s->n, sizeof(*spans), span_compare);
	for (i = 1; i < s->n; i++) {
		last = &spans[n - 1];
		if (source_compare(&last->source, &spans[i].source) != 0 ||
		    spans[i].from > last->to + 1)
			spans[n++] = spans[i];
		else if (spans[i].to > last->to)
			last->to = spans[i].to;
	}
	s->n = n;
}

static void
settle_points(struct gtid_set *s)
{
	struct gtid_point *points = s->points, *p, *last;
	size_t i, n = 1, from = 0, latest;

	/* One of each server, with its highest number. */
	qsort(points, s->n, sizeof(*points), point_compare);
	for (i = 1; i < s->n; i++) {
		p = &points[i];
		last = &points[n - 1];
		if (point_compare(last, p) != 0) {
			points[n++] = *p;
			continue;
		}
		if (p->order > last->order)
			last->order = p->order;
		if (p->number > last->number)
			last->number = p->number;
	}
	s->n = n;
	/* Then the latest of each domain. */
	for (; from < n; from = i) {
		latest = from;
		for (i = from; i < n &&
		    points[i].domain == points[from].domain; i++)
			if (point_later(&points[latest], &points[i]))
				latest = i;
		for (i = from; i < n &&
		    points[i].domain == points[from].domain; i++)
			points[i].order = i == latest;
	}
}

void
gtid_set_settle(struct gtid_set *s)
{
	if (s->n == 0)
		return;
	if (s->kind == FLAVOUR_MYSQL)
		settle_spans(s);
	else
		settle_points(s);
}

struct gtid_set *
gtid_set_new(enum flavour_kind kind, struct err *e)
{
	struct gtid_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		(void)err_set(e, ERR_NOMEM, 0, "a GTID set");
	else
		s->kind = kind;
	return s;
}

struct gtid_set *
gtid_set_copy(const struct gtid_set *s, struct err *e)
{
	struct gtid_set *copy = gtid_set_new(s->kind, e);

	if (copy != NULL && gtid_set_union(copy, s, e) != 0) {
		gtid_set_free(copy);
		return NULL;
	}
	return copy;
}

enum flavour_kind
gtid_set_kind(const struct gtid_set *s)
{
	return s->kind;
}

static struct gtid_span
span_of(const struct gtid *g)
{
	struct gtid_span span = { .from = g->number, .to = g->number };

	memcpy(span.source.uuid, g->uuid, sizeof(g->uuid));
	memcpy(span.source.tag, g->tag, sizeof(g->tag));
	return span;
}

/* The span that ends at or after the start of *key and is of its source, or
 * NULL; at is where key would go. */
static struct gtid_span *
span_near(const struct gtid_set *s, const struct gtid_span *key, size_t *at)
{
	*at = lower(s->spans, s->n, sizeof(*s->spans), key, span_compare);
	if (*at < s->n && span_compare(&s->spans[*at], key) == 0)
		return &s->spans[*at];
	if (*at > 0 && source_compare(&s->spans[*at - 1].source,
	    &key->source) == 0)
		return &s->spans[*at - 1];
	return NULL;
}

static int
add_span(struct gtid_set *s, const struct gtid *g, struct err *e)
{
	struct gtid_span key = span_of(g), *span, *next;
	size_t at;

	span = span_near(s, &key, &at);
	if (span != NULL && key.from <= span->to)
		return 0;
	/* Most often the next of those that are there. */
	next = at < s->n && source_compare(&s->spans[at].source,
	    &key.source) == 0 ? &s->spans[at] : NULL;
	if (span != NULL && span->to + 1 == key.from) {
		span->to = key.to;
		if (next != NULL && next->from == key.to + 1) {
			span->to = next->to;
			memmove(next, next + 1,
			    (s->n - at - 1) * sizeof(*next));
			s->n--;
		}
		return 0;
	}
	if (next != NULL && next->from == key.to + 1) {
		next->from = key.from;
		return 0;
	}
	if (grow(s, e) != 0)
		return -1;
	memmove(s->spans + at + 1, s->spans + at,
	    (s->n - at) * sizeof(*s->spans));
	s->spans[at] = key;
	s->n++;
	return 0;
}

static int
add_point(struct gtid_set *s, const struct gtid *g, struct err *e)
{
	struct gtid_point key = { .domain = g->domain, .server = g->server,
		.number = g->number, .order = 1 };
	size_t i, at;

	at = lower(s->points, s->n, sizeof(*s->points), &key, point_compare);
	if (at == s->n || point_compare(&s->points[at], &key) != 0) {
		if (grow(s, e) != 0)
			return -1;
		memmove(s->points + at + 1, s->points + at,
		    (s->n - at) * sizeof(*s->points));
		s->points[at] = key;
		s->n++;
	} else if (s->points[at].number < key.number)
		s->points[at].number = key.number;
	for (i = at; i > 0 && s->points[i - 1].domain == key.domain; i--)
		s->points[i - 1].order = 0;
	s->points[at].order = 1;
	for (i = at + 1; i < s->n && s->points[i].domain == key.domain; i++)
		s->points[i].order = 0;
	return 0;
}

int
gtid_set_add(struct gtid_set *s, const struct gtid *g, struct err *e)
{
	assert(g->set && g->kind == s->kind && g->number > 0);
	return s->kind == FLAVOUR_MYSQL ? add_span(s, g, e) :
	    add_point(s, g, e);
}

int
gtid_set_union(struct gtid_set *s, const struct gtid_set *other,
    struct err *e)
{
	size_t i, n = s->n, more = other->n;
	int rc = 0;

	assert(s->kind == other->kind);
	for (i = 0; rc == 0 && i < more; i++) {
		if (s->kind == FLAVOUR_MARIADB)
			rc = gtid_set_append_point(s, &other->points[i], e);
		else
			rc = gtid_set_append_span(s, &other->spans[i].source,
			    other->spans[i].from, other->spans[i].to, e);
	}
	if (rc == 0)
		gtid_set_settle(s);
	else
		gtid_set_cut(s, n);
	return rc;
}

int
gtid_set_subtract(struct gtid_set *s, const struct gtid_set *other,
    struct err *e)
{
	struct gtid_set rest = { .kind = FLAVOUR_MYSQL };
	const struct gtid_span *b;
	struct gtid_span a;
	size_t i, k = 0;
	int rc;

	assert(s->kind == FLAVOUR_MYSQL && other->kind == FLAVOUR_MYSQL);
	for (i = 0; i < s->n; i++) {
		a = s->spans[i];
		for (; k < other->n; k++) {
			b = &other->spans[k];
			rc = source_compare(&b->source, &a.source);
			if (rc > 0 || (rc == 0 && b->from > a.to))
				break;
			if (rc < 0 || b->to < a.from)
				continue;
			if (b->from > a.from && gtid_set_append_span(&rest,
			    &a.source, a.from, b->from - 1, e) != 0)
				goto fail;
			a.from = b->to + 1;
			/* b may reach into the next of ours. */
			if (a.from > a.to)
				break;
		}
		if (a.from <= a.to && gtid_set_append_span(&rest, &a.source,
		    a.from, a.to, e) != 0)
			goto fail;
	}
	free(s->spans);
	*s = rest;
	return 0;
fail:
	free(rest.spans);
	return -1;
}

bool
gtid_set_empty(const struct gtid_set *s)
{
	return s->n == 0;
}

/* A domain's highest number, 0 when there is none. */
static uint64_t
highest(const struct gtid_set *s, uint32_t domain)
{
	struct gtid_point key = { .domain = domain };
	uint64_t number = 0;
	size_t i;

	i = lower(s->points, s->n, sizeof(key), &key, point_compare);
	for (; i < s->n && s->points[i].domain == domain; i++)
		if (s->points[i].number > number)
			number = s->points[i].number;
	return number;
}

static bool
covers(const struct gtid_set *s, const struct gtid_span *key)
{
	size_t at;
	const struct gtid_span *span = span_near(s, key, &at);

	return span != NULL && span->to >= key->to;
}

bool
gtid_set_contains(const struct gtid_set *s, const struct gtid *g)
{
	struct gtid_span key;

	assert(g->set && g->kind == s->kind);
	if (s->kind == FLAVOUR_MARIADB)
		return g->number <= highest(s, g->domain);
	key = span_of(g);
	return covers(s, &key);
}

bool
gtid_set_includes(const struct gtid_set *s, const struct gtid_set *other)
{
	size_t i;

	assert(s->kind == other->kind);
	for (i = 0; i < other->n; i++) {
		if (s->kind == FLAVOUR_MARIADB ? other->points[i].number >
		    highest(s, other->points[i].domain) :
		    !covers(s, &other->spans[i]))
			return false;
	}
	return true;
}

bool
gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b)
{
	size_t i;

	if (a->kind != b->kind || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (a->kind == FLAVOUR_MARIADB ?
		    point_compare(&a->points[i], &b->points[i]) != 0 ||
		    a->points[i].number != b->points[i].number ||
		    a->points[i].order != b->points[i].order :
		    span_compare(&a->spans[i], &b->spans[i]) != 0 ||
		    a->spans[i].to != b->spans[i].to)
			return false;
	}
	return true;
}

uint64_t
gtid_set_count(const struct gtid_set *s)
{
	uint64_t count = 0, more;
	size_t i;

	for (i = 0; s->kind == FLAVOUR_MYSQL && i < s->n; i++) {
		more = s->spans[i].to - s->spans[i].from + 1;
		if (more > UINT64_MAX - count)
			return UINT64_MAX;
		count += more;
	}
	return count;
}

void
gtid_set_free(struct gtid_set *s)
{
	if (s == NULL)
		return;
	free(s->spans);
	free(s->points);
	free(s);
}
