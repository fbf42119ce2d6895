/* SPDX-License-Identifier: Apache-2.0 */
/* status: the daemon's status document as a person reads it in a terminal. */
#ifndef BACKUPD_STATUS_H
#define BACKUPD_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct err;

/* Print the document (NULL or no object: ERR_CORRUPT), of all sources or of
 * the named one alone (ERR_NOTFOUND); members that are missing or of another
 * type are left out.  json: as the document it is, of that source alone. */
int status_print(const json_t *doc, const char *source, bool json,
    FILE *out, struct err *e);

#endif /* !BACKUPD_STATUS_H */
