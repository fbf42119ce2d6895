/* SPDX-License-Identifier: Apache-2.0 */
/* settings_tables: the keys of kura.conf that the three programs share. */
#include <stddef.h>

#include "catalog/settings.h"

#define SOURCE SETTING_IN_SOURCE
#define DAEMON SETTING_IN_DAEMON
#define NOTIFY (SETTING_IN_NOTIFY | SETTING_NO_ENV)

const struct setting settings_daemon[] = {
	{ "listen", SETTING_STRING, DAEMON, "127.0.0.1:9747", "ADDR:PORT",
	    NULL, " serve ", "where the page, the API and the metrics are; "
	    "none: nowhere" },
	{ "socket", SETTING_STRING, DAEMON | SETTING_NO_ENV, NULL, "PATH",
	    NULL, " serve status start cancel pause resume drain reload ",
	    "the daemon's control socket (default: backupd.sock in the folder of "
	    "state)" },
	{ "socket-group", SETTING_STRING, DAEMON, NULL, "GROUP", NULL,
	    " serve ", "members of this group may use the control socket, "
	    "too" },
	{ "jobs", SETTING_CHOICE, DAEMON | SETTING_LIST,
	    "dump, archive, expire, verify, drill", "LIST",
	    "dump|archive|expire|verify|drill", " serve ",
	    "the kinds of job that this daemon does" },
	{ "max-jobs", SETTING_UINT, DAEMON, "4", "N", NULL, " serve ",
	    "jobs at once" },
	{ "max-jobs-per-store", SETTING_UINT, DAEMON, "0", "N", NULL,
	    " serve ", "jobs at once with one store; 0: no limit" },
	{ "max-jobs-per-group", SETTING_UINT, DAEMON, "1", "N", NULL,
	    " serve ", "jobs at once with the sources of one group; 0: no "
	    "limit" },
	{ "retry-after", SETTING_DURATION, DAEMON, "10m", "TIME", NULL,
	    " serve ", "a dump that failed for a reason that may pass is "
	    "tried once more after this time" },
	{ "grace", SETTING_DURATION, DAEMON, "48h", "TIME", NULL,
	    " serve expire ", "what was marked is swept no sooner than after "
	    "this time" },
	{ "heartbeat", SETTING_DURATION, DAEMON, "30s", "TIME", NULL,
	    " serve ", "how often a daemon says in the store that it is "
	    "alive" },
	{ "claim-stale", SETTING_DURATION, DAEMON, "120s", "TIME", NULL,
	    " serve ", "a daemon silent for so long loses its sources to "
	    "others" },
	{ "token-file", SETTING_STRING, DAEMON, NULL, "FILE", NULL,
	    " serve ", "who knows the first line of this file may read the "
	    "page, the API and the metrics" },
	{ "tls-cert", SETTING_STRING, DAEMON, NULL, "FILE", NULL, " serve ",
	    "certificate with which the page is served, PEM" },
	{ "tls-key", SETTING_STRING, DAEMON, NULL, "FILE", NULL, " serve ",
	    "its key, PEM" },
	{ "page", SETTING_STRING, DAEMON, NULL, "URL", NULL, " ",
	    "where people find the page, for notices to name it" },
	{ "allow-root", SETTING_FLAG, DAEMON, "no", NULL, NULL, " serve ",
	    "let the daemon run as root" },
	{ "include", SETTING_STRING, DAEMON | SETTING_REPEATED |
	    SETTING_NO_ENV, NULL, "PATTERN", NULL, " ", "read these files of "
	    "the same form, too: a pattern, or a folder of *.conf" },
	{ 0 },
};

const struct setting settings_notify[] = {
	{ "type", SETTING_CHOICE, NOTIFY, NULL, "TYPE", "exec|webhook", " ",
	    "run a command, or send a web request" },
	{ "command", SETTING_STRING, NOTIFY, NULL, "COMMAND", NULL, " ",
	    "exec: what is run; it reads the event on standard input" },
	{ "url", SETTING_STRING, NOTIFY, NULL, "URL", NULL, " ",
	    "webhook: where the event is sent" },
	{ "format", SETTING_CHOICE, NOTIFY, "json", "FORMAT",
	    "json|slack|pagerduty", " ", "webhook: the form of the event" },
	{ "secret-file", SETTING_STRING, NOTIFY, NULL, "FILE", NULL, " ",
	    "webhook: the first line of this file signs the event; for "
	    "PagerDuty it is the routing key, for Slack it may be the URL" },
	{ "on", SETTING_STRING, NOTIFY | SETTING_LIST, NULL, "KINDS", NULL,
	    " ", "only these kinds of event; unset: all" },
	{ "time-limit", SETTING_DURATION, NOTIFY, "30s", "TIME", NULL, " ",
	    "longest time for one attempt" },
	{ "retry", SETTING_DURATION, NOTIFY, "10m", "TIME", NULL, " ",
	    "how long a failed attempt is repeated" },
	{ 0 },
};

const struct setting settings_dump[] = {
	{ "include", SETTING_STRING, SOURCE | SETTING_REPEATED, NULL,
	    "PATTERN", NULL, " run config ",
	    "dump only schemas or tables (schema, schema.table; * and ?) that "
	    "match; the backup is marked partial" },
	{ "exclude", SETTING_STRING, SOURCE | SETTING_REPEATED, NULL,
	    "PATTERN", NULL, " run config ",
	    "leave these schemas or tables out; the backup is marked "
	    "partial" },
	{ "workers", SETTING_UINT, SOURCE, NULL, "N", NULL, " run config ",
	    "connections that read at the same time, 1 to 64 (default: the "
	    "cores of this host, at most 8)" },
	{ "level", SETTING_UINT, SOURCE, "1", "N", NULL, " run config ",
	    "zstd level, 1 to 19" },
	{ "accounts", SETTING_FLAG, SOURCE, "yes", NULL, NULL,
	    " run config ", "dump accounts, roles and grants as well" },
	{ "segment-age", SETTING_DURATION, SOURCE, "10s", "TIME", NULL,
	    " archive config ", "store what was committed at the latest "
	    "after this time" },
	{ "archive-memory", SETTING_SIZE, SOURCE, "128MiB", "SIZE", NULL,
	    " archive config ", "bytes of all sources that wait to be "
	    "stored" },
	{ "ack", SETTING_CHOICE, SOURCE | SETTING_SWITCH, "off", "WHERE",
	    "off|store|spool", " archive config ", "let commits of a "
	    "semi-synchronous source wait until they are in the store, or in "
	    "a local folder" },
	{ "spool", SETTING_STRING, SOURCE, NULL, "DIR", NULL,
	    " archive config ", "the folder of --ack=spool" },
	{ "spool-limit", SETTING_SIZE, SOURCE, "1GiB", "SIZE", NULL,
	    " archive config ", "most bytes of one source in the spool; then "
	    "commits wait for the store" },
	{ "allow-unproven", SETTING_FLAG, SOURCE, "no", NULL, NULL,
	    " run config ", "go on when no consistent snapshot can be proven; "
	    "the catalog says so" },
	{ "lock-hold", SETTING_DURATION, SOURCE, "5s", "TIME", NULL,
	    " run config ", "longest time that commits may be stopped" },
	{ "lock-wait", SETTING_DURATION, SOURCE, "60s", "TIME", NULL,
	    " run config ", "how long to try to get the locks, in short "
	    "attempts" },
	{ "snapshot-wait", SETTING_DURATION, SOURCE, "10s", "TIME", NULL,
	    " run config ", "how long to try to prove a snapshot without "
	    "locks" },
	{ "ddl-wait", SETTING_DURATION, SOURCE, "30s", "TIME", NULL,
	    " run config ", "give the dump up when a session has waited this "
	    "long for a metadata lock of ours; 0: never" },
	{ "time-limit", SETTING_DURATION, SOURCE, "24h", "TIME", NULL,
	    " run config ", "a run that takes longer commits nothing" },
	{ "undo-soft", SETTING_UINT, SOURCE, "0", "N", NULL, " run config ",
	    "slow down when InnoDB's undo history is longer; 0: never" },
	{ "undo-hard", SETTING_UINT, SOURCE, "0", "N", NULL, " run config ",
	    "give up when InnoDB's undo history is longer; 0: never" },
	{ "threads-soft", SETTING_UINT, SOURCE, "0", "N", NULL,
	    " run config ", "slow down when more threads are running; 0: "
	    "never" },
	{ "threads-hard", SETTING_UINT, SOURCE, "0", "N", NULL,
	    " run config ", "give up when more threads are running; 0: "
	    "never" },
	{ "lag-soft", SETTING_DURATION, SOURCE, "0", "TIME", NULL,
	    " run config ", "slow down when a replica lags further behind; "
	    "0: never" },
	{ "lag-hard", SETTING_DURATION, SOURCE, "0", "TIME", NULL,
	    " run config ", "give up when a replica lags further behind; 0: "
	    "never" },
	{ 0 },
};

const struct setting settings_schedule[] = {
	{ "dump", SETTING_STRING, SOURCE | SETTING_NO_ENV, NULL, "CRON",
	    NULL, " ", "when backups are made" },
	{ "archive", SETTING_FLAG, SOURCE | SETTING_NO_ENV, "no", NULL, NULL,
	    " ", "archive the binary logs all the time" },
	{ "expire", SETTING_STRING, SOURCE | SETTING_NO_ENV, "after-dump",
	    "CRON|after-dump", NULL, " ", "when backups that no rule keeps "
	    "go" },
	{ "verify", SETTING_STRING, SOURCE | SETTING_NO_ENV, NULL, "CRON",
	    NULL, " ", "when a share of the store is read and checked" },
	{ "verify-within", SETTING_DURATION, SOURCE, "30d", "TIME", NULL,
	    " ", "each object is read again within this time" },
	{ "drill", SETTING_STRING, SOURCE | SETTING_NO_ENV, NULL, "CRON",
	    NULL, " ", "when the newest backup is restored for a trial" },
	{ "zone", SETTING_STRING, SOURCE, NULL, "ZONE", NULL, " ",
	    "time zone of these times, such as Europe/Berlin; unset: the "
	    "system's" },
	{ "spread", SETTING_DURATION, SOURCE, "0", "TIME", NULL, " ",
	    "begin up to so much later, each source at a moment of its own" },
	{ "missed", SETTING_CHOICE, SOURCE, "run", "WHAT", "run|skip", " ",
	    "a time at which no daemon ran: run once soon, or skip" },
	{ "window", SETTING_STRING, SOURCE, NULL, "HH:MM-HH:MM", NULL, " ",
	    "dumps run only in this time of the day, and end by its end" },
	{ "group", SETTING_STRING, SOURCE, NULL, "NAME", NULL, " ",
	    "sources of one group share what max-jobs-per-group allows, such "
	    "as a host" },
	{ "use", SETTING_STRING, SOURCE | SETTING_NO_ENV, NULL, "NAME", NULL,
	    " ", "take the keys of [template NAME]" },
	{ "endpoints", SETTING_STRING, SOURCE | SETTING_LIST |
	    SETTING_REPEATED, NULL, "HOST[:PORT],...", NULL, " ",
	    "servers of this source: the first healthy one that is not too "
	    "far behind is dumped, host if there is none; the archive moves "
	    "among host and them" },
	{ "max-lag", SETTING_DURATION, SOURCE, "5m", "TIME", NULL, " ",
	    "an endpoint further behind is passed over" },
	{ "failover-after", SETTING_DURATION, SOURCE, "30s", "TIME", NULL, " ",
	    "an archived server that is gone or of no use for so long is left "
	    "for another of the endpoints" },
	{ "notify", SETTING_STRING, SOURCE | SETTING_LIST | SETTING_REPEATED,
	    NULL, "NAMES", NULL, " ", "the [notify NAME] that hear of this "
	    "source; unset: all" },
	{ "ping-dump", SETTING_STRING, SOURCE, NULL, "URL", NULL, " ",
	    "asked for after each dump that succeeded" },
	{ "ping-archive", SETTING_STRING, SOURCE, NULL, "URL", NULL, " ",
	    "asked for every minute in which the archive kept up" },
	{ "ping-expire", SETTING_STRING, SOURCE, NULL, "URL", NULL, " ",
	    "asked for after each expiry that succeeded" },
	{ "ping-verify", SETTING_STRING, SOURCE, NULL, "URL", NULL, " ",
	    "asked for after each verification that succeeded" },
	{ "ping-drill", SETTING_STRING, SOURCE, NULL, "URL", NULL, " ",
	    "asked for after each drill that succeeded" },
	{ 0 },
};

const struct setting settings_retention[] = {
	{ "keep-last", SETTING_UINT, SOURCE, NULL, "N", NULL, " expire ",
	    "keep the newest N backups" },
	{ "keep-hourly", SETTING_UINT, SOURCE, NULL, "N", NULL, " expire ",
	    "keep the newest backup of each of N hours that have one" },
	{ "keep-daily", SETTING_UINT, SOURCE, NULL, "N", NULL, " expire ",
	    "keep the newest backup of each of N days that have one" },
	{ "keep-weekly", SETTING_UINT, SOURCE, NULL, "N", NULL, " expire ",
	    "keep the newest backup of each of N weeks that have one" },
	{ "keep-monthly", SETTING_UINT, SOURCE, NULL, "N", NULL, " expire ",
	    "keep the newest backup of each of N months that have one" },
	{ "keep-yearly", SETTING_UINT, SOURCE, NULL, "N", NULL, " expire ",
	    "keep the newest backup of each of N years that have one" },
	{ "keep-within", SETTING_DURATION, SOURCE, NULL, "TIME", NULL, " expire ",
	    "keep every backup that is no older" },
	{ "keep-window", SETTING_DURATION, SOURCE, NULL, "TIME", NULL, " expire ",
	    "keep what a restore to any moment of this time needs" },
	{ "keep-min", SETTING_UINT, SOURCE, "1", "N", NULL, " expire ",
	    "keep at least so many backups, whatever the rules say" },
	{ 0 },
};

const struct setting settings_drill[] = {
	{ "drill-host", SETTING_STRING, SOURCE, NULL, "HOST", NULL, " drill ",
	    "the server into which drills restore; all in it is dropped" },
	{ "drill-port", SETTING_UINT, SOURCE, NULL, "PORT", NULL, " drill ",
	    "its port" },
	{ "drill-socket", SETTING_STRING, SOURCE, NULL, "PATH", NULL,
	    " drill ", "its socket" },
	{ "drill-user", SETTING_STRING, SOURCE, NULL, "NAME", NULL,
	    " drill ", "account to log in there as" },
	{ "drill-password-file", SETTING_STRING, SOURCE, NULL, "FILE", NULL,
	    " drill ", "the password is the first line of this file" },
	{ "drill-defaults-file", SETTING_STRING, SOURCE, NULL, "FILE", NULL,
	    " drill ", "read this MySQL option file for it" },
	{ "drill-ssl-mode", SETTING_CHOICE, SOURCE, NULL, "MODE",
	    "DISABLED|PREFERRED|REQUIRED|VERIFY_CA|VERIFY_IDENTITY",
	    " drill ", "as ssl-mode" },
	{ "drill-ssl-ca", SETTING_STRING, SOURCE, NULL, "FILE", NULL,
	    " drill ", "CA bundle for its certificate" },
	{ "drill-listen", SETTING_STRING, SOURCE, NULL, "ADDR:PORT", NULL,
	    " drill ", "where that server, as a replica, reaches restore; "
	    "unset: 127.0.0.1, any free port" },
	{ "drill-advertise", SETTING_STRING, SOURCE, NULL, "HOST", NULL,
	    " drill ", "the name by which it reaches that; unset: the address "
	    "of drill-listen" },
	{ "drill-assert", SETTING_STRING, SOURCE | SETTING_REPEATED, NULL,
	    "SQL", NULL, " drill ", "a query whose one value must be true "
	    "after the restore" },
	{ 0 },
};
