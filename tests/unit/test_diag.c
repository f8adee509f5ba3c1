/* SPDX-License-Identifier: MIT */
/* Diagnostics: once per file and code, one line whatever the input put into it, and bounded. */
#include "test.h"

#include "base/diag.h"
#include "base/mem.h"

struct heard {
	unsigned count;
	struct wb_diag last;
	char line[256];
};

static void hear(void *arg, const struct wb_diag *diag)
{
	struct heard *heard = arg;

	heard->count++;
	heard->last = *diag;
	wb_diag_format(diag, heard->line, sizeof heard->line);
}

static void says_each_once(void)
{
	struct heard heard = { 0 };
	struct wb_diags diags;

	wb_diags_init(&diags, hear, &heard);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ_I64(wb_diag_report(&diags, WB_ERR_DATA, WB_DIAG_CFI_MALFORMED, "a", ".eh_frame", 0x12, "FDE %d", 7), WB_ERR_DATA);
		CHECK_EQ_I64(wb_diag_report(&diags, WB_ERR_DATA, WB_DIAG_CFI_MALFORMED, "b", ".eh_frame", 0x12, "x"), WB_ERR_DATA);
		CHECK_EQ_I64(wb_diag_report(&diags, WB_OK, WB_DIAG_FILE_TRUNCATED, "a", "", UINT64_MAX, "y"), WB_OK);
	}
	CHECK_EQ_U64(heard.count, 3);
	wb_diags_deinit(&diags);
}

static void formats_one_line(void)
{
	static const struct {
		const char *name, *file, *section;
		uint64_t offset;
		const char *text, *expect;
	} rows[] = {
		{ "all", "lib.so", ".eh_frame", 0x12, "length 9", "lib.so: .eh_frame+0x12: length 9" },
		{ "no section", "perf.data", "", 0x40, "cut", "perf.data: offset 0x40: cut" },
		{ "no offset", "lib.so", ".text", UINT64_MAX, "odd", "lib.so: .text: odd" },
		{ "file alone", "lib.so", "", UINT64_MAX, "empty", "lib.so: empty" },
		{ "nothing", "", "", UINT64_MAX, "empty", "empty" },
		{ "control characters", "f", "", UINT64_MAX, "a\nb\033[31mc\177", "f: a?b?[31mc?" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heard heard = { 0 };
		struct wb_diags diags;

		test_row(rows[i].name);
		wb_diags_init(&diags, hear, &heard);
		wb_diag_report(&diags, WB_ERR_DATA, WB_DIAG_OTHER, rows[i].file, rows[i].section, rows[i].offset, "%s", rows[i].text);
		CHECK_STR(heard.line, rows[i].expect);
		CHECK_EQ_U64(heard.last.size, sizeof(struct wb_diag));
		CHECK_EQ_I64(heard.last.severity, WB_SEVERITY_ERROR);
		wb_diags_deinit(&diags);
	}
}

static void truncates_like_snprintf(void)
{
	struct wb_diag diag = { .size = sizeof diag, .file = "file", .section = "", .offset = UINT64_MAX, .text = "text" };
	char small[5] = "####";

	CHECK_EQ_U64(wb_diag_format(&diag, small, sizeof small), strlen("file: text"));
	CHECK_STR(small, "file");
	CHECK_EQ_U64(wb_diag_format(&diag, NULL, 0), strlen("file: text"));
}

static void falls_silent(void)
{
	struct heard heard = { 0 };
	struct wb_diags diags;
	char name[32];

	wb_diags_init(&diags, hear, &heard);
	/* Two and a half times as many files as are remembered. */
	for (unsigned i = 0; i < 163840; i++) {
		snprintf(name, sizeof name, "file %u", i);
		wb_diag_report(&diags, WB_ERR_IO, WB_DIAG_FILE_UNREADABLE, name, "", UINT64_MAX, "x");
	}
	CHECK(heard.count >= 32768 && heard.count <= 65536 + 1);
	wb_diags_deinit(&diags);

	/* Without memory to remember, nothing is said rather than everything. */
	heard.count = 0;
	wb_diags_init(&diags, hear, &heard);
	wb_mem_fail_at(1, true);
	wb_diag_report(&diags, WB_ERR_IO, WB_DIAG_FILE_UNREADABLE, "f", "", UINT64_MAX, "x");
	wb_mem_fail_at(0, false);
	CHECK_EQ_U64(heard.count, 0);
	wb_diags_deinit(&diags);
	CHECK_EQ_I64(wb_diag_report(NULL, WB_ERR_IO, WB_DIAG_OTHER, "f", "", 0, "x"), WB_ERR_IO);
}

int main(void)
{
	TEST_RUN(says_each_once);
	TEST_RUN(formats_one_line);
	TEST_RUN(truncates_like_snprintf);
	TEST_RUN(falls_silent);
	return test_summary();
}
