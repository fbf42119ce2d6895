/* SPDX-License-Identifier: Apache-2.0 */
/* settings_value: the texts that the types of settings take. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#include "base/settings_impl.h"

struct text {
	_Atomic unsigned refs;
	char s[];
};

struct text *
text_new(const char *s, size_t n)
{
	struct text *t = malloc(sizeof(*t) + n + 1);

	if (t == NULL)
		return NULL;
	atomic_init(&t->refs, 1);
	memcpy(t->s, s, n);
	t->s[n] = '\0';
	return t;
}

struct text *
text_ref(struct text *t)
{
	if (t != NULL)
		(void)atomic_fetch_add(&t->refs, 1);
	return t;
}

const char *
text_str(const struct text *t)
{
	return t->s;
}

void
text_free(struct text *t)
{
	if (t != NULL && atomic_fetch_sub(&t->refs, 1) == 1)
		free(t);
}

int
value_flag(const char *text, bool *out)
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

int
value_uint(const char *text, uint64_t *out)
{
	static const char *const units[] = { NULL };
	static const uint64_t factors[] = { 1 };

	return parse_number(text, units, factors, out);
}

int
value_size(const char *text, uint64_t *out)
{
	static const char *const units[] = { "B", "K", "KiB", "M", "MiB", "G",
	    "GiB", "T", "TiB", NULL };
	static const uint64_t factors[] = { 1, 1 << 10, 1 << 10, 1 << 20,
	    1 << 20, 1 << 30, 1 << 30, UINT64_C(1) << 40, UINT64_C(1) << 40 };

	return parse_number(text, units, factors, out);
}

int
value_ms(const char *text, uint64_t *out)
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

/* An option and a variable have the setting's name; a line of a file has it
 * behind its place. */
static int
name_it(const struct setting *t, const char *origin, struct err *e)
{
	return strchr(origin, ':') == NULL ? err_wrap(e, "%s", origin) :
	    err_wrap(e, "%s: %s", origin, t->name);
}

/* The program's own look at it. */
static int
check_closer(const struct settings *s, const struct setting *t,
    const char *text, const char *origin, struct err *e)
{
	const struct settings_check *c;

	for (c = s->program->checks; c != NULL && c->name != NULL; c++)
		if (strcmp(c->name, t->name) == 0 &&
		    (c->where & t->flags & SETTING_IN) != 0 &&
		    c->check(text, e) != 0)
			return name_it(t, origin, e);
	return 0;
}

int
value_check(const struct settings *s, const struct setting *t,
    const char *text, const char *origin, struct err *e)
{
	const char *want = NULL;
	uint64_t n;
	bool flag;

	switch (t->type) {
	case SETTING_STRING:
		break;
	case SETTING_FLAG:
		if (value_flag(text, &flag) != 0)
			want = "yes or no";
		break;
	case SETTING_CHOICE:
		if (!is_choice(t->choices, text) &&
		    ((t->flags & SETTING_SWITCH) == 0 ||
		    value_flag(text, &flag) != 0))
			want = t->choices;
		break;
	case SETTING_UINT:
		if (value_uint(text, &n) != 0)
			want = "a whole number";
		break;
	case SETTING_SIZE:
		if (value_size(text, &n) != 0)
			want = "a size such as 64KiB, 16MiB or 1GiB";
		break;
	case SETTING_DURATION:
		if (value_ms(text, &n) != 0)
			want = "a time such as 500ms, 10s, 5m or 2h";
		break;
	}
	if (want == NULL)
		return check_closer(s, t, text, origin, e);
	(void)err_set(e, ERR_USAGE, 0, "'%.60s' is not %s%s", text,
	    t->type == SETTING_CHOICE ? "one of " : "", want);
	return name_it(t, origin, e);
}

struct text *
value_meant(const struct setting *t, struct text *text)
{
	const char *at = t->choices;
	bool on;

	if ((t->flags & SETTING_SWITCH) == 0 ||
	    is_choice(at, text_str(text)) ||
	    value_flag(text_str(text), &on) != 0)
		return text_ref(text);
	if (on)
		at += strcspn(at, "|") + 1;
	return text_new(at, strcspn(at, "|"));
}
