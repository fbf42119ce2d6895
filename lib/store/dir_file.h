/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir_file: the files of a store in a directory: how one gets to its place
 * whole, and how one is opened.
 *
 * An object is written under another name, synced and renamed or linked into
 * place, its folders made durable from the root down: a crash leaves nothing
 * that looks like an object.
 */
#ifndef STORE_DIR_FILE_H
#define STORE_DIR_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "store/backend.h"

struct cancel;

#define DIR_PATH	4096
/* Temporary files live in one folder: listings skip it, a crash leaves its
 * remains there and nowhere else. */
#define DIR_TEMP	".tmp"

struct dir {
	struct backend backend;		/* first */
	char root[DIR_PATH];
	dev_t device;			/* what root was when it was opened */
	ino_t inode;
	struct cancel *cancel;
	atomic_uint_fast64_t requests, bytes_out, bytes_in;
	atomic_uint_fast64_t kinds[STORE_KINDS];
};

/* Count a request. */
void dir_count(struct dir *d, enum store_kind kind);

/* As err_set, with the code and the hint that errno calls for.  Returns -1. */
int dir_fail(struct err *e, int error, const char *what);

/* Is root still the folder that was opened?  One whose disc was unmounted
 * must not look empty, nor be filled anew on another disc. */
int dir_check(const struct dir *d, struct err *e);

/* Where key is. */
int dir_path(const struct dir *d, const char *key, char path[DIR_PATH],
    struct err *e);

/* Open a new temporary file for writing; its name goes to temp. */
int dir_temp(const struct dir *d, char temp[DIR_PATH], struct err *e);

int dir_write_all(int fd, const void *data, size_t n, struct err *e);

/* Make what was written durable, and close fd in any case. */
int dir_sync_close(int fd, struct err *e);

/* Bring a finished, synced temporary file to its name; create_only:
 * ERR_EXISTS if there is one.  On failure temp is still the caller's. */
int dir_settle(const struct dir *d, const char *temp, const char *path,
    bool create_only, struct err *e);

/* Open an object for reading.  Regular files alone are objects: a link or
 * device planted in the store is ERR_IO or ERR_CORRUPT. */
int dir_open_object(struct dir *d, const char *key, struct stat *st,
    struct err *e);

#endif /* !STORE_DIR_FILE_H */
