/* SPDX-License-Identifier: MIT */
/*
 * ELF cores made byte by byte. Expected values are the ones put in; layouts are those of Linux's headers, see core_make.h. What real cores
 * come to is compared with gdb in tests/cores.
 */
#include "core_make.h"

#include "capture_reader.h"

#include "formats/signals.h"
#include "model/space.h"

enum { PAGE = 4096, STACK = 0x7ff000, CODE = 0x400000, MODULE_END = CODE + 0x2000 + PAGE, EXEC = 5, READ = 4, RW = 6 };

static const uint8_t build_id[20] = { 0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };
static uint8_t stack[256], code[PAGE];

/* An ELF header with program headers and a build id, as the first page of a module: text at offset 0, data at 0x1000 of the file. */
static void make_module(const struct core_make *m, uint8_t *page)
{
	uint8_t *at, *note = page + 512;

	memset(page, 0, PAGE);
	at = core_make_head(m, page, 3, 3);
	at = core_make_program(m, at, 1, EXEC, 0, 0, PAGE, PAGE);
	at = core_make_program(m, at, 1, RW, 0x1000, 0x2000, 16, PAGE);
	core_make_program(m, at, 4, READ, 512, 512, 36, 36);
	note = core_make_int(m, note, 4, 4);
	note = core_make_int(m, note, sizeof(build_id), 4);
	note = core_make_int(m, note, 3, 4);
	memcpy(note, "GNU", 4);
	memcpy(note + 4, build_id, sizeof(build_id));
}

/* Two threads, of which the second has the signal; one module in two ranges; a stack of which half is in the file; memory that is not. */
static uint8_t *make_core(bool is_64, bool big_endian, uint16_t machine, unsigned pc_word, unsigned sp_word, unsigned words, size_t *ret_size)
{
	static const struct core_make_file files[] = {
		{ CODE, CODE + PAGE, 0, "/opt/prog (deleted)" }, { CODE + 0x2000, CODE + 0x3000, 1, "/opt/prog (deleted)" }, { 0x500000, 0x501000, 0, "/usr/share/data" },
	};
	uint64_t regs[64] = { 0 };
	struct core_make m;

	core_make_init(&m, is_64, big_endian, machine);
	make_module(&m, code);
	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = (uint8_t)i;
	for (unsigned thread = 0; thread < 2; thread++) {
		regs[pc_word] = CODE + 0x10 + thread;
		regs[sp_word] = STACK + 0x40 + 0x20 * thread;
		core_make_thread(&m, 100 + thread, thread ? 11 : 0, regs, words);
		if (!thread)
			core_make_process(&m, 100, "prog", "prog --flag ");
	}
	core_make_siginfo(&m, 11, 1, 0x10);
	core_make_files(&m, files, 3);
	if (machine == 183) {
		uint8_t mask[16];

		core_make_int(&m, core_make_int(&m, mask, UINT64_C(0x7f000000000000), 8), UINT64_C(0x7e000000000000), 8);
		core_make_note(&m, "LINUX", 0x406, mask, sizeof(mask));
	}
	core_make_segment(&m, EXEC, CODE, code, sizeof(code), PAGE);
	core_make_segment(&m, RW, CODE + 0x2000, code, 0, PAGE);
	core_make_segment(&m, READ, 0x500000, code, 0, PAGE);
	core_make_segment(&m, RW, STACK, stack, sizeof(stack), 0x1000);
	return core_make_finish(&m, ret_size);
}

static const struct {
	const char *name;
	bool is_64, big_endian;
	uint16_t machine;
	unsigned pc_word, sp_word, words;   /* places in elf_gregset_t: arch/.../user.h, ptrace.h */
	uint32_t sp_number;
	enum wb_arch arch;
	uint64_t red_zone;
} machines[] = {
	{ "x86-64", true, false, 62, 16, 19, 27, 7, WB_ARCH_X86_64, 0x40 },
	{ "i386", false, false, 3, 12, 15, 17, 4, WB_ARCH_X86, 0 },
	{ "aarch64", true, false, 183, 32, 31, 34, 31, WB_ARCH_AARCH64, 0 },
	{ "aarch64, big-endian", true, true, 183, 32, 31, 34, 31, WB_ARCH_AARCH64, 0 },
	{ "arm", false, false, 40, 15, 13, 18, 13, WB_ARCH_ARM, 0 },
	{ "arm, big-endian", false, true, 40, 15, 13, 18, 13, WB_ARCH_ARM, 0 },
	{ "riscv64", true, false, 243, 0, 2, 32, 2, WB_ARCH_RISCV64, 0 },
	{ "ppc64", true, true, 21, 32, 1, 48, 1, WB_ARCH_PPC64, 288 },
	{ "ppc64le", true, false, 21, 32, 1, 48, 1, WB_ARCH_PPC64, 288 },
	{ "s390x", true, true, 22, 1, 17, 27, 15, WB_ARCH_S390X, 0 },
};

/* As other systems' dumps tell it: the build id's first 16 bytes as a GUID (its first three parts little-endian), and age 0. */
static void check_dump(const struct wb_dump *dump)
{
	char code_id[2 * sizeof(build_id) + 1], debug_id[64];

	REQUIRE(dump != NULL && dump->num_modules == 1);
	for (size_t i = 0; i < sizeof(build_id); i++)
		snprintf(code_id + 2 * i, 3, "%02x", build_id[i]);
	snprintf(debug_id, sizeof(debug_id), "%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X0", build_id[3], build_id[2], build_id[1], build_id[0],
	         build_id[5], build_id[4], build_id[7], build_id[6], build_id[8], build_id[9], build_id[10], build_id[11], build_id[12], build_id[13],
	         build_id[14], build_id[15]);
	CHECK_EQ_I64(dump->crash_kind, WB_CRASH_SIGNAL);
	CHECK_EQ_U64(dump->crash_code, 11);
	CHECK_EQ_U64(dump->crash_detail, 1);
	CHECK_STR(dump->crash_type, "SIGSEGV / SEGV_MAPERR");
	CHECK(dump->has_crash_address && dump->crash_address == 0x10);
	CHECK_STR(dump->os_name, "Linux");
	CHECK_EQ_U64(dump->modules[0].start, CODE);
	CHECK_EQ_U64(dump->modules[0].end, MODULE_END);
	CHECK_STR(dump->modules[0].path, "/opt/prog (deleted)");
	CHECK_STR(dump->modules[0].code_id, code_id);
	CHECK_STR(dump->modules[0].debug_id, debug_id);
}

static uint64_t reg_of(const struct wb_sample *sample, uint32_t number)
{
	for (size_t i = 0; i < sample->contexts[0].num_regs; i++)
		if (sample->contexts[0].regs[i].number == number)
			return sample->contexts[0].regs[i].value;
	return 0;
}

static void threads_come_with_their_registers_and_stacks(void)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		static struct reader r;
		const struct wb_sample *sample;
		struct wb_capture_info info = { .size = sizeof(info) };
		struct wb_space *space;
		size_t size;
		uint8_t *file = make_core(machines[i].is_64, machines[i].big_endian, machines[i].machine, machines[i].pc_word, machines[i].sp_word,
		                          machines[i].words, &size);

		test_row(machines[i].name);
		reader_open(&r, file, size, 0, NULL);
		REQUIRE(r.opened == WB_OK);
		CHECK_EQ_I64(wb_capture_info(r.capture, &info), WB_OK);
		CHECK_EQ_I64(info.platform.arch, machines[i].arch);
		CHECK_STR(info.format, "elf-core");
		CHECK_STR(info.command_line, "prog --flag");
		CHECK_STR(info.crash_reason, "SIGSEGV (segmentation fault), SEGV_MAPERR (address not mapped) at 0x10");
		CHECK_EQ_U64(info.crash_tid, 101);
		CHECK_EQ_U64(info.signal_address, 0x10);
		CHECK_EQ_U64(info.threads, 2);
		check_dump(info.dump);
		CHECK_EQ_U64(info.memory_mapped, 4 * PAGE);
		CHECK_EQ_U64(info.memory_dumped, PAGE + sizeof(stack));
		/* The thread that crashed first, then in the order of the file. */
		REQUIRE(wb_capture_next(r.capture, &space, &sample) == WB_OK);
		CHECK_EQ_U64(sample->tid, 101);
		CHECK_EQ_U64(sample->pid, 100);
		CHECK_STR(sample->comm, "prog");
		CHECK_EQ_U64(sample->flags & WB_SAMPLE_CRASHED, WB_SAMPLE_CRASHED);
		/* Whether code is Thumb's is no part of its address, but the pc is given as it was: the walk knows. */
		CHECK_EQ_U64(reg_of(sample, WB_REG_PC), CODE + 0x11);
		CHECK_EQ_U64(reg_of(sample, machines[i].sp_number), STACK + 0x60);
		CHECK_EQ_U64(sample->num_regions, 1);
		/* x86-64's red zone is 128 bytes, ppc64's 288, of which 0x60 are in the segment. */
		CHECK_EQ_U64(sample->regions[0].address, machines[i].red_zone ? STACK : STACK + 0x60);
		CHECK_EQ_U64(sample->regions[0].address + sample->regions[0].size, STACK + sizeof(stack));
		REQUIRE(wb_capture_next(r.capture, &space, &sample) == WB_OK);
		CHECK_EQ_U64(sample->tid, 100);
		CHECK_EQ_U64(sample->flags & WB_SAMPLE_CRASHED, 0);
		/* What NT_ARM_PAC_MASK says of code; the mask of data differs. */
		if (machines[i].arch == WB_ARCH_AARCH64)
			CHECK_EQ_U64(wb_space_pointer_mask(space), UINT64_C(0x7e000000000000));
		CHECK_EQ_I64(wb_capture_next(r.capture, &space, &sample), WB_NONE);
		reader_close(&r);
		free(file);
	}
}

/* Only the threads that are asked for, and nothing else of the process is lost for it. */
static void threads_are_chosen(void)
{
	static struct reader r;
	static const uint32_t tids[] = { 100 };
	struct wb_capture_opts opts = { .size = sizeof(opts), .tids = tids, .num_tids = 1 };
	size_t size;
	uint8_t *file = make_core(true, false, 62, 16, 19, 27, &size);

	reader_run(&r, file, size, 0, &opts);
	REQUIRE(r.count == 1);
	CHECK_EQ_U64(r.samples[0].tid, 100);
	CHECK_EQ_U64(r.samples[0].pc, CODE + 0x10);
	reader_close(&r);
	free(file);
}

/* What is made of a list of links that goes in a circle, and whose names are nowhere. */
static void damaged_lists_of_links_end(void)
{
	static const uint64_t auxv[][2] = { { 3, CODE + 64 }, { 4, 56 }, { 5, 3 }, { 0, 0 } };
	static struct reader r;
	struct wb_capture_info info = { .size = sizeof(info) };
	uint64_t regs[27] = { [16] = CODE + 0x10, [19] = STACK + 16 };
	uint8_t data[256] = { 0 }, *at;
	struct core_make m;
	uint8_t *file;
	size_t size;

	core_make_init(&m, true, false, 62);
	make_module(&m, code);
	/* Its third header becomes PT_DYNAMIC: DT_DEBUG, the address of r_debug, whose second word is the first link. */
	core_make_program(&m, code + 64 + 2 * 56, 2, RW, 0, 0x2000, 32, 32);
	at = core_make_word(&m, data, 21);
	core_make_word(&m, at, CODE + 0x2000 + 64);
	core_make_word(&m, data + 64 + 8, CODE + 0x2000 + 128);
	at = core_make_word(&m, data + 128, 0x600000);
	at = core_make_word(&m, at, CODE + 0x2000 + 200);
	at = core_make_word(&m, at, 0x600100);
	core_make_word(&m, at, CODE + 0x2000 + 128);
	memcpy(data + 200, "/lib/gone.so", 13);
	core_make_thread(&m, 7, 6, regs, 27);
	core_make_auxv(&m, auxv, 4);
	core_make_segment(&m, EXEC, CODE, code, sizeof(code), PAGE);
	core_make_segment(&m, RW, CODE + 0x2000, data, sizeof(data), PAGE);
	file = core_make_finish(&m, &size);
	reader_open(&r, file, size, 0, NULL);
	REQUIRE(r.opened == WB_OK && wb_capture_info(r.capture, &info) == WB_OK);
	REQUIRE(info.num_modules == 2);
	CHECK_EQ_U64(info.modules[0].address, CODE);
	CHECK_STR(info.modules[1].path, "/lib/gone.so");
	CHECK_EQ_U64(info.modules[1].address, 0x600000);
	reader_close(&r);
	free(file);
}

static void memory_is_bytes_or_absent(void)
{
	static struct reader r;
	const struct wb_sample *sample;
	struct wb_space *space;
	uint8_t bytes[32];
	size_t size;
	uint8_t *file = make_core(true, false, 62, 16, 19, 27, &size);

	reader_open(&r, file, size, 0, NULL);
	REQUIRE(r.opened == WB_OK && wb_capture_next(r.capture, &space, &sample) == WB_OK);
	/* The space outlives the capture. */
	wb_space_ref(space);
	wb_capture_free(r.capture);
	r.capture = NULL;
	CHECK_EQ_I64(wb_space_read(space, STACK + 4, bytes, 4), WB_OK);
	CHECK_EQ_U64(bytes[0], 4);
	/* p_filesz < p_memsz: the file goes on behind, the memory does not. */
	CHECK_EQ_I64(wb_space_read(space, STACK + sizeof(stack), bytes, 1), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, STACK + sizeof(stack) - 4, bytes, 8), WB_NONE);
	/* p_filesz 0, and nothing mapped at all. */
	CHECK_EQ_I64(wb_space_read(space, CODE + 0x2000, bytes, 8), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, 0x500000, bytes, 8), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, 0x10, bytes, 8), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, UINT64_MAX - 4, bytes, 5), WB_NONE);
	wb_space_unref(space);
	reader_close(&r);
	free(file);
}

static void modules_are_known_by_their_headers_in_memory(void)
{
	static struct reader r;
	struct wb_capture_info info = { .size = sizeof(info) };
	struct wb_place place = { .size = sizeof(place) };
	struct wb_image_info image = { .size = sizeof(image) };
	const struct wb_sample *sample;
	struct wb_space *space;
	size_t size;
	uint8_t *file = make_core(true, false, 62, 16, 19, 27, &size);

	reader_open(&r, file, size, 0, NULL);
	REQUIRE(r.opened == WB_OK && wb_capture_next(r.capture, &space, &sample) == WB_OK);
	CHECK_EQ_I64(wb_capture_info(r.capture, &info), WB_OK);
	/* Data that is mapped is no module. */
	REQUIRE(info.num_modules == 1);
	CHECK_STR(info.modules[0].path, "/opt/prog (deleted)");
	CHECK_EQ_U64(info.modules[0].address, CODE);
	CHECK_EQ_I64(wb_image_info(info.modules[0].image, &image), WB_OK);
	REQUIRE(image.build_id_size == sizeof(build_id));
	CHECK(!memcmp(image.build_id, build_id, sizeof(build_id)));
	/* Its second range is its too, by offset and place. */
	CHECK_EQ_I64(wb_space_find(space, CODE + 0x2010, &place), WB_OK);
	CHECK(place.image == info.modules[0].image);
	CHECK_EQ_U64(place.file_offset, 0x1000);
	CHECK_EQ_I64(wb_space_find(space, 0x500010, &place), WB_OK);
	CHECK(!place.image);
	CHECK_EQ_I64(wb_space_find(space, STACK + 1, &place), WB_OK);
	CHECK(!place.image);
	reader_close(&r);
	free(file);
}

/* Without NT_FILE the header in memory tells, and AT_EXECFN names the program. */
static void modules_are_found_without_a_list_of_files(void)
{
	static const char name[] = "/bin/prog";
	static const uint64_t auxv[][2] = { { 3, CODE + 64 }, { 4, 56 }, { 5, 3 }, { 9, CODE + 0x10 }, { 31, STACK }, { 0, 0 } };
	static struct reader r;
	struct wb_capture_info info = { .size = sizeof(info) };
	uint64_t regs[27] = { [16] = CODE + 0x10, [19] = STACK + 16 };
	struct core_make m;
	uint8_t *file;
	size_t size;

	core_make_init(&m, true, false, 62);
	make_module(&m, code);
	core_make_thread(&m, 7, 6, regs, 27);
	core_make_auxv(&m, auxv, sizeof(auxv) / sizeof(auxv[0]));
	core_make_segment(&m, EXEC, CODE, code, sizeof(code), PAGE);
	memcpy(stack, name, sizeof(name));
	core_make_segment(&m, RW, STACK, stack, sizeof(stack), sizeof(stack));
	file = core_make_finish(&m, &size);
	reader_open(&r, file, size, 0, NULL);
	REQUIRE(r.opened == WB_OK && wb_capture_info(r.capture, &info) == WB_OK);
	REQUIRE(info.num_modules == 1);
	CHECK_STR(info.modules[0].path, "/bin/prog");
	CHECK_STR(info.crash_reason, "SIGABRT (aborted)");
	CHECK_EQ_U64(info.pid, 7);
	reader_close(&r);
	free(file);
}

static void what_is_no_core_here_is_said(void)
{
	static const struct {
		const char *name;
		bool is_64, big_endian;
		uint16_t machine;
		const char *text;
	} refused[] = {
		{ "mips n32", false, true, 8, "test: a core of mips, an architecture that is not supported here" },
		{ "s390", false, true, 22, "test: a core of s390, an architecture that is not supported here" },
		{ "x32", false, false, 62, "test: a core of x32, an architecture that is not supported here" },
		{ "unknown", true, false, 4711, "test: a core of an unknown machine, an architecture that is not supported here" },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		static struct reader r;
		struct core_make m;
		size_t size;
		uint8_t *file;

		test_row(refused[i].name);
		core_make_init(&m, refused[i].is_64, refused[i].big_endian, refused[i].machine);
		file = core_make_finish(&m, &size);
		reader_open(&r, file, size, 0, NULL);
		CHECK_EQ_I64(r.opened, WB_ERR_UNSUPPORTED);
		CHECK_STR(r.diag, refused[i].text);
		reader_close(&r);
		free(file);
	}
}

/* How many threads the first `cut` bytes give, of which shorter prefixes gave `most`. */
static size_t check_cut(const uint8_t *file, size_t cut, size_t size, size_t most)
{
	static struct reader r;
	uint8_t *exact = malloc(cut);

	memcpy(exact, file, cut);
	reader_run(&r, exact, cut, 0, NULL);
	CHECK(r.opened != WB_OK || r.count >= most);
	CHECK(r.opened == WB_OK || r.diags == 1);
	CHECK(cut == size || r.diags > 0);
	most = r.opened == WB_OK ? r.count : most;
	reader_close(&r);
	free(exact);
	return most;
}

/* Every prefix: no crash, at most a few lines, and what is before the cut is given. */
static void cut_cores_give_what_they_have(void)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		size_t size, most = 0;
		uint8_t *file = make_core(machines[i].is_64, machines[i].big_endian, machines[i].machine, machines[i].pc_word, machines[i].sp_word,
		                          machines[i].words, &size);

		test_row(machines[i].name);
		for (size_t cut = 1; cut <= size; cut += cut < 2048 ? 1 : 61)
			most = check_cut(file, cut, size, most);
		CHECK_EQ_U64(most, 2);
		free(file);
	}
}

static void running_out_of_memory_is_said(void)
{
	static struct reader r;
	size_t size;
	uint8_t *file = make_core(true, false, 62, 16, 19, 27, &size);

	reader_fail_everywhere(&r, file, size);
	free(file);
}

static void signals_are_described(void)
{
	static const struct {
		const char *name;
		int32_t signal, code;
		bool has_code;
		const char *expect;
	} rows[] = {
		{ "none", 0, 0, false, "" },
		{ "a signal alone", 6, 0, false, "SIGABRT (aborted)" },
		{ "sent", 3, 0, true, "SIGQUIT (quit), sent by process 42" },
		{ "sent to a thread", 6, -6, true, "SIGABRT (aborted), sent by process 42" },
		{ "with an address", 7, 2, true, "SIGBUS (bus error), BUS_ADRERR (nonexistent physical address) at 0x1234" },
		{ "by the kernel", 11, 0x80, true, "SIGSEGV (segmentation fault), raised by the kernel, which does not tell the address" },
		{ "unknown code", 11, 99, true, "SIGSEGV (segmentation fault), code 99" },
		{ "unknown signal", 60, 0, false, "signal 60" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128], small[9];

		test_row(rows[i].name);
		wb_signal_describe(rows[i].signal, rows[i].has_code ? &rows[i].code : NULL, 0x1234, 42, text, sizeof(text));
		CHECK_STR(text, rows[i].expect);
		wb_signal_describe(rows[i].signal, rows[i].has_code ? &rows[i].code : NULL, 0x1234, 42, small, sizeof(small));
		CHECK(!strncmp(small, rows[i].expect, sizeof(small) - 1));
	}
}

int main(void)
{
	TEST_RUN(threads_come_with_their_registers_and_stacks);
	TEST_RUN(threads_are_chosen);
	TEST_RUN(memory_is_bytes_or_absent);
	TEST_RUN(modules_are_known_by_their_headers_in_memory);
	TEST_RUN(modules_are_found_without_a_list_of_files);
	TEST_RUN(damaged_lists_of_links_end);
	TEST_RUN(what_is_no_core_here_is_said);
	TEST_RUN(cut_cores_give_what_they_have);
	TEST_RUN(running_out_of_memory_is_said);
	TEST_RUN(signals_are_described);
	return test_summary();
}
