/* SPDX-License-Identifier: MIT */
/* Images that are only in memory: what is found where, what they count as, whose they are, and every kind of damage. */
#include "test.h"

#include <walkback/symbolize.h>

#include "loaded_make.h"
#include "base/mem.h"
#include "model/image.h"
#include "model/session.h"
#include "model/space.h"

#include <pthread.h>

static const uint8_t id_b[20] = { 0xbb, 1, 2, 3 };
static const uint64_t unknown = UINT64_MAX;

struct process {
	struct wb_session *session;
	struct wb_space *space;
	uint8_t memory[2 * PAGE];
	unsigned odd;
};

/* What the case has of the two pages; a half of one is there with CUT_TABLES. */
static enum wb_err read_process(void *arg, uint64_t address, void *buffer, size_t count)
{
	const struct process *process = arg;
	uint64_t start = process->odd & WITHOUT_HEADER ? PAGE : 0, end = process->odd & WITHOUT_CODE ? PAGE : 2 * PAGE, at = address - BASE;

	if (address < BASE || at < start || at + count > end || (process->odd & CUT_TABLES && at < PAGE && at + count > SYMBOLS))
		return WB_NONE;
	memcpy(buffer, process->memory + at, count);
	return WB_OK;
}

static void replace(struct process *process, enum wb_err err, struct wb_space *next)
{
	REQUIRE(err == WB_OK);
	wb_space_unref(process->space);
	process->space = next;
}

static void add_memory(struct process *process)
{
	struct wb_memory memory = { .size = sizeof(memory), .start = BASE, .end = BASE + 2 * PAGE };
	struct wb_space *next = NULL;

	if (process->odd & (CALLBACK | CUT_TABLES)) {
		memory.kind = WB_MEMORY_CALLBACK;
		memory.read = read_process;
		memory.arg = process;
	} else {
		memory.start += process->odd & WITHOUT_HEADER ? PAGE : 0;
		memory.end -= process->odd & WITHOUT_CODE ? PAGE : 0;
		memory.bytes = process->memory + (memory.start - BASE);
	}
	enum wb_err err = wb_space_add_memory(process->space, &memory, &next);
	replace(process, err, next);
}

static void add_mapping(struct process *process, const struct wb_mapping *given)
{
	struct wb_mapping mapping = *given;
	struct wb_space *next = NULL;

	mapping.size = sizeof(mapping);
	enum wb_err err = wb_space_map(process->space, &mapping, 1, &next);
	replace(process, err, next);
}

static void begin(struct process *process, struct wb_session *session)
{
	const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };

	process->session = session;
	REQUIRE(wb_space_new(session, &platform, &process->space) == WB_OK);
}

static const char *name_at(struct wb_session *session, struct wb_image *image, uint64_t pc)
{
	struct wb_symbolizer *symbolizer;
	const struct wb_site *sites;
	static char name[32];
	size_t count;

	if (wb_symbolizer_new(session, NULL, &symbolizer) != WB_OK)
		return "no symbolizer";
	if (wb_symbolize(symbolizer, image, pc, WB_PC_EXACT, &sites, &count) != WB_OK || count != 1)
		snprintf(name, sizeof(name), "no site");
	else
		snprintf(name, sizeof(name), "%s", sites[0].function ? sites[0].function : "");
	wb_symbolizer_free(symbolizer);
	return name;
}

/* ---- What is found ---- */

enum { R = WB_PROT_READ, X = WB_PROT_READ | WB_PROT_EXEC };

static const struct {
	const char *name, *path;
	uint64_t first;               /* p_vaddr of the first segment */
	unsigned odd;
	uint32_t prot;                /* of the code; WB_PROT_UNKNOWN: one mapping, by where it was loaded */
	const uint8_t *wanted;        /* build id */
	uint64_t expect;              /* image pc of the code; UINT64_MAX: no image */
	const char *function;
} cases[] = {
	{ "a file that is not had", "/data/lib.so", 0, 0, X, NULL, CODE, "found" },
	{ "addresses relocated by the dynamic linker", "/data/lib.so", 0, RELOCATED, X, NULL, CODE, "found" },
	{ "first segment not at 0", "/data/lib.so", 0x10000, 0, X, NULL, 0x10000 + CODE, "found" },
	{ "the same, relocated", "/data/lib.so", 0x10000, RELOCATED, X, NULL, 0x10000 + CODE, "found" },
	{ "memory by a callback", "/data/lib.so", 0, CALLBACK, X, NULL, CODE, "found" },
	{ "memory as the file, but for section headers", "/data/lib.so", 0, AS_STORED, X, NULL, CODE, "found" },
	{ "a mapping of no file", NULL, 0, 0, X, NULL, CODE, "found" },
	{ "a mapping with a name that is no file's", "[anon:lib]", 0, 0, X, NULL, CODE, "found" },
	{ "by where it was loaded", "/data/lib.so", 0, 0, WB_PROT_UNKNOWN, NULL, CODE, "found" },
	{ "the build id that is wanted", "/data/lib.so", 0, 0, X, loaded_id, CODE, "found" },
	{ "another build id", "/data/lib.so", 0, 0, X, id_b, UINT64_MAX, "" },
	{ "no header", "/data/lib.so", 0, WITHOUT_HEADER, X, NULL, UINT64_MAX, "" },
	{ "headers alone", "/data/lib.so", 0, WITHOUT_CODE, X, NULL, UINT64_MAX, "" },
	{ "another machine's", "/data/lib.so", 0, OTHER_MACHINE, X, NULL, UINT64_MAX, "" },
	{ "no code", "/data/lib.so", 0, 0, R, NULL, UINT64_MAX, "" },
	{ "more symbols than memory", "/data/lib.so", 0, ABSURD_COUNT, X, NULL, CODE, "found" },
	{ "a segment past the end of all addresses", "/data/lib.so", 0, ABSURD_SIZE, X, NULL, UINT64_MAX, "" },
	{ "tables that are absent", "/data/lib.so", 0, CUT_TABLES, X, NULL, CODE, "" },
};

static void map_case(struct process *process, size_t i)
{
	const uint8_t *id = cases[i].wanted;
	struct wb_mapping mapping = { .start = BASE, .end = BASE + PAGE, .prot = R, .path = cases[i].path, .build_id = id, .build_id_size = id ? 20 : 0 };

	if (cases[i].prot & WB_PROT_UNKNOWN) {
		mapping.prot = WB_PROT_UNKNOWN;
		mapping.base = BASE;
		mapping.end = BASE + 2 * PAGE;
		add_mapping(process, &mapping);
		return;
	}
	add_mapping(process, &mapping);
	mapping.start = BASE + PAGE;
	mapping.end = BASE + 2 * PAGE;
	mapping.prot = cases[i].prot;
	add_mapping(process, &mapping);
}

static void finds_images_in_memory(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wb_place place = { .size = sizeof(place) };
		struct wb_image_info info = { .size = sizeof(info) };
		struct process process = { .odd = cases[i].odd };
		struct wb_session *session;

		test_row(cases[i].name);
		loaded_make(process.memory, cases[i].first, cases[i].odd, "found");
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		begin(&process, session);
		map_case(&process, i);
		add_memory(&process);
		REQUIRE(wb_space_find(process.space, BASE + CODE, &place) == WB_OK);
		CHECK_EQ_U64(place.has_image_pc ? place.image_pc : unknown, cases[i].expect);
		if (place.has_image_pc) {
			REQUIRE(wb_image_info(place.image, &info) == WB_OK);
			CHECK_STR(info.path, cases[i].path ? cases[i].path : "");
			CHECK_EQ_U64(info.build_id_size, 20);
			CHECK(!memcmp(info.build_id, loaded_id, 20));
			CHECK_STR(info.format, "elf");
			/* What is missing stays so; what no file can be is not. */
			CHECK_EQ_U64(info.in_memory, cases[i].path && *cases[i].path == '/');
			CHECK_EQ_I64(info.files[WB_FILE_EXECUTABLE].verdict, info.in_memory ? WB_VERDICT_MISSING : WB_VERDICT_MATCHED);
			CHECK_STR(name_at(session, place.image, cases[i].expect), cases[i].function);
		}
		wb_space_unref(process.space);
		wb_session_free(session);
	}
}

static void counts_what_a_file_would_tell(void)
{
	struct wb_place place = { .size = sizeof(place) };
	struct wb_wanted wanted = { .size = sizeof(wanted) };
	struct process process = { .odd = 0 };
	struct wb_session *session;

	loaded_make(process.memory, 0, 0, "found");
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	begin(&process, session);
	map_case(&process, 0);
	add_memory(&process);
	REQUIRE(wb_space_find(process.space, BASE + CODE, &place) == WB_OK);
	CHECK_STR(name_at(session, place.image, CODE), "found");
	REQUIRE(wb_session_wanted(session, 0, &wanted) == WB_OK);
	CHECK_EQ_I64(wanted.role, WB_FILE_EXECUTABLE);
	CHECK_EQ_I64(wanted.verdict, WB_VERDICT_MISSING);
	CHECK_STR(wanted.path, "/data/lib.so");
	CHECK_EQ_U64(wanted.frames, 1);
	CHECK_EQ_I64(wb_session_wanted(session, 1, &wanted), WB_NONE);
	wb_space_unref(process.space);
	wb_session_free(session);
}

/* ---- Versions and lives ---- */

/* One path without a build id, two processes: nothing says that both have the same file. */
static void processes_have_their_own(void)
{
	static const char *const names[] = { "one", "other" };
	struct process processes[2] = { { .odd = 0 }, { .odd = 0 } };
	struct wb_place places[2] = { { .size = sizeof(places[0]) }, { .size = sizeof(places[0]) } };
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	for (size_t i = 0; i < 2; i++) {
		loaded_make(processes[i].memory, 0, 0, names[i]);
		begin(&processes[i], session);
		map_case(&processes[i], 0);
		add_memory(&processes[i]);
		REQUIRE(wb_space_find(processes[i].space, BASE + CODE, &places[i]) == WB_OK);
	}
	CHECK(wb_image_id(places[0].image) != wb_image_id(places[1].image));
	for (size_t i = 0; i < 2; i++)
		CHECK_STR(name_at(session, places[i].image, CODE), names[i]);
	for (size_t i = 0; i < 2; i++)
		wb_space_unref(processes[i].space);
	wb_session_free(session);
}

/* Memory that is added later serves the version that has it, however often the one before was asked; both mappings of code have one image. */
static void versions_have_what_they_have(void)
{
	struct wb_place before = { .size = sizeof(before) }, place = { .size = sizeof(place) }, again = { .size = sizeof(again) };
	struct process process = { .odd = 0 };
	struct wb_space *without, *split = NULL;
	struct wb_session *session;
	uint64_t id;

	loaded_make(process.memory, 0, 0, "found");
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	begin(&process, session);
	map_case(&process, 0);
	without = wb_space_ref(process.space);
	REQUIRE(wb_space_find(without, BASE + CODE, &before) == WB_OK);
	CHECK_EQ_U64(before.has_image_pc, 0);
	add_memory(&process);
	REQUIRE(wb_space_find(process.space, BASE + CODE, &place) == WB_OK && place.has_image_pc);
	REQUIRE(wb_space_find(without, BASE + CODE, &before) == WB_OK);
	CHECK_EQ_U64(before.has_image_pc, 0);
	id = wb_image_id(place.image);
	REQUIRE(wb_space_unmap(process.space, BASE + PAGE + 0x800 + 0x20, BASE + 2 * PAGE, &split) == WB_OK);
	REQUIRE(wb_space_find(split, BASE + CODE, &again) == WB_OK && again.has_image_pc);
	CHECK_EQ_U64(wb_image_id(again.image), id);
	wb_space_unref(split);
	wb_space_unref(without);
	wb_space_unref(process.space);
	wb_session_free(session);
}

/* The memory is the caller's, who may take it away with the last space: an image that is kept has nothing to read then. */
static void memory_ends_with_its_spaces(void)
{
	struct wb_place place = { .size = sizeof(place) };
	struct process process = { .odd = CALLBACK };
	struct wb_session *session;
	struct wb_image *image;
	uint8_t byte;

	loaded_make(process.memory, 0, 0, "found");
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	begin(&process, session);
	map_case(&process, 0);
	add_memory(&process);
	REQUIRE(wb_space_find(process.space, BASE + CODE, &place) == WB_OK && place.has_image_pc);
	image = wb_image_ref(place.image);
	CHECK_EQ_I64(wb_image_read(image, CODE, &byte, 1), WB_OK);
	CHECK_EQ_U64(byte, 0xc3);
	wb_space_unref(process.space);
	memset(process.memory, 0, sizeof(process.memory));
	CHECK_EQ_I64(wb_image_read(image, CODE, &byte, 1), WB_NONE);
	CHECK_STR(name_at(session, image, CODE), "");
	wb_image_unref(image);
	wb_session_free(session);
}

/* Threads that ask at the same time get one image; what it is read from is locked. */
struct asked { struct process *process; uint64_t id; };

static void *ask(void *arg)
{
	struct asked *asked = arg;
	struct wb_place place = { .size = sizeof(place) };
	uint8_t byte;

	if (wb_space_find(asked->process->space, BASE + CODE, &place) == WB_OK && place.has_image_pc &&
	    wb_image_read(place.image, CODE, &byte, 1) == WB_OK && byte == 0xc3)
		asked->id = wb_image_id(place.image);
	return NULL;
}

static void threads_share_an_image(void)
{
	enum { THREADS = 4, ROUNDS = 20 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct process process = { .odd = CALLBACK };
		struct asked asked[THREADS];
		pthread_t threads[THREADS];
		struct wb_session *session;

		loaded_make(process.memory, 0, 0, "found");
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		begin(&process, session);
		map_case(&process, 0);
		add_memory(&process);
		for (size_t i = 0; i < THREADS; i++) {
			asked[i] = (struct asked){ &process, 0 };
			REQUIRE(!pthread_create(&threads[i], NULL, ask, &asked[i]));
		}
		for (size_t i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		for (size_t i = 0; i < THREADS; i++)
			CHECK(asked[i].id && asked[i].id == asked[0].id);
		wb_space_unref(process.space);
		wb_session_free(session);
	}
}

/* Without memory for the nth allocation, there is no image this time; the next time there is. */
static void fails_clean_without_memory(void)
{
	bool was_found = false;

	for (uint64_t nth = 1; !was_found; nth++) {
		struct wb_place place = { .size = sizeof(place) };
		struct process process = { .odd = 0 };
		struct wb_session *session;

		REQUIRE(nth < 1000);
		loaded_make(process.memory, 0, 0, "found");
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		begin(&process, session);
		map_case(&process, 0);
		add_memory(&process);
		wb_mem_fail_at(nth, false);
		CHECK_EQ_I64(wb_space_find(process.space, BASE + CODE, &place), WB_OK);
		was_found = place.has_image_pc && wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		REQUIRE(wb_space_find(process.space, BASE + CODE, &place) == WB_OK);
		CHECK_EQ_U64(place.has_image_pc ? place.image_pc : 0, CODE);
		wb_space_unref(process.space);
		wb_session_free(session);
	}
}

/* Every byte of the tables turned over: what comes of it is an image or none, and nothing is read that is not there. */
static void damage_is_harmless(void)
{
	static const uint8_t flips[] = { 0xff, 0x01, 0x80 };

	for (size_t at = 4; at < STRINGS + 16; at++) {
		for (size_t f = 0; f < sizeof(flips); f++) {
			struct wb_place place = { .size = sizeof(place) };
			struct process process = { .odd = 0 };
			struct wb_session *session;

			loaded_make(process.memory, 0x10000, RELOCATED, "found");
			process.memory[at] ^= flips[f];
			REQUIRE(wb_session_new(NULL, &session) == WB_OK);
			begin(&process, session);
			map_case(&process, at % 2 ? 0 : 7);
			add_memory(&process);
			REQUIRE(wb_space_find(process.space, BASE + CODE, &place) == WB_OK);
			if (place.has_image_pc)
				name_at(session, place.image, place.image_pc);
			wb_space_unref(process.space);
			wb_session_free(session);
		}
	}
}

int main(void)
{
	TEST_RUN(finds_images_in_memory);
	TEST_RUN(counts_what_a_file_would_tell);
	TEST_RUN(processes_have_their_own);
	TEST_RUN(versions_have_what_they_have);
	TEST_RUN(memory_ends_with_its_spaces);
	TEST_RUN(threads_share_an_image);
	TEST_RUN(fails_clean_without_memory);
	TEST_RUN(damage_is_harmless);
	return test_summary();
}
