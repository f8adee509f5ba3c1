/* SPDX-License-Identifier: MIT */
/*
 * Sessions, images and spaces are used from many threads at once, which race for what is computed on first need. The build with the thread
 * sanitizer (sh tests/run.sh --threads) looks for races in this.
 */
#include "test.h"

#include <pthread.h>

#include <walkback/walkback.h>

struct output {
	char *bytes;
	size_t size, room;
};

static enum wb_err collect(void *arg, const void *bytes, size_t count)
{
	struct output *output = arg;

	if (count > output->room - output->size) {
		size_t room = (output->room + count) * 2;
		char *more = realloc(output->bytes, room);
		if (!more)
			return WB_ERR_MEMORY;
		output->bytes = more;
		output->room = room;
	}
	memcpy(output->bytes + output->size, bytes, count);
	output->size += count;
	return WB_OK;
}

enum { THREADS = 4, PCS_START = 0x401000, PCS_END = 0x401500, STEP = 7 };

struct worker {
	pthread_t thread;
	struct wb_session *session;
	struct wb_space *space;
	struct output output;
	enum wb_err err;
};

/* Names every few bytes of the program, by way of the space that all threads share. */
static void *name_everything(void *arg)
{
	struct worker *worker = arg;
	struct wb_symbolizer *symbolizer = NULL;

	worker->err = wb_symbolizer_new(worker->session, NULL, &symbolizer);
	for (uint64_t pc = PCS_START; worker->err == WB_OK && pc < PCS_END; pc += STEP) {
		struct wb_place place = { .size = sizeof place };
		const struct wb_site *sites;
		size_t count = 0;

		worker->err = wb_space_find(worker->space, pc, &place);
		if (worker->err == WB_OK)
			worker->err = wb_symbolize(symbolizer, place.image, place.image_pc, WB_PC_EXACT, &sites, &count);
		for (size_t i = 0; worker->err == WB_OK && i < count; i++) {
			char line[512];
			int n = snprintf(line, sizeof line, "%" PRIx64 " %s %s:%u\n", pc, sites[i].function ? sites[i].function : "?",
			                 sites[i].file ? sites[i].file : "?", sites[i].line);
			worker->err = collect(&worker->output, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
		}
	}
	wb_symbolizer_free(symbolizer);
	return NULL;
}

/* From the program headers of tests/golden/demo/words: the text segment is at its link address. */
static const struct wb_mapping mapping = { .size = sizeof mapping, .start = 0x401000, .end = 0x402000, .file_offset = 0x1000,
                                           .prot = WB_PROT_READ | WB_PROT_EXEC };

static void threads_share_what_is_computed(void)
{
	static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };
	struct wb_mapping with_image = mapping;
	struct worker workers[THREADS];
	struct wb_session *session;
	struct wb_space *empty, *space;

	/* Several rounds, each with nothing computed: the first threads to need something race for it. */
	for (int round = 0; round < 10; round++) {
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		REQUIRE(wb_image_open(session, test_data("golden/demo/words"), &with_image.image) == WB_OK);
		REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
		REQUIRE(wb_space_map(empty, &with_image, 1, &space) == WB_OK);
		wb_image_unref(with_image.image);
		for (int t = 0; t < THREADS; t++) {
			workers[t] = (struct worker){ .session = session, .space = space };
			REQUIRE(pthread_create(&workers[t].thread, NULL, name_everything, &workers[t]) == 0);
		}
		for (int t = 0; t < THREADS; t++)
			REQUIRE(pthread_join(workers[t].thread, NULL) == 0);
		for (int t = 0; t < THREADS; t++) {
			CHECK_EQ_I64(workers[t].err, WB_OK);
			CHECK(workers[t].output.size > 1000);
			if (CHECK_EQ_U64(workers[t].output.size, workers[0].output.size))
				CHECK_MEM(workers[t].output.bytes, workers[0].output.bytes, workers[0].output.size);
		}
		for (int t = 0; t < THREADS; t++)
			free(workers[t].output.bytes);
		wb_space_unref(space);
		wb_space_unref(empty);
		wb_session_free(session);
	}
}

struct adder {
	pthread_t thread;
	struct wb_session *session;
	struct wb_image *image;
	bool named;
};

/* Asks for a name until there is one; a symbolizer remembers answers, so each question needs another. */
static void *wait_for_name(void *arg)
{
	struct adder *adder = arg;

	for (int i = 0; i < 1000000 && !adder->named; i++) {
		struct wb_symbolizer *symbolizer;
		const struct wb_site *sites;
		size_t count;

		if (wb_symbolizer_new(adder->session, NULL, &symbolizer) != WB_OK)
			break;
		if (wb_symbolize(symbolizer, adder->image, 0x1004, WB_PC_EXACT, &sites, &count) == WB_OK)
			adder->named = sites[0].function && !strcmp(sites[0].function, "one");
		wb_symbolizer_free(symbolizer);
	}
	return NULL;
}

/* Symbols come while others look: absence that was known is forgotten under their eyes. */
static void symbols_come_while_others_look(void)
{
	static const char text[] = "1000 10 one\n";
	struct wb_identity identity = { .size = sizeof identity, .path = "[jit]", .flags = WB_IMAGE_ABSOLUTE };
	struct adder adders[THREADS];
	struct wb_session *session;
	struct wb_image *image;

	for (int round = 0; round < 10; round++) {
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		REQUIRE(wb_image_new(session, &identity, &image) == WB_OK);
		for (int t = 0; t < THREADS; t++) {
			adders[t] = (struct adder){ .session = session, .image = image };
			REQUIRE(pthread_create(&adders[t].thread, NULL, wait_for_name, &adders[t]) == 0);
		}
		CHECK_EQ_I64(wb_image_add_symbols(image, "perf-1.map", text, sizeof text - 1), WB_OK);
		for (int t = 0; t < THREADS; t++)
			REQUIRE(pthread_join(adders[t].thread, NULL) == 0);
		for (int t = 0; t < THREADS; t++)
			CHECK(adders[t].named);
		wb_image_unref(image);
		wb_session_free(session);
	}
}

int main(void)
{
	TEST_RUN(symbols_come_while_others_look);
	TEST_RUN(threads_share_what_is_computed);
	return test_summary();
}
