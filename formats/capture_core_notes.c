/* SPDX-License-Identifier: MIT */
/*
 * The notes of an ELF core: threads, the process, the signal, the auxiliary vector, mapped files, and which bits of code addresses are
 * signatures. Registers that unwinding has no use for (floating point, XSAVE, debug registers) are stepped over unread.
 *
 * Layouts: Linux, include/uapi/linux/elfcore.h (elf_prstatus, elf_prpsinfo), fs/binfmt_elf.c (fill_files_note), include/uapi/asm-generic/
 * siginfo.h. They differ between architectures only by the size of a word and by the registers' order, which arch_info has.
 */
#include "formats/capture_core.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	NT_PRSTATUS = 1, NT_PRPSINFO = 3, NT_AUXV = 6, NT_SIGINFO = 0x53494749, NT_FILE = 0x46494c45, NT_ARM_PAC_MASK = 0x406,
	AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_BASE = 7, AT_ENTRY = 9, AT_EXECFN = 31, AT_SYSINFO_EHDR = 33,
	NOTE_HEADER_SIZE = 12,
	NAME_MAX_SIZE = 8,            /* bytes of the names that matter here: "CORE" and "LINUX" */
	NOTES_MAX = 1 << 22,          /* some ten for each thread; segments of hostile cores can show the same notes again and again */
	THREADS_MAX = 1 << 18,        /* eight times Linux's default limit for a machine */
	FILES_MAX = 1 << 17,          /* as many mappings as a space may have */
	FILE_NOTE_MAX = 64 << 20,     /* bytes: Linux writes at most 4 MiB by default (core_file_note_size_limit) */
	AUXV_MAX = 256,               /* entries; Linux has some 25 */
	SMALL_MAX = 1024,             /* bytes of a note that is read whole */
};

enum owner { OWNER_OTHER, OWNER_CORE, OWNER_LINUX };
struct note { enum owner owner; uint32_t type; uint64_t offset, size; };

/* ---- Threads ---- */

/* struct elf_prstatus: si_signo, si_code and si_errno, pr_cursig (2 bytes, and 2 of padding), 2 words of signals, pr_pid ... 4 times of 2 words each,
 * then the registers. */
static enum wb_err read_prstatus(struct core *core, const struct note *note)
{
	unsigned word = core_word_size(core);
	struct core_thread thread = { .regs_offset = note->offset + 16 + 2 * word + 16 + 8 * word };
	uint8_t bytes[32 + 2 * 8];
	size_t size = 16 + 2 * (size_t)word + 4;
	struct wb_bytes b;

	if (note->size < 32 + 10 * (uint64_t)word + (uint64_t)core->arch->num_core_regs * word)
		return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, note->offset, "a thread's registers are too short; it is left out");
	if (core->num_threads == THREADS_MAX)
		return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, note->offset, "more threads than any process has; the rest is left out");
	if (wb_file_read(core->memory->file, note->offset, bytes, size))
		return WB_NONE;
	b = core_bytes(core, bytes, size);
	wb_bytes_skip(&b, 12);
	thread.signal = (int16_t)wb_bytes_u16(&b);
	wb_bytes_skip(&b, 2 + 2 * word);
	thread.tid = wb_bytes_u32(&b);
	if (!wb_mem_grow((void **)&core->threads, &core->threads_capacity, core->num_threads, 1, sizeof(thread)))
		return WB_ERR_MEMORY;
	core->threads[core->num_threads++] = thread;
	return WB_OK;
}

/* ---- The process ---- */

static void copy_text(char *to, size_t size, const uint8_t *from, size_t count)
{
	size_t length = strnlen((const char *)from, count < size - 1 ? count : size - 1);

	memcpy(to, from, length);
	to[length] = 0;
	while (length && to[length - 1] == ' ')
		to[--length] = 0;
}

/* struct elf_prpsinfo: 4 bytes, a word of flags, uid and gid (2 bytes each on i386 and arm), pr_pid, pr_ppid, pr_pgrp, pr_sid, pr_fname[16],
 * pr_psargs[80]. The end is always the same, so it is read from there. */
static void read_prpsinfo(struct core *core, const uint8_t *bytes, size_t size)
{
	enum { NAMES = 16 + 80, IDS = 16 };

	if (size < NAMES + IDS)
		return;
	core->pid = wb_load32(bytes + size - NAMES - IDS, core_is_big_endian(core));
	copy_text(core->comm, sizeof(core->comm), bytes + size - NAMES, 16);
	copy_text(core->args, sizeof(core->args), bytes + size - 80, 80);
}

/* Linux writes one siginfo, after the first thread's registers; debuggers one for each thread, zeros for those that have none. The fields
 * after the three numbers are aligned to a word. */
static void read_siginfo(struct core *core, const uint8_t *bytes, size_t size)
{
	struct wb_bytes b = core_bytes(core, bytes, size);
	struct core_siginfo info = { .is_known = true };
	struct core_thread *thread = core->num_threads ? &core->threads[core->num_threads - 1] : NULL;
	uint64_t field;

	info.signal = (int32_t)wb_bytes_u32(&b);
	wb_bytes_u32(&b);             /* si_errno */
	info.code = (int32_t)wb_bytes_u32(&b);
	if (core->is_64)
		wb_bytes_u32(&b);
	field = core_word(core, &b);
	if (wb_bytes_failed(&b) || !info.signal || core->siginfo.is_known)
		return;
	info.address = field;
	/* si_pid, an int, is where si_addr's first bytes are. */
	info.sender = wb_load32(bytes + (core->is_64 ? 16 : 12), core_is_big_endian(core));
	info.tid = thread ? thread->tid : 0;
	core->siginfo = info;
	if (thread)
		thread->has_siginfo = true;
}

static void read_auxv(struct core *core, const uint8_t *bytes, size_t size)
{
	struct wb_bytes b = core_bytes(core, bytes, size);
	struct core_auxv *auxv = &core->auxv;

	for (unsigned i = 0; i < AUXV_MAX && !wb_bytes_at_end(&b); i++) {
		uint64_t type = core_word(core, &b), value = core_word(core, &b);

		switch (wb_bytes_failed(&b) ? 0 : type) {
		case AT_PHDR: auxv->phdr = value; break;
		case AT_PHENT: auxv->phent = value; break;
		case AT_PHNUM: auxv->phnum = value; break;
		case AT_BASE: auxv->base = value; break;
		case AT_ENTRY: auxv->entry = value; break;
		case AT_EXECFN: auxv->execfn = value; break;
		case AT_SYSINFO_EHDR: auxv->sysinfo_ehdr = value; break;
		default: break;
		}
	}
}

/* struct user_pac_mask: of data, then of code. */
static void read_pac_mask(struct core *core, const uint8_t *bytes, size_t size)
{
	struct wb_bytes b = core_bytes(core, bytes, size);
	uint64_t code;

	wb_bytes_u64(&b);
	code = wb_bytes_u64(&b);
	if (!wb_bytes_failed(&b))
		core->code_mask = code;
}

/* ---- Mapped files ---- */

static int by_start(const void *left, const void *right)
{
	const struct core_file *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Sorts the files and makes them disjoint: where two overlap, the one that starts later wins. */
static void order_files(struct core *core)
{
	size_t count = 0;

	if (core->num_files)
		qsort(core->files, core->num_files, sizeof(core->files[0]), by_start);
	for (size_t i = 0; i < core->num_files; i++) {
		struct core_file file = core->files[i];

		if (i + 1 < core->num_files && file.end > core->files[i + 1].start)
			file.end = core->files[i + 1].start;
		if (file.start < file.end)
			core->files[count++] = file;
	}
	core->num_files = count;
}

/* Words: a count and the size of a page; then start, end and offset (in pages) of each; then their names, one after the other. */
static enum wb_err parse_files(struct core *core, struct wb_bytes *b)
{
	uint64_t count = core_word(core, b), page = core_word(core, b);
	struct wb_bytes names = *b;
	size_t got = 0;

	if (wb_bytes_failed(b) || count > FILES_MAX || !wb_bytes_skip(&names, count * 3 * core_word_size(core)))
		return WB_ERR_DATA;
	core->files = wb_mem_zalloc((size_t)count, sizeof(core->files[0]));
	if (!core->files)
		return WB_ERR_MEMORY;
	for (uint64_t i = 0; i < count; i++) {
		struct core_file *file = &core->files[got];

		file->start = core_word(core, b);
		file->end = core_word(core, b);
		if (__builtin_mul_overflow(core_word(core, b), page, &file->offset) || file->start >= file->end)
			file->start = file->end;
		file->path = wb_bytes_string(&names);
		if (!file->path)
			break;
		got += file->start < file->end;
	}
	core->num_files = got;
	order_files(core);
	return wb_bytes_failed(&names) ? WB_ERR_DATA : WB_OK;
}

static enum wb_err read_files(struct core *core, const struct note *note)
{
	struct wb_bytes b;
	enum wb_err err;

	if (core->files || note->size > FILE_NOTE_MAX)
		return WB_OK;
	err = wb_file_piece(core->memory->file, note->offset, note->size, &core->file_note);
	if (err)
		return err == WB_ERR_DATA ? WB_NONE : err;
	b = core_bytes(core, core->file_note.bytes, core->file_note.size);
	err = parse_files(core, &b);
	if (err == WB_ERR_DATA)
		return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, note->offset, "the list of mapped files is damaged");
	return err;
}

/* ---- Notes ---- */

static enum wb_err read_small(struct core *core, const struct note *note, void (*read)(struct core *core, const uint8_t *bytes, size_t size))
{
	uint8_t bytes[SMALL_MAX];
	size_t size = note->size < sizeof(bytes) ? (size_t)note->size : sizeof(bytes);

	if (wb_file_read(core->memory->file, note->offset, bytes, size))
		return WB_NONE;
	read(core, bytes, size);
	return WB_OK;
}

/* WB_NONE: the file ends within the note. */
static enum wb_err use_note(struct core *core, const struct note *note)
{
	switch (note->owner) {
	case OWNER_OTHER: return WB_OK;
	case OWNER_LINUX: return note->type == NT_ARM_PAC_MASK && !core->code_mask ? read_small(core, note, read_pac_mask) : WB_OK;
	case OWNER_CORE: break;
	}
	switch (note->type) {
	case NT_PRSTATUS: return read_prstatus(core, note);
	case NT_PRPSINFO: return read_small(core, note, read_prpsinfo);
	case NT_SIGINFO: return read_small(core, note, read_siginfo);
	case NT_AUXV: return read_small(core, note, read_auxv);
	case NT_FILE: return read_files(core, note);
	default: return WB_OK;
	}
}

/* The fields of notes have 4 bytes in both classes, and Linux aligns a core's to 4. */
static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

/* The note at *offset, which moves behind it. WB_NONE: the file ends within it; WB_ERR_DATA: its segment does. */
static enum wb_err next_note(const struct core *core, uint64_t *offset, uint64_t end, struct note *note)
{
	uint64_t file_size = wb_file_size(core->memory->file), sizes;
	uint8_t header[NOTE_HEADER_SIZE + NAME_MAX_SIZE] = { 0 }, *name = header + NOTE_HEADER_SIZE;
	uint32_t name_size;

	if (*offset > file_size || file_size - *offset < NOTE_HEADER_SIZE || wb_file_read(core->memory->file, *offset, header, NOTE_HEADER_SIZE))
		return WB_NONE;
	name_size = wb_load32(header, core_is_big_endian(core));
	note->size = wb_load32(header + 4, core_is_big_endian(core));
	note->type = wb_load32(header + 8, core_is_big_endian(core));
	note->offset = *offset + NOTE_HEADER_SIZE + padded(name_size);
	sizes = NOTE_HEADER_SIZE + padded(name_size) + note->size;
	if (sizes > end - *offset)
		return WB_ERR_DATA;
	if (sizes > file_size - *offset)
		return WB_NONE;
	if (name_size <= NAME_MAX_SIZE && wb_file_read(core->memory->file, *offset + NOTE_HEADER_SIZE, name, name_size))
		return WB_NONE;
	/* Names are compared whole; their size counts the NUL. */
	note->owner = name_size == 5 && !memcmp(name, "CORE", 5) ? OWNER_CORE : name_size == 6 && !memcmp(name, "LINUX", 6) ? OWNER_LINUX : OWNER_OTHER;
	*offset = note->offset + padded(note->size);
	return WB_OK;
}

enum wb_err wb_core_read_notes(struct core *core, uint64_t offset, uint64_t size)
{
	enum wb_err err = WB_OK;
	uint64_t end;

	if (!wb_u64_add(offset, size, &end))
		return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, offset, "notes past the end of all files");
	/* Each turn gets at least 12 bytes further. */
	while (!err && offset < end && end - offset >= NOTE_HEADER_SIZE && core->num_notes++ < NOTES_MAX) {
		struct note note;

		err = next_note(core, &offset, end, &note);
		if (err == WB_ERR_DATA)
			return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_MALFORMED, offset, "a note ends past its segment; what follows is lost");
		if (!err)
			err = use_note(core, &note);
	}
	if (err != WB_NONE)
		return err;
	core->is_truncated = true;
	return wb_core_report(core, WB_OK, WB_DIAG_CAPTURE_TRUNCATED, offset, "ends within the notes: threads behind are lost");
}
