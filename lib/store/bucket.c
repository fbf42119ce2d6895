/* SPDX-License-Identifier: Apache-2.0 */
/* bucket: what a bucket does by itself to the objects under a prefix. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/xml.h"

#include "store/bucket.h"

/* The rule at hand. */
struct rule {
	char id[BUCKET_RULE], prefix[1024];
	bool on, filtered, expires, archives, aborts, drops_versions;
};

struct reading {
	struct bucket *b;
	const char *ours;
	struct rule rule;
	unsigned n;
	bool root;
};

static bool
starts_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/* What follows /LifecycleConfiguration/Rule, or NULL. */
static const char *
in_rule(const char *path)
{
	static const char rule[] = "/LifecycleConfiguration/Rule";

	return starts_with(path, rule) ? path + sizeof(rule) - 1 : NULL;
}

/* Our objects have no tags; of their sizes nothing is known, so that a rule
 * for some sizes may meet some of them. */
static void
end_rule(struct reading *r)
{
	struct rule *x = &r->rule;
	bool all = starts_with(r->ours, x->prefix);

	r->n++;
	if (x->id[0] == '\0')
		(void)snprintf(x->id, sizeof(x->id), "number %u", r->n);
	if (x->on && !x->filtered &&
	    (all || starts_with(x->prefix, r->ours))) {
		if (x->expires && r->b->expires[0] == '\0')
			memcpy(r->b->expires, x->id, sizeof(x->id));
		if (x->archives && r->b->archives[0] == '\0')
			memcpy(r->b->archives, x->id, sizeof(x->id));
		r->b->aborts = r->b->aborts || (x->aborts && all);
		r->b->drops_versions = r->b->drops_versions ||
		    (x->drops_versions && all);
	}
	*x = (struct rule){0};
}

static int
lifecycle_element(void *arg, const char *path, const char *text,
    struct err *e)
{
	struct reading *r = arg;
	struct rule *x = &r->rule;
	const char *at = in_rule(path);

	(void)e;
	r->root = r->root || strcmp(path, "/LifecycleConfiguration") == 0;
	if (at == NULL)
		return 0;
	if (at[0] == '\0')
		end_rule(r);
	else if (strcmp(at, "/ID") == 0)
		(void)snprintf(x->id, sizeof(x->id), "'%.60s'", text);
	else if (strcmp(at, "/Status") == 0)
		x->on = strcmp(text, "Enabled") == 0;
	else if (strcmp(at, "/Prefix") == 0 ||
	    strcmp(at, "/Filter/Prefix") == 0 ||
	    strcmp(at, "/Filter/And/Prefix") == 0)
		(void)snprintf(x->prefix, sizeof(x->prefix), "%s", text);
	else if (strcmp(at, "/Filter/Tag") == 0 ||
	    strcmp(at, "/Filter/And/Tag") == 0)
		x->filtered = true;
	else if (strcmp(at, "/Expiration/Days") == 0 ||
	    strcmp(at, "/Expiration/Date") == 0)
		x->expires = true;
	else if (strcmp(at, "/Transition/StorageClass") == 0 &&
	    (strcmp(text, "GLACIER") == 0 ||
	    strcmp(text, "DEEP_ARCHIVE") == 0))
		x->archives = true;
	else if (strcmp(at, "/AbortIncompleteMultipartUpload") == 0)
		x->aborts = true;
	else if (strcmp(at, "/NoncurrentVersionExpiration") == 0)
		x->drops_versions = true;
	return 0;
}

int
bucket_lifecycle(struct bucket *b, const char *prefix, const char *text,
    size_t n, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return err_set(e, ERR_NOMEM, 0, "lifecycle");
	r->b = b;
	r->ours = prefix;
	rc = xml_parse(text, n, NULL, lifecycle_element, r, e);
	if (rc == 0 && !r->root)
		rc = err_set(e, ERR_IO, 0, "the answer is no lifecycle");
	if (rc == 0)
		b->lifecycle = r->n > 0 ? BUCKET_YES : BUCKET_NO;
	free(r);
	return rc;
}

static int
versioning_element(void *arg, const char *path, const char *text,
    struct err *e)
{
	struct reading *r = arg;

	(void)e;
	r->root = r->root || strcmp(path, "/VersioningConfiguration") == 0;
	if (strcmp(path, "/VersioningConfiguration/Status") == 0)
		r->b->versions = strcmp(text, "Enabled") == 0 ? BUCKET_YES :
		    BUCKET_NO;
	return 0;
}

int
bucket_versioning(struct bucket *b, const char *text, size_t n,
    struct err *e)
{
	struct reading r = { .b = b };

	/* Never turned on: an empty answer. */
	b->versions = BUCKET_NO;
	if (xml_parse(text, n, NULL, versioning_element, &r, e) == 0) {
		if (r.root)
			return 0;
		(void)err_set(e, ERR_IO, 0, "the answer tells of no "
		    "versions");
	}
	b->versions = BUCKET_UNKNOWN;
	return -1;
}

static int
lock_element(void *arg, const char *path, const char *text, struct err *e)
{
	static const char in[] = "/ObjectLockConfiguration";
	struct reading *r = arg;
	const char *at = path + sizeof(in) - 1;

	(void)e;
	if (!starts_with(path, in))
		return 0;
	r->root = true;
	if (strcmp(at, "/ObjectLockEnabled") == 0)
		r->b->lock = strcmp(text, "Enabled") == 0 ? BUCKET_YES :
		    BUCKET_NO;
	else if (strcmp(at, "/Rule/DefaultRetention/Mode") == 0)
		(void)snprintf(r->b->lock_mode, sizeof(r->b->lock_mode),
		    "%.31s", text);
	else if (strcmp(at, "/Rule/DefaultRetention/Days") == 0)
		r->b->lock_days = (unsigned)strtoul(text, NULL, 10);
	else if (strcmp(at, "/Rule/DefaultRetention/Years") == 0)
		r->b->lock_days = (unsigned)strtoul(text, NULL, 10) * 365;
	return 0;
}

int
bucket_object_lock(struct bucket *b, const char *text, size_t n,
    struct err *e)
{
	struct reading r = { .b = b };

	b->lock = BUCKET_NO;
	if (xml_parse(text, n, NULL, lock_element, &r, e) == 0) {
		if (r.root)
			return 0;
		(void)err_set(e, ERR_IO, 0, "the answer tells of no locks");
	}
	b->lock = BUCKET_UNKNOWN;
	return -1;
}
