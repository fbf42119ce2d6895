/* SPDX-License-Identifier: Apache-2.0 */
/* show_events: archived transactions, by indexes; and their rows. */
#ifndef CATALOG_SHOW_EVENTS_H
#define CATALOG_SHOW_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct moment;
struct store;
struct timeline;

struct show_events_opts {
	struct store *store;
	const struct timeline *timeline;
	const struct moment *from, *to;	/* NULL: open */
	const char *const *tables;	/* "shop.orders", "shop.*" */
	size_t ntables;			/* 0: all */
	const char *kind;		/* or NULL: all */
	bool rows;			/* row images too, by reading segments */
	bool json;
};

/* On standard output; the JSON is written as it comes, and is whole also when
 * it fails. */
int show_events(const struct show_events_opts *o, struct err *e);

#endif /* !CATALOG_SHOW_EVENTS_H */
