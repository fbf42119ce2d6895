/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer: what a primary says to the questions that a replica asks before it
 * wants the stream, and what it keeps of the replica's settings.
 *
 * Sources: facts/mysql.md 7 A, what replicas of MySQL 5.7 to 9.7 and MariaDB
 * 10.4 to 11.8 send.
 */
#ifndef RESTORE_ANSWER_H
#define RESTORE_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#define ANSWER_COLUMNS 2
#define ANSWER_STATE 4096	/* a MariaDB position, as text */

/* What does not change while serving. */
struct answer_opts {
	uint32_t server_id;
	const char *uuid;
	bool gtid;		/* MySQL: GTID_MODE is ON */
};

/* What a replica has said of itself: begins zeroed. */
struct answer_replica {
	uint64_t heartbeat_ns;
	char uuid[40];
	char state[ANSWER_STATE];	/* MariaDB: where it stands */
	bool has_state, state_cut;
};

enum answer_kind { ANSWER_OK, ANSWER_ROW, ANSWER_UNKNOWN };

struct answer {
	const char *names[ANSWER_COLUMNS], *values[ANSWER_COLUMNS];
	unsigned n;
	char room[24];		/* of a value that was made */
};

/* Answer one statement; a is valid as long as what it was made of. */
enum answer_kind answer_to(const struct answer_opts *opts,
    struct answer_replica *r, const char *sql, struct answer *a);

#endif /* !RESTORE_ANSWER_H */
