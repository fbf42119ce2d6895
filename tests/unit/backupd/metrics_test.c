/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_test: samples of a status document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "backupd/metrics.h"
#include "base/buf.h"
#include "base/err.h"

#include "watched.h"

static void
has(const struct buf *b, const char *line)
{
	const char *at = strstr(buf_str(b), line);

	if (at == NULL || (at != b->data && at[-1] != '\n'))
		fail_msg("no line '%s'", line);
}

static void
lacks(const struct buf *b, const char *text)
{
	if (strstr(buf_str(b), text) != NULL)
		fail_msg("there is '%s'", text);
}

static void
test_metrics_write(void **state)
{
	static const char *const lines[] = {
		"kura_build_info{version=\"" KURA_VERSION "\",tool=\"backupd "
		    "0.5.0\",daemon=\"night-1\"} 1\n",
		"# TYPE kura_build_info gauge\n",
		"kura_draining 1\n", "kura_sources 2\n", "kura_claims 1\n",
		"kura_daemons 2\n", "kura_daemons_alive 1\n",
		"# TYPE kura_store_requests_total counter\n",
		"kura_store_requests_total{store=\"main\",kind=\"get\"} 12\n",
		"kura_store_requests_total{store=\"main\",kind=\"put\"} 34\n",
		"kura_store_retries_total{store=\"main\"} 7\n",
		"kura_store_received_bytes_total{store=\"main\"} 1024\n",
		"kura_store_sent_bytes_total{store=\"main\"} 2048\n",
		"# TYPE kura_notices_delivered_total counter\n",
		"kura_notices_delivered_total{notifier=\"ops\"} 5\n",
		"kura_notices_failed_total{notifier=\"ops\"} 2\n",
		"kura_notices_dropped_total{notifier=\"ops\"} 0\n",
		"kura_notices_waiting{notifier=\"ops\"} 1\n",
		"kura_jobs_running 1\n", "kura_jobs_queued 3\n",
		"kura_jobs_limit 4\n",
		"kura_start_timestamp_seconds 1795486447\n",
		"kura_source_owned{source=\"orders\"} 1\n",
		"kura_source_owned{source=\"new\"} 0\n",
		"kura_source_paused{source=\"orders\"} 0\n",
		"kura_source_state{source=\"orders\",state=\"failing\"} 1\n",
		"kura_source_state{source=\"orders\",state=\"ok\"} 0\n",
		"kura_source_state{source=\"new\",state=\"unknown\"} 1\n",
		"kura_problem{source=\"orders\",kind=\"dump_failed\","
		    "severity=\"error\"} 1\n",
		"kura_problem{kind=\"store_b\",severity=\"error\"} 1\n",
		"kura_store_open{store=\"main\"} 1\n",
		"kura_last_success_timestamp_seconds{source=\"orders\","
		    "job_type=\"dump\"} 1795486447\n",
		"kura_last_success_age_seconds{source=\"orders\","
		    "job_type=\"dump\"} 259200\n",
		"kura_last_run_timestamp_seconds{source=\"orders\","
		    "job_type=\"dump\"} 1795745407.5\n",
		"kura_next_run_timestamp_seconds{source=\"new\","
		    "job_type=\"dump\"} 1795749247\n",
		"kura_job_duration_seconds{source=\"orders\","
		    "job_type=\"dump\"} 600.5\n",
		"kura_job_failed{source=\"orders\",job_type=\"dump\"} 1\n",
		"kura_job_overdue{source=\"orders\",job_type=\"dump\"} 1\n",
		"kura_job_running{source=\"orders\",job_type=\"dump\"} 1\n",
		"kura_job_running{source=\"new\",job_type=\"dump\"} 0\n",
		"kura_job_done_bytes{source=\"orders\",job_type=\"dump\"} "
		    "1048576\n",
		"kura_backup_timestamp_seconds{source=\"orders\"} "
		    "1795486447\n",
		"kura_backup_bytes{source=\"orders\"} 2048\n",
		"kura_backup_stored_bytes{source=\"orders\"} 512\n",
		"kura_backup_rows{source=\"orders\"} 1200300\n",
		"kura_backup_duration_seconds{source=\"orders\"} 3.5\n",
		"kura_backup_proven{source=\"orders\"} 1\n",
		"kura_backups{source=\"orders\"} 2\n",
		"kura_window_start_timestamp_seconds{source=\"orders\"} "
		    "1795227247\n",
		"kura_window_end_timestamp_seconds{source=\"orders\"} "
		    "1795745634\n",
		"kura_windows{source=\"orders\"} 2\n",
		"kura_gaps{source=\"orders\"} 1\n",
		"kura_archive_lag_seconds{source=\"orders\"} 12.5\n",
		"kura_archive_lag_bytes{source=\"orders\"} 99\n",
		"kura_archive_following{source=\"orders\"} 1\n",
		"kura_archive_acknowledging{source=\"orders\"} 0\n",
		"kura_archive_last_commit_timestamp_seconds{"
		    "source=\"orders\"} 1795745634\n",
		"kura_archive_stored_bytes{source=\"orders\"} 77\n",
		"kura_last_drill_failed{source=\"orders\"} 1\n",
		"kura_last_drill_duration_seconds{source=\"orders\"} 61\n",
	};
	json_t *doc = watched();
	struct buf out = {0};
	struct err e = {0};
	size_t i;

	(void)state;
	assert_int_equal(metrics_write(doc, &out, &e), 0);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		has(&out, lines[i]);
	/* What is unknown has no sample. */
	lacks(&out, "kura_last_success_timestamp_seconds{source=\"new\"");
	lacks(&out, "kura_gaps{source=\"new\"");
	lacks(&out, "kura_archive_following{source=\"new\"");
	buf_free(&out);
	json_decref(doc);
}

static void
test_metrics_write_escapes_labels(void **state)
{
	json_t *doc = json_pack("{s:[{s:s, s:b}]}", "sources", "name",
	    "a\"b\\c\nd<\xe8\x94\xb5", "ours", 1);
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(metrics_write(doc, &out, &e), 0);
	has(&out, "kura_source_owned{source=\"a\\\"b\\\\c\\nd<\xe8\x94\xb5\"} "
	    "1\n");
	buf_free(&out);
	json_decref(doc);
}

static void
test_metrics_write_says_a_problem_once(void **state)
{
	json_t *p = json_pack("{s:s, s:s}", "kind", "gap", "severity",
	    "error");
	json_t *doc = json_pack("{s:[{s:s, s:[o, O]}]}", "sources", "name",
	    "x", "problems", p, p);
	struct buf out = {0};
	struct err e = {0};
	const char *at;

	(void)state;
	assert_int_equal(metrics_write(doc, &out, &e), 0);
	at = strstr(buf_str(&out), "kura_problem{");
	assert_non_null(at);
	assert_null(strstr(at + 1, "kura_problem{"));
	buf_free(&out);
	json_decref(doc);
}

static void
test_metrics_write_too_large(void **state)
{
	json_t *doc = json_object();
	struct buf out = {0};
	struct err e = {0};

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(metrics_write(doc, &out, &e), -1);
	assert_int_equal(e.code, ERR_NOMEM);
	buf_free(&out);
	json_decref(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_write),
		cmocka_unit_test(test_metrics_write_escapes_labels),
		cmocka_unit_test(test_metrics_write_says_a_problem_once),
		cmocka_unit_test(test_metrics_write_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
