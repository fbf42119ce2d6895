/* SPDX-License-Identifier: Apache-2.0 */
/* ground_test: which servers are no place for a drill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../mysql/fake.h"
#include "catalog/head.h"
#include "restore/ground.h"
#include "restore/target.h"

static struct target target;
static struct head head;
static struct ground ground;

/* What the server says to the queries that begin so. */
static const struct said {
	const char *begins, *names, *rows;
} *said;

static int
answer(const char *sql, struct buf *n, struct buf *r, struct err *e)
{
	const struct said *x;

	for (x = said; x->begins != NULL; x++)
		if (strncmp(sql, x->begins, strlen(x->begins)) == 0) {
			buf_adds(n, x->names);
			buf_adds(r, x->rows);
			return 0;
		}
	if (strstr(sql, "kura_restore.") != NULL) {
		(void)err_set(e, ERR_IO, 0, "no such schema");
		e->sys = 1049;
		return -1;
	}
	return 0;
}

static int
look(const struct flavour *f, const struct said *what, struct err *e)
{
	fake_reset();
	fake.query = answer;
	said = what;
	ground_free(&ground);
	target = (struct target){ .flavour = *f };
	return ground_look(&ground, &target, &head, e);
}

static void
refuses(const struct flavour *f, const struct said *what,
    enum err_code code, const char *why)
{
	struct err e = {0};

	assert_int_equal(look(f, what, &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
}

static const struct flavour maria = { .kind = FLAVOUR_MARIADB,
	.version = 101106, .server_id = 7, .host = "drill1" };
static const struct flavour mysql = { .kind = FLAVOUR_MYSQL,
	.version = 90704, .server_id = 7, .host = "drill1",
	.uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562" };
static const struct said nothing[] = { { NULL, NULL, NULL } };

static void
test_ground_is_fit(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(look(&maria, nothing, &e), 0);
	assert_false(ground.left);
	assert_non_null(strstr(buf_str(&fake.log), "SHOW SLAVE HOSTS\n"));
	assert_int_equal(look(&mysql, nothing, &e), 0);
	assert_non_null(strstr(buf_str(&fake.log), "SHOW REPLICAS\n"));
	assert_non_null(strstr(buf_str(&fake.log), "SHOW REPLICA STATUS\n"));
}

static void
test_ground_is_the_source(void **state)
{
	struct flavour f = maria;

	(void)state;
	f.server_id = 1;
	f.host[0] = 'D';
	refuses(&f, nothing, ERR_USAGE, "fake is source orders itself (host "
	    "Drill1, server_id 1)");
	f = mysql;
	f.uuid[0] = '4';
	refuses(&f, nothing, ERR_USAGE, "fake is source orders itself (host "
	    "drill1, server_id 7, uuid 4e11fa47-71ca-11e1-9e33-c80aa9429562)");
}

static void
test_ground_is_connected(void **state)
{
	static const struct said hosts[] = { { "SHOW SLAVE HOSTS",
	    "Server_id,Host", "9\tdb3\n" }, { NULL, NULL, NULL } };
	static const struct said dump[] = { { "SELECT USER FROM information_"
	    "schema.PROCESSLIST", "USER", "repl\n" }, { NULL, NULL, NULL } };
	static const struct said replica[] = { { "SHOW ALL SLAVES STATUS",
	    "Connection_name,Slave_IO_State", "kura_restore\tx\nother\tx\n" },
	    { NULL, NULL, NULL } };
	static const struct said ours[] = { { "SHOW ALL SLAVES STATUS",
	    "Connection_name,Slave_IO_State", "kura_restore\tx\n" },
	    { NULL, NULL, NULL } };
	static const struct said group[] = { { "SELECT MEMBER_STATE",
	    "MEMBER_STATE", "ONLINE\n" }, { NULL, NULL, NULL } };
	struct flavour galera = maria;
	struct err e = {0};

	(void)state;
	refuses(&maria, hosts, ERR_USAGE, "fake has a replica attached: 9: no "
	    "place for a drill");
	refuses(&mysql, dump, ERR_USAGE, "fake has a replica attached: repl: "
	    "no place for a drill");
	refuses(&maria, replica, ERR_USAGE, "fake is a replica of another "
	    "server: no place for a drill");
	assert_int_equal(look(&maria, ours, &e), 0);
	refuses(&mysql, group, ERR_USAGE, "fake is a member of a group: no "
	    "place for a drill");
	galera.is_galera = true;
	refuses(&galera, nothing, ERR_USAGE, "fake belongs to a cluster: no "
	    "place for a drill");
}

#define NOTE(source, failed) "{\"version\":1,\"source\":\"" source \
	"\",\"backup\":\"b\",\"began\":\"t\",\"failed\":" failed \
	",\"schemas\":[\"shop\"],\"before\":[],\"after\":null}\n"

static void
test_ground_holds_something(void **state)
{
	static const struct said schemas[] = { { "SELECT SCHEMA_NAME",
	    "SCHEMA_NAME", "a\nb\nc\nd\n" }, { NULL, NULL, NULL } };
	static const struct said restore[] = { { "SELECT backup FROM kura_"
	    "restore.run", "backup", "x/1\n" }, { NULL, NULL, NULL } };
	static const struct said other[] = { { "SELECT value FROM kura_"
	    "restore.memo", "value", NOTE("billing", "null") },
	    { NULL, NULL, NULL } };
	static const struct said more[] = { { "SELECT value FROM kura_"
	    "restore.memo", "value", NOTE("orders", "null") },
	    { "SELECT SCHEMA_NAME", "SCHEMA_NAME", "mine\nshop\n" },
	    { NULL, NULL, NULL } };

	(void)state;
	refuses(&maria, schemas, ERR_EXISTS, "fake holds a, b, c and other "
	    "schemas: a drill wants a server that holds nothing");
	refuses(&maria, restore, ERR_EXISTS, "fake holds the notes of a "
	    "restore of x/1, which is no drill");
	refuses(&maria, other, ERR_EXISTS, "fake holds a drill of source "
	    "billing, begun t");
	refuses(&maria, more, ERR_EXISTS, "fake holds mine that the drill did "
	    "not make: a drill wants a server that holds nothing");
}

static void
test_ground_holds_what_a_drill_left(void **state)
{
	static const struct said left[] = { { "SELECT value FROM kura_"
	    "restore.memo", "value", NOTE("orders", "\"too few\"") },
	    { "SELECT SCHEMA_NAME", "SCHEMA_NAME", "shop\n" },
	    { NULL, NULL, NULL } };
	struct err e = {0};

	(void)state;
	assert_int_equal(look(&mysql, left, &e), 0);
	assert_true(ground.left);
	assert_string_equal(ground_note_failed(&ground.note), "too few");
}

static void
test_ground_definition(void **state)
{
	static const struct said accounts[] = { { "SELECT COUNT(*) FROM "
	    "information_schema.TABLES", "n", "0\n" }, { "SELECT User, Host, is_role",
	    "User,Host,r", "root\tlocalhost\t0\n" }, { NULL, NULL, NULL } };
	struct err e = {0};

	(void)state;
	assert_int_equal(look(&maria, nothing, &e), 0);
	said = accounts;
	assert_int_equal(ground_note_init(&ground.note, "orders", "b", &e),
	    0);
	assert_int_equal(ground_note_add_account(&ground.note, false, "root",
	    "localhost", &e), 0);
	assert_int_equal(ground_definition(&ground, "", "CREATE DATABASE x",
	    &e), 0);
	assert_true(ground_note_has_schema(&ground.note, "x", false));
	assert_int_equal(ground_definition(&ground, "", "DROP USER "
	    "root@localhost", &e), 1);
	assert_int_equal(ground.left_out, 1);
	/* It is written before anything else, and again when it failed. */
	assert_int_equal(ground_keep(&ground, "too few", &e), 0);
	assert_non_null(strstr(buf_str(&fake.log), "CREATE DATABASE IF NOT "
	    "EXISTS kura_restore\n"));
	assert_non_null(strstr(buf_str(&fake.log), "REPLACE INTO "
	    "kura_restore.memo VALUES ('drill',"));
	assert_true(ground_note_made_account(&ground.note, "root",
	    "localhost") == false);
}

static int
setup(void **state)
{
	(void)state;
	head.source = strdup("orders");
	head.server = json_pack("{s:s, s:i, s:s}", "host", "drill1",
	    "server_id", 1, "uuid", "4e11fa47-71ca-11e1-9e33-c80aa9429562");
	return head.source != NULL && head.server != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	ground_free(&ground);
	fake_reset();
	head_free(&head);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ground_is_fit),
		cmocka_unit_test(test_ground_is_the_source),
		cmocka_unit_test(test_ground_is_connected),
		cmocka_unit_test(test_ground_holds_something),
		cmocka_unit_test(test_ground_holds_what_a_drill_left),
		cmocka_unit_test(test_ground_definition),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
