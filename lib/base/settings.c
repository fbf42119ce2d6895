/* SPDX-License-Identifier: Apache-2.0 */
/* settings: values by name, whatever they were given by. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#include "base/settings_impl.h"

struct value *
settings_find(const struct settings *s, const char *name)
{
	struct value *best = NULL;
	const struct setting *t;
	unsigned most = 0, fit;
	size_t i;

	/* Verbs and sections may use one name for different things. */
	for (i = 0; i < s->nvalues; i++) {
		t = s->values[i].setting;
		if (strcmp(t->name, name) != 0)
			continue;
		fit = !settings_for_verb(t, s->verb) ? 1 :
		    t->verbs == NULL ? 2 : 3;
		if ((t->flags & s->scope) != 0)
			fit += 3;
		if (fit > most) {
			most = fit;
			best = &s->values[i];
		}
	}
	return best;
}

struct value *
settings_find_in(const struct settings *s, const char *name, unsigned where)
{
	size_t i;

	for (i = 0; i < s->nvalues; i++)
		if (strcmp(s->values[i].setting->name, name) == 0 &&
		    (s->values[i].setting->flags & where) != 0)
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

bool
settings_is_option(const struct settings_program *p, const struct setting *t)
{
	const struct settings_verb *v;

	if (t->verbs == NULL)
		return true;
	for (v = p->verbs; v->name != NULL; v++)
		if (settings_for_verb(t, v))
			return true;
	return false;
}

/* Edit distance with a small limit. */
unsigned
settings_distance(const char *a, const char *b)
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
settings_near(const struct settings *s, const char *name, unsigned where)
{
	const char *best = NULL;
	const struct setting *t;
	unsigned least = 4, d;
	size_t i;

	for (i = 0; i < s->nvalues; i++) {
		t = s->values[i].setting;
		/* Of options those that the verb takes. */
		if (where != 0 ? (t->flags & where) == 0 :
		    !settings_is_option(s->program, t) ||
		    !settings_for_verb(t, s->verb))
			continue;
		d = settings_distance(name, t->name);
		if (d < least && d < strlen(name)) {
			least = d;
			best = t->name;
		}
	}
	return best;
}

/* --- values --- */

void
value_clear(struct value *v)
{
	text_free(v->one);
	while (v->many != NULL && v->n > 0)
		text_free(v->many[--v->n]);
	free(v->many);
	text_free(v->origin);
	*v = (struct value){ .setting = v->setting };
}

const char *
value_item(const struct value *v, size_t i)
{
	return text_str(v->many != NULL ? v->many[i] : v->one);
}

/* Takes a reference of its own. */
static int
add_item(struct value *v, struct text *item)
{
	struct text **many;

	if (v->n == 0) {
		v->one = text_ref(item);
		v->n = 1;
		return 0;
	}
	many = realloc(v->many, (v->n + 1) * sizeof(struct text *));
	if (many == NULL)
		return -1;
	if (v->many == NULL) {
		many[0] = v->one;
		v->one = NULL;
	}
	many[v->n++] = text_ref(item);
	v->many = many;
	return 0;
}

/* The words of "a, b c". */
static int
add_list(struct settings *s, struct value *v, const char *text,
    const char *origin, struct err *e)
{
	struct text *item;
	size_t n;
	int rc = 0;

	for (text += strspn(text, ", \t"); rc == 0 && *text != '\0';
	    text += n, text += strspn(text, ", \t")) {
		n = strcspn(text, ", \t");
		item = text_new(text, n);
		if (item == NULL)
			return err_set(e, ERR_NOMEM, 0, "settings");
		rc = value_check(s, v->setting, text_str(item), origin, e);
		if (rc == 0 && add_item(v, item) != 0)
			rc = err_set(e, ERR_NOMEM, 0, "settings");
		text_free(item);
	}
	return rc;
}

int
settings_give(struct settings *s, struct value *v, struct text *text,
    enum value_rank rank, struct text *origin, struct err *e)
{
	bool list = (v->setting->flags & SETTING_LIST) != 0;
	struct value lower = *v;
	int rc;

	/* What will not count is looked at all the same. */
	if (rank < v->rank) {
		*v = (struct value){ .setting = lower.setting };
		rc = list ? add_list(s, v, text_str(text), text_str(origin),
		    e) : value_check(s, v->setting, text_str(text),
		    text_str(origin), e);
		value_clear(v);
		*v = lower;
		return rc;
	}
	if (!list && value_check(s, v->setting, text_str(text),
	    text_str(origin), e) != 0)
		return -1;
	if (rank > v->rank || (v->setting->flags & SETTING_REPEATED) == 0)
		value_clear(v);
	text = value_meant(v->setting, text);
	rc = text == NULL ? -1 : list ? add_list(s, v, text_str(text),
	    text_str(origin), e) : add_item(v, text);
	text_free(text);
	if (rc != 0)
		return err_set(e, ERR_NOMEM, 0, "settings");
	text_free(v->origin);
	v->origin = text_ref(origin);
	v->rank = rank;
	return 0;
}

int
settings_set(struct settings *s, struct value *v, const char *text,
    enum value_rank rank, const char *origin, struct err *e)
{
	struct text *item = text_new(text, strlen(text));
	struct text *where = text_new(origin, strlen(origin));
	int rc = item == NULL || where == NULL ?
	    err_set(e, ERR_NOMEM, 0, "settings") :
	    settings_give(s, v, item, rank, where, e);

	text_free(item);
	text_free(where);
	return rc;
}

/* --- life --- */

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
	return v->n > 0 ? value_item(v, v->n - 1) : NULL;
}

bool
settings_flag(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	bool flag = false;

	if (text != NULL)
		(void)value_flag(text, &flag);
	return flag;
}

uint64_t
settings_uint(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	uint64_t n = 0;

	if (text != NULL)
		(void)value_uint(text, &n);
	return n;
}

uint64_t
settings_size(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	uint64_t n = 0;

	if (text != NULL)
		(void)value_size(text, &n);
	return n;
}

uint64_t
settings_ms(const struct settings *s, const char *name)
{
	const char *text = settings_str(s, name);
	uint64_t n = 0;

	if (text != NULL)
		(void)value_ms(text, &n);
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
	return value_item(v, i);
}

const char *
settings_origin(const struct settings *s, const char *name, char *text,
    size_t n)
{
	const struct value *v = settings_find(s, name);

	assert(v != NULL);
	(void)snprintf(text, n, "%s", v->origin != NULL ?
	    text_str(v->origin) : "");
	return text;
}

/* One line an item; of a list in one value, one for all. */
static void
print_value(const struct value *v, FILE *out)
{
	bool list = (v->setting->flags & SETTING_LIST) != 0;
	size_t k;

	if (v->n == 0)
		(void)fprintf(out, "# %s is not set\n", v->setting->name);
	for (k = 0; k < v->n; k++) {
		if (k == 0 || !list)
			(void)fprintf(out, "%s = ", v->setting->name);
		(void)fputs(value_item(v, k), out);
		if (!list || k + 1 == v->n)
			(void)fprintf(out, "  # %s\n", text_str(v->origin));
		else
			(void)fputs(", ", out);
	}
}

void
settings_print_effective(const struct settings *s, unsigned where, FILE *out)
{
	const struct setting *t;
	size_t i;

	for (i = 0; i < s->nvalues; i++) {
		t = s->values[i].setting;
		if (where == 0 ? (t->flags & SETTING_IN) == 0 &&
		    settings_is_option(s->program, t) :
		    (t->flags & where) != 0)
			print_value(&s->values[i], out);
	}
}

struct settings *
settings_clone(const struct settings *s, struct err *e)
{
	struct settings *c = calloc(1, sizeof(*c));
	const struct value *from;
	size_t i, k;

	if (c != NULL)
		c->values = calloc(s->nvalues, sizeof(*c->values));
	if (c == NULL || c->values == NULL)
		goto fail;
	c->program = s->program;
	c->scope = s->scope;
	c->verb = s->verb;
	for (i = 0; i < s->nvalues; i++) {
		from = &s->values[i];
		c->values[i] = (struct value){ .setting = from->setting,
		    .rank = from->rank };
		c->nvalues++;
		for (k = 0; k < from->n; k++)
			if (add_item(&c->values[i], from->many != NULL ?
			    from->many[k] : from->one) != 0)
				goto fail;
		c->values[i].origin = text_ref(from->origin);
	}
	c->file = s->file;
	if (c->file != NULL)
		(void)atomic_fetch_add(&c->file->refs, 1);
	return c;
fail:	settings_free(c);
	(void)err_set(e, ERR_NOMEM, 0, "settings");
	return NULL;
}

void
settings_free(struct settings *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->nvalues; i++)
		value_clear(&s->values[i]);
	for (i = 0; i < s->nargs; i++)
		free(s->args[i]);
	file_free(s->file);
	free(s->args);
	free(s->values);
	free(s);
}
