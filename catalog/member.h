/* SPDX-License-Identifier: Apache-2.0 */
/* member: the members of a JSON object that others wrote, each checked. */
#ifndef CATALOG_MEMBER_H
#define CATALOG_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

/* "member 'x' is missing or not what it must be", ERR_CORRUPT. */
int member_bad(struct err *e, const char *member);

/* A member that must be there: text of at most max bytes (borrowed; copy:
 * owned), a number, a time, a SHA-256. */
int member_text(const json_t *object, const char *name, size_t max,
    const char **out, struct err *e);
int member_copy(const json_t *object, const char *name, size_t max,
    char **out, struct err *e);
int member_count(const json_t *object, const char *name, uint64_t max,
    uint64_t *out, struct err *e);
int member_time(const json_t *object, const char *name, int64_t *us,
    struct err *e);
int member_digest(const json_t *object, const char *name, char out[65],
    struct err *e);

/* True if the member is there and null. */
bool member_null(const json_t *object, const char *name);

#endif /* !CATALOG_MEMBER_H */
