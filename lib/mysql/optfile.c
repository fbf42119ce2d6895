/* SPDX-License-Identifier: Apache-2.0 */
/* optfile: MySQL option files, the [client] and [kura] groups. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "mysql/optfile.h"

#define FILE_MAX ((size_t)1 << 20)
#define DEPTH_MAX 10

enum group { GROUP_OTHER, GROUP_CLIENT, GROUP_KURA };

static int read_depth(const char *path, struct optfile *o, int depth,
    struct err *e);

static char **
field(struct optfile *o, const char *key)
{
	const struct { const char *name; char **at; } keys[] = {
		{ "host", &o->host }, { "port", &o->port },
		{ "socket", &o->socket }, { "user", &o->user },
		{ "password", &o->password }, { "ssl-mode", &o->ssl_mode },
		{ "ssl-ca", &o->ssl_ca }, { "ssl-capath", &o->ssl_capath },
		{ "ssl-cert", &o->ssl_cert }, { "ssl-key", &o->ssl_key },
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, key) == 0)
			return keys[i].at;
	return NULL;
}

static char *
trim(char *s)
{
	size_t n;

	while (*s == ' ' || *s == '\t')
		s++;
	for (n = strlen(s); n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' ||
	    s[n - 1] == '\r'); n--)
		s[n - 1] = '\0';
	return s;
}

/* A comment may end any line, but not inside quotes: as the clients have it,
 * where a backslash counts in quotes alone. */
static void
cut_comment(char *line)
{
	bool escape = false;
	char quote = '\0';

	for (; *line != '\0'; line++) {
		if ((*line == '"' || *line == '\'') && !escape) {
			if (quote == '\0')
				quote = *line;
			else if (quote == *line)
				quote = '\0';
		}
		if (quote == '\0' && *line == '#') {
			*line = '\0';
			return;
		}
		escape = quote != '\0' && *line == '\\' && !escape;
	}
}

/* The value as the clients read it: one pair of quotes around all of it, then
 * the escapes. */
static void
unquote(char *value)
{
	char *from = value, *to = value, *end = value + strlen(value);

	if (end - value > 1 && (*value == '"' || *value == '\'') &&
	    end[-1] == *value) {
		from++;
		end--;
	}
	for (; from < end; from++) {
		if (*from != '\\' || from + 1 == end) {
			*to++ = *from;
			continue;
		}
		from++;
		switch (*from) {
		case 'n': *to++ = '\n'; break;
		case 't': *to++ = '\t'; break;
		case 'r': *to++ = '\r'; break;
		case 'b': *to++ = '\b'; break;
		case 's': *to++ = ' '; break;
		case '"': case '\'': case '\\':
			*to++ = *from;
			break;
		default:
			*to++ = '\\';
			*to++ = *from;
		}
	}
	*to = '\0';
}

static int
set(struct optfile *o, char *line, enum group group, const char *path,
    unsigned number, struct err *e)
{
	char *equals, *key, *value, *p, **at, *copy;

	if (group == GROUP_OTHER)
		return 0;
	cut_comment(line);
	equals = strchr(line, '=');
	if (equals != NULL)
		*equals = '\0';
	key = trim(line);
	for (p = key; *p != '\0'; p++)
		if (*p == '_')
			*p = '-';
	at = field(o, strncmp(key, "loose-", 6) == 0 ? key + 6 : key);
	if (at == NULL) {
		if (group == GROUP_CLIENT)
			return 0;
		return err_set(e, ERR_USAGE, 0, "%s:%u: unknown key '%.60s' "
		    "in [kura]", path, number, key);
	}
	if (equals == NULL) {
		/* "password" alone asks a person; we have none. */
		if (group == GROUP_CLIENT)
			return 0;
		return err_set(e, ERR_USAGE, 0, "%s:%u: %s needs a value",
		    path, number, key);
	}
	value = trim(equals + 1);
	unquote(value);
	copy = strdup(value);
	if (copy == NULL)
		return err_set(e, ERR_NOMEM, 0, "%s", path);
	free(*at);
	*at = copy;
	return 0;
}

static enum group
group_of(const char *name)
{
	if (strcmp(name, "kura") == 0)
		return GROUP_KURA;
	if (strcmp(name, "client") == 0 ||
	    strcmp(name, "client-mariadb") == 0 ||
	    strcmp(name, "client-server") == 0)
		return GROUP_CLIENT;
	return GROUP_OTHER;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
include_dir(const char *dir, struct optfile *o, int depth, struct err *e)
{
	char *names[256], path[4096];
	size_t n = 0, i, len;
	struct dirent *entry;
	DIR *dp = opendir(dir);
	int rc = 0;

	if (dp == NULL)
		return err_set(e, ERR_USAGE, errno, "%s", dir);
	while (n < 256 && (entry = readdir(dp)) != NULL) {
		len = strlen(entry->d_name);
		if (len < 5 || strcmp(entry->d_name + len - 4, ".cnf") != 0)
			continue;
		names[n] = strdup(entry->d_name);
		if (names[n] != NULL)
			n++;
	}
	(void)closedir(dp);
	qsort(names, n, sizeof(names[0]), by_name);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (rc == 0)
			rc = read_depth(path, o, depth + 1, e);
		free(names[i]);
	}
	return rc;
}

static int
include(char *line, struct optfile *o, const char *from, unsigned number,
    int depth, struct err *e)
{
	if (depth >= DEPTH_MAX)
		return err_set(e, ERR_USAGE, 0,
		    "%s:%u: includes nested more than %d deep", from, number,
		    DEPTH_MAX);
	if (depth < 0)		/* text alone: nothing is opened */
		return 0;
	if (strncmp(line, "!includedir", 11) == 0)
		return include_dir(trim(line + 11), o, depth, e);
	if (strncmp(line, "!include", 8) == 0)
		return read_depth(trim(line + 8), o, depth + 1, e);
	return err_set(e, ERR_USAGE, 0, "%s:%u: unknown directive", from,
	    number);
}

static int
parse(const char *text, const char *path, struct optfile *o, int depth,
    struct err *e)
{
	enum group group = GROUP_OTHER;
	const char *end;
	char *line, *p, *close;
	unsigned number = 0;
	int rc = 0;

	for (; rc == 0 && *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = text + strcspn(text, "\n");
		number++;
		line = strndup(text, (size_t)(end - text));
		if (line == NULL)
			return err_set(e, ERR_NOMEM, 0, "%s", path);
		p = trim(line);
		if (*p == '[') {
			close = strchr(p, ']');
			if (close == NULL) {
				rc = err_set(e, ERR_USAGE, 0,
				    "%s:%u: '[' without ']'", path, number);
			} else {
				*close = '\0';
				group = group_of(trim(p + 1));
			}
		} else if (*p == '!') {
			rc = include(p, o, path, number, depth, e);
		} else if (*p != '\0' && *p != '#' && *p != ';') {
			rc = set(o, p, group, path, number, e);
		}
		free(line);
	}
	return rc;
}

int
optfile_parse(const char *text, const char *path, struct optfile *o,
    struct err *e)
{
	return parse(text, path, o, -1, e);
}

static int
read_depth(const char *path, struct optfile *o, int depth, struct err *e)
{
	struct buf text = {0};
	struct stat st;
	int rc = -1;

	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
		return err_set(e, ERR_USAGE, 0,
		    "%s: anybody may write to it: refused", path);
	if (file_read(path, FILE_MAX, &text, e) == 0) {
		if (memchr(buf_str(&text), '\0', text.len) != NULL)
			(void)err_set(e, ERR_USAGE, 0, "%s: not a text file",
			    path);
		else
			rc = parse(buf_str(&text), path, o, depth, e);
	}
	if (text.data != NULL)
		memset(text.data, 0, text.len);
	buf_free(&text);
	return rc;
}

int
optfile_read(const char *path, struct optfile *o, struct err *e)
{
	return read_depth(path, o, 0, e);
}

void
optfile_free(struct optfile *o)
{
	if (o->password != NULL)
		memset(o->password, 0, strlen(o->password));
	free(o->host);
	free(o->port);
	free(o->socket);
	free(o->user);
	free(o->password);
	free(o->ssl_mode);
	free(o->ssl_ca);
	free(o->ssl_capath);
	free(o->ssl_cert);
	free(o->ssl_key);
	*o = (struct optfile){0};
}
