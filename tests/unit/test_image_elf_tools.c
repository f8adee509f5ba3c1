/* SPDX-License-Identifier: MIT */
/* ELF files that compilers made, against what readelf, nm and objdump say about them: sections, segments, build ids, symbols, PLT entries,
 * sections that objcopy compressed, and sections that eu-strip relocated. */
#include "test.h"

#include "base/mem.h"
#include "config.h"
#include "model/image.h"
#include "model/object.h"
#include "model/session.h"

/* ---- Running tools ---------------------------------------------------------------------------------------------------- */

static bool run(const char *format, ...)
{
	char command[3 * TEST_PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	return system(command) == 0;
}

/* The lines that a command prints, sorted by sort(1) where order means nothing. To be freed. */
static char *output_of(const char *format, ...)
{
	char command[3 * TEST_PATH_MAX];
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	pipe = popen(command, "r");
	for (size_t n; pipe && (n = fread(text + size, 1, room - size - 1, pipe)) > 0;) {
		size += n;
		if (room - size < 4096)
			text = realloc(text, room *= 2);
	}
	if (pipe)
		pclose(pipe);
	text[size] = 0;
	return text;
}

static bool have_tools(void)
{
	return run("for tool in cc readelf nm objdump objcopy strip awk sort xz; do command -v $tool || exit; done >/dev/null 2>&1");
}

/* ---- Files --------------------------------------------------------------------------------------------------------------- */

static const char source[] =
	"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
	"int table[4] = { 1, 2, 3, 4 };\nstatic int twice(int x) { return 2 * x; }\n"
	"__attribute__((noinline, weak)) int use(int (*f)(int), int x) { return f(x) + table[x & 3]; }\n"
	"static int plain(void) { return 1; }\nstatic int (*choose(void))(void) { return plain; }\n"
	"int chosen(void) __attribute__((ifunc(\"choose\")));\n"
	"int main(int argc, char **argv) {\n\tputs(argv[0]);\n\tvoid (*f)(void *) = free;\n\tf(strdup(getenv(\"PATH\")));\n"
	"\treturn use(twice, argc) + chosen();\n}\n";

static const struct { const char *name, *command; } made[] = {
	{ "plain", "cc -g -O1 -o %1$s/plain %1$s/a.c" },
	{ "fixed", "cc -g -O1 -no-pie -fno-pic -o %1$s/fixed %1$s/a.c" },
	{ "now", "cc -O1 -Wl,-z,now -fcf-protection=full -Wl,-z,ibtplt -o %1$s/now %1$s/a.c" },
	{ "noplt", "cc -O1 -fno-plt -Wl,--build-id=md5 -o %1$s/noplt %1$s/a.c" },
	{ "static", "cc -O1 -static -o %1$s/static %1$s/a.c" },
	{ "i386", "cc -m32 -O1 -o %1$s/i386 %1$s/a.c" },
	{ "lld", "cc -fuse-ld=lld -g -O1 -o %1$s/lld %1$s/a.c" },
	{ "gold", "cc -fuse-ld=gold -g -O1 -o %1$s/gold %1$s/a.c" },
	{ "stripped", "strip -o %1$s/stripped %1$s/plain" },
	{ "debug", "objcopy --only-keep-debug %1$s/plain %1$s/debug" },
	{ "linked", "objcopy --strip-all --add-gnu-debuglink=%1$s/debug %1$s/plain %1$s/linked" },
	{ "zlib", "objcopy --compress-debug-sections=zlib %1$s/plain %1$s/zlib" },
	{ "zlib-gnu", "objcopy --compress-debug-sections=zlib-gnu %1$s/plain %1$s/zlib-gnu" },
	{ "zstd", "objcopy --compress-debug-sections=zstd %1$s/plain %1$s/zstd" },
};
static const char *const corpus[] = {
	"symbols/symbolic/linux/crash", "symbols/symbolic/linux/crash.debug", "symbols/symbolic/linux/crash.debug-zlib",
	"symbols/symbolic/linux/cross_language_lto.debug", "symbols/symbolic/linux/libjemalloc.so.debug",
	"symbols/symbolic/linux/elf_debuglink/gen/elf_with_debuglink", "symbols/symbolic/linux/arm64/cfi_test",
	"snapshots/debug_frame_first_x86/waiter", "snapshots/pauth_pc_arm64/toybox", "snapshots/empty_arm64/libbinder.so",
	"snapshots/debug_frame_load_bias_arm/mediaserver", "snapshots/bad_eh_frame_hdr_arm64/libc.so",
};
static const char *const installed[] = { "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6" };

enum { FILES_MAX = 64 };
static char *files[FILES_MAX];
static size_t num_files;

static void add_file(const char *path)
{
	if (access(path, R_OK) == 0)
		files[num_files++] = strdup(path);
}

/* What a compiler or a linker does not support is left out: all rows but the first few are optional. */
static void make_files(void)
{
	char command[TEST_PATH_MAX * 2];

	test_tmp("");
	test_write_file(test_tmp("a.c"), source, sizeof source - 1);
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		snprintf(command, sizeof command, made[i].command, test_state.tmp);
		if (run("( %s ) >/dev/null 2>&1", command))
			add_file(test_tmp(made[i].name));
	}
	for (size_t i = 0; i < sizeof installed / sizeof installed[0]; i++)
		add_file(installed[i]);
	for (size_t i = 0; i < sizeof corpus / sizeof corpus[0]; i++) {
		const char *path = test_corpus(corpus[i]);

		if (path)
			add_file(path);
	}
}

/* ---- An object as text ------------------------------------------------------------------------------------------------------ */

struct opened {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_object *object;
};

static bool open_image(const char *path, struct opened *ret_opened)
{
	if (wb_session_new(NULL, &ret_opened->session) != WB_OK)
		return false;
	if (wb_image_open(ret_opened->session, path, &ret_opened->image) != WB_OK) {
		wb_session_free(ret_opened->session);
		return false;
	}
	return wb_image_object(ret_opened->image, WB_FILE_EXECUTABLE, &ret_opened->object) == WB_OK;
}

static void close_image(struct opened *opened)
{
	wb_image_unref(opened->image);
	wb_session_free(opened->session);
}

/* A text file that grows; compared through sort(1) and diff's place is taken by the first line that differs. */
static FILE *open_text(const char *name)
{
	FILE *file = fopen(test_tmp(name), "w");

	if (!file)
		exit(1);
	return file;
}

static void compare(const char *what, const char *ours_command, char *theirs)
{
	char *ours = output_of("%s", ours_command);
	size_t at = 0;

	while (ours[at] && ours[at] == theirs[at])
		at++;
	while (at && ours[at - 1] != '\n')
		at--;
	test_check(!strcmp(ours, theirs), test_state.row, "%s: ours is \"%.*s\", the tool's \"%.*s\"", what, (int)strcspn(ours + at, "\n"),
	           ours + at, (int)strcspn(theirs + at, "\n"), theirs + at);
	free(ours);
	free(theirs);
}

static char *sorted(const char *name, char *buffer)
{
	snprintf(buffer, 2 * TEST_PATH_MAX, "sort -u '%s'", test_tmp(name));
	return buffer;
}

/* ---- Headers -------------------------------------------------------------------------------------------------------------------- */

/* "name address offset size" of each section; readelf's index column may touch the brackets. */
static void sections_are_readelfs(void)
{
	char buffer[2 * TEST_PATH_MAX];

	if (!num_files)
		TEST_SKIP("no compiler or binutils");
	for (size_t f = 0; f < num_files; f++) {
		struct opened opened;
		FILE *text;

		test_row(files[f]);
		if (!CHECK(open_image(files[f], &opened)))
			continue;
		text = open_text("ours");
		for (size_t i = 1; i < opened.object->num_sections; i++) {
			const struct wb_section *s = &opened.object->sections[i];
			uint64_t size = s->flags & WB_SECTION_NOBITS ? s->size : s->file_size;

			fprintf(text, "%s %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", s->name, s->flags & WB_SECTION_ALLOC ? s->vaddr : 0, s->offset, size);
		}
		fclose(text);
		compare("sections", sorted("ours", buffer),
		        output_of("readelf -SW '%s' | sed -n 's/^ *\\[ *[1-9][0-9]*\\] *//p' | sed 's/^\\.zdebug/.debug/' |"
		                  "awk '{ for (i = 3; i <= 5; i++) { sub(/^0+/, \"\", $i); if ($i == \"\") $i = 0 }"
		                  "       print $1, $3, $4, $5 }' | sort -u", files[f]));
		close_image(&opened);
	}
}

/* What the image unwinds and names with is there, and nothing else: "name size", the size of what debuggers alone read being another once it is packed. */
static void parts_are_readelfs(void)
{
	char buffer[2 * TEST_PATH_MAX];

	if (!num_files)
		TEST_SKIP("no compiler or binutils");
	for (size_t f = 0; f < num_files; f++) {
		struct wb_image_part part = { .size = sizeof part };
		struct opened opened;
		FILE *text;
		size_t n = 0;

		test_row(files[f]);
		if (!CHECK(open_image(files[f], &opened)))
			continue;
		text = open_text("ours");
		for (; wb_image_part(opened.image, n, &part) == WB_OK; n++)
			fprintf(text, "%s %" PRIx64 "\n", part.name, strncmp(part.name, ".debug_", 7) ? part.bytes : 0);
		CHECK_EQ_I64(wb_image_part(opened.image, n, &part), WB_NONE);
		fclose(text);
		compare("parts", sorted("ours", buffer),
		        output_of("readelf -SW '%s' | sed -n 's/^ *\\[ *[1-9][0-9]*\\] *//p' | sed 's/^\\.zdebug/.debug/' |"
		                  "awk '$2 != \"NOBITS\" && $1 ~ /^\\.(eh_frame(_hdr)?|debug_(frame|info|line)|symtab|dynsym|gnu_debugdata|ARM\\.exidx)$/ {"
		                  "       sub(/^0+/, \"\", $5); if ($5 != \"\") print $1, $1 ~ /^.debug_/ ? 0 : $5 }' | sort -u", files[f]));
		close_image(&opened);
	}
}

static void segments_are_readelfs(void)
{
	char buffer[2 * TEST_PATH_MAX];

	if (!num_files)
		TEST_SKIP("no compiler or binutils");
	for (size_t f = 0; f < num_files; f++) {
		struct opened opened;
		FILE *text;

		test_row(files[f]);
		if (!CHECK(open_image(files[f], &opened)))
			continue;
		text = open_text("ours");
		for (size_t i = 0; i < opened.object->num_segments; i++) {
			const struct wb_segment *s = &opened.object->segments[i];

			fprintf(text, "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %s%s%s\n", s->offset, s->vaddr, s->filesz, s->memsz,
			        s->prot & WB_PROT_READ ? "R" : "", s->prot & WB_PROT_WRITE ? "W" : "", s->prot & WB_PROT_EXEC ? "E" : "");
		}
		fclose(text);
		compare("segments", sorted("ours", buffer),
		        output_of("readelf -lW '%s' | awk '$1 == \"LOAD\" { flags = \"\"; for (i = 7; i < NF; i++) flags = flags $i;"
		                  "for (i = 2; i <= 6; i++) { sub(/^0x0*/, \"\", $i); if ($i == \"\") $i = 0 }"
		                  "print $2, $3, $5, $6, flags }' | sort -u", files[f]));
		close_image(&opened);
	}
}

static void identity_is_readelfs(void)
{
	char buffer[2 * TEST_PATH_MAX];

	if (!num_files)
		TEST_SKIP("no compiler or binutils");
	for (size_t f = 0; f < num_files; f++) {
		struct opened opened;
		FILE *text;

		test_row(files[f]);
		if (!CHECK(open_image(files[f], &opened)))
			continue;
		text = open_text("ours");
		for (size_t i = 0; i < opened.object->build_id_size; i++)
			fprintf(text, "%02x%s", opened.object->build_id[i], i + 1 == opened.object->build_id_size ? "\n" : "");
		if (opened.object->debuglink)
			fprintf(text, "link %s %x\n", opened.object->debuglink, (unsigned)opened.object->debuglink_crc);
		fclose(text);
		compare("build id and link", sorted("ours", buffer),
		        output_of("( readelf -nW '%s' 2>/dev/null | sed -n 's/.*Build ID: //p'; objdump --dwarf=links '%s' 2>/dev/null |"
		                  "sed -n -e 's/^ *Separate debug info file: /link /p' -e 's/^ *CRC value: 0x/crc /p' |"
		                  "awk '$1 == \"link\" { l = $0 } $1 == \"crc\" { sub(/^0+/, \"\", $2); print l, $2 }' ) | sort -u", files[f], files[f]));
		close_image(&opened);
	}
}

/* ---- Symbols ------------------------------------------------------------------------------------------------------------------------ */

struct writer { FILE *texts[WB_SYMBOLS_TEXT + 1]; };

static enum wb_err write_symbol(void *arg, const struct wb_symbol *s)
{
	struct writer *writer = arg;

	if (s->type != WB_SYMBOL_FILE && s->type != WB_SYMBOL_SECTION)
		fprintf(writer->texts[s->table], "%" PRIx64 " %s\n", s->value, s->name);
	return WB_OK;
}

/* Versions are cut on both sides. What names nothing is left out of nm's: mapping symbols and empty names. */
#define NM_LINES "sed -n 's/^0*\\([0-9a-f]\\{1,\\}\\) [^ U] /\\1 /p' | sed 's/@.*//' | grep -v -e ' \\$[adtx]\\(\\.[^ ]*\\)*$' -e ' $' | sort -u"

/* nm of the file, and of the one that is packed in .gnu_debugdata. */
static char *nm_static(const char *path)
{
	run("rm -f '%1$s/inner'; set -- $(readelf -SW '%2$s' 2>/dev/null | sed -n 's/.*] [.]gnu_debugdata *PROGBITS *//p');"
	    "[ $# -gt 3 ] && tail -c +$((0x$2 + 1)) '%2$s' | head -c $((0x$3)) | xz -dc >'%1$s/inner'", test_state.tmp, path);
	return output_of("( nm --defined-only '%s'; nm --defined-only '%s/inner' ) 2>/dev/null | " NM_LINES, path, test_state.tmp);
}

static char *no_resolvers(char *buffer)
{
	snprintf(buffer, 2 * TEST_PATH_MAX, "grep -v '[*]ABS' '%s' | sort -u", test_tmp("symbols.plt"));
	return buffer;
}

static void symbols_are_nms(void)
{
	char buffer[2 * TEST_PATH_MAX], command[2 * TEST_PATH_MAX];

	if (!num_files)
		TEST_SKIP("no compiler or binutils");
	for (size_t f = 0; f < num_files; f++) {
		struct opened opened;
		struct writer writer;
		enum wb_err err;
		bool has_all;

		test_row(files[f]);
		if (!CHECK(open_image(files[f], &opened)))
			continue;
		writer.texts[WB_SYMBOLS_STATIC] = open_text("symbols.static");
		writer.texts[WB_SYMBOLS_DYNAMIC] = open_text("symbols.dynamic");
		writer.texts[WB_SYMBOLS_PLT] = open_text("symbols.plt");
		writer.texts[WB_SYMBOLS_TEXT] = open_text("symbols.text");
		/* Without the codec, mini-debuginfo is the one thing that may be missing, and it is said to be. */
		err = wb_image_symbols(opened.image, opened.object, write_symbol, &writer);
		has_all = WB_HAVE_LZMA || err != WB_ERR_UNSUPPORTED;
		CHECK_EQ_I64(err, has_all ? WB_OK : WB_ERR_UNSUPPORTED);
		for (size_t i = 0; i <= WB_SYMBOLS_TEXT; i++)
			fclose(writer.texts[i]);
		snprintf(command, sizeof command, "sed 's/@.*//' '%s' | sort -u", test_tmp("symbols.static"));
		/* A binutils for other machines does not know that bit 0 of an arm function says "Thumb". */
		if (has_all && wb_image_platform(opened.image).arch != WB_ARCH_ARM)
			compare("static symbols", command, nm_static(files[f]));
		snprintf(command, sizeof command, "sed 's/@.*//' '%s' | sort -u", test_tmp("symbols.dynamic"));
		compare("dynamic symbols", command, output_of("nm -D --defined-only '%s' 2>/dev/null | " NM_LINES, files[f]));
		if (wb_image_platform(opened.image).arch == WB_ARCH_X86_64 || wb_image_platform(opened.image).arch == WB_ARCH_X86) {
			/* objdump leaves out .iplt, and so resolvers where a linker puts them there. Versions before 2.39 name no entry at all
			 * of a table as gold lays it out for IBT. */
			char *theirs = output_of("objdump -d '%s' 2>/dev/null | sed -n 's/^0*\\([0-9a-f]*\\) <\\(.*@plt\\)>:$/\\1 \\2/p' |"
			                         "grep -v '[*]ABS' | sort -u", files[f]);

			if (*theirs)
				compare("plt", no_resolvers(buffer), theirs);
			else
				free(theirs);
		}
		close_image(&opened);
	}
}

/* ---- Compressed ---------------------------------------------------------------------------------------------------------------------- */

static void compressed_is_plain(void)
{
	static const struct { const char *name; bool have; } packed[] = {
		{ "zlib", WB_HAVE_ZLIB || WB_HAVE_LIBDEFLATE }, { "zlib-gnu", WB_HAVE_ZLIB || WB_HAVE_LIBDEFLATE }, { "zstd", WB_HAVE_ZSTD },
	};
	static const char *const sections[] = { ".debug_info", ".debug_abbrev", ".debug_line", ".debug_str" };
	struct opened plain, other;

	if (!num_files)
		TEST_SKIP("no compiler or binutils");
	REQUIRE(open_image(test_tmp("plain"), &plain));
	for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
		const char *path = test_tmp(packed[i].name);

		test_row(packed[i].name);
		if (!packed[i].have || access(path, R_OK))
			continue;
		REQUIRE(open_image(path, &other));
		for (size_t k = 0; k < sizeof sections / sizeof sections[0]; k++) {
			const uint8_t *expect, *bytes;
			size_t expect_size, size;

			REQUIRE(wb_image_section(plain.image, plain.object, sections[k], &expect, &expect_size, NULL) == WB_OK);
			REQUIRE(wb_image_section(other.image, other.object, sections[k], &bytes, &size, NULL) == WB_OK);
			CHECK_EQ_U64(size, expect_size);
			if (size == expect_size)
				CHECK_MEM(bytes, expect, size);
		}
		close_image(&other);
	}
	close_image(&plain);
}

/* ---- Relocated ------------------------------------------------------------------------------------------------------------------------- */

/* Functions only: elfutils leaves every section at 0, ours places them one after the other, and .text is the first. */
static const char relocatable[] = "static inline int f(int x) { return x * 2; }\n"
	"int g(int x) { for (int i = 0; i < x; i++) x += f(i); return x; }\nint h(int y) { return g(y) + f(y); }\n";

static void compare_sections(struct opened *ours, struct opened *theirs)
{
	static const char *const sections[] = { ".debug_info", ".debug_line", ".debug_aranges", ".debug_addr", ".debug_str_offsets", ".debug_frame" };

	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
		const uint8_t *expect, *bytes;
		size_t expect_size, size;

		if (wb_image_section(theirs->image, theirs->object, sections[i], &expect, &expect_size, NULL) != WB_OK)
			continue;
		if (!CHECK(wb_image_section(ours->image, ours->object, sections[i], &bytes, &size, NULL) == WB_OK))
			continue;
		CHECK_EQ_U64(size, expect_size);
		if (size == expect_size)
			CHECK_MEM(bytes, expect, size);
	}
}

static void relocated_is_elfutils(void)
{
	static const char *const compilers[] = {
		"cc -g -O1", "cc -gdwarf-4 -O1", "cc -m32 -g -O1", "clang -g -O1", "clang --target=aarch64-linux-gnu -g -O1", "clang --target=i386-linux-gnu -g -O1",
	};
	unsigned compared = 0;

	test_tmp("");
	test_write_file(test_tmp("r.c"), relocatable, sizeof relocatable - 1);
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
		struct opened ours, theirs;

		test_row(compilers[i]);
		if (!run("cd '%s' && %s -c r.c -o r.o 2>/dev/null && cp r.o copy.o && rm -f r.debug &&"
		         "eu-strip --reloc-debug-sections -f r.debug -o r.stripped copy.o 2>/dev/null", test_state.tmp, compilers[i]))
			continue;
		REQUIRE(open_image(test_tmp("r.o"), &ours));
		if (CHECK(open_image(test_tmp("r.debug"), &theirs))) {
			compare_sections(&ours, &theirs);
			close_image(&theirs);
			compared++;
		}
		close_image(&ours);
	}
	if (!compared)
		TEST_SKIP("no compiler or no eu-strip");
}

int main(void)
{
	if (have_tools())
		make_files();
	TEST_RUN(sections_are_readelfs);
	TEST_RUN(parts_are_readelfs);
	TEST_RUN(segments_are_readelfs);
	TEST_RUN(identity_is_readelfs);
	TEST_RUN(symbols_are_nms);
	TEST_RUN(compressed_is_plain);
	TEST_RUN(relocated_is_elfutils);
	for (size_t i = 0; i < num_files; i++)
		free(files[i]);
	return test_summary();
}
