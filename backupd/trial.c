/* SPDX-License-Identifier: Apache-2.0 */
/* trial: sends each notifier a test, and says what came back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "backupd/channels.h"
#include "backupd/deliver.h"
#include "backupd/notice.h"
#include "backupd/notify.h"
#include "backupd/post.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/settings.h"

#include "backupd/trial.h"

struct result {
	bool ok;
	char said[DELIVER_SAID];
	char error[384];
	double seconds;
};

/* Where the notice went: a program, or a host alone. */
static const char *
target(const struct notify_channel *c, char host[POST_HOST])
{
	return c->type == NOTIFY_EXEC ? c->argv[0] : post_host(c->url, host);
}

static void
attempt(const struct notify_channel *c, const char *page, struct result *r)
{
	char host[256] = "";
	struct notice_origin origin = { .host = host, .page = page };
	struct notice n = { .kind = NOTICE_FAILURE, .test = true,
	    .at_us = clock_now_us() };
	struct delivery d = { .channel = c, .origin = &origin };
	int64_t begun = clock_mono_ms();
	struct err e = {0};
	unsigned after;

	(void)gethostname(host, sizeof(host) - 1);
	n.since_us = n.at_us;
	(void)snprintf(n.source, sizeof(n.source), "test");
	(void)snprintf(n.key, sizeof(n.key), "test/%.100s", c->name);
	(void)snprintf(n.text, sizeof(n.text), "a test of the notifier %.100s; "
	    "nothing is wrong", c->name);
	random_hex(n.id, NOTICE_ID);
	*r = (struct result){0};
	d.link = post_link_new(&e);
	r->ok = d.link != NULL && deliver(&d, &n, r->said, &after, &e) == 0;
	if (r->ok && c->type == NOTIFY_WEBHOOK &&
	    c->form == NOTICE_PAGERDUTY) {
		/* Leave no incident behind. */
		n.recovered = true;
		r->ok = deliver(&d, &n, r->said, &after, &e) == 0;
	}
	post_link_free(d.link);
	(void)snprintf(r->error, sizeof(r->error), "%s", e.msg);
	r->seconds = (double)(clock_mono_ms() - begun) / 1000;
}

static void
print_text(const struct notify_channel *c, const struct result *r, FILE *out)
{
	char host[POST_HOST];

	if (r->ok)
		(void)fprintf(out, "%s: %s: delivered: %s, %.1f s\n", c->name,
		    target(c, host), r->said, r->seconds);
	else
		(void)fprintf(out, "%s: FAILED: %s, %.1f s\n", c->name,
		    r->error, r->seconds);
}

static json_t *
string(const char *text)
{
	json_t *value = text[0] != '\0' ? json_string(text) : NULL;

	return value != NULL ? value : json_null();
}

static void
add_json(json_t *list, const struct notify_channel *c,
    const struct result *r)
{
	char host[POST_HOST];

	(void)json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:b, "
	    "s:o, s:o, s:f}", "name", string(c->name), "type",
	    c->type == NOTIFY_EXEC ? "exec" : "webhook",
	    "to", string(target(c, host)), "ok", r->ok ? 1 : 0,
	    "said", string(r->said), "error", string(r->error),
	    "seconds", r->seconds));
}

int
trial_run(const struct settings *s, const char *name, bool json, FILE *out,
    struct err *e)
{
	struct channels *all = channels_read(s, e);
	const struct notify_channel *list;
	json_t *results = json_array(), *doc;
	size_t n = 0, i, failed = 0, tried = 0;
	struct result r;

	if (all == NULL)
		goto out;
	list = channels_list(all, &n);
	if (n == 0 || (name != NULL && channels_find(all, name) == NULL)) {
		(void)err_set(e, ERR_USAGE, 0, name != NULL ?
		    "there is no [notify %.60s]" : "there are no notifiers",
		    name);
		(void)err_hint(e, "write [notify NAME] into kura.conf");
		goto out;
	}
	for (i = 0; i < n; i++) {
		if (name != NULL && strcmp(list[i].name, name) != 0)
			continue;
		attempt(&list[i], settings_str(s, "page"), &r);
		tried++;
		failed += r.ok ? 0 : 1;
		if (json)
			add_json(results, &list[i], &r);
		else
			print_text(&list[i], &r, out);
	}
	if (json) {
		doc = json_pack("{s:i, s:O}", "version", 1, "notifiers",
		    results);
		(void)json_dumpf(doc, out, JSON_INDENT(2));
		(void)fputc('\n', out);
		json_decref(doc);
	}
	if (failed > 0)
		(void)err_set(e, ERR_IO, 0, "%zu of %zu notifiers failed",
		    failed, tried);
out:	json_decref(results);
	channels_free(all);
	return e->code == ERR_NONE ? 0 : -1;
}
