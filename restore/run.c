/* SPDX-License-Identifier: Apache-2.0 */
/* run: `restore plan` and `restore run`. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "catalog/expiring.h"
#include "restore/procedures.h"
#include "restore/replica.h"
#include "restore/run_plan.h"

#include "restore/run.h"

#define PORT 3306u

static int
ask(const struct steps *s, struct err *e)
{
	char answer[16];

	if (s->opts->yes)
		return 0;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
		(void)err_set(e, ERR_USAGE, 0, "nothing was done");
		return err_hint(e, "add --yes to do what the plan says");
	}
	(void)fprintf(stderr, "Go on? Type yes: ");
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return 0;
	return err_set(e, ERR_USAGE, 0, "nothing was done");
}

static void
print_attach(const struct steps *s, FILE *out)
{
	const json_t *server = s->plan.head.server;
	const struct procedures *p = &s->target.procedures;
	/* Older backups do not tell the port. */
	unsigned port = (unsigned)head_count(server, "port");
	const struct replica_source source = {
		.host = head_text(server, "host"), .port = port != 0 ? port :
		    PORT, .user = "...", .password = "...", .gtid = true };
	bool mariadb = s->target.flavour.kind == FLAVOUR_MARIADB;
	struct buf call = {0};
	struct err none = {0};

	if (!s->set_gtid || s->opts->json)
		return;
	(void)fprintf(out, "to attach this target as a replica of its "
	    "source:\n");
	if (p->used && procedures_text(p, &source, "...", &call, &none) == 0)
		(void)fprintf(out, "  %s; CALL %s();\n", buf_str(&call),
		    procedures_name(p, PROCEDURES_START));
	else if (mariadb)
		(void)fprintf(out, "  CHANGE MASTER TO MASTER_HOST='%s', "
		    "MASTER_PORT=%u, MASTER_USER='...', MASTER_PASSWORD="
		    "'...', MASTER_USE_GTID=slave_pos; START SLAVE;\n",
		    source.host, source.port);
	else
		(void)fprintf(out, "  CHANGE REPLICATION SOURCE TO "
		    "SOURCE_HOST='%s', SOURCE_PORT=%u, SOURCE_USER='...', "
		    "SOURCE_PASSWORD='...', SOURCE_AUTO_POSITION=1; START "
		    "REPLICA;\n", source.host, source.port);
	buf_free(&call);
}

/* The steps that an earlier run has not taken yet. */
static int
work(struct steps *s, struct err *e)
{
	if ((s->replay == NULL || !steps_loaded(s)) &&
	    (steps_load(s, e) != 0 || (s->opts->check &&
	    steps_check(s, e) != 0)))
		return -1;
	if (s->replay != NULL && steps_replay(s, e) != 0)
		return -1;
	return steps_finish(s, e);
}

/* All is done, but for what the source itself could no longer show. */
static int
views_made(const struct steps *s, struct err *e)
{
	if (s->target.broken_views == 0)
		return 0;
	(void)err_set(e, ERR_IO, 0, "all is restored but %u view%s that "
	    "stand%s on what the source no longer had: %s",
	    s->target.broken_views, s->target.broken_views == 1 ? "" : "s",
	    s->target.broken_views == 1 ? "s" : "",
	    s->target.broken_view.msg);
	return err_hint(e, "mend or drop such views at the source; catalog cat "
	    "shows their text");
}

static void
print_done(const struct steps *s, FILE *out)
{
	if (s->opts->json) {
		run_plan_json(s, out, "done");
		return;
	}
	(void)fprintf(out, "done: %" PRIu64 " rows loaded\n",
	    (uint64_t)s->totals.rows);
	if (s->opts->check)
		(void)fprintf(out, "checked: %" PRIu64 " tables, all equal to "
		    "the backup\n", s->checked);
	if (s->replay != NULL)
		replay_done(s->replay, out);
	print_attach(s, out);
}

/* The plan, and whether it can be done at all. */
static int
show(struct steps *s, FILE *out, struct err *e)
{
	if (!s->opts->json)
		run_plan_print(s, out);
	else if (s->opts->plan_only)
		run_plan_json(s, out, "planned");
	(void)fflush(out);
	return s->replay != NULL ? replay_refused(s->replay, e) : 0;
}

int
restore_run(struct store *store, const struct restore_opts *opts, FILE *out,
    struct err *e)
{
	struct steps s = { .opts = opts, .store = store };
	bool begun = false;
	int rc = -1;

	if (steps_look(&s, e) != 0)
		goto out;
	rc = show(&s, out, e);
	if (rc != 0 || opts->plan_only)
		goto out;
	rc = -1;
	if (steps_refused(&s, e) != 0 || ask(&s, e) != 0 ||
	    steps_begin(&s, e) != 0)
		goto out;
	begun = true;
	rc = work(&s, e);
	if (rc != 0) {
		(void)expiring_explain(store, opts->source, s.plan.head.id,
		    e);
		(void)err_hint(e, "the same command goes on where this one "
		    "stopped");
		goto out;
	}
	print_done(&s, out);
	rc = views_made(&s, e);
out:	if (rc != 0 && cancel_requested(opts->cancel)) {
		*e = (struct err){0};
		(void)cancel_check(opts->cancel, e);
		if (begun)
			(void)err_hint(e, "the same command goes on where "
			    "this one stopped");
	}
	steps_free(&s);
	return rc;
}
