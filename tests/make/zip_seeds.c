/* SPDX-License-Identifier: MIT */
/* Makes the seeds of fuzz_zip: an object file that is stored, behind what is not. usage: zip_seeds FOLDER */
#include "elf_make.h"
#include "zip_make.h"

#include <stdio.h>

static struct zip_make archive;

static void save(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(archive.bytes, 1, archive.size, file) != archive.size || fclose(file))
		exit(1);
}

int main(int argc, char **argv)
{
	static const uint8_t code[16] = { 0xc3 };
	struct elf_make m;
	size_t size;

	if (argc != 2)
		return 2;
	elf_make_init(&m, true, false, 3, 62);
	unsigned text = elf_make_section(&m, ".text", 1, 6, 0x1000, code, sizeof code);
	elf_make_segment(&m, 1, 5, text, text);
	uint8_t *bytes = elf_make_finish(&m, &size);
	zip_make_entry(&archive, "packed", 8, "packed", 6);
	zip_make_entry(&archive, "a.o", 0, bytes, size);
	zip_make_finish(&archive, "");
	save(argv[1], "stored");
	archive = (struct zip_make){ .size = 0 };
	zip_make_entry(&archive, "a.o", 8, bytes, size);
	zip_make_finish(&archive, "a comment");
	save(argv[1], "packed");
	free(bytes);
	return 0;
}
