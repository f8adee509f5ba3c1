/* SPDX-License-Identifier: MIT */
/*
 * ELF files from any bytes, as they lie in a file and as they lie in memory. What opens is consistent (object_input.h). What a loader would make of them
 * is found in the memory of a process that has it, or not; its image pcs lead to the same bytes.
 */
#include "fuzz/object_input.h"

#include "base/bytes.h"
#include "model/image.h"
#include "model/space.h"

enum { BASE = 0x400000, MEMORY = 0x4000, PAGE = 0x1000 };

/* Copies what PT_LOAD says, of 64 bits or of 32, as far as it fits, from the lowest address on. */
static void load(const uint8_t *bytes, size_t size, uint8_t memory[MEMORY])
{
	bool is_64 = size > 5 && bytes[4] == 2, big = size > 5 && bytes[5] == 2;
	struct wb_bytes b = wb_bytes_of(bytes, size, big);
	uint64_t table, lowest = UINT64_MAX;
	unsigned count;

	wb_bytes_seek(&b, is_64 ? 32 : 28);
	table = is_64 ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
	wb_bytes_seek(&b, is_64 ? 56 : 44);
	count = wb_bytes_u16(&b) % 16;
	for (unsigned i = 0; i < 2 * count; i++) {
		uint64_t offset, vaddr, filesz;
		uint32_t type;

		if (!wb_bytes_seek(&b, table + i % count * (is_64 ? 56u : 32u)))
			break;
		type = wb_bytes_u32(&b);
		if (is_64)
			wb_bytes_u32(&b);
		offset = is_64 ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
		vaddr = is_64 ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
		wb_bytes_skip(&b, is_64 ? 8 : 4);
		filesz = is_64 ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
		if (wb_bytes_failed(&b) || type != 1)
			continue;
		if (i < count)
			lowest = vaddr < lowest ? vaddr & ~(uint64_t)(PAGE - 1) : lowest;
		else if (vaddr - lowest < MEMORY && filesz <= MEMORY - (vaddr - lowest) && offset <= size && filesz <= size - offset)
			memcpy(memory + (vaddr - lowest), bytes + offset, (size_t)filesz);
	}
}

static void check_place(struct wb_space *space, uint64_t address, const uint8_t *memory)
{
	struct wb_place place = { .size = sizeof place }, again = { .size = sizeof again };
	struct wb_object *object;
	uint8_t byte;

	FUZZ_ASSERT(wb_space_find(space, address, &place) == WB_OK && wb_space_find(space, address, &again) == WB_OK);
	FUZZ_ASSERT(place.has_image_pc == again.has_image_pc && place.image == again.image && place.image_pc == again.image_pc);
	if (!place.has_image_pc)
		return;
	if (wb_image_read(place.image, place.image_pc, &byte, 1) == WB_OK)
		FUZZ_ASSERT(byte == memory[address - BASE]);
	FUZZ_ASSERT(wb_image_object(place.image, WB_FILE_EXECUTABLE, &object) == WB_OK);
	check_segments(object);
	FUZZ_ASSERT(read_all(object) == read_all(object));
}

/* In memory as it is, or as a loader lays it out; its last page is executable, or all of it. */
static void fuzz_memory(const uint8_t *bytes, size_t size, bool loaded)
{
	static uint8_t memory[MEMORY];
	const struct wb_platform platform = { .arch = WB_ARCH_UNKNOWN, .big_endian = size > 5 && bytes[5] == 2 };
	struct wb_memory had = { .size = sizeof had, .start = BASE, .end = BASE + MEMORY, .bytes = memory };
	struct wb_mapping mappings[2] = { { .size = sizeof mappings[0], .start = BASE, .end = BASE + PAGE, .prot = WB_PROT_READ | (loaded ? 0u : WB_PROT_EXEC) },
	                                  { .size = sizeof mappings[0], .start = BASE + PAGE, .end = BASE + MEMORY, .prot = WB_PROT_READ | WB_PROT_EXEC } };
	struct wb_session *session;
	struct wb_space *spaces[3] = { NULL };

	memset(memory, 0, sizeof memory);
	memcpy(memory, bytes, size < MEMORY ? size : MEMORY);
	if (loaded)
		load(bytes, size, memory);
	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	FUZZ_ASSERT(wb_space_new(session, &platform, &spaces[0]) == WB_OK && wb_space_map(spaces[0], mappings, 2, &spaces[1]) == WB_OK);
	FUZZ_ASSERT(wb_space_add_memory(spaces[1], &had, &spaces[2]) == WB_OK);
	for (uint64_t address = BASE; address < BASE + MEMORY; address += 0x7ff)
		check_place(spaces[2], address, memory);
	for (size_t i = 0; i < 3; i++)
		wb_space_unref(spaces[i]);
	wb_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* The formats of text have a target of their own. */
	if (size < 4 || memcmp(bytes, "\177ELF", 4) != 0)
		return 0;
	fuzz_object(bytes, size, 0);
	fuzz_object(bytes, size, WB_IMAGE_LOADED);
	fuzz_rows(bytes, size);
	fuzz_memory(bytes, size, false);
	fuzz_memory(bytes, size, true);
	return 0;
}
