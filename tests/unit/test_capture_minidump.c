/* SPDX-License-Identifier: MIT */
/* Minidumps written here: what each stream gives, dumps of all processors, and that every prefix of one shows what is left. */
#include "capture_reader.h"
#include "loaded_make.h"
#include "minidump_make.h"
#include "pe_make.h"

#include "base/bytes.h"
#include "model/image.h"

static struct minidump_make made;
static struct pe_make pe;
static struct reader reader;

static struct wb_capture_info info_of(void)
{
	struct wb_capture_info info = { .size = sizeof(info) };

	if (wb_capture_info(reader.capture, &info) != WB_OK)
		abort();
	return info;
}

static void reads_all_of_a_dump(void)
{
	static const uint8_t id[] = { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf,
	                              0xb0, 0xb1, 0xb2, 0xb3 };

	for (unsigned memory_64 = 0; memory_64 < 2; memory_64++) {
		struct wb_capture_info info;
		const uint8_t *build_id;
		size_t size;

		test_row(memory_64 ? "memory64" : "memory");
		make_linux_dump(&made, memory_64);
		reader_run(&reader, made.bytes, made.size, 0, NULL);
		CHECK_EQ_I64(reader.end, WB_NONE);
		CHECK_EQ_U64(reader.diags, 0);
		REQUIRE(reader.count == 2);
		/* The thread that crashed is first, with the exception's registers. */
		CHECK_EQ_U64(reader.samples[0].tid, 12);
		CHECK_EQ_U64(reader.samples[0].pc, 0x400100);
		CHECK_EQ_U64(reader.samples[0].sp, 0x7000);
		CHECK_EQ_U64(reader.samples[0].region, 0x7000);
		CHECK_EQ_U64(reader.samples[0].region_size, 128);
		CHECK_EQ_U64(reader.samples[0].flags, WB_SAMPLE_CRASHED | WB_SAMPLE_UNNAMED);
		CHECK_STR(reader.samples[0].comm, "program");
		CHECK_EQ_U64(reader.samples[1].tid, 11);
		CHECK_EQ_U64(reader.samples[1].pc, 0x400200);
		CHECK_EQ_U64(reader.samples[1].flags, 0);
		CHECK_STR(reader.samples[1].comm, "waiter");
		info = info_of();
		REQUIRE(info.dump != NULL);
		CHECK_STR(info.dump->crash_type, "SIGSEGV / SEGV_MAPERR");
		CHECK_EQ_I64(info.signal, 11);
		CHECK_EQ_U64(info.dump->crash_address, 0x45);
		CHECK_EQ_U64(info.crash_tid, 12);
		CHECK_STR(info.dump->os_version, "5.1.2600 Linux 6.1.0 test");
		REQUIRE(info.dump->num_environment == 2 && info.dump->num_auxv == 1);
		CHECK_STR(info.dump->environment[0], "HOME=/root");
		CHECK_STR(info.dump->environment[1], "LANG=C");
		CHECK(info.dump->auxv[0] == 9 && info.dump->auxv[1] == 0x400100);
		REQUIRE(info.dump->num_modules == 1);
		CHECK_STR(info.dump->modules[0].path, "/opt/demo/program");
		CHECK_STR(info.dump->modules[0].version, "2.3.4.5");
		/* The GUID's first three parts are little-endian: by hand. */
		CHECK_STR(info.dump->modules[0].debug_id, "A3A2A1A0A5A4A7A6A8A9AAABACADAEAF0");
		CHECK_STR(info.dump->modules[0].code_id, "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3");
		build_id = wb_image_wanted_id(info.dump->modules[0].image, &size);
		CHECK(size == sizeof(id) && !memcmp(build_id, id, size));
		reader_close(&reader);
	}
	test_row(NULL);
}

static void maps_modules_by_their_base(void)
{
	const struct wb_sample *sample;
	struct wb_space *space;
	uint8_t word[8];
	static const struct { uint64_t address; uint32_t prot; uint64_t image_pc; bool has_image; } rows[] = {
		{ 0x400100, WB_PROT_READ | WB_PROT_EXEC, 0x100, true },
		{ 0x401100, WB_PROT_READ | WB_PROT_WRITE, 0x1100, true }, /* without the file, from the base */
		{ 0x500100, WB_PROT_READ | WB_PROT_EXEC, 0, false },
	};

	make_linux_dump(&made, false);
	reader_open(&reader, made.bytes, made.size, 0, NULL);
	REQUIRE(wb_capture_next(reader.capture, &space, &sample) == WB_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_place place = { .size = sizeof(place) };

		REQUIRE(wb_space_find(space, rows[i].address, &place) == WB_OK);
		CHECK_EQ_U64(place.prot, rows[i].prot);
		CHECK_EQ_I64(place.image != NULL, rows[i].has_image);
		CHECK_EQ_U64(place.image_pc, rows[i].image_pc);
	}
	CHECK_EQ_I64(wb_space_read(space, 0x7018, word, 8), WB_OK);
	CHECK_EQ_U64(wb_load64(word, false), 0x400123);
	CHECK_EQ_I64(wb_space_read(space, 0x7079, word, 8), WB_NONE); /* the last of the memory is at 0x707f */
	CHECK_EQ_I64(wb_space_read(space, 0x400100, word, 8), WB_NONE);
	reader_close(&reader);
}

/* Registers by the DWARF numbers of each architecture, at the offsets of CONTEXT. */
static void reads_contexts_of_all_processors(void)
{
	static const struct {
		const char *name;
		uint16_t cpu;
		enum wb_arch arch;
		uint32_t size, pc_at, sp_at, reg_at;
		unsigned width;
		uint32_t sp_number, reg_number;
		bool big_endian;
	} rows[] = {
		{ "x86", 0, WB_ARCH_X86, 716, 0xb8, 0xc4, 0xa4, 4, 4, 3 /* ebx */, false },
		{ "x86, big-endian file", 0, WB_ARCH_X86, 716, 0xb8, 0xc4, 0xa4, 4, 4, 3, true },
		{ "amd64", 9, WB_ARCH_X86_64, 1232, 0xf8, 0x98, 0xd8, 8, 7, 12 /* r12 */, false },
		{ "arm", 5, WB_ARCH_ARM, 368, 64, 56, 48, 4, 13, 11 /* r11 */, false },
		{ "arm64", 12, WB_ARCH_AARCH64, 912, 0x108, 0x100, 8 + 8 * 30, 8, 31, 30 /* lr */, false },
		{ "old arm64", 0x8003, WB_ARCH_AARCH64, 796, 0x108, 0x100, 8 + 8 * 30, 8, 31, 30, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct make_thread thread = { .tid = 5, .context_size = rows[i].size };
		const struct wb_sample *sample;
		struct wb_space *space;
		unsigned seen = 0;

		test_row(rows[i].name);
		make_begin(&made, rows[i].big_endian);
		thread.context = (uint32_t)make_room(&made, rows[i].size);
		make_uint(&made, thread.context + rows[i].pc_at, 0x1234, rows[i].width);
		make_uint(&made, thread.context + rows[i].sp_at, 0x5678, rows[i].width);
		make_uint(&made, thread.context + rows[i].reg_at, 0x9abc, rows[i].width);
		make_system(&made, rows[i].cpu, 2, 0);
		make_threads(&made, &thread, 1, false);
		make_end(&made);
		reader_open(&reader, made.bytes, made.size, 0, NULL);
		REQUIRE(wb_capture_next(reader.capture, &space, &sample) == WB_OK);
		CHECK_EQ_I64(info_of().platform.arch, rows[i].arch);
		REQUIRE(sample->num_contexts == 1);
		for (size_t r = 0; r < sample->contexts[0].num_regs; r++) {
			const struct wb_reg *reg = &sample->contexts[0].regs[r];

			seen += reg->number == WB_REG_PC && reg->value == 0x1234;
			seen += reg->number == rows[i].sp_number && reg->value == 0x5678;
			seen += reg->number == rows[i].reg_number && reg->value == 0x9abc;
		}
		CHECK_EQ_U64(seen, 3);
		reader_close(&reader);
	}
	test_row(NULL);
}

static void names_reasons(void)
{
	static const uint64_t write[] = { 1, 0x45 }, exec[] = { 8, 0x99 };
	static const struct { uint32_t platform, code, flags; const uint64_t *parameters; const char *expect; uint64_t address; } rows[] = {
		{ 2, 0xc0000005, 0, write, "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x45 },
		{ 2, 0xc0000005, 0, exec, "EXCEPTION_ACCESS_VIOLATION_EXEC", 0x99 },
		{ 2, 0xc0000094, 0, NULL, "EXCEPTION_INT_DIVIDE_BY_ZERO", 0x7000 },
		{ 2, 0xdeadbeef, 0, NULL, "exception 0xdeadbeef", 0x7000 },
		{ 0x8201, 11, 2, NULL, "SIGSEGV / SEGV_ACCERR", 0x7000 },
		{ 0x8201, 6, 0xfffffffa, NULL, "SIGABRT / SI_TKILL", 0x7000 },
		{ 0x8201, 8, 1, NULL, "SIGFPE / FPE_INTDIV", 0x7000 },
		{ 0x8201, 11, 0x80, NULL, "SIGSEGV / SI_KERNEL", 0x7000 },
		{ 0x8201, 99, 0, NULL, "signal 99", 0x7000 },
		{ 0x8101, 1, 1, NULL, "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS", 0x7000 },
		{ 0x8101, 6, 2, NULL, "EXC_BREAKPOINT / 0x00000002", 0x7000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row(rows[i].expect);
		make_begin(&made, false);
		make_system(&made, 9, rows[i].platform, 0);
		make_exception(&made, 1, rows[i].code, rows[i].flags, 0x7000, rows[i].parameters, rows[i].parameters ? 2 : 0, 0, 0);
		make_end(&made);
		reader_open(&reader, made.bytes, made.size, 0, NULL);
		REQUIRE(reader.opened == WB_OK);
		CHECK_STR(info_of().dump->crash_type, rows[i].expect);
		CHECK_EQ_U64(info_of().dump->crash_address, rows[i].address);
		reader_close(&reader);
	}
	test_row(NULL);
}

/* GUIDs: text order from RFC 9562; what of it is a file's build id depends on the system. */
static void identifies_modules(void)
{
	static const uint8_t record[] = "RSDS\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x0a\x00\x00\x00" "c:\\app.pdb";
	static const struct { uint32_t platform; uint8_t first, last; size_t size; const char *code_id; } rows[] = {
		{ 2, 0x00, 0x0a, 20, "45d35f6c3000" },                        /* GUID as written, then the age */
		{ 0x8101, 0x00, 0xff, 16, "00112233445566778899aabbccddeeff" }, /* a UUID: as written */
		{ 0x8201, 0x33, 0xff, 16, "33221100554477668899aabbccddeeff" }, /* the first bytes of a build id: as stored */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wb_dump_module *module;
		const uint8_t *build_id;
		uint32_t name, at;
		size_t size;

		make_begin(&made, false);
		name = make_string(&made, "c:\\app.exe");
		at = make_bytes(&made, record, sizeof(record));
		make_system(&made, 9, rows[i].platform, 0);
		make_stream(&made, 4);
		make_u32(&made, 1);
		make_module(&made, 0x10000, 0x3000, 0x45d35f6c, name, at, sizeof(record));
		make_end_stream(&made);
		make_end(&made);
		reader_open(&reader, made.bytes, made.size, 0, NULL);
		REQUIRE(reader.opened == WB_OK && info_of().dump->num_modules == 1);
		module = &info_of().dump->modules[0];
		CHECK_STR(module->debug_id, "00112233445566778899AABBCCDDEEFFA");
		CHECK_STR(module->debug_file, "c:\\app.pdb");
		CHECK_STR(module->code_id, rows[i].code_id);
		build_id = wb_image_wanted_id(module->image, &size);
		CHECK_EQ_U64(size, rows[i].size);
		CHECK(size == rows[i].size && build_id[0] == rows[i].first && build_id[size - 1] == rows[i].last);
		reader_close(&reader);
	}
}

/* A dump's module at another address than the PE file prefers; the file is found by its name and verified by the PDB's GUID and age. */
/* The program as Windows' loader lays it out at base, which it writes into the headers; in a list of memory. */
static void put_loaded(struct minidump_make *m, uint64_t base)
{
	enum { SIZE = PE_DATA + (PE_SYMBOLS_AT - PE_DATA_AT) };
	uint32_t at = (uint32_t)make_room(m, SIZE), header;

	memcpy(m->bytes + at, pe.bytes, PE_TEXT_AT);
	memcpy(m->bytes + at + PE_TEXT, pe.bytes + PE_TEXT_AT, PE_DATA_AT - PE_TEXT_AT);
	memcpy(m->bytes + at + PE_DATA, pe.bytes + PE_DATA_AT, PE_SYMBOLS_AT - PE_DATA_AT);
	/* ImageBase is at 24 of the optional header, which is behind 24 bytes of COFF's. */
	header = wb_load32(pe.bytes + 0x3c, false);
	make_uint(m, at + header + 24 + 24, base, 8);
	make_stream(m, 9);
	make_u64(m, 1);
	make_u64(m, at);
	make_u64(m, base);
	make_u64(m, SIZE);
	make_end_stream(m);
}

/* By the file, or by what memory has of it where there is no file. */
static void check_build(bool has_file)
{
	static const uint8_t record[] = "RSDS\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x0a\x00\x00\x00" "c:\\out\\app.pdb";
	static const uint64_t base = 0x7ff600000000;
	uint64_t stack[16] = { [0] = 0x11, [1] = base + 0x10b0, [2 + 6] = base + 0x1070, [7] = 0x7060, [12] = 0x33 };
	struct make_thread thread = { .tid = 5, .context_size = 1232, .stack_address = 0x7000, .stack_size = sizeof(stack) };
	static const struct { uint64_t rva; enum wb_how how; } expect[] = { { 0x1015, WB_HOW_CONTEXT }, { 0x10b0, WB_HOW_WINDOWS }, { 0x1070, WB_HOW_WINDOWS } };
	struct wb_image_info info = { .size = sizeof(info) };
	const struct wb_sample *sample;
	struct wb_space *space;
	struct wb_walker *walker;
	struct wb_frame frames[8];
	struct wb_stop stop;
	uint32_t name, at;
	size_t count;

	pe_make_codes(&pe);
	test_write_file(test_tmp("app.exe"), pe.bytes, pe.size);
	make_begin(&made, false);
	name = make_string(&made, "c:\\out\\app.exe");
	at = make_bytes(&made, record, sizeof(record));
	thread.context = (uint32_t)make_room(&made, thread.context_size);
	make_uint(&made, thread.context + 0xf8, base + 0x1015, 8);
	make_uint(&made, thread.context + 0x98, 0x7000, 8);
	thread.stack = (uint32_t)make_room(&made, sizeof(stack));
	for (unsigned i = 0; i < 16; i++)
		make_uint(&made, thread.stack + 8 * i, stack[i], 8);
	make_system(&made, 9, 2, 0);
	make_threads(&made, &thread, 1, false);
	make_stream(&made, 4);
	make_u32(&made, 1);
	make_module(&made, base, 0x3000, 0x5f5f2c88, name, at, sizeof(record));
	make_end_stream(&made);
	if (!has_file)
		put_loaded(&made, base);
	make_end(&made);
	reader_open(&reader, made.bytes, made.size, 0, NULL);
	REQUIRE(!has_file || wb_session_add_sysroot(reader.session, test_tmp("")) == WB_OK);
	REQUIRE(wb_walker_new(reader.session, NULL, &walker) == WB_OK);
	REQUIRE(wb_capture_next(reader.capture, &space, &sample) == WB_OK);
	REQUIRE(wb_walk(walker, space, sample, frames, sizeof(frames[0]), 8, &count, &stop) == WB_OK);
	CHECK_EQ_U64(count, 3);
	for (size_t i = 0; i < count && i < 3; i++) {
		CHECK_EQ_U64(frames[i].pc, base + expect[i].rva);
		/* Where the file would like to be loaded, memory does not tell any more. */
		CHECK_EQ_U64(frames[i].image_pc, (has_file ? PE_BASE : base) + expect[i].rva - (i > 0));
		CHECK_EQ_U64(frames[i].how, expect[i].how);
	}
	CHECK_EQ_I64(stop.reason, WB_STOP_ROOT);
	REQUIRE(wb_image_info(info_of().modules[0].image, &info) == WB_OK);
	CHECK_EQ_I64(info.files[WB_FILE_EXECUTABLE].verdict, has_file ? WB_VERDICT_MATCHED : WB_VERDICT_MISSING);
	CHECK_EQ_U64(info.in_memory, !has_file);
	wb_walker_free(walker);
	reader_close(&reader);
}

static void takes_images_by_their_build(void)
{
	test_row("file");
	check_build(true);
	test_row("memory");
	check_build(false);
	test_row(NULL);
}

/* A dump with all memory has the module itself, whose file nobody has: by its load address, and by where /proc/PID/maps has its segments. */
static void finds_modules_in_memory(void)
{
	static const char maps[] = "7f400000-7f401000 r--p 00000000 08:01 7 /data/lib.so\n7f401000-7f402000 r-xp 00000000 08:01 7 /data/lib.so\n";
	static uint8_t memory[2 * PAGE];

	loaded_make(memory, 0, RELOCATED, "found");
	for (unsigned has_maps = 0; has_maps < 2; has_maps++) {
		struct make_thread thread = { .tid = 5, .context_size = 1232, .stack_address = 0x7000 };
		struct wb_place place = { .size = sizeof(place) };
		const struct wb_sample *sample;
		struct wb_symbolizer *symbolizer;
		const struct wb_site *sites;
		struct wb_space *space;
		struct wb_file_info file;
		uint32_t name, at;
		size_t count;

		test_row(has_maps ? "segments" : "modules");
		make_begin(&made, false);
		name = make_string(&made, "/data/lib.so");
		thread.context = (uint32_t)make_room(&made, thread.context_size);
		make_system(&made, 9, 0x8201, 0);
		make_threads(&made, &thread, 1, false);
		make_stream(&made, 4);
		make_u32(&made, 1);
		make_module(&made, BASE, sizeof(memory), 0, name, 0, 0);
		make_end_stream(&made);
		at = make_bytes(&made, memory, sizeof(memory));
		make_stream(&made, 9);
		make_u64(&made, 1);
		make_u64(&made, at);
		make_u64(&made, BASE);
		make_u64(&made, sizeof(memory));
		make_end_stream(&made);
		if (has_maps) {
			make_stream(&made, 0x47670009);
			make_bytes(&made, maps, sizeof(maps) - 1);
			make_end_stream(&made);
		}
		make_end(&made);
		reader_open(&reader, made.bytes, made.size, 0, NULL);
		REQUIRE(wb_capture_next(reader.capture, &space, &sample) == WB_OK);
		REQUIRE(wb_space_find(space, BASE + CODE + 4, &place) == WB_OK);
		CHECK_EQ_U64(place.has_image_pc ? place.image_pc : 0, CODE + 4);
		REQUIRE(wb_symbolizer_new(reader.session, NULL, &symbolizer) == WB_OK);
		REQUIRE(wb_symbolize(symbolizer, place.image, CODE + 4, WB_PC_EXACT, &sites, &count) == WB_OK && count == 1);
		CHECK_STR(sites[0].function ? sites[0].function : "", "found");
		wb_symbolizer_free(symbolizer);
		REQUIRE(wb_image_file(info_of().modules[0].image, WB_FILE_EXECUTABLE, &file) == WB_OK);
		CHECK_EQ_I64(file.verdict, WB_VERDICT_MISSING);
		CHECK(wb_image_is_in_memory(info_of().modules[0].image));
		reader_close(&reader);
	}
	test_row(NULL);
}

/* Cut anywhere, a dump is refused with a message or shows the rest; never more samples than the whole has. */
static void survives_every_prefix(void)
{
	make_linux_dump(&made, false);
	for (size_t size = 0; size < made.size; size++) {
		uint8_t *copy = malloc(size ? size : 1);

		memcpy(copy, made.bytes, size);
		reader_run(&reader, copy, size, 0, NULL);
		if (reader.opened != WB_OK || reader.count < 2)
			CHECK(reader.diags > 0);
		CHECK(reader.count <= 2);
		reader_close(&reader);
		free(copy);
	}
}

/* The directory moved to the front, so that prefixes have it: streams and what they point to are lost one after the other. */
static void shows_what_is_left(void)
{
	size_t shown = 0;

	make_linux_dump(&made, false);
	for (size_t i = 0; i < made.num_streams; i++) {
		struct minidump_make cut = made;
		size_t entry = made.size - made.num_streams * 12 + i * 12;

		make_uint(&cut, entry + 8, MAKE_SIZE * 2, 4); /* far outside */
		reader_run(&reader, cut.bytes, cut.size, 0, NULL);
		CHECK_EQ_I64(reader.opened, WB_OK);
		CHECK_EQ_U64(reader.diags != 0, 1);
		shown += reader.count;
		reader_close(&reader);
	}
	/* Only without the list of threads there are none. */
	CHECK_EQ_U64(shown, 2 * (made.num_streams - 1));
}

static void refuses_what_is_none(void)
{
	make_linux_dump(&made, false);
	made.bytes[4] ^= 1; /* version */
	reader_open(&reader, made.bytes, made.size, 0, NULL);
	CHECK_EQ_I64(reader.opened, WB_ERR_UNSUPPORTED);
	CHECK_EQ_U64(reader.diags, 1);
	reader_close(&reader);
	made.bytes[4] ^= 1;
	reader_open(&reader, made.bytes, made.size, 100, NULL);
	CHECK_EQ_I64(reader.opened, WB_ERR_UNSUPPORTED);
	CHECK_STR(reader.diag, "test: a minidump cannot be read from a pipe");
	reader_close(&reader);
}

static void fails_without_memory(void)
{
	make_linux_dump(&made, true);
	reader_fail_everywhere(&reader, made.bytes, made.size);
}

int main(void)
{
	TEST_RUN(reads_all_of_a_dump);
	TEST_RUN(maps_modules_by_their_base);
	TEST_RUN(reads_contexts_of_all_processors);
	TEST_RUN(names_reasons);
	TEST_RUN(identifies_modules);
	TEST_RUN(takes_images_by_their_build);
	TEST_RUN(finds_modules_in_memory);
	TEST_RUN(survives_every_prefix);
	TEST_RUN(shows_what_is_left);
	TEST_RUN(refuses_what_is_none);
	TEST_RUN(fails_without_memory);
	return test_summary();
}
