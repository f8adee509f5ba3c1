/* SPDX-License-Identifier: MIT */
/*
 * Writes the samples of one process of a capture to a flat file (flat.h), through the public headers alone: x86-64 samples with
 * registers and stack, and the mappings of that process as of its last sample.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <walkback/walkback.h>

#include "flat.h"

struct pid_count {
	uint32_t pid;
	uint64_t samples;
};

struct dump {
	uint32_t pid;
	uint64_t num_samples, samples_size;
	FILE *samples;             /* a temporary file */
	struct wb_space *space;    /* of the last sample; referenced */
	struct flat_map *maps;
	size_t num_maps;
	char *strings;
	size_t strings_size;
};

static void on_diag(void *arg, const struct wb_diag *diag)
{
	char line[512];

	(void)arg;
	wb_diag_format(diag, line, sizeof(line));
	fprintf(stderr, "bench_dump: %s\n", line);
}

/* All 17 registers and a stack that starts at the stack pointer, or it is left out. */
static int sample_read(const struct wb_sample *sample, struct flat_sample *ret, const uint8_t **ret_stack)
{
	uint32_t have = 0;

	if (sample->num_contexts == 0 || sample->num_regions == 0)
		return 0;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < sample->contexts[0].num_regs; i++) {
		const struct wb_reg *reg = &sample->contexts[0].regs[i];
		uint32_t number = reg->number == WB_REG_PC ? FLAT_RIP : reg->number;

		if (number < FLAT_REGS) {
			ret->regs[number] = reg->value;
			have |= UINT32_C(1) << number;
		}
	}
	for (size_t i = 0; i < sample->num_regions; i++) {
		const struct wb_region *region = &sample->regions[i];

		if (region->address > ret->regs[FLAT_RSP] || ret->regs[FLAT_RSP] - region->address >= region->size)
			continue;
		ret->stack_address = region->address;
		ret->stack_size = (uint32_t)region->size;
		ret->time_ns = sample->time_ns;
		ret->tid = sample->tid;
		*ret_stack = region->bytes;
		return have == (UINT32_C(1) << FLAT_REGS) - 1;
	}
	return 0;
}

/* The process with the most samples that can be dumped. 0: none. */
static uint32_t busiest_process(struct wb_capture *capture)
{
	struct pid_count counts[256] = { 0 };
	size_t num = 0, best = 0;
	struct wb_space *space;
	const struct wb_sample *sample;

	while (wb_capture_next(capture, &space, &sample) == WB_OK) {
		struct flat_sample flat;
		const uint8_t *stack;
		size_t i = 0;

		if (!sample_read(sample, &flat, &stack))
			continue;
		while (i < num && counts[i].pid != sample->pid)
			i++;
		if (i == sizeof(counts) / sizeof(counts[0]))
			continue;
		num += i == num;
		counts[i].pid = sample->pid;
		counts[i].samples++;
		if (counts[i].samples > counts[best].samples)
			best = i;
	}
	return num ? counts[best].pid : 0;
}

static int write_samples(struct dump *dump, struct wb_capture *capture)
{
	static const uint8_t zeros[8];
	struct wb_space *space;
	const struct wb_sample *sample;
	enum wb_err err;

	while ((err = wb_capture_next(capture, &space, &sample)) == WB_OK) {
		struct flat_sample flat;
		const uint8_t *stack;
		size_t pad;

		if (sample->pid != dump->pid || !sample_read(sample, &flat, &stack))
			continue;
		pad = (8 - flat.stack_size % 8) % 8;
		if (fwrite(&flat, sizeof(flat), 1, dump->samples) != 1 || fwrite(stack, 1, flat.stack_size, dump->samples) != flat.stack_size ||
		    fwrite(zeros, 1, pad, dump->samples) != pad)
			return -1;
		dump->num_samples++;
		dump->samples_size += sizeof(flat) + flat.stack_size + pad;
		wb_space_unref(dump->space);
		dump->space = wb_space_ref(space);
	}
	return err == WB_NONE ? 0 : -1;
}

static int add_string(struct dump *dump, const char *string, uint32_t *ret_at)
{
	size_t size = strlen(string) + 1;

	for (size_t at = 0; at < dump->strings_size; at += strlen(dump->strings + at) + 1)
		if (strcmp(dump->strings + at, string) == 0) {
			*ret_at = (uint32_t)at;
			return 0;
		}
	char *strings = realloc(dump->strings, dump->strings_size + size);
	if (!strings)
		return -1;
	memcpy(strings + dump->strings_size, string, size);
	*ret_at = (uint32_t)dump->strings_size;
	dump->strings = strings;
	dump->strings_size += size;
	return 0;
}

static int add_map(struct dump *dump, const struct wb_place *place)
{
	struct wb_image_info info = { .size = sizeof(info) };
	struct flat_map map = { .start = place->start, .end = place->end, .file_offset = place->file_offset, .prot = place->prot };
	const char *path = place->image && wb_image_info(place->image, &info) == WB_OK ? info.path : "";
	struct flat_map *maps = realloc(dump->maps, (dump->num_maps + 1) * sizeof(*maps));

	if (!maps)
		return -1;
	dump->maps = maps;
	if (add_string(dump, path, &map.path) != 0)
		return -1;
	dump->maps[dump->num_maps++] = map;
	return 0;
}

static int read_maps(struct dump *dump)
{
	struct wb_place place = { .size = sizeof(place) };

	/* The kernel's half is not dumped. */
	for (uint64_t at = 0; wb_space_next(dump->space, at, &place) == WB_OK && place.start >> 63 == 0; at = place.end)
		if (add_map(dump, &place) != 0)
			return -1;
	/* The samples, which follow, are aligned. */
	size_t pad = (8 - dump->strings_size % 8) % 8;
	char *strings = realloc(dump->strings, dump->strings_size + pad + 1);
	if (!strings)
		return -1;
	memset(strings + dump->strings_size, 0, pad + 1);
	dump->strings = strings;
	dump->strings_size += pad;
	return 0;
}

static int write_file(struct dump *dump, const char *path)
{
	static char buffer[1 << 16];
	struct flat_header header = { .magic = FLAT_MAGIC, .num_maps = dump->num_maps, .num_samples = dump->num_samples };
	FILE *out = fopen(path, "wb");
	size_t got;

	if (!out)
		return -1;
	header.maps_at = sizeof(header);
	header.strings_at = header.maps_at + dump->num_maps * sizeof(*dump->maps);
	header.samples_at = header.strings_at + dump->strings_size;
	header.size = header.samples_at + dump->samples_size;
	fwrite(&header, sizeof(header), 1, out);
	fwrite(dump->maps, sizeof(*dump->maps), dump->num_maps, out);
	fwrite(dump->strings, 1, dump->strings_size, out);
	rewind(dump->samples);
	while ((got = fread(buffer, 1, sizeof(buffer), dump->samples)) > 0)
		fwrite(buffer, 1, got, out);
	int failed = ferror(out) || ferror(dump->samples);
	return fclose(out) != 0 || failed ? -1 : 0;
}

static struct wb_capture *open_capture(struct wb_session *session, const char *path)
{
	struct wb_capture *capture = NULL;
	enum wb_err err = wb_capture_open(session, path, NULL, &capture);

	if (err)
		fprintf(stderr, "bench_dump: %s: %s\n", path, wb_err_text(err));
	return capture;
}

int main(int argc, char **argv)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .diag = on_diag, .trust_unverified = 1 };
	struct dump dump = { .samples = tmpfile() };
	struct wb_session *session = NULL;
	struct wb_capture *capture;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: bench_dump CAPTURE FLAT [PID]   (default: the process with the most samples)\n");
		return 2;
	}
	if (!dump.samples || wb_session_new(&opts, &session) || wb_session_add_host_paths(session))
		return 1;
	dump.pid = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	if (!dump.pid) {
		if (!(capture = open_capture(session, argv[1])))
			return 1;
		dump.pid = busiest_process(capture);
		wb_capture_free(capture);
	}
	if (!(capture = open_capture(session, argv[1])))
		return 1;
	int failed = write_samples(&dump, capture) != 0 || !dump.space || read_maps(&dump) != 0 || write_file(&dump, argv[2]) != 0;
	wb_capture_free(capture);
	wb_space_unref(dump.space);
	wb_session_free(session);
	fclose(dump.samples);
	free(dump.maps);
	free(dump.strings);
	if (failed)
		fprintf(stderr, "bench_dump: no samples with registers and stack, or the file cannot be written\n");
	else
		printf("process %" PRIu32 ": %" PRIu64 " samples, %zu mappings\n", dump.pid, dump.num_samples, dump.num_maps);
	return failed;
}
