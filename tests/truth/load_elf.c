/* SPDX-License-Identifier: MIT */
/* ELF programs of 64 bits, static or with an interpreter, as Linux starts them: fs/binfmt_elf.c. */
#include "emulator.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADERS_MAX = 32, STACK_SIZE = 8 << 20, AUX_MAX = 20 };

static const uint64_t program_base = UINT64_C(0x555555554000), stack_end = UINT64_C(0x7ffffffff000);

static enum wb_arch probe(const uint8_t *bytes, size_t size)
{
	Elf64_Ehdr header;

	if (size < sizeof(header))
		return WB_ARCH_UNKNOWN;
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return WB_ARCH_UNKNOWN;
	switch (header.e_machine) {
	case EM_AARCH64: return WB_ARCH_AARCH64;
	case EM_X86_64: return WB_ARCH_X86_64;
	default: return WB_ARCH_UNKNOWN;
	}
}

struct image {
	const char *path;
	FILE *file;
	Elf64_Ehdr header;
	Elf64_Phdr segments[HEADERS_MAX];
	uint64_t bias;
	char interpreter[256];
};

static bool read_at(FILE *file, uint64_t offset, void *buffer, size_t size)
{
	return !fseek(file, (long)offset, SEEK_SET) && fread(buffer, 1, size, file) == size;
}

static bool open_image(const char *path, struct image *image)
{
	*image = (struct image){ .path = path, .file = fopen(path, "rb") };
	if (!image->file || !read_at(image->file, 0, &image->header, sizeof(image->header)) || image->header.e_phnum > HEADERS_MAX ||
	    !read_at(image->file, image->header.e_phoff, image->segments, image->header.e_phnum * sizeof(image->segments[0])))
		return false;
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_INTERP && segment->p_filesz < sizeof(image->interpreter) &&
		    !read_at(image->file, segment->p_offset, image->interpreter, segment->p_filesz))
			return false;
	}
	return true;
}

static unsigned prot_of(uint32_t flags)
{
	return (flags & PF_R ? 1u : 0) | (flags & PF_W ? 2u : 0) | (flags & PF_X ? 4u : 0);
}

static bool map_segment(struct emulator *e, const struct image *image, const Elf64_Phdr *segment)
{
	uint64_t vaddr = segment->p_vaddr + image->bias, start = emulator_page_down(vaddr), skip = vaddr - start;
	uint64_t file_end = emulator_page_up(vaddr + segment->p_filesz), end = emulator_page_up(vaddr + segment->p_memsz);
	void *bytes = malloc(segment->p_filesz + 1);
	/* A page of the file in front belongs to the mapping, as the kernel has it. */
	bool ok = bytes && read_at(image->file, segment->p_offset, bytes, segment->p_filesz);

	if (ok && file_end > start)
		ok = emulator_map(e, start, file_end - start, prot_of(segment->p_flags), image->path, segment->p_offset - skip);
	if (ok && end > file_end)
		ok = emulator_map(e, file_end, end - file_end, prot_of(segment->p_flags), "", 0);
	ok = ok && (!segment->p_filesz || emulator_write(e, vaddr, bytes, segment->p_filesz));
	free(bytes);
	return ok;
}

static bool map_image(struct emulator *e, const struct image *image, uint64_t *ret_end)
{
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (!map_segment(e, image, segment)) {
			fprintf(stderr, "truth: %s: segment %zu cannot be loaded\n", image->path, i);
			return false;
		}
		*ret_end = emulator_page_up(segment->p_vaddr + segment->p_memsz + image->bias);
	}
	return true;
}

static uint64_t headers_at(const struct image *image)
{
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && image->header.e_phoff - segment->p_offset < segment->p_filesz)
			return image->header.e_phoff - segment->p_offset + segment->p_vaddr + image->bias;
	}
	return 0;
}

static bool load_interpreter(struct emulator *e, const char *path, struct loaded *loaded)
{
	struct image image;
	uint64_t end = 0;
	bool ok = open_image(emulator_path(e, path), &image);

	if (ok) {
		image.bias = loaded->base = emulator_find_free(e, 1 << 20);
		ok = map_image(e, &image, &end);
		loaded->start = image.header.e_entry + image.bias;
	} else {
		fprintf(stderr, "truth: %s: no such interpreter\n", path);
	}
	if (image.file)
		fclose(image.file);
	return ok;
}

static bool load(struct emulator *e, const char *path, struct loaded *ret)
{
	struct image image;
	uint64_t end = 0;
	bool ok = open_image(path, &image);

	*ret = (struct loaded){ 0 };
	if (ok) {
		image.bias = image.header.e_type == ET_DYN ? program_base : 0;
		ret->start = ret->entry = image.header.e_entry + image.bias;
		ret->headers = headers_at(&image);
		ret->num_headers = image.header.e_phnum;
		ok = map_image(e, &image, &end);
		e->brk_start = e->brk = end;
	}
	if (ok && image.interpreter[0])
		ok = load_interpreter(e, image.interpreter, ret);
	if (image.file)
		fclose(image.file);
	return ok;
}

/* ---- The first stack ---- */

struct stack {
	struct emulator *emulator;
	uint64_t sp;
	bool ok;
};

static uint64_t push_bytes(struct stack *s, const void *bytes, size_t size)
{
	s->sp -= size;
	s->ok = s->ok && emulator_write(s->emulator, s->sp, bytes, size);
	return s->sp;
}

static size_t put_aux(const struct loaded *l, uint64_t random, uint64_t name, uint64_t *at)
{
	const uint64_t aux[][2] = {
		{ AT_PHDR, l->headers }, { AT_PHENT, sizeof(Elf64_Phdr) }, { AT_PHNUM, l->num_headers }, { AT_PAGESZ, EMULATOR_PAGE },
		{ AT_BASE, l->base }, { AT_FLAGS, 0 }, { AT_ENTRY, l->entry }, { AT_UID, 1000 }, { AT_EUID, 1000 }, { AT_GID, 1000 },
		{ AT_EGID, 1000 }, { AT_SECURE, 0 }, { AT_CLKTCK, 100 }, { AT_RANDOM, random }, { AT_EXECFN, name },
		/* HWCAP_FP and HWCAP_ASIMD on aarch64; nothing that anybody looks at on x86-64. */
		{ AT_HWCAP, 3 }, { AT_NULL, 0 },
	};

	_Static_assert(sizeof(aux) / sizeof(aux[0]) <= AUX_MAX, "room for all");
	memcpy(at, aux, sizeof(aux));
	return sizeof(aux) / sizeof(aux[0]);
}

static bool begin(struct emulator *e, const struct loaded *loaded, char *const *arguments)
{
	enum { ARGUMENTS_MAX = 16 };
	static const uint8_t random[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct stack s = { e, stack_end - 16, true };
	uint64_t words[1 + ARGUMENTS_MAX + 1 + 2 + 2 * AUX_MAX], name, locale, seed;
	uint64_t addresses[ARGUMENTS_MAX];
	size_t count = 0, at = 0;

	if (!emulator_map(e, stack_end - STACK_SIZE, STACK_SIZE, 3, "[stack]", 0))
		return false;
	name = push_bytes(&s, e->program, strlen(e->program) + 1);
	locale = push_bytes(&s, "LC_ALL=C", sizeof("LC_ALL=C"));
	seed = push_bytes(&s, random, sizeof(random));
	for (; arguments[count] && count < ARGUMENTS_MAX; count++)
		addresses[count] = push_bytes(&s, arguments[count], strlen(arguments[count]) + 1);
	words[at++] = count;
	for (size_t i = 0; i < count; i++)
		words[at++] = addresses[i];
	words[at++] = 0;
	words[at++] = locale;
	words[at++] = 0;
	at += 2 * put_aux(loaded, seed, name, words + at);
	s.sp = (s.sp - at * sizeof(words[0])) & ~UINT64_C(15);
	s.ok = s.ok && emulator_write(e, s.sp, words, at * sizeof(words[0]));
	emulator_set_reg(e, e->machine->target->sp, s.sp);
	return s.ok;
}

const struct loader loader_elf = { probe, load, begin };
