/* SPDX-License-Identifier: Apache-2.0 */
/* page_draw: what the pages draw, as SVG. */
#include <math.h>
#include <stdbool.h>

#include "backupd/facts.h"
#include "base/buf.h"
#include "base/clock.h"

#include "backupd/page_impl.h"

#define MARKS_MAX 400		/* of a kind; more cannot be told apart */

/* Where things stand in a drawing of time. */
struct frame {
	int64_t begin, end;	/* of the time drawn */
	double width;
	int top, high;		/* the band of windows */
	int below;		/* the line of drills */
};

/* The 30 days until now; without a now, any 30 days are as good. */
static struct frame
days_until(int64_t now, double width)
{
	struct frame f = { .end = now, .width = width };

	if (now == FACTS_UNKNOWN)
		f.end = PAGE_DAYS * PAGE_DAY;
	f.begin = f.end - PAGE_DAYS * PAGE_DAY;
	return f;
}

static double
x_of(const struct frame *f, int64_t at)
{
	double share = ((double)at - (double)f->begin) /
	    ((double)f->end - (double)f->begin);

	return fmin(fmax(share, 0), 1) * f->width;
}

static bool
inside(const struct frame *f, int64_t at)
{
	return at != FACTS_UNKNOWN && at >= f->begin && at <= f->end;
}

/* The first of an array's elements to draw: the last ones count. */
static size_t
first_of(const json_t *array)
{
	size_t n = json_array_size(array);

	return n > MARKS_MAX ? n - MARKS_MAX : 0;
}

/* Spans of time as boxes; returns how many are seen. */
static size_t
draw_spans(struct buf *out, const struct frame *f, const json_t *spans,
    const char *class, int top, int high, double least)
{
	const json_t *span;
	int64_t from, to;
	size_t i, n = 0;
	double x, w;

	for (i = first_of(spans); i < json_array_size(spans); i++) {
		span = json_array_get(spans, i);
		from = facts_time(span, "from");
		to = facts_time(span, "to");
		if (to == FACTS_UNKNOWN)
			to = f->end;
		if (from == FACTS_UNKNOWN || to < f->begin || from > f->end)
			continue;
		x = x_of(f, from);
		w = fmax(x_of(f, to) - x, least);
		buf_addf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" "
		    "width=\"%.1f\" height=\"%d\" rx=\"2\"/>", class, x, top,
		    w, high);
		n++;
	}
	return n;
}

/* Backups that are as good as asked for, as one path of dots. */
static size_t
draw_dumps(struct buf *out, const struct frame *f, const json_t *backups,
    bool good)
{
	const json_t *b;
	size_t i, n = 0;
	int64_t at;

	for (i = first_of(backups); i < json_array_size(backups); i++) {
		b = json_array_get(backups, i);
		at = facts_time(b, "at");
		if (!inside(f, at) || good != (facts_true(b, "proven") &&
		    !facts_true(b, "partial")))
			continue;
		if (n++ == 0)
			buf_addf(out, "<path class=\"dot %s\" d=\"", good ?
			    "good" : "poor");
		buf_addf(out, "M%.1f %dh0", x_of(f, at), f->top + f->high / 2);
	}
	if (n > 0)
		buf_adds(out, "\"/>");
	return n;
}

static size_t
draw_drills(struct buf *out, const struct frame *f, const json_t *drills,
    bool ok)
{
	const json_t *d;
	size_t i, n = 0;
	int64_t at;

	for (i = first_of(drills); i < json_array_size(drills); i++) {
		d = json_array_get(drills, i);
		at = facts_time(d, "at");
		if (!inside(f, at) || facts_true(d, "ok") != ok)
			continue;
		if (n++ == 0)
			buf_addf(out, "<path class=\"drill %s\" d=\"", ok ?
			    "good" : "bad");
		/* A tick where it went well, a cross where it did not. */
		buf_addf(out, ok ? "M%.1f %dl2 2.5l4-5" :
		    "M%.1f %dm-.5-2.5l5 5m0-5l-5 5", x_of(f, at) - 3,
		    f->below);
	}
	if (n > 0)
		buf_adds(out, "\"/>");
	return n;
}

static void
draw_weeks(struct buf *out, const struct frame *f, int height)
{
	int64_t at;

	buf_adds(out, "<path class=\"grid\" d=\"");
	for (at = f->end - 7 * PAGE_DAY; at > f->begin; at -= 7 * PAGE_DAY)
		buf_addf(out, "M%.1f 0v%d", x_of(f, at), height);
	buf_adds(out, "\"/>");
}

static void
plural(struct buf *out, size_t n, const char *noun)
{
	buf_addf(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

/* What is drawn, for those who do not see it. */
static void
tell(struct buf *out, const json_t *source)
{
	static const char *const keys[][2] = { { "backups", "backup" },
	    { "windows", "window" }, { "gaps", "gap" },
	    { "drills", "drill" } };
	size_t i;

	buf_adds(out, "<title>30 days of ");
	page_escape(out, facts_word(source, "name"));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		buf_adds(out, i == 0 ? ": " : ", ");
		plural(out, json_array_size(facts_array(source, keys[i][0])),
		    keys[i][1]);
	}
	buf_adds(out, "</title>");
}

static void
draw_all(struct buf *out, const struct frame *f, const json_t *source)
{
	const json_t *backups = facts_array(source, "backups");
	const json_t *drills = facts_array(source, "drills");

	buf_addf(out, "<rect class=\"track\" x=\"0\" y=\"%d\" width=\"%.0f\" "
	    "height=\"%d\" rx=\"2\"/>", f->top, f->width, f->high);
	(void)draw_spans(out, f, facts_array(source, "windows"), "win",
	    f->top, f->high, 1);
	(void)draw_spans(out, f, facts_array(source, "gaps"), "gap",
	    f->top - 3, f->high + 6, 3);
	(void)draw_dumps(out, f, backups, true);
	(void)draw_dumps(out, f, backups, false);
	(void)draw_drills(out, f, drills, true);
	(void)draw_drills(out, f, drills, false);
}

void
page_timeline(struct buf *out, const json_t *source, int64_t now)
{
	struct frame f = days_until(now, 300);

	f.top = 6;
	f.high = 8;
	f.below = 22;
	buf_adds(out, "<svg class=\"line\" role=\"img\" viewBox=\"-4 0 308 "
	    "28\" width=\"308\" height=\"28\">");
	tell(out, source);
	draw_weeks(out, &f, 28);
	draw_all(out, &f, source);
	buf_adds(out, "</svg>");
}

/* The days below a large drawing. */
static void
draw_days(struct buf *out, const struct frame *f, int y)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char rfc[CLOCK_TEXT];
	int64_t at;
	int month;

	for (at = f->begin - f->begin % PAGE_DAY; at <= f->end;
	    at += 5 * PAGE_DAY) {
		if (at < f->begin)
			continue;
		clock_rfc3339(at, rfc);
		month = (rfc[5] - '0') * 10 + (rfc[6] - '0') - 1;
		if (month < 0 || month > 11)
			month = 0;
		buf_addf(out, "<path class=\"grid\" d=\"M%.1f 0v%d\"/><text "
		    "class=\"day\" x=\"%.1f\" y=\"%d\">%d %.3s</text>",
		    x_of(f, at), y - 14, x_of(f, at), y, (rfc[8] - '0') * 10 +
		    (rfc[9] - '0'), months + 3 * month);
	}
}

void
page_timeline_large(struct buf *out, const json_t *source, int64_t now)
{
	struct frame f = days_until(now, 900);

	f.top = 12;
	f.high = 14;
	f.below = 42;
	buf_adds(out, "<svg class=\"line large\" role=\"img\" "
	    "viewBox=\"-8 0 932 72\">");
	tell(out, source);
	draw_days(out, &f, 70);
	draw_all(out, &f, source);
	buf_adds(out, "</svg>");
}

/* --- lines of values --- */

#define SPARK_W 92.0
#define SPARK_H 24.0

/* The largest value that is drawn, how many there are, and the last. */
static size_t
measure(const struct frame *f, const json_t *backups, const char *key,
    double *most, double *last)
{
	double value;
	size_t i, n = 0;

	*most = *last = 0;
	for (i = first_of(backups); i < json_array_size(backups); i++) {
		if (!inside(f, facts_time(json_array_get(backups, i), "at")) ||
		    !facts_number(json_array_get(backups, i), key, &value))
			continue;
		*most = fmax(*most, value);
		*last = value;
		n++;
	}
	return n;
}

void
page_spark(struct buf *out, const json_t *source, const char *key,
    const char *label, void (*say)(struct buf *, double), int64_t now)
{
	struct frame f = days_until(now, SPARK_W);
	const json_t *backups = facts_array(source, "backups"), *b;
	double most, last, value, x = 0, y = 0;
	size_t i, n = measure(&f, backups, key, &most, &last);

	if (n == 0)
		return;
	buf_addf(out, "<svg class=\"spark\" role=\"img\" "
	    "preserveAspectRatio=\"xMinYMid\" viewBox=\"-3 -3 98 "
	    "30\" width=\"98\" height=\"30\"><title>%s of %zu backups in 30 "
	    "days, now ", label, n);
	say(out, last);
	buf_adds(out, ", at most ");
	say(out, most);
	buf_adds(out, "</title><polyline points=\"");
	for (i = first_of(backups); i < json_array_size(backups); i++) {
		b = json_array_get(backups, i);
		if (!inside(&f, facts_time(b, "at")) ||
		    !facts_number(b, key, &value))
			continue;
		x = x_of(&f, facts_time(b, "at"));
		y = SPARK_H - (most > 0 ? fmax(value, 0) / most : 0) * SPARK_H;
		buf_addf(out, "%.1f,%.1f ", x, y);
	}
	buf_addf(out, "\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/></svg>",
	    x, y);
}
