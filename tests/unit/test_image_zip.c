/* SPDX-License-Identifier: MIT */
/* Objects in zip archives: stored entries by their names, what is refused, every kind of damage, and images whose paths name an entry. */
#include "test.h"

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

/* Which one it is, its code's address says. */
static void add_elf(const char *name, unsigned method, uint64_t vaddr)
{
	static const uint8_t code[16] = { 0xc0, 0x03, 0x5f, 0xd6 };
	struct elf_make m;
	size_t size;

	elf_make_init(&m, true, false, 3, 183);
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
static enum wb_err open_copy(size_t size, const char *member, struct wb_object **ret_object)
{
	static struct wb_diags diags;
	const struct wb_object_choice choice = { .member = member };
	uint8_t *exact = malloc(size ? size : 1);
	struct wb_file *file;
	enum wb_err err;

	memcpy(exact, archive.bytes, size);
	num_diags = 0;
	wb_diags_init(&diags, note_diag, NULL);
	if (wb_file_of_bytes(exact, size, free, exact, &file) != WB_OK)
		return WB_ERR_MEMORY;
	err = wb_object_open_chosen(&diags, "base.apk", file, 0, &choice, ret_object);
	wb_diags_deinit(&diags);
	/* Only opening reports here. */
	if (!err)
		(*ret_object)->diags = NULL;
	return err;
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
		{ "not asked for", NULL, WB_ERR_UNSUPPORTED, 0, "a zip archive, where an object file is wanted" },
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

static void stands_any_damage(void)
{
	struct wb_object *object;

	make_archive();
	for (size_t cut = 0; cut < archive.size; cut++)
		if (open_copy(cut, "lib/arm64-v8a/libsecond.so", &object) == WB_OK)
			wb_object_close(object);
	for (size_t at = 0; at < archive.size; at++) {
		for (unsigned flip = 0; flip < 3; flip++) {
			uint8_t was = archive.bytes[at];

			archive.bytes[at] = (uint8_t)(flip == 0 ? was ^ 1 : flip == 1 ? was ^ 0x80 : 0xff);
			if (open_copy(archive.size, "lib/arm64-v8a/libsecond.so", &object) == WB_OK)
				wb_object_close(object);
			archive.bytes[at] = was;
		}
	}
}

/* As captures of Android name what is mapped out of an archive; read from a file, not from memory. */
static void finds_by_path(void)
{
	static const struct { const char *path; uint64_t vaddr; } rows[] = {
		{ "/data/app/base.apk!/lib/arm64-v8a/libsecond.so", 0x2000 }, { "/data/app/base.apk!/lib/arm64-v8a/libfirst.so", 0x1000 },
		{ "/data/app/base.apk!/lib/arm64-v8a/libthird.so", 0 }, { "/data/app/base.apk!/", 0 }, { "/data/app/base.apk", 0 },
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

int main(void)
{
	TEST_RUN(opens_stored_entries);
	TEST_RUN(stands_any_damage);
	TEST_RUN(finds_by_path);
	return test_summary();
}
