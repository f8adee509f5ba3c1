/* SPDX-License-Identifier: MIT */
/*
 * Whole folders: snapshots, and perf's. An input is files: a byte that chooses the name, the size (two bytes, little-endian), the bytes. Nothing outside the
 * folder is opened; a snapshot has at most one sample; a walker takes all samples, and two readings give the same. Each sample of a snapshot is written as
 * another one, which can be read and has the same registers.
 */
#include <walkback/walkback.h>

#include "base/mem.h"
#include "fuzz.h"
#include "virtual_files.h"

#include <stdio.h>
#include <string.h>

enum { FRAMES = 64, SAMPLES = 16, WRITTEN_MAX = 64 };

static const char *const names[] = { "maps.txt", "regs.txt", "stack.data", "stack0.data", "stack1.data", "libx.so", "app", "elf.data",
	                             "data", "data.0", "data.1" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static struct { const uint8_t *bytes; size_t size; } files[NAMES];

/* The folder "out", as wb_snapshot_write makes it. */
static struct { char path[256]; uint8_t *bytes; size_t size; } written[WRITTEN_MAX];
static size_t num_written;
static bool is_made;

static void forget_written(void)
{
	while (num_written)
		wb_mem_free(written[--num_written].bytes);
	is_made = false;
}

static const uint8_t *virtual_file(const char *path, size_t *ret_size)
{
	FUZZ_ASSERT(!strncmp(path, "dir/", 4) || !strncmp(path, "out/", 4));
	FUZZ_ASSERT(!strstr(path, "/../"));
	for (size_t i = 0; i < num_written; i++) {
		if (strcmp(path, written[i].path))
			continue;
		*ret_size = written[i].size;
		return written[i].bytes;
	}
	for (size_t i = 0; i < NAMES && *path == 'd'; i++) {
		if (strcmp(path + 4, names[i]) || !files[i].bytes)
			continue;
		*ret_size = files[i].size;
		return files[i].bytes;
	}
	return NULL;
}

static bool is_virtual_folder(const char *path)
{
	return !strcmp(path, "dir") || !strcmp(path, "dir/.build-id") || (is_made && !strcmp(path, "out"));
}

enum wb_err __wrap_wb_file_make_folder(const char *path);
enum wb_err __wrap_wb_file_make_folder(const char *path)
{
	FUZZ_ASSERT(!strcmp(path, "out") && !is_made);
	is_made = true;
	return WB_OK;
}

/* Files are new, and right inside of the folder. */
enum wb_err __wrap_wb_file_write_new(const char *path, const void *bytes, size_t size, const char **ret_reason);
enum wb_err __wrap_wb_file_write_new(const char *path, const void *bytes, size_t size, const char **ret_reason)
{
	size_t old_size;

	(void)ret_reason;
	FUZZ_ASSERT(is_made && !strncmp(path, "out/", 4) && path[4] && !strchr(path + 4, '/') && !virtual_file(path, &old_size));
	if (num_written == WRITTEN_MAX || strlen(path) >= sizeof(written[0].path))
		return WB_ERR_IO;
	snprintf(written[num_written].path, sizeof(written[0].path), "%s", path);
	/* An empty file has an address, too. */
	written[num_written].bytes = wb_mem_zalloc(size + 1, 1);
	FUZZ_ASSERT(written[num_written].bytes);
	if (size)
		memcpy(written[num_written].bytes, bytes, size);
	written[num_written++].size = size;
	return WB_OK;
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
	enum wb_err opened, read, wrote; /* read: what followed the last sample, wrote: WB_NONE: no snapshot */
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

static void take_samples(struct wb_session *session, struct wb_capture *capture, bool copies, struct reading *reading)
{
	struct wb_capture_info info = { .size = sizeof(info) };
	const struct wb_sample *sample;
	struct wb_space *space;
	bool is_snapshot;

	FUZZ_ASSERT(wb_capture_info(capture, &info) == WB_OK);
	is_snapshot = !strcmp(info.format, "snapshot");
	FUZZ_ASSERT(is_snapshot || !strcmp(info.format, "perf.data"));
	for (unsigned i = 0; i < SAMPLES && !(reading->read = wb_capture_next(capture, &space, &sample)); i++) {
		FUZZ_ASSERT(!is_snapshot || !i);
		walk(session, space, sample, reading);
		if (is_snapshot && copies)
			reading->wrote = wb_snapshot_write(session, space, sample, "out", 1);
	}
}

static void read_folder(const char *folder, struct reading *reading)
{
	struct wb_session *session;
	struct wb_capture *capture;

	memset(reading, 0, sizeof(*reading));
	reading->wrote = WB_NONE;
	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	reading->opened = wb_capture_open(session, folder, NULL, &capture);
	if (!reading->opened) {
		take_samples(session, capture, *folder == 'd', reading);
		wb_capture_free(capture);
	}
	wb_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct reading first, second, copy;

	read_input(bytes, size);
	read_folder("dir", &first);
	forget_written();
	read_folder("dir", &second);
	FUZZ_ASSERT(first.opened != WB_ERR_ARGUMENT && first.read != WB_ERR_ARGUMENT);
	FUZZ_ASSERT(!memcmp(&first, &second, sizeof(first)));
	if (!second.wrote) {
		read_folder("out", &copy);
		FUZZ_ASSERT(!copy.opened && copy.read == WB_NONE && copy.regs == second.regs);
	}
	forget_written();
	return 0;
}
