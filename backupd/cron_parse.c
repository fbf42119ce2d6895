/* SPDX-License-Identifier: Apache-2.0 */
/* cron_parse: reads cron expressions, and says what is wrong with one. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/zone.h"

#include "backupd/cron_impl.h"

#define EVERY_MAX (INT64_C(366) * CRON_DAY)

static const char *const months[] = { "january", "february", "march",
	"april", "may", "june", "july", "august", "september", "october",
	"november", "december", NULL };
static const char *const weekdays[] = { "sunday", "monday", "tuesday",
	"wednesday", "thursday", "friday", "saturday", NULL };

static const struct field {
	const char *name;
	unsigned low, high;
	const char *const *names;	/* the first stands for low_name */
	unsigned low_name;
} fields[FIELDS] = {
	{ "minute", 0, 59, NULL, 0 },
	{ "hour", 0, 23, NULL, 0 },
	{ "day-of-month", 1, 31, NULL, 0 },
	{ "month", 1, 12, months, 1 },
	{ "day-of-week", 0, 7, weekdays, 0 },
};

static const struct word {
	const char *name, *means;
} words[] = {
	{ "@hourly", "0 * * * *" },
	{ "@daily", "0 0 * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@monthly", "0 0 1 * *" },
	{ "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
	{ "@every", NULL },
	{ 0 },
};

/* What is being read, for messages. */
struct reading {
	const char *text;		/* the whole expression */
	const struct field *field;
	char item[48];			/* one item of the field's list */
	struct err *e;
};

static size_t
common_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && tolower((unsigned char)a[n]) == b[n])
		n++;
	return n;
}

static int
refuse(const struct reading *r, const char *what)
{
	return err_set(r->e, ERR_USAGE, 0, "cron '%s': %s '%s': %s", r->text,
	    r->field->name, r->item, what);
}

/* "mon", "monday", "Mon"; -1 and an error for what is no name. */
static int
name_value(const struct reading *r, const char *name, size_t n)
{
	const char *const *t = r->field->names, *near = NULL;
	char copy[sizeof(r->item)];
	size_t best = 1, common;
	unsigned i;

	(void)memcpy(copy, name, n);
	copy[n] = '\0';
	for (i = 0; t != NULL && t[i] != NULL; i++) {
		if ((n == 3 && strncasecmp(copy, t[i], 3) == 0) ||
		    strcasecmp(copy, t[i]) == 0)
			return (int)(i + r->field->low_name);
		common = common_prefix(copy, t[i]);
		if (common > best) {
			best = common;
			near = t[i];
		}
	}
	if (t == NULL)
		return refuse(r, "names stand only in month and day-of-week");
	(void)err_set(r->e, ERR_USAGE, 0, "cron '%s': %s '%s': no such name",
	    r->text, r->field->name, copy);
	if (near != NULL)
		(void)err_hint(r->e, "did you mean %.3s?", near);
	return -1;
}

/* One number or name at *p; -1 with the error. */
static int
value(const struct reading *r, const char **p)
{
	const char *from = *p;
	unsigned v = 0;

	if (isalpha((unsigned char)**p)) {
		while (isalpha((unsigned char)**p))
			(*p)++;
		return name_value(r, from, (size_t)(*p - from));
	}
	for (; isdigit((unsigned char)**p) && *p - from < 4; (*p)++)
		v = v * 10 + (unsigned)(**p - '0');
	if (*p == from)
		return refuse(r, "a number, a range or * was expected");
	if (v < r->field->low || v > r->field->high)
		return err_set(r->e, ERR_USAGE, 0, "cron '%s': %s '%s': %u is "
		    "not %u to %u", r->text, r->field->name, r->item, v,
		    r->field->low, r->field->high);
	return (int)v;
}

/* "/15" behind a range; 1 without. */
static int
step(const struct reading *r, const char **p, bool range)
{
	const char *from;
	unsigned v = 0;

	if (**p != '/')
		return 1;
	from = ++*p;
	for (; isdigit((unsigned char)**p) && *p - from < 4; (*p)++)
		v = v * 10 + (unsigned)(**p - '0');
	if (!range) {
		(void)refuse(r, "a step needs a range");
		return err_hint(r->e, "as */5 or 10-%u/5", r->field->high);
	}
	if (*p == from || v == 0)
		return refuse(r, "a step is a number from 1 on");
	if (v > r->field->high) {
		(void)refuse(r, "the step is larger than the range");
		return err_hint(r->e, "for a time that is not of the clock "
		    "write @every 90m");
	}
	return (int)v;
}

static int
item(const struct reading *r, uint64_t *bits)
{
	const char *p = r->item;
	int low = (int)r->field->low, high = (int)r->field->high, by;
	bool range = true;

	if (*p == '*') {
		p++;
	} else {
		low = value(r, &p);
		if (low < 0)
			return -1;
		high = low;
		range = *p == '-';
		if (range) {
			p++;
			high = value(r, &p);
			if (high < 0)
				return -1;
		}
	}
	/* A week may end on Sunday. */
	if (r->field->high == 7 && high == 0 && low > 0)
		high = 7;
	by = step(r, &p, range);
	if (by < 0)
		return -1;
	if (*p != '\0')
		return refuse(r, "cannot be read to its end");
	if (low > high) {
		(void)refuse(r, "the range is backwards");
		return err_hint(r->e, "write two: to %u, and from %u on",
		    r->field->high, r->field->low);
	}
	for (; low <= high; low += by)
		*bits |= UINT64_C(1) << low;
	return 0;
}

static int
field_parse(struct cron *c, int i, const char *text, size_t n, struct err *e)
{
	struct reading r = { .text = c->text, .field = &fields[i], .e = e };
	size_t len;

	c->star[i] = text[0] == '*';
	for (;; text += len + 1, n -= len + 1) {
		for (len = 0; len < n && text[len] != ','; len++)
			continue;
		(void)memcpy(r.item, text, len < sizeof(r.item) ? len :
		    sizeof(r.item) - 1);
		r.item[len < sizeof(r.item) ? len : sizeof(r.item) - 1] = '\0';
		if (len >= sizeof(r.item))
			return refuse(&r, "too long");
		if (item(&r, &c->bits[i]) != 0)
			return -1;
		if (len == n)
			break;
	}
	if (i == F_WDAY && cron_has(c, i, 7))
		c->bits[i] |= 1;
	return 0;
}

/* Is there a day of this month and number in any year? */
static int
check_comes(const struct cron *c, struct err *e)
{
	unsigned month, mday;

	/* Then a day of the week is enough. */
	if (!c->star[F_MDAY] && !c->star[F_WDAY])
		return 0;
	for (month = 1; month <= 12; month++)
		for (mday = 1; cron_has(c, F_MONTH, month) &&
		    mday <= zone_month_days(2000, month); mday++)
			if (cron_has(c, F_MDAY, mday))
				return 0;
	return err_set(e, ERR_USAGE, 0, "cron '%s': it never comes: no such "
	    "month has such a day", c->text);
}

static int
fields_parse(struct cron *c, const char *text, struct err *e)
{
	const char *at[FIELDS + 1];
	size_t len[FIELDS + 1], n = 0;
	int i;

	for (text += strspn(text, " \t"); *text != '\0';
	    text += strspn(text, " \t")) {
		if (n <= FIELDS) {
			at[n] = text;
			len[n] = strcspn(text, " \t");
		}
		n++;
		text += strcspn(text, " \t");
	}
	if (n != FIELDS) {
		(void)err_set(e, ERR_USAGE, 0, "cron '%s': %zu field%s, not 5 "
		    "(minute hour day-of-month month day-of-week)", c->text,
		    n, n == 1 ? "" : "s");
		return err_hint(e, "every night at 2:15 is 15 2 * * *");
	}
	for (i = 0; i < FIELDS; i++)
		if (field_parse(c, i, at[i], len[i], e) != 0)
			return -1;
	return check_comes(c, e);
}

static int
every_parse(struct cron *c, const char *text, struct err *e)
{
	static const char units[] = "mhd";
	static const int64_t factors[] = { CRON_MINUTE, CRON_HOUR,
	    CRON_DAY };
	const char *unit = NULL;
	int64_t v = 0;

	text += strspn(text, " \t");
	for (; isdigit((unsigned char)*text) && v < 1000000; text++)
		v = v * 10 + (*text - '0');
	if (*text != '\0')
		unit = strchr(units, tolower((unsigned char)*text));
	if (v == 0 || unit == NULL || text[1] != '\0') {
		(void)err_set(e, ERR_USAGE, 0, "cron '%s': @every needs a "
		    "number of minutes, hours or days", c->text);
		return err_hint(e, "as @every 90m, @every 6h or @every 2d");
	}
	c->every = v * factors[unit - units];
	if (c->every > EVERY_MAX)
		return err_set(e, ERR_USAGE, 0, "cron '%s': more than 366 "
		    "days", c->text);
	return 0;
}

static int
word_parse(struct cron *c, const char *text, struct err *e)
{
	size_t n = strcspn(text, " \t"), best = 2, common, i;
	const char *near = NULL;

	for (i = 0; words[i].name != NULL; i++) {
		common = common_prefix(text, words[i].name);
		if (common == n && words[i].name[n] == '\0')
			break;
		if (common > best) {
			best = common;
			near = words[i].name;
		}
	}
	if (words[i].name == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "cron '%s': no such word",
		    c->text);
		if (near != NULL)
			return err_hint(e, "did you mean %s?", near);
		return err_hint(e, "words are @hourly, @daily, @weekly, "
		    "@monthly, @yearly and @every 6h");
	}
	text += n;
	if (words[i].means == NULL)
		return every_parse(c, text, e);
	if (text[strspn(text, " \t")] != '\0')
		return err_set(e, ERR_USAGE, 0, "cron '%s': nothing may stand "
		    "behind %s", c->text, words[i].name);
	return fields_parse(c, words[i].means, e);
}

bool
cron_is_off(const char *text)
{
	return text == NULL || strcasecmp(text, "never") == 0 ||
	    strcasecmp(text, "no") == 0 || strcasecmp(text, "off") == 0;
}

struct cron *
cron_parse(const char *text, struct err *e)
{
	struct cron *c;
	size_t n;
	int rc;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n > CRON_MAX) {
		(void)err_set(e, ERR_USAGE, 0, "cron '%.20s...': longer than "
		    "%d bytes", text, CRON_MAX);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "cron");
		return NULL;
	}
	(void)memcpy(c->text, text, n);
	rc = c->text[0] == '@' ? word_parse(c, c->text, e) :
	    fields_parse(c, c->text, e);
	if (rc == 0)
		return c;
	cron_free(c);
	return NULL;
}
