/* SPDX-License-Identifier: Apache-2.0 */
/* depot: one store that the daemon uses, and what it does in it. */
#include <stdlib.h>
#include <string.h>

#include "backupd/archiver.h"
#include "backupd/claims.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "catalog/settings.h"
#include "store/store.h"

#include "backupd/depot.h"

static const char *const keys[] = { "url", "s3-endpoint", "s3-region",
	"s3-addressing", "s3-profile", "s3-ca-file", "content-md5",
	"store-retry", "max-memory", "part-size", "transfers", "rate" };

static char *
print_of(const struct settings *s)
{
	struct buf text = {0};
	const char *value;
	char *out;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = settings_str(s, keys[i]);
		buf_addf(&text, "%s=%s\n", keys[i], value != NULL ? value :
		    "");
	}
	out = text.failed ? NULL : strdup(buf_str(&text));
	buf_free(&text);
	return out;
}

struct depot *
depot_new(const struct settings *source, struct err *e)
{
	const char *name = settings_str(source, "store");
	struct depot *d;

	if (name == NULL)
		name = settings_only_store(source);
	if (name == NULL || (strstr(name, "://") == NULL &&
	    !settings_has_store(source, name))) {
		(void)err_set(e, ERR_USAGE, 0, name == NULL ? "no store is "
		    "named" : "store '%.80s' is neither a URL nor a [store "
		    "NAME] of the configuration", name);
		(void)err_hint(e, "write store = NAME into [defaults] or "
		    "[source NAME]");
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (d != NULL) {
		d->holds = 1;
		d->name = strdup(name);
		d->settings = settings_clone(source, e);
		d->cancel = cancel_new(e);
	}
	if (d == NULL || d->name == NULL || d->settings == NULL ||
	    d->cancel == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "store");
		depot_close(d);
		return NULL;
	}
	if ((settings_has_store(d->settings, name) && settings_use_store(
	    d->settings, name, e) != 0) ||
	    (d->print = print_of(d->settings)) == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "store");
		depot_close(d);
		return NULL;
	}
	d->rate = settings_size(d->settings, "rate");
	d->memory = (size_t)settings_size(d->settings, "archive-memory");
	return d;
}

void
depot_hold(struct depot *d)
{
	d->holds++;
}

bool
depot_drop(struct depot *d)
{
	return --d->holds == 0;
}

int
depot_open(struct depot *d, struct err *e)
{
	d->store = settings_open_store(d->settings, true, d->cancel, e);
	if (d->store == NULL)
		return -1;
	if (settings_store_id(d->store, d->store_id, e) == 0)
		return 0;
	store_close(d->store);
	d->store = NULL;
	return -1;
}

void
depot_close(struct depot *d)
{
	if (d == NULL)
		return;
	archiver_stop(d->archiver);
	claims_stop(d->claims);
	store_close(d->store);
	cancel_free(d->cancel);
	settings_free(d->settings);
	free(d->name);
	free(d->print);
	free(d);
}
