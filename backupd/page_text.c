/* SPDX-License-Identifier: Apache-2.0 */
/* page_text: words, times and numbers of the pages. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backupd/facts.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#include "backupd/page_impl.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define NARROW "\xe2\x80\xaf"	/* a narrow space that does not break */

void
page_escape(struct buf *out, const char *text)
{
	size_t n;

	if (text == NULL)
		return;
	while (*text != '\0') {
		n = utf8_length(text);
		if (n == 0) {
			buf_adds(out, "\xef\xbf\xbd");
			text++;
			continue;
		}
		if (*text == '&')
			buf_adds(out, "&amp;");
		else if (*text == '<')
			buf_adds(out, "&lt;");
		else if (*text == '>')
			buf_adds(out, "&gt;");
		else if (*text == '"')
			buf_adds(out, "&quot;");
		else if (*text == '\'')
			buf_adds(out, "&#39;");
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			buf_addc(out, ' ');
		else
			buf_add(out, text, n);
		text += n;
	}
}

void
page_put(struct buf *out, const char *before, const char *text,
    const char *after)
{
	buf_adds(out, before);
	page_escape(out, text);
	buf_adds(out, after);
}

void
page_span(struct buf *out, int64_t us)
{
	int64_t days = us / PAGE_DAY, hours = us / HOUR;

	if (us < SECOND)
		buf_adds(out, us < SECOND / 1000 ? "0 s" : "under 1 s");
	else if (us < MINUTE)
		buf_addf(out, "%d s", (int)(us / SECOND));
	else if (us < 10 * MINUTE && us % MINUTE >= SECOND)
		buf_addf(out, "%d min %d s", (int)(us / MINUTE),
		    (int)(us % MINUTE / SECOND));
	else if (us < HOUR)
		buf_addf(out, "%d min", (int)(us / MINUTE));
	else if (us < 10 * HOUR && us % HOUR >= MINUTE)
		buf_addf(out, "%d h %d min", (int)hours,
		    (int)(us % HOUR / MINUTE));
	else if (us < 2 * PAGE_DAY)
		buf_addf(out, "%d h", (int)hours);
	else
		buf_addf(out, "%lld days", (long long)days);
}

/* One unit is enough to say how long ago something was. */
static void
rough(struct buf *out, int64_t us)
{
	if (us < MINUTE)
		buf_addf(out, "%d s", (int)(us / SECOND));
	else if (us < HOUR)
		buf_addf(out, "%d min", (int)(us / MINUTE));
	else if (us < 2 * PAGE_DAY)
		buf_addf(out, "%d h", (int)(us / HOUR));
	else
		buf_addf(out, "%lld days", (long long)(us / PAGE_DAY));
}

/* "2026-11-22 18:15:00 UTC". */
static void
whole(int64_t at, char text[CLOCK_TEXT])
{
	char rfc[CLOCK_TEXT];

	clock_rfc3339(at, rfc);
	(void)snprintf(text, CLOCK_TEXT, "%.10s %.8s UTC", rfc, rfc + 11);
}

static void
open_time(struct buf *out, int64_t at)
{
	char text[CLOCK_TEXT], rfc[CLOCK_TEXT];

	clock_rfc3339(at, rfc);
	whole(at, text);
	buf_addf(out, "<time datetime=\"%.19sZ\" title=\"%s\">", rfc, text);
}

void
page_age(struct buf *out, int64_t now, int64_t at)
{
	if (at == FACTS_UNKNOWN || now == FACTS_UNKNOWN) {
		buf_adds(out, at == FACTS_UNKNOWN ? "never" : "");
		if (at != FACTS_UNKNOWN)
			page_date(out, at);
		return;
	}
	open_time(out, at);
	if (at > now + SECOND) {
		buf_adds(out, "in ");
		rough(out, at - now);
	} else if (now - at < 5 * SECOND) {
		buf_adds(out, "just now");
	} else {
		rough(out, now - at);
		buf_adds(out, " ago");
	}
	buf_adds(out, "</time>");
}

void
page_date(struct buf *out, int64_t at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char rfc[CLOCK_TEXT];
	int month;

	if (at == FACTS_UNKNOWN) {
		buf_adds(out, "never");
		return;
	}
	clock_rfc3339(at, rfc);
	month = (rfc[5] - '0') * 10 + (rfc[6] - '0') - 1;
	if (month < 0 || month > 11)
		month = 0;
	open_time(out, at);
	buf_addf(out, "%d %.3s %.5s</time>",
	    (rfc[8] - '0') * 10 + (rfc[9] - '0'), months + 3 * month,
	    rfc + 11);
}

void
page_bytes(struct buf *out, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
	    "PiB", "EiB" };
	size_t i = 0;

	if (!(bytes >= 0))
		bytes = 0;
	while (bytes >= 1023.5 && i + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		i++;
	}
	buf_addf(out, i > 0 && bytes < 9.95 ? "%.1f" : "%.0f", bytes);
	buf_addf(out, " %s", units[i]);
}

void
page_count(struct buf *out, double n)
{
	char digits[32];
	size_t len, i;

	if (!(n >= 0) || n > 1e18)
		n = 0;
	(void)snprintf(digits, sizeof(digits), "%.0f", n);
	len = strlen(digits);
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_adds(out, NARROW);
		buf_addc(out, digits[i]);
	}
}

void
page_seconds(struct buf *out, double seconds)
{
	if (!(seconds >= 0) || seconds > 1e9)
		seconds = 0;
	page_span(out, (int64_t)(seconds * 1e6));
}

const char *
page_result(const json_t *run)
{
	return facts_true(run, "ok") ? "done" :
	    json_is_null(json_object_get(run, "ok")) ? "cancelled" : "failed";
}

const char *
page_class(const json_t *run)
{
	return facts_true(run, "ok") ? "good" :
	    json_is_null(json_object_get(run, "ok")) ? "mute" : "bad";
}
