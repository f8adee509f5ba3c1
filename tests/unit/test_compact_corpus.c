/* SPDX-License-Identifier: MIT */
/*
 * Rows of real Mach-O files against text dumps of their compact unwind information and of their .eh_frame: every function of every dump. The dump of
 * the arm64 file is wrong about saved pairs, as the file's code shows. They are in the other order and 8 bytes higher: at 0x100000b64, "stp x20, x19,
 * [sp, #176]" where the frame record is at sp + 192. Its registers 14 and 15 are d8 and d9, at 0x100006c88, "stp d9, d8,
 * [sp, #336]"; others like them it leaves out, at 0x100092fec, "stp d11, d10, [sp, #352]". And where there is
 * no frame record, it has no pairs at all: at 0x1000178cc, "sub sp, sp, #288; stp x28, x27, [sp, #272]". So of frame records, the registers are the
 * dump's and their places follow from that rule; of the others, the CFA is the dump's.
 */
#include "test.h"

#include <walkback/unwind.h>

enum { REGS = 80, D8 = 72, D10 = 74 };

/* A row: the CFA, and where registers are saved below it; 0: not. */
struct expected {
	uint64_t pc;
	uint32_t base;
	int64_t offset;
	int64_t saved[REGS];
	uint64_t fde;                 /* UINT64_MAX: it has a row */
	bool indirect;
};

/* "0x64: CFA=reg29+16: reg29=[CFA-16], reg30=[CFA-8]". */
static bool parse_line(const char *line, struct expected *expected)
{
	char *at;

	*expected = (struct expected){ .fde = UINT64_MAX };
	line += strspn(line, " ");
	if (strncmp(line, "0x", 2))
		return false;
	expected->pc = strtoull(line, &at, 16);
	if (!strncmp(at, ": (check eh_frame FDE 0x", 24)) {
		expected->fde = strtoull(at + 22, NULL, 16);
		return true;
	}
	expected->indirect = !strncmp(at, ": frameless indirect", 20);
	if (expected->indirect)
		return true;
	if (strncmp(at, ": CFA=reg", 9))
		return false;
	expected->base = (uint32_t)strtoul(at + 9, &at, 10);
	if (*at == '+' || *at == '-')
		expected->offset = strtoll(at, &at, 10);
	while ((at = strstr(at, " reg"))) {
		unsigned long reg = strtoul(at + 4, &at, 10);

		if (reg < REGS && !strncmp(at, "=[CFA", 5))
			expected->saved[reg] = strtoll(at + 5, &at, 10);
	}
	return true;
}

static uint32_t number_of(uint32_t reg, enum wb_arch arch)
{
	return arch == WB_ARCH_X86_64 && reg == 16 ? (uint32_t)WB_REG_PC : reg;
}

static void check_row(const struct wb_row_info *info, const struct expected *expected, enum wb_arch arch)
{
	int64_t offsets[REGS] = { 0 };

	CHECK(info->cfa.kind == WB_RULE_OFFSET);
	CHECK_EQ_U64(info->cfa.base, expected->base);
	CHECK_EQ_I64(info->cfa.offset, expected->offset);
	for (size_t i = 0; i < info->num_rules; i++) {
		for (uint32_t reg = 0; reg < REGS; reg++)
			if (number_of(reg, arch) == info->rules[i].reg && info->rules[i].kind == WB_RULE_OFFSET)
				offsets[reg] = info->rules[i].offset;
	}
	if (arch == WB_ARCH_AARCH64 && info->how == WB_HOW_COMPACT && expected->base != 29)
		return;
	for (uint32_t reg = 0; reg < (arch == WB_ARCH_AARCH64 ? D10 : REGS); reg++)
		CHECK_EQ_I64(offsets[reg], expected->saved[reg]);
}

/* By register number, from below the frame record on. */
static void place_pairs(struct expected *expected)
{
	int64_t at = -24;

	for (uint32_t i = 0; i < 2; i++) {
		expected->saved[D8 + i] = expected->saved[14 + i];
		expected->saved[14 + i] = 0;
	}
	for (uint32_t reg = 19; reg < D8 + 2; reg++) {
		if (!expected->saved[reg] || reg == 29 || reg == 30)
			continue;
		expected->saved[reg] = at;
		at -= 8;
	}
}

struct opened {
	struct wb_session *session;
	struct wb_image *image;
	enum wb_arch arch;
};

static bool open_image(const char *path, struct opened *opened)
{
	struct wb_image_info info = { .size = sizeof info };

	if (wb_session_new(NULL, &opened->session) != WB_OK || wb_image_open(opened->session, path, &opened->image) != WB_OK ||
	    wb_image_info(opened->image, &info) != WB_OK)
		return false;
	opened->arch = info.platform.arch;
	return true;
}

static void close_image(struct opened *opened)
{
	wb_image_unref(opened->image);
	wb_session_free(opened->session);
}

/* What .eh_frame has under the offset that an entry gives. */
static void check_fde(const struct opened *opened, const struct expected *expected, uint64_t pc)
{
	struct wb_row_info info = { .size = sizeof info };

	CHECK_EQ_I64(wb_row_info(opened->session, opened->image, pc, WB_HOW_COMPACT, &info), WB_NONE);
	info.size = sizeof info;
	REQUIRE(wb_row_info(opened->session, opened->image, pc, WB_HOW_CFI, &info) == WB_OK);
	CHECK_EQ_U64(info.section_offset, expected->fde);
}

static void check_entry(const struct opened *opened, struct expected *expected, uint64_t base)
{
	struct wb_row_info info = { .size = sizeof info };
	char row[32];

	snprintf(row, sizeof row, "0x%" PRIx64, base + expected->pc);
	test_row(row);
	if (expected->fde != UINT64_MAX) {
		check_fde(opened, expected, base + expected->pc);
		return;
	}
	REQUIRE(wb_row_info(opened->session, opened->image, base + expected->pc, WB_HOW_COMPACT, &info) == WB_OK);
	CHECK_EQ_U64(info.start, base + expected->pc);
	if (opened->arch == WB_ARCH_AARCH64)
		place_pairs(expected);
	if (!expected->indirect)
		check_row(&info, expected, opened->arch);
}

/* Each line of a dump. `how`: which rows it is of. */
static unsigned check_dump(const char *image_path, const char *dump_path, uint64_t base, enum wb_how how)
{
	struct opened opened;
	unsigned count = 0;
	char *dump, *line, *next;

	if (!CHECK(open_image(image_path, &opened)) || !(dump = test_read_file(dump_path, NULL)))
		return 0;
	for (line = dump; line; line = next) {
		struct expected expected;

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (!parse_line(line, &expected))
			continue;
		count++;
		if (how == WB_HOW_COMPACT) {
			check_entry(&opened, &expected, base);
			continue;
		}
		struct wb_row_info info = { .size = sizeof info };

		if (CHECK(wb_row_info(opened.session, opened.image, expected.pc, how, &info) == WB_OK))
			check_row(&info, &expected, opened.arch);
	}
	test_row(NULL);
	free(dump);
	close_image(&opened);
	return count;
}

/* How many functions the dumps have: counted with grep. */
static const struct { const char *image, *dump; uint64_t base; enum wb_how how; unsigned count; } dumps[] = {
	{ "macho/macos/arm64/fp/query-api", "macho/macos/arm64/fp/query-api-unwindinfodump.txt", 0x100000000, WB_HOW_COMPACT, 2562 },
	{ "macho/macos/arm64/fp/query-api", "macho/macos/arm64/fp/query-api-ehframe-objdump.txt", 0, WB_HOW_CFI, 6 },
	{ "macho/macos/x86_64/nofp/libmozglue.dylib", "macho/macos/x86_64/nofp/libmozglue-unwindinfodump.txt", 0, WB_HOW_COMPACT, 804 },
	{ "macho/macos/x86_64/nofp/libmozglue.dylib", "macho/macos/x86_64/nofp/libmozglue-ehframe-objdump.txt", 0, WB_HOW_CFI, 201 },
};

static void agrees_with_dumps(void)
{
	for (size_t i = 0; i < sizeof dumps / sizeof dumps[0]; i++) {
		char *image = test_corpus(dumps[i].image) ? strdup(test_corpus(dumps[i].image)) : NULL;
		const char *dump = test_corpus(dumps[i].dump);

		if (!image || !dump) {
			free(image);
			TEST_SKIP("no corpus");
		}
		unsigned count = check_dump(image, dump, dumps[i].base, dumps[i].how);
		if (getenv("VERBOSE"))
			printf("%s: %u rows\n", dumps[i].dump, count);
		CHECK_EQ_U64(count, dumps[i].count);
		free(image);
	}
}

int main(void)
{
	TEST_RUN(agrees_with_dumps);
	return test_summary();
}
