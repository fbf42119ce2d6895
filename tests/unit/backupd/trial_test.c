/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/backupd/config_fixture.h"
#include "tests/unit/http/peer.h"

#include "backupd/trial.h"

static char out[4000];
static struct buf bodies;

static void
hear(struct peer *p, const struct peer_request *r, struct peer_answer *a)
{
	(void)p;
	buf_adds(&bodies, buf_str(&r->body));
	buf_addc(&bodies, '\n');
	a->status = strcmp(r->target, "/no/such-hook") == 0 ? 404 : 200;
	buf_adds(&a->body, "thanks");
}

static int
tried(const char *url, const char *name, bool json, struct err *e)
{
	char text[400];
	FILE *f = fmemopen(memset(out, 0, sizeof(out)), sizeof(out), "w");
	struct settings *s;
	int rc;

	assert_non_null(f);
	(void)snprintf(text, sizeof(text), "[notify web]\ntype = webhook\n"
	    "url = %s/%s\n[notify run]\ntype = exec\n"
	    "command = sh -c 'read -r x; echo heard'\n", url, "no/such-hook");
	if (name != NULL && strcmp(name, "none") == 0)
		text[0] = '\0';
	s = config_of(text, "notify", NULL, NULL);
	*e = (struct err){0};
	rc = trial_run(s, name, json, f, e);
	(void)fclose(f);
	settings_free(s);
	return rc;
}

static void
test_trial_says_what_came_back(void **state)
{
	struct peer *peer = peer_start(hear, NULL);
	char want[200];
	struct err e;

	(void)state;
	assert_non_null(peer);
	assert_int_equal(tried(peer->url, NULL, false, &e), -1);
	assert_string_equal(e.msg, "1 of 2 notifiers failed");
	(void)snprintf(want, sizeof(want), "web: FAILED: %s: HTTP 404: "
	    "thanks, ", peer->url + 7);
	assert_int_equal(strncmp(out, want, strlen(want)), 0);
	assert_non_null(strstr(out, "\nrun: sh: delivered: status 0: heard, "));
	assert_null(strstr(out, "such-hook"));
	assert_non_null(strstr(buf_str(&bodies), "\"test\":true"));
	assert_non_null(strstr(buf_str(&bodies), "\"text\":\"a test of the "
	    "notifier web; nothing is wrong\""));
	assert_int_equal(tried(peer->url, "run", true, &e), 0);
	assert_non_null(strstr(out, "\"said\": \"status 0: heard\""));
	assert_null(strstr(out, "\"web\""));
	buf_free(&bodies);
	peer_stop(peer);
}

static void
test_trial_of_nobody(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(tried("http://x", "ops", false, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "there is no [notify ops]");
	assert_int_equal(tried("http://x", "none", false, &e), -1);
	assert_string_equal(e.msg, "there is no [notify none]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trial_says_what_came_back),
		cmocka_unit_test(test_trial_of_nobody),
	};

	peer_main();
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, config_begin, config_end);
}
