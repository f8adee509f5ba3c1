/* SPDX-License-Identifier: MIT */
/*
 * Rows of whole objects against `readelf --debug-dump=frames-interp` of binutils: for every row of every FDE of .eh_frame, the CFA and the rule of every
 * register that readelf lists, at the row's first address and at its last.
 *
 * What readelf cannot tell, and is therefore taken as equal:
 *  - "u" stands for undefined, for unspecified, and for a register that was restored to nothing; "s" only for same;
 *  - "exp" and "vexp" stand for any expression (a CFA of the form "deref (register + offset)" is a kind of its own here);
 *  - registers that are not modelled (none but vector and special ones) have no rule here.
 *
 * usage: test_rows_readelf [OBJECT...]
 */
#include "rows.h"

enum { LINE_MAX_SIZE = 4096, COLUMNS_MAX = 40, CIES_MAX = 16 };

struct row {
	uint64_t start;
	char cells[COLUMNS_MAX][16]; /* [0]: the CFA */
};

struct columns {
	char names[COLUMNS_MAX][16];  /* [0] is "CFA"; the others registers' names */
	size_t count;
};

struct reader {
	struct rows *rows;
	FILE *pipe;
	/* The entry that is being read. */
	struct columns columns;
	uint64_t offset, start, end;
	unsigned cie;
	bool is_fde, has_row;
	struct row row;               /* the last one, which holds up to the next */
	/* FDEs without rows have their CIE's. */
	struct { unsigned offset; struct columns columns; struct row row; } cies[CIES_MAX];
	size_t num_cies;
};

/* DWARF numbers of the names that readelf prints for x86-64. */
static uint32_t number_of(const char *name)
{
	static const char *const names[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return i;
	return strcmp(name, "ra") && strcmp(name, "rip") ? UINT32_MAX : WB_REG_PC;
}

static const char *name_of(uint32_t number)
{
	static const char *const names[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };

	return number < 16 ? names[number] : "ra";
}

/* Our rule as readelf prints it. */
static const char *cell_of(const struct wb_rule *rule, bool is_cfa, char *text, size_t size)
{
	switch (rule->kind) {
	case WB_RULE_SAME: return "s";
	case WB_RULE_OFFSET:
		snprintf(text, size, "%s%+d", is_cfa ? name_of(rule->base) : "c", (int)rule->offset);
		return text;
	case WB_RULE_VAL_OFFSET:
		snprintf(text, size, "v%+d", (int)rule->offset);
		return text;
	case WB_RULE_REGISTER: return name_of(rule->base);
	case WB_RULE_EXPRESSION:
	case WB_RULE_DEREF: return "exp";
	case WB_RULE_VAL_EXPRESSION: return "vexp";
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
	case WB_RULE_CONSTANT: break;
	}
	return "u";
}

static bool row_is(const struct reader *r, const struct wb_row_info *info)
{
	char text[32];

	if (strcmp(cell_of(&info->cfa, true, text, sizeof(text)), r->row.cells[0]))
		return false;
	for (size_t i = 1; i < r->columns.count; i++) {
		uint32_t number = number_of(r->columns.names[i]);
		const struct wb_rule *rule = NULL;
		const char *cell = "u";

		for (size_t n = 0; n < info->num_rules; n++)
			rule = info->rules[n].reg == number ? &info->rules[n] : rule;
		if (rule)
			cell = cell_of(rule, false, text, sizeof(text));
		if (number != UINT32_MAX && strcmp(cell, r->row.cells[i]) && !(cell[0] == 's' && r->row.cells[i][0] == 'u'))
			return false;
	}
	return true;
}

static void compare_at(struct reader *r, uint64_t pc)
{
	struct wb_row_info info = { .size = sizeof(info) };
	enum wb_err err = wb_row_info(r->rows->session, r->rows->image, pc, WB_HOW_CFI, &info);

	if (!err && (info.section_offset != r->offset || strcmp(info.section, ".eh_frame"))) {
		r->rows->other_fde++;
		return;
	}
	if (err || !row_is(r, &info)) {
		if (r->rows->wrong++ < ROWS_TOLD_MAX)
			test_check(false, TEST_WHERE, "FDE %#" PRIx64 ", pc %#" PRIx64 ": %s", r->offset, pc, err ? wb_err_text(err) : "another row");
	}
}

/* The row holds up to `next`. Rows past the FDE's end hold nowhere. */
static void finish_row(struct reader *r, uint64_t next)
{
	if (!r->has_row)
		return;
	next = next < r->end ? next : r->end;
	if (r->is_fde && r->row.start < next) {
		compare_at(r, r->row.start);
		compare_at(r, next - 1);
		r->rows->rows++;
	}
	r->has_row = false;
}

static void read_columns(struct reader *r, const char *line)
{
	struct columns *c = &r->columns;
	int used;

	line += strlen("   LOC");
	for (c->count = 0; c->count < COLUMNS_MAX && sscanf(line, " %15s%n", c->names[c->count], &used) == 1; line += used)
		c->count++;
}

static void read_row(struct reader *r, const char *line)
{
	uint64_t start;
	int used;

	if (sscanf(line, "%" SCNx64 "%n", &start, &used) != 1)
		return;
	finish_row(r, start);
	r->row.start = start;
	r->has_row = true;
	line += used;
	for (size_t i = 0; i < r->columns.count; i++) {
		strcpy(r->row.cells[i], "u");
		if (sscanf(line, " %15s%n", r->row.cells[i], &used) == 1)
			line += used;
		/* "r8 (r8)": a register by number and name. */
		if (sscanf(line, " (%15[a-z0-9])%n", r->row.cells[i], &used) == 1)
			line += used;
	}
}

static void finish_entry(struct reader *r)
{
	if (r->columns.count && !r->is_fde && r->has_row && r->num_cies < CIES_MAX) {
		r->cies[r->num_cies].offset = (unsigned)r->offset;
		r->cies[r->num_cies].columns = r->columns;
		r->cies[r->num_cies++].row = r->row;
	}
	for (size_t i = 0; r->is_fde && !r->columns.count && i < r->num_cies; i++) {
		if (r->cies[i].offset != r->cie)
			continue;
		r->columns = r->cies[i].columns;
		r->row = r->cies[i].row;
		r->row.start = r->start;
		r->has_row = true;
	}
	finish_row(r, UINT64_MAX);
	r->columns.count = 0;
	r->is_fde = false;
}

/* "00000018 0000000000000024 0000001c FDE cie=00000000 pc=0000000000026000..0000000000026360", or the same with CIE. */
static bool read_entry(struct reader *r, const char *line)
{
	uint64_t length, id, start, end;
	char kind[8];

	if (strstr(line, " ZERO terminator")) {
		finish_entry(r);
		return true;
	}
	if (sscanf(line, "%*x %" SCNx64 " %" SCNx64 " %7s", &length, &id, kind) != 3 || (strcmp(kind, "FDE") && strcmp(kind, "CIE")))
		return false;
	finish_entry(r);
	r->is_fde = sscanf(line, "%" SCNx64 " %*x %*x FDE cie=%x pc=%" SCNx64 "..%" SCNx64, &r->offset, &r->cie, &start, &end) == 4;
	if (r->is_fde) {
		r->start = start;
		r->end = end;
		r->rows->fdes++;
	}
	return true;
}

static void read_lines(struct reader *r)
{
	static char line[LINE_MAX_SIZE];
	bool is_eh_frame = false;

	while (fgets(line, sizeof(line), r->pipe)) {
		if (!strncmp(line, "Contents of the ", 16)) {
			finish_entry(r);
			is_eh_frame = strstr(line, " .eh_frame ");
		} else if (is_eh_frame && !read_entry(r, line)) {
			if (!strncmp(line, "   LOC", 6))
				read_columns(r, line);
			else if (r->columns.count)
				read_row(r, line);
		}
	}
	finish_entry(r);
}

static void compare_object(struct rows *rows, const char *path)
{
	struct reader r = { .rows = rows };
	char command[TEST_PATH_MAX + 64];

	snprintf(command, sizeof(command), "readelf -W --debug-dump=no-follow-links,frames-interp '%s' 2>/dev/null", path);
	r.pipe = popen(command, "r");
	if (!CHECK(r.pipe))
		return;
	read_lines(&r);
	pclose(r.pipe);
}

static void libraries(void)
{
	if (system("readelf --version >/dev/null 2>&1") != 0)
		TEST_SKIP("readelf");
	if (!rows_compare_libraries(compare_object))
		TEST_SKIP("no x86-64 library where distributions have them");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		rows_compare_object(argv[i], compare_object);
	if (argc == 1)
		TEST_RUN(libraries);
	return test_summary();
}
