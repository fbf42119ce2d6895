/* SPDX-License-Identifier: Apache-2.0 */
/* show_audit: the audit log of a store, as text and JSON. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/settings.h"
#include "catalog/audit.h"
#include "catalog/head.h"
#include "catalog/moment.h"
#include "catalog/show.h"

#include "catalog/show_audit.h"

#define DAYS 30		/* that are shown without --from */

struct showing {
	FILE *out;
	const char *source;	/* or NULL: all */
	bool json;
	uint64_t shown, *damaged;
	json_t *damage;
};

static const char *
text(const json_t *entry, const char *name)
{
	const char *s = json_string_value(json_object_get(entry, name));

	return s != NULL ? s : "";
}

/* Words of others on a terminal: no control characters. */
static void
put(FILE *out, const char *s)
{
	for (; *s != '\0'; s++)
		(void)fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s,
		    out);
}

static void
put_after(FILE *out, const char *before, const char *s)
{
	if (s[0] == '\0')
		return;
	(void)fputs(before, out);
	put(out, s);
}

static void
print_text(const json_t *entry, FILE *out)
{
	const json_t *seconds = json_object_get(entry, "seconds");
	const char *tool = text(entry, "tool");
	char time[SHOW_TIME];
	int64_t at = 0;

	(void)clock_parse(text(entry, "at"), &at);
	(void)fprintf(out, "%s  ", show_time(at / 1000000 * 1000000, time));
	if (text(entry, "user")[0] != '\0')
		put(out, text(entry, "user"));
	else
		(void)fprintf(out, "uid %lld", (long long)json_integer_value(
		    json_object_get(entry, "uid")));
	put_after(out, "@", text(entry, "host"));
	(void)fprintf(out, "  %.*s ", (int)strcspn(tool, " "), tool);
	put(out, text(entry, "verb"));
	put_after(out, " ", text(entry, "source"));
	put_after(out, "/", text(entry, "backup"));
	put_after(out, " -> ", text(entry, "target"));
	put_after(out, "  ", text(entry, "result"));
	if (json_is_number(seconds))
		(void)fprintf(out, "  %.1f s", json_number_value(seconds));
	put_after(out, "  for ", text(entry, "by"));
	put_after(out, ": ", text(entry, "message"));
	(void)fputc('\n', out);
}

static int
each(void *arg, const json_t *entry, struct err *e)
{
	struct showing *x = arg;

	(void)e;
	if (x->source != NULL && strcmp(text(entry, "source"),
	    x->source) != 0)
		return 0;
	if (x->json) {
		/* As it comes: the log may be longer than memory is large. */
		(void)fputs(x->shown == 0 ? "\n" : ",\n", x->out);
		(void)json_dumpf(entry, x->out, JSON_COMPACT);
	} else {
		print_text(entry, x->out);
	}
	x->shown++;
	return 0;
}

static void
bad(void *arg, const char *object, const char *why)
{
	struct showing *x = arg;

	(*x->damaged)++;
	if (x->json) {
		(void)json_array_append_new(x->damage, json_pack("{s:s, s:s}",
		    "object", object, "damage", why));
		return;
	}
	(void)fputs("  DAMAGED ", x->out);
	put(x->out, object);
	(void)fputs(": ", x->out);
	put(x->out, why);
	(void)fputc('\n', x->out);
}

/* A time of the command line, or what stands there without one; of a bare day
 * its first or last moment, as its folder in the store is named. */
static int
time_of(const struct settings *s, const char *name, int64_t without,
    int64_t *us, struct err *e)
{
	const char *given = settings_str(s, name);
	char day[40];
	struct moment m;

	*us = without;
	if (given == NULL)
		return 0;
	(void)snprintf(day, sizeof(day), "%.10s%s", given,
	    strcmp(name, "from") == 0 ? "T00:00:00Z" : "T23:59:59.999999Z");
	if (strlen(given) == 10 && clock_parse(day, us) == 0)
		return 0;
	if (moment_parse(given, FLAVOUR_MYSQL, &m, e) != 0)
		return err_wrap(e, "--%s", name);
	if (m.kind != MOMENT_TIME)
		return err_set(e, ERR_USAGE, 0, "--%s: '%.80s' is not a time",
		    name, given);
	*us = m.time_us;
	return 0;
}

int
show_audit(const struct settings *s, struct store *store, uint64_t *damaged,
    FILE *out, struct err *e)
{
	struct showing x = { .out = out, .source = settings_arg(s, 0),
	    .json = settings_flag(s, "json"), .damaged = damaged };
	struct audit_reading r = { .each = each, .bad = bad, .arg = &x };
	int rc;

	if (x.source != NULL && !source_name_valid(x.source))
		return err_set(e, ERR_USAGE, 0, "'%.80s' is no name of a "
		    "source", x.source);
	if (time_of(s, "from", clock_now_us() - DAYS * INT64_C(86400000000),
	    &r.from_us, e) != 0 ||
	    time_of(s, "to", INT64_MAX, &r.to_us, e) != 0)
		return -1;
	x.damage = json_array();
	if (x.json)
		(void)fputs("{\"version\": 1, \"entries\": [", out);
	rc = audit_read(store, &r, e);
	if (x.json) {
		(void)fputs("],\n\"damage\": ", out);
		(void)json_dumpf(x.damage, out, JSON_COMPACT);
		(void)fputs("}\n", out);
	}
	json_decref(x.damage);
	return rc;
}
