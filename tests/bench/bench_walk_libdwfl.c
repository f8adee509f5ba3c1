/* SPDX-License-Identifier: MIT */
/*
 * elfutils' libdwfl with its handle kept: modules are reported once, the process is attached once, and each sample is one
 * dwfl_getthread_frames with registers and memory from the sample. Debug files are found as dwfl finds them by default.
 */
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_walk.h"

struct state {
	const struct flat *flat;
	const struct flat_sample *sample;
	Dwfl *dwfl;
	uint64_t *pcs;
	size_t count;
};

static pid_t next_thread(Dwfl *dwfl, void *arg, void **ret_thread_arg)
{
	(void)dwfl;
	if (*ret_thread_arg)
		return 0;
	*ret_thread_arg = arg;
	return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **ret_thread_arg)
{
	(void)dwfl, (void)tid;
	*ret_thread_arg = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *result, void *arg)
{
	struct state *state = arg;

	(void)dwfl;
	return flat_word(state->flat, state->sample, address, result) == 0;
}

static bool set_initial_registers(Dwfl_Thread *thread, void *arg)
{
	struct state *state = arg;

	return dwfl_thread_state_registers(thread, 0, FLAT_REGS, state->sample->regs);
}

static int on_frame(Dwfl_Frame *frame, void *arg)
{
	struct state *state = arg;
	Dwarf_Addr pc;
	bool is_activation;

	if (!dwfl_frame_pc(frame, &pc, &is_activation))
		return -1;
	if (state->pcs)
		state->pcs[state->count] = is_activation ? pc : pc - 1;
	state->count++;
	return state->count < BENCH_MAX_FRAMES ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static int report_modules(struct state *state)
{
	dwfl_report_begin(state->dwfl);
	for (size_t i = 0; i < state->flat->num_files; i++) {
		const struct flat_file *file = &state->flat->files[i];

		/* dwfl keeps the descriptor; files that are no ELF are refused, which is fine. */
		if (file->bytes)
			dwfl_report_elf(state->dwfl, file->path, file->path, dup(file->fd), file->bias, true);
	}
	return dwfl_report_end(state->dwfl, NULL, NULL);
}

static int engine_open(const struct flat *flat, void **ret_state)
{
	static char *debuginfo_path;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &debuginfo_path,
	};
	static const Dwfl_Thread_Callbacks thread_callbacks = {
		.next_thread = next_thread,
		.get_thread = get_thread,
		.memory_read = memory_read,
		.set_initial_registers = set_initial_registers,
	};
	struct state *state = calloc(1, sizeof(*state));

	if (!state || !(state->dwfl = dwfl_begin(&callbacks)))
		return -1;
	state->flat = flat;
	if (report_modules(state) != 0 || !dwfl_attach_state(state->dwfl, NULL, getpid(), &thread_callbacks, state)) {
		fprintf(stderr, "libdwfl: %s\n", dwfl_errmsg(-1));
		return -1;
	}
	*ret_state = state;
	return 0;
}

static size_t engine_walk(void *arg, const struct flat_sample *sample, uint64_t *pcs, int *ret_complete)
{
	struct state *state = arg;

	state->sample = sample;
	state->pcs = pcs;
	state->count = 0;
	*ret_complete = dwfl_getthread_frames(state->dwfl, 1, on_frame, state) == 0;
	return state->count;
}

int main(int argc, char **argv)
{
	static const struct bench_engine engine = { .name = "libdwfl", .open = engine_open, .walk = engine_walk };

	return bench_walk_main(argc, argv, &engine);
}
