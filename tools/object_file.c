/* SPDX-License-Identifier: MIT */
/* Objects are Mach-O and PE files, and ELF files that are no cores (ELF gABI, figure 4-3: e_type at 16, ET_CORE is 4). */
#include "object_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Of Mach-O files, thin of either width and byte order, and fat. */
static bool is_macho(const unsigned char *head)
{
	static const unsigned char magics[][4] = {
		{ 0xfe, 0xed, 0xfa, 0xce }, { 0xfe, 0xed, 0xfa, 0xcf }, { 0xce, 0xfa, 0xed, 0xfe }, { 0xcf, 0xfa, 0xed, 0xfe },
		{ 0xca, 0xfe, 0xba, 0xbe }, { 0xca, 0xfe, 0xba, 0xbf },
	};

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (!memcmp(head, magics[i], sizeof(magics[i])))
			return true;
	return false;
}

bool wb_object_is(const char *path)
{
	unsigned char head[18] = { 0 };
	struct stat st;
	/* Opening a pipe would wait for its other end, reading from it take what it has. */
	FILE *file = strcmp(path, "-") && !stat(path, &st) && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
	size_t got = file ? fread(head, 1, sizeof(head), file) : 0;
	bool big_endian = head[5] == 2;

	if (file)
		fclose(file);
	if (got == sizeof(head) && (is_macho(head) || !memcmp(head, "MZ", 2)))
		return true;
	return got == sizeof(head) && !memcmp(head, "\177ELF", 4) && head[big_endian ? 17 : 16] != 4;
}
