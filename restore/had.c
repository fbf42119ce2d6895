/* SPDX-License-Identifier: Apache-2.0 */
/* had: which transactions of a route a target has already. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#include "restore/had.h"

struct domain {
	struct gtid at;		/* the last one that the target has */
	bool reached;		/* the route has come by it */
};

struct had {
	struct gtid_set *set;
	bool nothing;			/* of the route, when it began */
	struct domain *domains;		/* MariaDB */
	size_t ndomains;
};

/* Is it the end of its domain in this position text? */
static bool
ends_there(const char *position, const char *gtid)
{
	size_t n = strlen(gtid);
	const char *p = position;

	for (; (p = strstr(p, gtid)) != NULL; p += n)
		if ((p == position || p[-1] == ',') && (p[n] == '\0' ||
		    p[n] == ','))
			return true;
	return false;
}

static int
add_domain(struct had *h, const char *text, size_t n, const char *held,
    struct err *e)
{
	struct domain *wider;
	char one[GTID_TEXT];

	if (n >= sizeof(one))
		return err_set(e, ERR_CORRUPT, 0, "position '%.60s'", text);
	memcpy(one, text, n);
	one[n] = '\0';
	wider = realloc(h->domains, (h->ndomains + 1) * sizeof(*wider));
	if (wider == NULL)
		return err_set(e, ERR_NOMEM, 0, "GTID domains");
	h->domains = wider;
	wider += h->ndomains;
	if (gtid_parse(one, FLAVOUR_MARIADB, &wider->at, e) != 0)
		return -1;
	wider->reached = ends_there(held, one);
	h->ndomains++;
	return 0;
}

static int
split(struct had *h, const struct gtid_set *have, const struct gtid_set *held,
    struct err *e)
{
	struct buf text = {0}, from = {0};
	const char *p;
	size_t n;
	int rc;

	gtid_set_position(have, &text);
	gtid_set_position(held, &from);
	rc = buf_check(&text, "position", e);
	if (rc == 0)
		rc = buf_check(&from, "position", e);
	for (p = buf_str(&text); rc == 0 && *p != '\0'; p += n) {
		p += *p == ',' ? 1 : 0;
		n = strcspn(p, ",");
		rc = add_domain(h, p, n, buf_str(&from), e);
	}
	buf_free(&text);
	buf_free(&from);
	return rc;
}

struct had *
had_new(const struct gtid_set *have, const struct gtid_set *held,
    struct err *e)
{
	struct had *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		(void)err_set(e, ERR_NOMEM, 0, "GTIDs of the target");
		return NULL;
	}
	h->set = gtid_set_copy(have, e);
	if (h->set == NULL || (gtid_set_kind(have) == FLAVOUR_MARIADB &&
	    split(h, have, held, e) != 0)) {
		had_free(h);
		return NULL;
	}
	h->nothing = gtid_set_kind(have) == FLAVOUR_MARIADB ?
	    !had_missing(h, NULL) : gtid_set_equal(have, held);
	return h;
}

bool
had_nothing(const struct had *h)
{
	return h->nothing;
}

bool
had_next(struct had *h, const struct gtid *g)
{
	struct domain *d;
	size_t i;

	if (!g->set)
		return false;
	if (gtid_set_kind(h->set) != FLAVOUR_MARIADB)
		return gtid_set_contains(h->set, g);
	for (i = 0; i < h->ndomains; i++) {
		d = &h->domains[i];
		if (d->at.domain != g->domain || d->reached)
			continue;
		d->reached = gtid_equal(&d->at, g);
		return true;
	}
	return false;
}

bool
had_missing(const struct had *h, struct buf *out)
{
	char text[GTID_TEXT];
	bool any = false;
	size_t i;

	for (i = 0; i < h->ndomains; i++)
		if (!h->domains[i].reached) {
			gtid_text(&h->domains[i].at, text);
			if (out != NULL)
				buf_addf(out, "%s%s", any ? "," : "", text);
			any = true;
		}
	return any;
}

void
had_free(struct had *h)
{
	if (h == NULL)
		return;
	gtid_set_free(h->set);
	free(h->domains);
	free(h);
}
