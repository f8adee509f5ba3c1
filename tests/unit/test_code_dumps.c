/* SPDX-License-Identifier: MIT */
/*
 * The decoders against what a linker wrote of the same functions: each line of the corpus' dumps of compact unwind information has the CFA and the saved
 * registers in the bodies of one function or of several neighbours, which LC_FUNCTION_STARTS tells apart. Followed from its first instruction, a function's
 * code must say the same: at every call, and somewhere at all.
 */
#include "unwind/code_flow.h"

#include "base/bytes.h"
#include "base/mem.h"

#include "tests/test.h"

#include <string.h>

enum { LINE = 512, SAVED_MAX = 24, BAD_SHOWN = 5 };

struct line {
	uint32_t start;
	unsigned base, offset;        /* of the CFA, by DWARF numbers */
	size_t num_saved;
	struct { unsigned reg, below; } saved[SAVED_MAX];
	bool has_row;                 /* else the entry says to look elsewhere */
};

/* On arm64 the dump calls the pairs of d8 to d15 by numbers of general registers, from 15 down. */
static unsigned number_of(unsigned base, unsigned reg)
{
	return base >= 29 && reg < 19 ? 72 + (reg & 1) + (14 - (reg & ~1u)) : reg;
}

/* "  0x00001020: CFA=reg7+32: reg16=[CFA-8], reg14=[CFA-16]" */
static bool parse(const char *text, struct line *ret)
{
	struct line line = { .num_saved = 0 };
	const char *at = strstr(text, "CFA=reg");
	int used;

	if (sscanf(text, " 0x%x:", &line.start) != 1 || strncmp(text, "  0x", 4) != 0)
		return false;
	line.has_row = at && sscanf(at, "CFA=reg%u%n", &line.base, &used) == 1;
	if (line.has_row) {
		at += used;
		if (*at == '+')
			line.offset = (unsigned)strtoul(at + 1, NULL, 10);
		while (line.num_saved < SAVED_MAX && (at = strstr(at, "reg")) != NULL) {
			if (sscanf(at, "reg%u=[CFA-%u]", &line.saved[line.num_saved].reg, &line.saved[line.num_saved].below) != 2)
				break;
			line.saved[line.num_saved].reg = number_of(line.base, line.saved[line.num_saved].reg);
			line.num_saved++;
			at += 3;
		}
	}
	*ret = line;
	return true;
}

static uint8_t reg_of(const struct wb_arch_info *arch, const struct wb_code_machine *m, unsigned dwarf)
{
	uint8_t slot = wb_arch_slot(arch, dwarf);

	for (uint8_t reg = 0; reg < (arch->arch == WB_ARCH_X86_64 ? 16 : WB_CODE_REGS); reg++)
		if (m->slots[reg] == slot)
			return reg;
	return WB_CODE_NO_REG;
}

/* Where arm64's compact form has a register, in bytes below the CFA: the pairs x19 to x28, then d8 to d15, come down from the frame record, the lower number
 * first (Apple's compact_unwind_encoding.h and libunwind's CompactUnwinder). The dump has the right registers there, but counts them from elsewhere. */
static unsigned place_of(const struct line *line, size_t index, const struct wb_arch_info *arch)
{
	unsigned below = 24;

	if (arch->arch != WB_ARCH_AARCH64 || line->saved[index].reg == 29 || line->saved[index].reg == 30)
		return line->saved[index].below;
	for (size_t i = 0; i < line->num_saved; i++)
		if (line->saved[i].reg < line->saved[index].reg && line->saved[i].reg != 29 && line->saved[i].reg != 30)
			below += 8;
	return below;
}

static bool agrees(const struct line *line, const struct wb_arch_info *arch, const struct wb_code_machine *m, const struct wb_code_state *s)
{
	struct wb_code_place base = s->value[reg_of(arch, m, line->base)];

	if (base.base != WB_PLACE_FROM_SP || base.offset + (int)line->offset != m->pushed)
		return false;
	for (size_t i = 0; i < line->num_saved; i++) {
		int kept = wb_code_kept_index(m, reg_of(arch, m, line->saved[i].reg));

		/* x86-64's return address is where the call put it. */
		if (kept < 0 && m->link == WB_CODE_NO_REG && line->saved[i].below == 8)
			continue;
		if (kept < 0 || s->kept[kept].base != WB_PLACE_FROM_SP || s->kept[kept].offset - m->pushed != -(int)place_of(line, i, arch))
			return false;
	}
	return true;
}

/* ---- The file's functions ---- */

enum { HEADER = 32, LC_FUNCTION_STARTS = 0x26, FUNCTIONS_MAX = 1 << 16, LINES_MAX = 1 << 12 };

static uint32_t word_at(const uint8_t *file, size_t size, size_t at)
{
	return at + 4 <= size ? wb_load32(file + at, false) : 0;
}

/* Differences in ULEB128, from the start of the text; 0 ends them. */
static size_t function_starts(const uint8_t *file, size_t size, uint32_t *starts)
{
	uint32_t count = word_at(file, size, 16), offset, length;
	size_t at = HEADER, num = 0;
	uint64_t start = 0, delta;
	struct wb_bytes bytes;

	for (; count && word_at(file, size, at) != LC_FUNCTION_STARTS; count--)
		at += word_at(file, size, at + 4);
	offset = word_at(file, size, at + 8);
	length = word_at(file, size, at + 12);
	if (!count || offset > size || length > size - offset)
		return 0;
	bytes = wb_bytes_of(file + offset, length, false);
	while (num < FUNCTIONS_MAX && (delta = wb_bytes_uleb(&bytes)) != 0 && !bytes.failed) {
		start += delta;
		starts[num++] = (uint32_t)start;
	}
	return num;
}

static size_t read_lines(const char *path, struct line *lines)
{
	char text[LINE];
	size_t num = 0;
	FILE *dump = fopen(path, "r");

	if (!dump)
		return 0;
	while (num < LINES_MAX && fgets(text, sizeof(text), dump))
		num += parse(text, &lines[num]);
	fclose(dump);
	return num;
}

/* ---- The comparison ---- */

struct file {
	const uint8_t *bytes;
	const struct wb_arch_info *arch;
	const struct wb_code_machine *machine;
	size_t functions, agree, bad, calls;
};

static void check(struct file *file, const struct line *line, uint32_t start, uint32_t end)
{
	struct wb_code_window window = { .bytes = file->bytes + start, .exact = true };
	struct wb_flow *flow;
	bool any = false, all = true;

	window.size = window.end = end - start < WB_CODE_WINDOW_MAX ? end - start : WB_CODE_WINDOW_MAX;
	flow = wb_flow_new(file->machine, &window);
	REQUIRE(flow != NULL);
	wb_flow_run(flow, false);
	for (uint16_t i = 0; i < flow->num_nodes; i++) {
		const struct wb_flow_node *node = &flow->nodes[i];
		bool same = agrees(line, file->arch, file->machine, &node->state);

		any |= same;
		file->calls += node->is_call;
		if (node->is_call && !same && all && file->bad < BAD_SHOWN)
			printf("0x%x: the call at 0x%x\n", start, start + node->at);
		all &= same || !node->is_call;
	}
	if (!any && file->bad < BAD_SHOWN)
		printf("0x%x: no instruction has the row\n", start);
	file->functions++;
	file->agree += any && all;
	file->bad += !(any && all);
	wb_mem_free(flow);
}

static void compare(struct file *file, const struct line *lines, size_t num_lines, const uint32_t *starts, size_t num_starts, size_t size)
{
	size_t line = 0;

	for (size_t i = 0; i < num_starts; i++) {
		uint32_t end = i + 1 < num_starts ? starts[i + 1] : (uint32_t)size;

		while (line + 1 < num_lines && lines[line + 1].start <= starts[i])
			line++;
		if (lines[line].start <= starts[i] && lines[line].has_row && end <= size && end > starts[i])
			check(file, &lines[line], starts[i], end);
	}
}

static const struct {
	const char *name, *file, *dump;
	const struct wb_arch_info *arch;
	const struct wb_code_machine *machine;
	size_t lines;                 /* counted with grep */
} dumps[] = {
	{ "arm64", "macho/macos/arm64/fp/query-api", "macho/macos/arm64/fp/query-api-unwindinfodump.txt", &wb_arch_aarch64, &wb_aarch64_machine, 2562 },
	{ "x86-64", "macho/macos/x86_64/nofp/libmozglue.dylib", "macho/macos/x86_64/nofp/libmozglue-unwindinfodump.txt", &wb_arch_x86_64, &wb_x86_machine,
	  804 },
};

static void agree_with_dumps(void)
{
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		const char *path = test_corpus(dumps[i].file);
		struct file file = { .arch = dumps[i].arch, .machine = dumps[i].machine };
		size_t size = 0, num_lines, num_starts;
		uint32_t *starts;
		struct line *lines;
		char *bytes;

		test_row(dumps[i].name);
		if (!path)
			TEST_SKIP("no corpus");
		/* The files are thin, and their text is at their start: what dumps count from is the first byte. */
		bytes = test_read_file(path, &size);
		starts = calloc(FUNCTIONS_MAX, sizeof(*starts));
		lines = calloc(LINES_MAX, sizeof(*lines));
		REQUIRE(bytes && starts && lines);
		file.bytes = (const uint8_t *)bytes;
		num_starts = function_starts(file.bytes, size, starts);
		num_lines = read_lines(test_corpus(dumps[i].dump), lines);
		CHECK_EQ_U64(num_lines, dumps[i].lines);
		compare(&file, lines, num_lines, starts, num_starts, size);
		printf("%s: %zu functions with a row, %zu agree, %zu calls\n", dumps[i].name, file.functions, file.agree, file.calls);
		CHECK_EQ_U64(file.bad, 0);
		free(bytes);
		free(starts);
		free(lines);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(agree_with_dumps);
	return test_summary();
}
