/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_portion: one run that reads its part of a source, so that each backup
 * and each archived file is read again within a time (portion.h), and notes in
 * the store what it read (verification.h).
 *
 * Every run also looks at what is cheap: heads, documents, and by listing that
 * each object of the binary logs is there.  What a run that is stopped has
 * read is noted all the same.
 */
#ifndef CATALOG_VERIFY_PORTION_H
#define CATALOG_VERIFY_PORTION_H

#include "catalog/verify.h"

struct verify_portion_opts {
	int64_t within_us;
	uint64_t budget;	/* bytes in this run at most; 0: no cap */
	struct store *notes;	/* the same store, to write documents with:
				 * not ended by verify.cancel */
	struct verify_opts verify;	/* found, arg, workers, cancel */
	/* A backup was read; or NULL. */
	void (*each)(void *arg, const char *id, bool whole,
	    const struct verify_result *r, int64_t ms);
};

struct verify_portion {
	uint64_t backups, all_backups;	/* read, and all that there are */
	uint64_t files, all_files;
	uint64_t bytes, all_bytes;	/* as stored */
	struct verify_result result;	/* of all that was read */
};

/* 0: nothing wrong; -1 with ERR_CORRUPT: damage was found and reported; any
 * other code: could not be done, in whole. */
int verify_portion(struct store *s, const char *source,
    const struct verify_portion_opts *opts, struct verify_portion *out,
    struct err *e);

#endif /* !CATALOG_VERIFY_PORTION_H */
