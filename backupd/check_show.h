/* SPDX-License-Identifier: Apache-2.0 */
/* check_show: what a check saw, as text or as one JSON document. */
#ifndef BACKUPD_CHECK_SHOW_H
#define BACKUPD_CHECK_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct check_source;
struct check_store;
struct findings;

struct check_shown {
	const struct findings *findings;
	const struct check_store *stores;
	const struct check_source *sources;
	size_t nstores, nsources;
	bool json;
};

/* Stores, a table of sources and their jobs ("ok", "no" where an error stops
 * it, "-" where it is not wanted), then the findings. */
void check_show(const struct check_shown *c, FILE *out);

#endif /* !BACKUPD_CHECK_SHOW_H */
