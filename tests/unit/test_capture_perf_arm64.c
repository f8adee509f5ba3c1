/* SPDX-License-Identifier: MIT */
/*
 * Recordings of 64-bit Arm, hand-made: registers in the order of arch/arm64/include/uapi/asm/perf_regs.h (X0 to X30, SP, PC, and VG as bit 46 where the
 * machine has scalable vectors), with a copy of the stack; and callchains with the link register alone, which perf asks for with frame pointers.
 */
#include "cfi_make.h"
#include "perf_writer.h"

#include <walkback/walkback.h>

#include <sys/stat.h>

enum { WITH = 0x1000, LEAF = 0x1800, STACK_WORDS = 16, FRAMES = 8, REG_LR = 30, REG_SP, REG_PC, REG_VG = 46 };
static const uint64_t load = UINT64_C(0xaaaaab000000), stack = UINT64_C(0xfffffffe0000), signature = UINT64_C(0x5a) << 48;
static const uint64_t all_regs = UINT64_C(0x1ffffffff);

static struct perf_writer writer;

/* WITH: CFA = sp + 32, x29 at CFA - 16, x30 at CFA - 8; LEAF: CFA = sp, x30 untouched. */
static void write_program(void)
{
	static const uint8_t start[] = { 0x0c, 31, 0 }, frame[] = { 0x0e, 32, 0x9d, 2, 0x9e, 1 };
	static uint8_t code[0x1000], hdr[256];
	struct cfi_make cfi = { .vaddr = 0x4000, .address_size = 8, .version = 1, .ra_column = 30, .augmentation = "zR", .encoding = 0x1b };
	size_t cie = cfi_make_cie(&cfi, start, sizeof start), size;
	struct elf_make m;

	cfi_make_fde(&cfi, cie, WITH, 0x100, frame, sizeof frame);
	cfi_make_fde(&cfi, cie, LEAF, 0x100, frame, 0);
	elf_make_init(&m, true, false, 3, 183);
	unsigned text = elf_make_section(&m, ".text", 1, 6, WITH, code, sizeof code);
	elf_make_section(&m, ".eh_frame_hdr", 1, 2, 0x3000, hdr, cfi_make_hdr(&cfi, 0x3000, hdr));
	unsigned eh = elf_make_section(&m, ".eh_frame", 1, 2, 0x4000, cfi.bytes, cfi.size);
	elf_make_segment(&m, 1, 5, text, text);
	elf_make_segment(&m, 1, 4, eh - 1, eh);
	uint8_t *file = elf_make_finish(&m, &size);
	test_write_file(test_tmp("prog"), file, size);
	free(file);
	/* Its code starts where the file has it: the mapping's offset is the section's. */
	w_pipe(&writer, false);
	writer.header = m.sections[text].offset;
}

static void begin(const struct perf_attr *attr)
{
	uint64_t offset;

	write_program();
	offset = writer.header;
	w_pipe_attr(&writer, attr, 1);
	w_pipe_feature(&writer, F_ARCH, "aarch64");
	w_comm(&writer, 0, 10, 10, "main");
	w_end(&writer);
	w_mmap2(&writer, 10, load + WITH, 0x1000, offset, 5, "/prog", NULL);
	w_end(&writer);
	w_begin(&writer, T_SAMPLE, M_USER);
	w_u64(&writer, load + LEAF + 8);
	w_u32(&writer, 10);
	w_u32(&writer, 10);
}

/* x29 leads to words 2 and 3; WITH's frame is of words 0 to 3. */
static void write_regs(uint64_t regs_user, uint64_t link)
{
	w_u64(&writer, 2);            /* PERF_SAMPLE_REGS_ABI_64 */
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(regs_user >> bit & 1))
			continue;
		w_u64(&writer, bit == 29 ? stack + 16 : bit == REG_LR ? link : bit == REG_SP ? stack : bit == REG_PC ? load + LEAF + 8 : bit == REG_VG ? 4 : bit);
	}
}

struct expected { uint64_t pc; enum wb_how how; };

static void check_walk(const struct expected *expected, size_t count)
{
	const struct wb_session_opts opts = { .size = sizeof opts };
	const struct wb_sample *sample;
	struct wb_session *session;
	struct wb_capture *capture;
	struct wb_walker *walker;
	struct wb_space *space;
	struct wb_frame frames[FRAMES];
	struct wb_stop stop;
	size_t num_frames;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK && wb_session_add_sysroot(session, test_state.tmp) == WB_OK);
	REQUIRE(wb_capture_open_bytes(session, "made", writer.bytes, writer.size, NULL, &capture) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	REQUIRE(wb_capture_next(capture, &space, &sample) == WB_OK);
	REQUIRE(wb_walk(walker, space, sample, frames, sizeof frames[0], FRAMES, &num_frames, &stop) == WB_OK);
	CHECK(num_frames >= count);
	for (size_t i = 0; i < count && i < num_frames; i++) {
		CHECK_EQ_U64(frames[i].pc, expected[i].pc);
		CHECK_EQ_U64(frames[i].how, expected[i].how);
	}
	wb_walker_free(walker);
	wb_capture_free(capture);
	wb_session_free(session);
}

static void registers_and_stack(void)
{
	static const struct { const char *name; uint64_t vg, signature; } cases[] = {
		{ "X0 to PC", 0, 0 }, { "and VG", UINT64_C(1) << REG_VG, 0 }, { "signed", UINT64_C(1) << REG_VG, UINT64_C(0x5a) << 48 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct perf_attr attr = { .type = 1, .flags = ATTR_FREQ, .sample_type = S_IP | S_TID | S_REGS_USER | S_STACK_USER,
		                                .regs_user = all_regs | cases[i].vg, .stack_user = STACK_WORDS * 8 };
		const struct expected expected[] = { { load + LEAF + 8, WB_HOW_CONTEXT }, { load + WITH + 0x20, WB_HOW_CFI }, { load + WITH + 0x60, WB_HOW_CFI } };

		test_row(cases[i].name);
		begin(&attr);
		write_regs(attr.regs_user, (load + WITH + 0x20) | cases[i].signature);
		w_u64(&writer, STACK_WORDS * 8);
		for (unsigned word = 0; word < STACK_WORDS; word++)
			w_u64(&writer, word == 3 ? (load + WITH + 0x60) | cases[i].signature : 0);
		w_u64(&writer, STACK_WORDS * 8);
		w_end(&writer);
		check_walk(expected, 3);
	}
	test_row(NULL);
}

static void callchain_and_link(void)
{
	static const struct { const char *name; uint64_t link; size_t count; } cases[] = {
		{ "a leaf's caller", WITH + 0x20, 3 }, { "the chain has it", WITH + 0x60, 2 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct perf_attr attr = { .type = 1, .flags = ATTR_FREQ, .sample_type = S_IP | S_TID | S_CALLCHAIN | S_REGS_USER,
		                                .regs_user = UINT64_C(1) << REG_LR };
		const struct expected added[] = { { load + LEAF + 8, WB_HOW_GIVEN }, { load + WITH + 0x20, WB_HOW_LEAF }, { load + WITH + 0x60, WB_HOW_GIVEN } };
		const struct expected same[] = { added[0], added[2] };

		test_row(cases[i].name);
		begin(&attr);
		w_u64(&writer, 3);
		w_u64(&writer, (uint64_t)-512);
		w_u64(&writer, load + LEAF + 8);
		w_u64(&writer, load + WITH + 0x60);
		write_regs(attr.regs_user, (load + cases[i].link) | signature);
		w_end(&writer);
		check_walk(cases[i].count == 3 ? added : same, cases[i].count);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(registers_and_stack);
	TEST_RUN(callchain_and_link);
	return test_summary();
}
