/* SPDX-License-Identifier: Apache-2.0 */
/* steps: the steps of a restore. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "catalog/audit.h"
#include "catalog/backups.h"
#include "catalog/expiring.h"
#include "catalog/feed.h"
#include "mysql/connect.h"
#include "restore/accounts.h"
#include "restore/check.h"
#include "restore/existing.h"
#include "restore/load.h"
#include "restore/notes.h"
#include "restore/purged.h"
#include "store/store.h"

#include "restore/steps.h"

static bool
same_kind(const struct steps *s)
{
	bool from = strcmp(head_text(s->plan.head.server, "flavour"),
	    "mariadb") == 0 || strstr(head_text(s->plan.head.server,
	    "version"), "MariaDB") != NULL;

	return from == (s->target.flavour.kind == FLAVOUR_MARIADB);
}

/* --- the plan --- */

static void
decide(struct steps *s)
{
	const struct restore_opts *o = s->opts;
	bool whole = !s->plan.part && s->target.empty;

	s->accounts = o->accounts;
	if (s->accounts == ACCOUNTS_AUTO)
		s->accounts = whole && same_kind(s) ? ACCOUNTS_ALL :
		    ACCOUNTS_NONE;
	s->set_gtid = o->gtid == SWITCH_ON || (o->gtid == SWITCH_AUTO &&
	    whole && same_kind(s) && s->target.flavour.gtid &&
	    head_text(s->plan.head.coordinates, "gtid")[0] != '\0');
	/* Rows must not make GTIDs of their own where the set is given. */
	s->target.binlog_off = o->binlog == SWITCH_OFF ||
	    (o->binlog == SWITCH_AUTO && s->target.empty &&
	    s->target.flavour.log_bin);
}

static int
look_for_missing(struct steps *s, struct err *e)
{
	struct err one = {0};

	if (!s->target.local_infile)
		buf_adds(&s->missing, "local_infile is off: it is switched on "
		    "meanwhile if that is allowed; else rows go in by INSERT, "
		    "which is slower\n");
	if (s->target.binlog_off) {
		one = (struct err){0};
		if (conn_exec(s->target.conn, "SET SESSION sql_log_bin=0",
		    &one) != 0) {
			if (one.code != ERR_DENIED ||
			    s->opts->binlog == SWITCH_OFF) {
				*e = one;
				return err_wrap(e, "--binlog=off");
			}
			s->target.binlog_off = false;
			buf_adds(&s->missing, "the right to switch the binary "
			    "log off: the rows are logged\n");
		}
	}
	return buf_check(&s->missing, "plan", e);
}

/* Where only procedures may set GTIDs, can they set the backup's? */
static int
look_for_gtids(struct steps *s, struct err *e)
{
	struct err why = {0};

	if (!s->set_gtid || !s->target.procedures.used || steps_loaded(s) ||
	    purged_may(&s->target, head_text(s->plan.head.coordinates,
	    "gtid"), &why) == 0)
		return 0;
	if (why.code != ERR_USAGE || s->opts->gtid == SWITCH_ON) {
		*e = why;
		return err_wrap(e, "the backup's GTIDs");
	}
	s->set_gtid = false;
	buf_addf(&s->missing, "a way to set the backup's GTIDs: %s\n",
	    why.msg);
	return buf_check(&s->missing, "plan", e);
}

/* Somebody who may do it is told what it takes to note how far this is. */
static int
look_for_notes(struct steps *s, struct err *e)
{
	struct buf user = {0};
	int got = notes_have_all(s->target.conn, e);

	if (got == 0) {
		got = conn_value(s->target.conn, "SELECT CURRENT_USER()",
		    &user, e);
		buf_adds(&s->missing, "schema kura_restore, for notes: it is "
		    "made if this user may; else an administrator runs\n");
		notes_statements(buf_str(&user), &s->missing);
		if (got == 0)
			got = buf_check(&s->missing, "plan", e);
	}
	buf_free(&user);
	return got < 0 ? -1 : 0;
}

static int
pick(struct steps *s, struct err *e)
{
	size_t i;

	for (i = 0; i < s->opts->nschemas; i++)
		if (restore_plan_pick(&s->plan, s->opts->schemas[i], false,
		    e) != 0)
			return -1;
	for (i = 0; i < s->opts->ntables; i++)
		if (restore_plan_pick(&s->plan, s->opts->tables[i], true,
		    e) != 0)
			return -1;
	return 0;
}

/* What two runs must share to be one restore. */
static void
plan_digest(const struct steps *s, char hex[SHA256_HEX])
{
	uint8_t digest[SHA256_SIZE];
	struct buf text = {0};
	size_t i;

	/* Not the moment: a later one goes on from an earlier. */
	buf_addf(&text, "%s/%s accounts=%d gtid=%d overwrite=%d%s%s",
	    s->plan.head.source, s->plan.head.id, (int)s->opts->accounts,
	    (int)s->opts->gtid, s->opts->overwrite, s->opts->to != NULL ?
	    " to" : "", s->opts->existing ? " existing" : "");
	for (i = 0; i < s->opts->nschemas; i++)
		buf_addf(&text, " schema=%s", s->opts->schemas[i]);
	for (i = 0; i < s->opts->ntables; i++)
		buf_addf(&text, " table=%s", s->opts->tables[i]);
	sha256_of(buf_str(&text), text.len, digest);
	hex_encode(digest, sizeof(digest), hex);
	buf_free(&text);
}

/* The way to the moment; what an earlier run began is gone on with, even if a
 * newer backup would lead there. */
static int
find_way(struct steps *s, char id[BACKUP_ID_LEN + 1], struct err *e)
{
	const struct restore_opts *o = s->opts;
	struct replay_opts opts = {
		.store = s->store, .source = o->source, .to = o->to,
		.before = o->before, .skip = o->skip, .nskip = o->nskip,
		.way = o->replay, .listen = o->listen,
		.advertise = o->advertise, .workers = o->workers,
		.definition = o->definition,
		.definition_arg = o->definition_arg, .cancel = o->cancel,
	};

	id[0] = '\0';
	if (strcmp(o->backup, "latest") != 0)
		(void)snprintf(id, BACKUP_ID_LEN + 1, "%s", o->backup);
	else if (!o->restart && target_notes_backup(&s->target, o->source, id,
	    BACKUP_ID_LEN + 1, e) != 0)
		return -1;
	opts.backup = id[0] != '\0' ? id : NULL;
	s->replay = replay_find(&opts, e);
	if (s->replay == NULL)
		return -1;
	(void)snprintf(id, BACKUP_ID_LEN + 1, "%s",
	    replay_backup(s->replay));
	return 0;
}

int
steps_open(struct steps *s, struct err *e)
{
	return target_open(&s->target, s->opts->conn, e);
}

static int
need_target(struct steps *s, struct err *e)
{
	return s->target.conn != NULL ? 0 : steps_open(s, e);
}

int
steps_look(struct steps *s, struct err *e)
{
	char id[BACKUP_ID_LEN + 1];
	const char *backup = s->opts->backup;

	feed_phase("plan");
	if (pick(s, e) != 0)
		return -1;
	if (s->opts->to != NULL) {
		if (need_target(s, e) != 0 || find_way(s, id, e) != 0)
			return -1;
		backup = id;
	}
	if (backup_find(s->store, s->opts->source, backup, &s->plan.head,
	    e) != 0 || expiring_refuse(s->store, s->opts->source,
	    s->plan.head.id, e) != 0 || restore_plan_read(s->store, &s->plan,
	    e) != 0 || need_target(s, e) != 0)
		return -1;
	s->plan.existing = s->opts->existing;
	plan_digest(s, s->digest);
	if (!s->opts->restart && target_notes_find(&s->target, &s->plan,
	    s->digest, e) != 0)
		return -1;
	decide(s);
	if (look_for_missing(s, e) != 0 || look_for_gtids(s, e) != 0 ||
	    (s->plan.existing && look_for_notes(s, e) != 0))
		return -1;
	if (s->replay != NULL && replay_look(s->replay, &s->target, &s->plan,
	    s->set_gtid, e) != 0)
		return -1;
	s->set_gtid = s->set_gtid && (s->replay == NULL ||
	    replay_keeps_gtids(s->replay));
	/* What is in the way of others is what this one asks for. */
	return s->plan.existing ? existing_look(s->store, &s->plan,
	    &s->target, e) : target_conflicts(&s->target, &s->plan,
	    &s->conflicts, e);
}

int
steps_refused(struct steps *s, struct err *e)
{
	const struct create_opts names = { .store = s->store,
	    .plan = &s->plan, .keep_names = s->opts->keep_names };
	const char *text = buf_str(&s->conflicts);

	if (s->plan.existing)
		return 0;
	if (create_check_names(&names, e) != 0)
		return -1;
	/* Of a restore that goes on they are its own. */
	if (text[0] == '\0' || s->opts->overwrite || s->target.resume)
		return 0;
	(void)err_set(e, ERR_EXISTS, 0, "the target already has %.*s%s",
	    (int)strcspn(text, "\n"), text, strchr(text, '\n')[1] != '\0' ?
	    " and other objects of the backup" : "");
	return err_hint(e, "use --overwrite to drop them first, or restore "
	    "under other names");
}

/* --- doing it --- */

static int
set_gtid(struct steps *s, struct err *e)
{
	struct conn *c = s->target.conn;
	struct buf sql = {0}, gtid = {0};
	int rc = -1;

	buf_adds(&gtid, head_text(s->plan.head.coordinates, "gtid"));
	if (s->replay != NULL) {
		buf_clear(&gtid);
		if (replay_gtids(s->replay, &s->plan, &gtid, e) != 0)
			goto out;
	}
	if (s->target.procedures.used) {
		rc = purged_set(&s->target, buf_str(&gtid), e);
		goto out;
	}
	if (s->target.flavour.kind == FLAVOUR_MARIADB) {
		buf_adds(&sql, "SET GLOBAL gtid_slave_pos=");
	} else {
		/* What the target made of itself must not stand beside. */
		if (conn_exec(c, s->target.flavour.version >= 80200 ?
		    "RESET BINARY LOGS AND GTIDS" : "RESET MASTER", e) != 0)
			goto out;
		buf_adds(&sql, "SET GLOBAL gtid_purged=");
	}
	sql_string(&sql, buf_str(&gtid), gtid.len);
	if (buf_check(&sql, "SET", e) == 0)
		rc = conn_exec(c, buf_str(&sql), e);
out:	buf_free(&sql);
	buf_free(&gtid);
	return rc == 0 ? 0 : err_wrap(e, "set the GTID state");
}

int
steps_begin(struct steps *s, struct err *e)
{
	/* Somebody may have looked at the plan for long. */
	if (expiring_refuse(s->store, s->opts->source, s->plan.head.id,
	    e) != 0)
		return -1;
	audit_backup(s->opts->audit, s->plan.head.id);
	audit_begun(s->opts->audit);
	if (!s->target.resume) {
		/* A killed replay may have left more than notes. */
		if ((s->opts->restart || s->target.stale) &&
		    (replay_clean(&s->target, e) != 0 ||
		    target_notes_drop(&s->target, e) != 0))
			return -1;
		/* Notes come first of all writes. */
		if (target_notes_make(&s->target, &s->plan, s->digest,
		    e) != 0)
			return -1;
	}
	s->conn = target_connect(&s->target, e);
	if (s->conn == NULL)
		return -1;
	s->create = (struct create_opts){
		.store = s->store, .plan = &s->plan, .target = &s->target,
		.conn = s->conn, .defer_indexes = true,
		.overwrite = s->opts->overwrite,
		.keep_names = s->opts->keep_names,
		.events_off = s->replay != NULL,
	};
	log_event(LOG_INFO_, s->target.resume ? "restore goes on" :
	    "restore begun", "backup", s->plan.head.id, NULL);
	return 0;
}

bool
steps_loaded(const struct steps *s)
{
	return strcmp(s->target.state, "replaying") == 0 ||
	    strcmp(s->target.state, "done") == 0;
}

static int
load_all(struct steps *s, struct err *e)
{
	const struct load_opts opts = {
		.store = s->store, .plan = &s->plan, .target = &s->target,
		.workers = s->opts->workers, .totals = &s->totals,
		.cancel = s->opts->cancel,
	};
	struct progress *p = progress_start(&s->totals, s->plan.raw, e);
	int rc;

	if (p == NULL)
		return -1;
	rc = load_run(&opts, e);
	progress_stop(p);
	return rc;
}

static int
load(struct steps *s, struct err *e)
{
	struct err denied = {0};
	int rc;

	if (s->target.local_infile)
		return load_all(s, e);
	s->target.local_infile = conn_exec(s->target.conn,
	    "SET GLOBAL local_infile=1", &denied) == 0;
	if (!s->target.local_infile && denied.code != ERR_DENIED) {
		*e = denied;
		return -1;
	}
	rc = load_all(s, e);
	if (s->target.local_infile && conn_exec(s->target.conn,
	    "SET GLOBAL local_infile=0", rc == 0 ? e : &denied) != 0)
		return -1;
	return rc;
}

int
steps_load(struct steps *s, struct err *e)
{
	feed_phase("load");
	if (s->plan.existing)
		return load(s, e);
	if (create_tables(&s->create, e) != 0 || load(s, e) != 0)
		return -1;
	feed_phase("indexes");
	if (create_rest(&s->create, e) != 0)
		return -1;
	if ((s->replay == NULL || !replay_fires_triggers(s->replay)) &&
	    create_triggers(&s->create, e) != 0)
		return -1;
	return s->accounts == ACCOUNTS_NONE ? 0 : accounts_create(&s->create,
	    s->accounts == ACCOUNTS_MISSING, e);
}

int
steps_check(struct steps *s, struct err *e)
{
	feed_phase("check");
	log_event(LOG_INFO_, "reading the target back", NULL);
	return check_run(&s->plan, &s->target, s->opts->workers, &s->checked,
	    e);
}

/* Its events are there, since statements may change them, but none may run
 * before the end. */
int
steps_replay(struct steps *s, struct err *e)
{
	if (!steps_loaded(s) && (create_events(&s->create, e) != 0 ||
	    (s->set_gtid && set_gtid(s, e) != 0)))
		return -1;
	feed_phase("replay");
	if (target_state_set(&s->target, "replaying", e) != 0 ||
	    replay_run(s->replay, &s->target, &s->plan, e) != 0)
		return -1;
	return replay_fires_triggers(s->replay) && !s->plan.existing ?
	    create_triggers(&s->create, e) : 0;
}

int
steps_finish(struct steps *s, struct err *e)
{
	if (s->replay != NULL) {
		if (replay_events(s->replay, &s->target, &s->plan, e) != 0)
			return -1;
		/* A whole server may be brought on to a later moment. */
		return s->plan.part ? target_notes_drop(&s->target, e) :
		    target_state_set(&s->target, "done", e);
	}
	/* The notes go last, so that whatever happens can be gone on with;
	 * but where the drop is logged it must not follow the set. */
	if (create_events(&s->create, e) != 0 || (s->set_gtid &&
	    s->target.binlog_off && set_gtid(s, e) != 0) ||
	    target_notes_drop(&s->target, e) != 0)
		return -1;
	return s->set_gtid && !s->target.binlog_off ? set_gtid(s, e) : 0;
}

void
steps_free(struct steps *s)
{
	conn_close(s->conn);
	s->conn = NULL;
	target_close(&s->target);
	replay_free(s->replay);
	s->replay = NULL;
	restore_plan_free(&s->plan);
	buf_free(&s->conflicts);
	buf_free(&s->missing);
}
