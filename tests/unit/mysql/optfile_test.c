/* SPDX-License-Identifier: Apache-2.0 */
/* optfile_test: option files as the servers' own clients read them. */
#define _XOPEN_SOURCE 700	/* nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "mysql/optfile.h"

static char root[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/optfile-XXXXXX");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
parse(const char *text, struct optfile *o)
{
	struct err e = {0};

	if (optfile_parse(text, "my.cnf", o, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(e.code, ERR_NONE);
}

static void
refuses(const char *text, const char *why)
{
	struct optfile o = {0};
	struct err e = {0};

	assert_int_equal(optfile_parse(text, "my.cnf", &o, &e), -1);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, ERR_USAGE);
	optfile_free(&o);
}

/* The password that a line gives in [client]; NULL for none. */
static void
password(const char *line, const char *want)
{
	struct optfile o = {0};
	char text[256];

	(void)snprintf(text, sizeof(text), "[client]\n%s\n", line);
	parse(text, &o);
	if (want == NULL)
		assert_null(o.password);
	else
		assert_string_equal(o.password, want);
	optfile_free(&o);
}

/* --- groups and keys --- */

static void
test_optfile_all_keys(void **state)
{
	struct optfile o = {0};

	(void)state;
	parse("[client]\nhost=h\nport=1\nsocket=s\nuser=u\npassword=p\n"
	    "ssl-mode=REQUIRED\nssl_ca=a\nssl-capath=b\nssl_cert=c\n"
	    "ssl-key=d\n", &o);
	assert_string_equal(o.host, "h");
	assert_string_equal(o.port, "1");
	assert_string_equal(o.socket, "s");
	assert_string_equal(o.user, "u");
	assert_string_equal(o.password, "p");
	assert_string_equal(o.ssl_mode, "REQUIRED");
	assert_string_equal(o.ssl_ca, "a");
	assert_string_equal(o.ssl_capath, "b");
	assert_string_equal(o.ssl_cert, "c");
	assert_string_equal(o.ssl_key, "d");
	optfile_free(&o);
	assert_null(o.password);
	optfile_free(&o);
}

static void
test_optfile_groups(void **state)
{
	struct optfile o = {0};

	(void)state;
	parse("user=none\n[mysqld]\nuser=server\nunknown\n[mysql]\nuser=shell\n"
	    "[client]\nhost=c\n[client-mariadb]\nport=2\n[client-server]\n"
	    "socket=s\n[kura]\nssl-ca=k\n[clients]\nuser=x\n[CLIENT]\nuser=y\n",
	    &o);
	assert_null(o.user);
	assert_string_equal(o.host, "c");
	assert_string_equal(o.port, "2");
	assert_string_equal(o.socket, "s");
	assert_string_equal(o.ssl_ca, "k");
	optfile_free(&o);
}

static void
test_optfile_later_values_win(void **state)
{
	struct optfile o = {0};

	(void)state;
	parse("[client]\nuser=a\nuser=b\n[kura]\nuser=c\n", &o);
	assert_string_equal(o.user, "c");
	parse("[client]\nuser=\n", &o);
	assert_string_equal(o.user, "");
	optfile_free(&o);
}

static void
test_optfile_white_space_and_line_ends(void **state)
{
	struct optfile o = {0};

	(void)state;
	parse("\t[ client ] # x\r\n  user \t=\t a b \t\r\n\r\n;host=x\n #host=y"
	    "\nport=3", &o);
	assert_string_equal(o.user, "a b");
	assert_string_equal(o.port, "3");
	assert_null(o.host);
	optfile_free(&o);
	parse("", &o);
	parse("[client]", &o);
	assert_null(o.user);
}

static void
test_optfile_unknown_keys(void **state)
{
	struct optfile o = {0};

	(void)state;
	parse("[client]\ndefault-character-set=utf8\nquick\n=x\n"
	    "loose-user=a\n", &o);
	assert_string_equal(o.user, "a");
	optfile_free(&o);
	refuses("\n[kura]\nuser=a\npasword=b\n", "my.cnf:4: unknown key "
	    "'pasword' in [kura]");
	refuses("[kura]\nstore\n", "my.cnf:2: unknown key 'store' in [kura]");
	refuses("[kura]\n=x\n", "my.cnf:2: unknown key '' in [kura]");
	refuses("[client]\nuser\n[kura]\nuser\n", "my.cnf:4: user needs a "
	    "value");
	refuses("[client\nuser=x\n", "my.cnf:1: '[' without ']'");
}

/* --- values --- */

static void
test_optfile_quotes(void **state)
{
	(void)state;
	password("password=\"a b\"", "a b");
	password("password='a b '", "a b ");
	password("password=\" a'b\"", " a'b");
	password("password=''", "");
	password("password=\"", "\"");
	/* quotes are taken off a whole value alone */
	password("password=\"a\" b", "\"a\" b");
	password("password='a\"", "'a\"");
	password("password=a'b", "a'b");
	password("password=a=b", "a=b");
	password("password", NULL);
}

static void
test_optfile_escapes(void **state)
{
	(void)state;
	password("password=a\\nb\\tc\\rd\\be\\sf", "a\nb\tc\rd\be f");
	password("password=a\\\\b\\\"c\\'d", "a\\b\"c'd");
	password("password=\"a\\\"b\"", "a\"b");
	password("password=a\\xb", "a\\xb");
	password("password=a\\", "a\\");
	password("password='\\'", "\\");
	/* an escaped blank is part of the value wherever it stands */
	password("password=\\sa\\s", " a ");
	password("password=a\\s  # x", "a ");
}

static void
test_optfile_comments(void **state)
{
	(void)state;
	password("password=a # b", "a");
	password("password=a#b", "a");
	password("password=#b", "");
	password("password=\"a#b\"", "a#b");
	password("password='a\\'#b' # c", "a'#b");
	password("password=\"a # b\" # c", "a # b");
	password("password # = b", NULL);
	password("#password=b", NULL);
	password("password=a;b", "a;b");
}

/* --- files --- */

static char *
write_file(const char *name, const char *text, mode_t mode)
{
	static char path[128];
	FILE *fp;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	fp = fopen(path, "w");
	assert_non_null(fp);
	assert_true(fputs(text, fp) >= 0);
	assert_int_equal(fclose(fp), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static void
read_not(const char *path, enum err_code code, const char *format)
{
	struct optfile o = {0};
	struct err e = {0};
	char why[400];

	assert_int_equal(optfile_read(path, &o, &e), -1);
	(void)snprintf(why, sizeof(why), "%s%s", root, format);
	assert_string_equal(e.msg, why);
	assert_int_equal(e.code, code);
	optfile_free(&o);
}

static void
test_optfile_read(void **state)
{
	struct optfile o = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(optfile_read(write_file("a", "[kura]\nuser=x\n",
	    0600), &o, &e), 0);
	assert_string_equal(o.user, "x");
	optfile_free(&o);
}

static void
test_optfile_read_missing(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/none", root);
	read_not(path, ERR_NOTFOUND, "/none: No such file or directory");
}

/* Who may write it chooses the server; who may read it is the owner's
 * affair, as with every client. */
static void
test_optfile_read_refuses_files_anybody_may_write(void **state)
{
	struct optfile o = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(optfile_read(write_file("a", "[kura]\nuser=x\n",
	    0664), &o, &e), 0);
	optfile_free(&o);
	read_not(write_file("a", "[kura]\nuser=x\n", 0602), ERR_USAGE,
	    "/a: anybody may write to it: refused");
}

static void
test_optfile_read_refuses_bytes(void **state)
{
	char *path = write_file("a", "[kura]\n", 0600);
	FILE *fp = fopen(path, "a");

	(void)state;
	assert_int_equal(fwrite("user=\0x\n", 1, 8, fp), 8);
	assert_int_equal(fclose(fp), 0);
	read_not(path, ERR_USAGE, "/a: not a text file");
}

static void
test_optfile_includes(void **state)
{
	struct optfile o = {0};
	struct err e = {0};
	char text[400], path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/d", root);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)write_file("d/2.cnf", "[client]\nuser=two\nport=2\n", 0600);
	(void)write_file("d/1.cnf", "[client]\nuser=one\nhost=one\n", 0600);
	(void)write_file("d/3.txt", "[client]\nuser=three\n", 0600);
	(void)write_file("b", "[client]\nsocket=b\n", 0600);
	(void)snprintf(text, sizeof(text), "[client]\nport=0\n!include %s/b\n"
	    "!includedir  %s/d \nssl-ca=a\n", root, root);
	assert_int_equal(optfile_read(write_file("a", text, 0600), &o, &e),
	    0);
	assert_string_equal(o.socket, "b");
	assert_string_equal(o.host, "one");
	assert_string_equal(o.user, "two");
	assert_string_equal(o.port, "2");
	/* the group goes on behind them */
	assert_string_equal(o.ssl_ca, "a");
	optfile_free(&o);
}

static void
test_optfile_includes_that_fail(void **state)
{
	char text[200], why[200];

	(void)state;
	(void)snprintf(text, sizeof(text), "!include %s/none\n", root);
	read_not(write_file("a", text, 0600), ERR_NOTFOUND,
	    "/none: No such file or directory");
	(void)snprintf(text, sizeof(text), "!includedir %s/none\n", root);
	read_not(write_file("a", text, 0600), ERR_USAGE,
	    "/none: No such file or directory");
	read_not(write_file("a", "!exclude x\n", 0600), ERR_USAGE,
	    "/a:1: unknown directive");
	(void)snprintf(text, sizeof(text), "[kura]\n!include %s/a\n", root);
	(void)snprintf(why, sizeof(why), "/a:2: includes nested more than 10 "
	    "deep");
	read_not(write_file("a", text, 0600), ERR_USAGE, why);
	(void)write_file("b", "[kura]\nnonsense=1\n", 0600);
	(void)snprintf(text, sizeof(text), "!include %s/b\n", root);
	read_not(write_file("a", text, 0600), ERR_USAGE,
	    "/b:2: unknown key 'nonsense' in [kura]");
	(void)write_file("b", "", 0666);
	read_not(write_file("a", text, 0600), ERR_USAGE,
	    "/b: anybody may write to it: refused");
}

/* Text that is no file opens none. */
static void
test_optfile_parse_opens_nothing(void **state)
{
	struct optfile o = {0};

	(void)state;
	parse("!include /none\n!includedir /none\n[client]\nuser=x\n", &o);
	assert_string_equal(o.user, "x");
	optfile_free(&o);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_optfile_all_keys),
		cmocka_unit_test(test_optfile_groups),
		cmocka_unit_test(test_optfile_later_values_win),
		cmocka_unit_test(test_optfile_white_space_and_line_ends),
		cmocka_unit_test(test_optfile_unknown_keys),
		cmocka_unit_test(test_optfile_quotes),
		cmocka_unit_test(test_optfile_escapes),
		cmocka_unit_test(test_optfile_comments),
		IN_FOLDER(test_optfile_read),
		IN_FOLDER(test_optfile_read_missing),
		IN_FOLDER(test_optfile_read_refuses_files_anybody_may_write),
		IN_FOLDER(test_optfile_read_refuses_bytes),
		IN_FOLDER(test_optfile_includes),
		IN_FOLDER(test_optfile_includes_that_fail),
		cmocka_unit_test(test_optfile_parse_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
