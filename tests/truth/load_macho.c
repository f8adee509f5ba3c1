/* SPDX-License-Identifier: MIT */
/*
 * Mach-O programs of 64 bits without libraries, where their addresses say, as if the dynamic linker had come to LC_MAIN (<mach-o/loader.h>). They make
 * Linux's system calls: the formats and the code of compilers for that system are what is to be stepped through, not the system.
 */
#include "emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CPU_X86_64 = 0x01000007, CPU_ARM64 = 0x0100000c,
	LC_SEGMENT_64 = 0x19, LC_MAIN = (int)0x80000028,
	COMMANDS_MAX = 1 << 16, STACK_SIZE = 8 << 20,
};
static const uint32_t magic_64 = 0xfeedfacf;
static const uint64_t stack_end = UINT64_C(0x7ff7c0000000);

struct header { uint32_t magic, cpu, subtype, type, num_commands, commands_size, flags, reserved; };
struct command { uint32_t command, size; };
struct segment {
	struct command command;
	char name[16];
	uint64_t vmaddr, vmsize, fileoff, filesize;
	uint32_t max_prot, prot, num_sections, flags;
};
struct main_command { struct command command; uint64_t entry, stack_size; };

static enum wb_arch probe(const uint8_t *bytes, size_t size)
{
	struct header header;

	if (size < sizeof(header))
		return WB_ARCH_UNKNOWN;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != magic_64)
		return WB_ARCH_UNKNOWN;
	switch (header.cpu) {
	case CPU_ARM64: return WB_ARCH_AARCH64;
	case CPU_X86_64: return WB_ARCH_X86_64;
	default: return WB_ARCH_UNKNOWN;
	}
}

static bool read_at(FILE *file, uint64_t offset, void *buffer, size_t size)
{
	return !fseek(file, (long)offset, SEEK_SET) && fread(buffer, 1, size, file) == size;
}

/* Protections have the same bits as ours. __PAGEZERO has none, and keeps its addresses free. */
static bool map_segment(struct emulator *e, const char *path, FILE *file, const struct segment *segment)
{
	uint64_t end = emulator_page_up(segment->vmaddr + segment->filesize), whole = emulator_page_up(segment->vmaddr + segment->vmsize);
	void *bytes;
	bool ok;

	if (!segment->prot)
		return true;
	bytes = malloc(segment->filesize + 1);
	ok = bytes && read_at(file, segment->fileoff, bytes, segment->filesize);
	if (ok && end > segment->vmaddr)
		ok = emulator_map(e, segment->vmaddr, end - segment->vmaddr, segment->prot & 7, path, segment->fileoff);
	if (ok && whole > end)
		ok = emulator_map(e, end, whole - end, segment->prot & 7, "", 0);
	ok = ok && (!segment->filesize || emulator_write(e, segment->vmaddr, bytes, segment->filesize));
	free(bytes);
	return ok;
}

static bool load_commands(struct emulator *e, const char *path, FILE *file, const uint8_t *commands, uint32_t count, struct loaded *ret)
{
	const uint8_t *at = commands;

	for (uint32_t i = 0; i < count; i++) {
		struct command command;
		struct main_command entry;
		struct segment segment;

		memcpy(&command, at, sizeof(command));
		if (command.command == LC_SEGMENT_64) {
			memcpy(&segment, at, sizeof(segment));
			if (!map_segment(e, path, file, &segment))
				return false;
			if (!strncmp(segment.name, "__TEXT", sizeof(segment.name)))
				ret->base = segment.vmaddr;
		} else if (command.command == (uint32_t)LC_MAIN) {
			memcpy(&entry, at, sizeof(entry));
			ret->start = ret->entry = entry.entry;
		}
		at += command.size;
	}
	ret->start += ret->base;
	ret->entry += ret->base;
	return ret->entry != 0;
}

static bool load(struct emulator *e, const char *path, struct loaded *ret)
{
	static uint8_t commands[COMMANDS_MAX];
	FILE *file = fopen(path, "rb");
	struct header header;
	bool ok = file && read_at(file, 0, &header, sizeof(header)) && header.commands_size < sizeof(commands) &&
	          read_at(file, sizeof(header), commands, header.commands_size);

	*ret = (struct loaded){ 0 };
	ok = ok && load_commands(e, path, file, commands, header.num_commands, ret);
	if (file)
		fclose(file);
	if (!ok)
		fprintf(stderr, "truth: %s: cannot be loaded\n", path);
	return ok;
}

/* The entry is called with the alignment of any function, and its return address is 0. */
static bool begin(struct emulator *e, const struct loaded *loaded, char *const *arguments)
{
	const struct target *target = e->machine->target;
	uint64_t sp = stack_end - 256, zero = 0;

	(void)loaded;
	(void)arguments;
	if (!emulator_map(e, stack_end - STACK_SIZE, STACK_SIZE, 3, "[stack]", 0))
		return false;
	if (target->link == REG_NONE) {
		sp -= sizeof(zero);
		if (!emulator_write(e, sp, &zero, sizeof(zero)))
			return false;
	}
	emulator_set_reg(e, target->sp, sp);
	return true;
}

const struct loader loader_macho = { probe, load, begin };
