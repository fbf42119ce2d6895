/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: a Unix socket over which a running daemon is asked and told.
 *
 * Life cycle: control_new (before other threads open sockets of this name);
 * poll control_fd with the loop's other descriptors, and call control_ready
 * when it can be read; control_free, which removes the socket.
 *
 * One request and one reply a connection, each one line of JSON.  Who may
 * ask is judged by SO_PEERCRED, not by the file's mode alone: the daemon's
 * own uid, root, and members of the group.  Nothing here blocks: a peer has
 * 5 seconds to send a request of at most 64 KiB and must go on reading its
 * reply; where too many are connected, whoever has sent nothing for longest
 * has to go.  All calls from the loop's thread.
 */
#ifndef BACKUPD_CONTROL_H
#define BACKUPD_CONTROL_H

#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

struct control;
struct err;
struct settings;

#define CONTROL_REQUEST_MAX ((size_t)64 << 10)
#define CONTROL_REPLY_MAX ((size_t)64 << 20)
#define CONTROL_PEERS 32		/* connections at once */
#define CONTROL_VERSION 1
#define CONTROL_PATH 4096
#define CONTROL_STATE "/var/lib/kura"	/* where no state folder is set */

struct control_opts {
	const char *path;		/* of the socket, at most 107 bytes */
	const char *group;		/* that may ask too, or NULL */
	unsigned ask_ms;		/* for a whole request; 0: 5000 */
	/* Answer a request that control_request let pass: an object with
	 * {"ok":true,...} (see control_ok) or what control_refuse gives.
	 * Called from control_ready; must not block; the caller owns what it
	 * returns, NULL means out of memory. */
	json_t *(*handle)(void *arg, const json_t *request, uid_t peer);
	void *arg;
};

/* Listen.  Makes PATH and PATH.lock, which stays; a socket that a dead
 * daemon left is replaced, a live one is ERR_BUSY, any other file ERR_USAGE.
 * *opts is copied, path and group too. */
struct control *control_new(const struct control_opts *opts, struct err *e);

/* Readable when control_ready has something to do. */
int control_fd(const struct control *c);

/* Do what can be done without waiting: at most 16 requests a call. */
void control_ready(struct control *c);

/* Close all, remove the socket if it is still ours; NULL is fine. */
void control_free(struct control *c);

/* --- requests and replies (control_request.c) --- */

/* Parse a request that a peer sent: version 1, a known verb (status, start,
 * cancel, pause, resume, drain, reload), "source" a name where the verb needs
 * one, "job" a word; other members are let be.  NULL: ERR_USAGE.  The caller
 * owns it. */
json_t *control_request(const char *text, size_t n, struct err *e);

/* Where the socket is: the setting, else backupd.sock in the state folder;
 * after settings_use_daemon.  ERR_USAGE: the name is too long. */
int control_path(const struct settings *s, char path[CONTROL_PATH],
    struct err *e);

/* Members of a request, NULL where absent; borrowed. */
const char *control_verb(const json_t *request);
const char *control_source(const json_t *request);
const char *control_job(const json_t *request);

/* {"ok":true}; and {"ok":false,"code":..,"message":..} of an error: code is
 * usage, notfound, busy, denied or failed.  NULL: out of memory. */
json_t *control_ok(void);
json_t *control_refuse(const struct err *why);

#endif /* !BACKUPD_CONTROL_H */
