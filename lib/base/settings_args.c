/* SPDX-License-Identifier: Apache-2.0 */
/* settings_args: the command line and the environment. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#include "base/settings_impl.h"

static const struct settings_verb *
find_verb(const struct settings *s, const char *name)
{
	const struct settings_verb *v;

	for (v = s->program->verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static int
unknown_option(const struct settings *s, const char *name, struct err *e)
{
	const char *near = settings_near(s, name, 0);

	if (strcmp(name, "password") == 0) {
		(void)err_set(e, ERR_USAGE, 0, "--password: passwords never "
		    "stand on the command line");
		return err_hint(e, "use --password-file, KURA_PASSWORD or an "
		    "option file");
	}
	(void)err_set(e, ERR_USAGE, 0, "unknown option --%.60s", name);
	if (near != NULL)
		return err_hint(e, "did you mean --%s?", near);
	return err_hint(e, "see %s --help", s->program->name);
}

/* --help and kin; 1 when it was one of them. */
static int
builtin(struct settings *s, const char *name, const char *value,
    char **completion, bool *help)
{
	if (strcmp(name, "help") == 0) {
		*help = true;
	} else if (strcmp(name, "version") == 0) {
		(void)printf("%s %s\n", s->program->name, KURA_VERSION);
		s->done = true;
	} else if (strcmp(name, "keys") == 0) {
		settings_keys(s, stdout);
		s->done = true;
	} else if (strcmp(name, "completion") == 0) {
		free(*completion);
		*completion = strdup(value != NULL ? value : "bash");
	} else {
		return 0;
	}
	return 1;
}

/* May it stand without a value? */
static bool
is_switch(const struct setting *t)
{
	return t->type == SETTING_FLAG || (t->flags & SETTING_SWITCH) != 0;
}

/* One option; *used_next: its value was the next argument. */
static int
option(struct settings *s, const char *arg, const char *next, bool *used_next,
    char **completion, bool *help, struct err *e)
{
	const char *equals = strchr(arg + 2, '='), *value;
	char name[64], origin[80];
	size_t n = equals != NULL ? (size_t)(equals - arg - 2) :
	    strlen(arg + 2);
	struct value *v;
	bool no = false;

	if (n == 0 || n >= sizeof(name))
		return err_set(e, ERR_USAGE, 0, "unknown option %.60s", arg);
	memcpy(name, arg + 2, n);
	name[n] = '\0';
	value = equals != NULL ? equals + 1 : NULL;
	*used_next = false;
	if (builtin(s, name, value, completion, help))
		return 0;
	v = settings_find(s, name);
	if (v == NULL && strncmp(name, "no-", 3) == 0) {
		v = settings_find(s, name + 3);
		no = v != NULL && is_switch(v->setting);
		if (!no)
			v = NULL;
	}
	if (v == NULL)
		return unknown_option(s, name, e);
	(void)snprintf(origin, sizeof(origin), "--%s", name);
	if (is_switch(v->setting)) {
		if (no && value != NULL)
			return err_set(e, ERR_USAGE, 0, "--%s takes no value",
			    name);
		return settings_set(s, v, no ? "no" : value != NULL ? value :
		    "yes", RANK_FLAG, origin, e);
	}
	if (value == NULL) {
		if (next == NULL || strncmp(next, "--", 2) == 0)
			return err_set(e, ERR_USAGE, 0,
			    "--%s needs a value (%s)", name,
			    v->setting->arg != NULL ? v->setting->arg :
			    v->setting->choices);
		value = next;
		*used_next = true;
	}
	return settings_set(s, v, value, RANK_FLAG, origin, e);
}

static int
positional(struct settings *s, const char *arg, struct err *e)
{
	char **args;

	if (s->verb == NULL) {
		s->verb = find_verb(s, arg);
		if (s->verb != NULL)
			return 0;
		(void)err_set(e, ERR_USAGE, 0, "unknown command '%.60s'", arg);
		return err_hint(e, "see %s --help", s->program->name);
	}
	args = realloc(s->args, (s->nargs + 1) * sizeof(*args));
	if (args == NULL)
		return err_set(e, ERR_NOMEM, 0, "arguments");
	s->args = args;
	args[s->nargs] = strdup(arg);
	if (args[s->nargs] == NULL)
		return err_set(e, ERR_NOMEM, 0, "arguments");
	s->nargs++;
	return 0;
}

static int
read_args(struct settings *s, int argc, char **argv, char **completion,
    bool *help, struct err *e)
{
	bool only_positional = false, used_next;
	int i;

	for (i = 1; i < argc; i++) {
		used_next = false;
		if (!only_positional && strcmp(argv[i], "--") == 0)
			only_positional = true;
		else if (!only_positional && strncmp(argv[i], "--", 2) == 0) {
			if (option(s, argv[i], argv[i + 1], &used_next,
			    completion, help, e) != 0)
				return -1;
		} else if (!only_positional && argv[i][0] == '-' &&
		    argv[i][1] != '\0') {
			(void)err_set(e, ERR_USAGE, 0, "unknown option %.60s",
			    argv[i]);
			return err_hint(e, "options begin with --");
		} else if (positional(s, argv[i], e) != 0)
			return -1;
		if (used_next)
			i++;
	}
	return 0;
}

/* An option that this verb does not know does nothing: say so. */
static int
check_verb(const struct settings *s, struct err *e)
{
	const struct value *v;
	size_t i;

	if (s->verb == NULL) {
		(void)err_set(e, ERR_USAGE, 0, "no command given");
		return err_hint(e, "see %s --help", s->program->name);
	}
	if (s->nargs < s->verb->min_args)
		return err_set(e, ERR_USAGE, 0, "%s needs %s", s->verb->name,
		    s->verb->args);
	if (s->nargs > s->verb->max_args)
		return err_set(e, ERR_USAGE, 0, "%s: unexpected argument "
		    "'%.60s'", s->verb->name, s->args[s->verb->max_args]);
	for (i = 0; i < s->nvalues; i++) {
		v = &s->values[i];
		if (v->rank == RANK_FLAG &&
		    !settings_for_verb(v->setting, s->verb))
			return err_set(e, ERR_USAGE, 0, "--%s does not go "
			    "with '%s'", v->setting->name, s->verb->name);
	}
	return 0;
}

static int
read_environment(struct settings *s, struct err *e)
{
	const struct setting *t;
	char name[80];
	const char *text;
	size_t i, k;

	for (i = 0; i < s->nvalues; i++) {
		t = s->values[i].setting;
		if ((t->flags & SETTING_NO_ENV) != 0 ||
		    !settings_is_option(s->program, t))
			continue;
		(void)snprintf(name, sizeof(name), "KURA_%s", t->name);
		for (k = 0; name[k] != '\0'; k++)
			name[k] = name[k] == '-' ? '_' :
			    (char)toupper((unsigned char)name[k]);
		text = getenv(name);
		if (text != NULL && text[0] != '\0' && settings_set(s,
		    &s->values[i], text, RANK_ENV, name, e) != 0)
			return -1;
	}
	return 0;
}

const char *
settings_config(const struct settings *s)
{
	static const char standard[] = "/etc/kura/kura.conf";
	const char *path = settings_str(s, "config");

	return path != NULL ? path : access(standard, R_OK) == 0 ? standard :
	    NULL;
}

static int
read_config(struct settings *s, struct err *e)
{
	const char *path = settings_config(s);

	if (path == NULL)
		return 0;
	if (settings_read_file(s, path, e) != 0)
		return -1;
	return settings_apply(s, file_section(s->file, "defaults", ""), NULL,
	    RANK_DEFAULTS, e);
}

int
settings_parse(struct settings *s, int argc, char **argv, struct err *e)
{
	char *completion = NULL;
	bool help = false;
	int rc;

	rc = read_args(s, argc, argv, &completion, &help, e);
	if (rc == 0 && completion != NULL) {
		s->done = true;
		rc = settings_completion(s, completion, stdout, e);
	} else if (rc == 0 && help) {
		s->done = true;
		settings_help(s, stdout);
	}
	free(completion);
	if (rc != 0 || s->done)
		return rc;
	if (check_verb(s, e) != 0 || read_environment(s, e) != 0)
		return -1;
	return read_config(s, e);
}
