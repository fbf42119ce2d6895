/* SPDX-License-Identifier: Apache-2.0 */
/* control_impl: what the files of control share. */
#ifndef BACKUPD_CONTROL_IMPL_H
#define BACKUPD_CONTROL_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/buf.h"

#include "backupd/control.h"

struct peer {
	int fd;			/* -1: a free place */
	uid_t uid;
	bool refused;		/* may not ask */
	int64_t since, stalled;	/* connected; last byte taken */
	struct buf in;
	char *out;		/* the reply, NULL while it is still asking */
	size_t out_n, out_at;
};

struct control {
	struct control_opts opts;
	struct sockaddr_un addr;
	gid_t gid;		/* (gid_t)-1: no group */
	dev_t dev;		/* of the socket that we made */
	ino_t ino;
	bool made;
	bool deaf;		/* out of descriptors: does not listen */
	int lock, listen, epoll, timer;
	size_t pending;		/* bytes of replies in memory */
	struct peer peers[CONTROL_PEERS];
};

/* Make the socket, ours alone, and listen (control_listen.c). */
int control_listen(struct control *c, struct err *e);

/* Close it, and remove it if it is still the one we made. */
void control_unlisten(struct control *c);

#endif /* !BACKUPD_CONTROL_IMPL_H */
