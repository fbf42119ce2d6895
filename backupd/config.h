/* SPDX-License-Identifier: Apache-2.0 */
/* config: the effective settings, in the form of kura.conf. */
#ifndef BACKUPD_CONFIG_H
#define BACKUPD_CONFIG_H

#include <stdio.h>

struct err;
struct settings;

/* Print the settings of one source and its store, or (source NULL) those of
 * every section of the file; s stays as it is. */
int config_print(const struct settings *s, const char *source, FILE *out,
    struct err *e);

#endif /* !BACKUPD_CONFIG_H */
