/* SPDX-License-Identifier: Apache-2.0 */
/* settings_help: --help and completion, from the tables. */
#include <string.h>

#include "base/err.h"

#include "base/settings_impl.h"

#define WIDTH 79

/* Words of text, wrapped, each line indented. */
static void
wrap(FILE *out, const char *text, size_t indent)
{
	size_t at = indent, n;

	(void)fprintf(out, "%*s", (int)indent, "");
	for (; *text != '\0'; text += n) {
		while (*text == ' ')
			text++;
		n = strcspn(text, " ");
		if (at > indent && at + 1 + n > WIDTH) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		}
		if (at > indent) {
			(void)fputc(' ', out);
			at++;
		}
		(void)fwrite(text, 1, n, out);
		at += n;
	}
	(void)fputc('\n', out);
}

static void
help_setting(FILE *out, const struct setting *t)
{
	const char *arg = t->arg != NULL ? t->arg : t->choices;

	if (t->type == SETTING_FLAG)
		(void)fprintf(out, "  --%s%s\n", t->def != NULL &&
		    strcmp(t->def, "yes") == 0 ? "[no-]" : "", t->name);
	else if ((t->flags & SETTING_SWITCH) != 0)
		(void)fprintf(out, "  --%s[=%s]\n", t->name, arg);
	else
		(void)fprintf(out, "  --%s=%s\n", t->name, arg);
	wrap(out, t->help, 8);
	if (t->def != NULL && t->type != SETTING_FLAG)
		(void)fprintf(out, "        (default: %s)\n", t->def);
}

/* "  [daemon] listen = ADDRESS" */
static void
help_key(FILE *out, const struct setting *t)
{
	(void)fprintf(out, "  %s%s%s%s%s = %s\n",
	    (t->flags & SETTING_IN_DAEMON) != 0 ? "[daemon] " : "",
	    (t->flags & SETTING_IN_STORE) != 0 ? "[store] " : "",
	    (t->flags & SETTING_IN_NOTIFY) != 0 ? "[notify] " : "",
	    (t->flags & SETTING_IN_SOURCE) != 0 ? "[source] " : "", t->name,
	    t->type == SETTING_FLAG ? "yes|no" : t->arg != NULL ? t->arg :
	    t->choices);
	wrap(out, t->help, 8);
	if (t->def != NULL)
		(void)fprintf(out, "        (default: %s)\n", t->def);
}

/* Options: those that the verb takes, or any verb does. */
static void
help_options(const struct settings *s, FILE *out)
{
	const struct setting *const *table, *t;

	(void)fprintf(out, "\nOptions (also in kura.conf, and in the "
	    "environment as KURA_NAME):\n");
	for (table = s->program->tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++)
			if (settings_for_verb(t, s->verb) &&
			    settings_is_option(s->program, t))
				help_setting(out, t);
	(void)fprintf(out, "  --help, --version, --keys, --completion=bash|zsh\n");
}

static void
help_file(const struct settings *s, FILE *out)
{
	const struct setting *const *table, *t;
	bool any = false;

	for (table = s->program->tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++) {
			if (settings_is_option(s->program, t))
				continue;
			if (!any)
				(void)fprintf(out, "\nIn kura.conf alone:\n");
			any = true;
			help_key(out, t);
		}
}

void
settings_help(const struct settings *s, FILE *out)
{
	const struct settings_program *p = s->program;
	const struct settings_verb *v;

	(void)fprintf(out, "%s: %s\n\n", p->name, p->purpose);
	if (s->verb == NULL) {
		for (v = p->verbs; v->name != NULL; v++) {
			(void)fprintf(out, "  %s %s %s\n", p->name, v->name,
			    v->args);
			wrap(out, v->help, 8);
		}
	} else {
		(void)fprintf(out, "  %s %s %s [OPTION...]\n", p->name,
		    s->verb->name, s->verb->args);
		wrap(out, s->verb->help, 8);
	}
	help_options(s, out);
	if (s->verb == NULL)
		help_file(s, out);
	(void)fprintf(out, "\nSee %s(8) for all of it.\n", p->name);
}

/* "daemon	listen	ADDR:PORT	127.0.0.1:9747	where the page is": for man pages
 * and editors. */
void
settings_keys(const struct settings *s, FILE *out)
{
	static const struct { unsigned in; const char *name; } where[] = {
		{ SETTING_IN_DAEMON, "daemon" },
		{ SETTING_IN_NOTIFY, "notify" },
		{ SETTING_IN_STORE, "store" },
		{ SETTING_IN_SOURCE, "source" },
	};
	const struct setting *const *table, *t;
	size_t i;

	for (i = 0; i < sizeof(where) / sizeof(where[0]); i++)
		for (table = s->program->tables; *table != NULL; table++)
			for (t = *table; t->name != NULL; t++)
				if ((t->flags & where[i].in) != 0)
					(void)fprintf(out, "%s\t%s\t%s\t%s\t%s"
					    "\n", where[i].name, t->name,
					    t->type == SETTING_FLAG ?
					    "yes|no" : t->choices != NULL ?
					    t->choices : t->arg, t->def !=
					    NULL ? t->def : "", t->help);
}

static void
words(const struct settings *s, FILE *out)
{
	const struct setting *const *table, *t;
	const struct settings_verb *v;

	for (v = s->program->verbs; v->name != NULL; v++)
		(void)fprintf(out, "%s ", v->name);
	for (table = s->program->tables; *table != NULL; table++)
		for (t = *table; t->name != NULL; t++)
			if (settings_is_option(s->program, t))
				(void)fprintf(out, "--%s%s ", t->name,
				    t->type == SETTING_FLAG ||
				    (t->flags & SETTING_SWITCH) != 0 ?
				    "" : "=");
	(void)fprintf(out, "--help --version --keys");
}

int
settings_completion(const struct settings *s, const char *shell, FILE *out,
    struct err *e)
{
	const char *name = s->program->name;

	if (strcmp(shell, "bash") == 0) {
		(void)fprintf(out, "_kura_%s() {\n\tCOMPREPLY=($(compgen -W \"",
		    name);
		words(s, out);
		(void)fprintf(out, "\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
		    "complete -o nospace -F _kura_%s %s\n", name, name);
		return 0;
	}
	if (strcmp(shell, "zsh") == 0) {
		(void)fprintf(out, "#compdef %s\ncompadd -S '' -- ", name);
		words(s, out);
		(void)fputc('\n', out);
		return 0;
	}
	return err_set(e, ERR_USAGE, 0, "--completion: '%.40s' is not one of "
	    "bash|zsh", shell);
}
