/* SPDX-License-Identifier: MIT */
/*
 * Breakpad symbol files from any bytes. What is found at an offset covers it, names are text of the file, and a walk by its frame data over a small stack
 * ends, twice the same.
 */
#include "fuzz/fuzz.h"

#include <walkback/walkback.h>

#include "model/breakpad_sym.h"

#include <string.h>

enum { OFFSETS = 64, FRAMES = 32 };

static void ask(const struct wb_breakpad_sym *sym, uint64_t offset)
{
	struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX];
	struct wb_breakpad_function function = { 0 };
	struct wb_breakpad_line line;
	struct wb_breakpad_cfi cfi;
	struct wb_breakpad_win win;

	if (wb_breakpad_function(sym, offset, &function)) {
		FUZZ_ASSERT(function.start <= offset && (!function.size || offset - function.start < function.size));
		FUZZ_ASSERT(strlen(function.name) <= wb_breakpad_bytes(sym));
		wb_breakpad_line(sym, &function, offset, &line);
		FUZZ_ASSERT(wb_breakpad_inlines(sym, &function, offset, calls) <= WB_BREAKPAD_INLINES_MAX);
	}
	if (wb_breakpad_cfi(sym, offset, &cfi)) {
		FUZZ_ASSERT(cfi.start <= offset && offset < cfi.end);
		while (wb_breakpad_next_change(sym, &cfi, offset))
			;
	}
	if (wb_breakpad_win(sym, offset, &win))
		FUZZ_ASSERT(win.start <= offset && offset < win.end);
}

struct file { const uint8_t *bytes; size_t size; struct wb_source source; };

static enum wb_err read_file(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct file *file = arg;
	size_t left = offset < file->size ? file->size - (size_t)offset : 0;

	*ret_got = left < count ? left : count;
	if (*ret_got)
		memcpy(buffer, file->bytes + offset, *ret_got);
	return WB_OK;
}

static enum wb_err find_file(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct file *file = arg;

	if (nth || query->role != WB_FILE_SYMBOLS)
		return WB_NONE;
	file->source = (struct wb_source){ .size = sizeof file->source, .length = file->size, .arg = file, .read = read_file };
	memcpy(ret_candidate->path, "fuzz", 5);
	ret_candidate->source = &file->source;
	ret_candidate->forced = 1;
	return WB_OK;
}

/* The file is the symbols of a module at 0x10000, in which a frame stands at its start. */
static size_t walk(const uint8_t *bytes, size_t size, enum wb_arch arch, struct wb_frame *frames, struct wb_stop *stop)
{
	static const uint8_t stack[256] = { 0x10, 0, 1, 0, 0, 0, 0, 0, 0x20, 0, 1, 0, 0, 0, 0, 0, 0x30, 0, 1 };
	struct wb_platform platform = { .arch = arch, .os = WB_OS_LINUX };
	struct wb_identity identity = { .size = sizeof identity, .platform = platform, .path = "fuzz", .debug_id = "FUZZ" };
	struct wb_mapping mapping = { .size = sizeof mapping, .start = 0x10000, .end = 0x20000, .base = 0x10000, .prot = WB_PROT_READ | WB_PROT_EXEC };
	struct wb_reg regs[] = { { .number = WB_REG_PC, .value = 0x10010 }, { .number = arch == WB_ARCH_X86 ? 4 : 7, .value = 0x7000 },
	                         { .number = arch == WB_ARCH_X86 ? 5 : 6, .value = 0x7010 } };
	struct file file = { .bytes = bytes, .size = size };
	struct wb_space *space, *mapped;
	struct wb_session *session;
	/* A small cache: most of the time would go into making a large one. */
	struct wb_walker_opts opts = { .size = sizeof opts, .row_cache_entries = 16 };
	struct wb_walker *walker;
	size_t count;

	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK && wb_session_add_finder(session, find_file, &file, NULL) == WB_OK);
	FUZZ_ASSERT(wb_image_new(session, &identity, &mapping.image) == WB_OK);
	FUZZ_ASSERT(wb_space_new(session, &platform, &space) == WB_OK && wb_space_map(space, &mapping, 1, &mapped) == WB_OK);
	FUZZ_ASSERT(wb_walker_new(session, &opts, &walker) == WB_OK);
	FUZZ_ASSERT(wb_walk_stack(walker, mapped, regs, 3, 0x7000, stack, sizeof stack, frames, sizeof *frames, FRAMES, &count, stop) == WB_OK);
	wb_walker_free(walker);
	wb_space_unref(mapped);
	wb_space_unref(space);
	wb_image_unref(mapping.image);
	wb_session_free(session);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_breakpad_sym *sym;
	struct wb_frame frames[FRAMES], again[FRAMES];
	struct wb_stop stop, stop_again;
	size_t count;

	if (wb_breakpad_read(NULL, "fuzz", bytes, size, &sym) != WB_OK)
		return 0;
	for (uint64_t i = 0; i < OFFSETS; i++)
		ask(sym, i * 8);
	wb_breakpad_free(sym);
	for (int arch = WB_ARCH_X86_64; arch <= WB_ARCH_X86; arch++) {
		count = walk(bytes, size, (enum wb_arch)arch, frames, &stop);
		FUZZ_ASSERT(walk(bytes, size, (enum wb_arch)arch, again, &stop_again) == count && stop.reason == stop_again.reason);
		for (size_t i = 0; i < count; i++)
			FUZZ_ASSERT(frames[i].pc == again[i].pc && frames[i].how == again[i].how);
	}
	return 0;
}
