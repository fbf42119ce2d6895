/* SPDX-License-Identifier: Apache-2.0 */
/* config: the effective settings, in the form of kura.conf. */
#include <string.h>

#include "base/settings.h"

#include "backupd/config.h"

/* One section: a clone in which it is chosen. */
static int
print_section(const struct settings *s, const char *kind, const char *name,
    unsigned where, FILE *out, struct err *e)
{
	struct settings *one = settings_clone(s, e);
	int rc = -1;

	if (one == NULL)
		return -1;
	if (strcmp(kind, "daemon") == 0)
		rc = settings_use_daemon(one, e);
	else if (strcmp(kind, "notify") == 0)
		rc = settings_use_notify(one, name, e);
	else if (strcmp(kind, "store") == 0)
		rc = settings_use_store(one, name, e);
	else
		rc = name[0] == '\0' ? 0 : settings_use_source(one, name, e);
	if (rc == 0) {
		(void)fprintf(out, "\n[%s%s%s]\n", kind, name[0] != '\0' ?
		    " " : "", name);
		settings_print_effective(one, where, out);
	}
	settings_free(one);
	return rc;
}

static int
print_all(const struct settings *s, const char *kind, unsigned where,
    FILE *out, struct err *e)
{
	const char *name;
	size_t i;

	for (i = 0; (name = settings_name(s, kind, i)) != NULL; i++)
		if (print_section(s, kind, name, where, out, e) != 0)
			return -1;
	return 0;
}

/* The store of a source: a section, or a URL to which the options go. */
static int
print_store_of(const struct settings *s, const char *source, FILE *out,
    struct err *e)
{
	struct settings *one = settings_clone(s, e);
	const char *store;
	int rc = -1;

	if (one == NULL)
		return -1;
	if (settings_use_source(one, source, e) == 0) {
		store = settings_str(one, "store");
		if (store == NULL)
			store = settings_only_store(one);
		rc = print_section(s, "store", store != NULL &&
		    settings_has_store(s, store) ? store : "",
		    SETTING_IN_STORE, out, e);
	}
	settings_free(one);
	return rc;
}

int
config_print(const struct settings *s, const char *source, FILE *out,
    struct err *e)
{
	settings_print_effective(s, 0, out);
	if (source != NULL)
		return print_store_of(s, source, out, e) != 0 ? -1 :
		    print_section(s, "source", source, SETTING_IN_SOURCE, out,
		    e);
	if (print_section(s, "daemon", "", SETTING_IN_DAEMON, out, e) != 0 ||
	    print_all(s, "notify", SETTING_IN_NOTIFY, out, e) != 0 ||
	    print_all(s, "store", SETTING_IN_STORE, out, e) != 0)
		return -1;
	/* Without a store's section: what applies to one given by its URL. */
	if (settings_name(s, "store", 0) == NULL && print_section(s, "store",
	    "", SETTING_IN_STORE, out, e) != 0)
		return -1;
	if (print_section(s, "defaults", "", SETTING_IN_SOURCE, out, e) != 0)
		return -1;
	return print_all(s, "source", SETTING_IN_SOURCE, out, e);
}
