/* SPDX-License-Identifier: Apache-2.0 */
/* expiry: until when a file of certificates is good. */
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include "backupd/expiry.h"

#define FILE_MAX ((size_t)4 << 20)

int
expiry_of(const char *path, int64_t *until_us, struct err *e)
{
	struct buf text = {0};
	BIO *in = NULL;
	X509 *one;
	struct tm tm;
	int64_t until;
	int rc = -1, n = 0;

	if (file_read(path, FILE_MAX, &text, e) != 0)
		goto out;
	in = BIO_new_mem_buf(buf_str(&text), (int)text.len);
	if (in == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "%s", path);
		goto out;
	}
	while ((one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		if (ASN1_TIME_to_tm(X509_get0_notAfter(one), &tm) == 1) {
			until = (int64_t)timegm(&tm) * 1000000;
			if (n++ == 0 || until < *until_us)
				*until_us = until;
		}
		X509_free(one);
	}
	/* The end of the file is an error to it, too. */
	ERR_clear_error();
	rc = n > 0 ? 0 : err_set(e, ERR_CORRUPT, 0, "%s: no certificate",
	    path);
out:	BIO_free(in);
	buf_free(&text);
	return rc;
}
