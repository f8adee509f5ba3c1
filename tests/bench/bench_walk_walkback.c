/* SPDX-License-Identifier: MIT */
/*
 * Walkback itself, through the public headers alone: one space with the flat file's mappings, one walker, one wb_walk a sample.
 */
#include <stdio.h>
#include <stdlib.h>

#include <walkback/walkback.h>

#include "bench_walk.h"

struct state {
	struct wb_session *session;
	struct wb_space *space;
	struct wb_walker *walker;
	struct wb_frame frames[BENCH_MAX_FRAMES];
};

static void on_diag(void *arg, const struct wb_diag *diag)
{
	char line[512];

	(void)arg;
	wb_diag_format(diag, line, sizeof(line));
	fprintf(stderr, "walkback: %s\n", line);
}

static enum wb_err make_space(struct state *state, const struct flat *flat)
{
	static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };
	struct wb_mapping *mappings = calloc(flat->num_maps + 1, sizeof(*mappings));
	struct wb_space *empty = NULL;
	enum wb_err err = mappings ? wb_space_new(state->session, &platform, &empty) : WB_ERR_MEMORY;

	for (size_t i = 0; i < flat->num_maps && !err; i++)
		mappings[i] = (struct wb_mapping){
			.size = sizeof(*mappings),
			.start = flat->maps[i].start,
			.end = flat->maps[i].end,
			.file_offset = flat->maps[i].file_offset,
			.prot = flat->maps[i].prot, /* the same bits */
			.path = flat_map_path(flat, &flat->maps[i]),
		};
	if (!err)
		err = wb_space_map(empty, mappings, flat->num_maps, &state->space);
	wb_space_unref(empty);
	free(mappings);
	return err;
}

static int engine_open(const struct flat *flat, void **ret_state)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .diag = on_diag, .files_are_stable = 1, .trust_unverified = 1 };
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return -1;
	enum wb_err err = wb_session_new(&opts, &state->session);
	if (!err)
		err = wb_session_add_host_paths(state->session);
	if (!err)
		err = wb_session_add_debug_dir(state->session, "/usr/lib/debug");
	if (!err)
		err = make_space(state, flat);
	if (!err)
		err = wb_walker_new(state->session, NULL, &state->walker);
	if (err) {
		fprintf(stderr, "walkback: %s\n", wb_err_text(err));
		return -1;
	}
	*ret_state = state;
	return 0;
}

static size_t engine_walk(void *arg, const struct flat_sample *sample, uint64_t *pcs, int *ret_complete)
{
	struct state *state = arg;
	struct wb_reg regs[FLAT_REGS];
	struct wb_context context = { .regs = regs, .num_regs = FLAT_REGS, .pc_kind = WB_PC_EXACT };
	struct wb_region region = { .address = sample->stack_address, .bytes = flat_stack(sample), .size = sample->stack_size };
	struct wb_sample input = {
		.size = sizeof(input), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1,
	};
	struct wb_stop stop;
	size_t count;

	for (uint32_t i = 0; i < FLAT_REGS; i++)
		regs[i] = (struct wb_reg){ .number = i, .value = sample->regs[i] };
	if (wb_walk(state->walker, state->space, &input, state->frames, sizeof(state->frames[0]), BENCH_MAX_FRAMES, &count, &stop))
		return 0;
	for (size_t i = 0; pcs && i < count; i++)
		pcs[i] = state->frames[i].lookup_pc;
	*ret_complete = stop.reason == WB_STOP_ROOT;
	return count;
}

static void engine_forget(void *arg)
{
	struct state *state = arg;

	wb_walker_drop_rows(state->walker);
}

int main(int argc, char **argv)
{
	static const struct bench_engine engine = {
		.name = "walkback", .open = engine_open, .walk = engine_walk, .forget = engine_forget,
	};

	return bench_walk_main(argc, argv, &engine);
}
