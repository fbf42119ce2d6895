/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: what every new process of ours begins with. */
#ifndef BACKUPD_SPAWN_H
#define BACKUPD_SPAWN_H

/* A pipe whose ends are least or higher, so that none is where the new process
 * wants another, and close on exec; ends[ours] does not block.  -1 with errno,
 * and no ends. */
int spawn_pipe(int ends[2], int least, int ours);

/* Between fork and exec: a group of its own, signals as by default.  Nothing
 * but system calls. */
void spawn_fresh(void);

#endif /* !BACKUPD_SPAWN_H */
