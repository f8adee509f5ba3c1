/* SPDX-License-Identifier: MIT */
/* Sessions: options, the budget, cancellation, and asking finders in their order. */
#include "test.h"

#include "base/mem.h"
#include "model/session.h"

static void takes_options(void)
{
	struct { struct wb_session_opts opts; uint64_t unknown; } newer = { .opts.size = sizeof newer };
	struct wb_session *session = NULL;
	struct wb_usage usage = { .size = sizeof usage };

	REQUIRE(wb_session_new(&newer.opts, &session) == WB_OK);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.cache_limit, UINT64_C(1) << 30);
	wb_session_free(session);

	session = NULL;
	newer.unknown = 1;
	CHECK_EQ_I64(wb_session_new(&newer.opts, &session), WB_ERR_ABI);
	newer.unknown = 0;
	newer.opts.dwarf = 99;
	CHECK_EQ_I64(wb_session_new(&newer.opts, &session), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_session_new(NULL, NULL), WB_ERR_ARGUMENT);
	CHECK(session == NULL);
	wb_session_free(NULL);
}

static void keeps_the_budget(void)
{
	struct wb_session_opts opts = { .size = sizeof opts, .cache_bytes = 100 };
	struct wb_usage usage = { .size = sizeof usage };
	struct wb_session *session;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	CHECK(wb_session_charge(session, 60, false));
	CHECK(wb_session_charge(session, 40, false));
	CHECK(!wb_session_charge(session, 1, false));
	CHECK(!wb_session_charge(session, UINT64_MAX, false));
	CHECK(!wb_session_charge(session, UINT64_MAX, true));
	CHECK(wb_session_charge(session, 30, true));
	wb_session_discharge(session, 60, true);
	wb_session_discharge(session, 30, false);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.cache_bytes, 40);
	CHECK_EQ_U64(usage.cache_peak, 130);
	CHECK_EQ_U64(usage.cache_limit, 100);
	CHECK_EQ_U64(usage.evictions, 1);
	wb_session_free(session);
}

/* Two caches of parts of 10 bytes; a part is the time of its use. */
struct parts {
	struct wb_session *session;
	struct wb_cache cache;
	uint64_t times[4];            /* ascending; those dropped are at the front */
	size_t dropped, count;
};

static bool oldest_part(void *arg, uint64_t *ret_time)
{
	struct parts *parts = arg;

	if (parts->dropped == parts->count)
		return false;
	*ret_time = parts->times[parts->dropped];
	return true;
}

static void drop_part(void *arg)
{
	struct parts *parts = arg;

	parts->dropped++;
	wb_session_discharge(parts->session, 10, true);
}

static void add_part(struct parts *parts)
{
	parts->times[parts->count++] = wb_session_tick(parts->session);
	wb_session_charge(parts->session, 10, true);
}

/* Dropping waits for who makes a part beside the one that goes, which may open another file: a cache is added in the meantime. */
static void drop_and_add(void *arg)
{
	struct parts *parts = arg, other = { .session = parts->session };

	other.cache = (struct wb_cache){ .oldest = oldest_part, .drop_oldest = drop_part, .arg = &other };
	wb_session_add_cache(parts->session, &other.cache);
	drop_part(parts);
	wb_session_remove_cache(parts->session, &other.cache);
}

static void caches_come_while_others_drop(void)
{
	struct wb_session_opts opts = { .size = sizeof opts, .cache_bytes = 15 };
	struct parts parts = { .count = 0 };
	struct wb_session *session;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	parts.session = session;
	parts.cache = (struct wb_cache){ .oldest = oldest_part, .drop_oldest = drop_and_add, .arg = &parts };
	wb_session_add_cache(session, &parts.cache);
	for (unsigned i = 0; i < 3; i++)
		add_part(&parts);
	wb_session_evict(session, UINT64_MAX);
	CHECK_EQ_U64(parts.dropped, 2);
	wb_session_remove_cache(session, &parts.cache);
	wb_session_free(session);
}

/* The budget has room for three parts. */
static void evicts_what_was_used_least_recently(void)
{
	struct wb_session_opts opts = { .size = sizeof opts, .cache_bytes = 35 };
	struct parts a = { .count = 0 }, b = { .count = 0 };
	struct wb_session *session;
	uint64_t time;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	a.session = b.session = session;
	a.cache = (struct wb_cache){ .oldest = oldest_part, .drop_oldest = drop_part, .arg = &a };
	b.cache = (struct wb_cache){ .oldest = oldest_part, .drop_oldest = drop_part, .arg = &b };
	wb_session_add_cache(session, &a.cache);
	wb_session_add_cache(session, &b.cache);
	add_part(&a);
	add_part(&b);
	add_part(&a);
	wb_session_evict(session, UINT64_MAX);
	CHECK(a.dropped == 0 && b.dropped == 0);
	add_part(&b);
	wb_session_evict(session, UINT64_MAX);
	CHECK(a.dropped == 1 && b.dropped == 0);
	add_part(&b);
	wb_session_evict(session, UINT64_MAX);
	CHECK(a.dropped == 1 && b.dropped == 1);
	/* What is used now stays, also where that does not keep the budget. */
	wb_session_charge(session, 1000, true);
	time = wb_session_tick(session);
	a.times[1] = b.times[1] = b.times[2] = time;
	wb_session_evict(session, time);
	CHECK(a.dropped == 1 && b.dropped == 1);
	wb_session_remove_cache(session, &b.cache);
	wb_session_evict(session, time + 1);
	CHECK(a.dropped == 2 && b.dropped == 1);
	wb_session_remove_cache(session, &a.cache);
	wb_session_free(session);
}

static int check_limit(void *arg, uint64_t done, uint64_t total)
{
	(void)total;
	return done > *(uint64_t *)arg;
}

static void cancels(void)
{
	uint64_t limit = 10;
	struct wb_session_opts opts = { .size = sizeof opts, .check = check_limit, .check_arg = &limit };
	struct wb_session *session;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	CHECK_EQ_I64(wb_session_check(session, 10, 0), WB_OK);
	CHECK_EQ_I64(wb_session_check(session, 11, 0), WB_ERR_CANCELLED);
	wb_session_free(session);
}

/* Gives as many candidates as its name has letters, called name + number; "?" says later, "*" never ends. */
struct finder { const char *name; unsigned released; };

static enum wb_err find(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct finder *finder = arg;

	(void)query;
	if (finder->name[0] == '?')
		return WB_LATER;
	if (finder->name[0] != '*' && nth >= strlen(finder->name))
		return WB_NONE;
	snprintf(ret_candidate->path, sizeof ret_candidate->path, "%s%zu", finder->name, nth);
	return WB_OK;
}

static void release(void *arg)
{
	((struct finder *)arg)->released++;
}

static const struct {
	const char *name;
	const char *finders[4];
	const char *expect; /* the candidates in order */
	enum wb_err end;
} searches[] = {
	{ "no finder", { NULL }, "", WB_NONE },
	{ "one", { "ab" }, "ab0 ab1 ", WB_NONE },
	{ "in the order added", { "ab", "", "c" }, "ab0 ab1 c0 ", WB_NONE },
	{ "later is remembered", { "?", "c" }, "c0 ", WB_LATER },
};

static void asks_finders_in_order(void)
{
	for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
		struct finder finders[4] = { { NULL, 0 } };
		struct wb_file_query query = { .size = sizeof query, .path = "", .referrer = "" };
		struct wb_find_cursor cursor = { 0 };
		struct wb_candidate candidate;
		struct wb_session *session;
		char found[256] = "";
		size_t count = 0;
		enum wb_err err;

		test_row(searches[i].name);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		for (; count < 4 && searches[i].finders[count]; count++) {
			finders[count].name = searches[i].finders[count];
			CHECK_EQ_I64(wb_session_add_finder(session, find, &finders[count], release), WB_OK);
		}
		while ((err = wb_session_find_next(session, &query, &cursor, &candidate)) == WB_OK)
			snprintf(found + strlen(found), sizeof found - strlen(found), "%.8s ", candidate.path);
		CHECK_EQ_I64(err, searches[i].end);
		CHECK_STR(found, searches[i].expect);
		wb_session_free(session);
		for (size_t f = 0; f < count; f++)
			CHECK_EQ_U64(finders[f].released, 1);
	}
}

static void bounds_finders(void)
{
	struct finder endless = { "*", 0 }, last = { "z", 0 };
	struct wb_file_query query = { .size = sizeof query, .path = "", .referrer = "" };
	struct wb_find_cursor cursor = { 0 };
	struct wb_candidate candidate;
	struct wb_session *session;
	unsigned count = 0;
	char first_of_last[8] = "";

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	CHECK_EQ_I64(wb_session_add_finder(session, find, &endless, NULL), WB_OK);
	CHECK_EQ_I64(wb_session_add_finder(session, find, &last, NULL), WB_OK);
	while (count < 10000 && wb_session_find_next(session, &query, &cursor, &candidate) == WB_OK) {
		count++;
		snprintf(first_of_last, sizeof first_of_last, "%.4s", candidate.path);
	}
	CHECK_EQ_U64(count, WB_FIND_CANDIDATES_MAX + 1);
	CHECK_STR(first_of_last, "z0");
	enum wb_err err = WB_OK;
	for (int i = 0; i < 1000 && err == WB_OK; i++)
		err = wb_session_add_finder(session, find, &last, NULL);
	CHECK_EQ_I64(err, WB_ERR_LIMIT);
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(takes_options);
	TEST_RUN(keeps_the_budget);
	TEST_RUN(evicts_what_was_used_least_recently);
	TEST_RUN(caches_come_while_others_drop);
	TEST_RUN(cancels);
	TEST_RUN(asks_finders_in_order);
	TEST_RUN(bounds_finders);
	return test_summary();
}
