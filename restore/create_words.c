/* SPDX-License-Identifier: Apache-2.0 */
/* create_words: how SQL calls an object, and what must be set around it. */
#include <string.h>

#include "base/buf.h"
#include "mysql/connect.h"
#include "restore/plan.h"

#include "restore/create.h"

void
create_context(const struct plan_object *x, struct buf *out)
{
	const struct schema_context *c = &x->context;
	/* Whatever is not known stays at what a dump would have said. */
	const char *mode = c->sql_mode != NULL ? c->sql_mode : "";
	const char *zone = c->time_zone != NULL ? c->time_zone : "+00:00";

	buf_adds(out, "SET sql_mode=");
	sql_string(out, mode, strlen(mode));
	buf_adds(out, ", time_zone=");
	sql_string(out, zone, strlen(zone));
	if (c->charset != NULL && c->collation != NULL) {
		buf_adds(out, ", character_set_client=");
		sql_string(out, c->charset, strlen(c->charset));
		buf_adds(out, ", collation_connection=");
		sql_string(out, c->collation, strlen(c->collation));
	}
}

const char *
create_kind(const struct plan_object *x)
{
	switch (x->kind) {
	case LINE_VIEW:
		return "VIEW";
	case LINE_TRIGGER:
		return "TRIGGER";
	case LINE_EVENT:
		return "EVENT";
	case LINE_ROUTINE:
		return x->type;
	case LINE_SCHEMA: case LINE_ACCOUNT: case LINE_ROLE: case LINE_GRANT:
	case LINE_SEQUENCE: case LINE_TABLE: case LINE_CHUNK:
	case LINE_MEMBER:
		break;
	}
	return "";
}
