/* SPDX-License-Identifier: MIT */
/* Feeds files to a fuzz target without a fuzzer: every file of the given folders, and every given
 * file, each as a heap copy of exactly its size so that sanitizers see one byte too many. This is
 * how `meson test` replays the corpora, and how a crash is looked at in a debugger. */

#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

enum { PATH_SIZE = 4096 };

/* The bytes of the file in an allocation of that size, not a byte more; NULL when not readable. */
static uint8_t *read_exactly(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	uint8_t *bytes = malloc(size);
	if ((!bytes && size > 0) || fread(bytes, 1, size, file) != size) {
		free(bytes);
		bytes = NULL;
	}
	fclose(file);
	return bytes;
}

static bool replay_file(const char *path, size_t size)
{
	/* Before the call, so that the log of a crash ends with the file that made it. */
	fprintf(stderr, "%s\n", path);
	uint8_t *bytes = size > 0 ? read_exactly(path, size) : NULL;
	if (size > 0 && !bytes) {
		fprintf(stderr, "%s: not readable\n", path);
		return false;
	}
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return true;
}

static bool replay_folder(const char *folder, unsigned *count)
{
	struct dirent **entries;
	int num_entries = scandir(folder, &entries, NULL, alphasort);
	if (num_entries < 0) {
		perror(folder);
		return false;
	}
	bool ok = true;
	for (int i = 0; i < num_entries; i++) {
		char path[PATH_SIZE];
		struct stat info;
		int n = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		if (n > 0 && n < PATH_SIZE && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
			ok = replay_file(path, (size_t)info.st_size) && ok;
			++*count;
		}
		free(entries[i]);
	}
	free(entries);
	return ok;
}

int main(int argc, char **argv)
{
	bool ok = true;
	unsigned count = 0;
	for (int i = 1; i < argc; i++) {
		struct stat info;
		if (stat(argv[i], &info) != 0) {
			perror(argv[i]);
			ok = false;
		} else if (S_ISDIR(info.st_mode)) {
			ok = replay_folder(argv[i], &count) && ok;
		} else {
			ok = replay_file(argv[i], (size_t)info.st_size) && ok;
			count++;
		}
	}
	printf("%u inputs\n", count);
	return ok && count > 0 ? 0 : 1;
}
