/* SPDX-License-Identifier: Apache-2.0 */
/* upload: a closed segment on its way to the store. */
#ifndef BACKUPD_UPLOAD_H
#define BACKUPD_UPLOAD_H

#include "backupd/tail.h"

struct err;
struct store;

/* Compress and store it; blocks.  If it is there already (another archiver of
 * this source, or an answer that was lost), it must hold the same bytes:
 * ERR_CORRUPT otherwise. */
int upload_cut(struct store *s, const char *source, const char *history,
    const struct tail_cut *cut, struct err *e);

#endif /* !BACKUPD_UPLOAD_H */
