/* SPDX-License-Identifier: MIT */
/* PE files written here: who they are, their names, where their bytes are; damaged ones. */
#include "pe_make.h"
#include "test.h"

#include <walkback/walkback.h>

#include "base/mem.h"
#include "model/image.h"

static struct pe_make made;

static void knows_who_a_file_is(void)
{
	static const uint8_t id[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0, 0, 0, 0x0a };
	struct wb_image_info info = { .size = sizeof(info) };
	struct wb_object *object;
	struct wb_session *session;
	struct wb_image *image;
	uint8_t bytes[4];

	pe_make_codes(&made);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "app.exe", made.bytes, made.size, 0, NULL, NULL, &image) == WB_OK);
	REQUIRE(wb_image_info(image, &info) == WB_OK && wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK);
	CHECK_STR(info.format, "pe");
	CHECK_EQ_I64(info.platform.arch, WB_ARCH_X86_64);
	CHECK_EQ_I64(info.platform.os, WB_OS_WINDOWS);
	CHECK(info.build_id_size == sizeof(id) && !memcmp(info.build_id, id, sizeof(id)));
	CHECK(object->code_id_size == 8 && !memcmp(object->code_id, "\x5f\x5f\x2c\x88\0\0\x30\0", 8));
	CHECK_EQ_U64(wb_object_base(object), PE_BASE);
	CHECK_EQ_I64(wb_image_read(image, PE_BASE + 0x1010, bytes, 4), WB_OK);
	CHECK(!memcmp(bytes, "\x48\x83\xc4\x20", 4));
	CHECK_EQ_I64(wb_image_read(image, PE_BASE + 0x13fe, bytes, 4), WB_NONE);
	wb_image_unref(image);
	wb_session_free(session);
}

static void tells_its_parts(void)
{
	static const struct { const char *name; enum wb_part_use use; } rows[] = { { ".pdata", WB_PART_UNWIND }, { "symbol table", WB_PART_NAMES } };
	struct wb_image_part part = { .size = sizeof(part) };
	struct wb_session *session;
	struct wb_image *image;

	pe_make_codes(&made);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "app.exe", made.bytes, made.size, 0, NULL, NULL, &image) == WB_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		REQUIRE(wb_image_part(image, i, &part) == WB_OK);
		CHECK_STR(part.name, rows[i].name);
		CHECK_EQ_I64(part.use, rows[i].use);
		CHECK_EQ_I64(part.role, WB_FILE_EXECUTABLE);
	}
	CHECK_EQ_I64(wb_image_part(image, 2, &part), WB_NONE);
	wb_image_unref(image);
	wb_session_free(session);
}

static void lists_names(void)
{
	static const struct { const char *name; uint64_t rva; } rows[] = { { "exported", 0x1020 }, { "short", 0x1040 }, { "a_long_function", 0x1060 } };
	struct wb_symbolizer *symbolizer;
	struct wb_session *session;
	struct wb_image *image;

	pe_make_codes(&made);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "app.exe", made.bytes, made.size, 0, NULL, NULL, &image) == WB_OK);
	REQUIRE(wb_symbolizer_new(session, NULL, &symbolizer) == WB_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wb_site *sites;
		size_t count;

		REQUIRE(wb_symbolize(symbolizer, image, PE_BASE + rows[i].rva, WB_PC_EXACT, &sites, &count) == WB_OK);
		CHECK_STR(sites[0].function ? sites[0].function : "", rows[i].name);
	}
	wb_symbolizer_free(symbolizer);
	wb_image_unref(image);
	wb_session_free(session);
}

/* All that can be asked, which may fail but not crash. */
static enum wb_err use(const uint8_t *bytes, size_t size)
{
	struct wb_row_info info = { .size = sizeof(info) };
	struct wb_session *session;
	struct wb_image *image;
	uint64_t pc, length;
	enum wb_err err = wb_session_new(NULL, &session);

	if (err)
		return err;
	err = wb_image_open_bytes(session, "app.exe", bytes, size, 0, NULL, NULL, &image);
	if (!err) {
		struct wb_symbolizer *symbolizer;

		for (uint64_t rva = 0x1000; rva < 0x1140 && err != WB_ERR_MEMORY; rva += 0x10)
			err = wb_row_info(session, image, PE_BASE + rva, WB_HOW_WINDOWS, &info);
		if (err != WB_ERR_MEMORY)
			err = wb_symbolizer_new(session, NULL, &symbolizer);
		if (!err) {
			err = wb_symbol_find(symbolizer, image, "nothing", &pc, &length);
			wb_symbolizer_free(symbolizer);
		}
		wb_image_unref(image);
	}
	wb_session_free(session);
	return err;
}

static void survives_damage(void)
{
	pe_make_codes(&made);
	for (size_t size = 0; size < made.size; size++) {
		uint8_t *copy = malloc(size ? size : 1);

		memcpy(copy, made.bytes, size);
		use(copy, size);
		free(copy);
	}
	/* Each byte of the headers, the tables and the symbols, turned over. */
	for (size_t at = 0; at < made.size; at++) {
		if (at >= PE_TEXT_AT && at < PE_DATA_AT)
			continue;
		made.bytes[at] ^= 0xff;
		use(made.bytes, made.size);
		made.bytes[at] ^= 0xff;
	}
	CHECK(true);
}

static void fails_without_memory(void)
{
	pe_make_codes(&made);
	for (uint64_t nth = 1, done = 0; !done; nth++) {
		enum wb_err err;

		wb_mem_fail_at(nth, true);
		err = use(made.bytes, made.size);
		done = wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		CHECK(done ? err == WB_NONE : err == WB_ERR_MEMORY);
	}
}

int main(void)
{
	TEST_RUN(knows_who_a_file_is);
	TEST_RUN(tells_its_parts);
	TEST_RUN(lists_names);
	TEST_RUN(survives_damage);
	TEST_RUN(fails_without_memory);
	return test_summary();
}
