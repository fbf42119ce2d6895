/* SPDX-License-Identifier: Apache-2.0 */
/* check_file_test: what a look at the configuration alone finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backupd/check.h"
#include "backupd/check_impl.h"
#include "backupd/settings.h"
#include "base/err.h"
#include "catalog/settings.h"

static char path[64], secret[64];

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/check-XXXXXX");
	(void)close(mkstemp(path));
	(void)snprintf(secret, sizeof(secret), "/tmp/secret-XXXXXX");
	(void)close(mkstemp(secret));
	(void)unsetenv("KURA_STORE");
	(void)unsetenv("KURA_PASSWORD");
	(void)unsetenv("MYSQL_PWD");
	(void)setenv("HOME", "/nonexistent", 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(secret);
	return 0;
}

static struct settings *
settings_of(const char *text)
{
	char option[100];
	char *argv[] = { (char[]){ "backupd" }, (char[]){ "check" }, option,
	    NULL };
	struct err e = {0};
	struct settings *s = settings_new(&backupd_program, &e);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_non_null(s);
	(void)fputs(text, f);
	(void)fclose(f);
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	(void)settings_parse(s, 3, argv, &e);
	return s;
}

/* want: the findings, with the file's path left out ("@"). */
static void
finds(const char *text, size_t errors, const char *want)
{
	struct settings *s = settings_of(text);
	struct err e = {0};
	struct findings *f = findings_new(&e);
	char *seen = NULL, *at, got[4000] = "";
	size_t n, length = strlen(path);
	FILE *out;
	const char *p;

	assert_non_null(f);
	assert_int_equal(check_offline(s, f), errors);
	out = open_memstream(&seen, &n);
	assert_non_null(out);
	findings_print(f, out);
	(void)fclose(out);
	for (p = seen; (at = strstr(p, path)) != NULL; p = at + length)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got),
		    "%.*s@", (int)(at - p), p);
	(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s", p);
	assert_string_equal(got, want);
	free(seen);
	findings_free(f);
	settings_free(s);
}

#define STORE "[store main]\nurl = file:///srv/kura\n"

static void
test_check_file_nothing_wrong(void **state)
{
	(void)state;
	finds(STORE "[daemon]\nlisten = none\n[source a]\nhost = db1\n"
	    "dump = @daily\nkeep-daily = 7\n[source b]\nhost = db2\n", 0, "");
}

static void
test_check_file_stores(void **state)
{
	(void)state;
	finds("[store main]\n[source a]\n", 1, "@:1: [store main] has no url; "
	    "write url = s3://BUCKET/PREFIX or file:///DIRECTORY\n");
	finds("[store main]\nurl = ftp://x\n[source a]\n", 1, "@:2: 'ftp://x' "
	    "is no store; write s3://BUCKET/PREFIX or file:///DIRECTORY\n");
	finds("[store main]\nurl = s3:///x\n[source a]\n", 1, "@:2: 's3:///x' "
	    "names no bucket\n");
	finds("[store main]\nurl = s3://B/x\n[source a]\n", 1, "@:2: bucket "
	    "'B': not a name that Kura can use\n");
	finds(STORE "[store two]\nurl = file:///x\n[source a]\nstore = main\n",
	    0, "@:4: hint: no source uses [store two]\n");
	finds(STORE "[source a]\nstore = mian\n", 1, "@:4: store 'mian' is "
	    "neither a URL nor a [store NAME] of the configuration; write "
	    "s3://BUCKET/PREFIX or file:///DIRECTORY\n");
	finds("[source a]\nhost = x\n", 1, "@:1: no store is named; give "
	    "--store=URL, KURA_STORE, or a [store NAME] section in "
	    "kura.conf\n");
	finds(STORE, 0, "@: warning: there is no source: nothing is backed "
	    "up; write [source NAME] and host = ...\n");
}

static void
test_check_file_schedule(void **state)
{
	(void)state;
	finds(STORE "[source a]\nkeep-last = 3\ndump = 15 25 * * *\n"
	    "expire = after-dinner\n"
	    "zone = Mars\n", 3,
	    "@:5: dump: cron '15 25 * * *': hour '25': 25 is not 0 to 23\n"
	    "@:6: expire: cron 'after-dinner': 1 field, not 5 (minute hour "
	    "day-of-month month day-of-week); every night at 2:15 is 15 2 * * "
	    "*\n"
	    "@:7: zone: time zone 'Mars': no such file in "
	    "/usr/share/zoneinfo; zones are named as Europe/Berlin or UTC; "
	    "their files are those of package tzdata\n");
	finds(STORE "[source a]\nspread = 400d\n", 1, "@:4: spread: more "
	    "than 366 days\n");
	finds(STORE "[source a]\nwindow = 6-7\n"
	    "endpoints = db1:0, db2, [::1]:x\nping-dump = ftp://x\n", 3,
	    "@:4: window: '6-7' is not HH:MM-HH:MM\n"
	    "@:5: endpoints: 'db1:0' is not HOST[:PORT]\n"
	    "@:6: ping-dump: 'ftp://x' is not https://HOST/...\n");
}

static void
test_check_file_source(void **state)
{
	(void)state;
	finds(STORE "[source Orders]\n", 1, "@:3: source name 'Orders' is not "
	    "[a-z0-9][a-z0-9._-]{0,62} without '..'\n");
	finds(STORE "[source a]\nworkers = 900\n", 1, "@:4: workers 900: not 1 "
	    "to 64\n");
	finds(STORE "[source a]\narchive-memory = 1M\n", 1, "@:4: "
	    "archive-memory: not 16MiB to 64GiB\n");
	finds(STORE "[source a]\nhost = x\nsocket = y\n", 1, "@:4: --host and "
	    "--socket contradict each other\n");
	finds(STORE "[source a]\nhost = x\npassword-file = /no/where\n", 1,
	    "@:5: password-file: /no/where: No such file or directory\n");
	finds(STORE "[source a]\nhost = x\nssl-ca = /no/where\n", 1,
	    "@:5: ssl-ca: cannot read /no/where; name a file that this user "
	    "can read\n");
	finds(STORE "[source a]\nack = yes\nkeep-window = 7d\n", 0,
	    "@:4: warning: ack: nothing is acknowledged where nothing is "
	    "archived; write archive = yes as well\n"
	    "@:5: warning: keep-window: without an archive there is no moment "
	    "between backups to restore to; write archive = yes as well\n");
	finds(STORE "[source a]\narchive = yes\nack = spool\n", 1, "@:5: "
	    "ack=spool needs --spool, a folder that survives a crash\n");
	finds(STORE "[source a]\ndump = @daily\nkeep-min = 0\n", 1, "@:5: "
	    "keep-min: not 1 or more\n@:3: hint: a has no keep-...: its "
	    "backups pile up for ever; set keep-daily or another of them\n");
	finds(STORE "[source a]\nnotify = x\n", 1, "@:4: notify: there is no "
	    "[notify x]\n");
	finds(STORE "[source a]\nuse = x\n", 1, "@:4: there is no [template "
	    "x]; write one, or take the line away\n");
}

static void
test_check_file_secrets_of_others(void **state)
{
	char text[300], want[300];

	(void)state;
	(void)snprintf(text, sizeof(text), STORE "[source a]\nhost = x\n"
	    "password-file = %s\n", secret);
	(void)snprintf(want, sizeof(want), "@:5: password-file: %s: its first "
	    "line is empty\n", secret);
	finds(text, 1, want);
	assert_int_equal(chmod(secret, 0644), 0);
	(void)snprintf(want, sizeof(want), "@:5: password-file: %s: others may "
	    "read this password; chmod 600 %s\n", secret, secret);
	finds(text, 1, want);
}

static void
test_check_file_twins_and_drills(void **state)
{
	(void)state;
	finds(STORE "[source a]\nhost = db1\n[source b]\nhost = db2\n"
	    "[source c]\nhost = db1\nport = 3306\n", 0, "@:7: warning: c is "
	    "the same server as a; one of them will do\n");
	finds(STORE "[source a]\nhost = db1\ndrill = @weekly\n", 1, "@:5: "
	    "drill: no server is named to restore into; set drill-host or "
	    "drill-socket\n");
	finds(STORE "[source a]\nhost = db1\ndrill-host = DB1\n", 1, "@:5: "
	    "drill: it is the source itself that would be emptied; name a "
	    "server that holds nothing else\n");
	finds(STORE "[source a]\nhost = db1\ndrill-host = db1\n"
	    "drill-port = 3307\n", 0, "");
}

static void
test_check_file_daemon_and_notifiers(void **state)
{
	(void)state;
	finds(STORE "[source a]\n[daemon]\nlisten = x\nmax-jobs = 0\n", 1,
	    "@:5: listen: listen 'x': not ADDRESS:PORT; such as "
	    "127.0.0.1:9747, [::1]:9747 or *:9747\n");
	finds(STORE "[source a]\n[daemon]\nlisten = *:1\nmax-jobs = 0\n"
	    "heartbeat = 60s\ntls-cert = /no/where\nsocket-group = nobodys\n"
	    "grace = 1h\n", 5,
	    "@:8: tls-cert: cannot read /no/where; name a file that this user "
	    "can read\n"
	    "@:8: tls-cert without tls-key; give both or neither\n"
	    "@:7: claim-stale: less than three heartbeats would take sources "
	    "from daemons that live\n"
	    "@:6: max-jobs: not 1 to 1000\n"
	    "@:9: socket-group: there is no group nobodys\n"
	    "@:5: warning: listen *:1: whoever reaches this address reads the "
	    "page; set token-file\n"
	    "@:10: warning: grace: a dump or restore that takes longer may "
	    "lose what it reads; leave it at 48h\n");
	finds(STORE "[source a]\n[notify x]\n[notify y]\ntype = exec\n"
	    "[notify z]\ntype = webhook\n[notify p]\ntype = webhook\n"
	    "format = pagerduty\n", 4,
	    "@:4: [notify x] has no type; write type = exec or type = "
	    "webhook\n"
	    "@:5: [notify y] has no command\n"
	    "@:7: [notify z] has no url\n"
	    "@:11: [notify p]: pagerduty needs secret-file; name the file of "
	    "its routing key\n");
	finds(STORE "[source a]\n[notify x]\ntype = exec\n"
	    "command = /nonexistent/page-me 'on call'\n[notify y]\n"
	    "type = exec\ncommand = /bin/cat\n", 0,
	    "@:6: warning: command: /nonexistent/page-me: No such file or "
	    "directory; nobody will hear of a failure by it\n");
}

static void
test_check_file_jobs_of_a_source(void **state)
{
	struct settings *s = settings_of(STORE "[source a]\n");
	struct err e = {0};

	(void)state;
	assert_int_equal(settings_use_source(s, "a", &e), 0);
	assert_int_equal(check_source_jobs(s), FINDING_DUMP);
	settings_free(s);
	s = settings_of(STORE "[source a]\narchive = yes\nkeep-last = 3\n"
	    "verify = @daily\ndrill = @weekly\n");
	assert_int_equal(settings_use_source(s, "a", &e), 0);
	assert_int_equal(check_source_jobs(s), FINDING_ALL);
	settings_free(s);
}

static void
test_check_file_approval_of_a_daemon(void **state)
{
	struct settings *s = settings_of(STORE "[source a]\nhost = db1\n"
	    "workers = 99\n");
	struct err e = {0};
	char want[100];

	(void)state;
	assert_int_equal(check_approve(s, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	(void)snprintf(want, sizeof(want), "%s:5: workers 99: not 1 to 64",
	    path);
	assert_string_equal(e.msg, want);
	settings_free(s);
	e = (struct err){0};
	/* What may hurt stops nothing. */
	s = settings_of(STORE "[source a]\nhost = db1\n[daemon]\n"
	    "grace = 1h\n");
	assert_int_equal(check_approve(s, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	settings_free(s);
}

static void
test_check_file_mistakes_take_the_place_of_the_first(void **state)
{
	struct settings *s = settings_of("[source a]\nthis\nthat\n");
	struct err e = { .code = ERR_USAGE, .msg = "the first" };
	char *text = NULL, want[300];
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	check_mistakes(s, out, &e);
	(void)fclose(out);
	assert_string_equal(e.msg, "2 errors in the configuration");
	assert_int_equal(e.code, ERR_USAGE);
	(void)snprintf(want, sizeof(want), "%s:2: neither [section] nor key = "
	    "value\n%s:3: neither [section] nor key = value\n", path, path);
	assert_string_equal(text, want);
	free(text);
	settings_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_check_file_nothing_wrong),
		TEST(test_check_file_stores),
		TEST(test_check_file_schedule),
		TEST(test_check_file_source),
		TEST(test_check_file_secrets_of_others),
		TEST(test_check_file_twins_and_drills),
		TEST(test_check_file_daemon_and_notifiers),
		TEST(test_check_file_jobs_of_a_source),
		TEST(test_check_file_approval_of_a_daemon),
		TEST(test_check_file_mistakes_take_the_place_of_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
