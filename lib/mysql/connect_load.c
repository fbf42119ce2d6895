/* SPDX-License-Identifier: Apache-2.0 */
/* connect_load: LOCAL INFILE, and only what our own statement asks for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mysql/mysql.h>
#include <mysql/errmsg.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"

#include "mysql/connect_impl.h"

static int
local_init(void **ptr, const char *name, void *arg)
{
	struct conn *c = arg;

	*ptr = c;
	if (c->load.read == NULL || c->load.served ||
	    strcmp(name, c->load.name) != 0) {
		(void)err_set(&c->load.err, ERR_DENIED, 0, "the server asked "
		    "for file '%.60s', which no statement of ours names: "
		    "refused", name);
		return 1;
	}
	c->load.served = true;
	return 0;
}

static int
local_read(void *ptr, char *data, unsigned n)
{
	struct conn *c = ptr;

	return (int)c->load.read(c->load.arg, data, n, &c->load.err);
}

static void
local_end(void *ptr)
{
	(void)ptr;
}

static int
local_error(void *ptr, char *text, unsigned n)
{
	struct conn *c = ptr;

	(void)snprintf(text, n, "%s", c != NULL ? c->load.err.msg :
	    "refused");
	return CR_UNKNOWN_ERROR;
}

void
conn_serve_files(struct conn *c)
{
	mysql_set_local_infile_handler(c->mysql, local_init, local_read,
	    local_end, local_error, c);
}

int
conn_load(struct conn *c, const char *tail, conn_source *read, void *arg,
    struct err *e)
{
	struct buf sql = {0};
	int rc;

	c->load = (struct load){ .read = read, .arg = arg };
	random_hex(c->load.name, 32);
	buf_addf(&sql, "LOAD DATA LOCAL INFILE '%s' ", c->load.name);
	buf_adds(&sql, tail);
	rc = buf_check(&sql, "statement", e);
	if (rc == 0)
		rc = conn_execn(c, sql.data, sql.len, e);
	buf_free(&sql);
	c->load.read = NULL;
	/* The source's own failure explains the server's. */
	if (c->load.err.code != ERR_NONE) {
		*e = c->load.err;
		rc = -1;
	}
	return rc;
}

static bool
info_number(const char *info, const char *word, uint64_t *out)
{
	const char *at = strstr(info, word);

	if (at == NULL || at[strlen(word)] < '0' || at[strlen(word)] > '9')
		return false;
	*out = strtoull(at + strlen(word), NULL, 10);
	return true;
}

int
conn_load_info(struct conn *c, uint64_t *records, uint64_t *deleted,
    uint64_t *skipped, uint64_t *warnings)
{
	const char *info = mysql_info(c->mysql);

	return info != NULL && info_number(info, "Records: ", records) &&
	    info_number(info, "Deleted: ", deleted) &&
	    info_number(info, "Skipped: ", skipped) &&
	    info_number(info, "Warnings: ", warnings) ? 0 : -1;
}
