/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channels: the [notify NAME] sections of kura.conf as channels of notify.h.
 *
 * Life cycle: channels_read; channels_list; channels_free (notify_new copies
 * what it is given).  Secrets are wiped when they are freed.
 */
#ifndef BACKUPD_CHANNELS_H
#define BACKUPD_CHANNELS_H

#include <stddef.h>

struct channels;
struct err;
struct notify_channel;
struct settings;

/* All sections; ERR_USAGE begins with file and line. */
struct channels *channels_read(const struct settings *s, struct err *e);

const struct notify_channel *channels_list(const struct channels *c,
    size_t *n);

/* One of them, or NULL. */
const struct notify_channel *channels_find(const struct channels *c,
    const char *name);

void channels_free(struct channels *c);

#endif /* !BACKUPD_CHANNELS_H */
