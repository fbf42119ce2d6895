/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settled: a source's archive for verification, told apart from what is only
 * on its way.
 *
 * An archiver has several segments under way, and a later one may be stored
 * before an earlier one: who lists just then sees a hole that is none.  So
 * where the archive breaks it is listed again, and only breaks that stand
 * where they stood are believed.
 */
#ifndef CATALOG_SETTLED_H
#define CATALOG_SETTLED_H

struct cancel;
struct err;
struct store;
struct timeline;

/* As timeline_load_archive; looks again up to looks times, ms apart, while
 * breaks or damage of the first look are still there.  What only later looks
 * saw is not told of: the next verification will.  Blocks; cancel may be
 * NULL. */
int settled_load(struct store *s, const char *source, unsigned looks,
    unsigned ms, struct cancel *cancel, struct timeline *t, struct err *e);

#endif /* !CATALOG_SETTLED_H */
