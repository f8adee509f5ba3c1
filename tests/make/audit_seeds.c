/* SPDX-License-Identifier: MIT */
/* Writes the seeds of fuzz_audit: small ELF files with one function, called by nobody or by Go's tables, that does something to its frame pointer. */
#include "elf_make.h"
#include "pclntab_make.h"

#include <stdio.h>

enum { X86_64 = 62, AARCH64 = 183, TEXT_SIZE = 0x60 };

static void save(const char *folder, const char *name, uint8_t *bytes, size_t size)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
		exit(1);
	free(bytes);
}

static void plain(const char *folder, const char *name, const uint8_t *code, size_t size)
{
	uint8_t text[TEXT_SIZE] = { 0 }, *bytes;
	size_t file_size;

	memcpy(text, code, size);
	bytes = elf_make_function(X86_64, PCLNTAB_TEXT, text, sizeof(text), size, &file_size);
	save(folder, name, bytes, file_size);
}

static void go(const char *folder, const char *name, uint16_t machine, const uint8_t *code, size_t size)
{
	static const char list[] = "0123456789abcdefmod\texample.com/fast\tv1\t\n0123456789abcdef";
	uint8_t text[TEXT_SIZE] = { 0xc3 }, build[128] = "\xff Go buildinf:\x08\x02";
	struct pclntab_make p;
	size_t file_size;
	uint8_t *bytes;
	struct elf_make m;

	memcpy(text + 0x40, code, size);
	build[32] = 4;
	memcpy(build + 33, "go1.", 4);
	build[37] = sizeof(list) - 1;
	memcpy(build + 38, list, sizeof(list) - 1);
	pclntab_make(&p, WB_PCLNTAB_1_20, 8, machine == AARCH64 ? 4 : 1, false);
	elf_make_init(&m, true, false, 2, machine);
	elf_make_section(&m, ".text", 1, 6, PCLNTAB_TEXT, text, sizeof(text));
	elf_make_section(&m, ".gopclntab", 1, 2, PCLNTAB_ADDRESS, p.bytes, p.size);
	elf_make_section(&m, ".go.buildinfo", 1, 3, 0xa000, build, 38 + sizeof(list) - 1);
	bytes = elf_make_finish(&m, &file_size);
	save(folder, name, bytes, file_size);
}

int main(int argc, char **argv)
{
	/* mov $0x30bc5b29,%ebp; call +0x10; ret, and what C does on aarch64: stp x29,x30,[sp,#-16]!; mov x29,sp; ldp x29,x30,[sp],#16; ret */
	static const uint8_t x86[] = { 0xbd, 0x29, 0x5b, 0xbc, 0x30, 0xe8, 0x10, 0, 0, 0, 0xc3 };
	static const uint8_t arm[] = { 0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6 };

	if (argc != 2)
		return 2;
	plain(argv[1], "plain_x86_64", x86, sizeof(x86));
	go(argv[1], "go_amd64", X86_64, x86, sizeof(x86));
	go(argv[1], "go_arm64", AARCH64, arm, sizeof(arm));
	return 0;
}
