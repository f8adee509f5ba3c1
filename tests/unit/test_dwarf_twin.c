/* SPDX-License-Identifier: MIT */
/*
 * The fast compiler of functions and its slow twin, libdwarf, on real programs: unit by unit the same segments, and in each the same chain of names and
 * call sites. Programs are compiled in many ways by the compilers that are here; this program itself and the debug information of the C library (if
 * installed) are compared too.
 *
 * usage: test_dwarf_twin               all of those
 *        test_dwarf_twin OBJECT...     these
 */
#include "symbols/dwarf_name.h"

#include "base/bytes.h"
#include "config.h"
#include "test.h"

enum { DIFFERENCES_MAX = 20 };

struct side {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_dwarf *dwarf;       /* NULL: it has no debug information */
	const struct wb_dwarf_sections *sections;
};

static bool side_open(struct side *side, const char *path, enum wb_dwarf_policy policy)
{
	struct wb_session_opts opts = { .size = sizeof opts, .dwarf = (uint8_t)policy, .files_are_stable = 1 };

	*side = (struct side){ 0 };
	if (!CHECK(wb_session_new(&opts, &side->session) == WB_OK) ||
	    !CHECK(wb_session_add_debug_dir(side->session, "/usr/lib/debug") == WB_OK) ||
	    !CHECK(wb_image_open(side->session, path, &side->image) == WB_OK))
		return false;
	if (wb_dwarf_of_image(side->image, &side->dwarf) == WB_OK)
		side->sections = wb_dwarf_sections_of(side->dwarf);
	return true;
}

static void side_close(struct side *side)
{
	wb_image_unref(side->image);
	wb_session_free(side->session);
}

static bool same_text(const struct side *fast, uint64_t a, const struct side *slow, uint64_t b)
{
	const char *left = wb_ref_text(fast->sections, a), *right = wb_ref_text(slow->sections, b);

	return left && right ? strcmp(left, right) == 0 : left == right;
}

static bool same_name(const struct side *fast, const struct wb_functions *a, uint32_t left, const struct side *slow, const struct wb_functions *b,
                      uint32_t right)
{
	struct wb_function_name x = { WB_REF_NONE, WB_REF_NONE }, y = x;

	if (left != WB_NODE_NONE)
		CHECK(wb_dwarf_name(fast->dwarf, wb_functions_name(a, left), &x) == WB_OK);
	if (right != WB_NODE_NONE)
		CHECK(wb_dwarf_name(slow->dwarf, wb_functions_name(b, right), &y) == WB_OK);
	return same_text(fast, x.name, slow, y.name) && same_text(fast, x.linkage, slow, y.linkage);
}

/* The chains of two nodes, from the innermost call to the function. */
static bool same_chain(const struct side *fast, const struct wb_functions *a, uint32_t left, const struct side *slow, const struct wb_functions *b,
                       uint32_t right)
{
	while (left != WB_NODE_NONE && right != WB_NODE_NONE) {
		const struct wb_node *x = wb_functions_node(a, left), *y = wb_functions_node(b, right);

		if (!same_name(fast, a, x->name, slow, b, y->name))
			return false;
		if ((x->parent == WB_NODE_NONE) != (y->parent == WB_NODE_NONE))
			return false;
		if (x->parent != WB_NODE_NONE && (x->call_file != y->call_file || x->call_line != y->call_line || x->call_column != y->call_column))
			return false;
		if (x->parent == WB_NODE_NONE && y->parent == WB_NODE_NONE) {
			const struct wb_function *f = wb_functions_function(a, x->function), *g = wb_functions_function(b, y->function);

			return f->entry == g->entry && f->size == g->size;
		}
		left = x->parent;
		right = y->parent;
	}
	return left == right;
}

/* Whether no address is the function's, as others are wherever it is. */
static bool is_covered(const struct wb_functions *functions, uint32_t function)
{
	for (size_t i = 0; i < wb_functions_num_segments(functions); i++) {
		uint64_t start;
		uint32_t node;

		wb_functions_segment(functions, i, &start, &node);
		if (node != WB_NODE_NONE && wb_functions_node(functions, node)->function == function)
			return false;
	}
	return true;
}

/* The functions of a unit on both sides. */
struct twins {
	const struct side *sides[2];
	struct wb_unit_table *tables[2];
	size_t unit;
	unsigned *differences;
};

static void compare_at(const struct twins *twins, uint64_t pc)
{
	const struct wb_functions *functions[2];
	uint32_t nodes[2];
	bool is_over;

	for (unsigned i = 0; i < 2; i++)
		CHECK(wb_dwarf_node(twins->sides[i]->dwarf, twins->unit, twins->tables[i], pc, &functions[i], &nodes[i], &is_over) == WB_OK);
	if (!test_check(same_chain(twins->sides[0], functions[0], nodes[0], twins->sides[1], functions[1], nodes[1]), TEST_WHERE,
	                "other functions at 0x%" PRIx64, pc))
		(*twins->differences)++;
}

/* Where a table's segments start, both must say the same. */
static size_t compare_segments(const struct twins *twins, const struct wb_functions *functions)
{
	size_t count = wb_functions_num_segments(functions);

	for (size_t i = 0; i < count && *twins->differences < DIFFERENCES_MAX; i++) {
		uint64_t start;
		uint32_t node;

		wb_functions_segment(functions, i, &start, &node);
		compare_at(twins, start);
	}
	return count;
}

/* Of all tables: the reference compiler's is one, the fast one's are those of the functions, and of the calls in each. */
static size_t compare_functions(const struct twins *twins)
{
	const struct wb_unit_table *fast = twins->tables[0];
	size_t count = compare_segments(twins, twins->tables[1]->functions);

	compare_segments(twins, fast->functions);
	for (size_t i = 0; fast->calls && i < wb_functions_count(fast->functions); i++) {
		const struct wb_functions *calls = atomic_load(&fast->calls[i]);

		if (calls)
			compare_segments(twins, calls);
		else
			test_check(wb_functions_function(fast->functions, (uint32_t)i)->end_left == 0 || is_covered(fast->functions, (uint32_t)i), TEST_WHERE,
			           "nobody asked for the calls of function %zu", i);
	}
	return count;
}

static size_t compare_units(struct side *fast, struct side *slow)
{
	size_t units = 0, slow_units = 0, segments = 0;
	unsigned differences = 0;

	CHECK(wb_dwarf_num_units(fast->dwarf, &units) == WB_OK && wb_dwarf_num_units(slow->dwarf, &slow_units) == WB_OK);
	CHECK_EQ_U64(units, slow_units);
	for (size_t i = 0; i < units && differences < DIFFERENCES_MAX; i++) {
		struct wb_unit_table *a = NULL, *b = NULL;
		bool is_over;

		if (!CHECK(wb_dwarf_table(fast->dwarf, i, (struct wb_dwarf_use){ 1, true, true }, &a, &is_over) == WB_OK && wb_dwarf_table(slow->dwarf, i, (struct wb_dwarf_use){ 1, true, true }, &b, &is_over) == WB_OK))
			return segments;
		CHECK_EQ_I64(a->functions_err, b->functions_err);
		CHECK(!a->functions == !b->functions);
		if (a->functions && b->functions)
			segments += compare_functions(&(struct twins){ { fast, slow }, { a, b }, i, &differences });
		wb_unit_table_unref(a);
		wb_unit_table_unref(b);
		wb_dwarf_drop(fast->dwarf, i);
		wb_dwarf_drop(slow->dwarf, i);
	}
	return segments;
}

/* How many segments were the same. */
static size_t compare(const char *path)
{
	struct side fast, slow;
	size_t segments = 0;

	if (side_open(&fast, path, WB_DWARF_FAST) && side_open(&slow, path, WB_DWARF_REFERENCE)) {
		CHECK(!fast.dwarf == !slow.dwarf);
		if (fast.dwarf && slow.dwarf)
			segments = compare_units(&fast, &slow);
	}
	side_close(&fast);
	side_close(&slow);
	return segments;
}

/* ---- Programs ------------------------------------------------------------------------------------------------------------------ */

static const struct { const char *command, *source; } programs[] = {
	{ "gcc -O2 -gdwarf-2 -gstrict-dwarf", "make/inlines.c" },
	{ "gcc -O2 -gdwarf-3", "make/inlines.c" },
	{ "gcc -O2 -gdwarf-4", "make/inlines.c" },
	{ "gcc -O2 -gdwarf-5", "make/inlines.c" },
	{ "gcc -O0 -gdwarf-5 -static", "make/inlines.c" },
	{ "gcc -O2 -gdwarf-5 -gdwarf64", "make/inlines.c" },
	{ "gcc -O2 -gdwarf-4 -gdwarf64 -flto", "make/inlines.c" },
	{ "gcc -O2 -g -m32", "make/inlines.c" },
	{ "clang -O2 -gdwarf-5 -flto", "make/inlines.c" },
	{ "g++ -O2 -gdwarf-2", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-3", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-4", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-5", "make/scopes.cc" },
	{ "g++ -O0 -gdwarf-5", "make/scopes.cc" },
	{ "g++ -O1 -gdwarf-5 -gdwarf64", "make/scopes.cc" },
	{ "g++ -Os -gdwarf-4 -fdebug-types-section", "make/scopes.cc" },
	{ "g++ -O3 -gdwarf-5 -fdebug-types-section", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-5 -flto", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-5 -flto -flto-partition=max", "make/scopes.cc" },
	{ "g++ -O2 -g1", "make/scopes.cc" },
	{ "g++ -O2 -g3 -gz=zlib", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-5 -gsplit-dwarf", "make/scopes.cc" },
	{ "g++ -O2 -gdwarf-4 -gsplit-dwarf", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-2", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-3", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-4", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-5", "make/scopes.cc" },
	{ "clang++ -O0 -gdwarf-5 -gdwarf64", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-4 -fdebug-types-section", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-5 -fdebug-types-section", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-5 -flto", "make/scopes.cc" },
	{ "clang++ -O2 -gline-tables-only", "make/scopes.cc" },
	{ "clang++ -O2 -gdwarf-5 -gsplit-dwarf", "make/scopes.cc" },
};

static void compilers_agree_on_programs(void)
{
	unsigned compiled = 0;

	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		char shell[4 * TEST_PATH_MAX];
		const char *path = test_tmp("program");

		test_row(programs[i].command);
		/* In the folder, where split units go. */
		snprintf(shell, sizeof shell, "cd '%s' && %s -w -o '%s' '%s' 2>/dev/null", test_state.tmp, programs[i].command, path, test_data(programs[i].source));
		if (system(shell) != 0) {
			printf("not here: %s\n", programs[i].command);
			continue;
		}
		compiled++;
		CHECK(compare(path) > 0);
	}
	test_row(NULL);
	if (!compiled)
		TEST_SKIP("no compiler");
}

static void compilers_agree_on_this_program(void)
{
	compare("/proc/self/exe");
}

/* As the linker finds it; its debug information is in a file of its own. */
static void compilers_agree_on_the_c_library(void)
{
	char line[TEST_PATH_MAX], path[TEST_PATH_MAX] = "";
	FILE *ldd;

	snprintf(line, sizeof line, "ldd /proc/%ld/exe 2>/dev/null", (long)getpid());
	ldd = popen(line, "r");
	while (ldd && fgets(line, sizeof line, ldd))
		if (strstr(line, "libc.so"))
			(void)sscanf(line, " %*s => %4000s", path);
	if (ldd)
		pclose(ldd);
	if (path[0] == '\0')
		TEST_SKIP("no C library");
	compare(path);
}

int main(int argc, char **argv)
{
	if (!WB_HAVE_LIBDWARF) {
		printf("skip: libdwarf is not in this build\n");
		return TEST_EXIT_SKIP;
	}
	for (int i = 1; i < argc; i++) {
		test_row(argv[i]);
		printf("%s: %zu segments\n", argv[i], compare(argv[i]));
	}
	if (argc > 1)
		return test_summary();
	TEST_RUN(compilers_agree_on_programs);
	TEST_RUN(compilers_agree_on_this_program);
	TEST_RUN(compilers_agree_on_the_c_library);
	return test_summary();
}
