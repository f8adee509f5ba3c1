/* SPDX-License-Identifier: MIT */
/* Objects in zip archives: stored entries by their names, by their build ids and by offsets; what is refused, every kind of damage, images whose paths name
 * an entry, and mappings that only name the archive. */
#include "test.h"

#include "base/mem.h"
#include "elf_make.h"
#include "model/image.h"
#include "zip_make.h"

static unsigned num_diags;
static char last_diag[512];

static void note_diag(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	num_diags++;
	wb_diag_format(diag, last_diag, sizeof last_diag);
}

static struct zip_make archive;

/* Which one it is, its code's address says, as does the first byte of its build id. */
static void add_elf(const char *name, unsigned method, uint64_t vaddr)
{
	static const uint8_t code[16] = { 0xc0, 0x03, 0x5f, 0xd6 };
	const uint8_t id[20] = { (uint8_t)(vaddr >> 12), 1, 2, 3 };
	struct elf_make m;
	uint8_t note[64];
	size_t size;

	elf_make_init(&m, true, false, 3, 183);
	elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, note, elf_make_build_id(&m, note, id, 20));
	unsigned text = elf_make_section(&m, ".text", 1, 6, vaddr, code, sizeof code);
	elf_make_segment(&m, 1, 5, text, text);
	uint8_t *bytes = elf_make_finish(&m, &size);
	zip_make_entry(&archive, name, method, bytes, size);
	free(bytes);
}

static void make_archive(void)
{
	archive = (struct zip_make){ .size = 0 };
	zip_make_entry(&archive, "AndroidManifest.xml", 8, "packed", 6);
	add_elf("lib/arm64-v8a/libfirst.so", 0, 0x1000);
	add_elf("lib/arm64-v8a/libsecond.so", 0, 0x2000);
	add_elf("lib/arm64-v8a/libpacked.so", 8, 0x3000);
	zip_make_entry(&archive, "assets/text", 0, "no object", 9);
	zip_make_finish(&archive, "PK\5\6 a comment that looks like an end");
}

/* In a heap block of exactly that size, for the sanitizer build; mapped, or read piece by piece. */
static enum wb_err open_chosen(size_t size, const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	static struct wb_diags diags;
	uint8_t *exact = malloc(size ? size : 1);
	struct wb_file *file;
	enum wb_err err;

	memcpy(exact, archive.bytes, size);
	num_diags = 0;
	wb_diags_init(&diags, note_diag, NULL);
	if (wb_file_of_bytes(exact, size, free, exact, &file) != WB_OK)
		return WB_ERR_MEMORY;
	err = wb_object_open_chosen(&diags, "base.apk", file, 0, choice, ret_object);
	wb_diags_deinit(&diags);
	/* Only opening reports here. */
	if (!err)
		(*ret_object)->diags = NULL;
	return err;
}

static enum wb_err open_copy(size_t size, const char *member, struct wb_object **ret_object)
{
	return open_chosen(size, &(struct wb_object_choice){ .member = member }, ret_object);
}

/* Where the nth ELF file of the archive begins: entries' bytes follow their headers. */
static size_t nth_elf(unsigned n)
{
	for (size_t at = 0; at + 4 <= archive.size; at++)
		if (!memcmp(archive.bytes + at, "\177ELF", 4) && !n--)
			return at;
	return 0;
}

static void opens_stored_entries(void)
{
	static const struct { const char *name, *member; enum wb_err err; uint64_t vaddr; const char *diag; } rows[] = {
		{ "the first", "lib/arm64-v8a/libfirst.so", WB_OK, 0x1000, "" },
		{ "another", "lib/arm64-v8a/libsecond.so", WB_OK, 0x2000, "" },
		{ "compressed", "lib/arm64-v8a/libpacked.so", WB_ERR_UNSUPPORTED, 0, "its entry lib/arm64-v8a/libpacked.so is compressed" },
		{ "no object", "assets/text", WB_ERR_UNSUPPORTED, 0, "no object file that this build knows" },
		{ "not there", "lib/arm64-v8a/libfirst.s", WB_ERR_DATA, 0, "no entry lib/arm64-v8a/libfirst.s in the archive" },
		{ "no name", "", WB_ERR_DATA, 0, "no entry  in the archive" },
	};

	make_archive();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wb_object *object;
		uint8_t byte = 0;

		test_row(rows[i].name);
		enum wb_err err = open_copy(archive.size, rows[i].member, &object);
		CHECK_EQ_I64(err, rows[i].err);
		CHECK_EQ_U64(num_diags, err ? 1 : 0);
		if (err) {
			CHECK(strstr(last_diag, rows[i].diag));
			continue;
		}
		CHECK_STR(object->format->name, "elf");
		CHECK_EQ_U64(object->segments[0].vaddr, rows[i].vaddr);
		CHECK(wb_object_read(object, rows[i].vaddr, &byte, 1) == WB_OK && byte == 0xc0);
		wb_object_close(object);
	}
	test_row(NULL);
}

/* As captures know who a library is that was loaded out of an archive. */
static void opens_by_build_id(void)
{
	static const struct { const char *name; uint8_t first; size_t size; enum wb_err err; uint64_t vaddr; unsigned nth; } rows[] = {
		{ "the first", 1, 20, WB_OK, 0x1000, 0 }, { "another", 2, 20, WB_OK, 0x2000, 1 }, { "compressed", 3, 20, WB_ERR_UNSUPPORTED, 0, 0 },
		{ "not there", 9, 20, WB_ERR_UNSUPPORTED, 0, 0 }, { "too short", 1, 4, WB_ERR_UNSUPPORTED, 0, 0 },
	};

	make_archive();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint8_t id[20] = { rows[i].first, 1, 2, 3 };
		struct wb_object *object;

		test_row(rows[i].name);
		enum wb_err err = open_chosen(archive.size, &(struct wb_object_choice){ .build_id = id, .build_id_size = rows[i].size }, &object);
		CHECK_EQ_I64(err, rows[i].err);
		if (err) {
			CHECK(strstr(last_diag, "no object of that build id in it"));
			continue;
		}
		CHECK_STR(object->format->name, "elf");
		CHECK_EQ_U64(object->segments[0].vaddr, rows[i].vaddr);
		CHECK_EQ_U64(object->file_start, nth_elf(rows[i].nth));
		wb_object_close(object);
	}
	test_row(NULL);
}

/* Where nothing says which, the archive itself is opened, and its members are found by where their bytes are. */
static void finds_members_by_offset(void)
{
	size_t first, second, packed;

	make_archive();
	first = nth_elf(0), second = nth_elf(1), packed = nth_elf(2);
	const struct { const char *name; size_t offset; const char *expect; size_t start; } rows[] = {
		{ "the first byte", first, "lib/arm64-v8a/libfirst.so", first }, { "the one before", first - 1, "", 0 },
		{ "another's", second + 0x40, "lib/arm64-v8a/libsecond.so", second }, { "compressed", packed, "", 0 }, { "the archive's start", 0, "", 0 },
		{ "its end", archive.size - 1, "", 0 }, { "past its end", archive.size + 100, "", 0 }, { "the last offset", SIZE_MAX, "", 0 },
	};
	struct wb_object *object;

	REQUIRE(open_copy(archive.size, NULL, &object) == WB_OK);
	CHECK_STR(object->format->name, "zip");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wb_member member = { .name = "" };

		test_row(rows[i].name);
		CHECK_EQ_I64(object->format->find_member(object, rows[i].offset, &member), *rows[i].expect ? WB_OK : WB_NONE);
		CHECK_STR(member.name, rows[i].expect);
		CHECK_EQ_U64(member.offset, rows[i].start);
	}
	test_row(NULL);
	wb_object_close(object);
}

static void find_some_members(struct wb_object *object)
{
	struct wb_member member;

	if (!object->format->find_member)
		return;
	for (size_t at = 0; at < archive.size + 64; at += 61)
		if (object->format->find_member(object, at, &member) == WB_OK)
			CHECK(at >= member.offset && at - member.offset < member.size && *member.name);
}

/* Opens it in the three ways; what opens is consistent. */
static void open_every_way(size_t size)
{
	const uint8_t id[20] = { 2, 1, 2, 3 };
	struct wb_object *object;

	if (open_copy(size, "lib/arm64-v8a/libsecond.so", &object) == WB_OK)
		wb_object_close(object);
	if (open_chosen(size, &(struct wb_object_choice){ .build_id = id, .build_id_size = 20 }, &object) == WB_OK)
		wb_object_close(object);
	if (open_copy(size, NULL, &object) == WB_OK) {
		find_some_members(object);
		wb_object_close(object);
	}
}

static void stands_any_damage(void)
{

	make_archive();
	for (size_t cut = 0; cut < archive.size; cut++)
		open_every_way(cut);
	for (size_t at = 0; at < archive.size; at++) {
		for (unsigned flip = 0; flip < 3; flip++) {
			uint8_t was = archive.bytes[at];

			archive.bytes[at] = (uint8_t)(flip == 0 ? was ^ 1 : flip == 1 ? was ^ 0x80 : 0xff);
			open_every_way(archive.size);
			archive.bytes[at] = was;
		}
	}
}

/* As captures of Android name what is mapped out of an archive; read from a file, not from memory. */
static void finds_by_path(void)
{
	static const struct { const char *path; uint64_t vaddr; } rows[] = {
		{ "/data/app/base.apk!/lib/arm64-v8a/libsecond.so", 0x2000 }, { "/data/app/base.apk!/lib/arm64-v8a/libfirst.so", 0x1000 },
		{ "/data/app/base.apk!/lib/arm64-v8a/libthird.so", 0 }, { "/data/app/base.apk!/", 0 },
	};
	struct wb_session *session;

	make_archive();
	test_write_file(test_tmp("base.apk"), archive.bytes, archive.size);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_sysroot(session, test_state.tmp) == WB_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct wb_identity identity = { .size = sizeof identity, .path = rows[i].path };
		struct wb_image *image;
		struct wb_object *object;
		uint8_t byte = 0;

		test_row(rows[i].path);
		REQUIRE(wb_image_new(session, &identity, &image) == WB_OK);
		CHECK_EQ_I64(wb_image_object(image, WB_FILE_EXECUTABLE, &object), rows[i].vaddr ? WB_OK : WB_NONE);
		if (rows[i].vaddr)
			CHECK(wb_image_read(image, rows[i].vaddr, &byte, 1) == WB_OK && byte == 0xc0);
		wb_image_unref(image);
	}
	test_row(NULL);
	wb_session_free(session);
}

/* Mappings of the archive: each library's has an image of its own, whose path says which; symbols, debug files and all go by that. */
static void maps_by_offset(void)
{
	static const struct { const char *name; unsigned nth; uint64_t more; const char *expect; uint64_t vaddr; } rows[] = {
		{ "the first", 0, 0, "/data/app/base.apk!/lib/arm64-v8a/libfirst.so", 0x1000 },
		{ "another", 1, 0, "/data/app/base.apk!/lib/arm64-v8a/libsecond.so", 0x2000 },
		{ "compressed", 2, 0, "/data/app/base.apk", 0 },
		{ "past all", 1, 0x10000, "/data/app/base.apk", 0 },
	};
	const struct wb_platform platform = { .arch = WB_ARCH_AARCH64, .os = WB_OS_LINUX };
	struct wb_session *session;

	make_archive();
	test_write_file(test_tmp("base.apk"), archive.bytes, archive.size);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_sysroot(session, test_state.tmp) == WB_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wb_mapping mapping = { .size = sizeof mapping, .start = 0x700000, .end = 0x710000, .prot = WB_PROT_READ | WB_PROT_EXEC,
		                              .path = "/data/app/base.apk" };
		struct wb_place place = { .size = sizeof place };
		struct wb_space *empty, *space;
		uint8_t byte = 0;

		test_row(rows[i].name);
		/* The code's own offset in the ELF file, which elf_make puts behind the headers: its note comes before. */
		const uint8_t *code = memchr(archive.bytes + nth_elf(rows[i].nth), 0xc0, 4096);
		mapping.file_offset = (uint64_t)(code - archive.bytes) + rows[i].more;
		REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
		REQUIRE(wb_space_map(empty, &mapping, 1, &space) == WB_OK);
		REQUIRE(wb_space_find(space, 0x700000, &place) == WB_OK);
		CHECK_STR(wb_image_path(place.image), rows[i].expect);
		CHECK_EQ_U64(place.has_image_pc ? place.image_pc : 0, rows[i].vaddr);
		if (place.has_image_pc)
			CHECK(wb_image_read(place.image, rows[i].vaddr, &byte, 1) == WB_OK && byte == 0xc0);
		wb_space_unref(space);
		wb_space_unref(empty);
	}
	test_row(NULL);
	wb_session_free(session);
}

/* Without memory for the nth allocation, a mapping has no image this time; the next time it has. */
static void fails_clean_without_memory(void)
{
	const struct wb_platform platform = { .arch = WB_ARCH_AARCH64, .os = WB_OS_LINUX };
	struct wb_mapping mapping = { .size = sizeof mapping, .start = 0x700000, .end = 0x710000, .prot = WB_PROT_READ | WB_PROT_EXEC,
	                              .path = "/data/app/base.apk" };
	bool was_found = false;

	make_archive();
	test_write_file(test_tmp("base.apk"), archive.bytes, archive.size);
	mapping.file_offset = (uint64_t)((const uint8_t *)memchr(archive.bytes + nth_elf(1), 0xc0, 4096) - archive.bytes);
	for (uint64_t nth = 1; !was_found; nth++) {
		struct wb_place place = { .size = sizeof place };
		struct wb_space *empty, *space;
		struct wb_session *session;

		REQUIRE(nth < 1000);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_sysroot(session, test_state.tmp) == WB_OK);
		REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
		REQUIRE(wb_space_map(empty, &mapping, 1, &space) == WB_OK);
		wb_mem_fail_at(nth, false);
		CHECK_EQ_I64(wb_space_find(space, 0x700000, &place), WB_OK);
		was_found = place.has_image_pc && wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		REQUIRE(wb_space_find(space, 0x700000, &place) == WB_OK);
		CHECK_EQ_U64(place.has_image_pc ? place.image_pc : 0, 0x2000);
		wb_space_unref(space);
		wb_space_unref(empty);
		wb_session_free(session);
	}
}

int main(void)
{
	TEST_RUN(opens_stored_entries);
	TEST_RUN(opens_by_build_id);
	TEST_RUN(finds_members_by_offset);
	TEST_RUN(maps_by_offset);
	TEST_RUN(fails_clean_without_memory);
	TEST_RUN(stands_any_damage);
	TEST_RUN(finds_by_path);
	return test_summary();
}
