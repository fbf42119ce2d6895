/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: the first file of a history that is still kept.
 *
 *   files/<h>-<seq>-mark.json   what is before may be swept after a while, and
 *       no new restore is offered it
 *   files/<h>-<seq>-gone.json   a sweep of it has begun: it is gone for ever
 *
 * Their names stand among those of the files' documents, so that whoever lists
 * these sees them without a further request.  FLOOR_ALL: the whole history.
 */
#ifndef CATALOG_FLOOR_H
#define CATALOG_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/history.h"

struct err;
struct store;

#define FLOOR_ALL UINT32_C(99999999)

struct floor {
	char history[HISTORY_ID_LEN + 1];
	uint32_t before;	/* the first file that stays */
	bool gone;
	int64_t said_us;	/* the mark's own word, its verdict's name */
	int64_t marked_us, sweep_after_us;	/* not of what is gone, nor of
						 * what cannot be read */
};

/* "<seq>-mark.json": is this such a name, and of which? */
bool floor_name(const char *name, uint32_t *before, bool *gone);

/* Create-only; that it is there is fine. */
int floor_mark(struct store *s, const char *source, const char *history,
    uint32_t before, int64_t now_us, int64_t grace_us, struct err *e);
/* The verdict (verdict.h) that it goes, and then it is gone: *go; false: the
 * mark was taken away. */
int floor_sweep(struct store *s, const char *source, const struct floor *f,
    bool *go, struct err *e);
/* Take a mark away, unless what is before it goes for certain. */
int floor_lift(struct store *s, const char *source, const struct floor *f,
    struct err *e);
/* Take a document away. */
int floor_drop(struct store *s, const char *source, const struct floor *f,
    struct err *e);

/* All of a source; owned array. */
int floors_list(struct store *s, const char *source, struct floor **list,
    size_t *n, struct err *e);

/* How far a history is gone; 0: not at all. */
uint32_t floors_gone(const struct floor *list, size_t n,
    const char *history);

/* Offer again what is marked and not gone yet. */
int floors_lift(struct store *s, const char *source, struct err *e);

/* Parse a mark that must be this one; f->history and before say which. */
int floor_parse(const char *text, size_t n, const char *source,
    struct floor *f, struct err *e);

#endif /* !CATALOG_FLOOR_H */
