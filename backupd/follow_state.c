/* SPDX-License-Identifier: Apache-2.0 */
/* follow_state: how a source stands, and what of it somebody is told. */
#include <stdio.h>

#include "base/clock.h"
#include "mysql/connect.h"

#include "backupd/follow_impl.h"
#include "backupd/follow_spool.h"

#define TELL_MS 60000		/* trouble that passes sooner is only logged */

void
follow_tell(const struct follow *f, enum follow_event event, const char *text)
{
	if (f->shared->event != NULL)
		f->shared->event(f->shared->arg, event, f->opts.source, text);
}

void
follow_tell_began(struct follow *f, const struct history *h)
{
	char text[1024];
	bool gap = h->why == HISTORY_GAP;

	if (h->why == HISTORY_FIRST)
		return;
	f->gaps += gap;
	(void)snprintf(text, sizeof(text), "history %s begins with %s: %s%s",
	    h->id, h->first_file, history_why_text(h->why), gap ? ", what was "
	    "committed before it and is not archived cannot be restored" : "");
	follow_tell(f, gap ? FOLLOW_GAP : FOLLOW_HISTORY, text);
}

/* --- trouble --- */

static const struct follow_trouble *
first_trouble(const struct follow *f)
{
	const struct follow_trouble *first = NULL;
	int i;

	for (i = 0; i < FOLLOW_WITHS; i++)
		if (f->trouble[i].text[0] != '\0' && (first == NULL ||
		    f->trouble[i].since_ms < first->since_ms))
			first = &f->trouble[i];
	return first;
}

void
follow_troubled(struct follow *f, enum follow_with with, const struct err *e)
{
	struct follow_trouble *t = &f->trouble[with];

	if (t->text[0] == '\0') {
		t->since_us = clock_now_us();
		t->since_ms = clock_mono_ms();
	}
	(void)snprintf(t->text, sizeof(t->text), "%s%s%s", e->msg,
	    e->hint[0] != '\0' ? "; " : "", e->hint);
}

void
follow_well(struct follow *f, enum follow_with with)
{
	f->trouble[with].text[0] = '\0';
}

/* A link that was made anew proves nothing: the same may soon happen again. */
static int64_t
sound_due(const struct follow *f)
{
	return f->state == FOLLOW_RUNNING &&
	    (f->trouble[FOLLOW_SERVER].text[0] != '\0' ||
	    (f->told && first_trouble(f) == NULL)) ? f->running_ms + FOLLOW_SOUND_MS : INT64_MAX;
}

void
follow_trouble(struct follow *f, int64_t now_ms)
{
	const struct follow_trouble *t;

	if (sound_due(f) <= now_ms) {
		follow_well(f, FOLLOW_SERVER);
		if (f->told && first_trouble(f) == NULL) {
			f->told = false;
			follow_tell(f, FOLLOW_RECOVERED, "the archive goes "
			    "on");
		}
	}
	t = first_trouble(f);
	if (t == NULL || f->told)
		return;
	/* What nothing but a person mends is told of at once; what is told to
	 * stop is no trouble any more. */
	if (f->stopping && (f->err.code == ERR_NONE ||
	    f->err.code == ERR_CANCELLED))
		return;
	if (f->state != FOLLOW_OVER && t->since_ms + TELL_MS > now_ms)
		return;
	f->told = true;
	follow_tell(f, FOLLOW_FAILED, t->text);
}

int64_t
follow_trouble_due(const struct follow *f)
{
	const struct follow_trouble *t = first_trouble(f);
	int64_t due = sound_due(f);

	if (t != NULL && !f->told && !f->stopping && t->since_ms + TELL_MS < due)
		due = t->since_ms + TELL_MS;
	return due;
}

/* --- status --- */

/* The oldest commit that is known of and not stored. */
static int64_t
behind(const struct follow *f)
{
	const struct follow_upload *u = f->first;

	while (u != NULL && (u->sent || u->cut.commit_us == 0))
		u = u->next;
	if (u != NULL)
		return u->cut.commit_us;
	if (f->state == FOLLOW_RUNNING)
		return f->tail.commit_us;
	/* What the server did since we last heard of it is not known. */
	return f->started ? clock_now_us() - (clock_mono_ms() - f->heard_ms) *
	    1000 : -1;
}

/* What was behind when last asked, without what was stored since; what the
 * server wrote since is not known. */
static int64_t
bytes_behind(const struct follow *f)
{
	const struct follow_upload *u = f->first;
	const struct follow_lag *l = &f->lag;
	uint64_t offset;
	uint32_t seq;
	int64_t stored;

	if (f->state != FOLLOW_RUNNING || l->last <= 0)
		return f->state != FOLLOW_RUNNING ? -1 : l->last;
	while (u != NULL && u->sent)
		u = u->next;
	offset = u != NULL ? u->cut.start : f->tail.start;
	seq = u != NULL ? u->seq : f->tail.seq;
	if (seq != l->last_seq)		/* the file ended meanwhile */
		return behind(f) == 0 ? 0 : l->last;
	stored = offset > l->last_offset ?
	    (int64_t)(offset - l->last_offset) : 0;
	return stored < l->last ? l->last - stored : 0;
}

void
follow_status(const struct follow *f, struct follow_status *out)
{
	const struct follow_trouble *t = first_trouble(f);

	/* Whether it is over for good does not matter to who looks now. */
	if (t == &f->trouble[FOLLOW_SERVER] && f->state == FOLLOW_RUNNING)
		t = f->trouble[FOLLOW_STORE].text[0] != '\0' ?
		    &f->trouble[FOLLOW_STORE] : NULL;

	*out = (struct follow_status){
		.state = f->state == FOLLOW_OVER ? FOLLOW_IS_OVER :
		    f->state == FOLLOW_RUNNING ? FOLLOW_IS_FOLLOWING :
		    t != NULL ? FOLLOW_IS_WAITING : FOLLOW_IS_STARTING,
		.history = f->history,
		.server = f->probe.flavour.version_text,
		.file = f->stream.name,
		.endpoint = f->where,
		.position = f->stream.offset,
		.error = t == NULL ? "" : t->text,
		.error_us = t == NULL ? 0 : t->since_us,
		.behind_us = behind(f),
		.lag_bytes = bytes_behind(f),
		.commit_us = f->commit_us,
		.stored = f->stored,
		.gaps = f->gaps,
		.stand = &f->stand,
		.password_us = f->password_us,
	};
	if (f->opts.ack && f->was_acked)
		out->ack = f->state == FOLLOW_RUNNING && f->acked &&
		    f->alone_us == 0 ? FOLLOW_ACK_ON : FOLLOW_ACK_LOST;
}

void
follow_again(struct follow *f, const struct follow_opts *opts)
{
	/* What could not be stored is read from the source again. */
	follow_uploads_free(f);
	follow_well(f, FOLLOW_STORE);
	f->opts = *opts;
	f->at = (struct endpoint){0};
	f->move = f->yields = false;
	f->taken_ms = 0;
	f->err = (struct err){0};
	f->stopping = f->hurry = false;
	atomic_store(&f->finish_stop, false);
	follow_ended_free(f);
	follow_spool_free(f);
	f->finish_ms = 0;
	f->failures = 0;
	f->started = false;
	f->state = FOLLOW_WAITING;
	f->due_ms = 0;
}

bool
follow_idle(const struct follow *f)
{
	const struct follow_upload *u;

	for (u = f->first; u != NULL; u = u->next)
		if (u->asked)
			return false;
	return f->state == FOLLOW_OVER && !f->finishing && !f->lag.asked &&
	    !f->leave.asked && !follow_spool_asked(f);
}
