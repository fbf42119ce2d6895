/* SPDX-License-Identifier: Apache-2.0 */
/* portion: which part of a source is verified now. */
#include <assert.h>
#include <stdlib.h>

#include "catalog/portion.h"

#define DAY_US INT64_C(86400000000)

/* What is read in any case, what was never read, and the rest. */
static int
class(const struct portion_unit *u)
{
	return u->damaged ? 0 : u->read_us == 0 ? 1 : 2;
}

static int
by_turn(const void *a, const void *b)
{
	const struct portion_unit *x = a, *y = b;
	int cx = class(x), cy = class(y);

	if (cx != cy)
		return cx < cy ? -1 : 1;
	/* What nobody has read yet matters most while it is new. */
	if (cx == 1 && x->made_us != y->made_us)
		return x->made_us > y->made_us ? -1 : 1;
	if (x->read_us != y->read_us)
		return x->read_us < y->read_us ? -1 : 1;
	return x->made_us < y->made_us ? -1 : x->made_us > y->made_us;
}

/* What the time since the last run is worth. */
static int64_t
share(uint64_t cost, int64_t since_us, int64_t within_us)
{
	double part = (double)since_us / (double)within_us;

	/* Not more than everything, however long nobody looked. */
	return (int64_t)((double)cost * (part > 1 ? 1 : part) + 0.5);
}

struct portion
portion_pick(struct portion_unit *units, size_t n,
    const struct portion_opts *o)
{
	struct portion p = {0};
	int64_t since = o->last_us == 0 ? DAY_US : o->now_us - o->last_us;
	const uint64_t units_cost = PORTION_UNIT * n;
	int64_t left, most;
	bool due, full = false;
	size_t i;

	assert(o->within_us > 0);
	/* Another's clock may have been ahead of ours. */
	since = since < 0 ? 0 : since;
	if (n > 1)
		qsort(units, n, sizeof(*units), by_turn);
	for (i = 0; i < n; i++)
		p.all += units[i].bytes;
	left = share(p.all + units_cost, since, o->within_us);
	most = left;
	left += o->balance;
	for (i = 0; i < n; i++) {
		due = units[i].damaged || (units[i].read_us != 0 &&
		    o->now_us - units[i].read_us + since > o->within_us);
		units[i].picked = false;
		/* New ones that have to wait do not keep back what is due. */
		if (full || (!due && left <= 0))
			continue;
		if (o->cap != 0 && p.n > 0 && p.bytes + units[i].bytes >
		    o->cap) {
			full = true;
			continue;
		}
		units[i].picked = true;
		p.bytes += units[i].bytes;
		p.cost += units[i].bytes + PORTION_UNIT;
		left -= (int64_t)(units[i].bytes + PORTION_UNIT);
		p.n++;
	}
	/* Nothing is saved up beyond a run's worth, nor owed beyond one whole
	 * turn. */
	p.balance = left > most ? most :
	    left < -(int64_t)(p.all + units_cost) ?
	    -(int64_t)(p.all + units_cost) : left;
	return p;
}
