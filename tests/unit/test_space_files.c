/* SPDX-License-Identifier: MIT */
/*
 * Memory that was not captured, where a file is mapped: the file has it only if it is proven to be the one, by its build id or because the caller opened
 * it for the mapping. Code may be read from any file that is used, since the walk goes by that file anyway.
 */
#include "image_made.h"

#include "model/space.h"

enum { ADDRESS = 0x700000, PAGE = 0x1000 };

static const struct {
	const char *name;
	const uint8_t *wanted, *had;  /* build ids; NULL: none */
	bool forced, opened;          /* by the user's word; by the caller */
	uint32_t prot;
	enum wb_err memory, code;
} cases[] = {
	{ "its build id is the one that is wanted", id_a, id_a, false, false, WB_PROT_READ | WB_PROT_EXEC, WB_OK, WB_OK },
	{ "the same, writable", id_a, id_a, false, false, WB_PROT_READ | WB_PROT_WRITE, WB_NONE, WB_NONE },
	{ "no build id is wanted", NULL, id_a, false, false, WB_PROT_READ | WB_PROT_EXEC, WB_NONE, WB_OK },
	{ "the file has none", id_a, NULL, false, false, WB_PROT_READ | WB_PROT_EXEC, WB_NONE, WB_OK },
	{ "used by the user's word", id_a, id_b, true, false, WB_PROT_READ | WB_PROT_EXEC, WB_NONE, WB_OK },
	{ "another one", id_a, id_b, false, false, WB_PROT_READ | WB_PROT_EXEC, WB_NONE, WB_NONE },
	{ "opened by the caller", NULL, NULL, false, true, WB_PROT_READ | WB_PROT_EXEC, WB_OK, WB_OK },
};

static void absent_memory_is_a_proven_files(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };
		const char *path = write_made("mapped", EXECUTABLE, cases[i].had, NULL, 0);
		struct script script = { .offers = { { WB_FILE_EXECUTABLE, path, false, cases[i].forced } }, .count = 1 };
		struct wb_mapping mapping = { .size = sizeof(mapping), .start = ADDRESS, .end = ADDRESS + PAGE, .base = ADDRESS, .prot = cases[i].prot };
		struct wb_session *session = new_session(false);
		struct wb_image *image = NULL;
		struct wb_space *empty, *space;
		uint8_t bytes[4] = { 0 };

		test_row(cases[i].name);
		REQUIRE(wb_session_add_finder(session, find_scripted, &script, NULL) == WB_OK);
		if (cases[i].opened)
			REQUIRE(wb_image_open(session, path, &image) == WB_OK);
		else
			image = new_image(session, "/mapped", cases[i].wanted);
		mapping.image = image;
		REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
		REQUIRE(wb_space_map(empty, &mapping, 1, &space) == WB_OK);
		CHECK_EQ_I64(wb_space_read(space, ADDRESS, bytes, sizeof(bytes)), cases[i].memory);
		CHECK(cases[i].memory != WB_OK || !memcmp(bytes, code, sizeof(bytes)));
		CHECK_EQ_I64(wb_space_read_code(space, ADDRESS, bytes, sizeof(bytes)), cases[i].code);
		CHECK(cases[i].code != WB_OK || !memcmp(bytes, code, sizeof(bytes)));
		wb_space_unref(space);
		wb_space_unref(empty);
		wb_image_unref(image);
		wb_session_free(session);
	}
}

int main(void)
{
	TEST_RUN(absent_memory_is_a_proven_files);
	return test_summary();
}
