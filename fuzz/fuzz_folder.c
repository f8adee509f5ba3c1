/* SPDX-License-Identifier: MIT */
/*
 * Whole snapshot folders. An input is files: a byte that chooses the name, the size (two bytes, little-endian), the bytes. Nothing outside the folder is
 * opened; the folder has at most one sample, which a walker takes, and two readings give the same.
 */
#include <walkback/walkback.h>

#include "fuzz.h"
#include "virtual_files.h"

#include <string.h>

enum { FRAMES = 64 };

static const char *const names[] = { "maps.txt", "regs.txt", "stack.data", "stack0.data", "stack1.data", "libx.so", "app", "elf.data" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static struct { const uint8_t *bytes; size_t size; } files[NAMES];

static const uint8_t *virtual_file(const char *path, size_t *ret_size)
{
	FUZZ_ASSERT(!strncmp(path, "dir/", 4) && !strstr(path, "/../"));
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(path + 4, names[i]) || !files[i].bytes)
			continue;
		*ret_size = files[i].size;
		return files[i].bytes;
	}
	return NULL;
}

static bool is_virtual_folder(const char *path)
{
	return !strcmp(path, "dir") || !strcmp(path, "dir/.build-id");
}

static void read_input(const uint8_t *bytes, size_t size)
{
	memset(files, 0, sizeof(files));
	while (size >= 3) {
		size_t which = bytes[0] % NAMES, count = (size_t)bytes[1] | (size_t)bytes[2] << 8;

		bytes += 3;
		size -= 3;
		count = count < size ? count : size;
		files[which].bytes = bytes;
		files[which].size = count;
		bytes += count;
		size -= count;
	}
}

struct reading {
	enum wb_err opened, read;
	struct wb_frame frames[FRAMES];
	size_t count;
	struct wb_stop stop;
	uint64_t regs;
};

static void walk(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample, struct reading *reading)
{
	struct wb_walker_opts opts = { .size = sizeof(opts), .row_cache_entries = 64 };
	struct wb_walker *walker;

	for (size_t i = 0; i < sample->num_contexts; i++)
		for (size_t k = 0; k < sample->contexts[i].num_regs; k++)
			reading->regs = reading->regs * 31 + sample->contexts[i].regs[k].number + sample->contexts[i].regs[k].value;
	FUZZ_ASSERT(wb_walker_new(session, &opts, &walker) == WB_OK);
	FUZZ_ASSERT(wb_walk(walker, space, sample, reading->frames, sizeof(reading->frames[0]), FRAMES, &reading->count, &reading->stop) == WB_OK);
	wb_walker_free(walker);
}

static void read_folder(struct reading *reading)
{
	struct wb_capture_info info = { .size = sizeof(info) };
	const struct wb_sample *sample;
	struct wb_session *session;
	struct wb_capture *capture;
	struct wb_space *space;

	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	reading->opened = wb_capture_open(session, "dir", NULL, &capture);
	if (!reading->opened) {
		FUZZ_ASSERT(wb_capture_info(capture, &info) == WB_OK && !strcmp(info.format, "snapshot"));
		reading->read = wb_capture_next(capture, &space, &sample);
		if (!reading->read) {
			walk(session, space, sample, reading);
			FUZZ_ASSERT(wb_capture_next(capture, &space, &sample) == WB_NONE);
		}
		wb_capture_free(capture);
	}
	wb_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct reading first, second;

	read_input(bytes, size);
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	read_folder(&first);
	read_folder(&second);
	FUZZ_ASSERT(first.opened != WB_ERR_ARGUMENT && first.read != WB_ERR_ARGUMENT);
	FUZZ_ASSERT(!memcmp(&first, &second, sizeof(first)));
	return 0;
}
