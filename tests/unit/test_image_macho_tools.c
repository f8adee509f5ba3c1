/* SPDX-License-Identifier: MIT */
/*
 * Mach-O files that clang, ld64.lld and dsymutil make, against what LLVM's tools say about them: symbols, entries of compact unwind information, and
 * functions, inlined calls and lines through a dSYM bundle.
 */
#include "test.h"

#include <walkback/symbolize.h>
#include <walkback/unwind.h>

#include "model/image.h"

/* ---- Tools ---------------------------------------------------------------------------------------------------------------- */

/* Debian has them in a folder of their version. */
static const char setup[] = "PATH=\"$PATH:/usr/lib/llvm-14/bin:/usr/lib/llvm-19/bin\"; export PATH; ";

__attribute__((format(printf, 1, 2)))
static bool run(const char *format, ...)
{
	char command[3 * TEST_PATH_MAX];
	size_t length = sizeof setup - 1;
	va_list args;

	memcpy(command, setup, length);
	va_start(args, format);
	vsnprintf(command + length, sizeof command - length, format, args);
	va_end(args);
	return system(command) == 0;
}

/* What a command prints. To be freed. */
__attribute__((format(printf, 1, 2)))
static char *output_of(const char *format, ...)
{
	char command[2 * TEST_PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	char *path = strdup(test_tmp("output"));
	char *text = run("( %s ) > %s 2>/dev/null", command, path) ? test_read_file(path, NULL) : NULL;
	free(path);
	return text ? text : strdup("");
}

static const char source[] =
	"static inline __attribute__((always_inline)) int square(int x) { return x * x; }\n"
	"__attribute__((noinline)) int leaf(int x)\n{\n\treturn square(x) + 3;\n}\n"
	"__attribute__((noinline)) int big(int x)\n{\n\tvolatile char room[100000];\n\troom[x] = 1;\n\treturn leaf(room[0]) + leaf(x);\n}\n"
	"__attribute__((noinline)) static int many(int a, int b, int c, int d)\n{\n\tint r = leaf(a), s = leaf(b), t = leaf(c);\n"
	"\treturn r * s + t * leaf(d) + leaf(r + s) + square(a) + b + c + d;\n}\n"
	"__attribute__((noinline, weak)) double vector(double a, double b)\n{\n\tdouble r = a;\n\tfor (int i = 0; i < 3; i++)\n"
	"\t\tr += leaf((int)r) * b;\n\treturn r;\n}\n"
	"int counter;\n"
	"int start(void)\n{\n\treturn big(3) + many(counter, 2, 3, 4) + (int)vector(1.5, 2.5);\n}\n";

static const struct { const char *name, *arch, *flags; } variants[] = {
	{ "x86-64", "x86_64", "-O2" }, { "x86-64-nofp", "x86_64", "-O2 -fomit-frame-pointer" }, { "x86-64-O0", "x86_64", "-O0" },
	{ "arm64", "arm64", "-O2" }, { "arm64-nofp", "arm64", "-O2 -fomit-frame-pointer" }, { "arm64-O0", "arm64", "-O0" },
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* Makes all variants, each NAME, NAME.o and NAME.dSYM. */
static bool make_files(void)
{
	if (!run("for tool in clang ld64.lld dsymutil llvm-nm llvm-objdump llvm-symbolizer llvm-lipo; do command -v $tool || exit; done >/dev/null 2>&1"))
		return false;
	test_write_file(test_tmp("a.c"), source, sizeof source - 1);
	for (size_t i = 0; i < VARIANTS; i++) {
		const char *name = variants[i].name, *arch = variants[i].arch;

		if (!run("cd %s && clang --target=%s-apple-macos11 -g %s -fno-stack-protector -c a.c -o %s.o && "
		         "ld64.lld -arch %s -platform_version macos 11.0 11.0 -o %s -e _start %s.o && dsymutil %s -o %s.dSYM",
		         test_state.tmp, arch, variants[i].flags, name, arch, name, name, name, name))
			return false;
	}
	return true;
}

struct opened {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_object *object;
};

static bool open_image(const char *path, struct opened *opened)
{
	return wb_session_new(NULL, &opened->session) == WB_OK && wb_session_add_host_paths(opened->session) == WB_OK &&
	       wb_image_open(opened->session, path, &opened->image) == WB_OK &&
	       wb_image_object(opened->image, WB_FILE_EXECUTABLE, &opened->object) == WB_OK;
}

static void close_image(struct opened *opened)
{
	wb_image_unref(opened->image);
	wb_session_free(opened->session);
}

/* ---- Symbols ---------------------------------------------------------------------------------------------------------------- */

struct names { const char *nm; unsigned found, seen; };

/* llvm-nm's line for it; it shows the underscore. */
static enum wb_err find_name(void *arg, const struct wb_symbol *symbol)
{
	struct names *names = arg;
	char line[256];

	if (symbol->table != WB_SYMBOLS_STATIC)
		return WB_OK;
	snprintf(line, sizeof line, "%016" PRIx64 " %c _%s\n", symbol->value,
	         (symbol->executable || !strcmp(symbol->name, "_mh_execute_header") ? 't' : 's') - (symbol->binding == WB_BINDING_LOCAL ? 0 : 32),
	         symbol->name);
	names->found += strstr(names->nm, line) != NULL;
	names->seen++;
	return WB_OK;
}

static void lists_what_nm_lists(void)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct opened opened;
		char *nm = output_of("llvm-nm %s/%s", test_state.tmp, variants[i].name);
		struct names names = { .nm = nm };
		unsigned lines = 0;

		test_row(variants[i].name);
		REQUIRE(open_image(test_tmp(variants[i].name), &opened));
		CHECK(opened.object->format->list_symbols(opened.object, find_name, &names) == WB_OK);
		for (const char *at = nm; (at = strchr(at, '\n')); at++)
			lines++;
		CHECK_EQ_U64(names.seen, lines);
		CHECK_EQ_U64(names.found, lines);
		close_image(&opened);
		free(nm);
	}
}

/* ---- Compact unwind information -------------------------------------------------------------------------------------------- */

/* Lines such as "      [0]: function offset=0x00000380, encoding[1]=0x01000000". An entry's mode says who has it: 0 nobody, DWARF .eh_frame. */
static void check_entry(const struct opened *opened, uint64_t offset, uint32_t encoding)
{
	bool is_arm64 = opened->object->platform.arch == WB_ARCH_AARCH64;
	uint32_t mode = encoding >> 24 & 15;
	struct wb_row_info info = { .size = sizeof info };
	enum wb_err err = wb_row_info(opened->session, opened->image, opened->object->base + offset, WB_HOW_COMPACT, &info);

	CHECK_EQ_I64(err, mode && mode != (is_arm64 ? 3 : 4) ? WB_OK : WB_NONE);
	if (err)
		return;
	CHECK_EQ_U64(info.start, opened->object->base + offset);
	CHECK_STR(info.section, "__unwind_info");
	CHECK(info.cfa.kind == WB_RULE_OFFSET);
	/* A frame pointer counts for frames; else the size is told, or in the code. */
	if (is_arm64)
		CHECK_EQ_I64(info.cfa.offset, mode == 4 ? 16 : (encoding >> 12 & 0xfff) * 16);
	else if (mode < 3)
		CHECK_EQ_I64(info.cfa.offset, mode == 1 ? 16 : (encoding >> 16 & 0xff) * 8);
}

static void has_every_entry(void)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		char *text = output_of("llvm-objdump --unwind-info %s/%s", test_state.tmp, variants[i].name), *at = text;
		struct opened opened;
		unsigned count = 0;

		test_row(variants[i].name);
		REQUIRE(open_image(test_tmp(variants[i].name), &opened));
		while ((at = strstr(at, "]: function offset="))) {
			char *rest;
			uint64_t offset = strtoull(at + 19, &rest, 16);

			at = rest;
			if (strncmp(rest, ", encoding", 10))
				continue;
			check_entry(&opened, offset, (uint32_t)strtoul(strchr(rest, '=') + 1, NULL, 16));
			count++;
		}
		CHECK(count > 0);
		close_image(&opened);
		free(text);
	}
}

/* ---- dSYM bundles ------------------------------------------------------------------------------------------------------------ */

/* As llvm-symbolizer prints it: a function and a place for each site. */
static void print_sites(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t pc, char *text, size_t size)
{
	const struct wb_site *sites;
	size_t count, length = 0;

	text[0] = 0;
	if (!CHECK(wb_symbolize(symbolizer, image, pc, WB_PC_EXACT, &sites, &count) == WB_OK))
		return;
	for (size_t i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s\n%s:%u\n", sites[i].function ? sites[i].function : "??",
		                           sites[i].file ? sites[i].file : "??", sites[i].line);
}

static void check_lines(const struct opened *opened, const char *name, unsigned step)
{
	struct wb_symbolizer_opts opts = { .size = sizeof opts, .detail = WB_DETAIL_INLINES };
	struct wb_symbolizer *symbolizer;
	struct wb_section_info text = { .size = sizeof text };
	size_t addresses_size = 0;
	char *addresses = malloc(1 << 18), *answers, *at, *end;

	REQUIRE(wb_image_section_info(opened->image, 0, &text) == WB_OK);
	for (uint64_t pc = text.start; pc < text.end; pc += step)
		addresses_size += (size_t)sprintf(addresses + addresses_size, "0x%" PRIx64 "\n", pc);
	test_write_file(test_tmp("addresses"), addresses, addresses_size);
	answers = output_of("llvm-symbolizer --output-style=GNU --obj=%s/%s < %s/addresses", test_state.tmp, name, test_state.tmp);
	REQUIRE(wb_symbolizer_new(opened->session, &opts, &symbolizer) == WB_OK);
	at = answers;
	for (uint64_t pc = text.start; pc < text.end; pc += step) {
		char ours[1024];
		size_t length;

		print_sites(symbolizer, opened->image, pc, ours, sizeof ours);
		length = strlen(ours);
		if (!CHECK(!strncmp(at, ours, length))) {
			fprintf(stderr, "0x%" PRIx64 ": %s, expected %.100s\n", pc, ours, at);
			break;
		}
		at += length;
	}
	end = at + strspn(at, "\n");
	CHECK_STR(end, "");
	wb_symbolizer_free(symbolizer);
	free(answers);
	free(addresses);
}

static void has_lines_of_dsyms(void)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct opened opened;

		test_row(variants[i].name);
		REQUIRE(open_image(test_tmp(variants[i].name), &opened));
		check_lines(&opened, variants[i].name, opened.object->platform.arch == WB_ARCH_AARCH64 ? 4 : 1);
		CHECK_EQ_U64(wb_image_verdict(opened.image, WB_FILE_DEBUG), WB_VERDICT_MATCHED);
		close_image(&opened);
	}
}

/* The same part by its UUID, in a session that does not know it yet. */
static void check_by_uuid(const struct wb_image_info *wanted)
{
	struct wb_image_info info = { .size = sizeof info };
	struct wb_session *session;
	struct wb_image *image;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	if (CHECK(wb_image_open_build(session, test_tmp("folder/fat"), wanted->build_id, wanted->build_id_size, &image) == WB_OK)) {
		CHECK(wb_image_info(image, &info) == WB_OK);
		CHECK_EQ_U64(info.platform.arch, wanted->platform.arch);
		wb_image_unref(image);
	}
	wb_session_free(session);
}

/* A fat file's part by architecture; its dSYM is fat, too. */
static void has_parts_of_fat_files(void)
{
	static const struct { enum wb_arch arch; enum wb_err err; } wanted[] = {
		{ WB_ARCH_X86_64, WB_OK }, { WB_ARCH_AARCH64, WB_OK }, { WB_ARCH_RISCV64, WB_ERR_UNSUPPORTED },
	};

	REQUIRE(run("cd %s && mkdir -p folder && llvm-lipo -create x86-64 arm64 -output folder/fat && mkdir -p folder/fat.dSYM/Contents/Resources/DWARF && "
	            "llvm-lipo -create x86-64.dSYM/Contents/Resources/DWARF/x86-64 arm64.dSYM/Contents/Resources/DWARF/arm64 "
	            "-output folder/fat.dSYM/Contents/Resources/DWARF/fat", test_state.tmp));
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		struct wb_image_info info = { .size = sizeof info };
		struct wb_session *session;
		struct wb_image *image;

		REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_host_paths(session) == WB_OK);
		enum wb_err err = wb_image_open_arch(session, test_tmp("folder/fat"), wanted[i].arch, &image);

		CHECK_EQ_I64(err, wanted[i].err);
		if (!err) {
			CHECK(wb_image_info(image, &info) == WB_OK);
			CHECK_EQ_U64(info.platform.arch, wanted[i].arch);
			CHECK_EQ_U64(info.files[WB_FILE_DEBUG].verdict, WB_VERDICT_MATCHED);
			check_by_uuid(&info);
			wb_image_unref(image);
		}
		wb_session_free(session);
	}
}

int main(void)
{
	test_tmp("");
	if (!make_files()) {
		printf("skip: clang, ld64.lld, dsymutil and LLVM's tools for Mach-O are not all here\n");
		test_summary();
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(lists_what_nm_lists);
	TEST_RUN(has_every_entry);
	TEST_RUN(has_lines_of_dsyms);
	TEST_RUN(has_parts_of_fat_files);
	return test_summary();
}
