/* SPDX-License-Identifier: Apache-2.0 */
/* check_section: the daemon's settings, the stores and the notifiers. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backupd/channels.h"
#include "backupd/hook.h"
#include "backupd/http.h"
#include "backupd/token.h"
#include "base/err.h"
#include "catalog/settings.h"
#include "store/endpoint.h"

#include "backupd/check_impl.h"

const char *
check_where(const struct settings *c, const char *key, const char *section,
    char text[CHECK_WHERE])
{
	(void)settings_origin(c, key, text, CHECK_WHERE);
	/* A default stands nowhere. */
	if (text[0] == '\0' || strcmp(text, "default") == 0)
		(void)snprintf(text, CHECK_WHERE, "%s", section != NULL ?
		    section : "");
	return text;
}

/* *at, where the setting is from. */
static struct finding
from(const struct settings *c, const char *key, const struct finding *at,
    char text[CHECK_WHERE])
{
	struct finding x = *at;

	x.where = check_where(c, key, at->where, text);
	return x;
}

bool
check_secret(const struct settings *c, const char *key, struct findings *f,
    const struct finding *at)
{
	const char *path = settings_str(c, key);
	char where[CHECK_WHERE], *secret = NULL;
	struct finding x = from(c, key, at, where);
	struct err e = {0};
	bool right;

	if (path == NULL)
		return true;
	if (settings_secret(path, &secret, &e) != 0) {
		(void)err_wrap(&e, "%s", key);
		finding_err(f, &x, &e);
	} else if (secret[0] == '\0') {
		finding_add(f, &x, "%s: %s: its first line is empty", key,
		    path);
	}
	right = secret != NULL && secret[0] != '\0';
	if (secret != NULL)
		memset(secret, 0, strlen(secret));
	free(secret);
	return right;
}

void
check_there(const struct settings *c, const char *key, struct findings *f,
    const struct finding *at)
{
	const char *path = settings_str(c, key);
	char where[CHECK_WHERE];
	struct finding x = from(c, key, at, where);

	if (path != NULL && access(path, R_OK) != 0) {
		x.todo = "name a file that this user can read";
		finding_add(f, &x, "%s: cannot read %s", key, path);
	}
}

/* --- [daemon] --- */

static void
check_token(const struct settings *d, struct findings *f,
    const struct finding *at)
{
	const char *path = settings_str(d, "token-file");
	char where[CHECK_WHERE];
	struct finding x = from(d, "token-file", at, where);
	uint8_t digest[TOKEN_DIGEST];
	struct err e = {0};

	if (path == NULL || !check_secret(d, "token-file", f, at) ||
	    token_read(path, digest, &e) == 0)
		return;
	(void)err_wrap(&e, "token-file");
	finding_err(f, &x, &e);
}

/* Both can be read. */
static void
check_pair(const struct settings *d, struct findings *f,
    const struct finding *at)
{
	const char *cert = settings_str(d, "tls-cert");
	const char *key = settings_str(d, "tls-key");
	char where[CHECK_WHERE];
	struct finding x = from(d, "tls-cert", at, where);
	struct err e = {0};

	if (cert != NULL && key != NULL && access(cert, R_OK) == 0 &&
	    access(key, R_OK) == 0 && http_tls_check(cert, key, &e) != 0)
		finding_err(f, &x, &e);
}

static void
check_page(const struct settings *d, struct findings *f,
    const struct finding *at)
{
	const char *listen = settings_str(d, "listen"), *key;
	char where[CHECK_WHERE];
	struct finding x = from(d, "listen", at, where);
	struct stat st;

	check_token(d, f, at);
	check_there(d, "tls-cert", f, at);
	check_there(d, "tls-key", f, at);
	check_pair(d, f, at);
	key = settings_str(d, "tls-key");
	if ((key != NULL) != (settings_str(d, "tls-cert") != NULL)) {
		x = from(d, key != NULL ? "tls-key" : "tls-cert", at, where);
		x.todo = "give both or neither";
		finding_add(f, &x, "%s without %s", key != NULL ? "tls-key" :
		    "tls-cert", key != NULL ? "tls-cert" : "tls-key");
	}
	if (key != NULL && stat(key, &st) == 0 &&
	    (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		x = from(d, "tls-key", at, where);
		x.todo = "chmod 600 it";
		finding_add(f, &x, "tls-key: others may read %s", key);
	}
	if (strcmp(listen, "none") == 0 || strncmp(listen, "127.", 4) == 0 ||
	    strncmp(listen, "[::1]", 5) == 0 ||
	    strncmp(listen, "localhost", 9) == 0)
		return;
	x = from(d, "listen", at, where);
	x.level = FINDING_WARNING;
	if (settings_str(d, "token-file") == NULL) {
		x.todo = "set token-file";
		finding_add(f, &x, "listen %s: whoever reaches this address "
		    "reads the page", listen);
	} else if (key == NULL) {
		x.todo = "set tls-cert and tls-key";
		finding_add(f, &x, "listen %s: the token travels in clear "
		    "text", listen);
	}
}

static void
check_times(const struct settings *d, struct findings *f,
    const struct finding *at)
{
	uint64_t beat = settings_ms(d, "heartbeat");
	uint64_t stale = settings_ms(d, "claim-stale");
	char where[CHECK_WHERE];
	struct finding x = from(d, "heartbeat", at, where);

	if (beat < 1000 || beat > 3600000)
		finding_add(f, &x, "heartbeat: not 1s to 1h");
	(void)settings_origin(d, "claim-stale", where, sizeof(where));
	x = from(d, strcmp(where, "default") == 0 ? "heartbeat" :
	    "claim-stale", at, where);
	if (stale < 3 * beat)
		finding_add(f, &x, "claim-stale: less than three heartbeats "
		    "would take sources from daemons that live");
	x = from(d, "grace", at, where);
	x.level = FINDING_WARNING;
	x.todo = "leave it at 48h";
	if (settings_ms(d, "grace") < 48 * UINT64_C(3600000))
		finding_add(f, &x, "grace: a dump or restore that takes "
		    "longer may lose what it reads");
	x = from(d, "max-jobs", at, where);
	if (settings_uint(d, "max-jobs") < 1 ||
	    settings_uint(d, "max-jobs") > 1000)
		finding_add(f, &x, "max-jobs: not 1 to 1000");
}

void
check_daemon(const struct settings *s, struct findings *f)
{
	struct err e = {0};
	struct settings *d = settings_clone(s, &e);
	struct finding at = { .level = FINDING_ERROR, .where =
	    settings_section_origin(s, "daemon", "") }, x;
	char where[CHECK_WHERE];
	struct stat st;

	if (d == NULL || settings_use_daemon(d, &e) != 0) {
		finding_err(f, &at, &e);
		settings_free(d);
		return;
	}
	check_page(d, f, &at);
	check_times(d, f, &at);
	x = from(d, "socket-group", &at, where);
	if (settings_str(d, "socket-group") != NULL &&
	    getgrnam(settings_str(d, "socket-group")) == NULL)
		finding_add(f, &x, "socket-group: there is no group %s",
		    settings_str(d, "socket-group"));
	x = from(d, "state", &at, where);
	if (settings_str(d, "state") != NULL &&
	    stat(settings_str(d, "state"), &st) == 0 &&
	    (!S_ISDIR(st.st_mode) ||
	    access(settings_str(d, "state"), W_OK | X_OK) != 0)) {
		/* Who checks need not be who runs the daemon. */
		x.level = S_ISDIR(st.st_mode) ? FINDING_WARNING :
		    FINDING_ERROR;
		finding_add(f, &x, "state: %s is no folder that this user can "
		    "write", settings_str(d, "state"));
	}
	settings_free(d);
}

/* --- [store NAME] --- */

static void
check_store_url(const struct store_opts *o, struct err *e)
{
	struct endpoint_opts at = { .url = o->endpoint, .region = o->region,
	    .addressing = o->addressing };
	struct endpoint endpoint;
	char bucket[256];
	size_t n;

	if (strncmp(o->url, "file:///", 8) == 0)
		return;
	if (strncmp(o->url, "s3://", 5) != 0) {
		(void)err_set(e, ERR_USAGE, 0, "'%.100s' is no store", o->url);
		(void)err_hint(e, "write s3://BUCKET/PREFIX or "
		    "file:///DIRECTORY");
		return;
	}
	n = strcspn(o->url + 5, "/");
	if (n == 0 || n >= sizeof(bucket)) {
		(void)err_set(e, ERR_USAGE, 0, "'%.100s' names no bucket",
		    o->url);
		return;
	}
	memcpy(bucket, o->url + 5, n);
	bucket[n] = '\0';
	at.bucket = bucket;
	if (endpoint_bucket(bucket, e) == 0)
		(void)endpoint_make(&at, &endpoint, e);
}

static bool
is_used(const struct settings *s, const char *store)
{
	const char *name, *used;
	struct settings *c;
	struct err e;
	bool yes = false;
	size_t i;

	if (settings_only_store(s) != NULL)
		return true;
	for (i = 0; !yes && (name = settings_name(s, "source", i)) != NULL;
	    i++) {
		e = (struct err){0};
		c = settings_clone(s, &e);
		if (c == NULL)
			return true;
		(void)settings_use_source_store(c, name, &e);
		used = settings_str(c, "store");
		yes = used != NULL && strcmp(used, store) == 0;
		settings_free(c);
	}
	return yes;
}

void
check_stores(const struct settings *s, struct findings *f)
{
	struct finding at = { .level = FINDING_ERROR };
	char where[CHECK_WHERE];
	struct store_opts o;
	const char *name;
	struct settings *c;
	struct err e;
	size_t i;

	for (i = 0; (name = settings_name(s, "store", i)) != NULL; i++) {
		e = (struct err){0};
		at.where = settings_section_origin(s, "store", name);
		at.level = FINDING_ERROR;
		c = settings_clone(s, &e);
		if (c == NULL || settings_use_store(c, name, &e) != 0) {
			finding_err(f, &at, &e);
		} else if (settings_str(c, "url") == NULL) {
			at.todo = "write url = s3://BUCKET/PREFIX or "
			    "file:///DIRECTORY";
			finding_add(f, &at, "[store %s] has no url", name);
			at.todo = NULL;
		} else {
			o = (struct store_opts){ .url = settings_str(c, "url"),
			    .endpoint = settings_str(c, "s3-endpoint"),
			    .region = settings_str(c, "s3-region"),
			    .addressing = settings_str(c, "s3-addressing") };
			check_store_url(&o, &e);
			at.where = check_where(c, "url", at.where, where);
			if (e.code != ERR_NONE)
				finding_err(f, &at, &e);
			check_there(c, "s3-ca-file", f, &at);
			at.level = FINDING_HINT;
			if (!is_used(s, name))
				finding_add(f, &at, "no source uses [store "
				    "%s]", name);
		}
		settings_free(c);
	}
}

/* --- [notify NAME] --- */

/* A program that is named by its path can be run. */
static void
check_program(const struct settings *c, struct findings *f,
    const struct finding *at)
{
	const char *command = settings_str(c, "command");
	char where[CHECK_WHERE], **argv = NULL;
	struct finding x;
	struct err e = {0};

	/* What is wrong with its quotes the channels say. */
	if (command == NULL || hook_split(command, &argv, &e) != 0)
		return;
	if (strchr(argv[0], '/') != NULL && access(argv[0], X_OK) != 0) {
		x = from(c, "command", at, where);
		x.level = FINDING_WARNING;
		x.todo = "nobody will hear of a failure by it";
		finding_add(f, &x, "command: %s: %s", argv[0],
		    strerror(errno));
	}
	free(argv);
}

static void
check_notifier(const struct settings *c, const char *name,
    struct findings *f, const struct finding *at)
{
	const char *type = settings_str(c, "type");
	bool exec = type != NULL && strcasecmp(type, "exec") == 0;
	const char *need = exec ? "command" : "url";
	char where[CHECK_WHERE];
	struct finding x = *at;

	if (type == NULL) {
		x.todo = "write type = exec or type = webhook";
		finding_add(f, &x, "[notify %s] has no type", name);
	} else if (settings_str(c, need) == NULL &&
	    strcasecmp(settings_str(c, "format"), "pagerduty") != 0) {
		finding_add(f, &x, "[notify %s] has no %s", name, need);
	}
	if (!exec && strcasecmp(settings_str(c, "format"), "pagerduty") == 0 &&
	    settings_str(c, "secret-file") == NULL) {
		x = from(c, "format", at, where);
		x.todo = "name the file of its routing key";
		finding_add(f, &x, "[notify %s]: pagerduty needs secret-file",
		    name);
	}
	if (exec)
		check_program(c, f, at);
	(void)check_secret(c, "secret-file", f, at);
}

void
check_notifiers(const struct settings *s, struct findings *f)
{
	struct finding at = { .level = FINDING_ERROR };
	size_t before = findings_count(f, FINDING_ERROR), i;
	struct channels *channels;
	const char *name;
	struct settings *c;
	struct err e;

	for (i = 0; (name = settings_name(s, "notify", i)) != NULL; i++) {
		e = (struct err){0};
		at.where = settings_section_origin(s, "notify", name);
		c = settings_clone(s, &e);
		if (c == NULL || settings_use_notify(c, name, &e) != 0)
			finding_err(f, &at, &e);
		else
			check_notifier(c, name, f, &at);
		settings_free(c);
	}
	/* What they themselves look at, told of one. */
	if (findings_count(f, FINDING_ERROR) != before)
		return;
	e = (struct err){0};
	channels = channels_read(s, &e);
	at.where = "";
	if (channels == NULL)
		finding_err(f, &at, &e);
	channels_free(channels);
}
