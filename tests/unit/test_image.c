/* SPDX-License-Identifier: MIT */
/* Images: who is the same, files of the caller's, what is computed once, bounds, what was wanted, and eight threads at one image. */
#include "test.h"

#include "base/mem.h"
#include "model/bounds.h"
#include "unit/image_made.h"

#include <pthread.h>

/* ---- Identity ------------------------------------------------------------------------------------------------------------------ */

static void same_identity_is_same_image(void)
{
	struct wb_session *session = new_session(false);
	struct wb_image *a = new_image(session, "/x", id_a), *same = new_image(session, "/x", id_a);
	struct wb_image *other_id = new_image(session, "/x", id_b), *other_path = new_image(session, "/y", id_a);
	struct wb_image *without = new_image(session, "/x", NULL), *found;
	struct wb_usage usage = { .size = sizeof usage };
	uint64_t id = wb_image_id(a);

	CHECK(a == same);
	CHECK(a != other_id && a != other_path && a != without);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.images, 4);
	CHECK_EQ_I64(wb_image_by_id(session, id, &found), WB_OK);
	CHECK(found == a);
	wb_image_unref(found);
	wb_image_unref(a);
	wb_image_unref(same);
	CHECK_EQ_I64(wb_image_by_id(session, id, &found), WB_NONE);
	a = new_image(session, "/x", id_a);
	CHECK(wb_image_id(a) != id);
	wb_image_unref(a);
	wb_image_unref(other_id);
	wb_image_unref(other_path);
	wb_image_unref(without);
	wb_session_free(session);
}

static void refuses_wrong_identities(void)
{
	struct wb_session *session = new_session(false);
	struct wb_identity identity = { .size = sizeof identity, .path = "/x", .build_id = id_a, .build_id_size = 65 };
	struct wb_image *image;

	CHECK_EQ_I64(wb_image_new(session, &identity, &image), WB_ERR_ARGUMENT);
	identity.build_id_size = 20;
	identity.flags = 4;
	CHECK_EQ_I64(wb_image_new(session, &identity, &image), WB_ERR_ARGUMENT);
	identity.flags = 0;
	identity.build_id = NULL;
	CHECK_EQ_I64(wb_image_new(session, &identity, &image), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_image_new(NULL, &identity, &image), WB_ERR_ARGUMENT);
	wb_session_free(session);
}

/* Thousands of images: the tables grow, ids stay found. */
static void holds_many(void)
{
	enum { COUNT = 3000 };
	struct wb_session *session = new_session(false);
	static struct wb_image *images[COUNT];
	char path[32];

	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(path, sizeof path, "/lib/%u.so", i);
		images[i] = new_image(session, path, NULL);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		struct wb_image *found;

		if (!CHECK(wb_image_by_id(session, wb_image_id(images[i]), &found) == WB_OK))
			break;
		CHECK(found == images[i]);
		wb_image_unref(found);
	}
	for (unsigned i = 0; i < COUNT; i++)
		wb_image_unref(images[i]);
	wb_session_free(session);
}

/* ---- Files of the caller's ------------------------------------------------------------------------------------------------------------ */

static void one_file_is_one_image(void)
{
	struct wb_session *session = new_session(false);
	const char *path = write_made("opened", EXECUTABLE, id_a, NULL, 0);
	struct wb_image *mapped = new_image(session, path, id_a), *opened, *again;
	struct wb_object *object;

	/* Nobody has the file: then the caller opens it, and the image that is mapped has it too. */
	CHECK_EQ_I64(wb_image_object(mapped, WB_FILE_EXECUTABLE, &object), WB_NONE);
	REQUIRE(wb_image_open(session, path, &opened) == WB_OK);
	CHECK(opened == mapped);
	CHECK_EQ_I64(wb_image_object(mapped, WB_FILE_EXECUTABLE, &object), WB_OK);
	CHECK_EQ_U64(wb_image_verdict(mapped, WB_FILE_EXECUTABLE), WB_VERDICT_MATCHED);
	REQUIRE(wb_image_open(session, path, &again) == WB_OK);
	CHECK(again == mapped);
	wb_image_unref(opened);
	wb_image_unref(again);
	wb_image_unref(mapped);
	CHECK_EQ_I64(wb_image_open(session, "/nonexistent/file", &opened), WB_ERR_IO);
	wb_session_free(session);
}

static void count_release(void *arg)
{
	++*(unsigned *)arg;
}

struct bytes { const uint8_t *bytes; size_t size; unsigned released; };

static enum wb_err read_bytes(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct bytes *bytes = arg;

	*ret_got = offset >= bytes->size ? 0 : bytes->size - offset < count ? bytes->size - (size_t)offset : count;
	memcpy(buffer, bytes->bytes + offset, *ret_got);
	return WB_OK;
}

static void release_bytes(void *arg)
{
	((struct bytes *)arg)->released++;
}

static void opens_bytes_and_sources(void)
{
	struct wb_session *session = new_session(false);
	size_t size;
	uint8_t *bytes = make_file(EXECUTABLE, NULL, NULL, 0, &size), buffer[4];
	struct bytes source_bytes = { bytes, size, 0 };
	struct wb_source source = { .size = sizeof source, .length = size, .arg = &source_bytes, .read = read_bytes, .release = release_bytes };
	struct wb_image *first, *second, *third;
	unsigned released = 0;

	REQUIRE(wb_image_open_bytes(session, "bytes", bytes, size, 0, count_release, &released, &first) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "bytes", bytes, size, 0, count_release, &released, &second) == WB_OK);
	CHECK(first != second); /* without a build id, nothing says that they are the same */
	REQUIRE(wb_image_open_source(session, "source", &source, 0, &third) == WB_OK);
	CHECK_EQ_I64(wb_image_read(third, 0x1001, buffer, 3), WB_OK);
	CHECK_MEM(buffer, code + 1, 3);
	CHECK_EQ_I64(wb_image_read(third, 0x1000 + sizeof code - 2, buffer, 3), WB_NONE);
	CHECK_EQ_I64(wb_image_read(third, 0x9000, buffer, 1), WB_NONE);
	CHECK_EQ_U64(released, 0);
	wb_image_unref(first);
	wb_image_unref(second);
	wb_image_unref(third);
	CHECK_EQ_U64(released, 2);
	CHECK_EQ_U64(source_bytes.released, 1);

	/* Released on failure too, once. */
	CHECK_EQ_I64(wb_image_open_bytes(session, "bytes", "junk", 4, 0, count_release, &released, &first), WB_ERR_UNSUPPORTED);
	CHECK_EQ_I64(wb_image_open_bytes(session, NULL, "junk", 4, 0, count_release, &released, &first), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(released, 4);
	source.read = NULL;
	CHECK_EQ_I64(wb_image_open_source(session, "source", &source, 0, &first), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(source_bytes.released, 2);
	free(bytes);
	wb_session_free(session);
}

static enum wb_err count_symbols(void *arg, const struct wb_symbol *symbol)
{
	(void)symbol;
	++*(unsigned *)arg;
	return WB_OK;
}

/* Mapped files are not copied, so their sections cost nothing of the budget. */
static void maps_stable_files(void)
{
	for (uint8_t stable = 0; stable <= 1; stable++) {
		struct wb_session_opts opts = { .size = sizeof opts, .files_are_stable = stable };
		struct wb_usage usage = { .size = sizeof usage };
		struct wb_session *session;
		struct wb_object *object;
		struct wb_image *image;
		const uint8_t *bytes, *again;
		uint64_t vaddr;
		size_t size;

		test_row(stable ? "mapped" : "read");
		REQUIRE(wb_session_new(&opts, &session) == WB_OK);
		REQUIRE(wb_image_open(session, write_made("stable", EXECUTABLE, id_a, NULL, 0), &image) == WB_OK);
		REQUIRE(wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK);
		CHECK_EQ_I64(wb_image_section(image, object, ".text", &bytes, &size, &vaddr), WB_OK);
		CHECK_EQ_U64(vaddr, 0x1000);
		CHECK_EQ_U64(size, sizeof code);
		CHECK_MEM(bytes, code, sizeof code);
		CHECK_EQ_I64(wb_image_section(image, object, ".text", &again, &size, NULL), WB_OK);
		CHECK(again == bytes);
		CHECK_EQ_I64(wb_image_section(image, object, ".none", &again, &size, NULL), WB_NONE);
		CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
		CHECK_EQ_U64(usage.cache_bytes, stable ? 0 : sizeof code);
		CHECK_EQ_U64(usage.files, 1);
		wb_image_unref(image);
		wb_session_free(session);
	}
}

static void takes_symbol_texts(void)
{
	static const char text[] = "1000 10 one\n1010 10 two\n";
	struct wb_session *session = new_session(false);
	struct wb_identity identity = { .size = sizeof identity, .path = "[jit]", .flags = WB_IMAGE_ABSOLUTE };
	struct wb_usage usage = { .size = sizeof usage };
	struct wb_object *object;
	struct wb_image *image;
	struct wb_bound bound;
	unsigned count = 0;

	REQUIRE(wb_image_new(session, &identity, &image) == WB_OK);
	CHECK_EQ_I64(wb_bounds_find(image, 0x1004, &bound), WB_NONE);
	CHECK_EQ_I64(wb_image_add_symbols(image, "junk", "junk", 4), WB_ERR_UNSUPPORTED);
	CHECK_EQ_I64(wb_image_add_symbols(image, "perf-1.map", text, sizeof text - 1), WB_OK);
	REQUIRE(wb_image_object(image, WB_FILE_SYMBOLS, &object) == WB_OK);
	CHECK_EQ_I64(wb_image_symbols(image, object, count_symbols, &count), WB_OK);
	CHECK_EQ_U64(count, 2);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.cache_bytes, sizeof text);
	CHECK_EQ_I64(wb_image_add_symbols(image, "perf-2.map", text, sizeof text - 1), WB_NONE);
	/* What was known to be absent is looked for again. */
	CHECK_EQ_I64(wb_bounds_find(image, 0x1014, &bound), WB_OK);
	CHECK_EQ_U64(bound.start, 0x1010);
	wb_image_unref(image);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.cache_bytes, 0);
	CHECK_EQ_U64(usage.files, 0);
	wb_session_free(session);
}

/* ---- Bounds --------------------------------------------------------------------------------------------------------------------------------- */

static void knows_bounds(void)
{
	/* outer is [0x1000, 0x1020), inner [0x1008, 0x1010) lies in it, last has no size: it ends with .text at 0x1040. */
	static const struct { const char *name; uint64_t pc; enum wb_err expect; uint64_t start, end; } table[] = {
		{ "first byte", 0x1000, WB_OK, 0x1000, 0x1020 },
		{ "nested", 0x1008, WB_OK, 0x1008, 0x1010 },
		{ "behind the nested one", 0x1010, WB_OK, 0x1000, 0x1020 },
		{ "gap", 0x1020, WB_NONE, 0, 0 },
		{ "no size", 0x103f, WB_OK, 0x1030, 0x1040 },
		{ "past the end", 0x1040, WB_NONE, 0, 0 },
		{ ".init, which has no symbol", 0x2004, WB_OK, 0x2000, 0x2017 },
		{ "before", 0xfff, WB_NONE, 0, 0 },
	};
	struct wb_session *session = new_session(false);
	struct wb_image *image;

	REQUIRE(wb_image_open(session, write_made("bounds", EXECUTABLE, id_a, NULL, 0), &image) == WB_OK);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_bound bound = { 0, 0 };

		test_row(table[i].name);
		CHECK_EQ_I64(wb_bounds_find(image, table[i].pc, &bound), table[i].expect);
		CHECK_EQ_U64(bound.start, table[i].start);
		CHECK_EQ_U64(bound.end, table[i].end);
	}
	wb_image_unref(image);
	wb_session_free(session);
}

/* ---- Wanted -------------------------------------------------------------------------------------------------------------------------------------- */

static void lists_what_was_wanted(void)
{
	struct wb_session *session = new_session(false);
	struct wb_image *cheap = new_image(session, "/cheap", id_a), *costly = new_image(session, "/costly", NULL);
	struct wb_wanted wanted = { .size = sizeof wanted };

	wb_image_missed(cheap, WB_FILE_EXECUTABLE, 3);
	wb_image_missed(costly, WB_FILE_EXECUTABLE, 5);
	wb_image_missed(cheap, WB_FILE_EXECUTABLE, 1);
	wb_image_missed(costly, WB_FILE_DEBUG, 4);
	CHECK_EQ_I64(wb_session_wanted(session, 0, &wanted), WB_OK);
	CHECK_STR(wanted.path, "/costly");
	CHECK_EQ_U64(wanted.frames, 5);
	CHECK_EQ_U64(wanted.role, WB_FILE_EXECUTABLE);
	CHECK_EQ_I64(wb_session_wanted(session, 1, &wanted), WB_OK);
	CHECK_STR(wanted.path, "/cheap"); /* as costly as the next: by path */
	CHECK_EQ_U64(wanted.frames, 4);
	CHECK_EQ_U64(wanted.build_id_size, 20);
	CHECK_MEM(wanted.build_id, id_a, 20);
	CHECK_EQ_U64(wanted.image_id, wb_image_id(cheap));
	CHECK_EQ_I64(wb_session_wanted(session, 2, &wanted), WB_OK);
	CHECK_EQ_U64(wanted.role, WB_FILE_DEBUG);
	CHECK_EQ_I64(wb_session_wanted(session, 3, &wanted), WB_NONE);
	/* It outlives the image, and another image of the same identity counts for it. */
	wb_image_unref(cheap);
	cheap = new_image(session, "/cheap", id_a);
	wb_image_missed(cheap, WB_FILE_EXECUTABLE, 10);
	CHECK_EQ_I64(wb_session_wanted(session, 0, &wanted), WB_OK);
	CHECK_STR(wanted.path, "/cheap");
	CHECK_EQ_U64(wanted.frames, 14);
	wb_image_unref(cheap);
	wb_image_unref(costly);
	wb_session_free(session);
}

/* ---- Threads --------------------------------------------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 50 };

struct shared {
	struct wb_session *session;
	const char *path;
	atomic_uint builds, failures;
	pthread_barrier_t start;
};

static enum wb_err build_value(struct wb_image *image, void *arg, void **ret_value)
{
	struct shared *shared = arg;
	const uint8_t *bytes;
	struct wb_object *object;
	size_t size;
	enum wb_err err = wb_image_debug_section(image, ".text", &object, &bytes, &size, NULL);

	atomic_fetch_add(&shared->builds, 1);
	if (!err)
		*ret_value = wb_mem_dup(bytes, size);
	return err;
}

/* Each round is an image's whole life: all threads find it by its identity, ask for everything, and let go. */
static void *use_image(void *arg)
{
	struct shared *shared = arg;

	pthread_barrier_wait(&shared->start);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct wb_image *image = new_image(shared->session, shared->path, id_a), *same = NULL, *opened = NULL;
		struct wb_image_info info = { .size = sizeof info };
		struct wb_object *object = NULL;
		struct wb_bound bound;
		uint8_t buffer[4];
		unsigned count = 0;
		void *value = NULL;
		bool ok = wb_image_slot(image, WB_SLOT_CFI, build_value, shared, wb_mem_free, &value) == WB_OK &&
		          !memcmp(value, code, sizeof code);

		ok &= wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK;
		ok &= wb_image_symbols(image, object, count_symbols, &count) == WB_OK && count == 3;
		ok &= wb_bounds_find(image, 0x1009, &bound) == WB_OK && bound.start == 0x1008;
		ok &= wb_image_read(image, 0x1000, buffer, 4) == WB_OK && !memcmp(buffer, code, 4);
		ok &= wb_image_by_id(shared->session, wb_image_id(image), &same) == WB_OK && same == image;
		ok &= wb_image_open(shared->session, shared->path, &opened) == WB_OK && opened == image;
		ok &= wb_image_info(image, &info) == WB_OK && info.num_symbols == 3;
		wb_image_missed(image, WB_FILE_DEBUG, 1);
		atomic_fetch_add(&shared->failures, !ok);
		wb_image_unref(same);
		wb_image_unref(opened);
		wb_image_unref(image);
	}
	return NULL;
}

static void serves_many_threads(void)
{
	char path[TEST_PATH_MAX];
	struct shared shared = { .session = new_session(false) };
	struct wb_usage usage = { .size = sizeof usage };
	struct wb_wanted wanted = { .size = sizeof wanted };
	pthread_t threads[THREADS];

	snprintf(path, sizeof path, "%s", write_made("threads", EXECUTABLE, id_a, NULL, 0));
	shared.path = path;
	wb_session_add_host_paths(shared.session);
	pthread_barrier_init(&shared.start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, use_image, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ_U64(atomic_load(&shared.failures), 0);
	CHECK(atomic_load(&shared.builds) <= THREADS * ROUNDS);
	CHECK_EQ_I64(wb_session_wanted(shared.session, 0, &wanted), WB_OK);
	CHECK_EQ_U64(wanted.frames, THREADS * ROUNDS);
	CHECK_EQ_I64(wb_session_usage(shared.session, &usage), WB_OK);
	CHECK_EQ_U64(usage.images, 0);
	CHECK_EQ_U64(usage.files, 0);
	CHECK_EQ_U64(usage.cache_bytes, 0);
	pthread_barrier_destroy(&shared.start);
	wb_session_free(shared.session);
}

/* With the image held, everything is made exactly once. */
static void makes_everything_once(void)
{
	char path[TEST_PATH_MAX];
	struct shared shared = { .session = new_session(false) };
	struct script script = { .count = 1 };
	pthread_t threads[THREADS];

	snprintf(path, sizeof path, "%s", write_made("once", EXECUTABLE, id_a, NULL, 0));
	shared.path = path;
	script.offers[0].path = path;
	wb_session_add_finder(shared.session, find_scripted, &script, NULL);
	struct wb_image *held = new_image(shared.session, path, id_a);
	pthread_barrier_init(&shared.start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, use_image, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ_U64(atomic_load(&shared.failures), 0);
	CHECK_EQ_U64(atomic_load(&shared.builds), 1);
	/* Once for the executable, once for the debug file, which is not there. A thread that opens the path itself may come first. */
	CHECK(atomic_load(&script.asked) <= 3);
	wb_image_unref(held);
	pthread_barrier_destroy(&shared.start);
	wb_session_free(shared.session);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------------------------------------ */

static void survives_missing_memory(void)
{
	char path[TEST_PATH_MAX];
	bool done = false;

	snprintf(path, sizeof path, "%s", write_made("memory", EXECUTABLE, id_a, "memory.debug", 1));
	for (uint64_t nth = 1; nth < 300 && !done; nth++) {
		struct wb_session *session = new_session(false);
		struct wb_identity identity = { .size = sizeof identity, .path = path, .build_id = id_a, .build_id_size = 20 };
		struct wb_image_info info = { .size = sizeof info };
		struct wb_image *image = NULL;
		struct wb_bound bound;
		enum wb_err err;

		wb_session_add_host_paths(session);
		wb_mem_fail_at(nth, false);
		err = wb_image_new(session, &identity, &image);
		if (!err)
			err = wb_image_info(image, &info);
		if (!err)
			err = wb_bounds_find(image, 0x1000, &bound);
		if (!err)
			wb_image_missed(image, WB_FILE_DEBUG, 1);
		done = wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		CHECK(err == WB_OK || (!done && err == WB_ERR_MEMORY));
		/* The same image works once there is memory. */
		if (!image)
			image = new_image(session, path, id_a);
		CHECK_EQ_I64(wb_bounds_find(image, 0x1000, &bound), WB_OK);
		wb_image_unref(image);
		wb_session_free(session);
	}
	CHECK(done);
}

int main(void)
{
	TEST_RUN(same_identity_is_same_image);
	TEST_RUN(refuses_wrong_identities);
	TEST_RUN(holds_many);
	TEST_RUN(one_file_is_one_image);
	TEST_RUN(opens_bytes_and_sources);
	TEST_RUN(maps_stable_files);
	TEST_RUN(takes_symbol_texts);
	TEST_RUN(knows_bounds);
	TEST_RUN(lists_what_was_wanted);
	TEST_RUN(serves_many_threads);
	TEST_RUN(makes_everything_once);
	TEST_RUN(survives_missing_memory);
	return test_summary();
}
