/* SPDX-License-Identifier: MIT */
/*
 * ELF images as they lie in memory: bytes are where the program headers say that they are loaded, not where the file has them. Bytes may be absent
 * anywhere, since nobody captures all of a process; sections are not loaded, so that those stand in for them that segments tell of.
 */
#include "formats/image_elf.h"

#include "base/mem.h"

enum { PAGE = 4096 };                 /* the smallest */

/* Image pc of the ELF header, which is at offset 0: of the segment that begins in the file's first page, or of the first one by where it says. */
static uint64_t image_pc_of_header(const struct elf *elf)
{
	for (size_t i = 0; i < elf->base.num_segments; i++) {
		const struct wb_segment *segment = &elf->segments[i];

		if (segment->offset < PAGE && segment->vaddr % PAGE == segment->offset)
			return segment->vaddr - segment->offset;
	}
	return elf->segments[0].vaddr - elf->segments[0].offset;
}

/* Whether the bytes in memory lie as in the file, as in a vDSO: then offsets mean what they say, and section headers may be there. */
static bool loads_as_stored(const struct elf *elf)
{
	for (size_t i = 0; i < elf->base.num_segments; i++) {
		if (elf->segments[i].vaddr - elf->base.loaded_base != elf->segments[i].offset)
			return false;
	}
	return true;
}

static bool has_section_headers(const struct elf *elf)
{
	uint64_t size = (uint64_t)elf->shnum * elf->shentsize;

	return elf->shoff && size && wb_object_present(&elf->base, elf->shoff, size) == size;
}

static void move_to_memory(const struct elf *elf, uint64_t vaddr, uint64_t *offset, uint64_t *filesz)
{
	uint64_t end;

	*offset = vaddr - elf->base.loaded_base;
	if (!wb_u64_add(*offset, *filesz, &end))
		*filesz = 0;
}

enum wb_err wb_elf_use_loaded_layout(struct elf *elf, uint64_t address)
{
	bool is_stored;

	if (!elf->base.num_segments)
		return wb_elf_report(elf, WB_ERR_DATA, WB_DIAG_OBJECT_MALFORMED, "", UINT64_MAX, "read from memory, and without segments");
	elf->base.loaded_base = image_pc_of_header(elf);
	elf->bias = address ? address - elf->base.loaded_base : 0;
	is_stored = loads_as_stored(elf);
	if (!is_stored || !has_section_headers(elf)) {
		elf->shnum = 0;
		elf->shoff = 0;
	}
	for (size_t i = 0; !is_stored && i < elf->base.num_segments; i++)
		move_to_memory(elf, elf->segments[i].vaddr, &elf->segments[i].offset, &elf->segments[i].filesz);
	for (uint32_t i = 0; !is_stored && i < elf->phnum; i++)
		move_to_memory(elf, elf->program[i].vaddr, &elf->program[i].offset, &elf->program[i].filesz);
	return WB_OK;
}

static bool has_section_names(const struct elf *elf)
{
	const struct wb_section *names = elf->shstrndx < elf->base.num_sections ? &elf->sections[elf->shstrndx] : NULL;

	return names && names->file_size && wb_object_present(&elf->base, names->offset, names->file_size) == names->file_size;
}

/* Nothing of what headers say of sizes is taken for what is there: memory has no end that would bound it. Without their names, sections tell nothing. */
void wb_elf_drop_absent(struct elf *elf)
{
	if (elf->base.loaded_layout && !has_section_names(elf)) {
		elf->base.num_sections = 0;
		elf->shnum = 0;       /* no symbol is in one of them either */
	}
	for (size_t i = 0; elf->base.loaded_layout && i < elf->base.num_sections; i++) {
		struct wb_section *section = &elf->sections[i];

		if (wb_object_present(&elf->base, section->offset, section->file_size) == section->file_size)
			continue;
		section->flags |= WB_SECTION_NOBITS;
		section->file_size = 0;
	}
}

static bool is_in_segment(const struct elf *elf, uint64_t vaddr)
{
	for (size_t i = 0; i < elf->base.num_segments; i++)
		if (vaddr >= elf->segments[i].vaddr && vaddr - elf->segments[i].vaddr < elf->segments[i].memsz)
			return true;
	return false;
}

/* glibc does that in the process's own dynamic section (elf_get_dynamic_info); musl, Android's linker and the kernel's vDSO leave it as it is. */
uint64_t wb_elf_unrelocated(const struct elf *elf, uint64_t value)
{
	uint64_t vaddr = elf->is_64 ? value - elf->bias : (uint32_t)(value - elf->bias);

	return elf->bias && !is_in_segment(elf, value) && is_in_segment(elf, vaddr) ? vaddr : value;
}
