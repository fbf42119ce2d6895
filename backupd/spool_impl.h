/* SPDX-License-Identifier: Apache-2.0 */
/* spool_impl: what the files of the spool share. */
#ifndef BACKUPD_SPOOL_IMPL_H
#define BACKUPD_SPOOL_IMPL_H

#include "base/buf.h"

#include "backupd/spool.h"

#define SPOOL_NAME_MAX 80
#define SPOOL_PATH_MAX 1024

/* Names of the files in a folder, in order. */
struct spool_names {
	char (*all)[SPOOL_NAME_MAX];
	size_t n;
};

int spool_names(const char *path, struct spool_names *names, struct err *e);
void spool_names_free(struct spool_names *names);

/* A file's name from what it begins with; and back: 0, or -1 when it is
 * none. */
void spool_name(const char *history, uint32_t seq, uint64_t start,
    char name[SPOOL_NAME_MAX]);
int spool_name_parse(const char *name, char history[HISTORY_ID_LEN + 1],
    uint32_t *seq, uint64_t *start);

#endif /* !BACKUPD_SPOOL_IMPL_H */
