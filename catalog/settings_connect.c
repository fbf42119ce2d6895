/* SPDX-License-Identifier: Apache-2.0 */
/* settings_connect: settings become options of a connection. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#include "catalog/settings.h"

static int
read_option_files(const struct settings *s, struct optfile *files,
    struct err *e)
{
	static const char *const usual[] = { "/etc/my.cnf",
	    "/etc/mysql/my.cnf" };
	const char *given = settings_str(s, "defaults-file");
	const char *home = getenv("HOME");
	struct err missing;
	char mine[4096];
	size_t i;

	if (given != NULL) {
		if (optfile_read(given, files, e) == 0)
			return 0;
		if (e->code == ERR_NOTFOUND)
			e->code = ERR_USAGE;
		return -1;
	}
	(void)snprintf(mine, sizeof(mine), "%s/.my.cnf",
	    home != NULL ? home : "");
	for (i = 0; i < 3; i++) {
		missing = (struct err){0};
		if (optfile_read(i < 2 ? usual[i] : mine, files,
		    &missing) != 0 && missing.code != ERR_NOTFOUND &&
		    missing.code != ERR_DENIED) {
			*e = missing;
			return -1;
		}
	}
	return 0;
}

static const char *
pick(const struct settings *s, const char *name, const char *from_file)
{
	const char *text = settings_str(s, name);

	return text != NULL ? text : from_file;
}

int
settings_host_check(const char *host, struct err *e)
{
	const char *colon = strrchr(host, ':'), *end;
	struct in6_addr address;
	char bare[64];

	if (strchr(host, ':') == NULL)
		return 0;
	/* "[::1]:3306", "fe80::1%eth0", "db1:3306" */
	end = host[0] == '[' ? strchr(host, ']') : NULL;
	if (end != NULL || strchr(host, ':') == colon) {
		(void)err_set(e, ERR_USAGE, 0, "'%.100s' is not a host alone",
		    host);
		if (end == NULL)
			end = colon;
		host += host[0] == '[';
		return colon < end || colon[1] == '\0' ? err_hint(e, "did you "
		    "mean host = %.*s?", (int)(end - host), host) :
		    err_hint(e, "did you mean host = %.*s and port = %.10s?",
		    (int)(end - host), host, colon + 1);
	}
	(void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host, "%"),
	    host);
	return inet_pton(AF_INET6, bare, &address) == 1 ? 0 : err_set(e,
	    ERR_USAGE, 0, "'%.100s' is no address of IPv6", host);
}

/* NULL: none given. */
static int
parse_port(const char *text, unsigned *port, struct err *e)
{
	unsigned long v;

	if (text == NULL)
		return 0;
	/* Digits alone: strtoul would also take a sign and turn it round. */
	v = text[strspn(text, "0123456789")] == '\0' ?
	    strtoul(text, NULL, 10) : 0;
	if (v < 1 || v > 65535)
		return err_set(e, ERR_USAGE, 0, "port '%.20s' is not 1 to "
		    "65535", text);
	*port = (unsigned)v;
	return 0;
}

static int
parse_ssl(const char *text, enum conn_ssl *mode, struct err *e)
{
	static const struct { const char *name; enum conn_ssl mode; } all[] = {
		{ "DISABLED", CONN_SSL_DISABLED },
		{ "PREFERRED", CONN_SSL_PREFERRED },
		{ "REQUIRED", CONN_SSL_REQUIRED },
		{ "VERIFY_CA", CONN_SSL_VERIFY_CA },
		{ "VERIFY_IDENTITY", CONN_SSL_VERIFY_IDENTITY },
	};
	size_t i;

	*mode = CONN_SSL_DEFAULT;
	if (text == NULL)
		return 0;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcasecmp(text, all[i].name) == 0) {
			*mode = all[i].mode;
			return 0;
		}
	return err_set(e, ERR_USAGE, 0, "ssl-mode '%.40s' is not known",
	    text);
}

int
settings_connect(const struct settings *s, const char *program,
    struct conn_opts *opts, struct optfile *files, struct err *e)
{
	const char *secret, *file = settings_str(s, "password-file");

	*files = (struct optfile){0};
	*opts = (struct conn_opts){ .program = program };
	if (read_option_files(s, files, e) != 0)
		return -1;
	secret = getenv("KURA_PASSWORD");
	if (secret == NULL)
		secret = getenv("MYSQL_PWD");
	if (file != NULL) {
		free(files->password);
		if (settings_secret(file, &files->password, e) != 0)
			return -1;
	} else if (secret != NULL) {
		free(files->password);
		files->password = strdup(secret);
		if (files->password == NULL)
			return err_set(e, ERR_NOMEM, 0, "password");
	}
	opts->host = pick(s, "host", files->host);
	opts->socket = pick(s, "socket", files->socket);
	/* A socket named on the command line wins over a host in a file. */
	if (settings_str(s, "socket") != NULL &&
	    settings_str(s, "host") == NULL)
		opts->host = NULL;
	if (opts->host != NULL && settings_host_check(opts->host, e) != 0)
		return err_wrap(e, "host");
	opts->user = pick(s, "user", files->user);
	opts->password = files->password;
	if (parse_port(pick(s, "port", files->port), &opts->port, e) != 0)
		return -1;
	opts->ssl_ca = pick(s, "ssl-ca", files->ssl_ca);
	opts->ssl_capath = pick(s, "ssl-capath", files->ssl_capath);
	opts->ssl_cert = pick(s, "ssl-cert", files->ssl_cert);
	opts->ssl_key = pick(s, "ssl-key", files->ssl_key);
	if (settings_str(s, "host") != NULL &&
	    settings_str(s, "socket") != NULL &&
	    strcasecmp(opts->host, "localhost") != 0)
		return err_set(e, ERR_USAGE, 0, "--host and --socket "
		    "contradict each other");
	return parse_ssl(pick(s, "ssl-mode", files->ssl_mode), &opts->ssl, e);
}

/* --- the target of drills --- */

/* The source's own server must not be it, and is known to be by its address
 * before anybody connects. */
static int
not_the_source(const struct settings *s, const struct conn_opts *o,
    struct err *e)
{
	static const char *const flags[] = { "host", "port", "socket", "user",
	    "password-file", "defaults-file", "ssl-mode", "ssl-ca" };
	const char *host = settings_str(s, "host");
	const char *path = settings_str(s, "socket");
	char text[64];
	unsigned port = 0;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strncmp(settings_origin(s, flags[i], text, sizeof(text)),
		    "--", 2) == 0)
			return err_set(e, ERR_USAGE, 0, "a drill is told its "
			    "server by --drill-%s, not --%s", flags[i],
			    flags[i]);
	if (parse_port(settings_str(s, "port"), &port, e) != 0)
		return -1;
	if (!conn_is_local(o) && host != NULL ?
	    strcasecmp(host, o->host) == 0 && (port != 0 ? port : 3306) ==
	    (o->port != 0 ? o->port : 3306) : o->socket != NULL &&
	    path != NULL && strcmp(path, o->socket) == 0) {
		(void)err_set(e, ERR_USAGE, 0, "the drill's server, %s, is "
		    "the source's own", conn_is_local(o) ? o->socket :
		    o->host);
		return err_hint(e, "a drill needs a server that may be thrown "
		    "away");
	}
	return 0;
}

int
settings_connect_drill(const struct settings *s, const char *program,
    struct conn_opts *opts, struct optfile *files, struct err *e)
{
	const char *given = settings_str(s, "drill-defaults-file");
	const char *file = settings_str(s, "drill-password-file");

	*files = (struct optfile){0};
	*opts = (struct conn_opts){ .program = program };
	if (given != NULL && optfile_read(given, files, e) != 0) {
		if (e->code == ERR_NOTFOUND)
			e->code = ERR_USAGE;
		return -1;
	}
	if (file != NULL) {
		free(files->password);
		if (settings_secret(file, &files->password, e) != 0)
			return -1;
	}
	opts->host = pick(s, "drill-host", files->host);
	opts->socket = pick(s, "drill-socket", files->socket);
	if (settings_str(s, "drill-socket") != NULL &&
	    settings_str(s, "drill-host") == NULL)
		opts->host = NULL;
	if (opts->host == NULL && opts->socket == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "no server is named for the "
		    "drill");
		return err_hint(e, "give --drill-host or --drill-socket, or "
		    "drill-host in the source's section");
	}
	if (opts->host != NULL && settings_host_check(opts->host, e) != 0)
		return err_wrap(e, "drill-host");
	opts->user = pick(s, "drill-user", files->user);
	opts->password = files->password;
	opts->ssl_ca = pick(s, "drill-ssl-ca", files->ssl_ca);
	opts->ssl_capath = files->ssl_capath;
	opts->ssl_cert = files->ssl_cert;
	opts->ssl_key = files->ssl_key;
	return parse_port(pick(s, "drill-port", files->port), &opts->port,
	    e) != 0 || not_the_source(s, opts, e) != 0 ? -1 :
	    parse_ssl(pick(s, "drill-ssl-mode", files->ssl_mode), &opts->ssl,
	    e);
}
