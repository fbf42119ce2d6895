/* SPDX-License-Identifier: Apache-2.0 */
/* settings: values by name, whatever they were given by. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#include "base/settings_impl.h"

struct value *
settings_find(const struct settings *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nvalues; i++)
		if (strcmp(s->values[i].setting->name, name) == 0)
			return &s->values[i];
	return NULL;
}

bool
settings_for_verb(const struct setting *t, const struct settings_verb *verb)
{
	const char *at;
	size_t n;

	if (t->verbs == NULL || verb == NULL)
		return true;
	n = strlen(verb->name);
	for (at = t->verbs; (at = strstr(at, verb->name)) != NULL; at += n)
		if (at > t->verbs && at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

/* Edit distance with a small limit. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[64], last, diagonal;
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n >= 64 || m >= 64)
		return 64;
	for (j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= n; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= m; j++) {
			last = row[j];
			row[j] = diagonal + (a[i - 1] != b[j - 1]);
			if (last + 1 < row[j])
				row[j] = last + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			diagonal = last;
		}
	}
	return row[m];
}

const char *
settings_near(const struct settings *s, const char *name)
{
	const char *best = NULL;
	unsigned least = 4, d;
	size_t i;

	for (i = 0; i < s->nvalues; i++) {
		d = distance(name, s->values[i].setting->name);
		if (d < least && d < strlen(name)) {
			least = d;
			best = s->values[i].setting->name;
		}
	}
	return best;
}

/* --- parsing of values --- */

static int
parse_flag(const char *text, bool *out)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	size_t i;

	for (i = 0; i < 4; i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*out = true;
			return 0;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*out = false;
			return 0;
		}
	}
	return -1;
}

/* Digits, then one of the units; 0, or -1 on junk and overflow. */
static int
parse_number(const char *text, const char *const *units,
    const uint64_t *factors, uint64_t *out)
{
	uint64_t v = 0, factor = 1;
	size_t i;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (v > (UINT64_MAX - 9) / 10)
			return -1;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	if (*text != '\0') {
		for (i = 0; units[i] != NULL; i++)
			if (strcasecmp(text, units[i]) == 0)
				break;
		if (units[i] == NULL)
			return -1;
		factor = factors[i];
	} else if (factors[0] != 1 && units[0] != NULL && units[0][0] == '\0') {
		factor = factors[0];
	}
	if (v > INT64_MAX / factor)
		return -1;
	*out = v * factor;
	return 0;
}

static int
parse_uint(const char *text, uint64_t *out)
{
	static const char *const units[] = { NULL };
	static const uint64_t factors[] = { 1 };

	return parse_number(text, units, factors, out);
}

static int
parse_size(const char *text, uint64_t *out)
{
	static const char *const units[] = { "B", "K", "KiB", "M", "MiB", "G",
	    "GiB", "T", "TiB", NULL };
	static const uint64_t factors[] = { 1, 1 << 10, 1 << 10, 1 << 20,
	    1 << 20, 1 << 30, 1 << 30, UINT64_C(1) << 40, UINT64_C(1) << 40 };

	return parse_number(text, units, factors, out);
}

static int
parse_ms(const char *text, uint64_t *out)
{
	static const char *const units[] = { "", "ms", "s", "m", "h", "d",
	    NULL };
	static const uint64_t factors[] = { 1000, 1, 1000, 60000, 3600000,
	    86400000 };

	return parse_number(text, units, factors, out);
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text), len;

	for (;; choices += len + 1) {
		len = strcspn(choices, "|");
		if (len == n && strncasecmp(choices, text, n) == 0)
			return true;
		if (choices[len] == '\0')
			return false;
	}
}

static int
check(const struct setting *t, const char *text, const char *origin,
    struct err *e)
{
	const char *want = NULL;
	uint64_t n;
	bool flag;

	switch (t->type) {
	case SETTING_STRING:
		break;
	case SETTING_FLAG:
		if (parse_flag(text, &flag) != 0)
			want = "yes or no";
		break;
	case SETTING_CHOICE:
		if (!is_choice(t->choices, text))
			want = t->choices;
		break;
	case SETTING_UINT:
		if (parse_uint(text, &n) != 0)
			want = "a whole number";
		break;
	case SETTING_SIZE:
		if (parse_size(text, &n) != 0)
			want = "a size such as 64KiB, 16MiB or 1GiB";
		break;
	case SETTING_DURATION:
		if (parse_ms(text, &n) != 0)
			want = "a time such as 500ms, 10s, 5m or 2h";
		break;
	}
	if (want == NULL)
		return 0;
	return err_set(e, ERR_USAGE, 0, "%s: '%.60s' is not %s%s", origin,
	    text, t->type == SETTING_CHOICE ? "one of " : "", want);
}

static void
value_clear(struct value *v)
{
	while (v->n > 0)
		free(v->items[--v->n]);
	free(v->items);
	free(v->origin);
	v->items = NULL;
	v->origin = NULL;
	v->rank = RANK_NONE;
}

int
settings_set(struct settings *s, struct value *v, const char *text,
    enum value_rank rank, const char *origin, struct err *e)
{
	char **items, *item, *where;

	(void)s;
	if (check(v->setting, text, origin, e) != 0)
		return -1;
	if (rank < v->rank)
		return 0;
	if (rank > v->rank || (v->setting->flags & SETTING_REPEATED) == 0)
		value_clear(v);
	item = strdup(text);
	where = strdup(origin);
	items = realloc(v->items, (v->n + 1) * sizeof(*items));
	if (items != NULL)
		v->items = items;
	if (item == NULL || where == NULL || items == NULL) {
		free(item);
		free(where);
		return err_set(e, ERR_NOMEM, 0, "settings");
	}
	items[v->n++] = item;
	free(v->origin);
	v->origin = where;
	v->rank = rank;
	return 0;
}

struct settings *
settings_new(const struct settings_program *prog, struct err *e)
{
	struct settings *s = calloc(1, sizeof(*s));
	const struct setting *const *table, *t;
	size_t n = 0;

	for (table = prog->tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++)
			n++;
	if (s != NULL)
		s->values = calloc(n, sizeof(*s->values));
	if (s == NULL || s->values == NULL) {
		free(s);
		(void)err_set(e, ERR_NOMEM, 0, "settings");
		return NULL;
	}
	s->program = prog;
	s->tail = &s->keys;
	for (table = prog->tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++) {
			s->values[s->nvalues].setting = t;
			if (t->def != NULL && settings_set(s,
			    &s->values[s->nvalues], t->def, RANK_DEFAULT,
			    "default", e) != 0) {
				s->nvalues++;
				settings_free(s);
				return NULL;
			}
			s->nvalues++;
		}
	return s;
}

bool
settings_done(const struct settings *s)
{
	return s->done;
}

const char *
settings_verb(const struct settings *s)
{
	return s->verb != NULL ? s->verb->name : "";
}

const char *
settings_arg(const struct settings *s, size_t i)
{
	return i < s->nargs ? s->args[i] : NULL;
}

size_t
settings_args(const struct settings *s)
{
	return s->nargs;
}

const char *
settings_str(const struct settings *s, const char *name)
{
	const struct value *v = settings_find(s, name);

	assert(v != NULL);
	return v->n > 0 ? v->items[v->n - 1] : NULL;
}

bool
settings_flag(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	bool flag = false;

	if (text != NULL)
		(void)parse_flag(text, &flag);
	return flag;
}

uint64_t
settings_uint(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	uint64_t n = 0;

	if (text != NULL)
		(void)parse_uint(text, &n);
	return n;
}

uint64_t
settings_size(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	uint64_t n = 0;

	if (text != NULL)
		(void)parse_size(text, &n);
	return n;
}

uint64_t
settings_ms(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	uint64_t n = 0;

	if (text != NULL)
		(void)parse_ms(text, &n);
	return n;
}

size_t
settings_count(const struct settings *s, const char *name)
{
	const struct value *v = settings_find(s, name);

	assert(v != NULL);
	return v->n;
}

const char *
settings_item(const struct settings *s, const char *name, size_t i)
{
	const struct value *v = settings_find(s, name);

	assert(v != NULL && i < v->n);
	return v->items[i];
}

const char *
settings_origin(const struct settings *s, const char *name, char *text,
    size_t n)
{
	const struct value *v = settings_find(s, name);

	assert(v != NULL);
	(void)snprintf(text, n, "%s", v->origin != NULL ? v->origin : "");
	return text;
}

void
settings_print_effective(const struct settings *s, FILE *out)
{
	const struct value *v;
	size_t i, k;

	for (i = 0; i < s->nvalues; i++) {
		v = &s->values[i];
		if (v->n == 0)
			(void)fprintf(out, "# %s is not set\n",
			    v->setting->name);
		for (k = 0; k < v->n; k++)
			(void)fprintf(out, "%s = %s  # %s\n",
			    v->setting->name, v->items[k], v->origin);
	}
}

void
settings_free(struct settings *s)
{
	struct file_key *k;
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->nvalues; i++)
		value_clear(&s->values[i]);
	while (s->keys != NULL) {
		k = s->keys;
		s->keys = k->next;
		free(k->section);
		free(k->key);
		free(k->value);
		free(k);
	}
	for (i = 0; i < s->nargs; i++)
		free(s->args[i]);
	free(s->args);
	free(s->values);
	free(s->config);
	free(s);
}
