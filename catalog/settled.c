/* SPDX-License-Identifier: Apache-2.0 */
/* settled: breaks of an archive that are none a moment later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/err.h"
#include "catalog/timeline.h"

#include "catalog/settled.h"

/* What is wrong, each a text. */
struct breaks {
	char (*list)[512];
	size_t n;
};

static void
break_text(const struct timeline_history *h, char text[512])
{
	const char *end = strstr(h->broken_what, ": a hole before");

	/* How much has come behind a hole changes, the hole does not. */
	(void)snprintf(text, 512, "%s %.*s", h->history.id, end == NULL ?
	    (int)sizeof(h->broken_what) : (int)(end - h->broken_what),
	    h->broken_what);
}

static int
breaks_of(const struct timeline *t, struct breaks *b, struct err *e)
{
	size_t i;

	b->n = 0;
	b->list = calloc(t->nhistories + t->ndamage + 1, sizeof(*b->list));
	if (b->list == NULL)
		return err_set(e, ERR_NOMEM, 0, "verify");
	for (i = 0; i < t->nhistories; i++)
		if (t->histories[i].broken)
			break_text(&t->histories[i], b->list[b->n++]);
	for (i = 0; i < t->ndamage; i++)
		(void)snprintf(b->list[b->n++], sizeof(*b->list), "%s",
		    t->damage[i]);
	return 0;
}

static bool
has(const struct breaks *b, const char *text)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (strcmp(b->list[i], text) == 0)
			return true;
	return false;
}

static void
keep_common(struct breaks *b, const struct breaks *now)
{
	size_t i, kept = 0;

	for (i = 0; i < b->n; i++)
		if (has(now, b->list[i])) {
			if (kept != i)
				memcpy(b->list[kept], b->list[i],
				    sizeof(*b->list));
			kept++;
		}
	b->n = kept;
}

/* Nothing is wrong in t but what stands in b. */
static void
forget_others(struct timeline *t, const struct breaks *b)
{
	size_t i, kept = 0;
	char text[512];

	for (i = 0; i < t->nhistories; i++) {
		break_text(&t->histories[i], text);
		if (t->histories[i].broken && !has(b, text))
			t->histories[i].broken = false;
	}
	for (i = 0; i < t->ndamage; i++) {
		(void)snprintf(text, sizeof(text), "%s", t->damage[i]);
		if (has(b, text))
			t->damage[kept++] = t->damage[i];
		else
			free(t->damage[i]);
	}
	t->ndamage = kept;
}

int
settled_load(struct store *s, const char *source, unsigned looks, unsigned ms,
    struct cancel *cancel, struct timeline *t, struct err *e)
{
	struct breaks stand = {0}, now = {0};
	int rc;

	if (timeline_load_archive(s, source, t, e) != 0)
		return -1;
	rc = breaks_of(t, &stand, e);
	for (; rc == 0 && stand.n > 0 && looks > 0; looks--) {
		rc = cancel_wait(cancel, ms, e);
		if (rc != 0)
			break;
		timeline_free(t);
		if (timeline_load_archive(s, source, t, e) != 0) {
			free(stand.list);
			return -1;
		}
		rc = breaks_of(t, &now, e);
		if (rc == 0)
			keep_common(&stand, &now);
		free(now.list);
		now = (struct breaks){0};
	}
	if (rc == 0)
		forget_others(t, &stand);
	else
		timeline_free(t);
	free(stand.list);
	return rc;
}
