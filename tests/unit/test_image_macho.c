/* SPDX-License-Identifier: MIT */
/* Mach-O files that are made here: headers of both widths and byte orders, segments, sections and their names, symbols of all sources, relocatable and
 * fat files, what is refused, and every kind of damage. */
#include "test.h"

#include "base/mem.h"
#include "macho_whole.h"
#include "model/object.h"

static unsigned num_diags;
static char last_diag[512];

static void note_diag(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	num_diags++;
	wb_diag_format(diag, last_diag, sizeof last_diag);
}

static struct wb_diags *fresh_diags(void)
{
	static struct wb_diags diags;
	static bool made;

	if (made)
		wb_diags_deinit(&diags);
	wb_diags_init(&diags, note_diag, NULL);
	made = true;
	num_diags = 0;
	last_diag[0] = 0;
	return &diags;
}

/* Opens a heap block of exactly that size, for the sanitizer build. */
static enum wb_err open_copy(const uint8_t *bytes, size_t size, const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	static const struct wb_object_choice any;
	uint8_t *exact = malloc(size ? size : 1);
	struct wb_file *file;

	memcpy(exact, bytes, size);
	if (wb_file_of_bytes(exact, size, free, exact, &file) != WB_OK)
		return WB_ERR_MEMORY;
	return wb_object_open_chosen(fresh_diags(), "made", file, 0, choice ? choice : &any, ret_object);
}

static enum wb_err open_made(struct macho_make *m, struct wb_object **ret_object)
{
	size_t size;
	uint8_t *bytes = macho_make_finish(m, &size);
	enum wb_err err = open_copy(bytes, size, NULL, ret_object);

	free(bytes);
	return err;
}

/* ---- A file with one of everything ------------------------------------------------------------------------------------- */

static char listed[2048];

static enum wb_err add_line(void *arg, const struct wb_symbol *s)
{
	static const char *const tables[] = { "static", "dynamic", "plt", "text" }, *const bindings[] = { "local", "weak", "global" };
	const struct wb_object *object = arg;
	size_t at = strlen(listed);

	snprintf(listed + at, sizeof listed - at, "%s %" PRIx64 "+%" PRIx64 " type %d %s%s%s %s\n", tables[s->table],
	         s->absolute ? s->value : s->value - object->base, s->size, s->type, bindings[s->binding], s->executable ? " code" : "",
	         s->absolute ? " absolute" : "", s->name);
	return WB_OK;
}

static const char *list(struct wb_object *object)
{
	listed[0] = 0;
	CHECK(object->format->list_symbols(object, add_line, object) == WB_OK);
	return listed;
}

static const char *list_starts(struct wb_object *object)
{
	listed[0] = 0;
	CHECK(object->format->list_starts(object, add_line, object) == WB_OK);
	return listed;
}

/* Types: 1 a function, 3 an object, 6 none. Sizes reach to where the next function starts, or to data behind the function. */
static const char expected_symbols[] =
	"static 800+20 type 1 global code main\n"
	"static 820+20 type 1 local code _helper\n"
	"static 840+20 type 1 weak code weak\n"
	"static 848+18 type 6 local code alt\n"
	"static 1000+0 type 3 global data\n"
	"static 0+0 type 3 global _mh_execute_header\n"
	"static 2a+0 type 6 global absolute abs\n"
	"dynamic 840+20 type 1 global code exp\n"
	"plt 880+6 type 1 global code printf@plt\n";

static enum wb_err add_linked(void *arg, const struct wb_linked *linked)
{
	const struct wb_object *object = arg;
	size_t length = strlen(listed);

	snprintf(listed + length, sizeof listed - length, "%s %" PRIu64 " %s %" PRIx64 "+%" PRIx64 "\n", linked->object, linked->modified, linked->symbol,
	         linked->value - object->base, linked->size);
	return WB_OK;
}

static void check_whole(struct wb_object *object, bool is_64, bool big_endian)
{
	static const struct { const char *name; uint32_t flags; } sections[] = {
		{ ".text", WB_SECTION_ALLOC | WB_SECTION_EXEC }, { "__stubs", WB_SECTION_ALLOC | WB_SECTION_EXEC }, { "__unwind_info", WB_SECTION_ALLOC },
		{ ".eh_frame", WB_SECTION_ALLOC }, { "__data", WB_SECTION_ALLOC }, { "__bss", WB_SECTION_ALLOC | WB_SECTION_NOBITS },
		{ ".debug_info", 0 }, { ".debug_str_offsets", 0 }, { ".symtab", 0 },
	};
	uint64_t base = is_64 ? 0x100000000 : 0x1000, offset, vaddr;
	uint8_t byte;

	CHECK_STR(object->format->name, "mach-o");
	CHECK_EQ_U64(object->platform.arch, is_64 ? WB_ARCH_X86_64 : WB_ARCH_X86);
	CHECK_EQ_U64(object->platform.big_endian, big_endian);
	CHECK_EQ_U64(object->platform.os, WB_OS_MACOS);
	CHECK_EQ_U64(object->base, base);
	REQUIRE(object->build_id_size == 16);
	CHECK_MEM(object->build_id, uuid, 16);
	REQUIRE(object->num_sections == sizeof sections / sizeof sections[0]);
	for (size_t i = 0; i < object->num_sections; i++) {
		test_row(sections[i].name);
		/* In 32-bit x86, registers have other numbers in it. */
		CHECK_STR(object->sections[i].name, i == 3 && !is_64 ? "__eh_frame" : sections[i].name);
		CHECK_EQ_U64(object->sections[i].flags, sections[i].flags);
		CHECK_EQ_U64(object->sections[i].vaddr != 0, (sections[i].flags & WB_SECTION_ALLOC) != 0);
	}
	test_row(NULL);
	REQUIRE(object->num_segments == 3);
	CHECK_EQ_U64(object->segments[0].prot, WB_PROT_READ | WB_PROT_EXEC);
	CHECK(wb_object_vaddr_of_offset(object, 0x800, true, &vaddr) == WB_OK && vaddr == base + 0x800);
	CHECK(wb_object_offset_of_vaddr(object, base + 0x802, &offset) == WB_OK && offset == 0x802);
	CHECK(wb_object_read(object, base + 0x802, &byte, 1) == WB_OK && byte == 0x89);
	CHECK_STR(list(object), expected_symbols);
	CHECK_STR(list(object), expected_symbols);
	CHECK_STR(list_starts(object), "static 800+20 type 1 local code \nstatic 820+20 type 1 local code \nstatic 840+20 type 1 local code \n");
	listed[0] = 0;
	CHECK(object->format->list_linked(object, add_linked, object) == WB_OK);
	CHECK_STR(listed, "/o/lib.a(one.o) 1000000000 main 800+20\n");
}

static void reads_every_class(void)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct macho_make m;
		struct whole w;
		struct wb_object *object;

		make_whole(&m, &w, kind & 1, kind & 2);
		REQUIRE(open_made(&m, &object) == WB_OK);
		check_whole(object, kind & 1, kind & 2);
		CHECK_EQ_U64(num_diags, 0);
		wb_object_close(object);
	}
}

/* ---- Kinds --------------------------------------------------------------------------------------------------------------- */

static void knows_kinds(void)
{
	static const struct { const char *name; uint32_t type; enum wb_err err; const char *diag; } kinds[] = {
		{ "dylib", DYLIB, WB_OK, "" },
		{ "dSYM", DSYM, WB_OK, "" },
		{ "core", CORE, WB_ERR_UNSUPPORTED, "made: a Mach-O core, where an executable or a library is wanted" },
		{ "kext", KEXT, WB_ERR_UNSUPPORTED, "made: a kernel extension, which is not supported" },
		{ "unknown", 77, WB_ERR_UNSUPPORTED, "made: a Mach-O file of a kind that is not known" },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct macho_make m;
		struct whole w;
		struct wb_object *object;

		test_row(kinds[i].name);
		make_whole(&m, &w, true, false);
		m.type = kinds[i].type;
		CHECK_EQ_I64(open_made(&m, &object), kinds[i].err);
		CHECK_STR(last_diag, kinds[i].diag);
		if (kinds[i].err)
			continue;
		CHECK_EQ_U64(object->is_debug_only, kinds[i].type == DSYM);
		/* A dSYM has the places of sections that it has no bytes of. */
		CHECK_EQ_U64(object->sections[0].flags & WB_SECTION_NOBITS, kinds[i].type == DSYM ? WB_SECTION_NOBITS : 0);
		CHECK_EQ_U64(object->sections[6].flags & WB_SECTION_NOBITS, 0);
		wb_object_close(object);
	}
}

/* Debug sections of relocatable files: an address is the symbol's and what is there; a difference is of two symbols. */
static void relocates(void)
{
	static const struct { uint32_t cpu; uint8_t subtractor; } machines[] = { { X86_64, 5 }, { ARM64, 1 } };

	for (size_t i = 0; i < 2; i++) {
		uint8_t debug[16] = { 4 }, relocations[24], symbols[32];
		struct macho_make m;
		struct wb_object *object;
		struct wb_piece piece;
		uint32_t subtractor = (uint32_t)machines[i].subtractor << 28;

		macho_make_init(&m, true, false, machines[i].cpu, OBJECT);
		macho_make_segment(&m, "", 0, 7);
		macho_make_section(&m, "__text", 0, MACHO_MAKE_CODE, code, sizeof code)->segment = "__TEXT";
		struct macho_make_section *info = macho_make_section(&m, "__debug_info", 0x80, MACHO_MAKE_DEBUG, debug, sizeof debug);
		info->segment = "__DWARF";
		macho_make_store(&m, relocations, 0, 4);
		macho_make_store(&m, relocations + 4, 0 | 3 << 25 | 1 << 27, 4);
		macho_make_store(&m, relocations + 8, 8, 4);
		macho_make_store(&m, relocations + 12, (0 | 3u << 25 | 1u << 27) | subtractor, 4);
		macho_make_store(&m, relocations + 16, 8, 4);
		macho_make_store(&m, relocations + 20, 1 | 3 << 25 | 1 << 27, 4);
		info->relocations = relocations;
		info->nreloc = 3;
		macho_make_symbol(&m, symbols, MAIN, SECT | EXT, 1, 0, 0x10);
		macho_make_symbol(&m, symbols + 16, HELPER, SECT, 1, 0, 0x30);
		m.symbols = (struct macho_make_piece){ symbols, sizeof symbols };
		m.strings = (struct macho_make_piece){ strings, sizeof strings };
		REQUIRE(open_made(&m, &object) == WB_OK);
		CHECK(object->relocatable);
		REQUIRE(object->format->read_section(object, 1, &piece) == WB_OK);
		CHECK_EQ_U64(piece.bytes[0], 0x14);
		CHECK_EQ_U64(piece.bytes[8], 0x20);
		CHECK_EQ_U64(num_diags, 0);
		wb_piece_deinit(&piece);
		CHECK_STR(list(object), "static 10+0 type 1 global code main\nstatic 30+0 type 1 local code _helper\n");
		wb_object_close(object);
	}
}

/* ---- Fat files ------------------------------------------------------------------------------------------------------------ */

static size_t make_fat(uint8_t fat[3 * MACHO_MAKE_SIZE], bool is_wide)
{
	static const uint32_t cpus[] = { PPC, X86_64, ARM64 };
	struct macho_make order = { .big_endian = true };
	size_t at = 0x200, entry = is_wide ? 32 : 20;

	macho_make_store(&order, fat, is_wide ? 0xcafebabf : 0xcafebabe, 4);
	macho_make_store(&order, fat + 4, 3, 4);
	for (size_t i = 0; i < 3; i++) {
		uint8_t own[16], *header = fat + 8 + i * entry;
		struct macho_make m;
		struct whole w;
		size_t size;

		make_whole(&m, &w, true, false);
		memcpy(own, uuid, 16);
		own[15] = (uint8_t)(100 + i);
		m.cpu = cpus[i];
		m.uuid = own;
		uint8_t *bytes = macho_make_finish(&m, &size);
		memcpy(fat + at, bytes, size);
		free(bytes);
		macho_make_store(&order, header, cpus[i], 4);
		macho_make_store(&order, header + 8, at, is_wide ? 8 : 4);
		macho_make_store(&order, header + (is_wide ? 16 : 12), size, is_wide ? 8 : 4);
		at = (at + size + 0xff) & ~(size_t)0xff;
	}
	return at;
}

static void chooses_from_fat_files(void)
{
	uint8_t wanted[16];
	const struct { const char *name; struct wb_object_choice choice; uint8_t expect; } cases[] = {
		{ "the first that is known", { WB_ARCH_UNKNOWN, NULL, 0, NULL }, 101 },
		{ "architecture", { WB_ARCH_AARCH64, NULL, 0, NULL }, 102 },
		{ "UUID", { WB_ARCH_UNKNOWN, wanted, 16, NULL }, 102 },
		{ "UUID before architecture", { WB_ARCH_X86_64, wanted, 16, NULL }, 102 },
		{ "an architecture that it has not", { WB_ARCH_RISCV64, NULL, 0, NULL }, 100 },
	};
	static uint8_t fat[3 * MACHO_MAKE_SIZE];

	memcpy(wanted, uuid, 16);
	wanted[15] = 102;
	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		size_t size = make_fat(fat, i & 1);
		struct wb_object *object;
		uint8_t byte;

		test_row(cases[i / 2].name);
		REQUIRE(open_copy(fat, size, &cases[i / 2].choice, &object) == WB_OK);
		REQUIRE(object->build_id_size == 16);
		CHECK_EQ_U64(object->build_id[15], cases[i / 2].expect);
		/* Offsets are the whole file's. */
		CHECK(wb_object_read(object, object->base + 0x802, &byte, 1) == WB_OK && byte == 0x89);
		CHECK_STR(list(object), expected_symbols);
		wb_object_close(object);
	}
}

/* By the public call, which refuses what is another build. */
static void opens_the_part_of_a_uuid(void)
{
	static const struct { const char *name; bool is_fat; uint8_t last; size_t size; enum wb_err expect; } cases[] = {
		{ "a part", true, 102, 16, WB_OK }, { "another", true, 101, 16, WB_OK }, { "none of them", true, 7, 16, WB_ERR_UNSUPPORTED },
		{ "a thin file's", false, 0, 16, WB_OK }, { "not a thin file's", false, 7, 16, WB_ERR_UNSUPPORTED }, { "empty", true, 102, 0, WB_ERR_ARGUMENT },
		{ "longer than any", true, 102, 65, WB_ERR_ARGUMENT },
	};
	static uint8_t fat[3 * MACHO_MAKE_SIZE];
	size_t size = make_fat(fat, false);
	struct macho_make m;
	struct whole w;

	test_write_file(test_tmp("fat"), fat, size);
	make_whole(&m, &w, true, false);
	uint8_t *thin = macho_make_finish(&m, &size);
	test_write_file(test_tmp("thin"), thin, size);
	free(thin);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wb_image_info info = { .size = sizeof info };
		struct wb_session *session;
		struct wb_image *image;
		uint8_t id[65] = { 0 };

		test_row(cases[i].name);
		memcpy(id, uuid, 16);
		id[15] = cases[i].is_fat || cases[i].last ? cases[i].last : uuid[15];
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		enum wb_err err = wb_image_open_build(session, test_tmp(cases[i].is_fat ? "fat" : "thin"), id, cases[i].size, &image);
		CHECK_EQ_I64(err, cases[i].expect);
		if (!err) {
			CHECK(wb_image_info(image, &info) == WB_OK && info.build_id_size == 16 && !memcmp(info.build_id, id, 16));
			wb_image_unref(image);
		}
		wb_session_free(session);
	}
}

/* ---- Archives --------------------------------------------------------------------------------------------------------------- */

enum { ARCHIVE_MAX = 4 * MACHO_MAKE_SIZE };
struct archive { size_t size; uint8_t bytes[ARCHIVE_MAX]; };

static void add_member(struct archive *a, const char *name, const char *inside, uint64_t time, const void *bytes, size_t size)
{
	size_t prefix = strlen(inside);
	char header[61];

	snprintf(header, sizeof header, "%-16s%-12" PRIu64 "%-6d%-6d%-8o%-10zu`\n", name, time, 0, 0, 0644u, prefix + size);
	memcpy(a->bytes + a->size, header, 60);
	memcpy(a->bytes + a->size + 60, inside, prefix);
	memcpy(a->bytes + a->size + 60 + prefix, bytes, size);
	a->size += 60 + prefix + size;
	if (a->size % 2)
		a->bytes[a->size++] = '\n';
}

/* Members with names as all archivers write them. That of each is told by the last byte of its UUID. */
static void make_archive(struct archive *a)
{
	static const struct { const char *name, *inside; } members[] = {
		{ "short.o", "" }, { "system_v.o/", "" }, { "/0", "" }, { "/22", "" }, { "#1/20", "a long name of BSD.o" }, { "#1/8", "short2.o" },
	};

	a->size = 8;
	memcpy(a->bytes, "!<arch>\n", 8);
	add_member(a, "/", "", 0, "\0\0\0\0", 4);
	add_member(a, "//", "", 0, "a_long_name_of_sys.o/\nanother_long_name_of_it.o/\n", 49);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		uint8_t own[16];
		struct macho_make m;
		struct whole w;
		size_t size;

		make_whole(&m, &w, true, false);
		memcpy(own, uuid, 16);
		own[15] = (uint8_t)(100 + i);
		m.uuid = own;
		uint8_t *bytes = macho_make_finish(&m, &size);
		add_member(a, members[i].name, members[i].inside, 1000 + i, bytes, size);
		free(bytes);
	}
}

static void opens_members_of_archives(void)
{
	static const struct { const char *name; int member; enum wb_err err; } cases[] = {
		{ "short.o", 0, WB_OK }, { "system_v.o", 1, WB_OK }, { "a_long_name_of_sys.o", 2, WB_OK }, { "another_long_name_of_it.o", 3, WB_OK },
		{ "a long name of BSD.o", 4, WB_OK },
		{ "short2.o", 5, WB_OK }, { "short", -1, WB_ERR_DATA }, { "", -1, WB_ERR_DATA }, { NULL, -1, WB_ERR_UNSUPPORTED },
	};
	static struct archive a;

	make_archive(&a);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct wb_object_choice choice = { .member = cases[i].name };
		struct wb_object *object;

		test_row(cases[i].name ? cases[i].name : "no member");
		enum wb_err err = open_copy(a.bytes, a.size, &choice, &object);
		CHECK_EQ_I64(err, cases[i].err);
		if (err) {
			CHECK_EQ_U64(num_diags, 1);
			continue;
		}
		CHECK_EQ_U64(object->build_id[15], 100 + cases[i].member);
		CHECK_EQ_U64(object->modified, 1000 + cases[i].member);
		CHECK_STR(list(object), expected_symbols);
		wb_object_close(object);
	}
	test_row(NULL);
}

static void use_all(struct wb_object *object);

/* Headers cut and changed everywhere; the members' own damage is tried below. */
static void stands_damaged_archives(void)
{
	const struct wb_object_choice choice = { .member = "a_long_name_of_sys.o" };
	static struct archive a;
	struct wb_object *object;

	make_archive(&a);
	for (size_t cut = 0; cut < a.size; cut += cut < 300 ? 1 : 97)
		if (open_copy(a.bytes, cut, &choice, &object) == WB_OK)
			use_all(object);
	for (size_t at = 8; at + 1 < a.size; at++) {
		/* A header ends with these. */
		if (at >= 200 && memcmp(a.bytes + at, "`\n", 2) != 0)
			continue;
		for (size_t byte = at >= 200 ? at - 58 : at; byte <= at; byte++) {
			uint8_t was = a.bytes[byte];

			a.bytes[byte] = '9';
			if (open_copy(a.bytes, a.size, &choice, &object) == WB_OK)
				use_all(object);
			a.bytes[byte] = was;
		}
	}
}

/* ---- Damage ---------------------------------------------------------------------------------------------------------------- */

static void use_all(struct wb_object *object)
{
	for (size_t i = 0; i < object->num_sections; i++) {
		struct wb_piece piece;

		if (object->format->read_section(object, i, &piece) == WB_OK)
			wb_piece_deinit(&piece);
	}
	listed[0] = 0;
	object->format->list_symbols(object, add_line, object);
	object->format->list_starts(object, add_line, object);
	listed[0] = 0;
	object->format->list_linked(object, add_linked, object);
	wb_object_close(object);
}

static void stands_any_damage(void)
{
	struct macho_make m;
	struct whole w;
	struct wb_object *object;
	size_t size;

	make_whole(&m, &w, true, false);
	uint8_t *bytes = macho_make_finish(&m, &size);

	for (size_t cut = 0; cut < size; cut += cut < 0x800 ? 1 : 7)
		if (open_copy(bytes, cut, NULL, &object) == WB_OK)
			use_all(object);
	for (size_t at = 0; at < size; at += at < 0x3f0 || at > 0x1400 ? 1 : 64) {
		for (unsigned flip = 0; flip < 3; flip++) {
			uint8_t was = bytes[at];

			bytes[at] = (uint8_t)(flip == 0 ? was ^ 1 : flip == 1 ? was ^ 0x80 : 0xff);
			if (open_copy(bytes, size, NULL, &object) == WB_OK)
				use_all(object);
			bytes[at] = was;
		}
	}
	free(bytes);
}

/* Whichever allocation fails: the file does not open, or what asks gets the error; and what is asked for again is whole. */
static void stands_failing_allocations(void)
{
	struct macho_make m;
	struct whole w;
	size_t size;

	make_whole(&m, &w, true, false);
	uint8_t *bytes = macho_make_finish(&m, &size);

	for (uint64_t nth = 1, made = nth; made >= nth; nth++) {
		struct wb_object *object;

		wb_mem_fail_at(nth, false);
		enum wb_err err = open_copy(bytes, size, NULL, &object);
		if (!err) {
			listed[0] = 0;
			err = object->format->list_symbols(object, add_line, object);
			made = wb_mem_count();
			wb_mem_fail_at(0, false);
			CHECK(!err || err == WB_ERR_MEMORY);
			CHECK_STR(list(object), expected_symbols);
			wb_object_close(object);
		} else {
			CHECK_EQ_I64(err, WB_ERR_MEMORY);
			made = nth + 1;
		}
		wb_mem_fail_at(0, false);
	}
	free(bytes);
}

static void reports_damage(void)
{
	/* At: in the exports, in the starts, of the string table's size (after the symbols'), of a command's size. */
	static const uint8_t circle[] = { 0, 1, 'a', 0, 0 }, cut_branch[] = { 0, 1, 'a', 'b' }, far_start[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };
	static const struct { const char *name; struct macho_make_piece exports, starts; const char *diag; } cases[] = {
		{ "a trie in circles", { circle, sizeof circle }, { 0 }, "made: exports+0x0: the trie is deeper than any, or leads around in circles" },
		{ "a cut branch", { cut_branch, sizeof cut_branch }, { 0 }, "made: exports+0x2: a branch is cut, or its name is longer than 64 KiB" },
		{ "a start too far", { 0 }, { far_start, sizeof far_start },
		  "made: function starts+0x6: a function starts behind the end of all addresses" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct macho_make m;
		struct whole w;
		struct wb_object *object;

		test_row(cases[i].name);
		make_whole(&m, &w, true, false);
		m.exports = cases[i].exports;
		m.starts = cases[i].starts;
		REQUIRE(open_made(&m, &object) == WB_OK);
		CHECK(strstr(list(object), "global code main\n") != NULL);
		CHECK_STR(last_diag, cases[i].diag);
		CHECK_EQ_U64(num_diags, 1);
		wb_object_close(object);
	}
}

int main(void)
{
	TEST_RUN(reads_every_class);
	TEST_RUN(knows_kinds);
	TEST_RUN(relocates);
	TEST_RUN(chooses_from_fat_files);
	TEST_RUN(opens_the_part_of_a_uuid);
	TEST_RUN(opens_members_of_archives);
	TEST_RUN(stands_damaged_archives);
	TEST_RUN(stands_any_damage);
	TEST_RUN(stands_failing_allocations);
	TEST_RUN(reports_damage);
	return test_summary();
}
