/* SPDX-License-Identifier: Apache-2.0 */
/* kept: what stands beside the heads of a source: marks, holds, notes. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "catalog/document.h"
#include "catalog/show.h"

#include "catalog/kept.h"

int
kept_load(struct store *s, const char *source, const char *id,
    struct kept *k, struct err *e)
{
	*k = (struct kept){0};
	if (expiring_list(s, source, &k->marks, &k->nmarks, e) == 0 &&
	    holds_list(s, source, id, &k->holds, &k->nholds, e) == 0 &&
	    notes_list(s, source, id, &k->notes, &k->nnotes, e) == 0)
		return 0;
	kept_free(k);
	return -1;
}

void
kept_text(const struct kept *k, const char *id, struct buf *out)
{
	const struct expiring *x = expiring_of(k->marks, k->nmarks, id);
	char after[SHOW_TIME];
	size_t i;

	for (i = 0; i < k->nholds; i++)
		if (strcmp(k->holds[i].backup, id) == 0) {
			buf_adds(out, ", held");
			break;
		}
	if (x == NULL)
		return;
	if (x->sweep_after_us == 0)
		buf_adds(out, ", expiring");
	else
		buf_addf(out, ", expiring %s", show_time(x->sweep_after_us,
		    after));
}

void
kept_print(const struct kept *k, const char *id, FILE *out)
{
	const struct expiring *x = expiring_of(k->marks, k->nmarks, id);
	char time[SHOW_TIME];
	size_t i;

	for (i = 0; i < k->nholds; i++) {
		if (strcmp(k->holds[i].backup, id) != 0)
			continue;
		(void)fprintf(out, "hold         '%s' of %s until %s: %s\n",
		    k->holds[i].name, k->holds[i].owner,
		    k->holds[i].until_us == 0 ? "released" : show_time(
		    k->holds[i].until_us, time), k->holds[i].reason);
	}
	for (i = 0; i < k->nnotes; i++)
		if (strcmp(k->notes[i].backup, id) == 0)
			(void)fprintf(out, "note         %s, %s: %s\n",
			    k->notes[i].owner, show_time(k->notes[i].made_us,
			    time), k->notes[i].text);
	if (x != NULL)
		(void)fprintf(out, "expires      after %s: %s\n",
		    show_time(x->sweep_after_us, time), x->why != NULL ?
		    x->why : "its sweep has begun");
}

void
kept_json(const struct kept *k, const char *id, json_t *object)
{
	const struct expiring *x = expiring_of(k->marks, k->nmarks, id);

	(void)json_object_set_new(object, "holds", holds_json(k->holds,
	    k->nholds, id));
	(void)json_object_set_new(object, "notes", notes_json(k->notes,
	    k->nnotes, id));
	(void)json_object_set_new(object, "expires", x == NULL ? json_null() :
	    document_time(x->sweep_after_us));
}

void
kept_free(struct kept *k)
{
	expiring_free(k->marks, k->nmarks);
	holds_free(k->holds, k->nholds);
	notes_free(k->notes, k->nnotes);
	*k = (struct kept){0};
}
