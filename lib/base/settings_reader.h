/* SPDX-License-Identifier: Apache-2.0 */
/* settings_reader: what reads kura.conf, its files and its lines; nobody
 * else's. */
#ifndef BASE_SETTINGS_READER_H
#define BASE_SETTINGS_READER_H

#include <sys/types.h>

#include "base/settings_impl.h"

/* The library's own buffer of a line, as Debian builds it. */
#define LINE_SIZE 200
#define FILES_MAX 4096		/* in all */

/* All files of one reading. */
struct reading {
	struct settings *s;
	struct err *e;
	struct { dev_t dev; ino_t ino; } seen[FILES_MAX];
	size_t nseen;
	bool alone;		/* a text: it includes nothing */
	/* Of settings_mistakes, which goes on after each. */
	settings_mistake *each;
	void *arg;
	size_t mistakes;
};

/* One file of them. */
struct reader {
	struct reading *all;
	struct reader *outer;	/* whose include this is */
	const char *path;
	char *from;		/* NULL, or what path is after a mark */
	bool flat;		/* it has marks */
	const char *rest;	/* text not yet read */
	int line;		/* the library does not say: counted here */
	char section[LINE_SIZE];	/* the library cuts it to 49 bytes */
	struct file_section *into;
	bool skip;		/* the section is none: so are its keys */
};

/* settings_line.c: take all lines of a text. */
int reader_text(struct reader *r, const char *text);
/* settings_file.c: "include = /etc/kura/conf.d/" followed by *.conf */
int reader_include(struct reader *r, const char *pattern);

#endif /* !BASE_SETTINGS_READER_H */
