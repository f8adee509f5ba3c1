/* SPDX-License-Identifier: MIT */
/*
 * The headers of an ELF core: whose it is, which memory it has, and where its notes are. A core that was cut (a full disk, a limit) still has
 * its first segments; each is cut to what the file has.
 */
#include "formats/capture_core.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>
#include <string.h>

enum {
	IDENT_SIZE = 16, HEADER_SIZE = 64, PROGRAM_SIZE_32 = 32, PROGRAM_SIZE_64 = 56, SECTION_SIZE_32 = 40, SECTION_SIZE_64 = 64,
	CLASS_AT = 4, DATA_AT = 5, OSABI_AT = 7,
	OSABI_FREEBSD = 9,
	PN_XNUM = 0xffff,
	PT_LOAD = 1, PT_NOTE = 4,
	PF_X = 1, PF_W = 2, PF_R = 4,
	SEGMENTS_MAX = 1 << 20,       /* sixteen times Linux's default vm.max_map_count */
	PROGRAM_STEP = 512,           /* program headers read at a time */
};

struct machine {
	uint16_t number;              /* e_machine */
	bool is_64;
	enum wb_arch arch;
	const char *name;             /* for the message where it is not supported */
};

static const struct machine machines[] = {
	{ 3, false, WB_ARCH_X86, "i386" }, { 62, true, WB_ARCH_X86_64, "x86-64" }, { 62, false, WB_ARCH_UNKNOWN, "x32" },
	{ 183, true, WB_ARCH_AARCH64, "aarch64" }, { 40, false, WB_ARCH_ARM, "arm" }, { 243, true, WB_ARCH_RISCV64, "riscv64" },
	{ 243, false, WB_ARCH_UNKNOWN, "riscv32" }, { 21, true, WB_ARCH_PPC64, "ppc64" }, { 20, false, WB_ARCH_UNKNOWN, "ppc" },
	{ 22, true, WB_ARCH_S390X, "s390x" }, { 22, false, WB_ARCH_UNKNOWN, "s390" }, { 8, false, WB_ARCH_UNKNOWN, "mips" },
	{ 8, true, WB_ARCH_UNKNOWN, "mips64" }, { 258, true, WB_ARCH_UNKNOWN, "loongarch64" }, { 2, false, WB_ARCH_UNKNOWN, "sparc" },
	{ 43, true, WB_ARCH_UNKNOWN, "sparc64" },
};

/* The ELF header's members that matter, and the counts that may be elsewhere. */
struct head { uint64_t phoff, shoff; uint16_t machine, phentsize, phnum; uint32_t count; };

static enum wb_err refuse_machine(const struct core *core, const char *name)
{
	return wb_diag_report(wb_session_diags(core->input->session), WB_ERR_UNSUPPORTED, WB_DIAG_CAPTURE_UNSUPPORTED, core->input->name, "",
	                      UINT64_MAX, "a core of %s, an architecture that is not supported here", name);
}

static enum wb_err choose_arch(struct core *core, uint16_t number)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		const struct machine *machine = &machines[i];

		if (machine->number != number || machine->is_64 != core->is_64)
			continue;
		core->platform.arch = machine->arch;
		core->arch = wb_arch_info(machine->arch);
		return core->arch && core->arch->num_core_regs ? WB_OK : refuse_machine(core, machine->name);
	}
	return refuse_machine(core, "an unknown machine");
}

static enum wb_err read_head(struct core *core, struct head *head)
{
	const struct wb_capture_input *input = core->input;
	size_t size = input->head_size < HEADER_SIZE ? input->head_size : HEADER_SIZE;
	struct wb_bytes b;

	if (size > DATA_AT && ((input->head[CLASS_AT] != 1 && input->head[CLASS_AT] != 2) || (input->head[DATA_AT] != 1 && input->head[DATA_AT] != 2)))
		return wb_core_report(core, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, CLASS_AT, "neither 32 nor 64 bits, or of no byte order");
	core->is_64 = input->head[CLASS_AT] == 2;
	core->platform.big_endian = input->head[DATA_AT] == 2;
	core->platform.os = WB_OS_LINUX;
	b = core_bytes(core, input->head, size);
	wb_bytes_skip(&b, IDENT_SIZE + 2);   /* e_ident, e_type */
	head->machine = wb_bytes_u16(&b);
	wb_bytes_u32(&b);                    /* e_version */
	core_word(core, &b);                 /* e_entry */
	head->phoff = core_word(core, &b);
	head->shoff = core_word(core, &b);
	wb_bytes_skip(&b, 6);                /* e_flags, e_ehsize */
	head->phentsize = wb_bytes_u16(&b);
	head->phnum = wb_bytes_u16(&b);
	if (wb_bytes_failed(&b))
		return wb_core_report(core, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, size, "ends inside of the ELF header: nothing can be read");
	if (input->head[OSABI_AT] == OSABI_FREEBSD)
		return wb_core_report(core, WB_ERR_UNSUPPORTED, WB_DIAG_CAPTURE_UNSUPPORTED, OSABI_AT, "a core of FreeBSD; those of Linux are read");
	return choose_arch(core, head->machine);
}

/* More than 65,534 program headers are counted in section header 0 (System V ABI, "ELF Header"). */
static enum wb_err read_count(struct core *core, struct head *head)
{
	uint8_t section[SECTION_SIZE_64];
	size_t size = core->is_64 ? SECTION_SIZE_64 : SECTION_SIZE_32;
	struct wb_bytes b;

	head->count = head->phnum;
	if (head->phnum != PN_XNUM)
		return WB_OK;
	if (wb_file_read(core->memory->file, head->shoff, section, size))
		return wb_core_report(core, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, head->shoff, "the count of its segments is outside of the file");
	b = core_bytes(core, section, size);
	wb_bytes_skip(&b, core->is_64 ? 44 : 28);   /* up to sh_info */
	head->count = wb_bytes_u32(&b);
	if (head->count > SEGMENTS_MAX)
		return wb_core_report(core, WB_ERR_LIMIT, WB_DIAG_CAPTURE_MALFORMED, head->shoff, "more segments than any process has");
	return WB_OK;
}

size_t wb_core_header_size(const struct core *core)
{
	return core->is_64 ? PROGRAM_SIZE_64 : PROGRAM_SIZE_32;
}

struct core_header wb_core_read_header(const struct core *core, struct wb_bytes *b)
{
	struct core_header header = { .type = wb_bytes_u32(b) };
	uint32_t flags = core->is_64 ? wb_bytes_u32(b) : 0;

	header.offset = core_word(core, b);
	header.vaddr = core_word(core, b);
	core_word(core, b);                  /* p_paddr */
	header.filesz = core_word(core, b);
	header.memsz = core_word(core, b);
	if (!core->is_64)
		flags = wb_bytes_u32(b);
	core_word(core, b);                  /* p_align */
	header.prot = (flags & PF_R ? WB_PROT_READ : 0u) | (flags & PF_W ? WB_PROT_WRITE : 0u) | (flags & PF_X ? WB_PROT_EXEC : 0u);
	return header;
}

/* A segment, cut to what the file has. One that holds nothing, or past all addresses, is left out. */
static enum wb_err add_segment(struct core *core, const struct core_header *header, uint64_t offset_of_header)
{
	struct core_memory *memory = core->memory;
	struct core_segment segment = { .start = header->vaddr, .offset = header->offset, .prot = header->prot };
	uint64_t file_size = wb_file_size(memory->file), memsz = header->memsz > header->filesz ? header->memsz : header->filesz;

	/* Some writers leave p_memsz 0. */
	if (!memsz)
		return WB_OK;
	if (!wb_u64_add(segment.start, memsz, &segment.end))
		return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, offset_of_header, "a segment ends past the last address; it is left out");
	segment.size = header->filesz;
	if (segment.offset > file_size || segment.size > file_size - segment.offset) {
		core->is_truncated = true;
		segment.size = segment.offset < file_size ? file_size - segment.offset : 0;
	}
	if (!wb_mem_grow((void **)&memory->segments, &memory->capacity, memory->num_segments, 1, sizeof(segment)))
		return WB_ERR_MEMORY;
	memory->segments[memory->num_segments++] = segment;
	return WB_OK;
}

static int by_start(const void *left, const void *right)
{
	const struct core_segment *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Sorts the segments and makes them disjoint: where two overlap, the one that starts later wins. */
static void order_segments(struct core_memory *memory)
{
	size_t count = 0;

	if (memory->num_segments)
		qsort(memory->segments, memory->num_segments, sizeof(memory->segments[0]), by_start);
	for (size_t i = 0; i < memory->num_segments; i++) {
		struct core_segment segment = memory->segments[i];
		uint64_t next = i + 1 < memory->num_segments ? memory->segments[i + 1].start : UINT64_MAX;

		if (segment.end > next)
			segment.end = next;
		if (segment.start >= segment.end)
			continue;
		if (segment.size > segment.end - segment.start)
			segment.size = segment.end - segment.start;
		memory->segments[count++] = segment;
	}
	memory->num_segments = count;
}

/* One step of the program headers, in one of two passes: what the notes say is understood once all memory is known. */
static enum wb_err read_step(struct core *core, const struct head *head, uint64_t first, uint64_t count, bool notes)
{
	uint64_t at = head->phoff + first * head->phentsize;
	struct wb_piece piece;
	enum wb_err err = wb_file_piece(core->memory->file, at, count * head->phentsize, &piece);

	if (err)
		return err;
	for (uint64_t i = 0; !err && i < count; i++) {
		struct wb_bytes b = core_bytes(core, piece.bytes, piece.size);
		struct core_header header;

		wb_bytes_skip(&b, i * head->phentsize);
		header = wb_core_read_header(core, &b);
		if (!notes && header.type == PT_LOAD)
			err = add_segment(core, &header, at + i * head->phentsize);
		else if (notes && header.type == PT_NOTE)
			err = wb_core_read_notes(core, header.offset, header.filesz);
	}
	wb_piece_deinit(&piece);
	return err;
}

static enum wb_err read_program(struct core *core, const struct head *head, bool notes)
{
	uint64_t file_size = wb_file_size(core->memory->file), count = head->count;
	enum wb_err err = WB_OK;

	if (count && (head->phentsize < wb_core_header_size(core) || head->phoff > file_size))
		return wb_core_report(core, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, head->phoff, "no program headers can be read");
	if (count && count > (file_size - head->phoff) / head->phentsize) {
		core->is_truncated = true;
		count = (file_size - head->phoff) / head->phentsize;
	}
	for (uint64_t first = 0; !err && first < count; first += PROGRAM_STEP)
		err = read_step(core, head, first, count - first < PROGRAM_STEP ? count - first : PROGRAM_STEP, notes);
	return err;
}

enum wb_err wb_core_read_headers(struct core *core)
{
	struct head head = { 0 };
	enum wb_err err = read_head(core, &head);

	if (!err)
		err = read_count(core, &head);
	if (!err)
		err = read_program(core, &head, false);
	if (err)
		return err;
	order_segments(core->memory);
	return read_program(core, &head, true);
}
