/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: members of the status document, read with tolerance.
 *
 * What is missing, null or of another type is unknown, never an error: the
 * document may come from an older or newer daemon.  All results are borrowed
 * from the document.
 */
#ifndef BACKUPD_FACTS_H
#define BACKUPD_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define FACTS_UNKNOWN INT64_MIN		/* a time that is not known */

/* The text of a member, or NULL. */
const char *facts_text(const json_t *object, const char *key);

/* The same, "" where there is none. */
const char *facts_word(const json_t *object, const char *key);

/* The number of a member (true is 1, false 0) and true; false: unknown, and
 * *value is 0.  Numbers are finite. */
bool facts_number(const json_t *object, const char *key, double *value);

/* The number, 0 where it is unknown. */
double facts_amount(const json_t *object, const char *key);

/* Is the member true? */
bool facts_true(const json_t *object, const char *key);

/* The time of a member in microseconds since the epoch, or FACTS_UNKNOWN. */
int64_t facts_time(const json_t *object, const char *key);

/* The member if it is an object or an array, else NULL; jansson's functions
 * take NULL for an empty one. */
const json_t *facts_object(const json_t *object, const char *key);
const json_t *facts_array(const json_t *object, const char *key);

/* The last element of an array member with the latest time at key; NULL when
 * there is none. */
const json_t *facts_newest(const json_t *array, const char *key);

/* The element of the status document's sources with this name, or NULL. */
const json_t *facts_source(const json_t *status, const char *name);

#endif /* !BACKUPD_FACTS_H */
