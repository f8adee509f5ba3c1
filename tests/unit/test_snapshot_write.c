/* SPDX-License-Identifier: MIT */
/*
 * What a snapshot folder gets: the objects that a word of the stacks or a register points into and no others, under names of their own, their debug
 * files, and the stacks that a walk came through but the sample does not have. (test_capture_snapshot.c reads back what is written.)
 */
#include "walk_program.h"

#include "tests/elf_make.h"

#include <dirent.h>
#include <walkback/formats.h>

enum { OBJECT_SIZE = 0x1000, LISTED_MAX = 1024 };

/* ---- A folder's contents ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all files below a folder, sorted, with a space between. */
static void list_files(const char *folder, const char *prefix, char *text)
{
	char *names[64], path[TEST_PATH_MAX + 256], inner[512];
	size_t count = 0;
	DIR *dir = opendir(folder);

	REQUIRE(dir != NULL);
	for (const struct dirent *entry; count < 64 && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			names[count++] = strdup(entry->d_name);
	closedir(dir);
	qsort(names, count, sizeof(names[0]), by_name);
	for (size_t i = 0; i < count; i++) {
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		snprintf(inner, sizeof(inner), "%s%s", prefix, names[i]);
		CHECK(stat(path, &st) == 0);
		if (S_ISDIR(st.st_mode)) {
			strcat(inner, "/");
			list_files(path, inner, text);
		} else {
			snprintf(text + strlen(text), LISTED_MAX - strlen(text), "%s%s", *text ? " " : "", inner);
		}
		free(names[i]);
	}
}

/* ---- Which objects ---- */

static const uint8_t id[20] = { 0xab, 0xcd, 0xef, 1 }, other_id[20] = { 0xba };

/* A file in TMPDIR, whose .text is at 0x1000 in memory. debug: without code. */
static const char *make_object(const char *name, uint16_t machine, bool big_endian, bool debug)
{
	static uint8_t code[OBJECT_SIZE], note[64];
	static char path[TEST_PATH_MAX];
	struct elf_make m;
	unsigned text;
	uint8_t *bytes;
	size_t size;

	elf_make_init(&m, true, big_endian, 3, machine);
	elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, note, elf_make_build_id(&m, note, id, sizeof(id)));
	text = elf_make_section(&m, ".text", debug ? 8 : 1, 6, 0x1000, code, sizeof(code));
	elf_make_segment(&m, 1, 5, text, text);
	bytes = elf_make_finish(&m, &size);
	snprintf(path, sizeof(path), "%s", test_tmp(name));
	test_write_file(path, bytes, size);
	free(bytes);
	return path;
}

enum { X86_64 = 62, AARCH64 = 183 };

/* At 0x10000 a/lib.so, at 0x20000 b/lib.so, at 0x30000 c/maps.txt, at 0x40000 a file of another build than the mapped one, at 0x50000 one that nobody
 * has, at 0x60000 one that is not executable. The pc is in the first. */
static const struct {
	const char *name;
	uint16_t machine;
	bool big_endian;
	int copy;
	uint64_t link, words[4];      /* a second register (rax, x30), the stack */
	const char *files;
} copies[] = {
	{ "only where it runs", X86_64, false, 1, 0, { 0, 0xffff, 0x22000 }, "lib.so maps.txt regs.txt stack.data" },
	{ "nothing asked for", X86_64, false, 0, 0x20010, { 0x20010 }, "maps.txt regs.txt stack.data" },
	{ "a register", X86_64, false, 1, 0x20010, { 0 }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
	{ "a word", X86_64, false, 1, 0, { 0, 0x20fff }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
	{ "a word of 32 bits", X86_64, false, 1, 0, { 0, UINT64_C(0x1122334400020010) }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
	{ "the second word of 32 bits", X86_64, false, 1, 0, { UINT64_C(0x2001011223344) }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
	{ "a name of ours", X86_64, false, 1, 0, { 0x30000, 0x30001 }, "lib.so maps.txt maps.txt.1 regs.txt stack.data" },
	{ "of another build", X86_64, false, 1, 0, { 0x40010 }, "lib.so maps.txt regs.txt stack.data" },
	{ "not had", X86_64, false, 1, 0, { 0x50010 }, "lib.so maps.txt regs.txt stack.data" },
	{ "data", X86_64, false, 1, 0, { 0x60010 }, "lib.so maps.txt regs.txt stack.data" },
	{ "with debug files", X86_64, false, 2, 0, { 0 }, ".build-id/ab/cdef0100000000000000000000000000000000.debug lib.so maps.txt regs.txt stack.data" },
	{ "aarch64, signed", AARCH64, false, 1, 0, { UINT64_C(0x003a000000020010) }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
	{ "aarch64, signed in a register", AARCH64, false, 1, UINT64_C(0x003a000000020010), { 0 }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
	{ "big-endian", AARCH64, true, 1, 0, { 0x20010 }, "lib.so lib.so.1 maps.txt regs.txt stack.data" },
};

static void put_word(uint8_t *at, uint64_t word, bool big_endian)
{
	for (unsigned i = 0; i < 8; i++)
		at[big_endian ? 7 - i : i] = (uint8_t)(word >> 8 * i);
}

/* The next version of the space has the mapping too. */
static struct wb_space *map(struct wb_space *space, const struct wb_mapping *mapping)
{
	struct wb_space *next = NULL;

	CHECK(wb_space_map(space, mapping, 1, &next) == WB_OK);
	wb_space_unref(space);
	return next;
}

static struct wb_space *map_objects(struct wb_session *session, uint16_t machine, bool big_endian)
{
	static const struct { uint64_t at; const char *file; const uint8_t *build_id; uint32_t prot; } rows[] = {
		{ 0x10000, "a/lib.so", id, 5 }, { 0x20000, "b/lib.so", id, 5 }, { 0x30000, "c/maps.txt", id, 5 },
		{ 0x40000, "a/other.so", other_id, 5 }, { 0x50000, "lost", id, 5 }, { 0x60000, "a/data", id, 1 },
	};
	const struct wb_platform of_objects = { .arch = machine == X86_64 ? WB_ARCH_X86_64 : WB_ARCH_AARCH64, .big_endian = big_endian };
	struct wb_space *space = NULL;

	CHECK(wb_space_new(session, &of_objects, &space) == WB_OK);
	for (size_t i = 0; space && i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool lost = !strcmp(rows[i].file, "lost");

		space = map(space, &(struct wb_mapping){ .size = sizeof(struct wb_mapping), .start = rows[i].at, .end = rows[i].at + OBJECT_SIZE,
			                                 .file_offset = 0x1000, .prot = rows[i].prot, .build_id = rows[i].build_id, .build_id_size = 20,
			                                 .path = lost ? "/lost" : make_object(rows[i].file, machine, big_endian, false) });
	}
	return space;
}

static void copies_what_is_pointed_into(void)
{
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		const bool is_x86 = copies[i].machine == X86_64;
		const struct wb_reg regs[] = { { WB_REG_PC, 0, 0x10010 }, { is_x86 ? 7 : 31, 0, 0x7000 }, { is_x86 ? 0 : 30, 0, copies[i].link } };
		const struct wb_context context = { regs, 3, WB_PC_EXACT, 0 };
		uint8_t stack[sizeof(copies[i].words)];
		const struct wb_region region = { 0x7000, stack, sizeof(stack) };
		const struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
		char files[LISTED_MAX] = "", name[32], folder[TEST_PATH_MAX];
		struct wb_session *session;
		struct wb_space *space;

		test_row(copies[i].name);
		for (size_t k = 0; k < 4; k++)
			put_word(stack + 8 * k, copies[i].words[k], copies[i].big_endian);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		CHECK(wb_session_add_host_paths(session) == WB_OK && wb_session_add_debug_dir(session, test_tmp("debug")) == WB_OK);
		make_object("debug/.build-id/ab/cdef0100000000000000000000000000000000.debug", copies[i].machine, copies[i].big_endian, true);
		space = map_objects(session, copies[i].machine, copies[i].big_endian);
		snprintf(name, sizeof(name), "copies/%zu", i);
		snprintf(folder, sizeof(folder), "%s", test_tmp(name));
		if (CHECK(wb_snapshot_write(session, space, &sample, folder, copies[i].copy) == WB_OK)) {
			list_files(folder, "", files);
			CHECK_STR(files, copies[i].files);
		}
		wb_space_unref(space);
		wb_session_free(session);
	}
	test_row(NULL);
}

/* ---- The texts ---- */

static char *text_of(const char *folder, const char *file)
{
	char path[TEST_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return test_read_file(path, NULL);
}

/* As /proc/PID/maps: names of copied objects are those in the folder, others stay; no kernel, no generated code. */
static void writes_texts(void)
{
	static const struct wb_reg regs[] = { { 7, 0, 0x7fff00001000 }, { WB_REG_PC, 0, 0x10010 }, { 0, 0, UINT64_MAX }, { 12345, 0, 1 } };
	static const struct wb_context context = { regs, 4, WB_PC_EXACT, 0 };
	static const struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1 };
	char folder[TEST_PATH_MAX], expect[4 * TEST_PATH_MAX], object[TEST_PATH_MAX], *text;
	const struct wb_code code = { .size = sizeof(code), .start = 0x90000, .end = 0x91000, .name = "generated" };
	struct wb_session *session;
	struct wb_space *space, *next;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_host_paths(session) == WB_OK);
	space = map_objects(session, X86_64, false);
	snprintf(object, sizeof(object), "%s", test_tmp("b/lib.so"));
	space = map(space, &(struct wb_mapping){ .size = sizeof(struct wb_mapping), .start = 0x7fff00000000, .end = 0x7fff00002000, .prot = 3 });
	space = map(space, &(struct wb_mapping){ .size = sizeof(struct wb_mapping), .start = 0x70000, .end = 0x80000, .prot = WB_PROT_UNKNOWN,
	                                         .file_offset = 0x123456789, .path = "/not had" });
	REQUIRE(wb_space_add_code(space, &code, &next) == WB_OK);
	wb_space_unref(space);
	snprintf(folder, sizeof(folder), "%s", test_tmp("texts"));
	CHECK(wb_snapshot_write(session, next, &sample, folder, 1) == WB_OK);
	text = text_of(folder, "maps.txt");
	snprintf(expect, sizeof(expect),
	         "00010000-00011000 r-xp 00001000 00:00 0   lib.so\n"
	         "00020000-00021000 r-xp 00001000 00:00 0   %s\n"
	         "00030000-00031000 r-xp 00001000 00:00 0   %.*s/c/maps.txt\n"
	         "00040000-00041000 r-xp 00001000 00:00 0   %.*s/a/other.so\n"
	         "00050000-00051000 r-xp 00001000 00:00 0   /lost\n"
	         "00060000-00061000 r--p 00001000 00:00 0   %.*s/a/data\n"
	         "00070000-00080000 r-xp 123456789 00:00 0   /not had\n"
	         "7fff00000000-7fff00002000 rw-p 00000000 00:00 0\n",
	         object, (int)strlen(object) - 9, object, (int)strlen(object) - 9, object, (int)strlen(object) - 9, object);
	CHECK_STR(text, expect);
	free(text);
	text = text_of(folder, "regs.txt");
	CHECK_STR(text, "rsp: 7fff00001000\nrip: 10010\nrax: ffffffffffffffff\n");
	free(text);
	wb_space_unref(next);
	wb_session_free(session);
}

/* ---- Stacks ---- */

/* A signal's handler on a stack of its own, in a dump: the sample has the handler's stack, the space all memory. The walk over the snapshot is the same. */
static void adds_stacks(void)
{
	uint64_t handler[8] = { [0] = LE64(C(TRAMPOLINE)), [1] = LE64(C(LEAF + 0x20)), [2] = LE64(S(0xf00)), [3] = LE64(S(0xe00)), [4] = LE64(0xb0) };
	static uint64_t below[512];  /* from S(0) on */
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 0x10)), REG(RSP, A(0)), REG(RBP, 0) };
	const struct wb_context context = { regs, 3, WB_PC_EXACT, 0 };
	const struct wb_region region = { A(0), handler, sizeof(handler) };
	const struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_memory memory = { .size = sizeof(memory), .kind = WB_MEMORY_BYTES, .start = S(0), .end = S(sizeof(below)), .bytes = below };
	const struct wb_mapping stack = { .size = sizeof(stack), .start = S(0), .end = S(0x2000), .prot = WB_PROT_READ | WB_PROT_WRITE };
	const struct wb_sample *read;
	struct wb_space *space, *read_space;
	struct wb_capture *capture;
	struct result before = { .count = 0 }, after = { .count = 0 };
	struct wb_walker *walker;
	struct process p;

	below[0xe00 / 8] = LE64(C(SAVES + 0x20));
	below[0xe08 / 8 + 3] = LE64(C(ROOT + 0x10)); /* CFA = rsp + 32 */
	process_init(&p, NULL);
	REQUIRE(wb_space_add_memory(p.space, &memory, &space) == WB_OK);
	space = map(space, &stack);
	REQUIRE(wb_walker_new(p.session, NULL, &walker) == WB_OK);
	run(walker, space, &sample, FRAMES, &before);
	CHECK_EQ_U64(before.count, 5);
	CHECK_EQ_I64(before.stop.reason, WB_STOP_ROOT);
	CHECK(wb_snapshot_write(p.session, space, &sample, test_tmp("stacks"), 0) == WB_OK);
	REQUIRE(wb_capture_open(p.session, test_tmp("stacks"), NULL, &capture) == WB_OK && wb_capture_next(capture, &read_space, &read) == WB_OK);
	/* From the red zone below the interrupted code's stack pointer to where the memory ends. */
	REQUIRE(read->num_regions == 2);
	CHECK_EQ_U64(read->regions[1].address, S(0xe00 - 128));
	CHECK_EQ_U64(read->regions[1].size, sizeof(below) - (0xe00 - 128));
	CHECK_MEM(read->regions[1].bytes, (const uint8_t *)below + 0xe00 - 128, sizeof(below) - (0xe00 - 128));
	/* The program is no file, so that nothing tells its rows but the space that has it. */
	run(walker, p.space, read, FRAMES, &after);
	CHECK(same(&before, &after));
	wb_capture_free(capture);
	wb_walker_free(walker);
	wb_space_unref(space);
	process_deinit(&p);
}

/* ---- Faults ---- */

static void refuses(void)
{
	static const struct wb_reg regs[] = { { WB_REG_PC, 0, 0x10010 } };
	static const struct wb_context context = { regs, 1, WB_PC_EXACT, 0 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1 };
	const struct wb_platform x86_64 = { .arch = WB_ARCH_X86_64 };
	struct wb_session *session;
	struct wb_space *space;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_space_new(session, &x86_64, &space) == WB_OK);
	CHECK_EQ_I64(wb_snapshot_write(session, space, &sample, "", 0), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_snapshot_write(session, NULL, &sample, test_tmp("none"), 0), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_snapshot_write(session, space, &sample, test_tmp("none/such"), 0), WB_ERR_IO);
	sample.num_contexts = 0;
	CHECK_EQ_I64(wb_snapshot_write(session, space, &sample, test_tmp("none"), 0), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(access(test_tmp("none"), F_OK), -1); /* nothing was begun */
	wb_space_unref(space);
	wb_session_free(session);
}

int main(void)
{
	static const char *const folders[] = { "a", "b", "c", "copies", "debug", "debug/.build-id", "debug/.build-id/ab" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		CHECK(mkdir(test_tmp(folders[i]), 0777) == 0);
	TEST_RUN(copies_what_is_pointed_into);
	TEST_RUN(writes_texts);
	TEST_RUN(adds_stacks);
	TEST_RUN(refuses);
	return test_summary();
}
