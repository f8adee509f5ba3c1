/* SPDX-License-Identifier: MIT */
/*
 * Writes the seeds of fuzz_core: small cores of each class and byte order, with threads, a signal, files, an auxiliary vector, a module's first
 * page and a stack of frame pointers.
 * usage: core_seeds FOLDER
 */
#include "core_make.h"

#include <stdio.h>

enum { CODE = 0x400000, STACK = 0x7ff000 };

static const struct { const char *name; bool is_64, big_endian; uint16_t machine; unsigned pc, sp, fp, words; } seeds[] = {
	{ "x86_64", true, false, 62, 16, 19, 4, 27 },
	{ "i386", false, false, 3, 12, 15, 5, 17 },
	{ "aarch64_be", true, true, 183, 32, 31, 29, 34 },
};

static void write_seed(const char *folder, unsigned i)
{
	static const struct core_make_file files[] = { { CODE, CODE + 0x1000, 0, "/bin/a" } };
	const uint64_t auxv[][2] = { { 3, CODE + (seeds[i].is_64 ? 64 : 52) }, { 4, seeds[i].is_64 ? 56 : 32 }, { 5, 2 }, { 9, CODE + 16 }, { 31, STACK } };
	uint8_t page[512] = { 0 }, stack[96] = { 0 }, mask[16] = { 0 }, *at;
	uint64_t regs[40] = { 0 };
	struct core_make m;
	char path[512];
	size_t size;
	uint8_t *file;
	FILE *out;

	core_make_init(&m, seeds[i].is_64, seeds[i].big_endian, seeds[i].machine);
	at = core_make_head(&m, page, 3, 2);
	at = core_make_program(&m, at, 1, 5, 0, 0, sizeof(page), 0x1000);
	core_make_program(&m, at, 2, 6, 256, 256, 32, 32);
	at = core_make_word(&m, page + 256, 21);
	core_make_word(&m, at, STACK + 32);
	memcpy(stack, "/bin/a", 7);
	at = core_make_word(&m, stack + 16, STACK + 64);
	core_make_word(&m, at, CODE + 32);
	at = core_make_word(&m, stack + 32, 1);
	core_make_word(&m, at, STACK + 48);
	regs[seeds[i].pc] = CODE + 16;
	regs[seeds[i].sp] = STACK + 8;
	regs[seeds[i].fp] = STACK + 16;
	core_make_thread(&m, 10, 11, regs, seeds[i].words);
	core_make_process(&m, 10, "a", "a -b");
	core_make_siginfo(&m, 11, 1, 8);
	core_make_auxv(&m, auxv, 5);
	if (i != 1)
		core_make_files(&m, files, 1);
	if (seeds[i].machine == 183)
		core_make_note(&m, "LINUX", 0x406, mask, sizeof(mask));
	core_make_thread(&m, 11, 0, regs, seeds[i].words);
	core_make_segment(&m, 5, CODE, page, sizeof(page), 0x1000);
	core_make_segment(&m, 6, STACK, stack, sizeof(stack), 0x1000);
	file = core_make_finish(&m, &size);
	snprintf(path, sizeof(path), "%s/%s", folder, seeds[i].name);
	out = fopen(path, "wb");
	if (!out || fwrite(file, 1, size, out) != size || fclose(out))
		perror(path);
	free(file);
}

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc > 1 && i < sizeof(seeds) / sizeof(seeds[0]); i++)
		write_seed(argv[1], i);
	return argc < 2;
}
