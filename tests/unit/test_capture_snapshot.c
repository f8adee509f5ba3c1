/* SPDX-License-Identifier: MIT */
/* Snapshot folders: what is read, what is refused and how that is said, and that what is written reads back the same. */
#include <walkback/formats.h>

#include "test.h"

static char message[1024];

static void keep_message(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	wb_diag_format(diag, message, sizeof(message));
}

static struct wb_session *new_session(void)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .diag = keep_message };
	struct wb_session *session = NULL;

	message[0] = 0;
	CHECK(wb_session_new(&opts, &session) == WB_OK);
	return session;
}

static void write_in(const char *folder, const char *file, const void *bytes, size_t size)
{
	char path[TEST_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	test_write_file(path, bytes, size);
}

/* A folder of this name with these files; NULL: left out. */
static const char *make_folder(const char *name, const char *maps, const char *regs, const char *stack, size_t stack_size)
{
	const char *folder = test_tmp(name);

	CHECK(mkdir(folder, 0777) == 0);
	if (maps)
		write_in(folder, "maps.txt", maps, strlen(maps));
	if (regs)
		write_in(folder, "regs.txt", regs, strlen(regs));
	if (stack)
		write_in(folder, "stack.data", stack, stack_size);
	return folder;
}

#define REGS "rip: 401010\nrsp: 7ffc00001000\n"
#define STACK "\x00\x10\x00\x00\xfc\x7f\x00\x00" "12345678"

static const struct {
	const char *name, *maps, *regs, *stack;
	size_t stack_size;
	enum wb_err expect;
	const char *text;             /* in the message */
} refused[] = {
	{ "no-maps", NULL, REGS, NULL, 0, WB_ERR_IO, "maps.txt: no such file" },
	{ "no-regs", "", NULL, NULL, 0, WB_ERR_UNSUPPORTED, "" },
	{ "bad-map", "400000-401000 r-xp 0 00:00 0 a\nhello\n", REGS, NULL, 0, WB_ERR_DATA, "maps.txt: offset 0x1f: line is not a mapping" },
	{ "map-backwards", "401000-400000 r-xp 0 00:00 0 a\n", REGS, NULL, 0, WB_ERR_DATA, "line is not a mapping" },
	{ "map-17-digits", "10000000000000000-20000000000000000 r-xp 0 00:00 0\n", REGS, NULL, 0, WB_ERR_DATA, "line is not a mapping" },
	{ "bad-reg", "", "rip: 12\nrsp = 12\n", NULL, 0, WB_ERR_DATA, "regs.txt: offset 0x8: line is not `name: hex`" },
	{ "other-arch", "", "at: 1\nv0: 2\nk0: 3\npc: 4\n", NULL, 0, WB_ERR_UNSUPPORTED, "registers of no architecture" },
	{ "no-pc", "", "rax: 1\n", NULL, 0, WB_ERR_UNSUPPORTED, "registers of no architecture" },
	{ "empty-regs", "", "\n\n", NULL, 0, WB_ERR_UNSUPPORTED, "registers of no architecture" },
	{ "short-stack", "", REGS, "1234567", 7, WB_ERR_DATA, "stack.data: offset 0x7: ends within the start address" },
	{ "wrapping-stack", "", REGS, "\xff\xff\xff\xff\xff\xff\xff\xff" "12345678", 16, WB_ERR_DATA, "reaches past the last address" },
};

static void refuses(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *folder = make_folder(refused[i].name, refused[i].maps, refused[i].regs, refused[i].stack, refused[i].stack_size);
		struct wb_session *session = new_session();
		struct wb_capture *capture = NULL;

		test_row(refused[i].name);
		CHECK_EQ_I64(wb_capture_open(session, folder, NULL, &capture), refused[i].expect);
		CHECK(!capture);
		test_check(strstr(message, refused[i].text) != NULL, TEST_WHERE, "message is \"%s\", expected \"%s\" in it", message,
		           refused[i].text);
		wb_session_free(session);
	}
}

static void check_reg(const struct wb_sample *sample, const char *name, uint64_t value)
{
	uint32_t number = 0;

	test_row(name);
	CHECK(wb_reg_from_name(WB_ARCH_X86_64, name, &number) == WB_OK);
	for (size_t i = 0; i < sample->contexts[0].num_regs; i++) {
		if (sample->contexts[0].regs[i].number != number)
			continue;
		CHECK_EQ_U64(sample->contexts[0].regs[i].value, value);
		return;
	}
	CHECK(!"listed");
}

static void check_sample(const struct wb_sample *sample, struct wb_space *space)
{
	struct wb_place place = { .size = sizeof(place) };

	REQUIRE(sample->num_contexts == 1 && sample->num_regions == 1);
	CHECK_EQ_U64(sample->contexts[0].num_regs, 2);
	CHECK_EQ_U64(sample->contexts[0].pc_kind, WB_PC_EXACT);
	check_reg(sample, "rip", 0x401010);
	check_reg(sample, "rsp", 0x7ffc00001000);
	CHECK_EQ_U64(sample->regions[0].address, 0x7ffc00001000);
	CHECK_EQ_U64(sample->regions[0].size, 8);
	CHECK_MEM(sample->regions[0].bytes, "12345678", 8);
	REQUIRE(wb_space_find(space, 0x401010, &place) == WB_OK);
	CHECK_EQ_U64(place.start, 0x401000);
	CHECK_EQ_U64(place.end, 0x403000);
	CHECK_EQ_U64(place.file_offset, 0x1000);
	CHECK_EQ_U64(place.prot, WB_PROT_READ | WB_PROT_EXEC);
	CHECK(place.image != NULL);
	CHECK(wb_space_find(space, 0x403000, &place) == WB_NONE);
	CHECK(wb_space_find(space, 0x500000, &place) == WB_OK);
	CHECK(!place.image);
}

/* A last byte that is included, a name that is no register, two mappings of one path, one without any. */
static void reads_and_writes(void)
{
	const char *folder = make_folder("good",
	                                 "401000-402fff r-xp 1000 00:00 0   prog name.so\n\n"
	                                 "00400000-00401000 r--p 00000000 08:01 12345  prog name.so\r\n"
	                                 "500000-501000 rw-p 0 00:00 0 \n",
	                                 "rip: 401010\n  rsp : 0x7FFC00001000 \nzzz: 1\n", STACK, sizeof(STACK) - 1);
	char copy[TEST_PATH_MAX];
	struct wb_session *session = new_session();
	struct wb_capture *capture = NULL;
	const struct wb_sample *sample;
	struct wb_space *space;

	for (int round = 0; round < 2; round++) {
		test_row(round ? "written" : "read");
		REQUIRE(wb_capture_open(session, round ? copy : folder, NULL, &capture) == WB_OK);
		REQUIRE(wb_capture_next(capture, &space, &sample) == WB_OK);
		check_sample(sample, space);
		if (!round) {
			snprintf(copy, sizeof(copy), "%s", test_tmp("copy"));
			CHECK(wb_snapshot_write(session, space, sample, copy, 2) == WB_OK);
			CHECK(wb_snapshot_write(session, space, sample, copy, 0) == WB_ERR_IO);
			CHECK(strstr(message, "copy: is there already") != NULL);
		}
		CHECK(wb_capture_next(capture, &space, &sample) == WB_NONE);
		CHECK(wb_capture_next(capture, &space, &sample) == WB_NONE);
		wb_capture_free(capture);
	}
	wb_session_free(session);
}

static void reads_several_stacks(void)
{
	const char *folder = make_folder("stacks", "", REGS, NULL, 0);
	struct wb_session *session = new_session();
	struct wb_capture *capture = NULL;
	const struct wb_sample *sample;
	struct wb_space *space;

	write_in(folder, "stack0.data", "\x00\x20\0\0\0\0\0\0" "BBBB", 12);
	write_in(folder, "stack1.data", "\x00\x10\0\0\0\0\0\0" "AAAA", 12);
	REQUIRE(wb_capture_open(session, folder, NULL, &capture) == WB_OK);
	REQUIRE(wb_capture_next(capture, &space, &sample) == WB_OK);
	REQUIRE(sample->num_regions == 2);
	CHECK_EQ_U64(sample->regions[0].address, 0x1000);
	CHECK_MEM(sample->regions[0].bytes, "AAAA", 4);
	CHECK_EQ_U64(sample->regions[1].address, 0x2000);
	wb_capture_free(capture);
	write_in(folder, "stack2.data", "\x02\x10\0\0\0\0\0\0" "CCCC", 12);
	CHECK(wb_capture_open(session, folder, NULL, &capture) == WB_ERR_DATA);
	CHECK(strstr(message, "two stacks overlap") != NULL);
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(refuses);
	TEST_RUN(reads_and_writes);
	TEST_RUN(reads_several_stacks);
	return test_summary();
}
