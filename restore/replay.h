/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: from a backup on to a moment: which way through the archive, how
 * the target gets it, and doing so.
 *
 * Life cycle: replay_find (what the store says); replay_look (what the target
 * says); print, json; replay_run after the backup's rows and objects are in;
 * replay_events; replay_free.  main's thread.
 */
#ifndef RESTORE_REPLAY_H
#define RESTORE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct buf;
struct cancel;
struct err;
struct replay;
struct restore_plan;
struct store;
struct target;

enum replay_way { REPLAY_AUTO, REPLAY_SERVE, REPLAY_APPLY };

/* A definition that would be replayed, under its default schema: 0, or 1 to
 * leave the transaction out, as --skip does; -1 with *e. */
typedef int replay_definition(void *arg, const char *schema, const char *sql,
    struct err *e);

struct replay_opts {
	struct store *store;
	const char *source;
	const char *backup;	/* id, or NULL: the newest that leads there */
	const char *to;		/* the moment, as given */
	bool before;
	const char *const *skip;	/* GTIDs, as given */
	size_t nskip;
	enum replay_way way;
	const char *listen, *advertise;	/* or NULL */
	unsigned workers;
	replay_definition *definition;	/* asked of each in the plan; or NULL */
	void *definition_arg;
	struct cancel *cancel;
};

/* Find the way.  *opts is copied, its strings are borrowed.  ERR_USAGE: no
 * moment, no GTID; ERR_NOTFOUND names the windows that there are, or the GTID
 * that the way does not pass. */
struct replay *replay_find(const struct replay_opts *opts, struct err *e);

/* The backup that it begins with. */
const char *replay_backup(const struct replay *r);

/* Settle how: gtid says whether the target gets the backup's GTIDs.  Tries
 * whether the target reaches us as a replica and leaves nothing of it there.
 * ERR_USAGE: the way that was asked for cannot be. */
int replay_look(struct replay *r, struct target *t,
    const struct restore_plan *p, bool gtid, struct err *e);

/* The GTIDs that the target must be given before replay_run: the backup's, but
 * for those of transactions that are fetched from before it. */
int replay_gtids(const struct replay *r, const struct restore_plan *p,
    struct buf *out, struct err *e);

/* Will the target have the source's GTIDs?  Would triggers fire for what is
 * replayed (they then come after it)?  After replay_look. */
bool replay_keeps_gtids(const struct replay *r);
bool replay_fires_triggers(const struct replay *r);

/* The lines of the plan; members of the plan's JSON object. */
void replay_print(const struct replay *r, FILE *out);
int replay_json(const struct replay *r, json_t *doc, struct err *e);

/* ERR_USAGE when something that the plan lists cannot be replayed. */
int replay_refused(const struct replay *r, struct err *e);

/* Bring the target to the moment, from wherever an earlier run has brought
 * it.  Whatever happens, nothing of our settings is left on the target; what
 * it holds is noted there. */
int replay_run(struct replay *r, struct target *t,
    const struct restore_plan *p, struct err *e);

/* Remove what a killed run left: a channel, settings.  Nothing to do is
 * success. */
int replay_clean(const struct target *t, struct err *e);

/* Give events the state that they had on the source at the moment. */
int replay_events(struct replay *r, const struct target *t,
    const struct restore_plan *p, struct err *e);

/* Time of the last transaction that was applied, or 0; after replay_run. */
int64_t replay_reached_us(const struct replay *r);

/* "1234 transactions, up to 3E11FA47-...:99 of 2026-..."; after replay_run. */
void replay_done(const struct replay *r, FILE *out);

void replay_free(struct replay *r);

#endif /* !RESTORE_REPLAY_H */
