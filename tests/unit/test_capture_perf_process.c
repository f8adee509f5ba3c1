/* SPDX-License-Identifier: MIT */
/* Who is mapped where at the time of each sample: mappings, fork, exec, exit, 32-bit tasks, kernel code, build ids. */
#include "capture_reader.h"
#include "perf_writer.h"

#include "model/space.h"

static struct perf_writer writer;
static struct reader reader;

enum { READ = 1, WRITE = 2, EXEC = 4 };

/* Samples of registers and nothing else; records follow each other in time as they are written. */
static const struct perf_attr attr = { .type = 1, .sample_type = S_IP | S_TID | S_REGS_USER, .regs_user = 1 << 8 };

static void start(void)
{
	w_pipe(&writer, false);
	w_pipe_attr(&writer, &attr, 1);
	w_pipe_feature(&writer, F_ARCH, "x86_64");
}

static void sample_abi(uint32_t pid, uint32_t tid, uint64_t pc, uint64_t abi, uint16_t misc)
{
	w_begin(&writer, T_SAMPLE, misc);
	w_u64(&writer, pc);
	w_u32(&writer, pid);
	w_u32(&writer, tid);
	w_u64(&writer, abi);
	if (abi)
		w_u64(&writer, pc);
	w_end(&writer);
}
static void sample(uint32_t pid, uint64_t pc)
{
	sample_abi(pid, pid, pc, 2, M_USER);
}
static void map(uint32_t pid, uint64_t first, uint64_t last, const char *path)
{
	w_mmap2(&writer, pid, first, last - first, first & 0xffff, READ | EXEC, path, NULL);
	w_end(&writer);
}
static void task(uint32_t type, uint16_t misc, uint32_t pid, uint32_t ppid, uint32_t tid, uint32_t ptid)
{
	w_task(&writer, type, misc, pid, ppid, tid, ptid);
	w_end(&writer);
}

/* "path+offset" of the mapping at the sample's pc, "-" if there is none; "?" without a path. */
static void where(struct wb_space *space, uint64_t pc, char *buffer, size_t size)
{
	struct wb_place place = { .size = sizeof place };
	struct wb_image_info info = { .size = sizeof info };

	if (wb_space_find(space, pc, &place) != WB_OK) {
		snprintf(buffer, size, "-");
		return;
	}
	if (!place.image || wb_image_info(place.image, &info) != WB_OK) {
		snprintf(buffer, size, "?");
		return;
	}
	snprintf(buffer, size, "%s+%" PRIx64, info.path, pc - place.start + place.file_offset);
}

/* What each sample must see, as where() gives it, with its thread's name before it if it has one. */
static void check(const char *const *expect)
{
	size_t count = 0;

	reader_open(&reader, writer.bytes, writer.size, 4096, NULL);
	for (reader.end = reader.opened; reader.end == WB_OK;) {
		const struct wb_sample *s;
		struct wb_space *space;
		char at[256], line[320];

		reader.end = wb_capture_next(reader.capture, &space, &s);
		if (reader.end != WB_OK)
			break;
		where(space, s->num_given ? s->given[0].address : s->contexts[0].regs[0].value, at, sizeof at);
		snprintf(line, sizeof line, "%s%s%s", s->comm, *s->comm ? ": " : "", at);
		if (!CHECK(expect[count] != NULL))
			break;
		CHECK_STR(line, expect[count]);
		count++;
	}
	CHECK_EQ_I64(reader.end, WB_NONE);
	CHECK(!expect[count]);
	reader_close(&reader);
}
#define CHECK_WHERE(...) check((const char *const[]){ __VA_ARGS__, NULL })

static void later_mappings_cut_earlier_ones(void)
{
	start();
	sample(5, 0x10500);
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0x10500);
	map(5, 0x14000, 0x15000, "/b");
	sample(5, 0x13fff);
	sample(5, 0x14000);
	sample(5, 0x15000);
	map(5, 0x8000, 0x18000, "/c");
	sample(5, 0x14000);
	sample(5, 0x18000);
	sample(6, 0x18000);
	CHECK_WHERE("-", "/a+500", "/a+3fff", "/b+4000", "/a+5000", "/c+14000", "/a+8000", "-");
}

static void children_start_with_their_parents_mappings(void)
{
	start();
	w_comm(&writer, 0, 5, 5, "parent");
	w_end(&writer);
	map(5, 0x10000, 0x20000, "/a");
	task(T_FORK, 0, 6, 5, 6, 5);
	sample(6, 0x10000);
	map(6, 0x10000, 0x11000, "/child");
	map(5, 0x12000, 0x13000, "/parent");
	sample(6, 0x10000);
	sample(5, 0x10000);
	sample(6, 0x12000);
	sample(5, 0x12000);
	/* A thread shares. */
	task(T_FORK, 0, 5, 5, 7, 5);
	sample_abi(5, 7, 0x12000, 2, M_USER);
	/* Made up by perf for what was there before: nothing is inherited. */
	task(T_FORK, M_EXEC, 8, 5, 8, 5);
	sample(8, 0x10000);
	CHECK_WHERE("parent: /a+0", "parent: /child+0", "parent: /a+0", "parent: /a+2000", "parent: /parent+2000", "parent: /parent+2000", "parent: -");
}

static void exec_starts_anew(void)
{
	start();
	map(5, 0x10000, 0x20000, "/a");
	w_comm(&writer, 0, 5, 5, "renamed");
	w_end(&writer);
	sample(5, 0x10000);
	w_comm(&writer, M_EXEC, 5, 5, "other");
	w_end(&writer);
	sample(5, 0x10000);
	map(5, 0x30000, 0x40000, "/b");
	sample(5, 0x30000);
	CHECK_WHERE("renamed: /a+0", "other: -", "other: /b+0");
}

static void pids_are_used_again(void)
{
	start();
	map(5, 0x10000, 0x20000, "/a");
	task(T_EXIT, 0, 5, 1, 5, 1);
	/* The end is not quite the end. */
	sample(5, 0x10000);
	map(1, 0x50000, 0x60000, "/init");
	task(T_FORK, 0, 5, 1, 5, 1);
	sample(5, 0x10000);
	sample(5, 0x50000);
	CHECK_WHERE("/a+0", "-", "/init+0");
}

/* Thousands of processes that came and went: those that ended long ago are forgotten, the others not. */
static void forgets_the_ended(void)
{
	start();
	map(1, 0x10000, 0x20000, "/init");
	task(T_FORK, 0, 2, 1, 2, 1);
	for (uint32_t pid = 10; pid < 5010; pid++) {
		task(T_FORK, 0, pid, 1, pid, 1);
		task(T_EXIT, 0, pid, 1, pid, 1);
	}
	sample(2, 0x10000);
	sample(10, 0x10000);
	sample(5009, 0x10000);
	CHECK_WHERE("/init+0", "-", "/init+0");
}

static void knows_32_bit_tasks(void)
{
	static const struct { uint64_t abi; enum wb_arch arch; } expect[] = {
		{ 2, WB_ARCH_X86_64 }, { 1, WB_ARCH_X86 }, { 0, WB_ARCH_X86 }, { 2, WB_ARCH_X86_64 }, { 1, WB_ARCH_X86 }, { 1, WB_ARCH_X86 },
	};
	const struct wb_sample *s;
	struct wb_space *space;

	start();
	map(5, 0x10000, 0x20000, "/a");
	for (size_t i = 0; i < sizeof expect / sizeof expect[0]; i++) {
		/* The last one after a change. */
		if (i == 5)
			map(5, 0x30000, 0x40000, "/b");
		sample_abi(5, 5, i == 5 ? 0x30010 : 0x10010, expect[i].abi, M_USER);
	}
	reader_open(&reader, writer.bytes, writer.size, 0, NULL);
	for (size_t i = 0; i < sizeof expect / sizeof expect[0]; i++) {
		char at[64];

		REQUIRE(wb_capture_next(reader.capture, &space, &s) == WB_OK);
		CHECK_EQ_U64(wb_space_platform(space).arch, expect[i].arch);
		where(space, i == 5 ? 0x30010 : 0x10010, at, sizeof at);
		CHECK_STR(at, i == 5 ? "/b+10" : "/a+10");
		/* Without registers the place alone is known. */
		CHECK_EQ_U64(s->num_contexts, expect[i].abi ? 1 : 0);
		CHECK_EQ_U64(s->num_given, expect[i].abi ? 0 : 1);
	}
	reader_close(&reader);
}

static void tells_code_from_memory(void)
{
	static const struct { const char *name; uint32_t prot; const char *path, *expect; } table[] = {
		{ "file", READ | EXEC, "/lib/x.so", "/lib/x.so+0" },
		{ "file, data", READ, "/lib/x.so", "/lib/x.so+0" },
		{ "generated code", READ | EXEC, "//anon", "/tmp/perf-5.map+0" },
		{ "generated code, shared memory", READ | EXEC, "/memfd:jit (deleted)", "/tmp/perf-5.map+0" },
		{ "generated code, zeros", READ | WRITE | EXEC, "/dev/zero (deleted)", "/tmp/perf-5.map+0" },
		{ "generated code, huge pages", READ | EXEC, "/anon_hugepage (deleted)", "/tmp/perf-5.map+0" },
		{ "heap", READ | WRITE, "[heap]", "?" },
		{ "stack", READ | WRITE, "[stack]", "?" },
		{ "stack, executable", READ | WRITE | EXEC, "[stack]", "/tmp/perf-5.map+0" },
		{ "anonymous", READ | WRITE, "//anon", "?" },
		{ "vdso", READ | EXEC, "[vdso]", "[vdso]+0" },
		{ "deleted", READ | EXEC, "/lib/x.so (deleted)", "/lib/x.so (deleted)+0" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		start();
		w_mmap2(&writer, 5, 0x10000, 0x1000, 0, table[i].prot, table[i].path, NULL);
		w_end(&writer);
		sample(5, 0x10000);
		CHECK_WHERE(table[i].expect);
	}
	test_row(NULL);
}

static void maps_the_kernel_for_all(void)
{
	start();
	sample(5, 0xffffffff81000010);
	w_mmap(&writer, M_KERNEL, UINT32_MAX, 0xffffffff81000000, 0x1000000, 0xffffffff81000000, "[kernel.kallsyms]_text");
	w_end(&writer);
	w_mmap(&writer, M_KERNEL, UINT32_MAX, 0xffffffffc0000000, 0x4000, 0, "[ext4]");
	w_end(&writer);
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0xffffffff81000010);
	sample(6, 0xffffffffc0000010);
	sample(5, 0x10000);
	sample_abi(6, 6, 0xffffffff81000020, 0, M_KERNEL);
	/* Also after exec, in a child, and for a 32-bit task. */
	w_comm(&writer, M_EXEC, 5, 5, "");
	w_end(&writer);
	sample(5, 0xffffffff81000030);
	task(T_FORK, 0, 8, 5, 8, 5);
	sample(8, 0xffffffff81000040);
	sample_abi(8, 8, 0xffffffff81000050, 1, M_USER);
	/* A program for BPF comes and goes. */
	w_begin(&writer, T_KSYMBOL, 0);
	w_u64(&writer, 0xffffffffc0100000);
	w_u32(&writer, 0x100);
	w_u16(&writer, 1);
	w_u16(&writer, 0);
	w_string(&writer, "bpf_prog_1");
	w_end(&writer);
	sample(5, 0xffffffffc01000ff);
	sample(5, 0xffffffffc0100100);
	w_begin(&writer, T_KSYMBOL, 0);
	w_u64(&writer, 0xffffffffc0100000);
	w_u32(&writer, 0x100);
	w_u16(&writer, 1);
	w_u16(&writer, 1);
	w_string(&writer, "bpf_prog_1");
	w_end(&writer);
	sample(5, 0xffffffffc01000ff);
	/* Without permission, perf writes this. */
	w_mmap(&writer, M_KERNEL, UINT32_MAX, 0, UINT64_MAX, 0, "[kernel.kallsyms]_text");
	w_end(&writer);
	sample(7, 0x5000);
	CHECK_WHERE("-", "[kernel.kallsyms]+ffffffff81000010", "[ext4]+10", "/a+0", "[kernel.kallsyms]+ffffffff81000020",
		    "[kernel.kallsyms]+ffffffff81000030", "[kernel.kallsyms]+ffffffff81000040", "[kernel.kallsyms]+ffffffff81000050",
		    "bpf_prog_1+ffffffffc01000ff", "-", "-", "-");
}

static void kernel_code(uint64_t address, const char *name)
{
	w_begin(&writer, T_KSYMBOL, 0);
	w_u64(&writer, address);
	w_u32(&writer, 0x100);
	w_u16(&writer, 1);
	w_u16(&writer, 0);
	w_string(&writer, name);
	w_end(&writer);
}

/* systemd loads one program for each group of processes that it looks after. */
static void names_programs_of_one_name(void)
{
	static const uint64_t addresses[] = { 0xffffffffc0100000, 0xffffffffc0200000, 0xffffffffc0300000 };
	struct wb_symbolizer *symbolizer;
	const struct wb_sample *s;
	struct wb_space *space;

	start();
	for (size_t i = 0; i < 3; i++)
		kernel_code(addresses[i], "bpf_prog_6deef7357e7b4530_sd_fw_ingress");
	sample(5, 0x10000);
	reader_open(&reader, writer.bytes, writer.size, 0, NULL);
	REQUIRE(reader.opened == WB_OK && wb_capture_next(reader.capture, &space, &s) == WB_OK);
	REQUIRE(wb_symbolizer_new(reader.session, NULL, &symbolizer) == WB_OK);
	for (size_t i = 0; i < 3; i++) {
		struct wb_place place = { .size = sizeof place };
		const struct wb_site *sites;
		size_t count;

		REQUIRE(wb_space_find(space, addresses[i] + 8, &place) == WB_OK && place.image && place.has_image_pc);
		REQUIRE(wb_symbolize(symbolizer, place.image, place.image_pc, WB_PC_EXACT, &sites, &count) == WB_OK);
		CHECK_STR(sites[0].function, "bpf_prog_6deef7357e7b4530_sd_fw_ingress");
		CHECK_EQ_U64(sites[0].function_start, addresses[i]);
	}
	wb_symbolizer_free(symbolizer);
	reader_close(&reader);
}

static void check_build_id(const char *what, const char *expect, size_t expect_size)
{
	struct wb_place place = { .size = sizeof place };
	struct wb_image_info info = { .size = sizeof info };
	const struct wb_sample *s;
	struct wb_space *space;

	test_row(what);
	reader_open(&reader, writer.bytes, writer.size, 0, NULL);
	REQUIRE(reader.opened == WB_OK && wb_capture_next(reader.capture, &space, &s) == WB_OK);
	REQUIRE(wb_space_find(space, 0x10000, &place) == WB_OK && place.image && wb_image_info(place.image, &info) == WB_OK);
	if (CHECK_EQ_U64(info.build_id_size, expect_size) && expect_size)
		CHECK_MEM(info.build_id, expect, expect_size);
	reader_close(&reader);
	test_row(NULL);
}

/* A BUILD_ID entry: header, pid, 20 bytes and the size in the 21st if misc bit 15 says so, path. */
static void build_id(uint32_t type, uint16_t misc, const char *id, uint8_t size, const char *path)
{
	w_begin(&writer, type, misc);
	w_u32(&writer, UINT32_MAX);
	w_bytes(&writer, id, 20);
	w_bytes(&writer, &size, 1);
	w_bytes(&writer, "\0\0\0", 3);
	w_string(&writer, path);
	w_end(&writer);
}

static void finds_build_ids(void)
{
	static const char id[] = "abcdefghijklmnopqrst", other[] = "ABCDEFGHIJKLMNOPQRST";

	start();
	w_mmap2(&writer, 5, 0x10000, 0x1000, 0, READ | EXEC, "/a", id);
	w_end(&writer);
	sample(5, 0x10000);
	check_build_id("in the mapping", id, 20);

	start();
	build_id(T_BUILD_ID, M_KERNEL, other, 0, "/a");
	build_id(T_BUILD_ID, M_USER, id, 0, "/a");
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0x10000);
	check_build_id("in a record", id, 20);

	start();
	build_id(T_BUILD_ID, M_USER | 1 << 15, id, 16, "/a");
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0x10000);
	check_build_id("in a record, 16 bytes", id, 16);

	start();
	build_id(T_BUILD_ID, M_USER, other, 0, "/b");
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0x10000);
	check_build_id("of another file", "", 0);

	w_file(&writer, false, 2, &attr, 1);
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0x10000);
	w_file_data_end(&writer, 1 << F_BUILD_ID | 1 << F_ARCH);
	size_t header = writer.header, first = writer.record;
	build_id(0, M_USER, other, 0, "/zz");
	build_id(0, M_USER, id, 0, "/a");
	build_id(0, M_USER, other, 0, "/b");
	writer.header = header;
	writer.record = first;
	w_file_feature_end(&writer);
	w_feature_string(&writer, "x86_64");
	w_file_feature_end(&writer);
	check_build_id("in the feature", id, 20);
}

/* The caller's image for the kernel stands in for all that the recording says of it. */
static void takes_the_callers_kernel(void)
{
	struct wb_capture_opts opts = { .size = sizeof opts };
	struct wb_identity identity = { .size = sizeof identity, .path = "my-kallsyms", .flags = WB_IMAGE_ABSOLUTE };
	const struct wb_sample *s;
	struct wb_space *space;
	char at[64];

	start();
	w_mmap(&writer, M_KERNEL, UINT32_MAX, 0xffffffff81000000, 0x1000000, 0xffffffff81000000, "[kernel.kallsyms]_text");
	w_end(&writer);
	sample(5, 0xffffffffc0001000);
	reader_open(&reader, writer.bytes, 0, 0, NULL);
	REQUIRE(wb_image_new(reader.session, &identity, &opts.kernel) == WB_OK);
	REQUIRE(wb_capture_open_bytes(reader.session, "test", writer.bytes, writer.size, &opts, &reader.capture) == WB_OK);
	wb_image_unref(opts.kernel);
	REQUIRE(wb_capture_next(reader.capture, &space, &s) == WB_OK);
	where(space, 0xffffffffc0001000, at, sizeof at);
	CHECK_STR(at, "my-kallsyms+ffffffffc0001000");
	where(space, 0xffffffff81000000, at, sizeof at);
	CHECK_STR(at, "my-kallsyms+ffffffff81000000");
	reader_close(&reader);
}

/* Tasks that live on are kept, up to a limit that is said; those that ended make room. */
static void keeps_its_memory(void)
{
	static const struct wb_capture_opts opts = { .size = sizeof opts, .max_memory = 1 << 20 };
	static const struct { const char *name; bool exit, files; enum wb_err end; } table[] = {
		{ "they live on", false, false, WB_ERR_LIMIT },
		{ "they end", true, false, WB_NONE },
		{ "they end, but each has a file of its own", true, true, WB_ERR_LIMIT },
	};
	enum { TASKS = 4000 };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_batch *batch;
		uint64_t count = 0;
		enum wb_err end;
		char path[32];

		test_row(table[i].name);
		start();
		for (uint32_t pid = 10; pid < 10 + TASKS; pid++) {
			snprintf(path, sizeof path, table[i].files ? "/bin/%u" : "/bin/prog", pid);
			map(pid, 0x10000, 0x20000, path);
			sample(pid, 0x10000);
			if (table[i].exit)
				task(T_EXIT, 0, pid, 1, pid, 1);
		}
		reader_open(&reader, writer.bytes, writer.size, 0, &opts);
		REQUIRE(reader.opened == WB_OK);
		while ((end = wb_capture_next_batch(reader.capture, 100, &batch)) == WB_OK) {
			count += batch->count;
			wb_batch_free(batch);
		}
		CHECK_EQ_I64(end, table[i].end);
		CHECK(end == WB_NONE ? count == TASKS : count > 50 && count < TASKS);
		CHECK_EQ_U64(reader.diags, end == WB_NONE ? 0 : 1);
		if (end != WB_NONE)
			CHECK_STR(reader.diag, "test: the recording has more tasks, mappings and files than memory is allowed for");
		reader_close(&reader);
	}
	test_row(NULL);
}

static void fails_clean_without_memory(void)
{
	start();
	build_id(T_BUILD_ID, M_USER, "abcdefghijklmnopqrst", 0, "/a");
	w_mmap(&writer, M_KERNEL, UINT32_MAX, 0xffffffff81000000, 0x1000000, 0xffffffff81000000, "[kernel.kallsyms]_text");
	w_end(&writer);
	w_comm(&writer, 0, 5, 5, "parent");
	w_end(&writer);
	map(5, 0x10000, 0x20000, "/a");
	sample(5, 0x10000);
	task(T_FORK, 0, 6, 5, 6, 5);
	map(6, 0x20000, 0x30000, "//anon");
	sample_abi(6, 6, 0x20000, 1, M_USER);
	w_begin(&writer, T_KSYMBOL, 0);
	w_u64(&writer, 0xffffffffc0100000);
	w_u32(&writer, 0x100);
	w_u32(&writer, 1);
	w_string(&writer, "bpf_prog_1");
	w_end(&writer);
	sample(6, 0xffffffffc0100000);
	task(T_EXIT, 0, 6, 5, 6, 5);
	sample(5, 0x10000);
	reader_fail_everywhere(&reader, writer.bytes, writer.size);
}

int main(void)
{
	TEST_RUN(later_mappings_cut_earlier_ones);
	TEST_RUN(children_start_with_their_parents_mappings);
	TEST_RUN(exec_starts_anew);
	TEST_RUN(pids_are_used_again);
	TEST_RUN(forgets_the_ended);
	TEST_RUN(knows_32_bit_tasks);
	TEST_RUN(tells_code_from_memory);
	TEST_RUN(maps_the_kernel_for_all);
	TEST_RUN(names_programs_of_one_name);
	TEST_RUN(finds_build_ids);
	TEST_RUN(takes_the_callers_kernel);
	TEST_RUN(keeps_its_memory);
	TEST_RUN(fails_clean_without_memory);
	return test_summary();
}
