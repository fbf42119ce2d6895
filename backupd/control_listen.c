/* SPDX-License-Identifier: Apache-2.0 */
/* control: its socket, made so that no two daemons have one. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#include "backupd/control_impl.h"

/* The lock keeps two that start at once from replacing each other's. */
static int
take_lock(struct control *c, struct err *e)
{
	char path[sizeof(c->addr.sun_path) + 8];

	(void)snprintf(path, sizeof(path), "%s.lock", c->addr.sun_path);
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock < 0)
		return err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO,
		    errno, "%s", path);
	if (flock(c->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_set(e, ERR_IO, errno, "%s", path);
	(void)err_set(e, ERR_BUSY, 0, "%s: a daemon already listens there",
	    c->addr.sun_path);
	return err_hint(e, "stop it, or give this one its own state folder or "
	    "socket");
}

/* With the lock ours, a socket here is a dead daemon's, unless someone
 * answers on it. */
static int
remove_stale(struct control *c, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (lstat(c->addr.sun_path, &st) != 0)
		return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "%s",
		    c->addr.sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_USAGE, 0, "%s: is there, and is no "
		    "socket", c->addr.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, ERR_NOMEM, errno, "socket");
	rc = connect(fd, (const struct sockaddr *)&c->addr, sizeof(c->addr));
	if (rc != 0 && errno != EAGAIN)
		rc = unlink(c->addr.sun_path) == 0 || errno == ENOENT ? 0 :
		    err_set(e, ERR_IO, errno, "%s", c->addr.sun_path);
	else
		rc = err_set(e, ERR_BUSY, 0, "%s: someone already listens "
		    "there", c->addr.sun_path);
	(void)close(fd);
	return rc;
}

static int
find_group(struct control *c, const char *name, struct err *e)
{
	struct group *g;

	c->gid = (gid_t)-1;
	if (name == NULL)
		return 0;
	errno = 0;
	g = getgrnam(name);
	if (g == NULL)
		return err_set(e, ERR_USAGE, errno, "socket-group: there is "
		    "no group '%.80s'", name);
	c->gid = g->gr_gid;
	return 0;
}

/* Its mode is right from the first moment: bind(2) takes it from the
 * descriptor.  Nobody can connect before listen(2). */
static int
listen_there(struct control *c, struct err *e)
{
	const char *path = c->addr.sun_path;
	struct stat st;

	c->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (c->listen < 0)
		return err_set(e, ERR_NOMEM, errno, "socket");
	if (fchmod(c->listen, 0600) != 0 || bind(c->listen,
	    (const struct sockaddr *)&c->addr, sizeof(c->addr)) != 0)
		return err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO,
		    errno, "%s: cannot listen there", path);
	c->made = true;
	if (lstat(path, &st) != 0)
		return err_set(e, ERR_IO, errno, "%s", path);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	if (c->gid != (gid_t)-1 && (chown(path, (uid_t)-1, c->gid) != 0 ||
	    chmod(path, 0660) != 0)) {
		(void)err_set(e, ERR_USAGE, errno, "%s: cannot give it to the "
		    "socket-group", path);
		return err_hint(e, "the daemon's user must be a member of it");
	}
	if (listen(c->listen, 64) != 0)
		return err_set(e, ERR_IO, errno, "%s: cannot listen there",
		    path);
	return 0;
}

int
control_listen(struct control *c, struct err *e)
{
	return find_group(c, c->opts.group, e) == 0 && take_lock(c, e) == 0 &&
	    remove_stale(c, e) == 0 ? listen_there(c, e) : -1;
}

void
control_unlisten(struct control *c)
{
	struct stat st;

	/* Only what we made, and while the lock is ours. */
	if (c->made && lstat(c->addr.sun_path, &st) == 0 &&
	    st.st_dev == c->dev && st.st_ino == c->ino)
		(void)unlink(c->addr.sun_path);
	if (c->listen >= 0)
		(void)close(c->listen);
	if (c->lock >= 0)
		(void)close(c->lock);
}
