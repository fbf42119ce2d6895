/* SPDX-License-Identifier: Apache-2.0 */
/* member: the members of a JSON object that others wrote, each checked. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "codec/digest.h"

#include "catalog/member.h"

int
member_bad(struct err *e, const char *member)
{
	return err_set(e, ERR_CORRUPT, 0, "member '%s' is missing or not what "
	    "it must be", member);
}

int
member_text(const json_t *object, const char *name, size_t max,
    const char **out, struct err *e)
{
	const json_t *value = json_object_get(object, name);

	*out = json_string_value(value);
	if (*out == NULL || strlen(*out) != json_string_length(value) ||
	    json_string_length(value) > max)
		return member_bad(e, name);
	return 0;
}

int
member_copy(const json_t *object, const char *name, size_t max, char **out,
    struct err *e)
{
	const char *text;

	if (member_text(object, name, max, &text, e) != 0)
		return -1;
	*out = strdup(text);
	return *out != NULL ? 0 : err_set(e, ERR_NOMEM, 0, "%s", name);
}

int
member_count(const json_t *object, const char *name, uint64_t max,
    uint64_t *out, struct err *e)
{
	const json_t *value = json_object_get(object, name);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || (uint64_t)n > max)
		return member_bad(e, name);
	*out = (uint64_t)n;
	return 0;
}

int
member_time(const json_t *object, const char *name, int64_t *us, struct err *e)
{
	const char *text;

	if (member_text(object, name, CLOCK_TEXT, &text, e) != 0)
		return -1;
	return clock_parse(text, us) == 0 ? 0 : member_bad(e, name);
}

int
member_digest(const json_t *object, const char *name, char out[65],
    struct err *e)
{
	uint8_t bytes[SHA256_SIZE];
	const char *hex;

	if (member_text(object, name, 64, &hex, e) != 0)
		return -1;
	if (hex_decode(hex, bytes, sizeof(bytes)) != 0)
		return member_bad(e, name);
	memcpy(out, hex, 65);
	return 0;
}

bool
member_null(const json_t *object, const char *name)
{
	return json_is_null(json_object_get(object, name));
}
