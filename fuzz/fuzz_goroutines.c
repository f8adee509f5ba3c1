/* SPDX-License-Identifier: MIT */
/*
 * The memory of a Go process, behind a small program: the first byte says which version of Go's tables that has and whether it has 32 bits, the rest is the
 * memory from its writable segment on. Goroutines are the same each time, their contexts are on their stacks, and their stacks can be walked.
 */
#include "fuzz/fuzz.h"

#include <walkback/walkback.h>

#include "tests/go_make.h"

enum { FRAMES = 64, GOROUTINES = 64, X86_64 = 62, I386 = 3 };

static struct wb_space *make_space(struct wb_session *session, struct wb_image *image, unsigned word, const uint8_t *bytes, size_t size)
{
	struct wb_platform platform = { .arch = word == 8 ? WB_ARCH_X86_64 : WB_ARCH_X86 };
	struct wb_mapping mapping = { .size = sizeof mapping, .start = PCLNTAB_TEXT, .end = PCLNTAB_TEXT + 0x60, .prot = WB_PROT_READ | WB_PROT_EXEC, .image = image };
	struct wb_memory memory = { .size = sizeof memory, .start = GO_MAKE_DATA, .end = GO_MAKE_DATA + size, .bytes = bytes };
	struct wb_space *space, *mapped, *filled;
	struct wb_object *object;

	FUZZ_ASSERT(wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK);
	FUZZ_ASSERT(wb_object_offset_of_vaddr(object, PCLNTAB_TEXT, &mapping.file_offset) == WB_OK);
	FUZZ_ASSERT(wb_space_new(session, &platform, &space) == WB_OK && wb_space_map(space, &mapping, 1, &mapped) == WB_OK);
	wb_space_unref(space);
	if (!size)
		return mapped;
	FUZZ_ASSERT(wb_space_add_memory(mapped, &memory, &filled) == WB_OK);
	wb_space_unref(mapped);
	return filled;
}

static uint64_t stack_pointer(const struct wb_goroutine *goroutine, unsigned word)
{
	for (size_t i = 0; i < goroutine->context.num_regs; i++)
		if (goroutine->context.regs[i].number == (word == 8 ? 7u : 4u))
			return goroutine->context.regs[i].value;
	return 0;
}

static uint64_t walk(struct wb_walker *walker, struct wb_space *space, const struct wb_goroutine *goroutine)
{
	static struct wb_frame frames[FRAMES];
	struct wb_sample sample = { .size = sizeof sample, .contexts = &goroutine->context, .num_contexts = goroutine->context.num_regs != 0, .goroutine = goroutine };
	struct wb_stop stop;
	size_t count;

	FUZZ_ASSERT(wb_walk(walker, space, &sample, frames, sizeof frames[0], FRAMES, &count, &stop) == WB_OK);
	return count * 31 + (uint64_t)stop.reason;
}

static uint64_t read_all(struct wb_session *session, struct wb_space *space, unsigned word)
{
	struct wb_goroutine goroutine = { .size = sizeof goroutine };
	struct wb_walker_opts opts = { .size = sizeof opts, .row_cache_entries = 16 };
	struct wb_goroutines *all;
	struct wb_walker *walker;
	uint64_t sum = 0;

	if (wb_goroutines_new(space, &all))
		return 1;
	FUZZ_ASSERT(wb_walker_new(session, &opts, &walker) == WB_OK);
	for (size_t i = 0; i < GOROUTINES && i < wb_goroutines_count(all); i++) {
		if (wb_goroutines_get(all, i, &goroutine))
			continue;
		FUZZ_ASSERT(strlen(goroutine.state) < 64 && goroutine.status != WB_GOROUTINE_DEAD);
		for (size_t k = 0; k < goroutine.num_labels; k++)
			sum = sum * 31 + strlen(goroutine.labels[k].key) + strlen(goroutine.labels[k].value);
		if (goroutine.context.num_regs)
			FUZZ_ASSERT(stack_pointer(&goroutine, word) - goroutine.stack_start < goroutine.stack_end - goroutine.stack_start);
		sum = sum * 31 + goroutine.id + goroutine.flags + walk(walker, space, &goroutine);
	}
	wb_walker_free(walker);
	wb_goroutines_free(all);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint64_t sums[2] = { 0, 0 };
	struct go_make made;
	struct wb_session *session;
	struct wb_image *image;
	struct wb_space *space;
	uint8_t *program;
	size_t program_size;

	if (!size)
		return 0;
	made.version = (enum wb_pclntab_version)(bytes[0] % WB_PCLNTAB_VERSIONS);
	made.word = bytes[0] & 0x80 ? 4 : 8;
	program = go_make_program(&made, made.word == 8 ? X86_64 : I386, &program_size);
	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	FUZZ_ASSERT(wb_image_open_bytes(session, "program", program, program_size, 0, free, program, &image) == WB_OK);
	for (size_t i = 0; i < 2; i++) {
		space = make_space(session, image, made.word, bytes + 1, size - 1);
		sums[i] = read_all(session, space, made.word);
		wb_space_unref(space);
	}
	wb_image_unref(image);
	wb_session_free(session);
	FUZZ_ASSERT(sums[0] == sums[1]);
	return 0;
}
