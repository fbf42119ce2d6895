/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline: to which moments can a source be restored?
 *
 * Life cycle: timeline_load; questions; timeline_free.  Loading reads heads,
 * histories, files/ and the names of live segments, never chunks or whole
 * segments (but one, where a live file is followed by another).  Damage to a
 * document is noted and spoils nothing else.
 *
 * A window begins at a backup whose coordinates lie inside archived bytes and
 * runs to the last archived transaction that is reached from there without a
 * hole, or as far as it is known that none followed (timeline_stands); it
 * crosses a fail-over when the next history's GTIDs join on.
 */
#ifndef CATALOG_TIMELINE_H
#define CATALOG_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/history.h"
#include "catalog/moment.h"
#include "catalog/route.h"
#include "catalog/segment.h"

struct head;
struct store;

struct timeline_file {
	struct binlog_file file;	/* live: name, seq and size; and
					 * gtid_before where it is known */
	bool live;		/* not finished: segments cover it up to end */
	uint64_t end;		/* archived without a hole from 0 up to here */
	struct segment *segments;	/* live: the cover */
	size_t nsegments;
};

/* An unbroken run of a history's files.  A history with a hole in it is
 * several of them, one after another. */
struct timeline_history {
	struct history history;
	struct timeline_file *files;	/* by seq, without a hole */
	size_t nfiles;
	bool broken;		/* what comes after does not join: broken_what
				 * says why */
	char broken_what[256];
	int64_t last_us;	/* latest time of a transaction; 0: none */
	int64_t stored_us;	/* when the last segment of a live file was
				 * stored; 0: none is */
	int64_t stood_us;	/* all is here that the server committed before
				 * this, by timeline_stands; 0: not known */
};

struct timeline_backup {
	char id[BACKUP_ID_LEN + 1];
	int64_t at_us;		/* of its snapshot */
	bool proven, partial;
	char *file;		/* coordinates */
	uint64_t position;
	char *gtid;
	long history;		/* index, or -1: not in archived bytes */
	uint32_t seq;
	bool by_gtid;		/* the coordinates are another server's: its
				 * GTIDs say what is in it, and seq where to
				 * begin to look */
	int64_t until_us;	/* end of its window; 0: none */
	char why_not[160];	/* "" or why no window begins here */
};

struct timeline {
	char *source;
	enum flavour_kind kind;
	struct timeline_history *histories;	/* oldest first */
	size_t nhistories;
	struct timeline_backup *backups;	/* oldest first */
	size_t nbackups;
	char **damage;		/* what could not be read, and why */
	size_t ndamage;
	bool marked;		/* with what is marked to be swept, too */
};

/* What is marked to be swept (expiring.h, floor.h) leads nowhere any more. */
int timeline_load(struct store *s, const char *source, struct timeline *t,
    struct err *e);

/* Let windows reach as far as it is known that an idle server committed
 * nothing (stand.h): reads what those who follow it say, a few objects. */
int timeline_stands(struct store *s, struct timeline *t, struct err *e);

/* The two halves of it: the archive alone (or with all that is not gone yet),
 * and one backup more. */
int timeline_load_archive(struct store *s, const char *source,
    struct timeline *t, struct err *e);
int timeline_load_marked(struct store *s, const char *source,
    struct timeline *t, struct err *e);
int timeline_add(struct store *s, struct timeline *t, const struct head *h,
    struct err *e);

/* The file of this number, or NULL. */
const struct timeline_file *timeline_file_of(const struct timeline_history *h,
    uint32_t seq);

/* Spans of time in which every moment can be restored, oldest first; owned
 * array.  Those of several backups that touch are one. */
struct timeline_window {
	int64_t from_us, to_us;
	size_t backups;		/* that begin in it */
};
int timeline_windows(const struct timeline *t, struct timeline_window **list,
    size_t *n, struct err *e);

/* The backup of this id, or NULL. */
const struct timeline_backup *timeline_backup_of(const struct timeline *t,
    const char *id);

void timeline_free(struct timeline *t);

#endif /* !CATALOG_TIMELINE_H */
