/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_table: the metrics that are one member of the status document. */
#include <stddef.h>

#include "backupd/metrics_impl.h"

static const char gauge[] = "gauge", counter[] = "counter";

const struct metric metrics_table[] = {
	{ "kura_start_timestamp_seconds", gauge, "When this daemon started.",
	    OF_DAEMON, AS_TIME, "daemon", "started", NULL },
	{ "kura_jobs_running", gauge, "Jobs that this daemon runs now.",
	    OF_DAEMON, AS_NUMBER, "limits", "running", NULL },
	{ "kura_jobs_queued", gauge, "Jobs that are due and wait for a "
	    "limit.", OF_DAEMON, AS_NUMBER, "limits", "queued", NULL },
	{ "kura_jobs_limit", gauge, "Most jobs that run at once.",
	    OF_DAEMON, AS_NUMBER, "limits", "max_jobs", NULL },

	{ "kura_store_open", gauge, "1 if the store can be used.",
	    OF_STORE, AS_NUMBER, NULL, "open", NULL },
	{ "kura_store_retries_total", counter, "Requests to the store that "
	    "were made again.", OF_STORE, AS_NUMBER, NULL, "retries", NULL },
	{ "kura_store_received_bytes_total", counter, "Bytes read from the "
	    "store.", OF_STORE, AS_NUMBER, NULL, "bytes_in", NULL },
	{ "kura_store_sent_bytes_total", counter, "Bytes written to the "
	    "store.", OF_STORE, AS_NUMBER, NULL, "bytes_out", NULL },

	{ "kura_notices_delivered_total", counter, "Notices that a notifier "
	    "brought.", OF_NOTIFIER, AS_NUMBER, NULL, "delivered", NULL },
	{ "kura_notices_failed_total", counter, "Notices that it gave up.",
	    OF_NOTIFIER, AS_NUMBER, NULL, "failed", NULL },
	{ "kura_notices_dropped_total", counter, "Notices for which it had no "
	    "room.", OF_NOTIFIER, AS_NUMBER, NULL, "dropped", NULL },
	{ "kura_notices_waiting", gauge, "Notices that it has not brought yet.",
	    OF_NOTIFIER, AS_NUMBER, NULL, "waiting", NULL },

	{ "kura_source_owned", gauge, "1 if the source is this daemon's turn.",
	    OF_SOURCE, AS_NUMBER, NULL, "ours", NULL },
	{ "kura_source_paused", gauge, "1 if the source's jobs are paused.",
	    OF_SOURCE, AS_NUMBER, NULL, "paused", NULL },

	{ "kura_last_success_timestamp_seconds", gauge, "When the job last "
	    "succeeded.", OF_JOB, AS_TIME, NULL, "last_success", NULL },
	{ "kura_last_success_age_seconds", gauge, "Time since the job last "
	    "succeeded.", OF_JOB, AS_AGE, NULL, "last_success", NULL },
	{ "kura_last_run_timestamp_seconds", gauge, "When the job last ended, "
	    "whatever came of it.", OF_JOB, AS_TIME, "last", "finished", NULL },
	{ "kura_next_run_timestamp_seconds", gauge, "When the job will run.",
	    OF_JOB, AS_TIME, NULL, "next", NULL },
	{ "kura_job_duration_seconds", gauge, "How long the last run took.",
	    OF_JOB, AS_NUMBER, "last", "seconds", NULL },
	{ "kura_job_failed", gauge, "1 if the last run failed.",
	    OF_JOB, AS_FAILED, "last", "ok", NULL },
	{ "kura_job_overdue", gauge, "1 if the job should have run.",
	    OF_JOB, AS_NUMBER, NULL, "overdue", NULL },
	{ "kura_job_running", gauge, "1 while the job runs.",
	    OF_JOB, AS_PRESENT, "running", NULL, NULL },
	{ "kura_job_done_bytes", gauge, "Bytes that the running job has "
	    "done.", OF_JOB, AS_NUMBER, "running", "bytes", NULL },
	{ "kura_job_planned_bytes", gauge, "Bytes that the running job will "
	    "have done, by estimate.", OF_JOB, AS_NUMBER, "running", "total",
	    NULL },

	{ "kura_backup_timestamp_seconds", gauge, "The moment of the newest "
	    "backup.", OF_NEWEST, AS_TIME, "backups", "at", "at" },
	{ "kura_backup_bytes", gauge, "Size of the newest backup's rows and "
	    "definitions.", OF_NEWEST, AS_NUMBER, "backups", "raw", "at" },
	{ "kura_backup_stored_bytes", gauge, "The same as stored.",
	    OF_NEWEST, AS_NUMBER, "backups", "stored", "at" },
	{ "kura_backup_rows", gauge, "Rows of the newest backup.",
	    OF_NEWEST, AS_NUMBER, "backups", "rows", "at" },
	{ "kura_backup_duration_seconds", gauge, "How long the newest backup "
	    "took.", OF_NEWEST, AS_NUMBER, "backups", "seconds", "at" },
	{ "kura_backup_proven", gauge, "1 if the newest backup was proven "
	    "consistent.", OF_NEWEST, AS_NUMBER, "backups", "proven", "at" },
	{ "kura_backups", gauge, "Backups of the last 30 days.",
	    OF_COUNT, AS_NUMBER, "backups", NULL, NULL },

	{ "kura_window_start_timestamp_seconds", gauge, "From when on the "
	    "newest window lets any moment be restored.", OF_NEWEST, AS_TIME,
	    "windows", "from", "to" },
	{ "kura_window_end_timestamp_seconds", gauge, "The latest moment "
	    "that can be restored.", OF_NEWEST, AS_TIME, "windows", "to",
	    "to" },
	{ "kura_windows", gauge, "Unbroken spans of restorable time.",
	    OF_COUNT, AS_NUMBER, "windows", NULL, NULL },
	{ "kura_gaps", gauge, "Holes between the windows of the last 30 days.",
	    OF_COUNT, AS_NUMBER, "gaps", NULL, NULL },

	{ "kura_archive_lag_seconds", gauge, "How far the archive is behind "
	    "its server.", OF_SOURCE, AS_NUMBER, "archive", "lag_s", NULL },
	{ "kura_archive_lag_bytes", gauge, "The same in bytes of binary log.",
	    OF_SOURCE, AS_NUMBER, "archive", "lag_bytes", NULL },
	{ "kura_archive_last_commit_timestamp_seconds", gauge, "When the "
	    "newest archived transaction was committed.", OF_SOURCE, AS_TIME,
	    "archive", "last_commit", NULL },
	{ "kura_archive_stored_bytes", gauge, "Bytes stored since the archive "
	    "of the source was started here.", OF_SOURCE, AS_NUMBER, "archive",
	    "stored_bytes", NULL },

	{ "kura_last_drill_timestamp_seconds", gauge, "When the newest drill "
	    "ended.", OF_NEWEST, AS_TIME, "drills", "at", "at" },
	{ "kura_last_drill_failed", gauge, "1 if the newest drill failed.",
	    OF_NEWEST, AS_FAILED, "drills", "ok", "at" },
	{ "kura_last_drill_duration_seconds", gauge, "The time to recover "
	    "that the newest drill measured.", OF_NEWEST, AS_NUMBER, "drills",
	    "seconds", "at" },
	{ .name = NULL },
};
