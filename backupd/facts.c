/* SPDX-License-Identifier: Apache-2.0 */
/* facts: members of the status document, read with tolerance. */
#include <math.h>
#include <string.h>

#include "base/clock.h"

#include "backupd/facts.h"

const char *
facts_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *
facts_word(const json_t *object, const char *key)
{
	const char *text = facts_text(object, key);

	return text != NULL ? text : "";
}

bool
facts_number(const json_t *object, const char *key, double *value)
{
	const json_t *member = json_object_get(object, key);

	*value = 0;
	if (json_is_boolean(member))
		*value = json_is_true(member) ? 1 : 0;
	else if (json_is_number(member))
		*value = json_number_value(member);
	else
		return false;
	if (isfinite(*value))
		return true;
	*value = 0;
	return false;
}

double
facts_amount(const json_t *object, const char *key)
{
	double value;

	(void)facts_number(object, key, &value);
	return value;
}

bool
facts_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

int64_t
facts_time(const json_t *object, const char *key)
{
	const char *text = facts_text(object, key);
	int64_t us;

	if (text == NULL || clock_parse(text, &us) != 0)
		return FACTS_UNKNOWN;
	return us;
}

const json_t *
facts_object(const json_t *object, const char *key)
{
	const json_t *member = json_object_get(object, key);

	return json_is_object(member) ? member : NULL;
}

const json_t *
facts_array(const json_t *object, const char *key)
{
	const json_t *member = json_object_get(object, key);

	return json_is_array(member) ? member : NULL;
}

const json_t *
facts_newest(const json_t *array, const char *key)
{
	const json_t *best = NULL, *item;
	int64_t latest = FACTS_UNKNOWN, at;
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		item = json_array_get(array, i);
		at = facts_time(item, key);
		if (at != FACTS_UNKNOWN && at >= latest) {
			latest = at;
			best = item;
		}
	}
	return best;
}

const json_t *
facts_source(const json_t *status, const char *name)
{
	const json_t *sources = facts_array(status, "sources"), *source;
	size_t i;

	for (i = 0; i < json_array_size(sources); i++) {
		source = json_array_get(sources, i);
		if (strcmp(facts_word(source, "name"), name) == 0)
			return source;
	}
	return NULL;
}
