/* SPDX-License-Identifier: Apache-2.0 */
/* show_transaction: one archived transaction for people and programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "catalog/segment.h"
#include "catalog/show.h"
#include "mysql/mask.h"

#include "catalog/show_transaction.h"

void
show_flat(const char *text)
{
	for (; *text != '\0'; text++)
		(void)putchar((unsigned char)*text < 0x20 || *text == 0x7f ?
		    ' ' : *text);
}

static void
show_table(const struct transaction_table *one)
{
	static const char signs[] = "+~-";
	const uint64_t counts[] = { one->writes, one->updates,
		one->deletes };
	size_t i;

	show_flat(one->schema);
	(void)putchar('.');
	show_flat(one->table);
	for (i = 0; i < 3; i++)
		if (counts[i] > 0)
			(void)printf(" %c%" PRIu64, signs[i], counts[i]);
}

void
show_transaction(const char *file, const struct transaction *t)
{
	char when[CLOCK_TEXT], gtid[GTID_TEXT] = "-", size[SHOW_SIZE];
	struct buf sql = {0};
	size_t i;

	clock_rfc3339(t->time_us, when);
	if (t->gtid.gtid.set)
		gtid_text(&t->gtid.gtid, gtid);
	(void)printf("%s  ", when);
	if (file != NULL) {
		show_flat(file);
		(void)printf(":%" PRIu64 "  ", t->offset);
	}
	(void)printf("%s  %s  %s", gtid, transaction_kind_text(t->kind),
	    show_size(t->size, size));
	for (i = 0; i < t->ntables; i++) {
		(void)fputs(i == 0 ? "  " : ", ", stdout);
		show_table(&t->tables[i]);
	}
	if (t->tables_cut)
		(void)fputs(", more tables", stdout);
	if (t->uncounted)
		(void)fputs(", rows not counted", stdout);
	if (t->incident)
		(void)fputs("  INCIDENT: the server lost events here", stdout);
	if (t->sql[0] != '\0') {
		mask_statement(t->sql, strlen(t->sql), &sql);
		(void)fputs("  ", stdout);
		if (t->schema[0] != '\0') {
			(void)putchar('[');
			show_flat(t->schema);
			(void)fputs("] ", stdout);
		}
		show_flat(buf_str(&sql));
		buf_free(&sql);
	}
	(void)putchar('\n');
}

json_t *
show_transaction_json(const char *file, const struct transaction *t)
{
	struct buf line = {0}, sql = {0};
	const char *shown;
	json_t *json;

	transaction_line(t, &line);
	json = json_loadb(buf_str(&line), line.len, 0, NULL);
	buf_free(&line);
	shown = json_string_value(json_object_get(json, "sql"));
	if (shown != NULL) {
		mask_statement(shown, strlen(shown), &sql);
		(void)json_object_set_new(json, "sql", json_string(
		    buf_str(&sql)));
		buf_free(&sql);
	}
	if (file != NULL)
		(void)json_object_set_new(json, "file", json_string(file));
	return json;
}
