/* SPDX-License-Identifier: MIT */
/* Makes the seeds of fuzz_pe. usage: pe_seeds FOLDER */
#include "unit/pe_make.h"

#include <stdio.h>

static struct pe_make made;

int main(int argc, char **argv)
{
	char path[4096];
	FILE *file;

	if (argc != 2)
		return 2;
	pe_make_codes(&made);
	snprintf(path, sizeof path, "%s/codes.exe", argv[1]);
	file = fopen(path, "wb");
	return !file || fwrite(made.bytes, 1, made.size, file) != made.size || fclose(file);
}
