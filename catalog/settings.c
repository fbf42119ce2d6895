/* SPDX-License-Identifier: Apache-2.0 */
/* settings of all three programs: config and store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "catalog/feed.h"

#include "catalog/settings.h"

#define FORMAT 1

const struct setting settings_common[] = {
	{ "config", SETTING_STRING, 0, NULL, "FILE", NULL, NULL,
	    "the configuration file (else /etc/kura/kura.conf, if there)" },
	{ "store", SETTING_STRING, SETTING_IN_SOURCE, NULL, "URL|NAME", NULL,
	    NULL, "s3://BUCKET/PREFIX, file:///DIRECTORY, or the NAME of a "
	    "[store NAME] section" },
	{ "url", SETTING_STRING, SETTING_IN_STORE | SETTING_NO_ENV, NULL,
	    "URL", NULL, " ", "the URL of this store (kura.conf only)" },
	{ "s3-endpoint", SETTING_STRING, SETTING_IN_STORE, NULL, "URL", NULL,
	    NULL, "S3 endpoint, https://HOST[:PORT]; without: AWS" },
	{ "s3-region", SETTING_STRING, SETTING_IN_STORE, NULL, "NAME", NULL,
	    NULL, "S3 region; without: environment, profile, us-east-1" },
	{ "s3-addressing", SETTING_CHOICE, SETTING_IN_STORE, "auto", "STYLE",
	    "auto|path|virtual", NULL, "how the bucket stands in URLs" },
	{ "s3-profile", SETTING_STRING, SETTING_IN_STORE, NULL, "NAME", NULL,
	    NULL, "profile of the AWS credentials and config files" },
	{ "s3-ca-file", SETTING_STRING, SETTING_IN_STORE, NULL, "FILE", NULL,
	    NULL, "CA bundle to trust instead of the system's" },
	{ "content-md5", SETTING_FLAG, SETTING_IN_STORE, "no", NULL, NULL,
	    NULL, "send Content-MD5 with each write (Object Lock buckets)" },
	{ "store-retry", SETTING_DURATION, SETTING_IN_STORE, "15m", "TIME",
	    NULL, NULL, "how long a request to the store is tried again" },
	{ "max-memory", SETTING_SIZE, SETTING_IN_STORE, "128MiB", "SIZE",
	    NULL, NULL, "budget of all transfer buffers together" },
	{ "part-size", SETTING_SIZE, SETTING_IN_STORE, "16MiB", "SIZE", NULL,
	    NULL, "size of an upload's parts, 5MiB to 1GiB" },
	{ "transfers", SETTING_UINT, SETTING_IN_STORE, "16", "N", NULL, NULL,
	    "requests to the store at once" },
	{ "rate", SETTING_SIZE, SETTING_IN_STORE, "0", "SIZE", NULL, NULL,
	    "bytes a second of all transfers together; 0: no limit" },
	{ "state", SETTING_STRING, SETTING_IN_DAEMON, NULL, "DIR", NULL,
	    NULL, "folder for what is learnt about an endpoint, and for the "
	    "daemon's notes: it may be lost" },
	{ "log-format", SETTING_CHOICE, SETTING_IN_DAEMON, "text", "FORMAT", "text|json",
	    NULL, "how events are written to standard error" },
	{ "log-level", SETTING_CHOICE, SETTING_IN_DAEMON, "info", "LEVEL",
	    "debug|info|warn|error", NULL, "least level of events written" },
	{ "progress-fd", SETTING_UINT, SETTING_NO_ENV, NULL, "N", NULL,
	    " run verify drill expire ", "write progress as JSON lines to this "
	    "open descriptor, 3 or more" },
	{ "audit-file", SETTING_STRING, SETTING_IN_DAEMON, NULL, "FILE", NULL,
	    " serve run undo drill expire hold release annotate leftovers "
	    "verify ", "append the audit log to this file, too" },
	{ "json", SETTING_FLAG, SETTING_NO_ENV, "no", NULL, NULL, NULL,
	    "print facts as one JSON document" },
	{ 0 },
};

const struct setting settings_connection[] = {
	{ "host", SETTING_STRING, SETTING_IN_SOURCE, NULL, "HOST", NULL, NULL,
	    "the server; localhost means its socket" },
	{ "port", SETTING_UINT, SETTING_IN_SOURCE, NULL, "PORT", NULL, NULL,
	    "its port" },
	{ "socket", SETTING_STRING, SETTING_IN_SOURCE, NULL, "PATH", NULL,
	    NULL, "its socket" },
	{ "user", SETTING_STRING, SETTING_IN_SOURCE, NULL, "NAME", NULL, NULL,
	    "account to log in as" },
	{ "password-file", SETTING_STRING, SETTING_IN_SOURCE, NULL, "FILE",
	    NULL, NULL, "the password is the first line of this file" },
	{ "defaults-file", SETTING_STRING, SETTING_IN_SOURCE, NULL, "FILE",
	    NULL, NULL, "read this MySQL option file instead of the usual "
	    "ones" },
	{ "ssl-mode", SETTING_CHOICE, SETTING_IN_SOURCE, NULL, "MODE",
	    "DISABLED|PREFERRED|REQUIRED|VERIFY_CA|VERIFY_IDENTITY", NULL,
	    "as for the mysql client; REQUIRED off this host" },
	{ "ssl-ca", SETTING_STRING, SETTING_IN_SOURCE, NULL, "FILE", NULL,
	    NULL, "CA bundle for the server's certificate" },
	{ "ssl-capath", SETTING_STRING, SETTING_IN_SOURCE, NULL, "DIR", NULL,
	    NULL, "folder of CA certificates" },
	{ "ssl-cert", SETTING_STRING, SETTING_IN_SOURCE, NULL, "FILE", NULL,
	    NULL, "our certificate" },
	{ "ssl-key", SETTING_STRING, SETTING_IN_SOURCE, NULL, "FILE", NULL,
	    NULL, "our key" },
	{ 0 },
};

int
settings_log(const struct settings *s, const char *program, struct err *e)
{
	const char *level = settings_str(s, "log-level");
	struct log_opts opts = { .program = program, .level = LOG_INFO_,
	    .json = strcasecmp(settings_str(s, "log-format"), "json") == 0 };

	if (strcasecmp(level, "debug") == 0)
		opts.level = LOG_DEBUG_;
	else if (strcasecmp(level, "warn") == 0)
		opts.level = LOG_WARN_;
	else if (strcasecmp(level, "error") == 0)
		opts.level = LOG_ERROR_;
	log_setup(&opts);
	return settings_str(s, "progress-fd") == NULL ? 0 :
	    feed_open(settings_uint(s, "progress-fd"), e);
}

/* --- store --- */

/* The URL that --store means; a [store NAME]'s keys are applied. */
static const char *
store_url(struct settings *s, struct err *e)
{
	const char *name = settings_str(s, "store"), *url;

	if (name != NULL && strstr(name, "://") != NULL)
		return name;
	if (name == NULL)
		name = settings_only_store(s);
	if (name == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "no store is named");
		(void)err_hint(e, "give --store=URL, KURA_STORE, or a [store "
		    "NAME] section in kura.conf");
		return NULL;
	}
	if (!settings_has_store(s, name)) {
		(void)err_set(e, ERR_USAGE, 0, "store '%.80s' is neither a "
		    "URL nor a [store NAME] of the configuration", name);
		(void)err_hint(e, "write s3://BUCKET/PREFIX or "
		    "file:///DIRECTORY");
		return NULL;
	}
	if (settings_use_store(s, name, e) != 0)
		return NULL;
	url = settings_str(s, "url");
	if (url == NULL)
		(void)err_set(e, ERR_USAGE, 0, "[store %.80s] has no url",
		    name);
	return url;
}

static int
check_format(const char *text, size_t n, struct err *e)
{
	json_t *doc = json_loadb(text, n, 0, NULL);
	json_int_t format = json_integer_value(json_object_get(doc,
	    "format"));

	json_decref(doc);
	if (format > FORMAT)
		return err_set(e, ERR_USAGE, 0, "kura.json: the store has "
		    "format %lld, which needs a newer Kura",
		    (long long)format);
	if (format != FORMAT)
		return err_set(e, ERR_CORRUPT, 0, "kura.json: damaged");
	return 0;
}

static int
create_format(struct store *store, struct err *e)
{
	char id[33], created[CLOCK_TEXT];
	struct buf text = {0};
	int rc;

	random_hex(id, 32);
	clock_rfc3339(clock_now_us(), created);
	buf_addf(&text, "{\"format\":%d,\"store\":\"%s\",\"created\":\"%s\"}\n",
	    FORMAT, id, created);
	rc = buf_check(&text, "kura.json", e) != 0 ? -1 :
	    store_put(store, "kura.json", text.data, text.len, true, e);
	buf_free(&text);
	return rc;
}

static int
open_format(struct store *store, bool writable, struct err *e)
{
	struct buf text = {0};
	int rc = store_get(store, "kura.json", 65536, &text, e);

	if (rc != 0 && e->code == ERR_NOTFOUND && writable) {
		*e = (struct err){0};
		rc = create_format(store, e);
		if (rc == 0 || e->code != ERR_EXISTS)
			goto out;
		/* Another one was quicker. */
		*e = (struct err){0};
		buf_clear(&text);
		rc = store_get(store, "kura.json", 65536, &text, e);
	}
	if (rc == 0) {
		rc = check_format(buf_str(&text), text.len, e);
	} else if (e->code == ERR_NOTFOUND) {
		*e = (struct err){0};
		(void)err_set(e, ERR_NOTFOUND, 0, "%s holds no Kura store",
		    store_name(store));
		(void)err_hint(e, "check the URL; the first 'backupd run' "
		    "makes one");
	}
out:	buf_free(&text);
	return rc;
}

static int
check_sizes(const struct store_opts *o, uint64_t transfers, struct err *e)
{
	if (o->part_size < (size_t)5 << 20 || o->part_size > (size_t)1 << 30)
		return err_set(e, ERR_USAGE, 0, "--part-size: not 5MiB to "
		    "1GiB");
	if (o->memory < 2 * o->part_size)
		return err_set(e, ERR_USAGE, 0, "--max-memory: less than two "
		    "parts");
	if (transfers < 1 || transfers > 256)
		return err_set(e, ERR_USAGE, 0, "--transfers: not 1 to 256");
	return 0;
}

int
settings_store_opts(struct settings *s, struct store_opts *o,
    char state[SETTINGS_STATE], struct err *e)
{
	const char *home;

	o->url = store_url(s, e);
	if (o->url == NULL)
		return -1;
	o->endpoint = settings_str(s, "s3-endpoint");
	o->region = settings_str(s, "s3-region");
	o->addressing = settings_str(s, "s3-addressing");
	o->profile = settings_str(s, "s3-profile");
	o->ca_file = settings_str(s, "s3-ca-file");
	o->content_md5 = settings_flag(s, "content-md5");
	o->memory = (size_t)settings_size(s, "max-memory");
	o->part_size = (size_t)settings_size(s, "part-size");
	o->retry_ms = settings_ms(s, "store-retry");
	o->rate = settings_size(s, "rate");
	o->state_dir = settings_str(s, "state");
	if (o->state_dir == NULL && (home = getenv("HOME")) != NULL) {
		(void)snprintf(state, SETTINGS_STATE, "%s/.cache/kura", home);
		o->state_dir = state;
	}
	if (check_sizes(o, settings_uint(s, "transfers"), e) != 0)
		return -1;
	o->transfers = (unsigned)settings_uint(s, "transfers");
	return 0;
}

/* Of a job that a daemon begins: is it the store that the daemon opened? */
static int
is_same(struct store *store, const char *wanted, struct err *e)
{
	char id[STORE_ID_LEN + 1];

	if (wanted == NULL)
		return 0;
	if (settings_store_id(store, id, e) != 0)
		return -1;
	if (strcmp(id, wanted) == 0)
		return 0;
	(void)err_set(e, ERR_IO, 0, "%s: it is another store than the one "
	    "that the daemon opened", store_name(store));
	return err_hint(e, "is its disc mounted?");
}

struct store *
settings_open_store(struct settings *s, bool writable,
    struct cancel *cancel, struct err *e)
{
	const char *wanted = getenv(SETTINGS_SAME_STORE);
	bool create = writable && wanted == NULL;
	struct store_opts o = { .cancel = cancel, .create = create };
	char state[SETTINGS_STATE];
	struct store *store;

	if (settings_store_opts(s, &o, state, e) != 0)
		return NULL;
	store = store_open(&o, e);
	if (store != NULL && (open_format(store, create, e) != 0 ||
	    is_same(store, wanted, e) != 0)) {
		store_close(store);
		store = NULL;
	}
	return store;
}

struct store *
settings_open_briefly(struct settings *s, struct err *e)
{
	struct store_opts o = {0};
	char state[SETTINGS_STATE];

	if (settings_store_opts(s, &o, state, e) != 0)
		return NULL;
	o.retry_ms = 10000;
	return store_open(&o, e);
}

int
settings_store_id(struct store *store, char id[STORE_ID_LEN + 1],
    struct err *e)
{
	struct buf text = {0};
	json_t *doc = NULL;
	const char *value;
	int rc = -1;

	if (store_get(store, "kura.json", 65536, &text, e) == 0) {
		doc = json_loadb(buf_str(&text), text.len, 0, NULL);
		value = json_string_value(json_object_get(doc, "store"));
		if (value != NULL && strlen(value) == STORE_ID_LEN) {
			memcpy(id, value, STORE_ID_LEN + 1);
			rc = 0;
		} else {
			(void)err_set(e, ERR_CORRUPT, 0, "kura.json: damaged");
		}
	}
	json_decref(doc);
	buf_free(&text);
	return rc;
}

/* --- secrets --- */

static const char credential[] = "credential:";

/* "credential:orders" is a file of systemd's folder. */
static int
secret_path(const char *path, struct buf *out, struct err *e)
{
	const char *name = path + sizeof(credential) - 1, *dir;

	if (strncmp(path, credential, sizeof(credential) - 1) != 0) {
		buf_adds(out, path);
		return buf_check(out, "secret", e);
	}
	dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir == NULL || name[0] == '\0' || strchr(name, '/') != NULL) {
		(void)err_set(e, ERR_USAGE, 0, "%.80s: systemd hands over no "
		    "such credential", path);
		return err_hint(e, "write LoadCredential=NAME:FILE into the "
		    "unit");
	}
	buf_addf(out, "%s/%s", dir, name);
	return buf_check(out, "secret", e);
}

int
settings_secret(const char *path, char **out, struct err *e)
{
	struct buf text = {0}, where = {0};
	struct stat st;
	int rc = -1;

	*out = NULL;
	if (secret_path(path, &where, e) != 0)
		goto out;
	path = buf_str(&where);
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		(void)err_set(e, ERR_USAGE, 0, "%s: others may read this "
		    "password", path);
		(void)err_hint(e, "chmod 600 %s", path);
		goto out;
	}
	if (file_read(path, 4096, &text, e) != 0) {
		e->code = ERR_USAGE;
	} else {
		*out = strndup(buf_str(&text), strcspn(buf_str(&text),
		    "\r\n"));
		rc = *out != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "password");
	}
out:	if (text.data != NULL)
		memset(text.data, 0, text.len);
	buf_free(&text);
	buf_free(&where);
	return rc;
}
