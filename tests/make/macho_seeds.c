/* SPDX-License-Identifier: MIT */
/* Makes the seeds of fuzz_macho and fuzz_compact: small files with one of everything that the readers know. usage: macho_seeds MACHO-FOLDER COMPACT-FOLDER */
#include "macho_whole.h"
#include "unit/compact_make.h"

#include <stdio.h>

static void save(const char *folder, const char *name, const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
		exit(1);
}

static uint8_t *make_thin(bool is_64, bool big_endian, size_t *ret_size)
{
	static struct whole w;
	struct macho_make m;

	make_whole(&m, &w, is_64, big_endian);
	return macho_make_finish(&m, ret_size);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "thin-32-little", "thin-64-little", "thin-32-big", "thin-64-big" };
	static const char *const archs[] = { "x86-64", "arm64", "x86" };
	struct macho_make order = { .big_endian = true };
	struct compact_make compact;
	static uint8_t fat[MACHO_MAKE_SIZE];

	if (argc != 3)
		return 2;
	for (unsigned i = 0; i < 4; i++) {
		size_t size;
		uint8_t *bytes = make_thin(i & 1, i & 2, &size);

		save(argv[1], names[i], bytes, size);
		memcpy(fat + 64, bytes, size);
		macho_make_store(&order, fat, 0xcafebabe, 4);
		macho_make_store(&order, fat + 4, 1, 4);
		macho_make_store(&order, fat + 8, X86_64, 4);
		macho_make_store(&order, fat + 16, 64, 4);
		macho_make_store(&order, fat + 20, size, 4);
		if (i == 1)
			save(argv[1], "fat", fat, size + 64);
		if (i == 1) {
			int length = snprintf((char *)fat, sizeof fat, "!<arch>\n%-16s%-12d%-6d%-6d%-8o%-10zu`\n", "a.o/", 1000, 0, 0, 0644u, size);

			memcpy(fat + length, bytes, size);
			save(argv[1], "archive", fat, (size_t)length + size);
		}
		free(bytes);
	}
	compact_whole(&compact);
	memmove(compact.bytes + 1, compact.bytes, compact.size);
	for (unsigned i = 0; i < 3; i++) {
		compact.bytes[0] = (uint8_t)i;
		save(argv[2], archs[i], compact.bytes, compact.size + 1);
	}
	return 0;
}
