/* SPDX-License-Identifier: Apache-2.0 */
/* channels: the [notify NAME] sections of kura.conf. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backupd/hook.h"
#include "backupd/notify.h"
#include "backupd/post.h"
#include "base/err.h"
#include "catalog/settings.h"

#include "backupd/channels.h"

#define PAGERDUTY "https://events.pagerduty.com/v2/enqueue"

struct channels {
	struct notify_channel list[NOTIFY_CHANNELS_MAX];
	size_t n;
};

/* Put where the setting stands before the message. */
static int
blame(const struct settings *s, const char *key, struct err *e)
{
	char where[300];

	(void)settings_origin(s, key, where, sizeof(where));
	return where[0] != '\0' && strcmp(where, "default") != 0 ?
	    err_wrap(e, "%s: %s", where, key) : err_wrap(e, "%s", key);
}

/* Something that the section has not. */
static int
lacks(const struct settings *s, const char *name, const char *what,
    struct err *e)
{
	const char *where = settings_section_origin(s, "notify", name);

	return err_set(e, ERR_USAGE, 0, "%s%s[notify %.60s] %s",
	    where != NULL ? where : "", where != NULL ? ": " : "", name,
	    what);
}

static int
text(const char *value, const char **out, struct err *e)
{
	*out = value != NULL ? strdup(value) : NULL;
	return value != NULL && *out == NULL ?
	    err_set(e, ERR_NOMEM, 0, "notifiers") : 0;
}

static int
read_on(const struct settings *s, struct notify_channel *c, struct err *e)
{
	size_t n = settings_count(s, "on"), i;
	struct notice_filter *on;

	if (n == 0)
		return 0;
	on = calloc(n, sizeof(*on));
	if (on == NULL)
		return err_set(e, ERR_NOMEM, 0, "notifiers");
	c->on = on;
	c->non = n;
	for (i = 0; i < n; i++)
		if (notice_filter_parse(settings_item(s, "on", i), &on[i],
		    e) != 0)
			return blame(s, "on", e);
	return 0;
}

static int
read_exec(const struct settings *s, struct notify_channel *c, struct err *e)
{
	const char *command = settings_str(s, "command");
	char **argv;

	if (command == NULL)
		return lacks(s, c->name, "has no command", e);
	if (hook_split(command, &argv, e) != 0)
		return blame(s, "command", e);
	c->argv = (const char *const *)argv;
	return 0;
}

static int
read_webhook(const struct settings *s, struct notify_channel *c,
    struct err *e)
{
	const char *form = settings_str(s, "format");
	const char *file = settings_str(s, "secret-file");
	char *secret = NULL;

	c->form = strcasecmp(form, "slack") == 0 ? NOTICE_SLACK :
	    strcasecmp(form, "pagerduty") == 0 ? NOTICE_PAGERDUTY :
	    NOTICE_JSON;
	if (file != NULL && settings_secret(file, &secret, e) != 0)
		return blame(s, "secret-file", e);
	c->secret = secret;
	if (c->form == NOTICE_PAGERDUTY && secret == NULL)
		return lacks(s, c->name, "needs secret-file, with "
		    "PagerDuty's routing key", e);
	if (text(settings_str(s, "url"), &c->url, e) != 0)
		return -1;
	if (c->url == NULL && c->form == NOTICE_SLACK) {
		/* All of it is the secret. */
		c->url = c->secret;
		c->secret = NULL;
		if (c->url != NULL && post_check_url(c->url, e) != 0)
			return blame(s, "secret-file", e);
	} else if (c->url == NULL && c->form == NOTICE_PAGERDUTY &&
	    text(PAGERDUTY, &c->url, e) != 0) {
		return -1;
	}
	if (c->url == NULL)
		return lacks(s, c->name, c->form == NOTICE_SLACK ? "has "
		    "neither url nor secret-file with it" : "has no url", e);
	return post_check_url(c->url, e) != 0 ? blame(s, "url", e) : 0;
}

static int
read_one(const struct settings *s, const char *name,
    struct notify_channel *c, struct err *e)
{
	const char *type = settings_str(s, "type");

	if (text(name, &c->name, e) != 0)
		return -1;
	c->time_limit_ms = settings_ms(s, "time-limit");
	c->retry_ms = settings_ms(s, "retry");
	if (c->time_limit_ms < 100 || c->time_limit_ms > 3600000) {
		(void)err_set(e, ERR_USAGE, 0, "not 100ms to 1h");
		return blame(s, "time-limit", e);
	}
	if (read_on(s, c, e) != 0)
		return -1;
	if (type == NULL) {
		(void)lacks(s, name, "has no type", e);
		return err_hint(e, "write type = exec or type = webhook");
	}
	c->type = strcasecmp(type, "exec") == 0 ? NOTIFY_EXEC :
	    NOTIFY_WEBHOOK;
	return c->type == NOTIFY_EXEC ? read_exec(s, c, e) :
	    read_webhook(s, c, e);
}

static int
read_section(const struct settings *s, const char *name,
    struct notify_channel *c, struct err *e)
{
	struct settings *one = settings_clone(s, e);
	int rc = -1;

	if (one != NULL && settings_use_notify(one, name, e) == 0)
		rc = read_one(one, name, c, e);
	settings_free(one);
	return rc;
}

struct channels *
channels_read(const struct settings *s, struct err *e)
{
	struct channels *c = calloc(1, sizeof(*c));
	const char *name;

	if (c == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "notifiers");
		return NULL;
	}
	while ((name = settings_name(s, "notify", c->n)) != NULL) {
		if (c->n == NOTIFY_CHANNELS_MAX) {
			(void)err_set(e, ERR_USAGE, 0, "%s: more than %d "
			    "notifiers", settings_section_origin(s, "notify",
			    name), NOTIFY_CHANNELS_MAX);
			goto err0;
		}
		/* Counted first: what it has is freed. */
		c->n++;
		if (read_section(s, name, &c->list[c->n - 1], e) != 0)
			goto err0;
	}
	return c;

err0:	channels_free(c);
	return NULL;
}

const struct notify_channel *
channels_list(const struct channels *c, size_t *n)
{
	*n = c->n;
	return c->list;
}

const struct notify_channel *
channels_find(const struct channels *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->list[i].name, name) == 0)
			return &c->list[i];
	return NULL;
}

static void
wipe(const char *secret)
{
	char *copy = (char *)(uintptr_t)secret;

	if (copy != NULL)
		explicit_bzero(copy, strlen(copy));
	free(copy);
}

void
channels_free(struct channels *c)
{
	struct notify_channel *x;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++) {
		x = &c->list[i];
		free((void *)(uintptr_t)x->argv);
		free((void *)(uintptr_t)x->on);
		free((char *)(uintptr_t)x->name);
		wipe(x->url);
		wipe(x->secret);
	}
	free(c);
}
