/* SPDX-License-Identifier: MIT */
/*
 * What Android does with libraries in an .apk, on any Linux: `apk make ARCHIVE LIBRARY...` stores them in a zip archive, at whole pages (APPNOTE.TXT of
 * PKWARE, 4.3; zipalign -p); `apk run ARCHIVE NAME OFFSET...` maps each one's segments out of the archive, as the dynamic linker of Android does, and
 * calls the function of that name in the first with itself as the argument, which ends the process.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, ENTRIES = 8 };

static struct entry { const char *name; long local, start, size; } entries[ENTRIES];

static void put(FILE *out, unsigned long value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		fputc((int)(value >> 8 * i & 0xff), out);
}

/* What local and central headers have both, from the version on. */
static void put_common(FILE *out, const struct entry *entry, unsigned long extra)
{
	put(out, 10, 2);
	put(out, 0, 2);
	put(out, 0, 2);               /* stored */
	put(out, 0, 8);               /* time, date, CRC: not looked at */
	put(out, (unsigned long)entry->size, 4);
	put(out, (unsigned long)entry->size, 4);
	put(out, strlen(entry->name), 2);
	put(out, extra, 2);
}

static int store(FILE *out, struct entry *entry, const char *path)
{
	FILE *in = fopen(path, "rb");
	unsigned long extra;
	int c;

	if (!in || fseek(in, 0, SEEK_END))
		return 1;
	entry->name = path;
	entry->size = ftell(in);
	rewind(in);
	entry->local = ftell(out);
	extra = PAGE - (unsigned long)(entry->local + 30 + (long)strlen(path)) % PAGE;
	put(out, 0x04034b50, 4);
	put_common(out, entry, extra);
	fputs(path, out);
	while (extra--)
		fputc(0, out);
	entry->start = ftell(out);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	return fclose(in);
}

static int make(const char *archive, int count, char **paths)
{
	FILE *out = fopen(archive, "wb");
	long start;
	long size;

	for (int i = 0; out && i < count; i++) {
		if (store(out, &entries[i], paths[i]))
			return 1;
		printf("%ld ", entries[i].start);
	}
	if (!out)
		return 1;
	start = ftell(out);
	for (int i = 0; i < count; i++) {
		put(out, 0x02014b50, 4);
		put(out, 10, 2);
		put_common(out, &entries[i], 0);
		put(out, 0, 8);
		put(out, 0, 2);
		put(out, (unsigned long)entries[i].local, 4);
		fputs(paths[i], out);
	}
	size = ftell(out) - start;
	put(out, 0x06054b50, 4);
	put(out, 0, 4);
	put(out, (unsigned long)count, 2);
	put(out, (unsigned long)count, 2);
	put(out, (unsigned long)size, 4);
	put(out, (unsigned long)start, 4);
	put(out, 0, 2);
	return fclose(out);
}

/* Where the library at offset is mapped; its first segment is at 0. */
static char *map_library(int fd, long offset)
{
	char *head = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, offset), *base;
	const Elf64_Ehdr *header = (const void *)head;
	const Elf64_Phdr *program = (const void *)(head + header->e_phoff);

	base = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < header->e_phnum; i++) {
		unsigned long before = program[i].p_vaddr % PAGE;
		int prot = (program[i].p_flags & PF_R ? PROT_READ : 0) | (program[i].p_flags & PF_W ? PROT_WRITE : 0) | (program[i].p_flags & PF_X ? PROT_EXEC : 0);

		if (program[i].p_type == PT_LOAD &&
		    mmap(base + program[i].p_vaddr - before, program[i].p_filesz + before, prot, MAP_PRIVATE | MAP_FIXED, fd,
		         offset + (long)(program[i].p_offset - before)) == MAP_FAILED)
			abort();
	}
	munmap(head, PAGE);
	return base;
}

/* By the dynamic symbols, which end where the strings begin. */
static char *find(char *base, const char *name)
{
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Phdr *program = (const void *)(base + header->e_phoff);
	const Elf64_Dyn *dynamic = NULL;
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;

	for (int i = 0; i < header->e_phnum; i++)
		if (program[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + program[i].p_vaddr);
	for (; dynamic && dynamic->d_tag; dynamic++) {
		if (dynamic->d_tag == DT_SYMTAB)
			symbols = (const void *)(base + dynamic->d_un.d_ptr);
		if (dynamic->d_tag == DT_STRTAB)
			strings = base + dynamic->d_un.d_ptr;
	}
	for (; symbols && (const char *)symbols < strings; symbols++)
		if (!strcmp(strings + symbols->st_name, name))
			return base + symbols->st_value;
	abort();
}

static int die(void *next)
{
	(void)next;
	abort();
}

/* Each library's function calls what it is given: that of the next library, and at last die(). */
static int run(const char *archive, const char *name, int count, char **offsets)
{
	int fd = open(archive, O_RDONLY);
	void *functions[ENTRIES + 1];
	int (*first)(void *);

	if (fd < 0)
		return 1;
	for (int i = 0; i < count; i++)
		functions[i] = find(map_library(fd, atol(offsets[i])), name);
	*(int (**)(void *))&functions[count] = die;
	first = *(int (**)(void *))&functions[0];
	return first(functions + 1) + 1;
}

int main(int argc, char **argv)
{
	if (argc > 3 && argc < 3 + ENTRIES && !strcmp(argv[1], "make"))
		return make(argv[2], argc - 3, argv + 3);
	if (argc > 4 && argc < 4 + ENTRIES && !strcmp(argv[1], "run"))
		return run(argv[2], argv[3], argc - 4, argv + 4);
	return 2;
}
