/* SPDX-License-Identifier: MIT */
/*
 * Walkback itself, through the public headers alone: one space with the flat file's mappings, one walker, one wb_walk a sample.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <walkback/walkback.h>

#include "bench_walk.h"

enum {
	BLOCK = 64,                   /* samples in one call */
	REGS_AHEAD = 8,
};

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

/* A flat sample as the library takes it. */
struct taken {
	struct wb_reg regs[FLAT_REGS];
	struct wb_context context;
	struct wb_region region;
	struct wb_sample sample;
};

static void take(const struct flat_sample *flat, struct taken *ret)
{
	for (uint32_t i = 0; i < FLAT_REGS; i++)
		ret->regs[i] = (struct wb_reg){ .number = i, .value = flat->regs[i] };
	ret->context = (struct wb_context){ .regs = ret->regs, .num_regs = FLAT_REGS, .pc_kind = WB_PC_EXACT };
	ret->region = (struct wb_region){ .address = flat->stack_address, .bytes = flat_stack(flat), .size = flat->stack_size };
	ret->sample = (struct wb_sample){
		.size = sizeof(ret->sample), .contexts = &ret->context, .num_contexts = 1, .regions = &ret->region, .num_regions = 1,
	};
}

static void take_pcs(const struct wb_frame *frames, size_t count, uint64_t *pcs)
{
	for (size_t i = 0; i < count; i++)
		pcs[i] = frames[i].lookup_pc;
}

static size_t engine_walk(void *arg, const struct flat_sample *sample, uint64_t *pcs, int *ret_complete)
{
	struct state *state = arg;
	struct taken taken;
	struct wb_stop stop;
	size_t count;

	take(sample, &taken);
	if (wb_walk(state->walker, state->space, &taken.sample, state->frames, sizeof(state->frames[0]), BENCH_MAX_FRAMES, &count, &stop))
		return 0;
	if (pcs)
		take_pcs(state->frames, count, pcs);
	*ret_complete = stop.reason == WB_STOP_ROOT;
	return count;
}

struct many {
	size_t first;                 /* number of the first sample of the block */
	bench_walked_fn fn;
	void *arg;
	bool wants_pcs;
};

static enum wb_err on_walked(void *arg, size_t index, const struct wb_frame *frames, size_t count, const struct wb_stop *stop)
{
	static uint64_t pcs[BENCH_MAX_FRAMES];
	const struct many *many = arg;

	if (many->wants_pcs)
		take_pcs(frames, count, pcs);
	many->fn(many->arg, many->first + index, pcs, count, stop->reason == WB_STOP_ROOT);
	return WB_OK;
}

static void prefetch_regs(const struct flat_sample *sample)
{
	for (size_t i = 0; i < FLAT_REGS; i += 8)
		__builtin_prefetch(&sample->regs[i]);
}

/* In blocks, as a capture gives them. The registers of a sample are asked for early, as its reader would have just written them. */
static void engine_walk_many(void *arg, const struct flat_sample *const *samples, size_t count, bool wants_pcs, bench_walked_fn fn, void *fn_arg)
{
	static struct taken taken[BLOCK];
	static struct wb_walk_item items[BLOCK];
	struct state *state = arg;
	struct many many = { .fn = fn, .arg = fn_arg, .wants_pcs = wants_pcs };

	for (; many.first < count; many.first += BLOCK) {
		size_t block = count - many.first < BLOCK ? count - many.first : BLOCK;

		for (size_t i = 0; i < block; i++) {
			if (i + REGS_AHEAD < block)
				prefetch_regs(samples[many.first + i + REGS_AHEAD]);
			take(samples[many.first + i], &taken[i]);
			items[i] = (struct wb_walk_item){ state->space, &taken[i].sample };
		}
		wb_walk_many(state->walker, items, block, state->frames, sizeof(state->frames[0]), BENCH_MAX_FRAMES, on_walked, &many);
	}
}

static void engine_forget(void *arg)
{
	struct state *state = arg;

	wb_walker_drop_rows(state->walker);
}

int main(int argc, char **argv)
{
	static const struct bench_engine engine = {
		.name = "walkback", .open = engine_open, .walk = engine_walk, .walk_many = engine_walk_many, .forget = engine_forget,
	};

	return bench_walk_main(argc, argv, &engine);
}
