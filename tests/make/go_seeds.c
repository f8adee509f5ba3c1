/* SPDX-License-Identifier: MIT */
/*
 * Writes the seeds of fuzz_goroutines: the memory of a small Go process as some releases lay it out.
 * usage: go_seeds FOLDER
 */
#include "go_make.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	static const struct { const char *name; unsigned word; size_t layout; } seeds[] = {
		{ "go1.12", 8, 0 }, { "go1.17", 8, 4 }, { "go1.21", 8, 6 }, { "go1.26", 8, 11 }, { "go1.26_32bit", 4, 11 },
	};

	for (unsigned i = 0; argc > 1 && i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		static struct go_make made;
		char path[512];
		uint8_t first;
		FILE *out;

		go_make(&made, wb_go_layout(seeds[i].word, seeds[i].layout), seeds[i].word);
		first = (uint8_t)(made.version | (seeds[i].word == 4 ? 0x80 : 0));
		snprintf(path, sizeof(path), "%s/%s", argv[1], seeds[i].name);
		out = fopen(path, "wb");
		if (!out || fwrite(&first, 1, 1, out) != 1 || fwrite(made.bytes, 1, sizeof(made.bytes), out) != sizeof(made.bytes) || fclose(out))
			perror(path);
	}
	return argc < 2;
}
