/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials: keys for S3, from a chain of sources.
 *
 * Environment (unless a profile is named), then the profile of the AWS files.
 * The first source that is configured decides: if it fails, the chain fails
 * with its error.  Further sources fit between these later.
 */
#ifndef STORE_CREDENTIALS_H
#define STORE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct credentials {		/* owned strings */
	char *id, *secret, *token;
	char *region;		/* of the profile, or NULL */
	char *endpoint, *ca_bundle;	/* of the profile, or NULL */
	const char *from;	/* static: which source */
	int64_t until_us;	/* end of the token, where told; 0: it is not */
	bool fixed;		/* this process finds no newer ones */
};

/* profile: by option, or NULL. ERR_DENIED when there are none. */
int credentials_find(const char *profile, struct credentials *c,
    struct err *e);

/* Wipes the secret. */
void credentials_free(struct credentials *c);

/* One key of a profile in the text of an AWS file; owned, NULL when absent.
 * config: sections are [profile NAME], [default] alone stands bare. */
char *awsfile_key(const char *text, const char *profile, int config,
    const char *key);

#endif /* !STORE_CREDENTIALS_H */
