/* SPDX-License-Identifier: MIT */
/* Writes the seeds of fuzz_pclntab: a small table of each version, as tests/pclntab_make.h makes it, behind the target's first byte. */
#include "pclntab_make.h"

#include <stdio.h>

static void save(const char *folder, const char *name, const struct pclntab_make *m)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fputc(m->big_endian | (int)m->version << 1, file) == EOF || fwrite(m->bytes, 1, m->size, file) != m->size || fclose(file))
		exit(1);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "go_1_2", "go_1_16", "go_1_18", "go_1_20" };
	struct pclntab_make m;

	if (argc != 2)
		return 2;
	for (unsigned i = 0; i < 4; i++) {
		pclntab_make(&m, (enum wb_pclntab_version)i, i % 2 ? 8 : 4, i == 1 ? 4 : 1, i == 1);
		save(argv[1], names[i], &m);
	}
	return 0;
}
